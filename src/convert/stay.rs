//! How a daemon stays in the foreground, and what says so.

use svc_compat::daemons::Table;
use svc_compat::play::Launch;
use svc_compat::play::Machine;

use super::Tree;
use super::elf::Program;
use super::manual::{self, Described, Effect};
use super::{directive, others, settings, words};

/// A program of fewer lines is not all there is of it.
const WHOLE_LINES_MIN: usize = 60;

/// How it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stay {
    /// Program and arguments.
    pub command: Vec<String>,
    /// It stays in the foreground; else it goes into the background by itself.
    pub foreground: bool,
    /// What says so.
    pub source: String,
    /// Options that were added.
    pub added: Vec<String>,
    /// Options that were left out.
    pub removed: Vec<String>,
    /// The signal that makes it read its configuration when it runs like this, where that differs.
    pub reload: Option<String>,
    /// What is not certain.
    pub open: Vec<String>,
}

impl Stay {
    /// A command that stays in the foreground as it is.
    fn of(command: Vec<String>) -> Self {
        Self {
            command,
            foreground: true,
            source: String::new(),
            added: Vec::new(),
            removed: Vec::new(),
            reload: None,
            open: Vec::new(),
        }
    }
}

/// How a daemon that is launched like this can stay in the foreground.
pub fn stay(tree: &Tree, table: &Table, launch: &Launch) -> Stay {
    let mut out = Stay::of(launch.command.clone());
    let program = launch.command.first().cloned().unwrap_or_default();
    if let Some(row) = table.row(&program) {
        out.reload.clone_from(&row.reload);
        out.source = row.source.clone();
        out.leave_out(|option| row.is_background(option));
        if !has_all(&out.command, &row.foreground) {
            add(&mut out.command, &row.foreground);
            out.added.clone_from(&row.foreground);
        }
        return out;
    }
    let described = manual::described(tree, &out.command);
    if out.by_setting()
        || out.by_options(&described, launch.background)
        || out.by_another_word(tree)
        || out.by_overruling(tree)
    {
        return out;
    }
    if let Some(found) = others::change(tree, &out.command, &described) {
        out.leave_out(|option| found.without.iter().any(|without| without == option));
        add(&mut out.command, &found.with);
        (out.added, out.source) = (found.with, found.source);
        return out;
    }
    if Program::read(tree, &program).is_some_and(|program| !program.may_go()) {
        out.source = format!("{program} calls nothing that could put it into the background: neither fork nor daemon");
    } else if tree.read(&program).is_some_and(|text| is_plain_text(&svc_compat::text::decode(&text))) {
        out.source = format!("nothing in the text of {program} could put it into the background");
    } else {
        out.foreground = false;
        out.source =
            "no option of its own keeps it in the foreground, so far as its manual and its help say".to_string();
    }
    out
}

/// Whether a text of Python, Perl or Ruby is a whole program and speaks of nothing by which one leaves the foreground.
fn is_plain_text(text: &str) -> bool {
    const GOES: &[&str] = &[
        "fork",
        "daemoni",
        "daemoncontext",
        "daemon(",
        "daemon::",
        "::daemon",
        "import daemon",
        "setsid",
        "net::server",
        "detach",
        "background",
        "twisted",
    ];
    let first = text.lines().next().unwrap_or_default();
    let is_known = first.starts_with("#!") && ["python", "perl", "ruby"].iter().any(|name| first.contains(name));
    // What is shorter only calls something that lies elsewhere; a thread may be called a daemon.
    let is_whole = text.lines().count() >= WHOLE_LINES_MIN;
    let text = text.to_ascii_lowercase().replace("setdaemon(", "");
    is_known && is_whole && !GOES.iter().any(|word| text.contains(word))
}

/// How a daemon can stay by what is said of its options alone, if that says so.
pub(super) fn by_usage(command: &[String], described: &[Described]) -> Option<Stay> {
    let mut out = Stay::of(command.to_vec());
    out.by_options(described, false).then_some(out)
}

