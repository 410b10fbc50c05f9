//! A handler for SIGHUP of which nobody says what it does.
//!
//! A daemon in the foreground has no terminal to lose: who has a handler for SIGHUP, and it is not the one by which it
//! ends, expects to be sent it. That this makes it read its configuration again is then a custom, no fact, and is said.

use std::sync::LazyLock;

use regex::Regex;
use svc_compat::play::Machine;

use super::elf::Program;
use super::manual::{self, own_texts, pages};
use super::tree::Tree;

/// The number of the signal on every system.
const HANGUP: u8 = 1;
/// The numbers of those by which one is told to end: INT, QUIT, TERM.
const ENDING: [u8; 3] = [2, 3, 15];
/// Files of a program's own modules, and what is read of each.
const MODULES_MAX: usize = 200;
const MODULE_BYTES_MAX: usize = 1 << 19;
const DEPTH_MAX: usize = 4;
/// A message is no longer than this; what is longer is a manual.
const MESSAGE_BYTES_MAX: usize = 120;
/// What is called so ends, or does nothing.
const ENDS: [&str; 11] = ["exit", "term", "kill", "die", "stop", "shut", "finish", "clean", "quit", "abort", "ign"];

/// What is known of SIGHUP where nobody says that the daemon reads its configuration again on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hangup {
    /// There is a handler which is not the one by which it ends.
    Handled,
    /// It was sent it in a trial, and went on.
    GoesOn,
    /// It ignores it.
    Ignored,
    /// It was sent it in a trial, and ended.
    Ends,
}

static HUP: LazyLock<Regex> = LazyLock::new(|| setting("hup", "hup|1"));
static END: LazyLock<Regex> = LazyLock::new(|| setting("(?:term|int|quit)", "term|int|quit|15|2|3"));
static PAGE_ENDS: LazyLock<Regex> =
    LazyLock::new(|| manual::pattern(r"(?:sighup|hangup signal)[^.]{0,30}\b(?:exit|terminat|shut|quit|abort|stop)"));
/// A message, or the name of a function.
static SPEAKS: LazyLock<Regex> =
    LazyLock::new(|| manual::pattern(r"(?:^|[^a-z])(?:sig_?)?hup(?:[^a-z]|$)|re-?load|re-?read|re-?open|log_?rotat"));
static IMPORTED: LazyLock<Regex> = LazyLock::new(|| {
    manual::pattern(
        r"^\s*(?:from +([A-Za-z_][\w]*)[\w.]* +import|import +([A-Za-z_][\w]*)|use +([A-Z][\w]*(?:::[\w]+)*))",
    )
});

