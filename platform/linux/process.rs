//! Processes: what `/proc` says about them.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use svc_core::{Exit, Time};

pub use super::handle::Handle;
use crate::facts::words;
pub use crate::facts::{Facts, descends_from};

/// What is in `/proc/PID/stat`, as far as we want it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    state: char,
    parent: i32,
    session: i32,
    ticks: u64,
    started: u64,
    pages: u64,
    /// How a zombie ended, as waitpid(2) says it; 0 where that is not ours to know.
    exit: i32,
}

/// Everything about a process. Pieces that are not ours to read are empty.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: proc_pid_stat(5), proc_pid_cmdline(5).
pub fn facts(pid: i32) -> io::Result<Facts> {
    let stat = stat(pid)?;
    let uid = fs::metadata(format!("/proc/{pid}"))?.uid();
    let arguments = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    Ok(Facts {
        pid,
        parent: stat.parent,
        session: stat.session,
        state: stat.state,
        started: moment(stat.started),
        name: stat.name,
        arguments: words(&arguments),
        uid,
        memory: stat.pages.saturating_mul(page_bytes()),
        cpu: span(stat.ticks),
    })
}

/// When the process with this pid started: together with the pid it names one process for good.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: proc_pid_stat(5), field 22.
pub fn start_time(pid: i32) -> io::Result<Time> {
    Ok(moment(stat(pid)?.started))
}

/// The program a process runs; ends with ` (deleted)` if its file is gone.
///
/// # Errors
///
/// `NotFound` where there is no such process, `PermissionDenied` where it is not ours to read.
///
/// Source: proc_pid_exe(5).
pub fn program(pid: i32) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe"))
}

/// Whether a process counts processes as we do: one of a container does not. Its root says nothing, for daemons shut
/// themselves in.
///
/// Source: namespaces(7), pid_namespaces(7).
pub fn shares_view(pid: i32) -> bool {
    let pids = |who: &str| fs::read_link(format!("/proc/{who}/ns/pid")).ok();
    // What is not ours to read is not ours to signal either.
    pids(&pid.to_string()).zip(pids("self")).is_none_or(|(one, other)| one == other)
}

/// What tells the processes that we can see from those of another container; empty where it is not to be had.
///
/// Source: namespaces(7), pid_namespaces(7).
pub fn view() -> String {
    fs::read_link("/proc/self/ns/pid").unwrap_or_default().display().to_string()
}

/// The environment a process was started with, as bytes.
///
/// # Errors
///
/// `NotFound` where there is no such process, `PermissionDenied` where it is not ours to read.
///
/// Source: proc_pid_environ(5).
pub fn environment(pid: i32) -> io::Result<Vec<Vec<u8>>> {
    let bytes = fs::read(format!("/proc/{pid}/environ"))?;
    Ok(bytes.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()).map(<[u8]>::to_vec).collect())
}

/// Every pid there is, in order.
///
/// # Errors
///
/// Where `/proc` is not mounted.
///
/// Source: proc(5).
pub fn list() -> io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        // A process may end while we look; its entry then is an error or not a number.
        pids.extend(entry.ok().and_then(|entry| entry.file_name().to_str()?.parse::<i32>().ok()));
    }
    pids.sort_unstable();
    Ok(pids)
}

/// Parent of every process there is.
///
/// # Errors
///
/// Where `/proc` is not mounted.
///
/// Source: proc_pid_stat(5).
pub fn parents() -> io::Result<BTreeMap<i32, i32>> {
    Ok(list()?.into_iter().filter_map(|pid| Some((pid, stat(pid).ok()?.parent))).collect())
}

/// The parent of a process.
pub(crate) fn parent_of(pid: i32) -> io::Result<i32> {
    Ok(stat(pid)?.parent)
}

/// How a zombie ended that its parent has not collected. `None` where it is none, ended with success, or is not ours to
/// look into: the kernel says 0 for all of these.
pub(super) fn exit_of_zombie(pid: i32) -> Option<Exit> {
    let stat = stat(pid).ok().filter(|stat| stat.state == 'Z' && stat.exit != 0)?;
    Some(super::reap::exit_of(stat.exit))
}

fn stat(pid: i32) -> io::Result<Stat> {
    let bytes = fs::read(format!("/proc/{pid}/stat")).map_err(gone)?;
    parse_stat(&bytes).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("/proc/{pid}/stat is odd")))
}

/// A process that ends between open(2) and read(2) is an `ESRCH`; to us both are the same.
fn gone(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(libc::ESRCH) { io::ErrorKind::NotFound.into() } else { error }
}

/// A name may hold anything, parentheses and newlines too: it goes from the first `(` to the last `)`.
fn parse_stat(bytes: &[u8]) -> Option<Stat> {
    let open = bytes.iter().position(|byte| *byte == b'(')?;
    let close = bytes.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(bytes.get(open + 1..close)?).into_owned();
    let rest = std::str::from_utf8(bytes.get(close + 1..)?).ok()?;
    // Field 3 of proc_pid_stat(5) is the first here.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        name,
        state: fields.first()?.chars().next()?,
        parent: i32::try_from(number(4)?).ok()?,
        session: i32::try_from(number(6)?).ok()?,
        ticks: number(14)? + number(15)?,
        started: number(22)?,
        pages: number(24)?,
        exit: fields.get(52 - 3).and_then(|field| field.parse().ok()).unwrap_or(0),
    })
}

fn moment(ticks: u64) -> Time {
    Time::new(span(ticks))
}

fn span(ticks: u64) -> Duration {
    let per_second = ticks_per_second();
    let nanos = (ticks % per_second) * (1_000_000_000 / per_second);
    Duration::new(ticks / per_second, u32::try_from(nanos).unwrap_or(0))
}

/// Source: sysconf(3), `_SC_CLK_TCK`.
fn ticks_per_second() -> u64 {
    // SAFETY: takes an integer and touches no memory.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    u64::try_from(ticks).ok().filter(|ticks| *ticks > 0).unwrap_or(100)
}

/// Source: sysconf(3), `_SC_PAGESIZE`.
pub(super) fn page_bytes() -> u64 {
    // SAFETY: takes an integer and touches no memory.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).ok().filter(|bytes| *bytes > 0).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_imitates_the_fields_after_it_is_still_a_name() {
        let line = b"42 (a) S 1 (b\nc d) R 7 42 9 0 -1 0 0 0 0 0 3 4 0 0 20 0 1 0 12345 1000 77 18446744073709551615";
        let stat = parse_stat(line).unwrap();
        assert_eq!(stat.name, "a) S 1 (b\nc d");
        assert_eq!((stat.state, stat.parent, stat.session), ('R', 7, 9));
        assert_eq!((stat.ticks, stat.started, stat.pages), (7, 12345, 77));
        for cut in 0..line.len() - 40 {
            assert_eq!(parse_stat(&line[..cut]), None, "{cut}");
        }
    }

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
    }

    #[test]
    fn a_handle_is_refused_for_a_process_that_started_at_another_time() {
        let me = std::process::id() as i32;
        let started = start_time(me).unwrap();
        assert!(!Handle::open_exactly(me, started).unwrap().has_ended().unwrap());
        let other = started + Duration::from_secs(1);
        assert_eq!(Handle::open_exactly(me, other).unwrap_err().raw_os_error(), Some(libc::ESRCH));
    }
}
