//! What a service is doing: svcd's word where it knows it, else OpenRC's own notes.

use std::fs;
use std::time::Duration;

use svc_platform::process;

use super::super::manager::Manager;
use super::super::rcconf::below;
use super::{STATES, base, list};
use crate::wire::{StateName, Summary};

/// A state as OpenRC shows it, and what may come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Main {
    Started,
    Stopped,
    Starting,
    Stopping,
    Inactive,
}

/// What is known of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) main: Main,
    pub(super) hotplugged: bool,
    pub(super) failed: bool,
    pub(super) scheduled: bool,
    pub(super) crashed: bool,
    /// How long it has been so, where svcd knows it.
    pub(super) since: Option<Duration>,
}

impl State {
    fn new(main: Main) -> Self {
        Self { main, hotplugged: false, failed: false, scheduled: false, crashed: false, since: None }
    }

    fn of_manager(summary: &Summary) -> Self {
        let main = match summary.state {
            StateName::Up => Main::Started,
            StateName::Starting | StateName::Waiting | StateName::BackingOff => Main::Starting,
            StateName::Stopping => Main::Stopping,
            StateName::Down | StateName::Failed | StateName::Skipped | StateName::Faulty => Main::Stopped,
        };
        Self { failed: summary.state == StateName::Failed, since: Some(summary.since), ..Self::new(main) }
    }
}

/// Everything that is known of all services.
#[derive(Debug, Default)]
pub(super) struct States(Vec<Summary>);

impl States {
    pub(super) fn look() -> Self {
        Self(Manager::find().and_then(|manager| manager.all()).unwrap_or_default())
    }

    pub(super) fn of(&self, service: &str) -> State {
        let name = base(service);
        match self.0.iter().find(|summary| summary.name.as_ref() == name) {
            Some(summary) => State::of_manager(summary),
            None => noted(service),
        }
    }
}

fn note(state: &str, service: &str) -> bool {
    below(STATES).join(state).join(service).exists()
}

/// What OpenRC has noted: of several main states the last in this order counts.
fn noted(service: &str) -> State {
    let name = base(service);
    let order = [
        ("started", Main::Started),
        ("starting", Main::Starting),
        ("stopping", Main::Stopping),
        ("inactive", Main::Inactive),
    ];
    let main = order.into_iter().filter(|(word, _)| note(word, name)).map(|(_, main)| main).next_back();
    let mut state = State::new(main.unwrap_or(Main::Stopped));
    state.hotplugged = note("hotplugged", name);
    state.failed = note("failed", name);
    state.crashed = state.main == Main::Started && has_crashed(name);
    if state.main == Main::Stopped {
        let waiting = list(&format!("{STATES}/scheduled"), |_| true);
        state.scheduled = waiting.iter().any(|other| note(&format!("scheduled/{other}"), service));
    }
    state
}

/// Whether a daemon that OpenRC has noted for a service is gone.
pub(super) fn has_crashed(name: &str) -> bool {
    let place = format!("{STATES}/daemons/{name}");
    list(&place, |_| true).iter().any(|file| {
        let text = fs::read_to_string(below(&place).join(file)).unwrap_or_default();
        let mut words = Vec::new();
        for (key, value) in text.lines().filter_map(|line| line.split_once('=')).filter(|(_, value)| !value.is_empty())
        {
            match key {
                "pidfile" => return !is_alive(value),
                "exec" if words.is_empty() => words.push(value.to_owned()),
                _ if key.starts_with("argv_") => {
                    if key == "argv_0" {
                        words.clear();
                    }
                    words.push(value.to_owned());
                }
                _ => {}
            }
        }
        !words.is_empty() && !runs(&words)
    })
}

fn is_alive(pid_file: &str) -> bool {
    let text = fs::read_to_string(below(pid_file)).unwrap_or_default();
    let pid = text.split_whitespace().next().and_then(|word| word.parse().ok());
    pid.is_some_and(|pid| process::start_time(pid).is_ok())
}

fn runs(words: &[String]) -> bool {
    let pids = process::list().unwrap_or_default();
    pids.into_iter().any(|pid| process::facts(pid).is_ok_and(|facts| facts.arguments.starts_with(words)))
}
