//! What commands say by themselves: assignments in all their spellings, the words that name sourced files.

use super::read::{Command, Place, Shell, WordSpan, assigned_name};

/// How a variable gets its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// `NAME=value`.
    Set,
    /// `NAME+=value`.
    Append,
    /// `: ${NAME:=value}` or `: ${NAME=value}`.
    Default,
}

/// A variable that gets a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The variable.
    pub name: String,
    /// How it is set.
    pub how: How,
    /// The value as it is written, quotes and all.
    pub value: WordSpan,
    /// Where it stands.
    pub place: Place,
}

const DECLARING: [&[u8]; 5] = [b"export", b"readonly", b"local", b"declare", b"typeset"];

impl Shell<'_> {
    /// Every assignment in the order of the text.
    pub fn assignments(&self) -> Vec<Assignment> {
        let mut out = Vec::new();
        for command in &self.commands {
            // With a command's name they hold for that command only.
            if command.words.is_empty() {
                self.plain(&command.assignments, command.place, &mut out);
            }
            let Some(first) = command.words.first() else { continue };
            if DECLARING.contains(&self.bytes(*first)) {
                self.plain(&command.words[1..], command.place, &mut out);
            } else if self.bytes(*first) == b":" {
                self.defaults(command, &mut out);
            }
        }
        out
    }

    fn plain(&self, words: &[WordSpan], place: Place, out: &mut Vec<Assignment>) {
        for word in words {
            let text = self.bytes(*word);
            let Some(name) = assigned_name(text) else { continue };
            let append = text[name.len()] == b'+';
            let value = WordSpan { start: word.start + name.len() + 1 + usize::from(append), end: word.end };
            let how = if append { How::Append } else { How::Set };
            out.push(Assignment { name: String::from_utf8_lossy(name).into_owned(), how, value, place });
        }
    }

    fn defaults(&self, command: &Command, out: &mut Vec<Assignment>) {
        for word in &command.words[1..] {
            let (mut span, mut text) = (*word, self.bytes(*word));
            if let Some(inside) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) {
                (span.start, span.end, text) = (span.start + 1, span.end - 1, inside);
            }
            let Some(inside) = text.strip_prefix(b"${").and_then(|text| text.strip_suffix(b"}")) else { continue };
            let Some(name) = assigned_name(&inside.iter().copied().filter(|byte| *byte != b':').collect::<Vec<u8>>())
                .map(|name| String::from_utf8_lossy(name).into_owned())
            else {
                continue;
            };
            let skipped = match &inside[name.len()..] {
                [b':', b'=', ..] => 2,
                [b'=', ..] => 1,
                _ => continue,
            };
            let value = WordSpan { start: span.start + 2 + name.len() + skipped, end: span.end - 1 };
            out.push(Assignment { name, how: How::Default, value, place: command.place });
        }
    }

    /// The words that name the files it sources, in the order of the text.
    pub fn sourced(&self) -> Vec<WordSpan> {
        let file = |command: &Command| match command.words.as_slice() {
            [first, file, ..] if matches!(self.bytes(*first), b"." | b"source") => Some(*file),
            _ => None,
        };
        self.commands.iter().filter_map(file).collect()
    }

    /// Whether a function of this name is defined.
    pub fn defines(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function.name == name)
    }
}
