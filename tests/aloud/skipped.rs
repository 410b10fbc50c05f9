//! What is not tested is said past the test harness, where .ci/run looks for it.

use std::fmt::Display;
use std::io::Write;

/// Says on the terminal that something was not tested, and why.
pub(crate) fn skipped(what: &str, why: impl Display) {
    // The harness may be in the middle of a line.
    let mut terminal = std::io::stderr();
    writeln!(terminal, "\nskipped: {what}: {why}").expect("standard error is open");
}
