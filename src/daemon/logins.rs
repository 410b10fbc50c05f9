//! The role of who writes down that the machine came up and goes down, and who waits on its terminals: files that may
//! be held by others, or lie on a disk that hangs, are no business of the manager's.

use std::fmt;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use svc_platform::host::{self, Kind};
use svc_platform::logins::{self, Entry};

/// An entry as a word of a command line.
pub(super) struct Word<'a>(pub(super) &'a Entry);

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Entry::Boot { at, again } => {
                let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
                write!(f, "{}:{seconds}", if *again { "boot-again" } else { "boot" })
            }
            Entry::Level { now, before } => write!(f, "level:{now}{before}"),
            Entry::Shutdown => f.write_str("shutdown:"),
            Entry::Init { line, pid } => write!(f, "init:{pid}:{line}"),
            Entry::Dead { pid } => write!(f, "dead:{pid}"),
        }
    }
}

/// The entry that is meant by a word.
fn entry(word: &str) -> Option<Entry> {
    let (kind, rest) = word.split_once(':')?;
    Some(match kind {
        "boot" | "boot-again" => {
            let at = UNIX_EPOCH.checked_add(Duration::from_secs(rest.parse().ok()?))?;
            Entry::Boot { at, again: kind == "boot-again" }
        }
        "level" => {
            let mut levels = rest.chars();
            Entry::Level { now: levels.next()?, before: levels.next()? }
        }
        "shutdown" => Entry::Shutdown,
        "init" => {
            let (pid, line) = rest.split_once(':')?;
            Entry::Init { line: line.to_owned(), pid: pid.parse().ok()? }
        }
        "dead" => Entry::Dead { pid: rest.parse().ok()? },
        _ => return None,
    })
}

/// Writes down what these words say. What went wrong is printed.
///
/// # Errors
///
/// What went wrong first.
pub(super) fn run(words: &[String]) -> io::Result<()> {
    let entries = words.iter().filter_map(|word| entry(word));
    let mut faults: Vec<io::Error> = entries.flat_map(|entry| logins::record(&entry)).collect();
    // Nobody asks a container who is logged in, as a rule.
    if matches!(host::kind(), Kind::Container(_)) {
        faults.retain(|fault| fault.kind() != io::ErrorKind::NotFound);
    }
    faults.into_iter().next().map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_goes_through_a_word() {
        let at = UNIX_EPOCH + Duration::from_secs(1_795_262_400);
        for one in [
            Entry::Boot { at, again: false },
            Entry::Boot { at, again: true },
            Entry::Level { now: '2', before: 'N' },
            Entry::Shutdown,
            Entry::Init { line: "pts/0".into(), pid: 77 },
            Entry::Dead { pid: 77 },
        ] {
            assert_eq!(entry(&Word(&one).to_string()), Some(one));
        }
        for word in ["", "boot", "boot:x", "level:2", "init:tty1", "dead:", "boot:99999999999999999999"] {
            assert_eq!(entry(word), None, "{word}");
        }
    }
}
