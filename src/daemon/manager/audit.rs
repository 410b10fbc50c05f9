//! Who asked for what, when, and what became of it: one line for each request that changes something or was refused.

use std::collections::BTreeMap;
use std::io::{self, PipeWriter, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use svc_core::{Answer, Name};
use svc_platform::{files, process};

use super::Manager;
use crate::daemon::link::{Key, Record};
use crate::daemon::logread;
use crate::daemon::say;
use crate::wire::{Outcome, Refusal, Reply, Request, Then};

/// The log of all requests, beside those of services: no service can have this name.
pub(super) const LOG: &str = "=audit";

/// It is rotated when it is larger than this, in bytes.
const LOG_BYTES: u64 = 4 * 1024 * 1024;
const KEPT: u32 = 8;

/// As much of what a client sent is written down.
const WORDS_CHARS_MAX: usize = 1000;

/// Where names of users are looked for: on this machine alone, as nobody must be waited for.
const USERS: &str = "/etc/passwd";
const USERS_BYTES_MAX: u64 = 1024 * 1024;

/// What was asked and not yet answered, and where it is written down.
#[derive(Debug, Default)]
pub(super) struct Audit {
    open: BTreeMap<u64, Entry>,
    writer: Option<PipeWriter>,
    lost: u64,
}

#[derive(Debug)]
struct Entry {
    who: String,
    asked: String,
    /// Written down though nothing came of it.
    changes: bool,
}

impl Manager {
    /// A client asks for something.
    pub(super) fn note_request(&mut self, client: u64, request: &Request) {
        let Some((asked, changes)) = words(request) else { return };
        let Some(peer) = self.peer(client) else { return };
        let user = match name_of(peer.uid) {
            Some(name) => format!("user={} uid={}", quoted(&name), peer.uid),
            None => format!("uid={}", peer.uid),
        };
        let program = match process::facts(peer.pid) {
            Ok(facts) => format!(" program={}", quoted(&facts.command())),
            Err(_) => String::new(),
        };
        let entry = Entry { who: format!("{user} pid={}{program}", peer.pid), asked, changes };
        self.audit.open.insert(client, entry);
    }

    /// It is answered, whether the client is still there or not.
    pub(super) fn note_reply(&mut self, client: u64, reply: &Reply) {
        let Some(Entry { who, asked, changes }) = self.audit.open.remove(&client) else { return };
        let result = result(reply);
        if changes || matches!(reply, Reply::Refused(Refusal::Denied { .. })) {
            self.write_down(&format!("{who} asked={} result={}", quoted(&asked), quoted(&result)));
        }
    }

    /// A client is gone. What it only looked at is no news.
    pub(super) fn note_gone(&mut self, client: u64) {
        if self.audit.open.get(&client).is_some_and(|entry| !entry.changes) {
            self.audit.open.remove(&client);
        }
    }

    fn write_down(&mut self, line: &str) {
        if self.audit.writer.is_none() {
            match self.open_audit() {
                Ok(writer) => self.audit.writer = Some(writer),
                Err(error) => return say(format!("preparing the log of requests: {error}; {line}")),
            }
        }
        let audit = &mut self.audit;
        let Some(writer) = &mut audit.writer else { return };
        if audit.lost > 0 && writer.write_all(format!("{} lines were lost here\n", audit.lost).as_bytes()).is_ok() {
            audit.lost = 0;
        }
        // One line is one write, which a pipe takes whole or not at all; a logger that hangs must not stop us.
        if let Err(error) = writer.write_all(format!("{line}\n").as_bytes()) {
            audit.lost += 1;
            say(format!("the log of requests: {error}; {line}"));
        }
    }

    fn open_audit(&mut self) -> io::Result<PipeWriter> {
        let (reader, writer) = io::pipe()?;
        files::set_nonblocking(writer.as_fd())?;
        let kept = vec![reader.into(), OwnedFd::from(writer.try_clone()?)];
        let key = Key::new(LOG).ok_or(io::ErrorKind::InvalidInput)?;
        self.keeper.send(Record::Store { key, size: LOG_BYTES, keep: KEPT }, kept);
        Ok(writer)
    }

    /// The keeper gives back what an earlier manager wrote to.
    pub(super) fn audit_kept(&mut self, writer: PipeWriter) {
        self.audit.writer.get_or_insert(writer);
    }

    pub(super) fn audit_asked(&mut self, client: u64, count: u32) {
        let lines = logread::last(&svcd(), &self.audit_dir(), count as usize);
        self.reply(client, Reply::Log(lines));
    }

    fn audit_dir(&self) -> PathBuf {
        self.options.logs.join(LOG)
    }
}

/// Whose lines these are.
fn svcd() -> Name {
    Name::new("svcd").expect("it is a name")
}

/// The name that this machine itself knows for a user.
pub(super) fn name_of(uid: u32) -> Option<String> {
    if uid == 0 {
        return Some("root".into());
    }
    let text = files::read_regular(std::path::Path::new(USERS), USERS_BYTES_MAX).ok()?;
    String::from_utf8_lossy(&text).lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// What is asked, as a person would type it, and whether it changes anything; `None`: nobody needs to know.
fn words(request: &Request) -> Option<(String, bool)> {
    let named = |verb: &str, names: &[String]| format!("{verb} {}", names.join(" "));
    let (text, changes) = match request {
        Request::Hello
        | Request::Snapshot
        | Request::List { .. }
        | Request::Usage { .. }
        | Request::Status { .. }
        | Request::Check { .. } => {
            return None;
        }
        Request::Log { names, .. } => (named("log", names), false),
        Request::Cat { names } => (named("cat", names), false),
        Request::Audit { .. } => ("log --audit".into(), false),
        Request::Load { names } => (named("load", names), true),
        Request::Start(target) => (named("start", &target.names), true),
        Request::Stop(target) => (named(if target.all { "stop --all" } else { "stop" }, &target.names), true),
        Request::Restart(target) => (named("restart", &target.names), true),
        Request::Reload(target) => (named("reload", &target.names), true),
        Request::Verb { name, words, .. } => (format!("{name} -- {}", words.join(" ")), true),
        Request::Enable(target) => (named("enable", &target.names), true),
        Request::Disable(target) => (named("disable", &target.names), true),
        Request::Pin(target) => (named("pin", &target.names), true),
        Request::Unpin(target) => (named("unpin", &target.names), true),
        Request::Reset(target) => (named("reset", &target.names), true),
        Request::Shutdown { then, kill } => {
            let then = match then {
                Then::Exit => "exit",
                Then::Halt => "halt",
                Then::Poweroff => "poweroff",
                Then::Reboot => "reboot",
            };
            (format!("shutdown {then}{}", if *kill { " --kill" } else { "" }), true)
        }
        Request::Renew => ("renew".into(), true),
    };
    Some((text.trim_end().chars().take(WORDS_CHARS_MAX).collect(), changes))
}

fn result(reply: &Reply) -> String {
    match reply {
        Reply::Outcomes(all) => all.iter().map(outcome).collect::<Vec<_>>().join("; "),
        Reply::Refused(Refusal::Denied { text }) => format!("denied: {text}"),
        Reply::Refused(Refusal::Unknown { name, .. }) => format!("no service is called {name}"),
        Reply::Refused(Refusal::Failed { text } | Refusal::BadRequest { text }) => format!("failed: {text}"),
        Reply::Load(report) => format!(
            "{} new, {} gone, {} values changed, {} faults",
            report.added.len(),
            report.removed.len(),
            report.changed.len(),
            report.faults.len()
        ),
        _ => "done".into(),
    }
}

fn outcome(outcome: &Outcome) -> String {
    let what = match &outcome.answer {
        Answer::Done { changed: true, .. } => "done".into(),
        Answer::Done { changed: false, .. } => "nothing to do".into(),
        Answer::Failed(why) | Answer::Unsupported(why) => why.clone(),
        Answer::Exited(exit) => exit.to_string(),
        Answer::Superseded(who) => format!("superseded by {}", who.0),
    };
    format!("{}: {what}", outcome.name)
}

/// One word, whatever is in it.
fn quoted(text: &str) -> String {
    let is_plain = |found: char| found.is_ascii_alphanumeric() || "-_./@+".contains(found);
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Target;

    #[test]
    fn a_line_is_one_line_whatever_a_client_says() {
        assert_eq!(quoted("web"), "web");
        assert_eq!(quoted("svc web\nroot \u{1b}[1m\"x\""), r#""svc web\nroot \u{1b}[1m\"x\"""#);
        let names = vec!["web".to_owned(), "db".to_owned()];
        let asked = words(&Request::Stop(Target { names, all: true, ..Target::default() }));
        assert_eq!(asked, Some(("stop --all web db".into(), true)));
        assert_eq!(words(&Request::List { names: Vec::new() }), None);
    }

    #[test]
    fn a_user_has_the_name_that_the_machine_knows() {
        assert_eq!(name_of(0).as_deref(), Some("root"));
        assert_eq!(name_of(u32::MAX - 7), None);
    }
}
