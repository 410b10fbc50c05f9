//! What variables can hold, as far as simple assignments say it.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::facts::{Assignment, How};
use super::pattern::{cut, cutting};
use super::read::Shell;
use super::word::{Part, parts};
use crate::text::base_name;

/// More values than this are not followed for one variable or word.
const VALUES_MAX: usize = 8;
const DEPTH_MAX: usize = 8;
const VALUE_BYTES_MAX: usize = 4096;
/// So many pieces are put together for one script; no real one needs a hundredth of it.
const PIECES_MAX: u32 = 200_000;
/// Sourced files are followed so deep, and so many of them for one script.
const SOURCED_DEPTH_MAX: usize = 3;
const SOURCED_MAX: usize = 16;

/// The values that each variable can hold when a script does its work, likeliest first.
#[derive(Clone, Debug, Default)]
pub struct Values {
    known: BTreeMap<String, Vec<String>>,
    /// How many pieces have been put together.
    pieces: Cell<u32>,
}

/// Where the texts of sourced files come from.
struct Sourced<'a> {
    text_of: &'a mut dyn FnMut(&str) -> Option<Vec<u8>>,
    left: usize,
}

impl Values {
    /// What the assignments of a script say; its own name is in `$0`.
    pub fn of(shell: &Shell<'_>, file_name: &str) -> Self {
        let mut values = Self::default();
        values.set("0", file_name);
        Self::with(shell, &values)
    }

    /// What the assignments of a script say, if these values are there before.
    pub fn with(shell: &Shell<'_>, before: &Self) -> Self {
        Self::sourcing(shell, before, &mut |_| None)
    }

    /// The same with the files that the script sources, each at its place; `text_of` has their texts, so far as they
    /// are there and may be read.
    pub fn sourcing(shell: &Shell<'_>, before: &Self, text_of: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Self {
        let mut values = before.clone();
        values.follow(shell, &mut Sourced { text_of, left: SOURCED_MAX }, SOURCED_DEPTH_MAX);
        values
    }

    fn follow(&mut self, shell: &Shell<'_>, sourced: &mut Sourced<'_>, depth: usize) {
        let mut sources = shell.sourced().into_iter().peekable();
        for assignment in shell.assignments() {
            while let Some(word) = sources.next_if(|word| word.start < assignment.value.start) {
                self.source(shell.bytes(word), sourced, depth);
            }
            self.assign(shell, assignment);
        }
        for word in sources {
            self.source(shell.bytes(word), sourced, depth);
        }
    }

    fn source(&mut self, word: &[u8], sourced: &mut Sourced<'_>, depth: usize) {
        if depth == 0 || sourced.left == 0 {
            return;
        }
        let Some(path) = self.expand(word).into_iter().next() else { return };
        let Some(text) = (sourced.text_of)(&path) else { return };
        sourced.left -= 1;
        self.follow(&Shell::read(&text), sourced, depth - 1);
    }

    fn assign(&mut self, shell: &Shell<'_>, assignment: Assignment) {
        let found = self.expand(shell.bytes(assignment.value));
        let entry = self.known.entry(assignment.name).or_default();
        match assignment.how {
            How::Append => {
                let joined = entry.iter().zip(&found).map(|(old, new)| format!("{old}{new}")).collect();
                *entry = bounded(joined);
            }
            How::Set if !assignment.place.conditional && assignment.place.function.is_none() => *entry = found,
            How::Set | How::Default => {
                for value in found {
                    if !entry.contains(&value) && entry.len() < VALUES_MAX {
                        entry.push(value);
                    }
                }
            }
        }
    }

    /// Adds a value that comes from outside: a variable's default, the environment.
    pub fn set(&mut self, name: &str, value: &str) {
        self.known.insert(name.to_string(), vec![value.to_string()]);
    }

    /// The values of a variable, likeliest first.
    pub fn all(&self, name: &str) -> &[String] {
        self.known.get(name).map_or(&[], Vec::as_slice)
    }

