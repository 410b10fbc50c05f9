//! Devices that come and go: the events of devd(8).

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::time::Duration;

use nix::errno::Errno;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, UnixAddr, connect, recv, socket};
use svc_core::service::Device;

pub use crate::device::{Hint, Identity, Sight};
use crate::freebsd_pure::devctl;
use crate::sys::because;

/// What tells of devices here, as messages name it.
pub const SOURCE: &str = "devd(8)";

/// Where devd hands on what the kernel says, one event in each packet.
const PIPE: &str = "/var/run/devd.seqpacket.pipe";
/// An event is at most a kilobyte of keys.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// News of devices. Readable when there are some.
#[derive(Debug)]
pub struct Devices {
    events: OwnedFd,
    /// How often each was heard to go: numbers of nodes and interfaces are given out again.
    turns: BTreeMap<Device, u64>,
}

impl Devices {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// `NotFound` and `ConnectionRefused` where devd does not run; the kernel's own.
    ///
    /// Source: devd(8).
    pub fn open() -> io::Result<Self> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let events = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None::<SockProtocol>)?;
        connect(events.as_raw_fd(), &UnixAddr::new(PIPE)?).map_err(|error| because(&error.into(), PIPE))?;
        Ok(Self { events, turns: BTreeMap::new() })
    }

    /// Hears of this device what devd does not say. It says everything: nodes are only made by the kernel.
    pub fn mind(&mut self, _device: &Device) {}

    /// What has been heard.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` where devd has ended, or found that we do not listen fast enough; the kernel's own. Then it is
    /// to be opened anew.
    ///
    /// Source: devd(8), recv(2).
    pub fn hear(&mut self) -> io::Result<Vec<Hint>> {
        let mut hints = Vec::new();
        let mut bytes = vec![0; MESSAGE_BYTES_MAX];
        loop {
            match recv(self.events.as_raw_fd(), &mut bytes, MsgFlags::empty()) {
                Ok(0) => return Err(because(&io::ErrorKind::UnexpectedEof.into(), PIPE)),
                Ok(length) => {
                    let text = String::from_utf8_lossy(&bytes[..length]);
                    hints.extend(text.lines().flat_map(devctl::parse));
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(error) => return Err(because(&error.into(), PIPE)),
            }
        }
        for hint in &hints {
            if let Hint::Gone(device) = hint {
                *self.turns.entry(device.clone()).or_default() += 1;
            }
        }
        Ok(hints)
    }

    /// What there is of a device now.
    pub fn look(&self, device: &Device) -> Sight {
        match (look(device), self.turns.get(device)) {
            (Sight::There(identity), Some(&turn)) => Sight::There(Identity { turn, ..identity }),
            (sight, _) => sight,
        }
    }
}

impl AsFd for Devices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

/// What there is of a device now, for who does not listen. The kernel makes a node with the owner and the mode that the
/// rules of devfs(8) give it.
///
/// Source: stat(2), if_nametoindex(3).
pub fn look(device: &Device) -> Sight {
    match device {
        Device::Node(path) => match fs::metadata(path) {
            Ok(found) if found.file_type().is_char_device() || found.file_type().is_block_device() => {
                Sight::There(Identity { object: [found.dev(), found.ino(), found.rdev()], turn: 0 })
            }
            Ok(_) | Err(_) => Sight::Absent,
        },
        Device::Interface(name) => match if_nametoindex(name.as_str()) {
            Ok(index) => Sight::There(Identity { object: [u64::from(index), 0, 0], turn: 0 }),
            Err(_) => Sight::Absent,
        },
    }
}

/// How long a node may take to get its owner and mode: it has them at once.
pub const SETTLE_MAX: Duration = Duration::ZERO;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_seen_and_where_devd_is_missing_it_is_named() {
        let device = |text| Device::parse(text).unwrap();
        assert!(matches!(look(&device("net:lo0")), Sight::There(_)) && look(&device("net:none0")) == Sight::Absent);
        assert!(matches!(look(&device("/dev/null")), Sight::There(_)));
        assert_eq!(look(&device("/dev/none")), Sight::Absent);
        match Devices::open() {
            Ok(mut devices) => assert!(devices.hear().is_ok()),
            Err(error) => assert!(error.to_string().contains(PIPE), "{error}"),
        }
    }
}
