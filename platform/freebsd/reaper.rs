//! Reapers: processes to which orphans fall, by whose direct children trees are told apart.

use std::io;
use std::ptr;

use crate::freebsd_pure::subtree::{Entry, is_reaper, living, more_room};
use crate::sys::check;

/// `struct procctl_reaper_status`. In no header of the libc crate, as those below.
#[repr(C)]
#[derive(Default)]
struct Status {
    flags: u32,
    children: u32,
    descendants: u32,
    reaper: i32,
    first: i32,
    pad: [u32; 15],
}

/// `struct procctl_reaper_pids`.
#[repr(C)]
struct Pids {
    count: u32,
    pad: [u32; 15],
    entries: *mut Entry,
}

/// `struct procctl_reaper_kill`.
#[repr(C)]
#[derive(Default)]
struct Kill {
    signal: i32,
    flags: u32,
    subtree: i32,
    killed: u32,
    first_failed: i32,
    pad: [u32; 15],
}

const _: () = assert!(size_of::<Status>() == 80 && size_of::<Kill>() == 80);
const _: () = assert!(size_of::<Pids>() == 72 && std::mem::offset_of!(Pids, entries) == 64);

/// `REAPER_KILL_SUBTREE`.
const SUBTREE: u32 = 2;

/// So many entries are asked for at first.
const ENTRIES_USUAL: usize = 256;
/// Reapers below reapers are followed so far.
const DEPTH_MAX: usize = 32;

fn control(pid: i32, command: i32, data: *mut libc::c_void) -> io::Result<()> {
    // SAFETY: every caller hands over the structure of this command, or null for the one that takes none.
    check(unsafe { libc::procctl(libc::P_PID, libc::id_t::from(pid), command, data) })?;
    Ok(())
}

/// Makes this process a reaper.
pub(super) fn acquire() -> io::Result<()> {
    control(0, libc::PROC_REAP_ACQUIRE, ptr::null_mut())
}

/// Who reaps below this process: itself, or the reaper above it.
pub(super) fn of(pid: i32) -> io::Result<i32> {
    let mut status = Status::default();
    control(pid, libc::PROC_REAP_STATUS, (&raw mut status).cast())?;
    Ok(status.reaper)
}

/// Every process below a reaper, but not those below a reaper below it.
pub(super) fn list(reaper: i32) -> io::Result<Vec<Entry>> {
    let mut room = ENTRIES_USUAL;
    loop {
        let mut entries = vec![Entry::default(); room];
        let count = u32::try_from(room).unwrap_or(u32::MAX);
        let mut pids = Pids { count, pad: [0; 15], entries: entries.as_mut_ptr() };
        control(reaper, libc::PROC_REAP_GETPIDS, (&raw mut pids).cast())?;
        // Those that the kernel did not fill have no pid.
        let came = entries.iter().position(|entry| entry.pid == 0).unwrap_or(room);
        match more_room(room, came) {
            Some(more) => room = more,
            None => {
                entries.truncate(came);
                return Ok(entries);
            }
        }
    }
}

/// Living processes of one subtree of a list, with what is below reapers in it.
pub(super) fn members(entries: &[Entry], subtree: i32) -> Vec<i32> {
    let mut found: Vec<Entry> = living(entries, subtree).collect();
    let mut level: Vec<i32> = found.iter().copied().filter(|entry| is_reaper(*entry)).map(|entry| entry.pid).collect();
    for _ in 0..DEPTH_MAX {
        let mut next = Vec::new();
        for reaper in level {
            // It may have ended since, and then its processes have come up to the reaper above.
            let below = list(reaper).unwrap_or_default();
            let known = |entry: &Entry| found.iter().any(|seen| seen.pid == entry.pid);
            // Asked for one that is no reaper any more, the kernel answers for the reaper above it.
            let ours = of(reaper).is_ok_and(|above| above == reaper);
            let fresh: Vec<Entry> =
                below.into_iter().filter(|entry| ours && entry.flags & 8 == 0 && !known(entry)).collect();
            next.extend(fresh.iter().copied().filter(|entry| is_reaper(*entry)).map(|entry| entry.pid));
            found.extend(fresh);
        }
        if next.is_empty() {
            break;
        }
        level = next;
    }
    found.into_iter().map(|entry| entry.pid).collect()
}

/// Signals every process of one subtree, and what it makes meanwhile; gives the number of those reached.
pub(super) fn signal(reaper: i32, subtree: i32, number: i32) -> io::Result<usize> {
    let mut kill = Kill { signal: number, flags: SUBTREE, subtree, ..Kill::default() };
    match control(reaper, libc::PROC_REAP_KILL, (&raw mut kill).cast()) {
        Ok(()) => Ok(kill.killed as usize),
        // Nobody is there, or all who are have ended.
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(kill.killed as usize),
        Err(error) => Err(error),
    }
}
