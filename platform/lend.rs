//! Files that a program names and the machine lacks, shown to that program alone: the same words on every system.

use std::path::Path;

pub use crate::os::lend::{Lent, lend};

/// A file that is to be seen.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Its absolute path; nothing is there.
    pub path: &'a Path,
    /// What it says.
    pub text: &'a str,
}
