//! The commands of other systems: by the name the program is called with, or as `svc as NAME ...`.

mod asker;
mod daemon;
mod debian;
mod getopt;
mod grammars;
mod manager;
mod openrc;
mod rcconf;
mod rcorder;
mod redhat;
mod runlevel;
mod script;
mod service;
mod start_stop_daemon;
mod sv;
mod sysrc;
mod systemctl;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use super::code;
use super::out::say_error;

/// A command of another system: its words in, its exit code out.
type Personality = fn(&[String]) -> ExitCode;

const PERSONALITIES: &[(&str, Personality)] = &[
    ("chkconfig", redhat::chkconfig::run),
    ("daemon", daemon::run),
    ("debian-service", debian::service::run),
    ("freebsd-service", service::run),
    ("invoke-rc.d", debian::invoke::run),
    ("rc-service", openrc::service::run),
    ("rc-status", openrc::status::run),
    ("rc-update", openrc::update::run),
    ("rcorder", rcorder::run),
    ("redhat-service", redhat::service::run),
    ("runlevel", runlevel::runlevel),
    ("service", grammars::service),
    ("start-stop-daemon", start_stop_daemon::run),
    ("sv", sv::run),
    ("sysrc", sysrc::run),
    ("systemctl", systemctl::run),
    ("telinit", runlevel::telinit),
    ("update-rc.d", debian::update::run),
];

/// Answers as the command that this is, if it is one.
pub(crate) fn answer(called: Option<&OsStr>, words: &[OsString]) -> Option<ExitCode> {
    let role = called.and_then(OsStr::to_str).unwrap_or_default();
    if role.starts_with(daemon::SUPERVISOR) {
        return Some(daemon::supervise(&plain(words)));
    }
    if role.starts_with(start_stop_daemon::DETACHED) {
        return Some(start_stop_daemon::detached(&plain(words)));
    }
    let called = called.and_then(|called| Path::new(called).file_name()).and_then(OsStr::to_str);
    if let Some(found) = called.and_then(find) {
        return Some(found(&plain(words)));
    }
    if words.first()?.as_os_str() != "as" {
        return None;
    }
    let words = plain(&words[1..]);
    let known = || PERSONALITIES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let fault = match words.split_first() {
        Some((name, rest)) => match find(name) {
            Some(found) => return Some(found(rest)),
            None => format!("as: there is no command `{name}` here; there are: {}", known()),
        },
        None => format!("as: say which command: {}", known()),
    };
    say_error(&fault);
    Some(ExitCode::from(code::USAGE))
}

fn find(name: &str) -> Option<Personality> {
    PERSONALITIES.iter().find(|(known, _)| *known == name).map(|(_, run)| *run)
}

/// The originals know bytes; what is no text cannot be the name of anything they have.
fn plain(words: &[OsString]) -> Vec<String> {
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// The name this program was called by, for messages; `usual` where it was called as `svc as NAME`.
fn called_as(usual: &str) -> String {
    let called = std::env::args_os().next().unwrap_or_default();
    let name = Path::new(&called).file_name().and_then(OsStr::to_str);
    name.filter(|name| find(name).is_some()).unwrap_or(usual).to_owned()
}
