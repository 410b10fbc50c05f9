//! What is waited for, on stderr: rewritten in place on a terminal, otherwise one line for each change.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::human;
use super::show::Look;
use crate::wire;

/// Shorter waits are not worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// The line that says what is waited for.
#[derive(Debug)]
pub(crate) struct Progress {
    started: Instant,
    quiet: bool,
    in_place: bool,
    width: usize,
    shown: bool,
    /// The last text without its digits: counting seconds is no change.
    last: String,
}

impl Progress {
    pub(crate) fn new(quiet: bool, look: &Look) -> Self {
        let in_place = std::io::stderr().is_terminal();
        let width = look.width.unwrap_or(80);
        Self { started: Instant::now(), quiet, in_place, width, shown: false, last: String::new() }
    }

    pub(crate) fn show(&mut self, progress: &wire::Progress) {
        if self.quiet || self.started.elapsed() < PATIENCE {
            return;
        }
        let text = human::clean(&progress.text);
        // The sentence may have the name in it already.
        let text = match text.strip_prefix(progress.name.as_str()) {
            Some(rest) if rest.starts_with(' ') => text.into_owned(),
            Some(_) | None => format!("{}: {text}", progress.name),
        };
        if self.in_place {
            let cut: String = text.chars().take(self.width.saturating_sub(1)).collect();
            say(&format!("\r\u{1b}[K{cut}"));
            self.shown = true;
            return;
        }
        let without_digits: String = text.chars().filter(|found| !found.is_ascii_digit()).collect();
        if without_digits != self.last {
            say(&format!("{text}\n"));
            self.last = without_digits;
        }
    }

    /// Makes room for the answer.
    pub(crate) fn clear(&mut self) {
        if self.shown {
            say("\r\u{1b}[K");
            self.shown = false;
        }
    }
}

fn say(text: &str) {
    // Nobody is left to be told if stderr is gone.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
