//! A program asked in a sandbox for its usage: what it prints of its options.

use std::path::PathBuf;
use std::time::Duration;

use svc_core::definition::join;

use super::manual::{self, Described};
use crate::rehearse;

/// How long it may take to answer.
const TIME_MAX: Duration = Duration::from_secs(8);
/// A usage has so many options at least; what has fewer is a complaint.
const OPTIONS_MIN: usize = 2;
/// What reads a program: its own usage says nothing of what it reads.
const READERS: [&str; 9] = ["python", "perl", "ruby", "java", "node", "php", "sh", "bash", "dash"];

/// The options that the program prints itself; none where it prints none, or cannot be run.
pub(super) fn usage(lowers: &[PathBuf], command: &[String]) -> Vec<Described> {
    let described = printed(lowers, command).map(|(_, described)| described).unwrap_or_default();
    if described.len() < OPTIONS_MIN { Vec::new() } else { described }
}

/// The same with all of what it printed.
pub(super) fn printed(lowers: &[PathBuf], command: &[String]) -> Option<(String, Vec<Described>)> {
    let program = command.first().filter(|program| !is_reader(program))?;
    let printed = rehearse::printed(&text(program), lowers, TIME_MAX).ok()?;
    let described = manual::options(&printed, &format!("{program}, what it prints of its options"));
    let says_usage = printed.to_lowercase().contains("usage:");
    (described.len() >= OPTIONS_MIN || says_usage).then_some((printed, described))
}

fn is_reader(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let bare = name.trim_end_matches(|found: char| found.is_ascii_digit() || found == '.');
    READERS.contains(&bare)
}

/// Whoever does not know the one option says more when asked by the other.
fn text(program: &str) -> String {
    let program = join(&[program.to_string()]);
    format!(
        "#!/bin/sh\n\
         for option in --help -h; do\n\
         said=$(timeout 3 {program} $option </dev/null 2>&1 | head -c 60000)\n\
         case $said in *[!-a-zA-Z]-[a-zA-Z]*[!-a-zA-Z]-[a-zA-Z]* | *--[a-z]*--[a-z]*) break ;; esac\n\
         done\n\
         printf '%s\\n' \"$said\"\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_a_program_is_not_asked() {
        assert!(is_reader("/usr/bin/python3.11") && is_reader("perl") && is_reader("/bin/sh"));
        assert!(!is_reader("/usr/sbin/shd") && !is_reader("/usr/bin/pythond"));
    }
}
