//! The verbs a script takes.

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
    for index in 0..shell.cases.len() {
        let arms = arms(shell, index);
        if on_verb(shell, index, &arms) {
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
fn on_verb(shell: &Shell<'_>, case: usize, arms: &[String]) -> bool {
    let place = shell.cases[case].place;
    let known = arms.iter().any(|arm| arm == "start" || arm == "stop");
    if !first_argument(shell, shell.bytes(shell.cases[case].subject), 2) {
        return known && arms.iter().any(|arm| arm == "stop");
    }
    known || (place.function.is_none() && place.arm.is_none())
}

fn first_argument(shell: &Shell<'_>, word: &[u8], depth: usize) -> bool {
    let parts = parts(word);
    let [Part::Variable { name, .. }] = parts.as_slice() else { return false };
    if name == "1" {
        return true;
    }
    depth > 0
        && shell.assignments().iter().any(|assignment| {
            assignment.name == *name && first_argument(shell, shell.bytes(assignment.value), depth - 1)
        })
}
