//! Processes: what sysctl(3) says about them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::time::Duration;

use svc_core::Time;

pub use super::handle::Handle;
use super::sysctl;
use crate::facts::words;
pub use crate::facts::{Facts, descends_from};

const _: () = assert!(size_of::<libc::kinfo_proc>() == 1088);

/// The arguments of sysctl(3) for one process.
fn about(what: i32, pid: i32) -> [i32; 4] {
    [libc::CTL_KERN, libc::KERN_PROC, what, pid]
}

/// A process that ended is an `ESRCH` or an empty answer; to us both are the same.
fn gone(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::ESRCH) { io::ErrorKind::NotFound.into() } else { error }
}

fn info(pid: i32) -> io::Result<libc::kinfo_proc> {
    // SAFETY: the structure is made of numbers, characters and addresses that are never followed.
    let found = unsafe { sysctl::value::<libc::kinfo_proc>(&about(libc::KERN_PROC_PID, pid)) }.map_err(gone)?;
    found.filter(|info| info.ki_pid == pid && pid > 0).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// When the clock on the wall said that the machine started. It changes when that clock is set.
fn boot_time() -> io::Result<Duration> {
    // SAFETY: the structure is made of numbers.
    let found = unsafe { sysctl::value::<libc::timeval>(&[libc::CTL_KERN, libc::KERN_BOOTTIME]) }?;
    Ok(found.map(span).unwrap_or_default())
}

fn span(time: libc::timeval) -> Duration {
    let micros = u32::try_from(time.tv_usec).unwrap_or(0);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), micros * 1000)
}

/// What the kernel says of a process, and when that started. The kernel adds the time of boot to it, which is taken off
/// again; if the clock was set in between, both are asked for again.
fn info_and_start(pid: i32) -> io::Result<(libc::kinfo_proc, Time)> {
    let mut boot = boot_time()?;
    loop {
        let info = info(pid)?;
        let after = boot_time()?;
        if boot == after {
            let started = span(info.ki_start).saturating_sub(boot);
            return Ok((info, Time::new(started)));
        }
        boot = after;
    }
}

/// Everything about a process. Pieces that are not ours to read are empty.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: sysctl(3), `KERN_PROC_PID`, `KERN_PROC_ARGS`.
pub fn facts(pid: i32) -> io::Result<Facts> {
    let (info, started) = info_and_start(pid)?;
    let arguments = sysctl::by_numbers_as_far(&about(libc::KERN_PROC_ARGS, pid)).unwrap_or_default();
    let pages = u64::try_from(info.ki_rssize).unwrap_or(0);
    let name = info.ki_comm.map(|byte| byte.cast_unsigned());
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    Ok(Facts {
        pid,
        parent: info.ki_ppid,
        session: info.ki_sid,
        state: state(info.ki_stat),
        started,
        name: String::from_utf8_lossy(&name[..end]).into_owned(),
        arguments: words(&arguments),
        uid: info.ki_uid,
        memory: pages.saturating_mul(page_bytes()),
        cpu: Duration::from_micros(info.ki_runtime),
    })
}

/// The letters of ps(1), whose zombies are those of the other system.
fn state(stat: libc::c_char) -> char {
    match stat.cast_unsigned() {
        1 | 2 => 'R',
        3 => 'S',
        4 => 'T',
        5 => 'Z',
        6 => 'W',
        7 => 'L',
        _ => '?',
    }
}

/// When the process with this pid started: together with the pid it names one process for good.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: sysctl(3), `KERN_PROC_PID`.
pub fn start_time(pid: i32) -> io::Result<Time> {
    Ok(info_and_start(pid)?.1)
}

/// The parent of a process.
pub(crate) fn parent_of(pid: i32) -> io::Result<i32> {
    Ok(info(pid)?.ki_ppid)
}

/// The number of the jail that a process is in, 0 for none.
pub(super) fn jail_of(pid: i32) -> io::Result<i32> {
    Ok(info(pid)?.ki_jid)
}

