//! Which lines of a log are wanted: those that a regular expression matches.

use regex::bytes::{Regex, RegexBuilder};

use crate::wire::{LogLine, Reply};

/// The most memory a pattern may take once it is compiled, in bytes.
const PATTERN_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A regular expression, with the classes of ASCII.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(Regex);

/// Reads what stands after `--grep`.
///
/// # Errors
///
/// What is wrong with the expression, and where.
pub(crate) fn pattern(text: &str) -> Result<Pattern, String> {
    let built = RegexBuilder::new(text).unicode(false).size_limit(PATTERN_BYTES_MAX).build();
    built.map(Pattern).map_err(|error| error.to_string())
}

impl Pattern {
    /// Whether this line is wanted.
    pub(crate) fn wants(&self, line: &LogLine) -> bool {
        self.0.is_match(line.text.as_bytes())
    }

    /// Takes the lines that are not wanted out of an answer.
    pub(crate) fn sift(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Log(lines) => Reply::Log(lines.into_iter().filter(|line| self.wants(line)).collect()),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use svc_core::Name;

    use super::*;

    fn line(text: &str) -> LogLine {
        LogLine { name: Name::new("web").unwrap(), time: String::new(), text: text.into() }
    }

    #[test]
    fn lines_are_wanted_by_expression_also_with_letters_beyond_ascii() {
        let errors = pattern(r"(?i)error|time-?out \d+").unwrap();
        assert!(errors.wants(&line("an ERROR")) && errors.wants(&line("timeout 12")) && !errors.wants(&line("fine")));
        assert!(pattern("grün").unwrap().wants(&line("alles grün")));
        let sifted = errors.sift(Reply::Log(vec![line("fine"), line("error")]));
        assert_eq!(sifted, Reply::Log(vec![line("error")]));
    }

    #[test]
    fn a_faulty_expression_is_told() {
        assert!(pattern("(").unwrap_err().contains("unclosed group"));
        assert!(pattern("(a{1000}){1000}").is_err());
    }
}
