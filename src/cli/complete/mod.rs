//! What may stand where the cursor is: for the completion scripts of shells, which `svc completions` prints.

mod names;
#[cfg(test)]
mod tests;

use clap::ValueEnum;
use std::ffi::OsString;
use std::fmt::Write;
use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};

use super::common::Common;
use super::{grammar, plan};

/// A shell whose words can be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// bash, from release 4 on
    Bash,
    /// zsh
    Zsh,
    /// fish
    Fish,
}

/// The hidden first word with which the scripts call us; the words of the line follow, the last one as far as it is
/// typed.
pub(super) const COMPLETE: &str = "/complete";

/// In place of candidates: the shell is to complete names of files, or of directories.
const FILES: &str = "/files";
const DIRS: &str = "/dirs";

/// One thing that may stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    text: String,
    /// One line for people; may be empty.
    about: String,
}

/// What may stand there.
#[derive(Debug, PartialEq, Eq)]
enum Offer {
    Words(Vec<Candidate>),
    Files,
    Dirs,
}

/// The script for this shell.
pub(super) fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("svc.bash"),
        Shell::Zsh => include_str!("svc.zsh"),
        Shell::Fish => include_str!("svc.fish"),
    }
}

/// The answer to a script: a line for each candidate, what it is for after a tab.
pub(super) fn answer(model: &Command, words: &[OsString]) -> String {
    let words: Vec<String> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let (typed, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let line = Line::read(model, before);
    let known = Known { names: &|| names::live(&line.common), verbs: &|name| names::verbs(&line.common, name) };
    match line.offer(typed, &known) {
        Offer::Files => format!("{FILES}\n"),
        Offer::Dirs => format!("{DIRS}\n"),
        Offer::Words(candidates) => {
            let mut text = String::new();
            for Candidate { text: word, about } in candidates {
                let _ = writeln!(text, "{word}\t{}", super::human::one_line(&about));
            }
            text
        }
    }
}

/// What there is to name, asked for only when it is needed.
struct Known<'a> {
    /// The services, and templates to make some of.
    names: &'a dyn Fn() -> Vec<Candidate>,
    /// The verbs that this service has beside ours.
    verbs: &'a dyn Fn(&str) -> Vec<Candidate>,
}

/// The words before the cursor, understood as far as that is possible.
struct Line<'a> {
    model: &'a Command,
    common: Common,
    /// What is no option.
    plain: Vec<String>,
    /// An option that waits for its value.
    pending: Option<&'a Arg>,
    /// Where `--` stands among the plain words.
    dashes: Option<usize>,
}

impl<'a> Line<'a> {
    fn read(model: &'a Command, words: &[String]) -> Self {
        let mut line = Self { model, common: Common::default(), plain: Vec::new(), pending: None, dashes: None };
        for word in words {
            if let Some(option) = line.pending.take() {
                line.noted(option, word);
            } else if word == "--" && line.dashes.is_none() {
                line.dashes = Some(line.plain.len());
            } else if word.len() > 1 && word.starts_with('-') && line.dashes.is_none() {
                match word.split_once('=') {
                    Some((name, value)) => {
                        if let Some(option) = line.option(name) {
                            line.noted(option, value);
                        }
                    }
                    None => line.pending = line.option(word).filter(|option| option.get_action().takes_values()),
                }
            } else {
                line.plain.push(word.clone());
            }
        }
        line
    }

    /// Where to ask depends on some options.
    fn noted(&mut self, option: &Arg, value: &str) {
        let place = match option.get_id().as_str() {
            "socket" => &mut self.common.socket,
            "root" => &mut self.common.root,
            "runtime_dir" => &mut self.common.runtime_dir,
            _ => return,
        };
        *place = Some(PathBuf::from(value));
    }

