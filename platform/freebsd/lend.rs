//! There is no such view here: file systems are the same for every process outside of a jail.

use std::convert::Infallible;
use std::path::Path;

use crate::Unsupported;
use crate::lend::Wanted;
use crate::sandbox::Failure;

const MISSING: Unsupported = Unsupported { what: "a view of the file systems for one program" };

/// What is shown; there is never anything.
#[derive(Debug)]
pub struct Lent {
    never: Infallible,
}

/// Shows files to this process and what it starts; not to be had here.
///
/// # Errors
///
/// Always `Unsupported`.
pub fn lend(_: &Path, _: &[Wanted<'_>]) -> Result<Lent, Failure> {
    Err(Failure::at("making a view of its own", MISSING))
}

impl Lent {
    /// Ends it.
    pub fn give_back(self) -> Vec<String> {
        match self.never {}
    }
}
