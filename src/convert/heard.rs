//! What a daemon's stand-in hears when the script's stop and reload are rehearsed.

use svc_compat::play::{Record, Sent, is_unknown};
use svc_core::Signal;

use super::draft::{Draft, quoted};
use super::evidence::Evidence;
use super::proof::nowhere;
use crate::rehearse::{Rehearsal, Stop};

/// What arrived.
#[derive(Debug, Default)]
pub(super) struct Heard {
    /// The first signal of the stop, and how long it is waited for.
    stop: Option<Stop>,
    /// The verb, and the signal that came with it.
    reload: Option<(&'static str, String)>,
}

/// Rehearses stop and reload, and puts into the evidence what reading did not find.
pub(super) fn listen(evidence: &mut Evidence, run: &dyn Fn(&str) -> Option<Rehearsal>) -> Heard {
    let is_said = |signal: &str| Signal::parse(signal).is_some();
    let stop = run("stop").and_then(|told| told.stops.into_iter().find(|stop| stop.met));
    let stop = stop.filter(|stop| is_said(&stop.signal) || stop.signal == "KILL");
    if let Some(stop) = &stop {
        let heard = Sent { signal: stop.signal.clone(), retry: stop.retry.clone(), spot: nowhere() };
        let has_way = evidence.stop.ran.iter().any(|ran| !ran.asked && super::evidence::is_own(&ran.command));
        match evidence.stop.sent.first_mut() {
            Some(sent) if sent.signal.contains(is_unknown) => sent.signal = heard.signal,
            None if !has_way => evidence.stop.sent.push(heard),
            Some(_) | None => {}
        }
    }
    let has = |verb: &&'static str| evidence.facts.verbs.iter().any(|known| known == verb);
    let verb = ["reload", "force-reload"].into_iter().find(has);
    let reload = verb.and_then(|verb| Some((verb, told_to_read(&run(verb)?)?))).filter(|(_, signal)| is_said(signal));
    if let Some((_, signal)) = &reload {
        let heard = Sent { signal: signal.clone(), retry: None, spot: nowhere() };
        let record = evidence.reload.get_or_insert_with(|| {
            let mut record = Record::default();
            record.sent.push(heard);
            record
        });
        for sent in record.sent.iter_mut().filter(|sent| sent.signal.contains(is_unknown)) {
            sent.signal.clone_from(signal);
        }
    }
    Heard { stop, reload }
}

/// The only signal that met the daemon, where it was neither ended nor started anew.
fn told_to_read(told: &Rehearsal) -> Option<String> {
    let ends = ["TERM", "KILL", "QUIT", "INT", "STOP", "ABRT"];
    let mut signals: Vec<&str> = told.stops.iter().filter(|stop| stop.met).map(|stop| stop.signal.as_str()).collect();
    signals.dedup();
    match signals.as_slice() {
        // Zero asks whether it is there.
        [signal] if told.launches.is_empty() && !ends.contains(signal) && *signal != "0" => Some((*signal).to_string()),
        _ => None,
    }
}

impl Heard {
    /// Adds to the origin of each key what was heard.
    pub(super) fn tell(&self, draft: &mut Draft) {
        let mut open = Vec::new();
        for key in &mut draft.keys {
            let is_own = key.origin.starts_with('/');
            match (key.table, key.name.as_str()) {
                ("", "reload") if is_own => {
                    let Some((verb, signal)) = &self.reload else { continue };
                    if key.value == quoted(&format!("signal {signal}")) {
                        key.origin = format!("{}; rehearsal: {verb} sent it {signal}", key.origin);
                    } else {
                        open.push(format!("{}: {verb} sent it {signal} when rehearsed", key.origin));
                    }
                }
                ("stop", "signal" | "timeout") => {
                    let Some(stop) = &self.stop else { continue };
                    let how = stop.retry.as_ref().map_or_else(String::new, |retry| format!(", --retry {retry}"));
                    key.origin = format!("{}; rehearsal: {}{how}", key.origin, stop.signal);
                }
                _ => {}
            }
        }
        draft.open.extend(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(signals: &[(&str, bool)]) -> Rehearsal {
        let stop = |(signal, met): &(&str, bool)| Stop { signal: (*signal).to_string(), met: *met, ..Stop::default() };
        Rehearsal { stops: signals.iter().map(stop).collect(), ..Rehearsal::default() }
    }

    #[test]
    fn a_verb_that_ends_the_daemon_or_tells_it_two_things_is_no_reload() {
        assert_eq!(told_to_read(&told(&[("HUP", true), ("HUP", true)])).as_deref(), Some("HUP"));
        assert_eq!(told_to_read(&told(&[("USR1", true), ("TERM", false)])).as_deref(), Some("USR1"));
        for other in [told(&[("TERM", true)]), told(&[("HUP", true), ("USR1", true)]), told(&[("0", true)]), told(&[])]
        {
            assert_eq!(told_to_read(&other), None);
        }
    }
}
