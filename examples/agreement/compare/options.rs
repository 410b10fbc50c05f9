//! Arguments: which of them count.

use std::collections::{BTreeMap, BTreeSet};

use svc::convert::proof::Usage;
use svc::convert::{Draft, Tree, about, manual};
use svc_compat::daemons::Table;

/// What is known of the options of a program.
pub(crate) struct Options {
    /// Those that say foreground or background.
    switches: BTreeSet<String>,
    /// The short name of each long one, and of each other spelling.
    aliases: BTreeMap<String, String>,
    /// Every spelling.
    known: BTreeSet<String>,
    /// Those that take a value.
    takes: BTreeSet<String>,
    /// Those that say where the pid file is, or that there is none.
    about_pid: BTreeSet<String>,
    /// Those that only say where messages go and how they look.
    about_log: BTreeSet<String>,
    described: Vec<manual::Described>,
    /// Its usage has no place for words that are no options.
    only_options: bool,
}

impl Options {
    /// By its manual, by its own text, and by what it printed of itself if it was `asked`.
    pub(crate) fn of(tree: &Tree, table: &Table, draft: &Draft, command: &[String], asked: &Usage) -> Self {
        let described = [manual::described(tree, command), asked.options.clone()].concat();
        let named = |is_it: &dyn Fn(&manual::Described) -> bool| -> BTreeSet<String> {
            described.iter().filter(|known| is_it(known)).flat_map(|known| known.names.iter().cloned()).collect()
        };
        let mut switches = named(&|known| known.effect() != manual::Effect::Neither);
        switches.extend(draft.stay.added.iter().chain(&draft.stay.removed).cloned());
        if let Some(row) = command.first().and_then(|program| table.row(program)) {
            switches.extend(row.foreground.iter().chain(&row.background).cloned());
        }
        let mut aliases = BTreeMap::new();
        for known in described.iter().filter(|known| known.names.len() == 2) {
            let short = known.names.iter().min_by_key(|name| name.len());
            for name in &known.names {
                aliases.entry(name.clone()).or_insert_with(|| short.cloned().unwrap_or_default());
            }
        }
        let (known, takes) = (named(&|_| true), named(&|known| known.takes));
        let about_pid = named(&manual::Described::is_about_pid_file);
        let about_log = named(&about::is_about_log);
        let only_options = has_only_options(&asked.text);
        Self { switches, aliases, known, takes, about_pid, about_log, described, only_options }
    }

    /// Every name of an option, as far as it is known.
    pub(crate) fn names(&self, option: &str) -> Vec<String> {
        let known = self.described.iter().filter(|known| known.names.iter().any(|name| name == option));
        let mut names: Vec<String> = known.flat_map(|known| known.names.iter().cloned()).collect();
        names.push(option.to_string());
        names
    }

    /// `-fP` as `-f -P`, where no option is called so as a whole; `-Lf` with an option `-L` that takes a value as both.
    fn letters(&self, word: &str) -> Vec<String> {
        let letters = word.strip_prefix('-').unwrap_or_default();
        // `-d0` is `-d 0`.
        if let Some((first, rest)) = word.split_at_checked(2)
            && !rest.is_empty()
            && rest.chars().all(|found| found.is_ascii_digit())
            && self.known.contains(first)
            && !self.known.contains(word)
        {
            return vec![format!("{first}={rest}")];
        }
        // `-c/etc/web.conf` is `-c /etc/web.conf`.
        if let Some((first, rest)) = word.split_at_checked(2)
            && rest.starts_with('/')
            && self.takes.contains(first)
            && !self.known.contains(word)
        {
            return vec![format!("{first}={rest}")];
        }
        let is_cluster =
            letters.len() > 1 && letters.len() < 5 && letters.chars().all(|found| found.is_ascii_alphabetic());
        if !is_cluster || self.known.contains(word) {
            return vec![word.to_string()];
        }
        let (first, rest) = word.split_at(2);
        if self.takes.contains(first) && !rest.chars().all(|letter| self.known.contains(&format!("-{letter}"))) {
            return vec![format!("{first}={rest}")];
        }
        letters.chars().map(|letter| format!("-{letter}")).collect()
    }

