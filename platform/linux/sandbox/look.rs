//! How a process is set up, as /proc tells.

use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;
use std::{fs, io};

use svc_core::service::Limit;

use crate::sandbox::Seen;

/// Looks at a process.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: proc_pid_status(5), proc_pid_limits(5), proc_pid_fd(5).
pub fn look(pid: i32) -> io::Result<Seen> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let field = |name: &str| field(&status, name);
    let effective = |name: &str| field(name).split_whitespace().nth(1).and_then(|id| id.parse().ok()).unwrap_or(0);
    let link = |what: &str| {
        let found = fs::read_link(format!("/proc/{pid}/{what}")).unwrap_or_default();
        found.to_string_lossy().into_owned()
    };
    let words = |what: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        text.split_terminator('\0').map(str::to_owned).collect::<Vec<_>>()
    };
    let variable = |entry: String| entry.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let stream = |fd: u32| Some((fd, link(&format!("fd/{fd}")))).filter(|(_, to)| !to.is_empty());
    Ok(Seen {
        program: link("exe"),
        arguments: words("cmdline"),
        environment: words("environ").into_iter().filter_map(variable).collect(),
        directory: link("cwd"),
        root: link("root"),
        uid: effective("Uid"),
        gid: effective("Gid"),
        groups: field("Groups").split_whitespace().filter_map(|id| id.parse().ok()).collect(),
        umask: u32::from_str_radix(field("Umask"), 8).ok(),
        nice: nice(pid),
        capabilities: u64::from_str_radix(field("CapEff"), 16).unwrap_or(0),
        limits: limits(&fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default()),
        streams: (0..3).filter_map(stream).collect(),
    })
}

fn field<'a>(status: &'a str, name: &str) -> &'a str {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.map(str::trim).unwrap_or_default()
}

/// Whether a process waits for something and no signal is on its way to it.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: proc_pid_status(5).
pub fn is_calm(pid: i32) -> io::Result<bool> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let nothing_comes =
        ["ShdPnd", "SigPnd"].into_iter().all(|name| field(&status, name).bytes().all(|one| one == b'0'));
    Ok(nothing_comes && field(&status, "State").starts_with('S'))
}

/// A path that leads to what a descriptor of ours holds, for as long as it is open.
///
/// Source: proc_pid_fd(5).
pub fn reach(fd: BorrowedFd<'_>) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd()))
}

/// Field 19 of its line; the name before it may hold anything.
fn nice(pid: i32) -> i32 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_whitespace().nth(16).and_then(|nice| nice.parse().ok()).unwrap_or(0)
}

/// The kernel's names and ours.
const NAMES: [(&str, &str); 15] = [
    ("Max address space", "address-space"),
    ("Max core file size", "core"),
    ("Max cpu time", "cpu-time"),
    ("Max data size", "data"),
    ("Max file locks", "file-locks"),
    ("Max file size", "file-size"),
    ("Max locked memory", "locked-memory"),
    ("Max msgqueue size", "message-queues"),
    ("Max nice priority", "nice-ceiling"),
    ("Max open files", "open-files"),
    ("Max pending signals", "pending-signals"),
    ("Max processes", "processes"),
    ("Max realtime priority", "realtime-priority"),
    ("Max resident set", "resident-memory"),
    ("Max stack size", "stack"),
];

fn limits(table: &str) -> BTreeMap<&'static str, Limit> {
    let number = |word: Option<&str>| word.and_then(|word| word.parse().ok());
    let one = |line: &str| {
        let (kernel, name) = NAMES.iter().find(|(kernel, _)| line.starts_with(kernel))?;
        let mut words = line[kernel.len()..].split_whitespace();
        Some((*name, Limit { soft: number(words.next()), hard: number(words.next()) }))
    };
    table.lines().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::process::Command;
    use std::time::{Duration, Instant};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    use super::*;

    #[test]
    fn we_see_ourselves_as_we_are() {
        let own = look(i32::try_from(std::process::id()).unwrap()).unwrap();
        assert_eq!(own.program, std::env::current_exe().unwrap().to_string_lossy());
        assert_eq!(own.directory, std::env::current_dir().unwrap().to_string_lossy());
        assert_eq!((own.uid, own.root.as_str()), (crate::users::own_uid(), "/"));
        assert_eq!(own.arguments, std::env::args().collect::<Vec<_>>());
        assert_eq!(own.limits.len(), NAMES.len());
        let (soft, _) = crate::files::open_files().unwrap();
        assert_eq!(own.limits["open-files"].soft, Some(soft));
        assert_eq!(own.umask.map(|mask| mask & !0o777), Some(0));
    }

    #[test]
    fn who_has_a_signal_to_come_is_not_calm() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = child.id() as i32;
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_calm(pid).unwrap() {
            assert!(Instant::now() < deadline, "sleep sleeps");
            std::thread::yield_now();
        }
        kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
        kill(Pid::from_raw(pid), Signal::SIGHUP).unwrap();
        assert!(!is_calm(pid).unwrap(), "what is stopped keeps its signal");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(is_calm(i32::MAX).is_err());
    }

    #[test]
    fn a_descriptor_is_reached_without_its_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("one"), "1").unwrap();
        let open = std::fs::File::open(folder.path()).unwrap();
        assert_eq!(std::fs::read(reach(open.as_fd()).join("one")).unwrap(), b"1");
    }

    #[test]
    fn a_process_that_is_not_there_is_not_found() {
        assert_eq!(look(i32::MAX).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