    /// The option of this spelling: of the verb if there is one already, else of all.
    fn option(&self, typed: &str) -> Option<&'a Arg> {
        let verb = self.verb().map(|(_, verb)| verb);
        let others =
            self.model.get_subcommands().filter(|other| verb.is_none_or(|verb| verb.get_name() == other.get_name()));
        let mut arguments = self.model.get_arguments().chain(others.flat_map(Command::get_arguments));
        match typed.strip_prefix("--") {
            Some(long) => arguments.find(|option| option.get_long() == Some(long)),
            None => {
                let last = typed.chars().next_back();
                arguments.find(|option| option.get_short().is_some() && option.get_short() == last)
            }
        }
    }

    /// The verb, and where it stands.
    fn verb(&self) -> Option<(usize, &'a Command)> {
        let end = self.dashes.unwrap_or(self.plain.len());
        let words = &self.plain[..end];
        let is_first = words.first().is_some_and(|word| grammar::verbs().any(|verb| verb == word));
        let at = if is_first { 0 } else { words.iter().position(|word| grammar::is_of_services(word.as_ref()))? };
        Some((at, self.model.find_subcommand(&self.plain[at])?))
    }

    fn offer(&self, typed: &str, known: &Known<'_>) -> Offer {
        let offer = match self.pending {
            Some(option) => self.values_of(option, known.names),
            None if typed.starts_with('-') && self.dashes.is_none() => self.options(typed),
            None => self.words(known),
        };
        match offer {
            Offer::Words(mut words) => {
                words.retain(|word| word.text.starts_with(typed));
                Offer::Words(words)
            }
            paths => paths,
        }
    }

    fn options(&self, typed: &str) -> Offer {
        if let Some((name, _)) = typed.split_once('=') {
            let Some(option) = self.option(name) else { return Offer::Words(Vec::new()) };
            let Offer::Words(mut words) = self.values_of(option, &Vec::new) else { return Offer::Words(Vec::new()) };
            words.iter_mut().for_each(|word| word.text = format!("{name}={}", word.text));
            return Offer::Words(words);
        }
        let own = self.verb().into_iter().flat_map(|(_, verb)| verb.get_arguments());
        let options = self.model.get_arguments().chain(own).filter(|option| !option.is_hide_set());
        let words = options.filter_map(|option| {
            let about = option.get_help().map(ToString::to_string).unwrap_or_default();
            Some(Candidate { text: format!("--{}", option.get_long()?), about })
        });
        let help = Candidate { text: "--help".to_owned(), about: "Show the options".to_owned() };
        Offer::Words(words.chain([help]).collect())
    }

    fn words(&self, known: &Known<'_>) -> Offer {
        let names = known.names;
        let others = || names().into_iter().filter(|name| !self.plain.contains(&name.text));
        let verbs = || match self.plain.as_slice() {
            [name] => self.verbs(grammar::is_of_services).into_iter().chain((known.verbs)(name)).collect(),
            _ => self.verbs(grammar::is_of_services),
        };
        match (self.verb(), self.dashes) {
            // What a script knows beyond our verbs is its own affair.
            (None, Some(at)) if self.plain.len() > at => Offer::Words(Vec::new()),
            (None, Some(0)) => Offer::Words(names()),
            (None, Some(_)) => Offer::Words(verbs()),
            (None, None) if self.plain.is_empty() => {
                Offer::Words(self.verbs(|_| true).into_iter().chain(names()).collect())
            }
            (None, None) => Offer::Words(verbs().into_iter().chain(others()).collect()),
            (Some((at, verb)), _) if verb.get_name() == "plan" => Offer::Words(self.planned(at, others().collect())),
            (Some((_, verb)), _) => {
                let given = self.plain.len() - 1;
                let places: Vec<&Arg> = verb.get_positionals().collect();
                let last = places.last().copied().filter(|last| is_many(last));
                let place = places.get(given).copied().or(last);
                match place {
                    Some(place) if is_called(place, "NAME") => Offer::Words(others().collect()),
                    Some(place) => self.values_of(place, names),
                    None => Offer::Words(Vec::new()),
                }
            }
        }
    }

    /// What may be the value of an option, or may stand at a place: the model says it, or the name of the place.
    fn values_of(&self, place: &Arg, names: &dyn Fn() -> Vec<Candidate>) -> Offer {
        let values = place.get_possible_values();
        if !values.is_empty() {
            let about = |help: Option<&clap::builder::StyledStr>| help.map(ToString::to_string).unwrap_or_default();
            let word =
                |value: &PossibleValue| Candidate { text: value.get_name().to_owned(), about: about(value.get_help()) };
            return Offer::Words(values.iter().map(word).collect());
        }
        match () {
            () if is_called(place, "NAME") => Offer::Words(names()),
            () if is_called(place, "VERB") => Offer::Words(self.verbs(grammar::is_of_services)),
            () if is_called(place, "DIR") => Offer::Dirs,
            () if is_called(place, "FILE") || is_called(place, "PATH") => Offer::Files,
            () => Offer::Words(Vec::new()),
        }
    }

    /// After `plan`, which stands there, comes a verb, wherever among names; and none has to do with a shutdown.
    fn planned(&self, at: usize, names: Vec<Candidate>) -> Vec<Candidate> {
        let mut given = self.plain.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, word)| word.as_str());
        let verb = given.find_map(|word| plan::verbs().find(|verb| *verb == word));
        let is_alone = self.plain.len() == 1;
        match verb {
            Some("shutdown") => Vec::new(),
            Some(_) => names,
            None => {
                let about = |verb| self.model.find_subcommand(verb).and_then(Command::get_about);
                let told = |verb| about(verb).map(ToString::to_string).unwrap_or_default();
                let verbs = plan::verbs().filter(|verb| is_alone || *verb != "shutdown");
                verbs.map(|verb| Candidate { text: verb.to_owned(), about: told(verb) }).chain(names).collect()
            }
        }
    }

    fn verbs(&self, wanted: impl Fn(&std::ffi::OsStr) -> bool) -> Vec<Candidate> {
        let shown = self.model.get_subcommands().filter(|verb| !verb.is_hide_set());
        let wanted = shown.filter(|verb| wanted(verb.get_name().as_ref()));
        let about = |verb: &Command| verb.get_about().map(ToString::to_string).unwrap_or_default();
        wanted.map(|verb| Candidate { text: verb.get_name().to_owned(), about: about(verb) }).collect()
    }
}

/// Whether several values may stand at this place.
fn is_many(place: &Arg) -> bool {
    matches!(place.get_action(), ArgAction::Append)
}

fn is_called(place: &Arg, name: &str) -> bool {
    place.get_value_names().is_some_and(|names| names.iter().any(|known| known == name))
}