impl Stay {
    /// By what is said of its options, or by who puts it into the background; whether that settles it.
    fn by_options(&mut self, described: &[Described], is_put_there: bool) -> bool {
        let says = |option: &str, wanted: Effect| {
            let named = described.iter().filter(|known| known.names.iter().any(|name| name == option));
            let mut effects = named.map(|known| (known.effect(), known));
            let found = effects.find(|(effect, _)| *effect != Effect::Neither);
            found.filter(|(effect, _)| *effect == wanted).map(|(_, known)| known)
        };
        // What the starter puts into the background stays in the foreground itself, unless it is told otherwise.
        let mut source = None;
        self.leave_out(|option| {
            let plain = manual::GOES.contains(&option);
            let known = says(option, Effect::Goes);
            if let Some(known) = known {
                source.get_or_insert_with(|| known.source.clone());
            }
            known.is_some() || plain
        });
        let is_staying =
            |option: &&String| manual::STAYS.contains(&option.as_str()) || says(option, Effect::Stays).is_some();
        if let Some(option) = self.command.iter().skip(1).find(is_staying) {
            self.source = format!("{option} is among its arguments");
        } else if is_put_there {
            self.source = "the script puts it into the background; it does not go there by itself".to_string();
        } else if let Some(known) = best(described) {
            let option = spelling(known);
            self.source = format!("{}: {option}: {}", known.source, shortened(&known.text));
            add(&mut self.command, std::slice::from_ref(&option));
            self.added.push(option);
        } else if !self.removed.is_empty() {
            self.source = source.unwrap_or_else(|| format!("without {}", self.removed.join(" ")));
        } else if let Some(known) = described.iter().find(|known| known.is_named_for_going()) {
            self.source = format!("{}: only {} puts it into the background", known.source, known.names.join(", "));
        } else if let Some(known) = described.iter().find(|known| manual::stays_by_default(&known.text)) {
            let option = spelling(known);
            self.source = format!("{}: {option}: {}", known.source, shortened(&known.text));
        } else if let Some(known) = described.iter().find(|known| is_for_systemd(known)) {
            self.source = format!("{}: --systemd: {}", known.source, shortened(&known.text));
            let text = "keeps it in the foreground, as systemd wants it, is not said: try it";
            self.open.push(format!("that --systemd {text}"));
            self.command.push("--systemd".to_string());
            self.added.push("--systemd".to_string());
        } else {
            return false;
        }
        true
    }

    /// A setting among its words that says the opposite.
    fn by_setting(&mut self) -> bool {
        let Some((at, word)) = directive::staying(&self.command) else { return false };
        let gone = std::mem::replace(&mut self.command[at], word.clone());
        self.source = format!("{word} in place of {gone}, by its name");
        self.added.push(word);
        self.removed.push(gone);
        true
    }

    /// A word of its manual in place of another one.
    fn by_another_word(&mut self, tree: &Tree) -> bool {
        let Some(other) = words::staying(tree, &self.command) else { return false };
        for word in self.command.iter_mut().filter(|word| **word == other.gone) {
            *word = other.come.to_string();
        }
        self.source = other.source;
        self.added.push(other.come.to_string());
        self.removed.push(other.gone);
        true
    }

    /// Options that have the last word over its configuration.
    fn by_overruling(&mut self, tree: &Tree) -> bool {
        let Some(found) = settings::overruled(tree, &self.command) else { return false };
        self.command.extend(found.options.iter().cloned());
        self.added.extend(found.options);
        self.source = found.source;
        true
    }

    fn leave_out(&mut self, mut is_meant: impl FnMut(&str) -> bool) {
        let mut kept = Vec::new();
        let mut words = std::mem::take(&mut self.command).into_iter().enumerate().peekable();
        while let Some((at, word)) = words.next() {
            if at == 0 || !is_meant(&word) {
                kept.push(word);
                continue;
            }
            // `--daemonize /var/log/web.log`, `--daemonize yes`: the value goes, too.
            let value = words.next_if(|(_, next)| word.starts_with("--") && is_its_value(next));
            self.removed.push(word);
            self.removed.extend(value.map(|(_, value)| value));
        }
        self.command = kept;
    }
}

/// Adds options for the program itself: what stands behind `--` is for somebody else.
pub(super) fn add(command: &mut Vec<String>, options: &[String]) {
    let at = command.iter().position(|word| word == "--").unwrap_or(command.len());
    command.splice(at..at, options.iter().cloned());
}

/// Whether a word can only be what an option for the background takes: where it prints, or that it is meant.
fn is_its_value(word: &str) -> bool {
    word.starts_with("/var/log/") || matches!(word, "yes" | "true" | "on")
}

fn has_all(command: &[String], options: &[String]) -> bool {
    !options.is_empty() && command.windows(options.len()).any(|part| part == options)
}