    /// The words without those for which the usage of the program has no place.
    fn that_are_heard(&self, words: Vec<String>) -> Vec<String> {
        let mut may_be_value = false;
        let is_heard = |word: &String| {
            let is_option = word.starts_with('-');
            let before = std::mem::replace(&mut may_be_value, is_option && !word.contains('='));
            is_option || before || !self.only_options
        };
        let mut is_heard = is_heard;
        words.into_iter().filter(|word| is_heard(word)).collect()
    }

    /// The arguments that count.
    pub(crate) fn that_count(&self, command: &[String], draft: &Draft) -> Vec<String> {
        let pid_files: Vec<String> = draft.pid_file.iter().map(|file| file.replace("/var/run/", "/run/")).collect();
        let mut out: Vec<String> = Vec::new();
        let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
        let words: Vec<String> = command.iter().skip(1).flat_map(|word| self.letters(word)).collect();
        let words = self.that_are_heard(words);
        let mut words = words.iter().map(|word| plain(word)).peekable();
        while let Some(word) = words.next() {
            // `-c -c FILE`: the option is there once.
            if self.takes.contains(&word) && words.peek() == Some(&word) {
                continue;
            }
            // `-Lf /dev/null` is nothing to be kept.
            if word == "--" || word.is_empty() || word == "/dev/null" || is_default_directive(&word) {
                continue;
            }
            let (option, value) = match word.split_once('=').filter(|_| word.starts_with('-')) {
                Some((option, value)) => (option, Some(value.to_string())),
                None => (word.as_str(), None),
            };
            let names_pid_file = |text: &str| pid_files.iter().any(|file| file == text) || text.ends_with(".pid");
            let is_pid_option = ["--pid", "--nopid", "--no-pid"].iter().any(|start| option.starts_with(start));
            if is_pid_option || self.about_pid.contains(option) {
                words.next_if(|next| value.is_none() && names_pid_file(next));
                continue;
            }
            if self.switches.contains(option) || is_switch(option) {
                // `--daemonize no`
                words.next_if(|next| value.is_none() && option.starts_with("--") && is_yes_or_no(next));
                continue;
            }
            let is_log = self.about_log.contains(option) || about::is_named_for_log(option);
            let next = words.next_if(|next| {
                let is_value = !next.starts_with('-') && !next.is_empty();
                let takes =
                    self.takes.contains(option) || is_supervised(option) || (is_log && option.ends_with("file"));
                value.is_none() && is_value && takes
            });
            if is_log || is_supervised(option) {
                continue;
            }
            let given = value.clone().or(next);
            let known = |known: &manual::Described| known.names.iter().any(|name| name == option);
            let is_default = |value: &String| self.described.iter().any(|d| known(d) && about::is_default(d, value));
            if given.as_ref().is_some_and(is_default) {
                continue;
            }
            if names_pid_file(given.as_deref().unwrap_or(&word)) {
                // `-p FILE`: the option goes with its value.
                if given.is_none() && !word.starts_with('-') && out.last().is_some_and(|last| last.starts_with('-')) {
                    out.pop();
                }
                continue;
            }
            let option = self.aliases.get(option).cloned().unwrap_or_else(|| option.to_string());
            // One value said twice is said once.
            if given.as_ref().is_some_and(|given| !pairs.insert((option.clone(), given.clone()))) {
                continue;
            }
            out.push(option);
            out.extend(given);
        }
        out
    }
}

fn is_yes_or_no(word: &str) -> bool {
    ["yes", "no", "true", "false", "on", "off", "1", "0"].contains(&word)
}

