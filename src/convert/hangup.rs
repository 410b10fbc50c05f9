//! How a daemon is made to read its configuration again, where its script does not know: by the table, by its manual,
//! by its own text and code.

use std::cell::LazyCell;
use std::sync::LazyLock;

use regex::Regex;
use svc_compat::daemons::Table;
use svc_core::definition::join;

use super::documents;
use super::elf::Program;
use super::handled;
use super::manual::{self, Described, own_texts, pages};
use super::tree::Tree;

/// What is said of the signal stands so near to its name.
const NEAR_CHARACTERS: usize = 320;
/// A message is no longer than this; what is longer is a manual.
const MESSAGE_BYTES_MAX: usize = 120;
/// The longest usage that a program prints.
const USAGE_BYTES_MAX: usize = 1 << 13;
/// The number of the signal on every system.
const HANGUP: u8 = 1;

static AGAIN: LazyLock<Regex> = LazyLock::new(|| {
    let again = r"re-?(?:read|load|scan|init(?:iali[sz])?|configur|pars)(?:e|s|es|ed|ing)*|reads? [a-z ]{0,40}again";
    Regex::new(&format!("(?:{again})")).expect("the patterns of this file are well-formed")
});
/// What a program says itself when it does it.
static DOES: LazyLock<Regex> = LazyLock::new(|| {
    let again = "re-?(?:read|load)";
    let does = format!("{again}(?:s|ed|ing)?[a-z ':]{{0,20}} conf|^re-?configur(?:e|ing)|conf[a-z]* (?:file )?{again}");
    Regex::new(&format!("(?:{does})")).expect("the patterns of this file are well-formed")
});
/// What it says of nothing but itself: `reloading`, `webd: re-reading...`
static DOING: LazyLock<Regex> = LazyLock::new(|| {
    let doing = r"^(?:[a-z0-9_-]{1,20}: )?(?:now )?re-?(?:load|read|initiali[sz]|configur)ing(?:[.! ]{0,4}|[ :]+%s)$";
    Regex::new(doing).expect("the patterns of this file are well-formed")
});
/// What a handler is called, or does, that reads again.
static HANDLED: LazyLock<Regex> = LazyLock::new(|| {
    let deed = "re_?-?(?:read|load|config|scan|init|parse)";
    Regex::new(deed).expect("the patterns of this file are well-formed")
});
static OTHER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("sig[a-z]+[0-9]?").expect("the patterns of this file are well-formed"));
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let named = "sig(?:hup|int|quit|term|usr[12]|chld|alrm|urg|winch|cont|io|pipe)";
    Regex::new(named).expect("the patterns of this file are well-formed")
});

/// The value of `reload` for this command of a service, and what says so.
pub fn documented(tree: &Tree, table: &Table, service: &str, command: &[String]) -> Option<(String, String)> {
    let program = command.first()?;
    let by_signal = |(signal, source): (&str, String)| {
        (format!("signal {signal}"), format!("{source}: SIG{signal}; the script has no reload of its own"))
    };
    let row = table.row(program).filter(|row| !row.reload_command.is_empty());
    if let Some(row) = row {
        let words = [std::slice::from_ref(program), &row.reload_command].concat();
        return Some((join(&words), format!("{}; the script has no reload of its own", row.source)));
    }
    let found = reads_again(tree, program).or_else(|| read_about(tree, service, program)).map(by_signal);
    found.or_else(|| by_option(tree, command))
}

/// Signals that are told to a daemon so that it does something, the most usual one first.
const SIGNALS: [&str; 4] = ["HUP", "USR1", "USR2", "URG"];

/// Where a page of the program, or a message in it, says that a signal makes it read its configuration again.
fn reads_again(tree: &Tree, program: &str) -> Option<(&'static str, String)> {
    let pages = [pages(tree, program), pages(tree, &format!("{program}.conf"))].concat();
    let by_page = |signal: &str| pages.iter().find(|(_, text)| says(text, signal, &[""])).map(|(path, _)| path.clone());
    // Where all texts stand in one, as those of Go, what is near to a signal's name is not about it.
    let is_about = |text: &[u8]| {
        text.len() < USAGE_BYTES_MAX && SIGNALS.iter().any(|signal| holds(text, format!("sig{signal}").as_bytes()))
    };
    let messages = LazyCell::new(|| own_texts(tree, program, is_about));
    let by_message = |signal: &str| {
        let tells = |text: &String| says(text, signal, &[""]) || does(text, signal);
        messages.iter().any(tells).then(|| format!("{program}, what it says"))
    };
    SIGNALS.into_iter().find_map(|signal| {
        let found = by_page(signal).or_else(|| by_message(signal));
        let by_code = || catches_and_says(tree, program).or_else(|| handles(tree, program));
        let found = found.or_else(|| (signal == "HUP").then(by_code)?);
        found.map(|source| (signal, source))
    })
}

