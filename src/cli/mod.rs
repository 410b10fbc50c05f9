//! `svc`: arguments, a request, the answer as text or JSON.

mod args;
mod bootchart;
mod client;
mod code;
mod common;
mod compare;
mod complete;
mod configure;
mod convert;
mod copy;
mod edit;
mod grammar;
mod graph;
mod grep;
mod human;
mod jail;
mod json;
mod migrate;
mod order;
mod pager;
mod personality;
mod plan;
mod progress;
mod rehearse;
mod renew;
mod session;
mod shim;
mod show;
mod top;
mod tree;
mod up;
mod why;

use std::borrow::Cow;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use svc_platform::users;

use crate::daemon::{Arguments, Options};
use crate::wire::{Reply, Request};
use args::{Line, Verb};
use client::Client;
use common::{Color, Common};
use session::Session;

/// The program `svc`.
pub fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let called = words.next();
    let words: Vec<OsString> = words.collect();
    match personality::answer(called.as_deref(), &words) {
        Some(code) => code,
        None => ExitCode::from(run(words)),
    }
}

/// The model of the command line, for the check of its manual page.
pub fn command() -> clap::Command {
    Line::command()
}

fn run(words: Vec<OsString>) -> u8 {
    let model = Line::command();
    if let Some((first, rest)) = words.split_first()
        && first == complete::COMPLETE
    {
        say(&complete::answer(&model, rest));
        return code::GOOD;
    }
    let typed = words.clone();
    let words = match grammar::arrange(words, |option| takes_value(&model, option)) {
        Ok(words) => words,
        Err(error) => {
            let json = wants_json(&typed);
            if let (grammar::GrammarError::NoVerb(_), false) = (&error, json) {
                say_error(&error.to_string());
                tell_verbs(&typed);
                return code::USAGE;
            }
            return fail(json, &error.to_string(), code::USAGE);
        }
    };
    let json = wants_json(&words);
    let name = OsString::from("svc");
    let line = match Line::try_parse_from(std::iter::once(name).chain(words)) {
        Ok(line) => line,
        Err(error) => return misspelled(&error, json),
    };
    choose_colours(line.common.color);
    if let Some(name) = &line.common.jail {
        return jail::ask_inside(name, &typed);
    }
    let client = Client { socket: socket(&line.common), timeout: line.common.timeout };
    if line.verb.may_be_long() && !line.common.json && !line.common.no_pager {
        pager::hold();
    }
    let code = Session::new(client, &line.common).serve(line.verb, &line.common);
    pager::release();
    if code == code::GOOD && LOST.load(Ordering::Relaxed) { code::FAILED } else { code }
}

/// Whether the answer, though it be that the rest makes no sense, is to be JSON. What comes after `--` is not for us.
fn wants_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

/// Tells what is wrong with the words, or what was asked about them.
fn misspelled(error: &clap::Error, json: bool) -> u8 {
    let code = u8::try_from(error.exit_code()).unwrap_or(code::USAGE);
    let text = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => None,
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand if !json => None,
        // The list of verbs that clap would add has one that nobody can type.
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            return fail(json, "a verb is missing; see: svc --help", code);
        }
        _ => {
            let text = error.render().to_string();
            let text = text.split("\n\nUsage:").next().unwrap_or(&text);
            Some(text.strip_prefix("error: ").unwrap_or(text).trim().to_owned())
        }
    };
    match text.filter(|_| json) {
        Some(text) => fail(json, &text, code),
        None => {
            // Nobody is left to be told if the stream is gone.
            let _ = error.print();
            code
        }
    }
}

/// For a name without a verb: those that the service has beside the common ones, if there is an svcd that knows it.
fn tell_verbs(typed: &[OsString]) {
    let status = ["svc", "status", "--lines=0"].map(OsString::from);
    let Ok(line) = Line::try_parse_from(status.into_iter().chain(typed.iter().cloned())) else { return };
    let (common, Verb::Status { names, .. }) = (line.common, line.verb) else { return };
    let client = Client { socket: socket(&common), timeout: common.timeout };
    if let Ok(Reply::Status(all)) = client.ask(&Request::Status { names, lines: 0 }, &mut |_| {}) {
        for status in all.iter().filter(|status| !status.verbs.is_empty()) {
            say_raw_error(&format!("     its own verbs: {}\n", status.verbs.join(", ")));
        }
    }
}

