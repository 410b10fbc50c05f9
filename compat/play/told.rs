//! What only the machine tells that a service starts on: its name, how many processors it has.
//!
//! A word that is made of it is written down with a character that stands for the command which tells it, so that a
//! conversion can have that command run at each start and takes nothing from the machine on which it is made.

use super::expand::UNKNOWN;
use crate::shell::glob;

/// Each with the command that tells it.
const TOLD: &[(char, &str)] =
    &[('\u{e001}', "hostname"), ('\u{e002}', "hostname -s"), ('\u{e003}', "hostname -f"), ('\u{e004}', "nproc")];

/// What stands for a `*` or `?` that the shell of the start fills in with the names of files, so that those are taken
/// that are there then.
const PATTERNS: &[(char, char)] = &[('\u{e010}', '*'), ('\u{e011}', '?')];

/// Whether a character stands for something that is not known on paper.
pub fn is_unknown(found: char) -> bool {
    found == UNKNOWN || is_told(found)
}

/// Whether a character stands for what the machine tells.
pub fn is_told(found: char) -> bool {
    TOLD.iter().any(|(known, _)| *known == found) || is_pattern(found)
}

fn is_pattern(found: char) -> bool {
    PATTERNS.iter().any(|(known, _)| *known == found)
}

/// A pattern of file names that is to be filled in at each start; `None` if no shell can be told it so.
pub(super) fn pattern_of(word: &str) -> Option<String> {
    let mark = |found: char| PATTERNS.iter().find(|(_, plain)| *plain == found).map_or(found, |(mark, _)| *mark);
    (!word.contains('[')).then(|| word.chars().map(mark).collect())
}

/// A word with the patterns in it as they are written.
pub fn written(word: &str) -> String {
    let plain = |found: char| PATTERNS.iter().find(|(mark, _)| *mark == found).map_or(found, |(_, plain)| *plain);
    word.chars().map(plain).collect()
}

/// What stands for the answer of a command: of its name and its words.
pub(super) fn of_command(name: &str, words: &[String]) -> Option<char> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let told = match (name, words.as_slice()) {
        ("hostname", []) | ("uname", ["-n" | "--nodename"]) => "hostname",
        ("hostname", ["-s" | "--short"]) => "hostname -s",
        ("hostname", ["-f" | "--fqdn" | "--long"]) => "hostname -f",
        ("nproc", []) | ("getconf", ["_NPROCESSORS_ONLN"]) => "nproc",
        _ => return None,
    };
    of_machine(told)
}

/// What stands for the answer of one of the commands that are known: `hostname -s`.
pub fn of_machine(command: &str) -> Option<char> {
    TOLD.iter().find(|(_, known)| *known == command).map(|(found, _)| *found)
}

/// What is left of a value that the machine tells when a shell cuts it: the first part of its name, or nothing known.
pub(super) fn cut(value: &str, operator: &str, pattern: &str) -> String {
    let is_name = value.chars().eq(of_machine("hostname"));
    let is_first = matches!((operator, pattern), ("%%", ".*"));
    let short = of_machine("hostname -s").filter(|_| is_name && is_first);
    short.unwrap_or(UNKNOWN).to_string()
}

/// The first part of the machine's name, where that is what `cut -d. -f1` is told to leave.
pub(super) fn first_part(value: &str, words: &[String]) -> Option<char> {
    let is_name = value.chars().eq(of_machine("hostname"));
    let wanted = words.concat().replace(['\'', '"'], "");
    let is_first = matches!(wanted.as_str(), "-d.-f1" | "-f1-d.");
    of_machine("hostname -s").filter(|_| is_name && is_first)
}

/// A word as a shell has to be given it, so that what the machine tells is asked for when it runs.
pub fn asked(word: &str) -> String {
    let mut out = String::from("\"");
    for found in word.chars() {
        if let Some((_, plain)) = PATTERNS.iter().find(|(mark, _)| *mark == found) {
            out.extend(['"', *plain, '"']);
            continue;
        }
        match TOLD.iter().find(|(known, _)| *known == found) {
            Some((_, command)) => out.push_str(&format!("$({command})")),
            None if "\"\\$`".contains(found) => out.extend(['\\', found]),
            None => out.push(found),
        }
    }
    out.push('"');
    out
}

/// A text for a person: each command in the place of its answer, and a question mark for what is not known at all.
pub fn shown(text: &str) -> String {
    let mut out = written(text).replace(UNKNOWN, "?");
    for (found, command) in TOLD {
        out = out.replace(*found, &format!("$({command})"));
    }
    out
}

/// Whether these words were executed where those stand on paper: the same but for what the machine told.
pub fn may_be(paper: &[String], executed: &[String]) -> bool {
    let pattern = |word: &String| -> String {
        let plain = |found: char| match found {
            '*' | '?' | '[' => format!("[{found}]"),
            found if is_pattern(found) => written(&found.to_string()),
            found if is_told(found) => "?*".to_string(),
            found => found.to_string(),
        };
        word.chars().map(plain).collect()
    };
    let mut executed = executed.iter();
    for word in paper {
        let pattern = pattern(word);
        if !executed.next().is_some_and(|other| glob(&pattern, other)) {
            return false;
        }
        // A shell makes as many words of a pattern as there are files.
        while word.contains(is_pattern) && executed.as_slice().first().is_some_and(|other| glob(&pattern, other)) {
            executed.next();
        }
    }
    executed.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_filled_in_when_it_runs() {
        let word = pattern_of("/dev/input/event*").expect("a shell can be told it");
        assert_eq!((asked(&word), written(&word)), ("\"/dev/input/event\"*\"\"".into(), "/dev/input/event*".into()));
        assert_eq!(pattern_of("/dev/tty[0-9]*"), None);
        let paper = ["/bin/x".to_string(), word, "-f".to_string()];
        let ran = |words: &[&str]| may_be(&paper, &words.iter().map(|word| (*word).to_string()).collect::<Vec<_>>());
        assert!(ran(&["/bin/x", "/dev/input/event*", "-f"]));
        assert!(ran(&["/bin/x", "/dev/input/event0", "/dev/input/event1", "-f"]));
        assert!(!ran(&["/bin/x", "-f"]) && !ran(&["/bin/x", "/dev/input/event0", "-f", "-x"]));
    }

    #[test]
    fn what_the_machine_tells_is_asked_for_when_it_runs() {
        let host = of_machine("hostname").expect("it is known");
        let word = format!("x-{host}\"$");
        assert_eq!(asked(&word), "\"x-$(hostname)\\\"\\$\"");
        let words = |word: &str| vec!["/bin/x".to_string(), word.to_string()];
        assert!(may_be(&words(&word), &words("x-web\"$")) && may_be(&words("a*"), &words("a*")));
        assert!(!may_be(&words(&word), &words("x-\"$")) && !may_be(&words("a*"), &words("ab")));
        assert_eq!(cut(&host.to_string(), "%%", ".*").chars().next(), of_machine("hostname -s"));
        assert_eq!(cut(&word, "%%", ".*"), UNKNOWN.to_string());
    }
}