/// Where what its package has to be read says so, and names it.
fn read_about(tree: &Tree, service: &str, program: &str) -> Option<(&'static str, String)> {
    let program = program.rsplit('/').next().unwrap_or(program);
    let texts = documents::texts(tree, &[service, program]);
    SIGNALS.into_iter().find_map(|signal| {
        let (path, _) = texts.iter().find(|(_, text)| says(text, signal, &[service, program]))?;
        Some((signal, path.clone()))
    })
}

/// What a program prints when the signal has come, and goes on.
fn does(text: &str, signal: &str) -> bool {
    let text = text.to_ascii_lowercase();
    if !text.contains(&format!("sig{signal}").to_ascii_lowercase()) {
        return false;
    }
    let ends = ["exit", "terminat", "shut", "quit", "ignor", "stop"].iter().any(|word| text.contains(word));
    text.len() < MESSAGE_BYTES_MAX && AGAIN.is_match(&text) && !ends
}

/// The text of a program that has a handler which reads again.
fn handles(tree: &Tree, program: &str) -> Option<String> {
    let mut handlers = handled::handlers(tree, program).into_iter();
    let (file, line, _) = handlers.find(|(.., deed)| HANDLED.is_match(deed))?;
    Some(format!("{file}:{line}, its handler"))
}

