//! The lines that are typed most, understood without the whole model of the command line, which takes longer to build
//! than svcd takes to answer. What is not plainly one of these is left to the model.

use std::ffi::OsString;
use std::path::PathBuf;

use super::args::{Line, Verb};
use super::common::{Any, Common, Named};
use super::grammar;

/// The same that the model would make of these words; `None`: it has to look itself.
pub(super) fn read(words: &[OsString]) -> Option<Line> {
    let mut common = Common::default();
    let mut plain: Vec<&str> = Vec::new();
    let mut rest = words.iter().map(|word| word.to_str());
    while let Some(word) = rest.next() {
        let word = word?;
        let (option, value) = word.split_once('=').map_or((word, None), |(option, value)| (option, Some(value)));
        let place = match option {
            _ if !word.starts_with('-') => {
                plain.push(word);
                continue;
            }
            "--socket" => &mut common.socket,
            "--root" => &mut common.root,
            "--runtime-dir" => &mut common.runtime_dir,
            "--json" => {
                once(&mut common.json, value)?;
                continue;
            }
            "--quiet" | "-q" => {
                once(&mut common.quiet, value)?;
                continue;
            }
            _ => return None,
        };
        let value = match value {
            Some(value) => value,
            None => rest.next()??,
        };
        // What may be a mistake is told by the model.
        if value.is_empty() || value.starts_with('-') || place.replace(PathBuf::from(value)).is_some() {
            return None;
        }
    }
    Some(Line { common, verb: verb(&plain)? })
}

/// A switch that is on once, and has no value.
fn once(switch: &mut bool, value: Option<&str>) -> Option<()> {
    (value.is_none() && !std::mem::replace(switch, true)).then_some(())
}

/// The verb in front, or else the first after the first word.
fn verb(plain: &[&str]) -> Option<Verb> {
    let (first, rest) = plain.split_first()?;
    let is_first = grammar::verbs().any(|verb| verb == *first);
    let at = if is_first { 0 } else { 1 + rest.iter().position(|word| grammar::is_of_services((*word).as_ref()))? };
    let names: Vec<String> =
        plain.iter().enumerate().filter(|(found, _)| *found != at).map(|(_, name)| (*name).to_owned()).collect();
    let any = |names| Any { names };
    let named = |names: Vec<String>| Some(Named { names, no_wait: false }).filter(|named| !named.names.is_empty());
    Some(match plain[at] {
        "check" => Verb::Check(any(names)),
        "list" => Verb::List(any(names)),
        "load" => Verb::Load(any(names)),
        "status" => Verb::Status { names, lines: 5 },
        "start" => Verb::Start(named(names)?),
        "stop" => Verb::Stop { which: named(names)?, only: false, all: false },
        "restart" => Verb::Restart { which: named(names)?, only: false, all: false },
        "reload" => Verb::Reload(named(names)?),
        "why" => Verb::Why(named(names)?),
        "reset" => Verb::Reset(named(names)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::cli::takes_value;

    /// What the model makes of them.
    fn slow(words: &[OsString]) -> Option<Line> {
        let model = Line::command();
        let words = grammar::arrange(words.to_vec(), |option| takes_value(&model, option)).ok()?;
        Line::try_parse_from(std::iter::once("svc".into()).chain(words)).ok()
    }

    fn quick(words: &[&str]) -> bool {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        let Some(read) = read(&words) else { return false };
        assert_eq!(format!("{:?}", Some(read)), format!("{:?}", slow(&words)), "{words:?}");
        true
    }

    #[test]
    fn what_is_understood_is_what_the_model_understands() {
        let all = [
            "status",
            "start",
            "list",
            "web",
            "",
            "*",
            "help",
            "--",
            "--json",
            "-q",
            "-qq",
            "--quiet=1",
            "--socket",
            "--root=/r",
            "--runtime-dir=",
            "-n",
            "--only",
            "up",
            "hello",
            "plan",
            "/pass",
            "-",
            "frob",
        ];
        let mut understood = 0;
        for first in all {
            for second in all {
                understood += usize::from(quick(&[first, second]));
                for third in ["web", "stop", "--json", "-q", "x", "--", "list"] {
                    understood += usize::from(quick(&[first, second, third]));
                }
            }
        }
        assert!(understood > 100, "{understood}");
    }

    #[test]
    fn every_line_that_is_meant_to_be_quick_is() {
        for line in [
            "list",
            "status",
            "web status",
            "status web db",
            "web start",
            "web stop",
            "web restart",
            "web reload",
            "check",
            "load",
            "reset web",
            "--socket /s web why",
            "--runtime-dir /r --json list",
            "-q web db start",
        ] {
            assert!(quick(&line.split(' ').collect::<Vec<_>>()), "{line}");
        }
    }
}
