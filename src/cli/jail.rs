//! `svc -j JAIL ...`: the same line, asked inside a running jail.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use svc_platform::{host, jail};

use super::code;
use super::out::say_error;

/// Where a jail has `svc`, as packages put it.
const OURS: [&str; 3] = ["/usr/local/sbin/svc", "/usr/sbin/svc", "/sbin/svc"];
/// What every jail of the system has.
const SYSTEMS_OWN: &str = "/usr/sbin/service";

/// Enters the jail and executes what answers there; returns only if that failed, with the exit code.
pub(super) fn ask_inside(name: &str, typed: &[OsString]) -> u8 {
    let Some(words) = without_jail(typed) else {
        say_error(&format!("the jail must be a word of its own: svc -j {name} NAME VERB"));
        return code::USAGE;
    };
    let outside = root();
    let entered = jail::find(name).and_then(jail::enter).and_then(|()| std::env::set_current_dir("/"));
    if let Err(error) = entered {
        match error.kind() {
            io::ErrorKind::NotFound => say_error(&format!("there is no jail {name}; jls(8) lists them")),
            _ => say_error(&format!("entering the jail {name}: {error}")),
        }
        return if error.kind() == io::ErrorKind::PermissionDenied { code::DENIED } else { code::FAILED };
    }
    // In a jail that shares our root svc would ask the svcd outside, which is not what was meant.
    let shares_root = outside.is_some() && root() == outside;
    let ours = OURS.into_iter().map(Path::new).find(|path| !shares_root && path.exists());
    let own = host::own_program().ok().filter(|path| !shares_root && path.exists());
    let program = ours.map(Path::to_owned).or(own).unwrap_or_else(|| SYSTEMS_OWN.into());
    let is_systems_own = program == Path::new(SYSTEMS_OWN);
    let words = if is_systems_own { of_service(words) } else { words };
    let error = Command::new(&program).args(&words).exec();
    say_error(&format!("in the jail {name}, executing {}: {error}", program.display()));
    code::FAILED
}

/// What stands for `/` here.
fn root() -> Option<(u64, u64)> {
    fs::metadata("/").ok().map(|root| (root.dev(), root.ino()))
}

/// The line without `-j JAIL` in any of its forms; `None`: it is hidden among other letters.
fn without_jail(typed: &[OsString]) -> Option<Vec<OsString>> {
    let mut words = Vec::new();
    let mut found = false;
    let mut rest = typed.iter();
    while let Some(word) = rest.next() {
        let bytes = word.as_bytes();
        if word == "--" {
            words.push(word.clone());
            break;
        }
        if word == "-j" || word == "--jail" {
            found = rest.next().is_some();
        } else if bytes.starts_with(b"--jail=") || (bytes.starts_with(b"-j") && bytes.len() > 2) {
            found = true;
        } else {
            words.push(word.clone());
        }
    }
    words.extend(rest.cloned());
    found.then_some(words)
}

/// A line of ours as service(8) takes it: the name before the verb.
fn of_service(mut words: Vec<OsString>) -> Vec<OsString> {
    let is_verb = |word: &OsStr| super::grammar::is_of_services(word);
    if let [first, second, ..] = words.as_slice()
        && is_verb(first)
        && !is_verb(second)
    {
        words.swap(0, 1);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split_whitespace().map(OsString::from).collect()
    }

    #[test]
    fn the_jail_is_taken_out_of_the_line_and_nothing_else() {
        for (typed, left) in [
            ("-j www nginx start", Some("nginx start")),
            ("nginx restart --jail www -q", Some("nginx restart -q")),
            ("-jwww nginx start", Some("nginx start")),
            ("--jail=www list", Some("list")),
            ("-j www nginx -- -j x", Some("nginx -- -j x")),
            ("-qj www nginx start", None),
        ] {
            assert_eq!(without_jail(&words(typed)), left.map(words), "{typed}");
        }
    }

    #[test]
    fn a_line_for_service_has_the_name_first() {
        assert_eq!(of_service(words("start nginx")), words("nginx start"));
        assert_eq!(of_service(words("nginx configtest")), words("nginx configtest"));
    }
}
