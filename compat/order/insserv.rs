//! insserv(8): dependencies, numbers and links of init.d scripts, as the original computes them.

mod depend;
mod enable;
mod follow;
mod graph;
mod installed;
mod links;
mod requests;
mod run;

use std::collections::BTreeMap;

use crate::facility::Facilities;
pub use installed::{Deed, Edit, Installed, Linked, rearrange};

/// One script of the directory.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name in the directory.
    pub name: &'a str,
    /// What is in it, or in its override.
    pub text: &'a [u8],
}

/// How insserv is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Care {
    /// A missing script or a circle ends it.
    #[default]
    Strict,
    /// `-f`: it goes on.
    Force,
}

/// A runlevel as a bit: 0 to 6, and 7 for S.
pub type Levels = u16;

/// A link in one of the rcN.d directories.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// `0` to `6`, or `S`.
    pub level: char,
    /// `S` or `K`.
    pub kind: char,
    /// Its number.
    pub number: u8,
    /// The script.
    pub script: String,
}

/// One of the `.depend` files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depend {
    /// Every script of it.
    pub targets: Vec<String>,
    /// Those that talk to the console.
    pub interactive: Vec<String>,
    /// What each script waits for.
    pub deps: BTreeMap<String, Vec<String>>,
}

/// What insserv answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The links; none if it gave up.
    pub links: Vec<Link>,
    /// `.depend.boot`: runlevel S.
    pub boot: Depend,
    /// `.depend.start`: the other runlevels.
    pub start: Depend,
    /// `.depend.stop`.
    pub stop: Depend,
    /// What `-s` prints: kind, number, runlevels, script.
    pub all: Vec<String>,
    /// Standard error without the program's name, one message each.
    pub messages: Vec<String>,
    /// 1 if it gave up.
    pub exit: i32,
}

/// Enables scripts on a machine without links: all of the directory are read, those named are enabled.
///
/// The directory is read in the order given, but for the first argument, which the original reads first.
pub fn insserv(directory: &[File<'_>], arguments: &[&str], facilities: &Facilities, care: Care) -> Answer {
    let mut run = run::Run::new(directory, arguments, facilities, care);
    let done = run.all();
    let links = if done.is_ok() { run.make_links() } else { Vec::new() };
    Answer { links, ..run.answer(done) }
}

#[cfg(test)]
mod tests;
