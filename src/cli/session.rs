//! One call of `svc`: the verb becomes requests, the answers become text and an exit code.

use svc_core::definition::near;

use super::client::{AskError, Client};
use super::code::{self, Table};
use super::common::Common;
use super::grep::Pattern;
use super::human::clean;
use super::out::{fail, say, say_raw_error};
use super::progress::Progress;
use super::show::{self, Look, Machine};
use super::{grammar, json};
use crate::wire::{Hello, Line, Refusal, Reply, Request, Status, Summary, Target};

/// Everything one call needs.
#[derive(Debug)]
pub(crate) struct Session {
    client: Client,
    look: Look,
    json: bool,
    grep: Option<Pattern>,
}

/// How a status is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    All,
    Tree,
    Why,
}

impl Session {
    pub(crate) fn new(client: Client, common: &Common) -> Self {
        Self { client, look: Look::new(common.quiet), json: common.json, grep: None }
    }

    /// From now on only lines of a log that this wants.
    pub(super) fn only(&mut self, grep: Option<Pattern>) {
        self.grep = grep;
    }

    pub(super) fn json(&self) -> bool {
        self.json
    }

    pub(super) fn look(&self) -> &Look {
        &self.look
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.look.quiet
    }

    pub(super) fn action(&self, request: &Request) -> u8 {
        match self.ask(request) {
            Ok(reply) => {
                self.tell(&reply);
                Table::Action.reply(&reply)
            }
            Err(error) => self.unanswered(&error, Table::Action),
        }
    }

    /// A verb that is none of ours; if it is none of the service's either, it may be a slip.
    pub(super) fn pass(&self, name: String, words: &[String]) -> u8 {
        let code = self.action(&Request::Verb { name: name.clone(), words: words.to_vec(), stream: true });
        let slip = match code {
            code::UNSUPPORTED => words.first().and_then(|word| near(word, grammar::verbs())).map(|verb| (verb, &name)),
            // `svc statsu web`
            code::NOT_INSTALLED => near(&name, grammar::verbs()).zip(words.first()),
            _ => None,
        };
        if let (Some((verb, name)), false) = (slip, self.json) {
            say_raw_error(&format!("     did you mean: svc {name} {verb}\n"));
        }
        code
    }

    /// `enable --now`: the second request only after the first went well.
    pub(super) fn twice(
        &self,
        target: Target,
        now: bool,
        first: fn(Target) -> Request,
        then: fn(Target) -> Request,
    ) -> u8 {
        match self.action(&first(target.clone())) {
            code::GOOD if now => self.action(&then(target)),
            code => code,
        }
    }

    /// One unknown name must not hide what the others do: it is told, and the rest is asked again.
    pub(super) fn status(&mut self, mut names: Vec<String>, lines: u32, show: Show, table: Table) -> u8 {
        let mut worst = code::GOOD;
        self.look.memory = Some(show).filter(|show| !self.json && *show == Show::All).and_then(|_| Machine::memory());
        loop {
            let reply = match self.ask(&Request::Status { names: names.clone(), lines }) {
                Ok(reply) => reply,
                Err(error) => return self.unanswered(&error, table),
            };
            worst = worst.max(table.reply(&reply));
            match &reply {
                Reply::Status(all) if !self.json => self.tell_status(all, show),
                reply => self.tell(reply),
            }
            match &reply {
                Reply::Refused(Refusal::Unknown { name, .. }) if names.len() > 1 && names.contains(name) => {
                    names.retain(|asked| asked != name);
                    if names.is_empty() {
                        return worst;
                    }
                }
                _ => return worst,
            }
        }
    }

    fn tell_status(&self, all: &[Status], show: Show) {
        if self.look.quiet {
            return;
        }
        for (at, status) in all.iter().enumerate() {
            if at > 0 && show == Show::All {
                say("\n");
            }
            say(&match show {
                Show::All => show::status(status, &self.look),
                Show::Tree => show::tree(status, &self.look),
                Show::Why => show::why(status),
            });
        }
    }

