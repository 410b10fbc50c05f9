//! utmp and wtmp of glibc, record by record.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::SystemTime;

use nix::fcntl::{FcntlArg, fcntl};

use super::utmp::{BOOT_TIME, DEAD_PROCESS, INIT_PROCESS, Layout, RUN_LVL, Record};
use crate::login::Entry;
use crate::sys::because;

pub(super) fn record_in(entry: &Entry, utmp: &Path, wtmp: &Path) -> Vec<io::Error> {
    let now = SystemTime::now();
    let host = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned()).unwrap_or_default();
    let machine = |kind, pid, user, at| Record::of_machine(kind, pid, user, &host, at);
    let both = |record: Record| [put(utmp, &record).map(drop), append(wtmp, &record)];
    let done = match entry {
        Entry::Boot { at, again: false } => both(machine(BOOT_TIME, 0, "reboot", *at)),
        Entry::Boot { at, again: true } => [put_missing(utmp, &machine(BOOT_TIME, 0, "reboot", *at)), Ok(())],
        Entry::Level { now: level, before } => {
            both(machine(RUN_LVL, *level as i32 + 256 * *before as i32, "runlevel", now))
        }
        // Of a machine that is down nobody is here to ask.
        Entry::Shutdown => [Ok(()), append(wtmp, &machine(RUN_LVL, 0, "shutdown", now))],
        Entry::Init { line, pid } => both(Record::of_terminal(INIT_PROCESS, *pid, line, now)),
        Entry::Dead { pid } => match bury(utmp, *pid, now) {
            Ok(Some(dead)) => [Ok(()), append(wtmp, &dead)],
            Ok(None) => [Ok(()), Ok(())],
            Err(error) => [Err(error), Ok(())],
        },
    };
    let files = [utmp, wtmp];
    let faults = done.into_iter().zip(files).filter_map(|(done, file)| Some((done.err()?, file)));
    faults.map(|(error, file)| because(&error, file.display())).collect()
}

const LAYOUT: Layout = Layout::OWN;

/// The file, held so that nobody else writes; and its records.
fn open(path: &Path) -> io::Result<(File, Vec<Record>)> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    hold(&file)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let records = bytes.chunks_exact(LAYOUT.bytes()).map_while(|one| LAYOUT.decode(one));
    let records = records.collect();
    Ok((file, records))
}

/// Until it is closed.
fn hold(file: &File) -> io::Result<()> {
    let (kind, whence) = (libc::F_WRLCK as libc::c_short, libc::SEEK_SET as libc::c_short);
    let whole = libc::flock { l_type: kind, l_whence: whence, l_start: 0, l_len: 0, l_pid: 0 };
    fcntl(file, FcntlArg::F_SETLKW(&whole))?;
    Ok(())
}

fn write(file: &File, place: usize, record: &Record) -> io::Result<()> {
    file.write_all_at(&LAYOUT.encode(record), (place * LAYOUT.bytes()) as u64)
}

/// Puts a record in the place of its predecessor, or at the end.
fn put(path: &Path, record: &Record) -> io::Result<()> {
    let (file, records) = open(path)?;
    let place = records.iter().position(|other| record.replaces(other)).unwrap_or(records.len());
    write(&file, place, record)
}

/// Puts a record where there is none like it.
fn put_missing(path: &Path, record: &Record) -> io::Result<()> {
    let (file, records) = open(path)?;
    if records.iter().any(|other| record.replaces(other)) { Ok(()) } else { write(&file, records.len(), record) }
}

/// The record of whoever had this process now tells that it ended; gives it.
fn bury(path: &Path, pid: i32, now: SystemTime) -> io::Result<Option<Record>> {
    let (file, records) = open(path)?;
    let lives = |record: &Record| (INIT_PROCESS..DEAD_PROCESS).contains(&record.kind) && record.pid == pid;
    let Some(place) = records.iter().position(lives) else { return Ok(None) };
    let old = &records[place];
    let dead = Record { id: old.id.clone(), ..Record::of_terminal(DEAD_PROCESS, pid, &old.line, now) };
    write(&file, place, &dead)?;
    Ok(Some(dead))
}

/// Adds a record.
fn append(path: &Path, record: &Record) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    hold(&file)?;
    // What was torn by a full disk would spoil all that follows.
    let length = file.metadata()?.len();
    let whole = length - length % LAYOUT.bytes() as u64;
    if whole != length {
        file.set_len(whole)?;
    }
    file.write_all(&LAYOUT.encode(record))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn records(path: &Path) -> Vec<(i16, i32, String, String)> {
        let bytes = fs::read(path).unwrap();
        let each = bytes.chunks_exact(Layout::OWN.bytes()).filter_map(|one| Layout::OWN.decode(one));
        each.map(|record| (record.kind, record.pid, record.line, record.user)).collect()
    }

    #[test]
    fn utmp_has_what_is_and_wtmp_what_was() {
        let dir = tempfile::tempdir().unwrap();
        let (utmp, wtmp) = (dir.path().join("utmp"), dir.path().join("wtmp"));
        let write = |entry: Entry| record_in(&entry, &utmp, &wtmp);
        let at = UNIX_EPOCH + Duration::from_secs(1_795_262_400);
        let faults = write(Entry::Boot { at, again: false });
        assert_eq!(faults.len(), 2, "nobody wants them");
        assert!(faults[0].to_string().contains("utmp: No such file") && !utmp.exists(), "{faults:?}");
        fs::write(&utmp, "").unwrap();
        // A torn end is cut.
        fs::write(&wtmp, "torn").unwrap();
        let line = || "tty1".to_owned();
        for entry in [
            Entry::Boot { at, again: false },
            Entry::Boot { at, again: true },
            Entry::Level { now: '2', before: 'N' },
            Entry::Init { line: line(), pid: 70 },
            Entry::Dead { pid: 71 },
            Entry::Dead { pid: 70 },
            Entry::Dead { pid: 70 },
            Entry::Init { line: line(), pid: 72 },
            Entry::Level { now: '0', before: '2' },
            Entry::Shutdown,
        ] {
            assert!(write(entry).is_empty());
        }
        let (boot, level) = ((BOOT_TIME, 0, "~".into(), "reboot".into()), |now, before| {
            (RUN_LVL, i32::from(now) + 256 * i32::from(before), String::from("~"), String::from("runlevel"))
        });
        let terminal = |kind, pid| (kind, pid, line(), String::new());
        assert_eq!(records(&utmp), [boot.clone(), level(b'0', b'2'), terminal(INIT_PROCESS, 72)]);
        let was = [
            boot.clone(),
            level(b'2', b'N'),
            terminal(INIT_PROCESS, 70),
            terminal(DEAD_PROCESS, 70),
            terminal(INIT_PROCESS, 72),
            level(b'0', b'2'),
            (RUN_LVL, 0, "~".into(), "shutdown".into()),
        ];
        assert_eq!(records(&wtmp), was);
        // Whoever makes utmp anew while the machine comes up has it told again, and wtmp not.
        fs::write(&utmp, "").unwrap();
        assert!(write(Entry::Boot { at, again: true }).is_empty());
        assert_eq!((records(&utmp), records(&wtmp).len()), (vec![boot], was.len()));
    }
}
