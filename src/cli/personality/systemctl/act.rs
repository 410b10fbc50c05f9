//! Verbs that change something.

use svc_core::Answer;
use svc_platform::process::Handle;
use svc_platform::signals;

use super::super::asker::{Trouble, target, went_well};
use super::{Call, FAILED, NOT_LOADED, complain, no_answer, service_of, unit_of};
use crate::wire::{Outcome, Request, StateName, Target};

/// A request for these services.
type Ask = fn(Target) -> Request;

/// Which services a verb is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Only {
    Always,
    /// Those that run.
    IfUp,
}

const SIGNAL: &str = "TERM";
const SIGNAL_MAX: i32 = 64;

impl Call {
    pub(super) fn act(&self, verb: &str, request: Ask, only: Only) -> u8 {
        if self.units.is_empty() {
            return complain("Too few arguments.");
        }
        self.units.iter().map(|unit| self.one(verb, unit, request, only)).max().unwrap_or(0)
    }

    fn one(&self, verb: &str, unit: &str, request: Ask, only: Only) -> u8 {
        let whole = unit_of(unit);
        let asked = match service_of(unit) {
            Some(name) => self.ask(name, request, only),
            None => Err(Trouble::Unknown(unit.to_owned())),
        };
        match asked {
            Ok(outcomes) => told(verb, &whole, &outcomes),
            // A pattern that fits nothing is nobody's fault.
            Err(Trouble::Unknown(_)) if unit.contains(['*', '?', '[']) => 0,
            Err(Trouble::Unknown(_)) => {
                let what = if verb == "stop" { "loaded" } else { "found" };
                eprintln!("Failed to {verb} {whole}: Unit {whole} not {what}.");
                NOT_LOADED
            }
            Err(Trouble::Other(text)) => {
                eprintln!("Failed to {verb} {whole}: {text}");
                FAILED
            }
        }
    }

    fn ask(&self, name: &str, request: Ask, only: Only) -> Result<Vec<Outcome>, Trouble> {
        let mut wanted = Target { no_wait: self.options.no_wait, ..target(name) };
        if only == Only::IfUp {
            let rows = self.asker.list(vec![name.to_owned()])?;
            let up = rows.into_iter().filter(|row| row.state == StateName::Up);
            wanted.names = up.map(|row| row.name.to_string()).collect();
            if wanted.names.is_empty() {
                return Ok(Vec::new());
            }
        }
        self.asker.act(&request(wanted))
    }

    /// What cannot reload is restarted.
    pub(super) fn reload_or_restart(&self, only: Only) -> u8 {
        if self.units.is_empty() {
            return complain("Too few arguments.");
        }
        let each = self.units.iter().map(|unit| {
            let name = service_of(unit).unwrap_or_default();
            let rows = self.asker.list(vec![name.to_owned()]).unwrap_or_default();
            let is_up = rows.iter().any(|row| row.state == StateName::Up);
            let reloaded = if is_up { self.ask(name, Request::Reload, Only::IfUp) } else { Ok(Vec::new()) };
            match reloaded {
                Ok(outcomes) if is_up && went_well(&outcomes).is_ok() => 0,
                Ok(outcomes) if outcomes.iter().any(|one| matches!(one.answer, Answer::Failed(_))) => {
                    told("reload", &unit_of(unit), &outcomes)
                }
                _ => self.one("restart", unit, Request::Restart, only),
            }
        });
        each.max().unwrap_or(0)
    }

    pub(super) fn reset(&self) -> u8 {
        let everything = ["*".to_owned()];
        let units = if self.units.is_empty() { &everything[..] } else { &self.units[..] };
        let each =
            units.iter().map(|unit| match service_of(unit).map(|name| self.asker.act(&Request::Reset(target(name)))) {
                Some(Ok(_)) => 0,
                Some(Err(Trouble::Other(text))) => complain(&text),
                Some(Err(Trouble::Unknown(_))) | None => {
                    let whole = unit_of(unit);
                    complain(&format!("Failed to reset failed state of unit {whole}: Unit {whole} not loaded."))
                }
            });
        each.max().unwrap_or(0)
    }

