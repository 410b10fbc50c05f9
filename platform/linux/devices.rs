//! Devices that come and go: uevents of the kernel, and directories of nodes.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recvfrom, socket};
use svc_core::service::Device;

use super::poll::{Interest, Poller};
use super::uevent;
pub use crate::device::{Hint, Identity, Sight};
use crate::sys::because;

/// What tells of devices here, as messages name it.
pub const SOURCE: &str = "the kernel's uevents";

/// The group to which the kernel speaks; udev speaks to the next.
const KERNEL: u32 = 1;
/// A message is at most a page of keys.
const MESSAGE_BYTES_MAX: usize = 16 * 1024;

/// News of devices. Readable when there are some.
#[derive(Debug)]
pub struct Devices {
    both: Poller,
    events: OwnedFd,
    nodes: Inotify,
}

impl Devices {
    /// Listens from now on.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left; it has no netlink, or a sandbox forbids it.
    ///
    /// Source: netlink(7), `NETLINK_KOBJECT_UEVENT`; inotify(7).
    pub fn open() -> io::Result<Self> {
        let (flags, protocol) = (SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, SockProtocol::NetlinkKObjectUEvent);
        let named = |error: Errno| because(&error.into(), SOURCE);
        let events = socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol).map_err(named)?;
        bind(events.as_raw_fd(), &NetlinkAddr::new(0, KERNEL)).map_err(named)?;
        let nodes = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let both = Poller::new()?;
        both.add(&events, 0, Interest::READ)?;
        both.add(&nodes, 1, Interest::READ)?;
        Ok(Self { both, events, nodes })
    }

    /// From now on also hears of this device what the kernel does not say: a node or a link that somebody makes, and
    /// that udev is done with it. What is minded already stays so; a directory that comes later is news itself, and
    /// after news all are to be minded again.
    pub fn mind(&mut self, device: &Device) {
        let Device::Node(path) = device else { return };
        let there = |path: &&Path| path.is_dir();
        let nearest = Path::new(path).ancestors().skip(1).find(there);
        let udev = Some(Path::new(UDEV_DATA)).filter(there);
        for place in nearest.into_iter().chain(udev) {
            // It may be gone again, which is news of the directory above.
            let _ = self.nodes.add_watch(place, comings());
        }
    }

    /// What has been heard.
    ///
    /// # Errors
    ///
    /// The kernel's own: then it is to be opened anew.
    ///
    /// Source: netlink(7), inotify(7).
    pub fn hear(&mut self) -> io::Result<Vec<Hint>> {
        let mut hints = Vec::new();
        let mut bytes = vec![0; MESSAGE_BYTES_MAX];
        loop {
            match recvfrom::<NetlinkAddr>(self.events.as_raw_fd(), &mut bytes) {
                // Any process may speak to the group; only the kernel has no port.
                Ok((length, Some(from))) if from.pid() == 0 => hints.extend(uevent::parse(&bytes[..length])),
                Ok(_) | Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => break,
                Err(Errno::ENOBUFS) => hints.push(Hint::Unsure),
                Err(error) => return Err(because(&error.into(), SOURCE)),
            }
        }
        loop {
            match self.nodes.read_events() {
                Ok(_) => hints.push(Hint::Unsure),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(hints),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What there is of a device now.
    pub fn look(&self, device: &Device) -> Sight {
        look(device)
    }
}

impl AsFd for Devices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.both.as_fd()
    }
}

/// What there is of a device now, for who does not listen.
///
/// Where udev runs, a device of the kernel is there once udev has written it down: its rules have set the owner, the
/// mode and the links of the node then.
///
/// Source: stat(2), if_nametoindex(3), sd_device_get_is_initialized(3).
pub fn look(device: &Device) -> Sight {
    match device {
        Device::Node(path) => look_at_node(Path::new(path), Path::new("/")),
        Device::Interface(name) => match if_nametoindex(name.as_str()) {
            Ok(index) => Sight::There(Identity { object: [u64::from(index), 0, 0], turn: 0 }),
            Err(_) => Sight::Absent,
        },
    }
}

const UDEV_DATA: &str = "/run/udev/data";

fn comings() -> AddWatchFlags {
    AddWatchFlags::IN_CREATE
        | AddWatchFlags::IN_DELETE
        | AddWatchFlags::IN_MOVED_TO
        | AddWatchFlags::IN_MOVED_FROM
        | AddWatchFlags::IN_DELETE_SELF
        | AddWatchFlags::IN_ONLYDIR
}

