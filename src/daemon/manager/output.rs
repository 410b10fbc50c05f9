//! Lines that services wrote: with an answer, for the log request, and followed as they come.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use svc_core::{Answer, Name, ServiceId};

use super::{Manager, Timer};
use crate::daemon::link::{Key, Record};
use crate::daemon::logread::{self, Place};
use crate::wire::{Line, LogLine, Outcome, Reply};

/// How long the logger may take to write what it has read. What is late is taken for the next answer's.
const SYNC: Duration = Duration::from_secs(2);

/// How often those who follow get what is new.
pub(super) const FOLLOW: Duration = Duration::from_millis(200);

/// So many lines go with an answer at most.
const LINES_MAX: usize = 200;

/// An answer that waits for the lines that belong to it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: u64,
    pub(super) name: Name,
    pub(super) answer: Answer,
    /// Where the log ended when the request came.
    pub(super) place: Place,
}

/// Whoever waits for lines.
#[derive(Debug, Default)]
pub(super) struct Outputs {
    asked: BTreeMap<u64, Asked>,
    followers: BTreeMap<u64, Vec<(Name, Place)>>,
    /// What the logger has still to confirm before the daemon ends.
    last: BTreeSet<u64>,
}

impl Manager {
    fn log_dir(&self, name: &Name) -> PathBuf {
        self.options.logs.join(name.as_str())
    }

    /// Has the logger write all that a service printed so far, then completes the answer.
    pub(super) fn fetch_output(&mut self, asked: Asked) {
        let ticket = self.mint();
        let key = Key::new(asked.name.as_str()).filter(|_| self.pipes.contains_key(&asked.name));
        self.output.asked.insert(ticket, asked);
        match key {
            Some(key) => {
                self.keeper.send(Record::Sync { key, ticket }, Vec::new());
                self.set_timer(SYNC, Timer::Output(ticket));
            }
            None => self.synced(ticket),
        }
    }

    /// The logger did not say that all is written; what is there must do.
    pub(super) fn output_overdue(&mut self, ticket: u64) {
        self.synced(ticket);
    }

    pub(super) fn synced(&mut self, ticket: u64) {
        self.timers.retain(|(_, timer)| *timer != Timer::Output(ticket));
        if self.output.last.remove(&ticket) && self.output.last.is_empty() {
            return self.end();
        }
        let Some(Asked { request, name, answer, mut place }) = self.output.asked.remove(&ticket) else { return };
        let lines = logread::since(&name, &self.log_dir(&name), &mut place);
        // Of a verb all was asked for.
        let most = if matches!(answer, Answer::Exited(_)) { usize::MAX } else { LINES_MAX };
        let skip = lines.len().saturating_sub(most);
        let output = lines.into_iter().skip(skip).map(|line| line.text).collect();
        self.outcome(request, Outcome { name, answer, output });
    }

    pub(super) fn last_lines(&self, name: &Name, count: u32) -> Vec<LogLine> {
        if count == 0 { Vec::new() } else { logread::last(name, &self.log_dir(name), count as usize) }
    }

    pub(super) fn log_asked(&mut self, client: u64, ids: &[ServiceId], count: u32, follow: bool) {
        let names: Vec<Name> = ids.iter().map(|id| self.core.service(*id).name.clone()).collect();
        // Taken before the last lines are read: what comes in between is sent twice rather than never.
        let places = names.iter().map(|name| (name.clone(), logread::end(&self.log_dir(name)))).collect();
        let mut lines: Vec<LogLine> = names.iter().flat_map(|name| self.last_lines(name, count)).collect();
        lines.sort_by(|one, other| one.time.cmp(&other.time));
        if !follow {
            return self.reply(client, Reply::Log(lines));
        }
        for line in lines {
            self.tell(client, &Line::Log(line));
        }
        self.output.followers.insert(client, places);
        self.ensure_timer(FOLLOW, Timer::Follow);
    }

    pub(super) fn stop_following(&mut self, client: u64) {
        self.output.followers.remove(&client);
    }

    pub(super) fn tell_followers(&mut self) {
        let mut followers = std::mem::take(&mut self.output.followers);
        followers.retain(|client, places| {
            let mut lines = Vec::new();
            for (name, place) in places {
                lines.extend(logread::since(name, &self.options.logs.join(name.as_str()), place));
            }
            lines.sort_by(|one, other| one.time.cmp(&other.time));
            lines.into_iter().all(|line| self.tell(*client, &Line::Log(line))) && self.peer(*client).is_some()
        });
        self.output.followers = followers;
        if self.stream_verbs() || !self.output.followers.is_empty() {
            self.ensure_timer(FOLLOW, Timer::Follow);
        }
    }

    /// Has the logger write what followed services printed last. Says whether there is anything to wait for: then the
    /// daemon's end comes when all of it is confirmed, or overdue.
    pub(super) fn wait_for_last_lines(&mut self) -> bool {
        let names: BTreeSet<&Name> = self.output.followers.values().flatten().map(|(name, _)| name).collect();
        let printing = names.into_iter().filter(|name| self.pipes.contains_key(*name));
        let keys: Vec<Key> = printing.filter_map(|name| Key::new(name.as_str())).collect();
        for key in keys {
            let ticket = self.mint();
            self.output.last.insert(ticket);
            self.keeper.send(Record::Sync { key, ticket }, Vec::new());
            self.set_timer(SYNC, Timer::Output(ticket));
        }
        !self.output.last.is_empty()
    }

    /// The last lines, and the end of each followed log.
    pub(super) fn end_following(&mut self) {
        self.tell_followers();
        for client in std::mem::take(&mut self.output.followers).into_keys() {
            self.reply(client, Reply::Log(Vec::new()));
        }
    }
}
