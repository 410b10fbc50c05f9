//! What `svc NAME check` found.

use std::fmt::Write;

use super::{BAD, BOLD, GOOD, Look, ODD, paint};
use crate::cli::human;
use crate::wire::{Checked, Level};

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
        let _ = writeln!(text, "  {} {first}", paint(style, &format!("{mark:<4}")));
        for line in lines {
            let _ = writeln!(text, "       {line}");
        }
    }
    text
}
