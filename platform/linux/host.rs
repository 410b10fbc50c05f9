//! The machine or container we are on, and what only its first process may do to it.

use std::convert::Infallible;
use std::ffi::{CStr, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use nix::mount::{MsFlags, mount};
use nix::sys::reboot::{RebootMode, reboot, set_cad_enabled};
use svc_core::definition::System;

pub use crate::start::{
    End, Kind, Places, become_program, fill_standard_descriptors, is_process_1, lead_console, name, says_to_nobody,
    take_console,
};
use crate::sys::because;

/// Where things are here.
///
/// Source: hier(7).
pub const PLACES: Places = Places {
    runtime: "run/svc",
    logs: "var/log/svc",
    state: "var/lib/svc",
    definitions: &["etc/svc/services", "usr/local/lib/svc/services", "usr/lib/svc/services"],
    scripts: &["etc/init.d", "etc/rc.d"],
    shims: "etc/init.d",
};

/// Which system this is.
pub const SYSTEM: System = System::Linux;

/// Whether process 1 may end by itself: here it may be that of a container.
pub const FIRST_MAY_END: bool = true;

/// What we run on, as far as can be seen; a container that hides well is a machine.
///
/// Source: the container interface of systemd, cgroups(7), cpuid leaf 1 as `/proc/cpuinfo` shows it.
pub fn kind() -> Kind {
    if let Some(of) = container() {
        return Kind::Container(of);
    }
    let maker = fs::read_to_string("/sys/class/dmi/id/sys_vendor").unwrap_or_default();
    let flags = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let guest = flags.lines().any(|line| line.starts_with("flags") && line.contains(" hypervisor"));
    match (guest, maker.trim()) {
        (true, "") => Kind::Vm("unknown".to_owned()),
        (true, maker) => Kind::Vm(maker.to_owned()),
        (false, _) => Kind::Machine,
    }
}

/// What the boot loader was told under this name, if anything: the kernel hands on to process 1 what is not its own.
///
/// Source: bootparam(7).
pub fn from_loader(name: &CStr) -> Option<String> {
    env::var(name.to_str().ok()?).ok()
}

fn container() -> Option<String> {
    let said = if is_process_1() { env::var("container").ok() } else { container_of_process_1() };
    if let Some(said) = said.filter(|said| !said.is_empty()) {
        return Some(said);
    }
    for (file, of) in [("/run/.containerenv", "podman"), ("/.dockerenv", "docker")] {
        if Path::new(file).exists() {
            return Some(of.to_owned());
        }
    }
    if let Ok(text) = fs::read_to_string("/run/systemd/container") {
        return Some(text.trim().to_owned());
    }
    if Path::new("/proc/vz").exists() && !Path::new("/proc/bc").exists() {
        return Some("openvz".to_owned());
    }
    let groups = fs::read_to_string("/proc/1/cgroup").unwrap_or_default();
    let hints = ["kubepods", "docker", "libpod", "lxc", "containerd"];
    hints.into_iter().find(|hint| groups.contains(hint)).map(str::to_owned)
}

fn container_of_process_1() -> Option<String> {
    let entries = crate::process::environment(1).ok()?;
    let value = entries.iter().find_map(|entry| entry.strip_prefix(b"container="))?;
    Some(String::from_utf8_lossy(value).into_owned())
}

/// The file of the program that runs here, the new one if it was replaced meanwhile.
///
/// # Errors
///
/// Where `/proc` is not mounted and the first argument is no path.
///
/// Source: proc_pid_exe(5).
pub fn own_program() -> io::Result<PathBuf> {
    let path = match fs::read_link("/proc/self/exe") {
        Ok(path) => path,
        // As process 1, before anything is mounted.
        Err(error) => {
            let first = env::args_os().next().map(PathBuf::from).filter(|first| first.is_absolute());
            return first.ok_or_else(|| because(&error, "/proc/self/exe"));
        }
    };
    let bytes = path.into_os_string().into_vec();
    let bytes = bytes.strip_suffix(b" (deleted)").unwrap_or(&bytes);
    Ok(PathBuf::from(OsStr::from_bytes(bytes)))
}

/// Ends the machine, after its file systems were told to write. In a pid namespace it ends that only, and its starter
/// learns how. Returns only if it failed.
///
/// Source: reboot(2), sync(2).
pub fn end(how: End) -> io::Error {
    nix::unistd::sync();
    let mode = match how {
        End::Halt => RebootMode::RB_HALT_SYSTEM,
        End::Poweroff => RebootMode::RB_POWER_OFF,
        // There is no way to ask for more.
        End::Reboot | End::Cycle => RebootMode::RB_AUTOBOOT,
    };
    let result: nix::Result<Infallible> = reboot(mode);
    match result {
        Ok(never) => match never {},
        Err(errno) => because(&errno.into(), "reboot(2)"),
    }
}

/// Makes ctrl-alt-del a signal (`INT`) to process 1 and not the machine's sudden end.
///
/// # Errors
///
/// `EPERM` for others than the machine's process 1; `EINVAL` in a pid namespace.
///
/// Source: reboot(2), `LINUX_REBOOT_CMD_CAD_OFF`.
pub fn hold_ctrl_alt_del() -> io::Result<()> {
    Ok(set_cad_enabled(false)?)
}

/// The line on which the console is. Here nobody is asked there.
///
/// # Errors
///
/// `Unsupported`, always.
pub fn console_line() -> io::Result<OwnedFd> {
    Err(crate::Unsupported { what: "a console that scripts of a boot share" }.into())
}

/// A file system that process 1 cannot do without.
struct Essential {
    target: &'static str,
    kind: &'static str,
    flags: MsFlags,
    data: Option<&'static str>,
}

const SAFE: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

const ESSENTIALS: [Essential; 4] = [
    Essential { target: "/proc", kind: "proc", flags: SAFE, data: None },
    Essential { target: "/sys", kind: "sysfs", flags: SAFE, data: None },
    Essential { target: "/dev", kind: "devtmpfs", flags: MsFlags::MS_NOSUID, data: Some("mode=0755") },
    Essential {
        target: "/run",
        kind: "tmpfs",
        flags: MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV),
        data: Some("mode=0755"),
    },
];

/// Mounts what process 1 needs and nobody has mounted yet; gives what went wrong, which is for the log.
///
/// Source: mount(2), hier(7).
pub fn mount_essentials() -> Vec<io::Error> {
    let mut faults = Vec::new();
    if !is_process_1() {
        return faults;
    }
    for essential in &ESSENTIALS {
        let target = Path::new(essential.target);
        if is_mount_point(target) {
            continue;
        }
        let made = fs::create_dir_all(target);
        let mounted = made.and_then(|()| {
            Ok(mount(Some(essential.kind), target, Some(essential.kind), essential.flags, essential.data)?)
        });
        faults.extend(mounted.err().map(|error| because(&error, format!("mounting {}", essential.target))));
    }
    faults
}

/// Whether something is mounted right here: then it lies on another device than the directory above.
fn is_mount_point(path: &Path) -> bool {
    let device = |path: &Path| fs::metadata(path).map(|found| found.dev()).ok();
    let above = path.parent().unwrap_or(path);
    device(path).is_some() && device(path) != device(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_know_our_own_program_and_what_is_mounted() {
        assert_eq!(own_program().unwrap(), env::current_exe().unwrap());
        assert!(is_mount_point(Path::new("/proc")) && !is_mount_point(Path::new("/proc/self/..")));
        assert!(!is_mount_point(Path::new("/nonexistent")) && !is_process_1());
        assert!(mount_essentials().is_empty(), "who is not process 1 mounts nothing");
    }
}