/// The option that most surely keeps it in the foreground and does nothing else.
fn best(described: &[Described]) -> Option<&Described> {
    let stays = described.iter().filter(|known| !known.names.is_empty());
    let mut found: Vec<(u8, &Described)> = Vec::new();
    for known in stays {
        let plain = known.names.iter().any(|name| manual::STAYS.contains(&name.as_str()));
        let effect = known.effect();
        let long = known.text.chars().count() > 110;
        match (plain, effect, manual::is_for_debugging(&known.text)) {
            (true, ..) => found.push((0, known)),
            (_, Effect::Stays, false) if !long => found.push((1, known)),
            (_, Effect::Stays, false) => found.push((2, known)),
            (_, Effect::Stays, true) if manual::is_about_background(&known.text) => found.push((3, known)),
            _ => {}
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.first().map(|(_, known)| *known)
}

/// `--systemd  Enable systemd integration`: who tells another supervisor that it is ready stays below that.
fn is_for_systemd(known: &Described) -> bool {
    let is_named = known.names.iter().any(|name| name == "--systemd");
    is_named && !known.takes && known.effect() == Effect::Neither && known.text.to_lowercase().contains("systemd")
}

/// The spelling that says most: a plain long one, else the short one that the manual names first.
fn spelling(known: &Described) -> String {
    let plain = known.names.iter().find(|name| manual::STAYS.contains(&name.as_str()));
    plain.or(known.names.first()).cloned().unwrap_or_default()
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("{short}...") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_for_the_background_goes_with_its_value() {
        let left = |command: &str| {
            let mut stay = Stay::of(command.split(' ').map(String::from).collect());
            stay.leave_out(|option| option == "--daemonize" || option == "-d");
            (stay.command.join(" "), stay.removed.join(" "))
        };
        let went = |rest: &str, gone: &str| (rest.to_string(), gone.to_string());
        assert_eq!(left("webd --daemonize /var/log/w -x"), went("webd -x", "--daemonize /var/log/w"));
        assert_eq!(left("webd --daemonize yes"), went("webd", "--daemonize yes"));
        assert_eq!(left("webd --daemonize /etc/webd.conf"), went("webd /etc/webd.conf", "--daemonize"));
        assert_eq!(left("webd start -d"), went("webd start", "-d"));
        assert_eq!(left("webd -d /var/log/w"), went("webd /var/log/w", "-d"));
    }

    #[test]
    fn what_it_has_for_systemd_keeps_it_where_nothing_else_does() {
        let described = |help: &str| manual::options(help, "webd, the help in it");
        let stay = |help: &str| by_usage(&["webd".to_string()], &described(help));
        let found = stay("  -s, --systemd  Enable systemd integration.\n  -p PORT  listen there\n").unwrap();
        assert_eq!((found.added, found.open.len()), (vec!["--systemd".to_string()], 1));
        let found = stay("  --systemd  Enable systemd integration.\n  -F  stay in the foreground\n").unwrap();
        assert_eq!((found.added, found.open.len()), (vec!["-F".to_string()], 0));
        assert!(stay("  --systemd FILE  Write a unit of systemd to FILE\n  -p PORT  listen there\n").is_none());
    }

    #[test]
    fn who_goes_only_when_told_stays_where_nobody_tells_it() {
        let known = |text: &str| Described {
            names: vec!["-F".into()],
            text: text.into(),
            more: String::new(),
            takes: false,
            source: String::new(),
        };
        let stays = |text: &str| {
            let mut stay = Stay::of(vec!["webd".into()]);
            stay.by_options(&[known(text)], false).then(|| stay.command.join(" "))
        };
        assert_eq!(stays("Fork and run in background. Default is to run in foreground.").as_deref(), Some("webd"));
        assert_eq!(stays("Fork and run in background."), None);
        assert_eq!(stays("Run in the foreground. Default is to fork.").as_deref(), Some("webd -F"));
    }

    #[test]
    fn an_option_is_added_before_what_is_for_another_program() {
        let added = |command: &str| {
            let mut command: Vec<String> = command.split(' ').map(String::from).collect();
            add(&mut command, &["-n".to_string()]);
            command.join(" ")
        };
        assert_eq!(added("spawn -u web -- webd -f"), "spawn -u web -n -- webd -f");
        assert_eq!(added("webd -f"), "webd -f -n");
    }

    #[test]
    fn a_whole_program_that_speaks_of_no_background_stays_where_it_is() {
        let program = |first: &str, line: &str, count: usize| format!("{first}\n{}", format!("{line}\n").repeat(count));
        assert!(is_plain_text(&program("#!/usr/bin/python3", "worker.daemon = True", 80)));
        assert!(is_plain_text(&program("#!/usr/bin/python3", "worker.setDaemon(True)", 80)));
        assert!(!is_plain_text(&program("#!/usr/bin/python3", "daemon.run()", 20)));
        assert!(!is_plain_text(&program("#!/usr/bin/python3", "run_daemon(main)", 80)));
        assert!(!is_plain_text(&program("#!/usr/bin/perl", "fork and exit;", 80)));
        assert!(!is_plain_text(&program("#!/bin/sh", "serve", 80)));
    }
}