    /// The likeliest value of a variable.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().map(String::as_str)
    }

    /// Every variable with its values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.known.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// What a word can stand for; empty if a part of it cannot be known without running it.
    pub fn expand(&self, word: &[u8]) -> Vec<String> {
        self.expand_within(word, DEPTH_MAX)
    }

    fn expand_within(&self, word: &[u8], depth: usize) -> Vec<String> {
        let mut out = vec![String::new()];
        if word.len() > VALUE_BYTES_MAX || depth == 0 || self.pieces.get() > PIECES_MAX {
            return Vec::new();
        }
        for part in parts(word) {
            let pieces = match part {
                Part::Text(text) => vec![text],
                Part::Variable { name, rest } => self.variable(&name, &rest, depth),
                Part::Command(command) => self.command(&command, depth),
                Part::Arithmetic => Vec::new(),
            };
            let count = u32::try_from(out.len() * pieces.len()).unwrap_or(u32::MAX);
            self.pieces.set(self.pieces.get().saturating_add(count.max(1)));
            out = bounded(out.iter().flat_map(|old| pieces.iter().map(move |new| format!("{old}{new}"))).collect());
        }
        out
    }

    fn variable(&self, name: &str, rest: &str, depth: usize) -> Vec<String> {
        let mut known = self.all(name).to_vec();
        let argument = |skip: usize| self.expand_within(&rest.as_bytes()[skip..], depth - 1);
        if rest.is_empty() {
            return known;
        }
        for (operator, keep_known) in
            [(":-", true), (":=", true), (":+", false), ("-", true), ("=", true), ("+", false)]
        {
            if !rest.starts_with(operator) {
                continue;
            }
            if !keep_known {
                return if known.is_empty() { vec![String::new()] } else { argument(operator.len()) };
            }
            known.retain(|value| !value.is_empty());
            for value in argument(operator.len()) {
                if !known.contains(&value) {
                    known.push(value);
                }
            }
            return bounded(known);
        }
        let Some((operator, _)) = cutting(rest) else { return Vec::new() };
        let Some(pattern) = argument(operator.len()).into_iter().next() else { return Vec::new() };
        known.iter().map(|value| cut(value, operator, &pattern)).collect()
    }

    /// The few commands whose output is known: `basename X`, `dirname X`, `echo X`.
    fn command(&self, command: &str, depth: usize) -> Vec<String> {
        let shell = Shell::read(command.as_bytes());
        let [only] = shell.commands.as_slice() else { return Vec::new() };
        let words: Vec<&[u8]> = only.words.iter().map(|word| shell.bytes(*word)).collect();
        let expanded = |word: &[u8]| self.expand_within(word, depth - 1);
        match words.as_slice() {
            [b"basename" | b"/usr/bin/basename", word] => expanded(word).iter().map(|path| base(path, "")).collect(),
            [b"basename" | b"/usr/bin/basename", word, suffix] => {
                let Some(suffix) = expanded(suffix).into_iter().next() else { return Vec::new() };
                expanded(word).iter().map(|path| base(path, &suffix)).collect()
            }
            [b"dirname", word] => {
                expanded(word).iter().filter_map(|path| path.rsplit_once('/')).map(directory).collect()
            }
            [b"echo", word] => expanded(word),
            _ => Vec::new(),
        }
    }
}

fn bounded(mut values: Vec<String>) -> Vec<String> {
    values.retain(|value| value.len() <= VALUE_BYTES_MAX);
    values.truncate(VALUES_MAX);
    values
}

fn base(path: &str, suffix: &str) -> String {
    let name = base_name(path.trim_end_matches('/'));
    name.strip_suffix(suffix).unwrap_or(name).to_string()
}

fn directory((before, _): (&str, &str)) -> String {
    if before.is_empty() { "/".to_string() } else { before.to_string() }
}
