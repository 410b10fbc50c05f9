//! `runlevel` and `telinit` of sysvinit, for scripts that ask in which level they are or switch machines off.

use std::env;
use std::fs;
use std::process::ExitCode;

use super::asker::{Asker, Trouble, say};
use super::getopt::{self, Known, Takes, option};
use crate::wire::{Reply, Request, Then};

const UTMP: &str = "/run/utmp";
/// utmp(5) of glibc on Linux.
const RECORD_BYTES: usize = 384;
const RUN_LEVEL: i16 = 1;
/// The level in which a machine works that knows no levels: Debian's.
const WORKING: char = '2';

/// The level before and the level now.
type Levels = (char, char);

pub(super) fn runlevel(words: &[String]) -> ExitCode {
    let path = words.iter().find(|word| !word.starts_with('-'));
    match path.map_or_else(levels, |path| recorded(path)) {
        Some((before, now)) => {
            say(&format!("{before} {now}\n"));
            ExitCode::SUCCESS
        }
        None => {
            say("unknown\n");
            ExitCode::FAILURE
        }
    }
}

/// What a script is told comes first, then what is on record; where svcd runs the machine it works.
fn levels() -> Option<Levels> {
    let variable = |name: &str| env::var(name).ok().and_then(|value| value.chars().next());
    let told = variable("RUNLEVEL").map(|now| (variable("PREVLEVEL").unwrap_or('N'), now));
    told.or_else(|| recorded(UTMP)).or_else(|| Asker::new().is_there().is_ok().then_some(('N', WORKING)))
}

fn recorded(path: &str) -> Option<Levels> {
    let bytes = fs::read(path).ok()?;
    let record = bytes.chunks_exact(RECORD_BYTES).find(|record| kind(record) == RUN_LEVEL)?;
    let pid = i32::from_ne_bytes(record[4..8].try_into().expect("four bytes"));
    let letter = |number: i32| u8::try_from(number).ok().map(char::from);
    let before = letter(pid / 256).filter(|before| *before != '\0').unwrap_or('N');
    Some((before, letter(pid % 256)?))
}

fn kind(record: &[u8]) -> i16 {
    i16::from_ne_bytes(record[..2].try_into().expect("two bytes"))
}

const TELINIT: [Known; 3] =
    [option("", 't', Takes::Value), option("", 'e', Takes::Value), option("no-wall", '\0', Takes::Nothing)];

pub(super) fn telinit(words: &[String]) -> ExitCode {
    let mut options = getopt::Options::new(&TELINIT, words);
    loop {
        match options.next() {
            // Times and variables are for a program 1 of another kind.
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(fault) => return usage(&fault),
        }
    }
    let words = options.words();
    let [level] = words.as_slice() else { return usage("say which level") };
    let request = match level.as_str() {
        "0" => Request::Shutdown { then: Then::Poweroff, kill: false },
        "6" => Request::Shutdown { then: Then::Reboot, kill: false },
        "q" | "Q" => Request::Load { names: Vec::new() },
        "u" | "U" => Request::Renew,
        "2" | "3" | "4" | "5" => return works(),
        "1" | "s" | "S" => {
            eprintln!("telinit: {level}: svcd has no single-user mode; stop what is in the way: svc stop NAME");
            return ExitCode::FAILURE;
        }
        "a" | "b" | "c" | "A" | "B" | "C" => {
            eprintln!("telinit: {level}: svcd reads no inittab(5), so there is nothing on demand");
            return ExitCode::FAILURE;
        }
        other => return usage(&format!("{other}: there is no such level")),
    };
    match Asker::new().ask(&request) {
        Ok(Reply::Load(report)) if !report.faults.is_empty() => {
            report.faults.iter().for_each(|fault| eprintln!("{fault}"));
            ExitCode::FAILURE
        }
        Ok(_) => ExitCode::SUCCESS,
        Err(Trouble::Unknown(text) | Trouble::Other(text)) => {
            eprintln!("telinit: {text}");
            ExitCode::FAILURE
        }
    }
}

/// There is one level of work, and the machine is in it.
fn works() -> ExitCode {
    match Asker::new().is_there() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("telinit: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage(fault: &str) -> ExitCode {
    eprintln!("telinit: {fault}\nUsage: telinit [-t SECONDS] [-e VAR[=VALUE]] {{0|1|2|3|4|5|6|S|s|Q|q|U|u}}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_is_read_from_the_record_of_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("utmp");
        let record = |kind: i16, pid: i32| {
            let mut record = vec![0; RECORD_BYTES];
            record[..2].copy_from_slice(&kind.to_ne_bytes());
            record[4..8].copy_from_slice(&pid.to_ne_bytes());
            record
        };
        fs::write(&path, [record(2, 0), record(RUN_LEVEL, i32::from(b'2'))].concat()).expect("a file");
        let path = path.to_str().expect("text");
        assert_eq!(recorded(path), Some(('N', '2')));
        fs::write(path, record(RUN_LEVEL, i32::from(b'3') + 256 * i32::from(b'5'))).expect("a file");
        assert_eq!(recorded(path), Some(('5', '3')));
        fs::write(path, record(2, 0)).expect("a file");
        assert_eq!(recorded(path), None);
    }
}
