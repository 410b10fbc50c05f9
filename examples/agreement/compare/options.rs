//! Arguments: which of them count.

use std::collections::{BTreeMap, BTreeSet};

use regex::bytes::Regex;
use svc::convert::proof::Usage;
use svc::convert::{Draft, Tree, about, directive, manual};
use svc_compat::daemons::Table;
use svc_compat::play;

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
    /// Those that take a pattern of file names.
    of_patterns: BTreeSet<String>,
    described: Vec<manual::Described>,
    /// Its usage has no place for words that are no options.
    only_options: bool,
    /// It reads its options as Go's own library does: `-logs` and `--logs` are one, and nothing is a row of letters.
    of_go: bool,
    /// Both sides start it in `/`.
    pub(crate) from_root: bool,
}

impl Options {
    /// By its manual, by its own text, and by what it printed of itself if it was `asked`.
    pub(crate) fn of(tree: &Tree, table: &Table, draft: &Draft, command: &[String], asked: &Usage) -> Self {
        let described = [manual::described(tree, command), asked.options.clone()].concat();
        let named = |is_it: &dyn Fn(&manual::Described) -> bool| -> BTreeSet<String> {
            described.iter().filter(|known| is_it(known)).flat_map(|known| known.names.iter().cloned()).collect()
        };
        let mut switches = named(&|known| known.effect() != manual::Effect::Neither);
        switches.extend(named(&about::is_about_session));
        switches.extend(named(&about::is_about_starter));
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
        let of_patterns = named(&about::is_about_pattern);
        let only_options = has_only_options(&asked.text);
        let of_go = command.first().is_some_and(|program| reads_as_go(tree, program));
        Self {
            switches,
            aliases,
            known,
            takes,
            about_pid,
            about_log,
            of_patterns,
            described,
            only_options,
            of_go,
            from_root: false,
        }
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
        if self.of_go {
            return vec![self.with_known_dashes(word)];
        }
        let letters = word.strip_prefix('-').unwrap_or_default();
        // `-E production` in one word: what a unit makes of `${VARIABLE}`.
        if let Some((first, rest)) = word.split_once(' ')
            && first.len() == 2
            && first.starts_with('-')
            && first.ends_with(|found: char| found.is_ascii_alphabetic())
            && !rest.contains(' ')
        {
            return vec![format!("{first}={rest}")];
        }
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

    /// An option with the dashes by which it is described, else with one.
    fn with_known_dashes(&self, word: &str) -> String {
        let Some(bare) = word.strip_prefix("--").or(word.strip_prefix('-')).filter(|bare| !bare.is_empty()) else {
            return word.to_string();
        };
        let name = bare.split('=').next().unwrap_or_default();
        if self.known.contains(&format!("--{name}")) { format!("--{bare}") } else { format!("-{bare}") }
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

    /// Whether an option has this value anyway, by what is said of it.
    fn is_default(&self, option: &str, value: &str) -> bool {
        let mut known = self.described.iter().filter(|known| known.names.iter().any(|name| name == option));
        let is_root = self.from_root && value == "/";
        known.any(|known| about::is_default(known, value) || (is_root && about::is_default_where_it_starts(known)))
    }

    /// The arguments that count.
    pub(crate) fn that_count(&self, command: &[String], pid_files: &[String]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        // One value said twice is said once.
        let mut pairs: BTreeSet<(String, String)> = BTreeSet::new();
        let words: Vec<String> = command.iter().skip(1).flat_map(|word| self.letters(word)).collect();
        let words = self.that_are_heard(words);
        let mut words = words.iter().map(|word| plain(&play::written(word))).peekable();
        while let Some(word) = words.next() {
            // `-c -c FILE`: the option is there once.
            if is_nothing(&word) || (self.takes.contains(&word) && words.peek() == Some(&word)) {
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
            let is_pid_setting = word.to_ascii_lowercase().replace('_', "").starts_with("pidfile=");
            if directive::is_switch(&word) || (is_pid_setting && names_pid_file(word.split_at("pidfile=".len()).1)) {
                continue;
            }
            // `--daemonize no`
            if self.switches.contains(option) || is_switch(option) {
                words.next_if(|next| value.is_none() && option.starts_with("--") && is_yes_or_no(next));
                continue;
            }
            let is_log = self.about_log.contains(option) || about::is_named_for_log(option);
            let takes = self.takes.contains(option) || is_supervised(option) || (is_log && option.ends_with("file"));
            let is_value = |next: &String| !next.starts_with('-') && !next.is_empty();
            let next = words.next_if(|next| value.is_none() && takes && is_value(next));
            if is_log || is_supervised(option) {
                continue;
            }
            // A variable without a value says nothing: `--voice=${VOICE}`, `-V "${VOICE}"`.
            let is_void = |next: &String| next.is_empty() && value.is_none() && self.takes.contains(option);
            let is_said = next.is_some() || words.next_if(is_void).is_none();
            let given = value.or(next);
            if !is_said || given.as_ref().is_some_and(|given| given.is_empty() || self.is_default(option, given)) {
                continue;
            }
            let is_filled_in = |given: &&String| self.of_patterns.contains(option) && given.contains(['*', '?']);
            if let Some(pattern) = given.as_ref().filter(is_filled_in) {
                out.push(pattern.clone());
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
            if given.as_ref().is_some_and(|given| !pairs.insert((option.clone(), given.clone()))) {
                continue;
            }
            out.push(option);
            out.extend(given);
        }
        out
    }
}

/// Whether the options of a program are read by Go's own library, and by none that knows short ones, too.
fn reads_as_go(tree: &Tree, program: &str) -> bool {
    let Some(bytes) = tree.find(program).and_then(|file| std::fs::read(file).ok()) else { return false };
    let has = |text: &str| Regex::new(text).is_ok_and(|text| text.is_match(&bytes));
    bytes.starts_with(b"\x7fELF")
        && has("flag provided but not defined: -")
        && !has("unknown shorthand flag|unknown short flag|unknown flag `")
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

/// Whether it says nothing by itself: `-Lf /dev/null` is nothing to be kept.
fn is_nothing(word: &str) -> bool {
    word == "--" || word.is_empty() || word == "/dev/null" || is_default_directive(word)
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
        "noprocessgroup",
        "nosetsid",
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

    fn set(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_string()).collect()
    }

    fn options(known: &[&str], takes: &[&str]) -> Options {
        Options {
            switches: BTreeSet::new(),
            aliases: BTreeMap::new(),
            known: set(known),
            takes: set(takes),
            about_pid: BTreeSet::new(),
            about_log: BTreeSet::new(),
            of_patterns: set(&["--glob"]),
            described: Vec::new(),
            only_options: false,
            of_go: false,
            from_root: false,
        }
    }

    #[test]
    fn one_dash_is_as_good_as_two_where_go_reads_the_options() {
        let go = Options { of_go: true, ..options(&["-logs", "--port"], &[]) };
        assert_eq!((go.letters("-logs"), go.letters("--logs")), (vec!["-logs".into()], vec!["-logs".into()]));
        assert_eq!((go.letters("-port=8"), go.letters("-lo")), (vec!["--port=8".into()], vec!["-lo".into()]));
        assert_eq!((go.letters("/etc/x"), go.letters("--")), (vec!["/etc/x".into()], vec!["--".into()]));
        let other = options(&["-logs", "--port"], &[]);
        assert_eq!(
            (other.letters("--logs"), other.letters("-lo")),
            (vec!["--logs".into()], vec!["-l".into(), "-o".into()])
        );
    }

    #[test]
    fn only_gos_own_library_takes_one_dash_for_two() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("usr/bin")).unwrap();
        let reads = |text: &str| {
            std::fs::write(folder.path().join("usr/bin/webd"), text).unwrap();
            reads_as_go(&Tree::partial(folder.path()), "/usr/bin/webd")
        };
        let own = "\x7fELF..flag provided but not defined: -%s..";
        assert!(reads(own));
        assert!(!reads(&format!("{own}unknown shorthand flag: %q in -%s")) && !reads("\x7fELF..unknown option"));
        assert!(!reads("#!/bin/sh\necho 'flag provided but not defined: -x'\n"));
    }

    #[test]
    fn an_option_whose_value_is_an_empty_variable_says_nothing() {
        let options = options(&["-V", "--voice", "-x"], &["-V", "--voice"]);
        let kept = |words: &[&str]| {
            let words: Vec<String> = ["webd"].iter().chain(words).map(|word| (*word).to_string()).collect();
            options.that_count(&words, &[]).join(" ")
        };
        assert_eq!(kept(&["--voice=", "-x"]), "-x");
        assert_eq!(kept(&["-V", "", "-x"]), "-x");
        assert_eq!(kept(&["-V", "en", "--voice=de"]), "-V en --voice de");
        assert_eq!(kept(&["-x", ""]), "-x");
    }

    #[test]
    fn a_pattern_is_the_same_whoever_fills_it_in() {
        let options = options(&["--glob"], &["--glob"]);
        let kept = |words: &str| options.that_count(&words.split(' ').map(String::from).collect::<Vec<_>>(), &[]);
        assert_eq!(kept("webd --glob /dev/web*"), kept("webd /dev/web*"));
        assert_eq!(kept("webd --glob /dev/web0"), ["--glob", "/dev/web0"]);
    }

    #[test]
    fn an_option_and_its_value_may_be_one_word() {
        let options = options(&[], &[]);
        assert_eq!(options.letters("-E production"), ["-E=production"]);
        assert_eq!(options.letters("-E a b"), ["-E a b"]);
        assert_eq!(options.letters("daemon off;"), ["daemon off;"]);
    }

    #[test]
    fn a_path_may_be_joined_to_its_option() {
        let options = options(&["-c", "-v"], &["-c"]);
        assert_eq!(options.letters("-c/etc/web.conf"), ["-c=/etc/web.conf"]);
        assert_eq!(options.letters("-v/etc/web.conf"), ["-v/etc/web.conf"]);
        assert_eq!(options.letters("--c/etc/web.conf"), ["--c/etc/web.conf"]);
    }
}
