//! `svc NAME... VERB` becomes `svc VERB NAME...` before clap sees it; what is no verb of ours goes to the script.

use std::ffi::{OsStr, OsString};
use std::fmt;

use svc_core::definition::near;

/// The hidden verb that carries a script's own verb. Nobody can type it: it is no service's name and no script's verb.
pub(crate) const PASS: &str = "/pass";

/// Verbs that make sense before and after names.
const OF_SERVICES: [&str; 23] = [
    "cat",
    "check",
    "status",
    "load",
    "configure",
    "start",
    "stop",
    "reload",
    "restart",
    "list",
    "enable",
    "disable",
    "pin",
    "unpin",
    "reset",
    "log",
    "tree",
    "why",
    "plan",
    "bootchart",
    "edit",
    "top",
    "graph",
];

/// Verbs that come first or not at all; after a name they belong to the script.
const FIRST_ONLY: [&str; 11] =
    ["shutdown", "hello", "renew", "up", "order", "migrate", "completions", "convert", "shim", "rehearse", "compare"];

/// Why a line makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum GrammarError {
    /// Names without a verb.
    NoVerb(String),
    /// `--` without a name before it and a verb after it.
    Bare,
}

impl fmt::Display for GrammarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVerb(word) if near(word, verbs()).is_some() => {
                write!(f, "`{word}` is no verb; did you mean: svc {}", near(word, verbs()).unwrap_or_default())
            }
            Self::NoVerb(name) => {
                write!(f, "`{name}` is no verb, and as the name of a service it needs one; try: svc {name} status")
            }
            Self::Bare => write!(f, "`--` needs a name before it or after it, and a verb after that: svc NAME -- VERB"),
        }
    }
}

/// Puts the words in clap's order. `takes_value` says whether an option (`--socket`, `-n`) is followed by its value.
pub(crate) fn arrange(words: Vec<OsString>, takes_value: impl Fn(&str) -> bool) -> Result<Vec<OsString>, GrammarError> {
    let line = Sorted::new(&words, takes_value);
    let is_help = |at: &usize| ["-h", "--help", "-V", "--version"].iter().any(|help| words[*at] == *help);
    match (line.plain.as_slice(), line.dashes) {
        ([], None) => Ok(words),
        ([], Some(at)) => after_dashes(&words, at),
        ([one], Some(at)) if is_verb(&words[*one]) => {
            // `svc start -- "$name"`, as careful scripts write it.
            Ok(words[..at].iter().chain(&words[at + 1..]).cloned().collect())
        }
        (names, Some(at)) => {
            let passed = &words[at + 1..];
            if passed.is_empty() {
                return Err(GrammarError::Bare);
            }
            Ok(pass(&words[..at], names, passed))
        }
        ([first, ..], None) if is_verb(&words[*first]) => Ok(words),
        // Many programs have it; a service of this name is asked for with a verb.
        ([first], None) if words[*first] == "help" => {
            let others = words.iter().enumerate().filter(|(at, _)| at != first).map(|(_, word)| word.clone());
            Ok(others.chain([OsString::from("--help")]).collect())
        }
        ([first, rest @ ..], None) => {
            if let Some(at) = line.options.iter().find(|at| is_help(at)).filter(|_| rest.is_empty()) {
                return Ok(vec![words[*at].clone()]);
            }
            if let Some(at) = rest.iter().find(|at| is_of_services(&words[**at])) {
                return Ok(verb_to_front(&words, *at));
            }
            match rest.first() {
                None => Err(GrammarError::NoVerb(words[*first].to_string_lossy().into_owned())),
                Some(at) => Ok(pass(&words[..*at], &[*first], &words[*at..])),
            }
        }
    }
}

/// `-- NAME... VERB`: the first word is a name, whatever it looks like.
fn after_dashes(words: &[OsString], dashes: usize) -> Result<Vec<OsString>, GrammarError> {
    let rest = &words[dashes + 1..];
    if rest.len() < 2 {
        return Err(GrammarError::Bare);
    }
    let options = words[..dashes].iter().cloned();
    match rest.iter().skip(1).position(|word| is_of_services(word)) {
        Some(at) => {
            let verb_first = verb_to_front(rest, at + 1);
            Ok(options.chain(verb_first).collect())
        }
        None => {
            let mut before: Vec<OsString> = options.collect();
            before.push(rest[0].clone());
            let name = before.len() - 1;
            Ok(pass(&before, &[name], &rest[1..]))
        }
    }
}

