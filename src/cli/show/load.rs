//! What `svc load` brought.

use std::fmt::Write;

use super::{BAD, BOLD, DIM, Look, ODD, columns, pad, paint};
use crate::cli::human::{clean, clean_lines, one_line};
use crate::wire::{Change, LoadReport, Value};

/// What is new, gone, changed and faulty; then the values asked for, with where each was written.
pub(crate) fn load(report: &LoadReport, look: &Look) -> String {
    let mut text = String::new();
    for fault in &report.faults {
        for (at, line) in clean_lines(fault).enumerate() {
            let _ = if at == 0 { writeln!(text, "{}", paint(BAD, &line)) } else { writeln!(text, "{line}") };
        }
    }
    if !report.faults.is_empty() {
        let _ = writeln!(text, "a faulty file changes nothing: what it defined before stays in force");
    }
    for name in &report.added {
        let _ = writeln!(text, "{}: new", paint(BOLD, name.as_str()));
    }
    for name in &report.removed {
        let _ = writeln!(text, "{}: its file is gone", paint(BOLD, name.as_str()));
    }
    for change in &report.changed {
        change_line(&mut text, change);
    }
    let unchanged = report.added.is_empty() && report.removed.is_empty() && report.changed.is_empty();
    if unchanged && report.faults.is_empty() && !look.quiet {
        let _ = writeln!(text, "nothing changed");
    }
    text + &values(&report.values)
}

fn change_line(text: &mut String, change: &Change) {
    let Change { name, key, old, new, live } = change;
    let when = if *live { "in force now" } else { "in force when it is started again" };
    let _ = writeln!(
        text,
        "{}: {key} was {}, is {} ({})",
        paint(BOLD, name.as_str()),
        shown(old),
        shown(new),
        if *live { when.to_owned() } else { paint(ODD, when) }
    );
}

fn shown(value: &str) -> String {
    if value.is_empty() { "not set".to_owned() } else { one_line(value) }
}

/// Every value in force with where it was written, by service.
pub(crate) fn values(values: &[Value]) -> String {
    let mut text = String::new();
    let key_width = values.iter().map(|value| columns(&value.key)).max().unwrap_or(0);
    let mut last = None;
    for value in values {
        if last != Some(&value.name) {
            let _ = writeln!(text, "{}", paint(BOLD, value.name.as_str()));
            last = Some(&value.name);
        }
        let Value { key, value, origin, .. } = value;
        let origin = paint(DIM, &format!("({})", clean(origin)));
        let _ = writeln!(text, "  {}  {} {origin}", pad(key, key_width), shown(value));
    }
    text
}
