//! What rc.d scripts did under FreeBSD's rc.subr, done under ours.

use std::path::Path;

use crate::Outcome;
use crate::replay::replay;

/// Every recorded step.
pub(crate) fn freebsd(directory: &Path) -> Vec<Outcome> {
    replay(directory, "rcsubr", |_, _| false)
}
