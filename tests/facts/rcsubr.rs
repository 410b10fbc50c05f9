//! What rc.d scripts and the commands around them did on FreeBSD, done under our rc.subr and by our commands.

use std::path::Path;

use crate::Outcome;
use crate::replay::replay;

/// Every recorded step of a script.
pub(crate) fn scripts(directory: &Path) -> Vec<Outcome> {
    replay(directory, "rcsubr", |_| false)
}

/// Every recorded step of service(8) but the lists of the guest's own services.
pub(crate) fn service(directory: &Path) -> Vec<Outcome> {
    let lists = |command: &str| {
        let options = command.split_whitespace().skip(1).take_while(|word| word.starts_with('-'));
        options.flat_map(str::chars).any(|letter| matches!(letter, 'e' | 'l' | 'r'))
    };
    replay(directory, "service", lists)
}

/// Every recorded step of sysrc(8) but counts and lists of the guest's own variables and services.
pub(crate) fn sysrc(directory: &Path) -> Vec<Outcome> {
    let lists =
        |command: &str| command == "sysrc -L" || command.ends_with("| grep -c .") || command.ends_with("| wc -l");
    replay(directory, "sysrc", lists)
}

/// Every recorded step of daemon(8) but those that read what only the guest has.
pub(crate) fn daemon(directory: &Path) -> Vec<Outcome> {
    replay(directory, "daemon", |command| command.contains("/var/log/messages") || command.contains("stat -f"))
}

/// Every recorded step of rcorder(8), by the command; the guest's own scripts are not among the facts.
pub(crate) fn rcorder(directory: &Path) -> Vec<Outcome> {
    replay(directory, "rcorder", |command| command.contains("/tmp/full"))
}
