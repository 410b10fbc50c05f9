//! A shell's text that hands its arguments on to the daemon: what is said of the daemon's options holds for its own.

use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece, Record, is_unknown};

use super::Tree;

/// An argument that nobody uses, so that it is known again.
const MARK: &str = "--svc-passed-on";
/// Longer texts do more than hand on.
const TEXT_BYTES_MAX: usize = 1 << 15;

/// The program to which the text of this one hands whatever it is given.
pub(super) fn to(tree: &Tree, program: &str) -> Option<String> {
    let text = tree.read(program).filter(|text| text.len() < TEXT_BYTES_MAX && is_shells(text))?;
    let decoded = svc_compat::text::decode(&text);
    if !decoded.contains("$@") && !decoded.contains("$*") {
        return None;
    }
    let whole = [format!("set -- {MARK}\n").as_bytes(), &text].concat();
    let piece = Piece { path: program, text: &whole, style: Style::Own, verb: "start", running: false, granted: &[] };
    let record = play::play(tree, piece);
    let marked = record.launches.last().filter(|launch| launch.command.last().is_some_and(|word| word == MARK));
    let inner = match marked {
        Some(launch) => launch.command[0].clone(),
        // What stands before it may have ended the play.
        None => named_last(&decoded, &record)?,
    };
    (inner.starts_with('/') && inner != program && !inner.contains(is_unknown)).then_some(inner)
}

/// The program of a last line like `exec $COMMAND "$@"`.
fn named_last(text: &str, record: &Record) -> Option<String> {
    let last = text.lines().map(str::trim).rfind(|line| !line.is_empty() && !line.starts_with('#'))?;
    let command = last.strip_prefix("exec ")?.trim();
    let command = ["\"$@\"", "$@", "$*"].iter().find_map(|words| command.strip_suffix(words))?;
    let first = command.split_whitespace().next()?.trim_matches('"');
    let Some(name) = first.strip_prefix('$') else { return Some(first.to_string()) };
    let (value, ..) = record.values.get(name.trim_matches(['{', '}']))?;
    value.split_whitespace().next().map(String::from)
}

/// Whether a shell is named as what reads it.
pub(super) fn is_shells(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let names = line.strip_prefix("#!").map(|line| line.split([' ', '/', '\t']));
    names.is_some_and(|mut names| names.any(|name| ["sh", "bash", "dash", "ksh", "mksh"].contains(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn passed_on(text: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
        fs::write(folder.path().join("usr/sbin/start-web"), text).unwrap();
        to(&Tree::partial(folder.path()), "/usr/sbin/start-web")
    }

    #[test]
    fn a_text_that_ends_by_executing_with_its_arguments_hands_them_on() {
        let wanted = Some("/usr/sbin/webd".to_string());
        assert_eq!(passed_on("#!/bin/sh\nCMD=/usr/sbin/webd\nCMD=\"$CMD -c /etc/web\"\nexec $CMD \"$@\"\n"), wanted);
        assert_eq!(passed_on("#!/bin/sh\n/usr/sbin/webd $*\n"), wanted);
        let checks = "[ -f \"`web-key`\" ] && exit 1\n";
        assert_eq!(passed_on(&format!("#!/bin/sh\nCMD='/usr/sbin/webd -c x'\n{checks}exec ${{CMD}} \"$@\"\n")), wanted);
        assert_eq!(passed_on("#!/bin/sh\nexec /usr/sbin/webd \"$@\" --last\n"), None);
        assert_eq!(passed_on("#!/bin/sh\necho \"$@\"\nexec /usr/sbin/webd\n"), None);
        assert_eq!(passed_on("#!/usr/bin/perl\nexec '/usr/sbin/webd', '$@'\n"), None);
    }
}
