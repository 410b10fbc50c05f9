//! A launch of a program that only starts another: a shell with `-c`, `env`, `nice`, a starter inside a starter.

use super::Player;
use super::record::{How, Launch, looks_like_daemon};
use crate::text::base_name;

/// Programs that become another, or stay beside it for what supervision does itself.
const STARTERS: &[&str] = &[
    "env",
    "nice",
    "ionice",
    "setsid",
    "nohup",
    "stdbuf",
    "setuidgid",
    "su",
    "runuser",
    "sudo",
    "setpriv",
    "prlimit",
    "gosu",
    "daemon",
];

/// What they do to a daemon beyond that no definition says: such a call stays as it is.
const KEPT: &[(&str, &[&str])] = &[("env", &["-i", "-", "-u", "--ignore-environment", "--unset", "-C", "-S"])];

/// Shells that are given a text.
const SHELLS: &[&str] = &["sh", "dash", "bash"];

/// Starters in one another.
const INSIDE_MAX: usize = 6;

impl Player<'_> {
    /// Writes a launch down; of a program that only starts another, the launch of that one.
    pub(super) fn launched(&mut self, launch: Launch) {
        let launch = self.inside(&launch).unwrap_or(launch);
        self.record.launches.push(launch);
    }

    fn inside(&mut self, outer: &Launch) -> Option<Launch> {
        let program = base_name(outer.command.first()?);
        let text = if SHELLS.contains(&program) { Some(text_of(&outer.command)?) } else { None };
        if (text.is_none() && !STARTERS.contains(&program)) || self.starters >= INSIDE_MAX {
            return None;
        }
        let kept = KEPT.iter().find(|(name, _)| *name == program).map_or(&[][..], |(_, options)| options);
        let options = outer.command.iter().skip(1).take_while(|word| word.starts_with('-') || word.contains('='));
        if options.into_iter().any(|option| kept.contains(&option.as_str())) {
            return None;
        }
        let before = self.record.launches.len();
        let kept = (
            std::mem::replace(&mut self.context, outer.context.clone()),
            std::mem::replace(&mut self.outputs, vec![String::new()]),
            self.variables.clone(),
            (self.status, self.unsure),
            (std::mem::take(&mut self.asking), std::mem::take(&mut self.asking_outside)),
        );
        self.starters += 1;
        match text {
            Some((text, words)) => self.evaluate_with(&text, &words, &outer.spot),
            None => self.command(&outer.command, &outer.spot),
        };
        self.starters -= 1;
        (self.context, self.outputs, self.variables, (self.status, self.unsure), (self.asking, self.asking_outside)) =
            kept;
        let mut found = self.record.launches.split_off(before);
        found.retain(|launch| launch.how > How::Direct || looks_like_daemon(launch));
        let inner = found.pop().filter(|_| found.is_empty())?;
        Some(Launch {
            how: outer.how,
            pid_file: outer.pid_file.clone().or(inner.pid_file),
            makes_pid_file: outer.makes_pid_file || inner.makes_pid_file,
            background: outer.background || inner.background,
            spot: outer.spot.clone(),
            used: outer.used.union(&inner.used).cloned().collect(),
            roots: outer.roots.union(&inner.roots).cloned().collect(),
            repeated: outer.repeated || inner.repeated,
            again: outer.again || inner.again,
            ..inner
        })
    }
}

/// The text of `sh -c TEXT WORD...`, and the words; `None` if it is no shell.
pub(super) fn read_by_shell(command: &[String]) -> Option<(String, Vec<String>)> {
    text_of(command).filter(|_| SHELLS.contains(&base_name(&command[0])))
}

/// The text of `-c TEXT WORD...`, and the words.
fn text_of(command: &[String]) -> Option<(String, Vec<String>)> {
    let at = command.iter().skip(1).take_while(|word| word.starts_with('-')).position(|word| {
        let letters = word.trim_start_matches('-');
        !word.starts_with("--") && letters.contains('c')
    })?;
    Some((command.get(at + 2)?.clone(), command.get(at + 3..).unwrap_or_default().to_vec()))
}
