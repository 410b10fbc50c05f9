//! The devices that a unit lives with (`BindsTo=`), as key `devices` has them.

use svc_core::service::Device;

/// Where systemd has network interfaces among its devices.
const INTERFACES: &str = "/sys/subsystem/net/devices/";

/// The device that a unit of systemd stands for; `None`: it is none that a service of ours can live with.
///
/// Source: systemd.device(5); systemd.unit(5), "String Escaping for Inclusion in Unit Names".
pub(super) fn device(unit: &str) -> Option<Device> {
    let path = unescaped(unit.strip_suffix(".device")?)?;
    match path.strip_prefix(INTERFACES) {
        Some(name) => Device::parse(&format!("net:{name}")).ok(),
        None => Device::parse(&path).ok(),
    }
}

/// The path in a unit's name: `-` stands for a slash, `\x2d` for the character with that number.
fn unescaped(name: &str) -> Option<String> {
    let mut path = vec![b'/'];
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        path.push(match byte {
            b'-' => b'/',
            b'\\' => {
                let digits = [rest.next()?, rest.next()?, rest.next()?];
                let digits = str::from_utf8(&digits).ok()?.strip_prefix('x')?;
                u8::from_str_radix(digits, 16).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(path).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_and_an_interface_have_their_own_spelling() {
        for (unit, ours) in [
            ("dev-ttyUSB0.device", Some("/dev/ttyUSB0")),
            ("dev-serial-by\\x2did-usb\\x2dx.device", Some("/dev/serial/by-id/usb-x")),
            ("sys-subsystem-net-devices-eth1.device", Some("net:eth1")),
            ("sys-subsystem-net-devices-br\\x2dlan.device", Some("net:br-lan")),
            ("sys-subsystem-net-devices-.device", None),
            ("sys-devices-virtual-block-loop0.device", None),
            ("dev-x\\xzz.device", None),
            ("dev-x\\x2", None),
            ("network.target", None),
        ] {
            assert_eq!(device(unit).map(|device| device.to_string()).as_deref(), ours, "{unit}");
        }
    }
}
