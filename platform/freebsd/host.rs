//! The machine or jail we are on, and what only its first process may do to it.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use nix::errno::Errno;
use nix::mount::{MntFlags, Nmount};
use nix::unistd::{AccessFlags, access};
use svc_core::definition::System;

use super::sysctl;
pub use crate::start::{
    End, Kind, Places, become_program, fill_standard_descriptors, is_process_1, lead_console, name, says_to_nobody,
    take_console,
};
use crate::sys::{because, check};

/// Start again. In no header of the libc crate.
const RB_AUTOBOOT: i32 = 0;

/// The number of kenv(2), and to look one name up. In no header of the libc crate.
const KENV: i32 = 390;
const KENV_GET: i32 = 0;
/// The longest value that the kernel keeps, its zero included (`KENV_MVALLEN`), is half of this.
const VALUE_BYTES_MAX: usize = 256;

/// Where things are here.
///
/// Source: hier(7).
pub const PLACES: Places = Places {
    runtime: "var/run/svc",
    logs: "var/log/svc",
    state: "var/db/svc",
    definitions: &["usr/local/etc/svc/services", "usr/local/share/svc/services"],
    scripts: &["etc/rc.d", "usr/local/etc/rc.d"],
    shims: "usr/local/etc/rc.d",
};

/// Which system this is.
pub const SYSTEM: System = System::Freebsd;

/// Whether process 1 may end by itself: here the machine would go down with it.
pub const FIRST_MAY_END: bool = false;

/// What we run on, as far as can be seen.
///
/// Source: sysctl(3), `security.jail.jailed`, `kern.vm_guest`.
pub fn kind() -> Kind {
    if sysctl::number(c"security.jail.jailed").is_ok_and(|jailed| jailed != 0) {
        return Kind::Container("jail".to_owned());
    }
    match sysctl::text(c"kern.vm_guest") {
        Ok(by) if !by.is_empty() && by != "none" => Kind::Vm(by),
        Ok(_) | Err(_) => Kind::Machine,
    }
}

/// The file of the program that runs here.
///
/// # Errors
///
/// Where its file is gone and the first argument is no path.
///
/// Source: sysctl(3), `KERN_PROC_PATHNAME`.
pub fn own_program() -> io::Result<PathBuf> {
    let pid = i32::try_from(std::process::id()).unwrap_or(-1);
    match crate::process::program(pid) {
        Ok(path) if path.is_absolute() => Ok(path),
        // After an upgrade the new file stands where the old one was started from.
        Ok(_) | Err(_) => {
            let first = env::args_os().next().map(PathBuf::from).filter(|first| first.is_absolute());
            let error = io::Error::from(io::ErrorKind::NotFound);
            first.ok_or_else(|| because(&error, "the file of our own program"))
        }
    }
}

/// What the boot loader was told under this name, if anything.
///
/// Source: kenv(2).
pub fn from_loader(name: &CStr) -> Option<String> {
    let mut value = [0_u8; VALUE_BYTES_MAX];
    // SAFETY: the name ends with a zero, and `value` has room for as many bytes as the last argument says.
    let found = unsafe { libc::syscall(KENV, KENV_GET, name.as_ptr(), value.as_mut_ptr(), VALUE_BYTES_MAX as i32) };
    check(found).ok()?;
    CStr::from_bytes_until_nul(&value).ok().map(|text| text.to_string_lossy().into_owned())
}

/// Ends the machine, after its file systems were told to write. Returns only if it failed.
///
/// Source: reboot(2), sync(2).
pub fn end(how: End) -> io::Error {
    nix::unistd::sync();
    let how = match how {
        End::Halt => libc::RB_HALT,
        End::Poweroff => libc::RB_HALT | libc::RB_POWEROFF,
        End::Reboot => RB_AUTOBOOT,
        End::Cycle => libc::RB_POWERCYCLE,
    };
    // SAFETY: takes an integer and touches no memory.
    match check(unsafe { libc::reboot(how) }) {
        Ok(_) => io::Error::other("reboot(2) has returned"),
        Err(error) => because(&error, "reboot(2)"),
    }
}

/// The line on which the console is, for people to be asked there: unlike the console's own name it can become a
/// session's terminal, and be taken away from that, with nobody losing the console itself.
///
/// # Errors
///
/// The kernel's own, with the path: there is no console.
///
/// Source: console(4), sysctl(3), `kern.console`.
pub fn console_line() -> io::Result<OwnedFd> {
    // Names with commas between; those behind a slash are only there to be chosen.
    let names = sysctl::text(c"kern.console")?;
    let name = names.split([',', '/']).next().unwrap_or_default();
    let path = Path::new("/dev").join(name);
    // A line without a carrier would be waited for.
    let options = fs::File::options().read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_NONBLOCK).clone();
    let line = options.open(&path).map_err(|error| because(&error, path.display()))?;
    Ok(line.into())
}

/// Makes ctrl-alt-del a signal (`INT`) to process 1: on this system it is nothing else.
///
/// # Errors
///
/// None here.
///
/// Source: init(8).
pub fn hold_ctrl_alt_del() -> io::Result<()> {
    Ok(())
}

/// Mounts what process 1 needs and nobody has mounted yet; gives what went wrong, which is for the log. The kernel has
/// mounted `/dev`; but it mounts the root to be read only, and a place to write must be there before anything else. Our
/// own directory is a file system of its own: what the system's `cleanvar` purges while it boots ends at such a border.
///
/// Source: nmount(2), tmpfs(5).
pub fn mount_essentials() -> Vec<io::Error> {
    const RUN: &str = "/var/run";
    const OURS: &str = "/var/run/svc";
    if !is_process_1() {
        return Vec::new();
    }
    let mut faults = Vec::new();
    if access(RUN, AccessFlags::W_OK) == Err(Errno::EROFS) {
        faults.extend(mount_memory(RUN).err());
    }
    let device = |path: &str| fs::metadata(path).map(|found| found.dev()).ok();
    let made = crate::files::make_directory(Path::new(OURS), 0o755);
    faults.extend(made.err());
    // It is there already where we begin again.
    if device(RUN) == device(OURS) {
        faults.extend(mount_memory(OURS).err());
    }
    faults
}

fn mount_memory(target: &str) -> io::Result<()> {
    let options = [("fstype", "tmpfs"), ("fspath", target), ("mode", "755")];
    let mut mount = Nmount::new();
    for (name, value) in options {
        mount.str_opt_owned(name, value);
    }
    let mounted = mount.nmount(MntFlags::MNT_NOSUID);
    mounted.map_err(|error| because(&error.into(), format!("mounting {target}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_know_our_own_program_and_what_we_run_on() {
        assert_eq!(own_program().unwrap(), env::current_exe().unwrap());
        assert!(!is_process_1() && mount_essentials().is_empty());
        assert!(!kind().to_string().is_empty());
    }

    #[test]
    fn what_the_loader_was_told_is_what_kenv_shows() {
        let shown = std::process::Command::new("/bin/kenv").output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        let (name, value) = shown.lines().find_map(|line| line.strip_suffix('"')?.split_once("=\"")).unwrap();
        let found = from_loader(&std::ffi::CString::new(name).unwrap());
        assert_eq!(found.as_deref(), Some(value), "{name}");
        assert_eq!(from_loader(c"svc.no_such_name"), None);
    }
}
