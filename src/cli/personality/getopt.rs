//! Command lines as GNU getopt_long(3) reads them: options anywhere before `--`, letters joined, long names cut short.

use std::collections::VecDeque;
use std::env;

/// Whether an option is followed by a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// It stands alone.
    Nothing,
    /// It needs one.
    Value,
}

/// An option: its long name, its letter, and what follows it. Without a long name that is empty, without a letter `\0`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) long: &'static str,
    pub(super) letter: char,
    pub(super) takes: Takes,
}

/// An option of [`Known`].
pub(super) const fn option(long: &'static str, letter: char, takes: Takes) -> Known {
    Known { long, letter, takes }
}

/// The options of one command line, one after the other; what is left are its words.
#[derive(Debug)]
pub(super) struct Options<'a> {
    known: &'a [Known],
    left: VecDeque<&'a str>,
    /// The rest of joined letters.
    letters: &'a str,
    words: Vec<&'a str>,
    /// Options may stand behind words.
    permutes: bool,
}

/// An option that was given, with its place in the list of known ones.
pub(super) type Given<'a> = (usize, Option<&'a str>);

impl<'a> Options<'a> {
    pub(super) fn new(known: &'a [Known], line: &'a [String]) -> Self {
        let left = line.iter().map(String::as_str).collect();
        Self { known, left, letters: "", words: Vec::new(), permutes: env::var_os("POSIXLY_CORRECT").is_none() }
    }

    /// The next option; `None` when there are only words left.
    ///
    /// # Errors
    ///
    /// The sentence that the library prints, without the program's name before it.
    pub(super) fn next(&mut self) -> Result<Option<Given<'a>>, String> {
        if !self.letters.is_empty() {
            return self.letter().map(Some);
        }
        while let Some(word) = self.left.pop_front() {
            if word == "--" {
                self.words.extend(self.left.drain(..));
                return Ok(None);
            }
            if let Some(long) = word.strip_prefix("--") {
                return self.long(long).map(Some);
            }
            if word.len() > 1 && word.starts_with('-') {
                self.letters = &word[1..];
                return self.letter().map(Some);
            }
            self.words.push(word);
            if !self.permutes {
                self.words.extend(self.left.drain(..));
            }
        }
        Ok(None)
    }

    /// What is no option, in its order.
    pub(super) fn words(self) -> Vec<String> {
        self.words.into_iter().map(str::to_owned).collect()
    }

    fn letter(&mut self) -> Result<Given<'a>, String> {
        let letter = self.letters.chars().next().expect("asked only when there are some");
        self.letters = &self.letters[letter.len_utf8()..];
        let place = self.known.iter().position(|known| known.letter == letter && letter != '\0');
        let place = place.ok_or_else(|| format!("invalid option -- '{letter}'"))?;
        let joined = Some(self.letters).filter(|rest| !rest.is_empty());
        let value = match self.known[place].takes {
            Takes::Nothing => return Ok((place, None)),
            Takes::Value => {
                let value = joined.or_else(|| self.left.pop_front());
                Some(value.ok_or_else(|| format!("option requires an argument -- '{letter}'"))?)
            }
        };
        self.letters = "";
        Ok((place, value))
    }

    fn long(&mut self, text: &'a str) -> Result<Given<'a>, String> {
        let (name, joined) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let begins: Vec<usize> = (0..self.known.len())
            .filter(|place| !self.known[*place].long.is_empty() && self.known[*place].long.starts_with(name))
            .collect();
        let exact = begins.iter().copied().find(|place| self.known[*place].long == name);
        let place = match (exact, begins.as_slice()) {
            (Some(place), _) => place,
            (None, [place]) => *place,
            (None, []) => return Err(format!("unrecognized option '--{name}'")),
            (None, several) => {
                let names: Vec<String> = several.iter().map(|at| format!(" '--{}'", self.known[*at].long)).collect();
                return Err(format!("option '--{text}' is ambiguous; possibilities:{}", names.concat()));
            }
        };
        let whole = self.known[place].long;
        match (self.known[place].takes, joined) {
            (Takes::Nothing, Some(_)) => Err(format!("option '--{whole}' doesn't allow an argument")),
            (Takes::Value, None) => {
                let value = self.left.pop_front();
                Ok((place, Some(value.ok_or_else(|| format!("option '--{whole}' requires an argument"))?)))
            }
            (_, value) => Ok((place, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 3] =
        [option("pid", '\0', Takes::Value), option("pidfile", 'p', Takes::Value), option("quiet", 'q', Takes::Nothing)];

    fn read(line: &str) -> Result<(Vec<String>, Vec<String>), String> {
        let line: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let mut options = Options::new(&KNOWN, &line);
        let mut seen = Vec::new();
        while let Some((place, value)) = options.next()? {
            seen.push(format!("{}={}", KNOWN[place].long, value.unwrap_or("")));
        }
        Ok((seen, options.words()))
    }

    #[test]
    fn options_are_found_behind_words_and_not_behind_two_dashes() {
        let (seen, words) = read("a -qp x --pid=3 b --qui -- -q").expect("a good line");
        assert_eq!(seen, ["quiet=", "pidfile=x", "pid=3", "quiet="]);
        assert_eq!(words, ["a", "b", "-q"]);
    }

    #[test]
    fn what_is_no_option_is_told_as_the_library_tells_it() {
        let fault = |line: &str| read(line).expect_err("a bad line");
        assert_eq!(fault("-z"), "invalid option -- 'z'");
        assert_eq!(fault("-p"), "option requires an argument -- 'p'");
        assert_eq!(fault("--pidfile"), "option '--pidfile' requires an argument");
        assert_eq!(fault("--quiet=1"), "option '--quiet' doesn't allow an argument");
        assert_eq!(fault("--p=1"), "option '--p=1' is ambiguous; possibilities: '--pid' '--pidfile'");
        assert_eq!(fault("--none=1"), "unrecognized option '--none'");
    }
}
