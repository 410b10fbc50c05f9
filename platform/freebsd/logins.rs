//! The databases of utmpx, which tell who(1) and last(1) of the machine's life and of its terminals.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

pub use crate::login::Entry;

/// Whether they can be written by now.
pub fn is_ready() -> bool {
    [c"/var/run", c"/var/log"].iter().all(|place| nix::unistd::access(*place, nix::unistd::AccessFlags::W_OK).is_ok())
}

/// Writes one thing down; gives what went wrong. There are no levels of work here, and who waits for people on a
/// terminal is not written down before they come. That the machine came up is written once only.
///
/// Source: pututxline(3).
pub fn record(entry: &Entry) -> Vec<io::Error> {
    let now = SystemTime::now();
    let done = match entry {
        Entry::Boot { at, again: false } => put(&of_machine(libc::BOOT_TIME, *at)),
        Entry::Shutdown => put(&of_machine(libc::SHUTDOWN_TIME, now)),
        Entry::Boot { again: true, .. } | Entry::Level { .. } | Entry::Init { .. } => Ok(()),
        Entry::Dead { pid } => bury(*pid, now),
    };
    done.err().into_iter().collect()
}

fn blank() -> libc::utmpx {
    // SAFETY: it is numbers and bytes only, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

fn of_machine(kind: libc::c_short, at: SystemTime) -> libc::utmpx {
    let mut record = blank();
    record.ut_type = kind;
    record.ut_tv = time(at);
    record
}

fn time(at: SystemTime) -> libc::timeval {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = libc::time_t::try_from(since.as_secs()).unwrap_or(libc::time_t::MAX);
    libc::timeval { tv_sec: seconds, tv_usec: since.subsec_micros().into() }
}

fn put(record: &libc::utmpx) -> io::Result<()> {
    // SAFETY: the record is read only, and outlives the call.
    let written = unsafe { libc::pututxline(std::ptr::from_ref(record)) };
    if written.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whoever had this process, and could not say any more that it ended, did.
fn bury(pid: i32, now: SystemTime) -> io::Result<()> {
    let mut found = None;
    // SAFETY: takes nothing; only this thread reads the database.
    unsafe { libc::setutxent() };
    loop {
        // SAFETY: what it gives is ours until the next call.
        let next = unsafe { libc::getutxent() };
        // SAFETY: it is a record of the C library's own, or null.
        let Some(record) = (unsafe { next.as_ref() }) else { break };
        let lives = [libc::INIT_PROCESS, libc::LOGIN_PROCESS, libc::USER_PROCESS].contains(&record.ut_type);
        if lives && record.ut_pid == pid {
            found = Some(*record);
            break;
        }
    }
    // SAFETY: takes nothing; no record is in use.
    unsafe { libc::endutxent() };
    let Some(record) = found else { return Ok(()) };
    put(&libc::utmpx { ut_type: libc::DEAD_PROCESS, ut_tv: time(now), ..record })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_written_down_here_is_no_fault() {
        assert!(record(&Entry::Level { now: '2', before: 'N' }).is_empty());
        assert!(record(&Entry::Init { line: "ttyv0".into(), pid: 1 }).is_empty());
        assert!(record(&Entry::Dead { pid: -1 }).is_empty());
        let at = UNIX_EPOCH + std::time::Duration::new(1_795_262_400, 5_000);
        let boot = of_machine(libc::BOOT_TIME, at);
        assert_eq!((boot.ut_tv.tv_sec, boot.ut_tv.tv_usec, boot.ut_type), (1_795_262_400, 5, libc::BOOT_TIME));
    }
}
