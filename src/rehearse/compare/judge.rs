//! What two trials have in common, and what to think of what they have not.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::expected::{declared, expected, steady, variables, why_variable, words_differ, written_by_chance};
use super::trial::{Process, Reloaded, Step, Trial};
use super::{Comparison, Row, Verdict};

/// How much longer than the script a definition may take to be ready, in milliseconds.
const SLOWER_MAX: u64 = 5_000;

/// What is known beside the two trials.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside<'a> {
    /// The definition's text.
    pub(super) text: &'a str,
    /// The script's reload was watched, and tells nobody anything.
    pub(super) reload_is_idle: bool,
}

/// Compares a script's trial with a definition's.
pub(super) fn judge(script: &Trial, definition: &Trial, beside: Beside<'_>) -> Comparison {
    let mut rows = Rows { rows: Vec::new(), alone: None, beside };
    rows.alone = fails(script);
    rows.judged("start", &told(&script.start), &told(&definition.start), |_, _| good(definition.start.code == Some(0)));
    let ready = |trial: &Trial| format!("after {:.2} s", trial.ready as f64 / 1000.0);
    rows.judged("ready", &ready(script), &ready(definition), |_, _| {
        if definition.ready > script.ready + SLOWER_MAX {
            Verdict::Different
        } else {
            expected("the time differs each time")
        }
    });
    rows.processes(&script.processes, definition);
    rows.sets("listens", &script.sockets, &definition.sockets, |_| None);
    let made = |trial: &Trial| {
        trial
            .made
            .iter()
            .map(|made| {
                let target = made.target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
                format!("{} {}{target} {}:{} {:04o}", made.kind, steady(&made.path), made.owner, made.group, made.mode)
            })
            .collect::<BTreeSet<_>>()
    };
    let why = |made: &str| written_by_chance(made).or_else(|| declared(beside.text, made));
    rows.sets("makes", &made(script), &made(definition), why);
    rows.reload(script.reload.as_ref(), definition.reload.as_ref());
    rows.judged("stop", &told(&script.stop), &told(&definition.stop), |_, _| {
        match (script.stop.code, definition.stop.code) {
            (Some(0), Some(0)) => Verdict::Same,
            (_, Some(0)) => expected("the script's own stop fails"),
            _ => Verdict::Different,
        }
    });
    let left = |trial: &Trial| if trial.left.is_empty() { "nothing".to_owned() } else { trial.left.join("; ") };
    rows.judged("leaves", &left(script), &left(definition), |_, _| match definition.left.is_empty() {
        true => expected("supervision ends the whole tree"),
        false => Verdict::Different,
    });
    Comparison { script_fails: rows.alone, rows: rows.rows }
}

/// Why a script does not work by itself.
fn fails(script: &Trial) -> Option<String> {
    let said = script.start.output.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    match (script.start.code, script.processes.is_empty()) {
        (None, _) => Some("its start did not end in its time".to_owned()),
        (Some(0), true) => Some(format!("its start leaves no process: {said}")),
        (Some(0), false) => None,
        (Some(code), _) => Some(format!("its start ends with exit code {code}: {said}")),
    }
}

fn told(step: &Step) -> String {
    let mut text = match step.code {
        Some(0) => "success".to_owned(),
        Some(code) => format!("exit code {code}"),
        None => "no end".to_owned(),
    };
    let said: Vec<&str> = step.output.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if step.code != Some(0) && !said.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {}", said.join("; "));
    }
    text
}

fn good(is_good: bool) -> Verdict {
    if is_good { Verdict::Same } else { Verdict::Different }
}

struct Rows<'a> {
    rows: Vec<Row>,
    /// The script does not work, so that nothing can differ from it.
    alone: Option<String>,
    beside: Beside<'a>,
}

