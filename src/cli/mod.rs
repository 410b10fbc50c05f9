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
mod out;
mod pager;
mod personality;
mod plan;
mod progress;
mod quick;
mod rehearse;
mod renew;
mod serve;
mod session;
mod shim;
mod show;
mod top;
mod tree;
mod up;
mod why;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::wire::{Reply, Request};
use args::{Line, Verb};
use client::Client;
use common::socket;
use out::{fail, say, say_error, say_raw_error};
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
    let is_for_shells = words.first().is_some_and(|first| first == complete::COMPLETE);
    if let Some(line) = quick::read(&words).filter(|_| !is_for_shells) {
        return serve(line, &words);
    }
    // Not taken apart again: the process ends with it.
    let model = Box::leak(Box::new(Line::command()));
    if let Some((first, rest)) = words.split_first()
        && first == complete::COMPLETE
    {
        say(&complete::answer(model, rest));
        return code::GOOD;
    }
    let typed = words.clone();
    let words = match grammar::arrange(words, |option| takes_value(model, option)) {
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
    let found = model.try_get_matches_from_mut(std::iter::once(name).chain(words));
    match found.and_then(|mut found| Line::from_arg_matches_mut(&mut found)) {
        Ok(line) => serve(line, &typed),
        Err(error) => misspelled(&error.format(model), json),
    }
}

/// Does what a line asks for.
fn serve(line: Line, typed: &[OsString]) -> u8 {
    out::choose_colours(line.common.color);
    if let Some(name) = &line.common.jail {
        return jail::ask_inside(name, typed);
    }
    let client = Client { socket: socket(&line.common), timeout: line.common.timeout };
    if line.verb.may_be_long() && !line.common.json && !line.common.no_pager {
        pager::hold();
    }
    let code = Session::new(client, &line.common).serve(line.verb, &line.common);
    if let Some(text) = pager::release() {
        out::say(&text);
    }
    if code == code::GOOD && out::is_lost() { code::FAILED } else { code }
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
