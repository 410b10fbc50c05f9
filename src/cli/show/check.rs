//! What `svc NAME check` found.

use std::fmt::Write;

use super::{BAD, BOLD, GOOD, Look, ODD, columns, cut, fill, paint};
use crate::cli::human;
use crate::wire::{Checked, Level};

/// Under what is found.
const INDENT: &str = "       ";
/// A hint gets at least this many columns beside its caret, or a line of its own.
const HINT_MIN: usize = 24;

/// One service: the verdict, then each thing looked at; places in files keep their lines and carets.
pub(crate) fn check(checked: &Checked, look: &Look) -> String {
    let (style, verdict) = if checked.ok { (GOOD, "would run") } else { (BAD, "would not run") };
    let mut text = format!("{}: {}", paint(BOLD, &human::clean(&checked.name)), paint(style, verdict));
    if !checked.enabled.is_empty() {
        let _ = write!(text, "; {}", human::clean(&checked.enabled));
    }
    text.push('\n');
    for finding in &checked.findings {
        if look.quiet && finding.level == Level::Good {
            continue;
        }
        let (style, mark) = match finding.level {
            Level::Good => (GOOD, "ok"),
            Level::Note => (ODD, "note"),
            Level::Bad => (BAD, "bad"),
        };
        let mut lines = human::clean_lines(&finding.text);
        let first = lines.next().unwrap_or_default();
        let mut first = folded(&first, look).into_iter();
        let _ = writeln!(text, "  {} {}", paint(style, &format!("{mark:<4}")), first.next().unwrap_or_default());
        for line in first {
            let _ = writeln!(text, "{INDENT}{line}");
        }
        for line in lines.flat_map(|line| folded(&line, look)) {
            let _ = writeln!(text, "{INDENT}{line}");
        }
    }
    text
}

/// A line that fits: a line of a file is cut, and what is said of it goes on below its own beginning.
fn folded(line: &str, look: &Look) -> Vec<String> {
    let Some(width) = look.width.map(|width| width.saturating_sub(INDENT.len())).filter(|width| *width > HINT_MIN)
    else {
        return vec![line.to_owned()];
    };
    if columns(line) <= width {
        return vec![line.to_owned()];
    }
    let Some((number, shown)) = line.split_once(" |") else { return fill(line, 0, width) };
    if !number.trim().is_empty() {
        return vec![cut(line, width, look.utf8)];
    }
    // Below a caret: ` | ^^^^ what is wrong`.
    let Some(carets) = shown.rfind('^').map(|at| at + 1) else { return vec![cut(line, width, look.utf8)] };
    let hint = shown[carets..].trim_start();
    let lead = format!("{number} |{} ", &shown[..carets]);
    let at = if columns(&lead) + HINT_MIN <= width { columns(&lead) } else { number.len() + 3 };
    let mut lines = if at == columns(&lead) { Vec::new() } else { vec![lead.trim_end().to_owned()] };
    for part in fill(hint, 0, width.saturating_sub(at)) {
        let gap = at.saturating_sub(number.len() + 2);
        lines.push(match lines.len() {
            0 => format!("{lead}{part}"),
            _ => format!("{number} |{}{part}", " ".repeat(gap)),
        });
    }
    lines
}