/// Whether a usage lists options one by one, and nothing else behind the program: `webd [--config FILE] [--debug]`.
fn has_only_options(text: &str) -> bool {
    const LISTED_MIN: usize = 3;
    let mut lines = text.lines().skip_while(|line| !line.to_lowercase().starts_with("usage:"));
    let Some(first) = lines.next() else { return false };
    let more = lines.take_while(|line| line.starts_with([' ', '\t']) && line.trim_start().starts_with('['));
    let all = [&first["usage:".len()..]].into_iter().chain(more).collect::<Vec<_>>().join(" ");
    let Some((_, mut rest)) = all.trim().split_once(' ') else { return false };
    let mut listed = 0;
    while let Some(group) = rest.trim_start().strip_prefix("[-") {
        let Some((_, behind)) = group.split_once(']') else { return false };
        rest = behind;
        listed += 1;
    }
    listed >= LISTED_MIN && rest.trim().is_empty()
}

/// A word with one spelling of its paths.
fn plain(word: &str) -> String {
    let mut word = word.replace("/var/run/", "/run/");
    while word.contains("//") && !word.contains("://") {
        word = word.replace("//", "/");
    }
    let word = word.strip_prefix("./").map(String::from).unwrap_or(word);
    if word.len() > 1 { word.trim_end_matches('/').to_string() } else { word }
}

/// nginx: `daemon on; master_process on;` is how it is anyway, and `daemon off;` the foreground.
fn is_default_directive(word: &str) -> bool {
    let mut directives = word.split(';').map(str::trim).filter(|directive| !directive.is_empty()).peekable();
    let known = ["daemon on", "daemon off", "master_process on"];
    word.contains(';') && directives.peek().is_some() && directives.all(|directive| known.contains(&directive))
}

/// Spellings that say it themselves.
fn is_switch(option: &str) -> bool {
    let bare = option.trim_start_matches('-').to_ascii_lowercase().replace(['-', '_'], "");
    let known = [
        "foreground",
        "nodaemon",
        "nofork",
        "nodetach",
        "nodaemonize",
        "daemon",
        "daemonize",
        "daemonise",
        "detach",
        "detached",
        "background",
        "nobackground",
        "fg",
    ];
    option.starts_with('-') && known.contains(&bare.as_str())
}

/// `--systemd`, `--supervised=systemd`: who waits for it, which is another word for the foreground.
fn is_supervised(option: &str) -> bool {
    matches!(option, "--systemd" | "--supervised" | "--systemd-mode")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_with_options_alone_has_no_place_for_other_words() {
        let usage = "Usage: webd [--config <file>] [--debug] [--nofork]\n            [--version]\n\nOptions:\n";
        assert!(has_only_options(usage));
        assert!(!has_only_options(&usage.replace("[--version]", "[--version] [FILE]")));
        assert!(!has_only_options("Usage: webd [--debug] [--nofork] [--version] net ...\n"));
        assert!(!has_only_options("Usage: webd [options]\n  --debug\n"));
        assert!(!has_only_options("webd [--debug] [--nofork] [--version]\n"));
    }

    #[test]
    fn a_path_may_be_joined_to_its_option() {
        let set = |words: &[&str]| -> BTreeSet<String> { words.iter().map(|word| (*word).to_string()).collect() };
        let options = Options {
            switches: BTreeSet::new(),
            aliases: BTreeMap::new(),
            known: set(&["-c", "-v"]),
            takes: set(&["-c"]),
            about_pid: BTreeSet::new(),
            about_log: BTreeSet::new(),
            described: Vec::new(),
            only_options: false,
        };
        assert_eq!(options.letters("-c/etc/web.conf"), ["-c=/etc/web.conf"]);
        assert_eq!(options.letters("-v/etc/web.conf"), ["-v/etc/web.conf"]);
        assert_eq!(options.letters("--c/etc/web.conf"), ["--c/etc/web.conf"]);
    }
}
