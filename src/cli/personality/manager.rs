//! svcd behind the old commands: what it knows goes through it; where there is none, the commands do as the originals.

use std::env;
use std::time::Duration;

use super::super::args::Verb;
use super::super::client::{AskError, Client};
use super::super::code;
use super::super::common::{Common, Named, socket};
use super::super::out::say_error;
use super::super::session::Session;
use super::rcconf;
use crate::wire::{Reply, Request, StateName, Summary};

/// So long svcd may take to say what it knows; the verbs themselves have its own limits.
const LOOK_TIME_MAX: Duration = Duration::from_secs(10);
/// The kind of a service that is a legacy script.
const SCRIPT: &str = "script";

/// An svcd that answers.
#[derive(Debug)]
pub(super) struct Manager {
    common: Common,
    client: Client,
}

/// A service that svcd knows.
#[derive(Debug)]
pub(super) struct Known<'a> {
    manager: &'a Manager,
    summary: Summary,
}

impl Manager {
    /// The svcd of this machine, unless there is none or the caller wants none.
    pub(super) fn find() -> Option<Self> {
        if env::var_os("SVC_SKIP_REDIRECT").is_some_and(|value| !value.is_empty()) {
            return None;
        }
        let root = env::var_os("SVC_ROOT").map(|_| rcconf::root());
        let common = Common { root, quiet: true, ..Common::default() };
        let client = Client { socket: socket(&common), timeout: Some(LOOK_TIME_MAX) };
        client.socket.exists().then_some(Self { common, client })
    }

    /// Every service; none if svcd does not answer.
    pub(super) fn all(&self) -> Option<Vec<Summary>> {
        self.list(Vec::new())
    }

    /// What svcd knows by this name of a script. A script is not led to svcd from within its own run: it would wait
    /// for itself.
    pub(super) fn service(&self, script: &str) -> Option<Known<'_>> {
        // A pattern would be a question about many.
        let plain = |found: char| found.is_ascii_alphanumeric() || "._@+-".contains(found);
        if script.is_empty() || script.starts_with(['-', '.']) || !script.chars().all(plain) {
            return None;
        }
        let names = [script, script.strip_suffix(".sh").unwrap_or(script)];
        names.iter().filter(|name| !is_own(name)).find_map(|name| {
            let rows = self.list(vec![(*name).to_owned()])?;
            let summary = rows.into_iter().next()?;
            Some(Known { manager: self, summary })
        })
    }

    /// Lets svcd read what has changed on disk.
    pub(super) fn reload(&self) {
        match self.client.ask(&Request::Load { names: Vec::new() }, &mut |_| {}) {
            Ok(_) | Err(AskError::NoDaemon { .. } | AskError::Denied { .. }) => {}
            Err(error) => say_error(&format!("svcd has not read the links again: {error}; later: svc load")),
        }
    }

    fn list(&self, names: Vec<String>) -> Option<Vec<Summary>> {
        match self.client.ask(&Request::List { names }, &mut |_| {}) {
            Ok(Reply::List(rows)) => Some(rows),
            Ok(_) | Err(AskError::NoDaemon { .. } | AskError::Denied { .. }) => None,
            Err(error) => {
                say_error(&error.to_string());
                None
            }
        }
    }

    fn serve(&self, verb: Verb) -> u8 {
        let client = Client { timeout: None, ..self.client.clone() };
        Session::new(client, &self.common).serve(verb, &self.common)
    }
}

/// Whether this process is in the run of the service of this name.
fn is_own(name: &str) -> bool {
    let mark = env::var("SVC_RUN").unwrap_or_default();
    let run = mark.rsplit('/').next().unwrap_or_default();
    run.rsplit_once('.').is_some_and(|(own, _)| own == name)
}

impl Known<'_> {
    pub(super) fn is_script(&self) -> bool {
        self.summary.kind == SCRIPT
    }

    /// Carries out a verb of an init script and returns its exit code.
    pub(super) fn act(&self, words: &[String]) -> u8 {
        let Some(verb) = words.first() else { return code::USAGE };
        let which = || Named { names: vec![self.summary.name.to_string()], no_wait: false };
        let names = which().names;
        let serve = |verb| self.manager.serve(verb);
        match verb.as_str() {
            "start" => serve(Verb::Start(which())),
            "stop" => serve(Verb::Stop { which: which(), only: false, all: false }),
            "restart" => serve(Verb::Restart { which: which(), only: false, all: false }),
            "reload" => serve(Verb::Reload(which())),
            _ if self.is_script() => serve(Verb::Pass { names, words: words.to_vec() }),
            "status" => self.status(),
            "enable" => serve(Verb::Enable { which: which(), now: false }),
            "disable" => serve(Verb::Disable { which: which(), now: false }),
            "force-reload" | "force-restart" => serve(Verb::Restart { which: which(), only: false, all: false }),
            "try-restart" | "condrestart" if !self.is_up() => code::GOOD,
            "try-restart" | "condrestart" => serve(Verb::Restart { which: which(), only: false, all: false }),
            "force-stop" => serve(Verb::Stop { which: which(), only: false, all: true }),
            _ => serve(Verb::Pass { names, words: words.to_vec() }),
        }
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.summary.enabled
    }

    pub(super) fn is_up(&self) -> bool {
        is_up(&self.summary)
    }

    /// One line and an LSB code, as an init script's.
    pub(super) fn status(&self) -> u8 {
        let Summary { name, pid, .. } = &self.summary;
        match (self.is_up(), pid) {
            (true, Some(pid)) => println!("{name} is running as pid {pid}"),
            (true, None) => println!("{name} is running"),
            (false, _) => println!("{name} is not running"),
        }
        if self.is_up() { code::GOOD } else { code::UNSUPPORTED }
    }
}

pub(super) fn is_up(summary: &Summary) -> bool {
    summary.state == StateName::Up
}
