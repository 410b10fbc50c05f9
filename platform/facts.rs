//! What is known of a process.

use std::io;
use std::time::Duration;

use svc_core::Time;

/// What the system says about a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Process id.
    pub pid: i32,
    /// Parent.
    pub parent: i32,
    /// Session.
    pub session: i32,
    /// `R`, `S`, `D`, `Z` and so on.
    pub state: char,
    /// When it started.
    pub started: Time,
    /// Its name, at most 15 bytes.
    pub name: String,
    /// Arguments; empty for a kernel thread and for a zombie.
    pub arguments: Vec<String>,
    /// Effective user.
    pub uid: u32,
    /// Memory in use, in bytes.
    pub memory: u64,
    /// CPU time used.
    pub cpu: Duration,
}

impl Facts {
    /// It has ended and waits to be collected.
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Its command line as people write it, or its name in brackets.
    pub fn command(&self) -> String {
        if self.arguments.is_empty() { format!("[{}]", self.name) } else { self.arguments.join(" ") }
    }
}

/// Whether `pid` is `ancestor` or below it, as far as can be seen: who lost a parent is a child of another since.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: proc_pid_stat(5), sysctl(3).
pub fn descends_from(pid: i32, ancestor: i32) -> io::Result<bool> {
    let mut at = pid;
    // The bound is on a chain that changes under our eyes; no real one is so deep.
    for _ in 0..DEPTH_MAX {
        if at == ancestor {
            return Ok(true);
        }
        if at <= 1 {
            return Ok(false);
        }
        at = crate::os::process::parent_of(at)?;
    }
    Ok(false)
}

/// How deep a process may lie below another.
const DEPTH_MAX: usize = 10_000;

/// Arguments are ended by zeros; one process writes its title over them, with any number of zeros behind.
pub(crate) fn words(bytes: &[u8]) -> Vec<String> {
    let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if text.iter().all(|byte| *byte == 0) {
        return Vec::new();
    }
    let mut words: Vec<String> =
        text.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    while words.last().is_some_and(String::is_empty) {
        words.pop();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_end_with_zeros_and_may_be_empty() {
        assert_eq!(words(b"sh\0-c\0\0x\0"), ["sh", "-c", "", "x"]);
        assert_eq!(words(b"nginx: master\0\0\0\0"), ["nginx: master"]);
        assert!(words(b"").is_empty() && words(b"\0\0").is_empty());
    }
}
