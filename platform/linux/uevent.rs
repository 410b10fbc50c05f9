//! What the kernel says of devices: its uevents as text.

use svc_core::service::Device;

use crate::device::Hint;

/// Reads one message of the kernel: `ACTION@PATH`, then `KEY=VALUE`, each ended by a zero byte. Of what is neither the
/// coming nor the going of a node or an interface nothing is told.
///
/// Source: lib/kobject_uevent.c of Linux; udev(7) for the keys.
pub(super) fn parse(message: &[u8]) -> Vec<Hint> {
    let mut parts = message.split(|byte| *byte == 0);
    // The messages of udev itself begin in another way.
    if !parts.next().is_some_and(|head| head.contains(&b'@')) {
        return Vec::new();
    }
    let parts: Vec<&str> = parts.filter_map(|part| std::str::from_utf8(part).ok()).collect();
    let value = |key: &str| parts.iter().find_map(|part| part.strip_prefix(key)?.strip_prefix('='));
    let device = match (value("SUBSYSTEM"), value("INTERFACE"), value("DEVNAME")) {
        (Some("net"), Some(name), _) => interface(name),
        (_, _, Some(name)) => Device::parse(&format!("/dev/{}", name.trim_start_matches("/dev/"))).ok(),
        _ => None,
    };
    let old = || value("DEVPATH_OLD").and_then(|path| path.rsplit('/').next()).and_then(interface);
    match (value("ACTION"), device) {
        (Some("add"), Some(device)) => vec![Hint::Came(device)],
        (Some("remove"), Some(device)) => vec![Hint::Gone(device)],
        // An interface gets another name.
        (Some("move"), Some(device)) => old().map(Hint::Gone).into_iter().chain([Hint::Came(device)]).collect(),
        (_, _) => Vec::new(),
    }
}

fn interface(name: &str) -> Option<Device> {
    Device::parse(&format!("net:{name}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTY: &str = "add@/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0|ACTION=add|\
        DEVPATH=/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0|SUBSYSTEM=tty|MAJOR=188|MINOR=0|\
        DEVNAME=ttyUSB0|SEQNUM=4711|";
    const DISK: &str = "remove@/devices/virtual/block/loop7|ACTION=remove|DEVPATH=/devices/virtual/block/loop7|\
        SUBSYSTEM=block|MAJOR=7|MINOR=7|DEVNAME=loop7|DEVTYPE=disk|SEQNUM=4712|";
    const EVENT: &str = "add@/devices/virtual/input/input9/event4|ACTION=add|\
        DEVPATH=/devices/virtual/input/input9/event4|SUBSYSTEM=input|MAJOR=13|MINOR=68|DEVNAME=input/event4|SEQNUM=9|";
    const ADDED: &str = "add@/devices/virtual/net/eth1|ACTION=add|DEVPATH=/devices/virtual/net/eth1|SUBSYSTEM=net|\
        INTERFACE=eth1|IFINDEX=5|SEQNUM=4713|";
    const MOVED: &str = "move@/devices/virtual/net/wan0|ACTION=move|DEVPATH=/devices/virtual/net/wan0|SUBSYSTEM=net|\
        DEVPATH_OLD=/devices/virtual/net/eth1|INTERFACE=wan0|IFINDEX=5|SEQNUM=4714|";
    const QUEUE: &str = "add@/devices/virtual/net/eth1/queues/rx-0|ACTION=add|\
        DEVPATH=/devices/virtual/net/eth1/queues/rx-0|SUBSYSTEM=queues|SEQNUM=4715|";
    const MEDIUM: &str = "change@/devices/virtual/block/sr0|ACTION=change|DEVPATH=/devices/virtual/block/sr0|\
        SUBSYSTEM=block|DISK_MEDIA_CHANGE=1|MAJOR=11|MINOR=0|DEVNAME=sr0|DEVTYPE=disk|SEQNUM=4716|";

    fn message(text: &str) -> Vec<u8> {
        text.replace('|', "\0").into_bytes()
    }

    fn device(text: &str) -> Device {
        Device::parse(text).unwrap()
    }

    #[test]
    fn what_comes_and_goes_is_named_as_a_definition_has_it() {
        let (came, gone) = (|text| Hint::Came(device(text)), |text| Hint::Gone(device(text)));
        for (text, hints) in [
            (TTY, vec![came("/dev/ttyUSB0")]),
            (DISK, vec![gone("/dev/loop7")]),
            (EVENT, vec![came("/dev/input/event4")]),
            (ADDED, vec![came("net:eth1")]),
            (MOVED, vec![gone("net:eth1"), came("net:wan0")]),
            (QUEUE, vec![]),
            (MEDIUM, vec![]),
            ("libudev|ACTION=add|SUBSYSTEM=net|INTERFACE=eth1|", vec![]),
            ("add@/x|ACTION=add|SUBSYSTEM=net|INTERFACE=../up|", vec![]),
            ("add@/x|ACTION=add|SUBSYSTEM=mem|DEVNAME=../etc/passwd|", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(&message(text)), hints, "{text}");
        }
    }

    /// Bytes that are turned, cut and doubled in every place of every sample make no panic, and name nothing that a
    /// definition could not.
    #[test]
    fn a_spoiled_message_names_devices_or_nothing() {
        let mut state = 0x2545_F491_4F6C_DD1Du64;
        let mut roll = |sides: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % sides as u64) as usize
        };
        let mut named = 0;
        for round in 0..20_000 {
            let mut bytes = message([TTY, DISK, EVENT, ADDED, MOVED, QUEUE, MEDIUM][round % 7]);
            for _ in 0..1 + roll(4) {
                let at = roll(bytes.len());
                match roll(4) {
                    0 => bytes[at] = roll(256) as u8,
                    1 => bytes.truncate(at.max(1)),
                    2 => bytes.insert(at, bytes[roll(bytes.len())]),
                    _ => drop(bytes.remove(at)),
                }
                if bytes.is_empty() {
                    bytes.push(0);
                }
            }
            for hint in parse(&bytes) {
                let (Hint::Came(device) | Hint::Gone(device)) = hint else { panic!("an exact message: {hint:?}") };
                assert_eq!(Device::parse(&device.to_string()).as_ref(), Ok(&device));
                named += 1;
            }
        }
        assert!(named > 1_000, "the samples are spoiled beyond use: {named}");
    }
}