fn verb_to_front(words: &[OsString], verb: usize) -> Vec<OsString> {
    let others = words.iter().enumerate().filter(|(at, _)| *at != verb).map(|(_, word)| word);
    std::iter::once(&words[verb]).chain(others).cloned().collect()
}

/// Options stay, each name becomes `--of NAME`, and nothing after the verb is looked at.
fn pass(before: &[OsString], names: &[usize], passed: &[OsString]) -> Vec<OsString> {
    let mut line = vec![OsString::from(PASS)];
    for (at, word) in before.iter().enumerate() {
        if names.contains(&at) {
            line.push("--of".into());
        }
        line.push(word.clone());
    }
    line.push("--".into());
    line.extend_from_slice(passed);
    line
}

/// Whether this is a verb that may stand after a name.
pub(crate) fn is_of_services(word: &OsStr) -> bool {
    OF_SERVICES.iter().any(|verb| word == *verb)
}

fn is_verb(word: &OsStr) -> bool {
    is_of_services(word) || FIRST_ONLY.iter().any(|verb| word == *verb)
}

/// Every verb of ours.
pub(crate) fn verbs() -> impl Iterator<Item = &'static str> {
    OF_SERVICES.into_iter().chain(FIRST_ONLY)
}

/// Where the words and the options of a line are, up to `--`.
struct Sorted {
    plain: Vec<usize>,
    options: Vec<usize>,
    dashes: Option<usize>,
}

impl Sorted {
    fn new(words: &[OsString], takes_value: impl Fn(&str) -> bool) -> Self {
        let mut line = Self { plain: Vec::new(), options: Vec::new(), dashes: None };
        let mut at = 0;
        while at < words.len() {
            match words[at].to_str() {
                Some("--") => {
                    line.dashes = Some(at);
                    break;
                }
                Some(option) if option.len() > 1 && option.starts_with('-') => {
                    line.options.push(at);
                    if takes_value(option) {
                        at += 1;
                    }
                }
                _ => line.plain.push(at),
            }
            at += 1;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arranged(line: &str) -> Result<String, GrammarError> {
        let words = line.split_whitespace().map(OsString::from).collect();
        let takes_value = |option: &str| ["--socket", "-n"].contains(&option);
        let words = arrange(words, takes_value)?;
        Ok(words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn a_verb_may_come_last_and_the_options_anywhere() {
        for (typed, meant) in [
            ("web start", "start web"),
            ("start web", "start web"),
            ("web db restart --only", "restart web db --only"),
            ("--socket start web stop", "stop --socket start web"),
            ("web -n 3 log -f", "log web -n 3 -f"),
            ("list", "list"),
            ("up examples/services", "up examples/services"),
            ("web log", "log web"),
            ("--help", "--help"),
            ("web --help", "--help"),
            ("help", "--help"),
            ("-q help", "-q --help"),
            ("help status", "status help"),
        ] {
            assert_eq!(arranged(typed).as_deref(), Ok(meant), "{typed}");
        }
    }

    #[test]
    fn a_service_may_be_called_like_a_verb() {
        assert_eq!(arranged("start start").unwrap(), "start start");
        assert_eq!(arranged("-- start stop").unwrap(), "stop start");
        assert_eq!(arranged("-q -- start status").unwrap(), "-q status start");
        assert_eq!(arranged("start -- stop").unwrap(), "start stop");
    }

    #[test]
    fn what_is_no_verb_of_ours_goes_to_the_script_untouched() {
        assert_eq!(arranged("nginx configtest").unwrap(), "/pass --of nginx -- configtest");
        assert_eq!(arranged("-q nginx upgrade -n 3 --json").unwrap(), "/pass -q --of nginx -- upgrade -n 3 --json");
        assert_eq!(arranged("nginx -- status -v").unwrap(), "/pass --of nginx -- status -v");
        assert_eq!(arranged("a b -- start").unwrap(), "/pass --of a --of b -- start");
        assert_eq!(arranged("-- start frob").unwrap(), "/pass --of start -- frob");
        assert_eq!(arranged("web up").unwrap(), "/pass --of web -- up");
    }

    #[test]
    fn a_name_alone_is_no_request() {
        assert_eq!(arranged("nginx"), Err(GrammarError::NoVerb("nginx".into())));
        assert_eq!(arranged("--"), Err(GrammarError::Bare));
        assert_eq!(arranged("nginx --"), Err(GrammarError::Bare));
        assert_eq!(arranged("web configure --diff").unwrap(), "configure web --diff");
    }
}