    pub(super) fn overview(&self) -> u8 {
        let asked = self.hello().and_then(|hello| Ok((hello, self.summaries()?)));
        match asked {
            Ok((_, rows)) if self.json => {
                say(&json::reply(&Reply::List(rows)));
                code::GOOD
            }
            Ok((hello, rows)) => {
                say(&show::overview(&Machine::look(), &hello, &rows, &self.look));
                code::GOOD
            }
            Err(error) => self.unanswered(&error, Table::Status),
        }
    }

    pub(super) fn hello(&self) -> Result<Hello, AskError> {
        match self.ask(&Request::Hello)? {
            Reply::Hello(hello) => Ok(hello),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn summaries(&self) -> Result<Vec<Summary>, AskError> {
        match self.ask(&Request::List { names: Vec::new() })? {
            Reply::List(rows) => Ok(rows),
            other => Err(unexpected(&other)),
        }
    }

    pub(super) fn ask(&self, request: &Request) -> Result<Reply, AskError> {
        let mut progress = Progress::new(self.look.quiet || self.json, &self.look);
        let several = match request {
            Request::Log { names, .. } => names.len() != 1 || names[0].contains(['*', '?', '[']),
            _ => false,
        };
        // What a verb prints is its caller's, and no log.
        let is_verb = matches!(request, Request::Verb { .. });
        let reply = self.client.ask(request, &mut |line| match line {
            Line::Progress(news) => progress.show(&news),
            Line::Log(line) if self.grep.as_ref().is_some_and(|pattern| !pattern.wants(&line)) => {}
            Line::Log(line) if is_verb && !self.json => say(&(clean(&line.text) + "\n")),
            Line::Log(line) if self.json => say(&json::log_line(&line)),
            Line::Log(line) => say(&(show::log_line(&line, several) + "\n")),
            Line::Final(_) => {}
        });
        progress.clear();
        match &self.grep {
            Some(pattern) => reply.map(|reply| pattern.sift(reply)),
            None => reply,
        }
    }

    pub(super) fn tell(&self, reply: &Reply) {
        if self.json {
            return say(&json::reply(reply));
        }
        match reply {
            Reply::Hello(hello) => say(&show::hello(hello)),
            Reply::List(rows) => say(&show::list(rows, &self.look)),
            Reply::Status(all) => self.tell_status(all, Show::All),
            // Only `top` asks for it, and shows it itself.
            Reply::Usage(_) => {}
            Reply::Check(all) => all.iter().for_each(|one| say(&show::check(one, &self.look))),
            Reply::Load(report) => say(&show::load(report, &self.look)),
            Reply::Outcomes(all) => {
                for one in all {
                    let told = show::outcome(one, &self.look);
                    say(&told.out);
                    say_raw_error(&told.err);
                }
            }
            Reply::Values(values) => say(&show::values(values)),
            Reply::Log(lines) => say(&show::log(lines)),
            // What is done with it says what there is to say.
            Reply::Snapshot(_) => {}
            Reply::ShuttingDown => {
                if !self.look.quiet {
                    say("svcd stops all services in order and ends\n");
                }
            }
            Reply::Renewing => {}
            Reply::Refused(refusal) => say_raw_error(&show::refusal(refusal)),
        }
    }

    pub(super) fn unanswered(&self, error: &AskError, table: Table) -> u8 {
        fail(self.json, &error.to_string(), table.unanswered(error))
    }
}

pub(super) fn unexpected(reply: &Reply) -> AskError {
    match reply {
        Reply::Refused(Refusal::Failed { text } | Refusal::Denied { text } | Refusal::BadRequest { text }) => {
            AskError::Garbage(text.clone())
        }
        _ => AskError::Garbage("an answer to another question".to_owned()),
    }
}