impl Rows<'_> {
    fn judged(&mut self, what: &str, script: &str, definition: &str, judge: impl Fn(&str, &str) -> Verdict) {
        let is_fact = matches!(what, "start" | "stop" | "reload" | "leaves");
        let verdict = match &self.alone {
            Some(_) if is_fact => match judge(script, definition) {
                Verdict::Expected(_) | Verdict::Same => Verdict::Same,
                Verdict::Different => Verdict::Different,
            },
            Some(_) => expected("the script does not work here"),
            None if script == definition && !is_fact => Verdict::Same,
            None if script == definition => match judge(script, definition) {
                Verdict::Expected(_) => Verdict::Same,
                verdict => verdict,
            },
            None => judge(script, definition),
        };
        let (script, definition) = (script.to_owned(), definition.to_owned());
        self.rows.push(Row { what: what.to_owned(), script, definition, verdict });
    }

    fn processes(&mut self, script: &[Process], trial: &Trial) {
        let definition = trial.processes.as_slice();
        let names = |all: &[Process]| all.iter().map(|process| process.program.clone()).collect::<BTreeSet<_>>();
        let (ours, theirs) = (names(definition), names(script));
        let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
        if definition.is_empty() {
            let (what, script) = ("programs".to_owned(), list(&theirs));
            let definition = format!("none is left; it said: {}", trial.log.join("; "));
            return self.rows.push(Row { what, script, definition, verdict: Verdict::Different });
        }
        self.judged("programs", &list(&theirs), &list(&ours), |_, _| Verdict::Different);
        for process in definition {
            let Some(other) = script.iter().find(|other| other.program == process.program) else { continue };
            self.process(other, process, definition.len() > 1);
        }
    }

    fn process(&mut self, script: &Process, definition: &Process, several: bool) {
        let base = definition.program.rsplit('/').next().unwrap_or_default();
        let name = |what: &str| if several { format!("{base}: {what}") } else { what.to_owned() };
        let words = |process: &Process| process.argv.join(" ").trim_end().to_owned();
        self.judged(&name("command line"), &words(script), &words(definition), |_, _| {
            words_differ(&definition.program, &script.argv, &definition.argv)
        });
        let definition = match (&script.worker, &definition.worker) {
            (None, Some(worker)) => {
                let master = format!("{} before the daemon itself, {}", definition.user, worker.user);
                let why = "a master stays in the foreground, and the daemon itself is its child";
                self.judged(&name("master"), "none", &master, |_, _| expected(why));
                worker
            }
            _ => definition,
        };
        let fixed = [
            ("user", script.user.clone(), definition.user.clone()),
            ("group", script.group.clone(), definition.group.clone()),
            ("capabilities", format!("{:x}", script.capabilities), format!("{:x}", definition.capabilities)),
            ("directory", script.directory.clone(), definition.directory.clone()),
            ("root", script.root.clone(), definition.root.clone()),
            ("nice", script.nice.to_string(), definition.nice.to_string()),
        ];
        for (what, one, other) in fixed {
            self.judged(&name(what), &one, &other, |_, _| Verdict::Different);
        }
        let groups = |process: &Process| process.groups.iter().cloned().collect::<BTreeSet<_>>();
        self.sets(&name("groups"), &groups(script), &groups(definition), |group| {
            // As root without any: the primary one may be among them or not.
            (group == "root").then(|| "root's own group".to_owned())
        });
        let mask = |process: &Process| process.umask.map_or_else(String::new, |mask| format!("{mask:03o}"));
        self.judged(&name("umask"), &mask(script), &mask(definition), |one, _| match one {
            // Permissions of what is made are compared by themselves.
            "000" => expected("a daemon that leaves the foreground takes its umask off"),
            _ => Verdict::Different,
        });
        let limits = |process: &Process| {
            let number = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
            let one = |(name, limit): (&String, &super::super::Limit)| {
                format!("{name} {} {}", number(limit.soft), number(limit.hard))
            };
            process.limits.iter().map(one).collect::<BTreeSet<_>>()
        };
        self.sets(&name("limits"), &limits(script), &limits(definition), |_| None);
        let variables = |process: &Process| variables(&process.environment);
        let (text, program) = (self.beside.text, definition.program.as_str());
        self.sets(&name("environment"), &variables(script), &variables(definition), |variable| {
            why_variable(program, text, variable)
        });
    }

    /// Two sets, of which only what is in one is shown.
    fn sets(
        &mut self,
        what: &str,
        script: &BTreeSet<String>,
        definition: &BTreeSet<String>,
        why: impl Fn(&str) -> Option<String>,
    ) {
        let only =
            |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
        let (missing, new) = (only(script, definition), only(definition, script));
        if missing.is_empty() && new.is_empty() {
            let all = definition.iter().cloned().collect::<Vec<_>>().join(", ");
            let all = if what.ends_with("environment") || what.ends_with("limits") { String::new() } else { all };
            self.judged(what, &all, &all, |_, _| Verdict::Same);
            return;
        }
        let verdict = |_: &str, _: &str| {
            let mut reasons = BTreeSet::new();
            for one in missing.iter().chain(&new) {
                match why(one) {
                    Some(reason) => drop(reasons.insert(reason)),
                    None => return Verdict::Different,
                }
            }
            Verdict::Expected(reasons.into_iter().collect::<Vec<_>>().join("; "))
        };
        self.judged(what, &missing.join(", "), &new.join(", "), verdict);
    }

    fn reload(&mut self, script: Option<&Reloaded>, definition: Option<&Reloaded>) {
        let text = |reload: Option<&Reloaded>| match reload {
            None => "cannot".to_owned(),
            Some(Reloaded { code: Some(0), same_process, same_sockets }) => {
                let process = if *same_process { "the same process" } else { "a new process" };
                format!("{process}, {}", if *same_sockets { "listens as before" } else { "listens elsewhere" })
            }
            Some(Reloaded { code: Some(code), .. }) => format!("exit code {code}"),
            Some(Reloaded { code: None, .. }) => "no end".to_owned(),
        };
        let is_idle = self.beside.reload_is_idle;
        self.judged("reload", &text(script), &text(definition), |_, _| match (script, definition) {
            (_, Some(reload)) if reload.code != Some(0) || !reload.same_sockets => Verdict::Different,
            (None, Some(_)) => expected("the definition can do more"),
            (None, None) => Verdict::Same,
            (Some(script), None) if script.code != Some(0) => expected("the script's own reload fails"),
            (Some(script), None) if !script.same_process => {
                expected("the script's reload starts it anew, as a restart does")
            }
            (Some(_), None) if is_idle => expected("the script's reload tells the daemon nothing"),
            (Some(_), None) => Verdict::Different,
            (Some(script), Some(_)) if script.code != Some(0) => expected("the script's own reload fails"),
            (Some(script), Some(reload)) if reload.same_process && !script.same_process => {
                expected("the script restarts where the definition reloads")
            }
            (Some(script), Some(reload)) => good(script == reload),
        });
    }
}