/// Where these options say that everything is.
fn options(common: &Common) -> Options {
    let arguments =
        Arguments { root: common.root.clone(), runtime_dir: common.runtime_dir.clone(), ..Arguments::default() };
    Options::new(&arguments, users::is_root(), false)
}

/// The socket of the svcd that these options, and the environment, mean: found by the same rules as svcd's own.
fn socket(common: &Common) -> PathBuf {
    let Common { socket, root, runtime_dir, .. } = common;
    let arguments = Arguments {
        socket: socket.clone(),
        root: root.clone(),
        runtime_dir: runtime_dir.clone(),
        ..Arguments::default()
    };
    let of = |is_root| Options::new(&arguments, is_root, false).socket;
    let own = of(users::is_root());
    let machine = of(true);
    // A user without an svcd of their own means the machine's.
    if own.exists() || !machine.exists() { own } else { machine }
}

fn choose_colours(color: Color) {
    match color {
        // The variables (NO_COLOR, CLICOLOR, TERM=dumb) decide.
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
}

/// Whether an option of any verb is followed by its value as a word of its own.
fn takes_value(model: &clap::Command, option: &str) -> bool {
    let arguments = || model.get_arguments().chain(model.get_subcommands().flat_map(clap::Command::get_arguments));
    let valued = |found: &clap::Arg| found.get_action().takes_values();
    match option.strip_prefix("--") {
        Some(long) => arguments().any(|found| found.get_long() == Some(long) && valued(found)),
        None => {
            // In `-qn` the last letter may take the next word; in `-n5` the value is there already.
            let takes = |short: char| arguments().any(|found| found.get_short() == Some(short) && valued(found));
            let letters = option.trim_start_matches('-');
            letters.char_indices().find(|(_, short)| takes(*short)).is_some_and(|(at, _)| at + 1 == letters.len())
        }
    }
}

/// Something of the answer could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Text for stdout.
fn say(text: &str) {
    if pager::take(text) {
        return;
    }
    let mut stdout = io::stdout();
    // As one write: the stream that takes colours out would make one of each line.
    let text = match anstream::AutoStream::choice(&stdout) {
        anstream::ColorChoice::Never => Cow::Owned(anstream::adapter::strip_str(text).to_string()),
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi | anstream::ColorChoice::Auto => {
            Cow::Borrowed(text)
        }
    };
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// A reader who went away is no error of ours; that the answer is not whole is one, and told once.
fn written(result: io::Result<()>) {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) => {
            say_error(&format!("writing to standard output: {error}"));
        }
        Ok(()) | Err(_) => {}
    }
}

/// The directory that stands for `/` where files are looked at and no svcd is asked; if there is none, that is told.
fn root(common: &Common) -> Result<PathBuf, u8> {
    root_of(common).map_err(|text| fail(common.json, &text, code::FAILED))
}

fn root_of(common: &Common) -> Result<PathBuf, String> {
    let root = common.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    if root.is_dir() { Ok(root) } else { Err(format!("--root {}: there is no such directory", root.display())) }
}

/// Tells why there is no answer, and returns the code.
fn fail(json: bool, text: &str, code: u8) -> u8 {
    if json {
        say(&json::error(text, code));
    } else {
        say_error(text);
    }
    code
}

/// Bytes for stdout as they are: names of files may be in any encoding.
fn say_bytes(bytes: &[u8]) {
    let mut stdout = io::stdout();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()));
}

/// Text for stderr as it is.
fn say_raw_error(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// One sentence for stderr.
fn say_error(text: &str) {
    say_raw_error(&format!("{} {text}\n", show::paint(show::BAD, "svc:")));
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_grammar_and_the_model_know_the_same_verbs() {
        let model = Line::command();
        let shown: BTreeSet<&str> =
            model.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name).collect();
        assert_eq!(shown, grammar::verbs().collect());
        Line::command().debug_assert();
    }

    #[test]
    fn an_option_with_its_value_inside_takes_no_further_word() {
        let model = Line::command();
        for (option, takes) in [
            ("--socket", true),
            ("--socket=x", false),
            ("--lines", true),
            ("-n", true),
            ("-n5", false),
            ("-qn", true),
            ("-q", false),
            ("--json", false),
        ] {
            assert_eq!(takes_value(&model, option), takes, "{option}");
        }
    }
}
