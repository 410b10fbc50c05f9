//! policy-rc.d: the administrator's word on what invoke-rc.d may do.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use super::super::script::{self, Captured};

/// So long the administrator's program may think, unless `SVC_POLICY_SECONDS` says otherwise.
const SECONDS_MAX: u64 = 60;

/// What the policy is asked.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) quiet: bool,
    pub(super) script: &'a str,
    /// In brackets what would not be done anyway.
    pub(super) actions: &'a str,
    pub(super) runlevel: &'a str,
}

/// Its exit code, and what it would have done instead.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) code: u8,
    pub(super) instead: String,
}

/// Asks it; what keeps it from answering is told and is a fault of the subsystem.
pub(super) fn ask(program: &PathBuf, question: &Question<'_>, tell: &dyn Fn(&str)) -> Word {
    let mut command = Command::new(program);
    if question.quiet {
        command.arg("--quiet");
    }
    command.args([question.script, question.actions]).args(script::split(question.runlevel));
    match script::captured(command, Captured::Out, script::limit("SVC_POLICY_SECONDS", SECONDS_MAX)) {
        Ok((code, said)) => Word { code, instead: said.trim_end_matches('\n').to_owned() },
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            tell(&format!("{} {error}; nothing is known of what it allows", program.display()));
            Word { code: SUBSYSTEM, instead: String::new() }
        }
        Err(error) => {
            tell(&format!("{}: {}", program.display(), script::plain(&error)));
            Word { code: script::failure(&error), instead: String::new() }
        }
    }
}

/// The subsystem has failed.
pub(super) const SUBSYSTEM: u8 = 102;
