//! A device that a service lives with.

use alloc::format;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

/// The directory of device nodes.
const NODES: &str = "/dev/";
/// What stands before the name of a network interface.
const INTERFACE: &str = "net:";
/// The longest name of a network interface, in bytes (`IFNAMSIZ` on both systems, without the zero).
pub const INTERFACE_BYTES_MAX: usize = 15;

/// Something that comes and goes by itself. One of key `devices`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Device {
    /// A device node, by its path below `/dev`, or by a link there that leads to it.
    Node(String),
    /// A network interface, by its name.
    Interface(String),
}

impl Device {
    /// Reads a device as a file has it: `/dev/ttyUSB0`, `net:eth1`.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(name) = text.strip_prefix(INTERFACE) {
            let good = |found: char| found.is_ascii_graphic() && found != '/' && found != ':';
            return match name {
                "" | "." | ".." => Err("`net:` is followed by the name of an interface: \"net:eth1\""),
                name if name.len() > INTERFACE_BYTES_MAX => Err("the name of an interface has at most 15 characters"),
                name if !name.chars().all(good) => Err("an interface has no such name"),
                name => Ok(Self::Interface(name.into())),
            };
        }
        let parts = text.strip_prefix(NODES).ok_or("write the path of a node below /dev, or \"net:NAME\"")?;
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        if !parts.split('/').all(plain) || parts.contains('\0') {
            return Err("write the whole path of one node, without `.`, `..` or a slash too many");
        }
        Ok(Self::Node(text.into()))
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(path) => f.write_str(path),
            Self::Interface(name) => write!(f, "{INTERFACE}{name}"),
        }
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        match device {
            Device::Node(path) => path,
            Device::Interface(name) => format!("{INTERFACE}{name}"),
        }
    }
}

impl TryFrom<String> for Device {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_device_is_a_node_below_dev_or_an_interface() {
        for text in ["/dev/ttyUSB0", "/dev/serial/by-id/usb-Acme_GPS-if00", "/dev/gpio.1", "net:eth1", "net:br-0.12"] {
            let device = Device::parse(text).unwrap();
            assert_eq!((device.to_string().as_str(), String::from(device.clone()).as_str()), (text, text));
            assert_eq!(matches!(device, Device::Interface(_)), text.starts_with("net:"));
        }
        for text in [
            "",
            "ttyUSB0",
            "/dev",
            "/dev/",
            "/dev//a",
            "/dev/../etc/passwd",
            "/dev/a/",
            "/etc/passwd",
            "net:",
            "net:..",
            "net:a/b",
            "net:a b",
            "net:sixteen-letters_",
            "usb:1234:5678",
        ] {
            assert!(Device::parse(text).is_err(), "{text}");
        }
    }
}