/// How Python, Perl, Ruby and the shell set a handler for signals of these names, with what is done.
fn setting(names: &str, shell: &str) -> Regex {
    let python = format!(r"(?:signal|signal_handler)\(\s*(?:signal\.)?sig{names}\s*,");
    let perl = format!(r#"\$sig\{{\s*['"]?{names}['"]?\s*\}}\s*="#);
    let ruby = format!(r#"trap[ (]+['":](?:sig)?{names}['"]?"#);
    let shell = format!(r#"trap +['"]?([a-z_ -]+)['"]? +(?:[a-z0-9]+ +)*(?:sig)?(?:{shell})\b"#);
    manual::pattern(&format!("^[^#]*(?:(?:{python}|{perl}|{ruby})(.*)|{shell})"))
}

/// What is known without running it.
pub(super) fn known(tree: &Tree, program: &str) -> Option<Hangup> {
    let compiled = Program::read(tree, program);
    let (ignores, own) = match &compiled {
        Some(compiled) => {
            let own = compiled.has_own_handler(HANGUP, &ENDING);
            let speaks = || compiled.catches(HANGUP) && speaks_of_it(tree, program);
            let own = match own {
                // One handler for all of them may still do something else for each.
                Some(false) => tells_apart(&signal_texts(tree, program)),
                Some(true) => true,
                None => speaks(),
            };
            (compiled.ignores(HANGUP), own)
        }
        None => (false, texts(tree, program).iter().any(|(_, text)| has_own(text))),
    };
    let page_ends = || {
        let one_line = |text: &str| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ");
        pages(tree, program).iter().any(|(_, text)| PAGE_ENDS.is_match(&one_line(text)))
    };
    match (ignores, own) {
        (true, _) => Some(Hangup::Ignored),
        (false, true) if !page_ends() => Some(Hangup::Handled),
        (false, _) => None,
    }
}

/// Whether the text of a program, or of its own modules, has a handler, whatever that does.
pub(super) fn has_handler(tree: &Tree, program: &str) -> bool {
    texts(tree, program).iter().any(|(_, text)| deeds(&HUP, text).iter().any(|(_, deed)| !deed.contains("ign")))
}

/// The handlers in the text of a program and of its own modules: file, line, and what is done.
pub(super) fn handlers(tree: &Tree, program: &str) -> Vec<(String, usize, String)> {
    let all = texts(tree, program).into_iter();
    let all =
        all.flat_map(|(path, text)| deeds(&HUP, &text).into_iter().map(move |(at, deed)| (path.clone(), at, deed)));
    all.collect()
}

/// Whether a program that has some handler speaks of what such handlers do, and not of ending by it.
fn speaks_of_it(tree: &Tree, program: &str) -> bool {
    let texts = own_texts(tree, program, |text| text.len() < MESSAGE_BYTES_MAX).into_iter();
    let texts = texts.map(|text| text.to_ascii_lowercase());
    let mut texts = texts.filter(|text| SPEAKS.is_match(text)).peekable();
    texts.peek().is_some() && !texts.any(|text| text.contains("hup") && speaks_of_end(&text))
}

/// Whether a message is about an end, or about what does nothing; that a signal is one says neither.
fn speaks_of_end(text: &str) -> bool {
    let text = text.replace("signal", "");
    ENDS.iter().any(|word| text.contains(word))
}

/// What a program says that names a signal, in small letters.
fn signal_texts(tree: &Tree, program: &str) -> Vec<String> {
    let names_one = |text: &[u8]| text.len() < MESSAGE_BYTES_MAX && text.windows(3).any(|part| part == b"SIG");
    own_texts(tree, program, names_one).into_iter().map(|text| text.to_ascii_lowercase()).collect()
}

/// Whether what is said when a hangup has come is said of no signal by which one ends, which have words of their own,
/// and says nothing of an end.
fn tells_apart(texts: &[String]) -> bool {
    let ends = ["sigterm", "sigint", "sigquit"];
    let is_end = |text: &&String| ends.iter().any(|name| text.contains(name));
    let (hangups, others): (Vec<&String>, Vec<&String>) = texts.iter().partition(|text| text.contains("sighup"));
    let is_message = |text: &&String| text.contains(' ');
    let is_own = |text: &&String| is_message(text) && !is_end(text) && !speaks_of_end(text);
    !hangups.is_empty() && hangups.iter().all(is_own) && others.iter().any(|text| is_end(text) && is_message(text))
}

/// Whether a text sets a handler for it that is not one of those by which it ends.
fn has_own(text: &str) -> bool {
    let (own, others) = (deeds(&HUP, text), deeds(&END, text));
    let is_own = |deed: &str| {
        // `$SIG{HUP} = $SIG{TERM} = ...`
        let is_shared = others.iter().any(|(_, other)| other == deed || other.contains("hup"));
        !is_shared && !deed.is_empty() && !ENDS.iter().any(|word| deed.contains(word)) && !END.is_match(deed)
    };
    !own.is_empty() && !others.is_empty() && own.iter().all(|(_, deed)| is_own(deed))
}

/// Each line that sets a handler, by its number, and what is done there.
fn deeds(setting: &Regex, text: &str) -> Vec<(usize, String)> {
    let found = text.lines().enumerate().filter_map(|(at, line)| {
        let found = setting.captures(line)?;
        let deed = found.get(1).or(found.get(2)).map_or("", |deed| deed.as_str());
        Some((at + 1, deed.trim_matches(|found: char| !found.is_ascii_alphanumeric()).to_string()))
    });
    found.collect()
}

/// The same in small letters.
fn texts(tree: &Tree, program: &str) -> Vec<(String, String)> {
    with_modules(tree, program).into_iter().map(|(file, text)| (file, text.to_ascii_lowercase())).collect()
}

/// The text of a program that is none of the compiled ones, and the texts of its own modules, each with its file.
pub fn with_modules(tree: &Tree, program: &str) -> Vec<(String, String)> {
    let Some(text) = tree.read(program).filter(|text| text.starts_with(b"#!")) else { return Vec::new() };
    let text = svc_compat::text::decode(&text);
    let name = plain(program.rsplit('/').next().unwrap_or(program));
    let mut files: Vec<String> = Vec::new();
    for found in text.lines().filter_map(|line| IMPORTED.captures(line)) {
        let named = |at: usize| found.get(at).map(|name| name.as_str());
        // What is called otherwise is somebody else's.
        let is_own = |module: &str| module.len() > 2 && (name.starts_with(module) || module.starts_with(&name));
        let python = named(1).or(named(2)).filter(|module| is_own(&plain(module)));
        let perl = named(3).filter(|module| is_own(&plain(module.split("::").next().unwrap_or(module))));
        if let Some(module) = python {
            below(tree, &format!("/usr/lib/python3/dist-packages/{module}"), 0, &mut files);
            below(tree, &format!("/usr/share/{module}/{module}"), 0, &mut files);
        }
        files.extend(perl.map(|module| format!("/usr/share/perl5/{}.pm", module.replace("::", "/"))));
    }
    files.dedup();
    let modules = files.into_iter().take(MODULES_MAX).filter_map(|file| Some((file.clone(), tree.read(&file)?)));
    let modules = modules.filter(|(_, text)| text.len() <= MODULE_BYTES_MAX);
    let modules = modules.map(|(file, text)| (file, svc_compat::text::decode(&text)));
    [(program.to_string(), text)].into_iter().chain(modules).collect()
}

/// Modules of Python below a directory.
fn below(tree: &Tree, directory: &str, depth: usize, files: &mut Vec<String>) {
    for name in tree.list(directory) {
        let path = format!("{directory}/{name}");
        if files.len() >= MODULES_MAX {
            return;
        } else if name.ends_with(".py") {
            files.push(path);
        } else if depth < DEPTH_MAX && !name.contains('.') && name != "tests" && tree.is_directory(&path) {
            below(tree, &path, depth + 1, files);
        }
    }
}

fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::written::put;

    #[test]
    fn a_handler_of_its_own_is_not_the_one_by_which_it_ends() {
        assert!(has_own("$sig{'term'} = \\&terminate;\n$sig{'hup'}  = \\&null_handler;"));
        assert!(has_own("signal.signal(signal.sigterm, self.end)\nsignal.signal(signal.sighup, self.hangup)"));
        assert!(has_own("trap over TERM INT\ntrap again HUP\n".to_lowercase().as_str()));
        for other in [
            "$sig{term} = \\&bye;\n$sig{hup} = \\&bye;",
            "$sig{term} = \\&bye;\n$sig{hup} = \\&stop_all;",
            "$sig{hup} = $sig{term} = \\&bye;",
            "$sig{term} = \\&bye;\n$sig{hup} = 'ignore';",
            "$sig{hup} = \\&again;",
            "$sig{term} = \\&bye;\n# $sig{hup} = \\&again;",
            "trap bye hup int term",
        ] {
            assert!(!has_own(other), "{other}");
        }
    }

    #[test]
    fn one_handler_for_all_signals_may_tell_a_hangup_from_an_end() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_string()).collect::<Vec<_>>();
        assert!(tells_apart(&texts(&["received sighup signal.", "received sigterm signal.", "caught sigint"])));
        assert!(!tells_apart(&texts(&["received sighup or sigterm", "received sigint"])), "they are one");
        assert!(!tells_apart(&texts(&["received sighup, exiting", "received sigterm, exiting"])), "it ends");
        assert!(!tells_apart(&texts(&["sighup", "sigterm"])), "a table of names");
        assert!(!tells_apart(&texts(&["received sighup"])) && !tells_apart(&texts(&["received sigterm"])));
    }

    #[test]
    fn modules_of_the_programs_own_name_belong_to_it_and_no_others() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| put(folder.path(), path, text);
        let tree = Tree::partial(folder.path());
        let handler = "signal.signal(signal.SIGHUP, self.on_hangup)\nsignal.signal(signal.SIGTERM, self.end)\n";
        put("usr/bin/web-daemon", "#!/usr/bin/python3\nfrom web_d.cmd import main\nimport other\nmain()\n");
        put("usr/lib/python3/dist-packages/other/__init__.py", handler);
        assert_eq!((known(&tree, "/usr/bin/web-daemon"), has_handler(&tree, "/usr/bin/web-daemon")), (None, false));
        put("usr/lib/python3/dist-packages/web_d/deep/loop.py", handler);
        assert_eq!(known(&tree, "/usr/bin/web-daemon"), Some(Hangup::Handled));
        put("usr/share/man/man8/web-daemon.8", ".SH SIGNALS\nOn SIGHUP the daemon\nwill exit.\n");
        assert_eq!(known(&tree, "/usr/bin/web-daemon"), None);
    }
}
