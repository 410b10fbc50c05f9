//! The verbs a script takes.

use std::collections::BTreeSet;

use super::Style;
use crate::shell::{Part, Shell, Values, literal, parts};

/// The verbs of a script in the order of its text.
pub(super) fn verbs(style: Style, shell: &Shell<'_>, values: &Values) -> Vec<String> {
    let mut out: Vec<String> = match style {
        Style::Own | Style::Foreign => Vec::new(),
        Style::InitDScript => words("start stop restart try-restart reload force-reload status"),
        Style::RcSubr => {
            words("start stop restart rcvar enable disable delete enabled describe extracommands status poll")
        }
        Style::OpenBsd => words("start stop restart reload check"),
        Style::OpenrcRun => {
            words("start stop restart pause zap status describe ineed iuse iwant needsme usesme wantsme")
        }
    };
    let extra = ["extra_commands", "extra_started_commands", "extra_stopped_commands", "opts"];
    for name in extra {
        for value in values.all(name) {
            add(&mut out, value.split_whitespace());
        }
    }
    let first = from_first_argument(shell);
    for index in 0..shell.cases.len() {
        let arms = arms(shell, index);
        if on_verb(shell, index, &arms, &first) {
            add(&mut out, arms.iter().map(String::as_str));
        }
    }
    out
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(String::from).collect()
}

fn add<'a>(out: &mut Vec<String>, found: impl Iterator<Item = &'a str>) {
    for verb in found {
        let plain = verb.starts_with(|first: char| first.is_ascii_alphabetic())
            && verb.chars().all(|found| found.is_ascii_alphanumeric() || "-_".contains(found));
        if plain && !out.iter().any(|old| old == verb) {
            out.push(verb.to_string());
        }
    }
}

fn arms(shell: &Shell<'_>, case: usize) -> Vec<String> {
    let patterns = shell.cases[case].arms.iter().flat_map(|arm| &arm.patterns);
    patterns
        .filter_map(|pattern| literal(shell.bytes(*pattern)))
        .filter(|text| !text.contains(['*', '?', '[']))
        .collect()
}

/// Whether a `case` tells verbs apart: it looks at `$1`, or at a variable that was set from it, and outside of
/// functions or with `start` or `stop` among its arms.
fn on_verb(shell: &Shell<'_>, case: usize, arms: &[String], verbs: &BTreeSet<String>) -> bool {
    let place = shell.cases[case].place;
    let known = arms.iter().any(|arm| arm == "start" || arm == "stop");
    let subject = variable(shell.bytes(shell.cases[case].subject));
    if !subject.is_some_and(|name| verbs.contains(&name)) {
        return known && arms.iter().any(|arm| arm == "stop");
    }
    known || (place.function.is_none() && place.arm.is_none())
}

/// `1` and the variables that are set from it, also by way of one other.
fn from_first_argument(shell: &Shell<'_>) -> BTreeSet<String> {
    let mut out = BTreeSet::from(["1".to_string()]);
    let assignments = shell.assignments();
    for _ in 0..2 {
        for assignment in &assignments {
            if variable(shell.bytes(assignment.value)).is_some_and(|name| out.contains(&name)) {
                out.insert(assignment.name.clone());
            }
        }
    }
    out
}

/// The variable, if the word is nothing else.
fn variable(word: &[u8]) -> Option<String> {
    match parts(word).as_slice() {
        [Part::Variable { name, .. }] => Some(name.clone()),
        _ => None,
    }
}