/// The program a process runs.
///
/// # Errors
///
/// `NotFound` where there is no such process or its file is gone, `PermissionDenied` where it is not ours to read.
///
/// Source: sysctl(3), `KERN_PROC_PATHNAME`.
pub fn program(pid: i32) -> io::Result<PathBuf> {
    let mut bytes = sysctl::by_numbers(&about(libc::KERN_PROC_PATHNAME, pid)).map_err(gone)?;
    while bytes.pop_if(|byte| *byte == 0).is_some() {}
    Ok(PathBuf::from(OsString::from_vec(bytes)))
}

/// Whether a process counts processes as we do: here all do. What is in a jail is told apart by the jail.
pub fn shares_view(_: i32) -> bool {
    true
}

/// What tells the processes that we can see from those of another container: nothing does here.
pub fn view() -> String {
    String::new()
}

/// The environment a process was started with, as bytes. The kernel cannot read the last ones of every process.
///
/// # Errors
///
/// `NotFound` where there is no such process, `PermissionDenied` where it is not ours to read.
///
/// Source: sysctl(3), `KERN_PROC_ENV`.
pub fn environment(pid: i32) -> io::Result<Vec<Vec<u8>>> {
    let mut bytes = sysctl::by_numbers_as_far(&about(libc::KERN_PROC_ENV, pid)).map_err(gone)?;
    // An entry that breaks off has no end.
    bytes.truncate(bytes.iter().rposition(|byte| *byte == 0).map_or(0, |end| end + 1));
    Ok(bytes.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect())
}

/// Pid and parent of every process there is.
fn all() -> io::Result<BTreeMap<i32, i32>> {
    let bytes = sysctl::by_numbers(&[libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PROC])?;
    let number = |record: &[u8], at: usize| Some(i32::from_ne_bytes(record.get(at..at + 4)?.try_into().ok()?));
    let pair = |record| {
        let pid = number(record, std::mem::offset_of!(libc::kinfo_proc, ki_pid))?;
        Some((pid, number(record, std::mem::offset_of!(libc::kinfo_proc, ki_ppid))?))
    };
    // The kernel itself is there as process 0, which nobody may signal.
    Ok(bytes.chunks_exact(size_of::<libc::kinfo_proc>()).filter_map(pair).filter(|(pid, _)| *pid > 0).collect())
}

/// Every pid there is, in order.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: sysctl(3), `KERN_PROC_PROC`.
pub fn list() -> io::Result<Vec<i32>> {
    Ok(all()?.into_keys().collect())
}

/// Parent of every process there is.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: sysctl(3), `KERN_PROC_PROC`.
pub fn parents() -> io::Result<BTreeMap<i32, i32>> {
    all()
}

/// Source: sysconf(3), `_SC_PAGESIZE`.
fn page_bytes() -> u64 {
    // SAFETY: takes an integer and touches no memory.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).ok().filter(|bytes| *bytes > 0).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_find_ourselves() {
        let me = std::process::id() as i32;
        let facts = facts(me).unwrap();
        assert_eq!(facts.parent, crate::reap::parent());
        assert_eq!(facts.started, start_time(me).unwrap());
        assert!(facts.started <= crate::clock::now() && facts.memory > 0 && !facts.is_zombie());
        assert!(list().unwrap().contains(&me));
        assert!(descends_from(me, facts.parent).unwrap() && !descends_from(facts.parent, me).unwrap());
        assert_eq!(program(me).unwrap(), std::env::current_exe().unwrap());
        assert_eq!(facts.arguments.len(), std::env::args().count());
    }

    #[test]
    fn a_handle_is_refused_for_a_process_that_started_at_another_time() {
        let me = std::process::id() as i32;
        let started = start_time(me).unwrap();
        assert!(!Handle::open_exactly(me, started).unwrap().has_ended().unwrap());
        let other = started + Duration::from_secs(1);
        assert_eq!(Handle::open_exactly(me, other).unwrap_err().raw_os_error(), Some(libc::ESRCH));
        assert_eq!(start_time(i32::MAX).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