    /// To every process of the service; as the original, to what runs at this moment.
    pub(super) fn kill(&self) -> u8 {
        if self.units.is_empty() {
            return complain("Too few arguments.");
        }
        let text = self.options.signal.as_deref().unwrap_or(SIGNAL);
        let bare = text.strip_prefix("SIG").unwrap_or(text);
        let named = || (1..=SIGNAL_MAX).find(|number| signals::name(*number) == Some(bare));
        let Some(number) = text.parse().ok().filter(|number| (1..=SIGNAL_MAX).contains(number)).or_else(named) else {
            return complain(&format!("Failed to parse signal string {text}."));
        };
        self.units.iter().map(|unit| self.tell(unit, number)).max().unwrap_or(0)
    }

    fn tell(&self, unit: &str, number: i32) -> u8 {
        let whole = unit_of(unit);
        let pids = || -> Result<Vec<i32>, Trouble> {
            let name = service_of(unit).ok_or_else(|| Trouble::Unknown(unit.to_owned()))?;
            let all = self.asker.status(name, 0)?;
            Ok(all.iter().flat_map(|status| &status.tree).map(|process| process.pid).collect())
        };
        let asked = pids().and_then(|before| {
            // Hold first, then asked again: a pid that svcd still names is that of the process we hold.
            let held: Vec<Handle> = before.into_iter().filter_map(|pid| Handle::open(pid).ok()).collect();
            Ok((held, pids()?))
        });
        match asked {
            Ok((held, now)) => {
                let ours = held.iter().filter(|handle| now.contains(&handle.pid()));
                // The first ones may take others along before it is their turn.
                let lives = |handle: &Handle| !handle.has_ended().unwrap_or(false);
                let failed = ours.filter_map(|handle| handle.signal(number).err().filter(|_| lives(handle))).next();
                failed.map_or(0, |error| complain(&format!("Failed to kill unit {whole}: {error}")))
            }
            Err(Trouble::Unknown(_)) => complain(&format!("Failed to kill unit {whole}: Unit {whole} not loaded.")),
            Err(other) => no_answer(&other),
        }
    }

    /// `enable` and `disable`, and at once the deed with `--now`.
    pub(super) fn switch(&self, on: bool) -> u8 {
        if self.units.is_empty() {
            return complain("Too few arguments.");
        }
        let (verb, request, then): (_, Ask, Ask) = match on {
            true => ("enable", Request::Enable, Request::Start),
            false => ("disable", Request::Disable, Request::Stop),
        };
        let mut worst = 0;
        for unit in &self.units {
            let name = service_of(unit).unwrap_or(unit);
            let file = name.rsplit('/').next().unwrap_or(name);
            let file = service_of(file).unwrap_or(file);
            let code = match self.asker.act(&request(target(file))) {
                Ok(outcomes) => match went_well(&outcomes) {
                    Ok(()) => 0,
                    Err(why) => complain(&format!("Failed to {verb} unit: {why}")),
                },
                Err(Trouble::Unknown(_)) => {
                    complain(&format!("Failed to {verb} unit: Unit file {} does not exist.", unit_of(unit)))
                }
                Err(Trouble::Other(text)) => complain(&format!("Failed to {verb} unit: {text}")),
            };
            worst = worst.max(code);
            if code == 0 && self.options.now {
                worst = worst.max(self.one(if on { "start" } else { "stop" }, file, then, Only::Always));
            }
        }
        worst
    }
}

fn told(verb: &str, whole: &str, outcomes: &[Outcome]) -> u8 {
    if outcomes.iter().any(|outcome| matches!(outcome.answer, Answer::Unsupported(_))) {
        eprintln!("Failed to {verb} {whole}: Job type {verb} is not applicable for unit {whole}.");
        return FAILED;
    }
    match went_well(outcomes) {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("Job for {whole} failed: {why}\nSee \"systemctl status {whole}\" for details.");
            FAILED
        }
    }
}
