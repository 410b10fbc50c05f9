//! How a daemon is made to read its configuration again, where its script does not know: by the table, by its manual,
//! by its own text and code.

use std::sync::LazyLock;

use regex::Regex;
use svc_compat::daemons::Table;
use svc_core::definition::join;

use super::elf::Program;
use super::manual::{self, Described, own_texts, pages};
use super::tree::Tree;
use svc_compat::play::Machine;

/// What is said of the signal stands so near to its name.
const NEAR_CHARACTERS: usize = 320;
/// A message is no longer than this; what is longer is a manual.
const MESSAGE_BYTES_MAX: usize = 120;
/// The number of the signal on every system.
pub(super) const HANGUP: u8 = 1;

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
/// In Python, Perl, Ruby and the shell, with what is done.
static HANDLER: LazyLock<Regex> = LazyLock::new(|| {
    let python = r"(?:signal|signal_handler)\(\s*(?:signal\.)?sighup\s*,";
    let perl = r#"\$sig\{\s*['"]?hup['"]?\s*\}\s*="#;
    let ruby = r#"trap[ (]+['":](?:sig)?hup['"]?"#;
    let shell = r#"trap +['"]?([a-z_ -]+)['"]? +(?:[a-z0-9]+ +)*(?:sig)?(?:hup|1)\b"#;
    manual::pattern(&format!("^[^#]*(?:(?:{python}|{perl}|{ruby})(.*)|{shell})"))
});
/// What a handler is called, or does, that reads again.
static HANDLED: LazyLock<Regex> = LazyLock::new(|| {
    let deed = "re_?-?(?:read|load|config|scan|init|parse)";
    Regex::new(deed).expect("the patterns of this file are well-formed")
});
static OTHER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("sig[a-z]+[0-9]?").expect("the patterns of this file are well-formed"));

/// The value of `reload` for this command, and what says so.
pub fn documented(tree: &Tree, table: &Table, command: &[String]) -> Option<(String, String)> {
    let program = command.first()?;
    let by_signal = |source: String| {
        let origin = format!("{source}: SIGHUP; the script has no reload of its own");
        ("signal HUP".to_string(), origin)
    };
    let row = table.row(program).filter(|row| !row.reload_command.is_empty());
    if let Some(row) = row {
        let words = [std::slice::from_ref(program), &row.reload_command].concat();
        return Some((join(&words), format!("{}; the script has no reload of its own", row.source)));
    }
    reads_again(tree, program).map(by_signal).or_else(|| by_option(tree, command))
}

/// Where a page of the program, or a message in it, says that SIGHUP makes it read its configuration again.
fn reads_again(tree: &Tree, program: &str) -> Option<String> {
    let of_file = pages(tree, &format!("{program}.conf"));
    let page = pages(tree, program).into_iter().chain(of_file).find(|(_, text)| says(text)).map(|(path, _)| path);
    let tells = || own_texts(tree, program, |text| holds(text, b"sighup")).iter().any(|text| says(text) || does(text));
    let page = page.or_else(|| tells().then(|| format!("{program}, what it says")));
    page.or_else(|| catches_and_says(tree, program)).or_else(|| handles(tree, program))
}

/// What a program prints when the signal has come, and goes on.
fn does(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let ends = ["exit", "terminat", "shut", "quit", "ignor", "stop"].iter().any(|word| text.contains(word));
    text.len() < MESSAGE_BYTES_MAX && AGAIN.is_match(&text) && !ends
}

/// Whether the text of a program has a handler, whatever that does.
pub(super) fn has_handler(tree: &Tree, program: &str) -> bool {
    let Some(text) = tree.read(program).filter(|text| text.starts_with(b"#!")) else { return false };
    let text = svc_compat::text::decode(&text).to_ascii_lowercase();
    text.lines().any(|line| HANDLER.is_match(line) && !line.contains("ign"))
}

/// The text of a program that has a handler which reads again.
fn handles(tree: &Tree, program: &str) -> Option<String> {
    let text = tree.read(program).filter(|text| text.starts_with(b"#!"))?;
    let text = svc_compat::text::decode(&text).to_ascii_lowercase();
    let mut places = text.lines().enumerate().filter(|(_, line)| HANDLER.is_match(line));
    let (at, _) = places.find(|(_, line)| {
        let found = HANDLER.captures(line);
        let deed = found.and_then(|found| found.get(1).or(found.get(2)).map(|deed| deed.as_str().to_owned()));
        deed.is_some_and(|deed| HANDLED.is_match(&deed))
    })?;
    Some(format!("{program}:{}, its handler", at + 1))
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

fn says(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut places = words.match_indices("sighup").chain(words.match_indices("hangup signal"));
    places.any(|(at, name)| {
        let after = cut(&words[at + name.len()..]);
        // Up to where another signal is spoken of.
        let end = OTHER.find(after).map_or(after.len(), |found| found.start());
        let before: String = words[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
        let before = before.rsplit(". ").next().unwrap_or_default();
        let told = format!("{before} {}", &after[..end]);
        AGAIN.is_match(&told)
            && ["config", "file", "setting", "table", "rules", "data"].iter().any(|what| told.contains(what))
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
        assert!(says("SIGNALS\nOn receipt of a\n  SIGHUP, webd re-reads its configuration file."));
        assert!(says("The configuration is reloaded when SIGHUP is received."));
        assert!(says("SIGHUP\n    Reload the configuration."));
        assert!(!says("SIGHUP terminates it. SIGUSR1 makes it re-read the configuration file."));
        assert!(!says("SIGHUP\n    Reopen the log file."));
        assert!(!says("It reads its configuration file once."));
    }

    #[test]
    fn a_message_about_the_signal_says_that_it_goes_on() {
        assert!(does("webd: SIGHUP received reinit...") && does("got SIGHUP, reloading"));
        assert!(!does("SIGHUP: exiting, reload failed") && !does("SIGHUP received, reopening the log"));
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