fn holds(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

/// A program that has a handler for the signal, and a message that it reads its configuration again.
fn catches_and_says(tree: &Tree, program: &str) -> Option<String> {
    let catches = Program::read(tree, program).is_some_and(|program| program.catches(HANGUP));
    let texts = catches.then(|| own_texts(tree, program, |text| text.len() < 200 && holds(text, b"re")))?;
    let is_it = |text: &&String| {
        let text = text.trim().to_ascii_lowercase();
        (text.contains(' ') && holds(text.as_bytes(), b"conf") && DOES.is_match(&text)) || DOING.is_match(&text)
    };
    let said = texts.iter().find(is_it)?;
    Some(format!("{program} takes it and says `{}`", said.trim()))
}

/// An option that makes the running daemon read its configuration again, by its description.
fn by_option(tree: &Tree, command: &[String]) -> Option<(String, String)> {
    let described = manual::described(tree, command);
    let option = described.iter().find(|option| asks_to_read(option))?;
    let long = option.names.iter().find(|name| name.starts_with("--"));
    let mut words = vec![command[0].clone(), long.or(option.names.first())?.clone()];
    // `--hup [--id ID]`: which of several it is for is said as at the start.
    for name in option.names.iter().filter(|name| Some(*name) != long) {
        let Some(at) = command.iter().position(|word| word == name) else { continue };
        words.extend(command[at..].iter().take(2).cloned());
    }
    let origin = format!("{}: {}; the script has no reload of its own", option.source, words[1]);
    Some((join(&words), origin))
}

/// `Ask the daemon to re-read its configuration`: it does something to one that runs.
fn asks_to_read(option: &Described) -> bool {
    let text = option.text.to_ascii_lowercase();
    let first = text.split(". ").take(2).collect::<Vec<_>>().join(". ");
    let asks = ["ask", "tell", "forces", "force the", "hup the", "signal", "make the running", "send"];
    let is_asked = asks.iter().any(|word| first.starts_with(word));
    is_asked && AGAIN.is_match(&first) && first.contains("conf")
}

/// Whether a text says so of a signal where it has one of these names, too.
fn says(text: &str, signal: &str, names: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let signal = signal.to_ascii_lowercase();
    let hangup = if signal == "hup" { "hangup signal".to_string() } else { format!("signal {signal}") };
    let calls = [
        format!("sig{signal}"),
        hangup,
        format!("{signal} signal"),
        format!("kill -{signal}"),
        format!("kill -s {signal}"),
    ];
    let mut places = calls.iter().flat_map(|call| words.match_indices(call.as_str()));
    places.any(|(at, name)| {
        let after = cut(&words[at + name.len()..]);
        // Up to where another signal is spoken of.
        let end = OTHER.find(after).map_or(after.len(), |found| found.start());
        let before: String = words[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
        let around = format!("{before} {after}");
        let before = before.rsplit(". ").next().unwrap_or_default();
        // In a list, what stands before may be said of the signal before.
        let before = if signal != "hup" && NAMED.is_match(before) { "" } else { before };
        let told = format!("{before} {}", &after[..end]);
        AGAIN.is_match(&told)
            && ["config", "file", "setting", "table", "rules", "data", "crontab"].iter().any(|what| told.contains(what))
            && names.iter().any(|name| around.contains(&name.to_ascii_lowercase()))
    })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(NEAR_CHARACTERS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_the_signal_does_or_does_not() {
        assert!(says("SIGNALS\nOn receipt of a\n  SIGHUP, webd re-reads its configuration file.", "HUP", &[""]));
        assert!(says("The configuration is reloaded when SIGHUP is received.", "HUP", &[""]));
        assert!(says("SIGHUP\n    Reload the configuration.", "HUP", &[""]));
        assert!(says("On SIGUSR1 it reads its tables again.", "USR1", &[""]));
        assert!(!says("SIGUSR2\n  Reload the rules\nSIGUSR1\n  Write down what it counted", "USR1", &[""]));
        assert!(!says("SIGHUP terminates it. SIGUSR1 makes it re-read the configuration file.", "HUP", &[""]));
        assert!(!says("SIGHUP\n    Reopen the log file.", "HUP", &[""]));
        assert!(!says("It reads its configuration file once.", "HUP", &[""]));
        assert!(says("To reload the configuration: kill -HUP $(cat /run/webd.pid)", "HUP", &[""]));
    }

    #[test]
    fn what_a_package_has_to_be_read_counts_where_it_names_the_daemon() {
        let read = |file: &str, text: &str| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            let found = read_about(&Tree::partial(folder.path()), "web", "/usr/sbin/webd");
            found.map(|(signal, path)| format!("{signal} {path}"))
        };
        let text = "Send SIGHUP to webd and it reads its configuration file again.";
        let readme = "usr/share/doc/webd/README.md";
        assert_eq!(read(readme, text).as_deref(), Some("HUP /usr/share/doc/webd/README.md"));
        assert_eq!(read(readme, &text.replace("HUP", "USR1")).as_deref(), Some("USR1 /usr/share/doc/webd/README.md"));
        assert!(read("usr/share/doc/web/NEWS.Debian", text).is_some());
        assert_eq!(read("usr/share/doc/other/README", text), None);
        assert_eq!(read("usr/share/doc/webd/changelog", text), None);
        assert_eq!(read(readme, "webd reloads its configuration:\nExecReload=/bin/kill -HUP $MAINPID\n"), None);
        assert_eq!(read(readme, "After that send SIGHUP to syslogd: it reads its configuration file again."), None);
    }

    #[test]
    fn a_message_about_the_signal_says_that_it_goes_on() {
        assert!(does("webd: SIGHUP received reinit...", "HUP") && does("got SIGHUP, reloading", "HUP"));
        assert!(!does("SIGHUP: exiting, reload failed", "HUP") && !does("SIGHUP received, reopening the log", "HUP"));
    }

    #[test]
    fn a_handler_in_the_text_of_a_program_is_one_that_reads_again() {
        let handled = |line: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
            std::fs::write(folder.path().join("usr/sbin/webd"), format!("#!/usr/bin/any\n{line}\n")).unwrap();
            handles(&Tree::partial(folder.path()), "/usr/sbin/webd").is_some()
        };
        assert!(handled("    signal.signal(signal.SIGHUP, self.reload_config)"));
        assert!(handled("loop.add_signal_handler(signal.SIGHUP, lambda: app.reload())"));
        assert!(handled("$SIG{HUP} = sub { reread_config() };") && handled("$SIG{'HUP'} = \\&reconfigure;"));
        assert!(handled("trap('HUP') { reload }") && handled("Signal.trap(\"HUP\") { config.reload }"));
        assert!(handled("trap reload_all HUP") && handled("trap 're_read' INT HUP"));
        assert!(!handled("signal.signal(signal.SIGHUP, signal.SIG_IGN)") && !handled("$SIG{HUP} = 'IGNORE';"));
        assert!(!handled("$SIG{HUP} = \\&finish;") && !handled("# $SIG{HUP} = \\&reload;"));
        assert!(!handled("signal.signal(signal.SIGTERM, self.reload)") && !handled("trap cleanup HUP"));
    }

    #[test]
    fn an_option_that_asks_the_running_daemon_is_told_from_one_that_is_for_its_start() {
        let asks = |text: &str| {
            let (names, more, source) = (vec!["--hup".to_string()], String::new(), String::new());
            asks_to_read(&Described { names, text: text.to_string(), more, takes: false, source })
        };
        assert!(asks("HUP the daemon. This forces the daemon to reread the configuration"));
        assert!(asks("Ask webd to re-read the configuration"));
        assert!(!asks("Read the configuration from this file, and reload it when it changes"));
        assert!(!asks("Send everything to the configured peer"));
    }

    #[test]
    fn what_a_program_says_when_it_reads_again_is_known() {
        for text in ["re-reading config file: %s", "Reconfiguring daemon", "reload config failed", "config reloaded"] {
            assert!(DOES.is_match(&text.to_ascii_lowercase()), "{text}");
        }
        assert!(
            DOING.is_match("reloading") && DOING.is_match("webd: re-reading...") && DOING.is_match("reconfiguring %s")
        );
        assert!(!DOING.is_match("reloading user cache") && !DOING.is_match("no reloading"));
        for text in ["reading config file", "Reloading user cache", "configuration is wrong", "reload-count"] {
            assert!(!DOES.is_match(&text.to_ascii_lowercase()), "{text}");
        }
    }
}