fn look_at_node(path: &Path, root: &Path) -> Sight {
    let Ok(found) = fs::metadata(path) else { return Sight::Absent };
    let kind = found.file_type();
    if !kind.is_char_device() && !kind.is_block_device() {
        return Sight::Absent;
    }
    let class = if kind.is_block_device() { "block" } else { "char" };
    let number = format!("{}:{}", libc::major(found.rdev()), libc::minor(found.rdev()));
    // A node that somebody made by hand is no business of udev's.
    let is_udevs = root.join("run/udev/control").exists() && root.join("sys/dev").join(class).join(&number).exists();
    let identity = Identity { object: [found.dev(), found.ino(), found.rdev()], turn: 0 };
    if is_udevs && !root.join("run/udev/data").join(format!("{}{number}", &class[..1])).exists() {
        return Sight::Settling(identity);
    }
    Sight::There(identity)
}

/// How long a node waits for udev before it is taken as it is.
pub const SETTLE_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::sys::skipped;

    const ASKED: &str = "/sys/devices/virtual/mem/null/uevent";

    fn device(text: &str) -> Device {
        Device::parse(text).unwrap()
    }

    /// Hears until this is among it.
    fn heard(devices: &mut Devices, what: &Hint) -> bool {
        let (begin, mut ready) = (Instant::now(), Vec::new());
        let mut outer = Poller::new().unwrap();
        outer.add(devices.as_fd(), 7, Interest::READ).unwrap();
        while begin.elapsed() < Duration::from_secs(60) {
            outer.wait(Some(Duration::from_secs(5)), &mut ready).unwrap();
            if devices.hear().unwrap().contains(what) {
                return true;
            }
        }
        false
    }

    #[test]
    fn the_kernel_is_heard_and_what_is_there_is_seen() {
        assert!(matches!(look(&device("net:lo")), Sight::There(_)) && look(&device("net:none0")) == Sight::Absent);
        assert!(matches!(look(&device("/dev/null")), Sight::There(_) | Sight::Settling(_)));
        assert_eq!(look(&device("/dev/none")), Sight::Absent);
        let mut devices = Devices::open().unwrap();
        devices.mind(&device("/dev/none"));
        // The kernel says again of a device that it came, where it is asked to.
        match fs::write(ASKED, "add") {
            Ok(()) => assert!(heard(&mut devices, &Hint::Came(device("/dev/null")))),
            Err(error) => skipped(format_args!("a uevent: {ASKED}: {error}")),
        }
    }

    #[test]
    fn a_node_that_somebody_makes_is_heard_of_in_its_directory() {
        let place = tempfile::Builder::new().prefix("svc").tempdir_in("/dev/shm");
        let Ok(place) = place else { return skipped(format_args!("a node in /dev/shm: it cannot be written")) };
        let link = device(place.path().join("by-id/gps").to_str().unwrap());
        let mut devices = Devices::open().unwrap();
        devices.mind(&link);
        assert_eq!(devices.look(&link), Sight::Absent);
        fs::create_dir(place.path().join("by-id")).unwrap();
        assert!(heard(&mut devices, &Hint::Unsure));
        devices.mind(&link);
        std::os::unix::fs::symlink("/dev/null", place.path().join("by-id/gps")).unwrap();
        assert!(heard(&mut devices, &Hint::Unsure));
        assert_ne!(devices.look(&link), Sight::Absent);
        fs::remove_file(place.path().join("by-id/gps")).unwrap();
        assert!(heard(&mut devices, &Hint::Unsure));
        assert_eq!(devices.look(&link), Sight::Absent);
    }

    #[test]
    fn a_node_is_there_when_udev_has_written_it_down() {
        let root = tempfile::tempdir().unwrap();
        let see = || look_at_node(Path::new("/dev/null"), root.path());
        let make = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        };
        let is_there = |sight| matches!(sight, Sight::There(_));
        assert!(is_there(see()), "no udev");
        make("run/udev/control");
        assert!(is_there(see()), "no device of the kernel");
        make("sys/dev/char/1:3");
        assert!(matches!(see(), Sight::Settling(_)));
        make("run/udev/data/c1:3");
        assert!(is_there(see()));
        assert_eq!(look_at_node(root.path(), root.path()), Sight::Absent, "a directory is no node");
    }
}
