//! Changes in an rc.conf, line by line, as sysrc(8) makes them.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

/// Is this line an assignment to the variable?
pub(super) fn assigns(line: &str, name: &str) -> bool {
    line.trim_start().strip_prefix(name).is_some_and(|rest| rest.starts_with('='))
}

/// The text with another value in the last assignment; what cannot be changed there gets a line of its own at the end.
pub(super) fn set(text: &str, name: &str, value: &str) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let last = lines.iter().rposition(|line| assigns(line, name));
    let changed = last.and_then(|at| set_in(&lines[at], value).map(|line| (at, line)));
    match changed {
        Some((at, line)) => lines[at] = line,
        None => lines.push(format!("{name}=\"{value}\"")),
    }
    lines.join("\n") + "\n"
}

/// The line with another value, or nothing if the value there is computed.
fn set_in(line: &str, value: &str) -> Option<String> {
    let (before, old) = line.split_once('=').expect("an assignment has an equals sign");
    let first = old.chars().next();
    let (quote, rest) = match first {
        Some('`' | '$' | '\\') => return None,
        Some(quote @ ('"' | '\'')) => (quote, &old[1..]),
        Some(first) if !first.is_whitespace() && first != ';' => {
            let end = old.find(char::is_whitespace).unwrap_or(old.len());
            return Some(format!("{before}=\"{value}\"{}", &old[end..]));
        }
        _ => return Some(format!("{before}=\"{value}\"{old}")),
    };
    // A value that goes on in the next line keeps what is there, and its closing quote.
    Some(match rest.split_once(quote) {
        Some((_, after)) => format!("{before}={quote}{value}{quote}{after}"),
        None => format!("{before}={quote}{value}"),
    })
}

/// The text without any assignment to the variable; nothing if there is none.
pub(super) fn delete(text: &str, name: &str) -> Option<String> {
    let kept: String = text.split_inclusive('\n').filter(|line| !assigns(line, name)).collect();
    (kept.len() != text.len()).then_some(kept)
}

/// Why a file stays as it is.
#[derive(Debug)]
pub(super) enum Refused {
    /// A shell could no longer read it.
    Syntax,
    Io(io::Error),
}

/// Puts the text in the place of the file: at once, with its owner and mode, behind a link where it is one.
pub(super) fn replace(file: &Path, text: &str) -> Result<(), Refused> {
    let target = fs::canonicalize(file).unwrap_or_else(|_| file.to_path_buf());
    let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = target.with_file_name(format!(".{name}.svc.{}", std::process::id()));
    let written = write(&target, &beside, text);
    if written.is_err() {
        // Nothing more can be done about it.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(target: &Path, beside: &Path, text: &str) -> Result<(), Refused> {
    let mut new = fs::OpenOptions::new().write(true).create_new(true).open(beside).map_err(Refused::Io)?;
    if let Ok(old) = fs::metadata(target) {
        new.set_permissions(fs::Permissions::from_mode(old.mode() & 0o7777)).map_err(Refused::Io)?;
        // Only root may give a file away; the mode is right for everyone else.
        let _ = chown(beside, Some(old.uid()), Some(old.gid()));
    }
    new.write_all(text.as_bytes()).and_then(|()| new.sync_all()).map_err(Refused::Io)?;
    let readable = Command::new("/bin/sh")
        .arg("-n")
        .arg(beside)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !readable.is_ok_and(|status| status.success()) {
        return Err(Refused::Syntax);
    }
    fs::rename(beside, target).map_err(Refused::Io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_assignment_gets_the_value_and_keeps_what_is_around_it() {
        for (before, after) in [
            ("a=1\n", "a=\"9\"\n"),
            ("a='x' # why\n", "a='9' # why\n"),
            ("  a=\"x\"y\n", "  a=\"9\"y\n"),
            ("a=1\na=2\n", "a=1\na=\"9\"\n"),
            ("a=\n", "a=\"9\"\n"),
            ("a=$(id)\n", "a=$(id)\na=\"9\"\n"),
            ("ab=1", "ab=1\na=\"9\"\n"),
        ] {
            assert_eq!(set(before, "a", "9"), after, "{before}");
        }
    }

    #[test]
    fn every_assignment_goes_and_no_other_line() {
        assert_eq!(delete("a=1\n#a=2\n  a=3\nab=4\n", "a").as_deref(), Some("#a=2\nab=4\n"));
        assert_eq!(delete("ab=4\n", "a"), None);
    }
}
