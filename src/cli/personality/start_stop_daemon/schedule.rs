//! What `--retry` says: signals and waits until nobody is left.

use svc_core::Signal;
use svc_platform::signals;

use super::Problem;
use super::words::{number, signal, usage};

/// One step of a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Signal(i32),
    /// Seconds.
    Wait(u64),
}

/// What is done until nobody is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    pub(super) steps: Vec<Step>,
    /// From here on it is repeated without end.
    pub(super) again: Option<usize>,
}

/// Reads a schedule, or a time for the usual one that begins with this signal.
pub(super) fn schedule(text: &str, first: i32) -> Result<Schedule, Problem> {
    if !text.contains('/') {
        let Step::Wait(seconds) = item(text)?.unwrap_or(Step::Signal(0)) else {
            return Err(usage("--retry takes timeout, or schedule list of at least two items"));
        };
        let kill = signals::number(Signal::Kill);
        let steps = vec![Step::Signal(first), Step::Wait(seconds), Step::Signal(kill), Step::Wait(seconds)];
        return Ok(Schedule { steps, again: None });
    }
    let (mut steps, mut again) = (Vec::new(), None);
    // A slash at the end ends the last item.
    for part in text.strip_suffix('/').unwrap_or(text).split('/') {
        if part.len() >= 20 {
            return Err(usage("invalid schedule item: far too long (you must delimit items with slashes)"));
        }
        match item(part)? {
            Some(step) => steps.push(step),
            None if again.is_some() => return Err(usage("invalid schedule: 'forever' appears more than once")),
            None => again = Some(steps.len()),
        }
    }
    if again == Some(steps.len()) {
        return Err(usage("invalid schedule: 'forever' appears last, nothing to repeat"));
    }
    Ok(Schedule { steps, again })
}

/// One item of a schedule; `None` is `forever`.
fn item(text: &str) -> Result<Option<Step>, Problem> {
    if text == "forever" {
        return Ok(None);
    }
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        let seconds = number(text).ok_or_else(|| usage("invalid timeout value in schedule"))?;
        return Ok(Some(Step::Wait(u64::from(seconds.unsigned_abs()))));
    }
    let found = signal(text.strip_prefix('-').unwrap_or(text));
    // The bracket is not closed in the original either.
    let wrong = "invalid schedule item (must be [-]<signal-name>, -<signal-number>, <timeout> or 'forever'";
    found.map(|number| Some(Step::Signal(number))).ok_or_else(|| usage(wrong))
}
