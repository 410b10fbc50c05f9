//! The comment block of rc.d scripts that rcorder reads.

use super::super::note::Note;
use super::super::text::decode;

/// What the block says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rcd {
    /// The line of its first tag; 0 if there is none.
    pub line: u32,
    /// `PROVIDE`
    pub provide: Vec<String>,
    /// `REQUIRE`
    pub require: Vec<String>,
    /// `BEFORE`
    pub before: Vec<String>,
    /// `KEYWORD`
    pub keyword: Vec<String>,
}

/// A tag of the block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Provide,
    Require,
    Before,
    Keyword,
}

/// The tags letter for letter, as rcorder compares them.
const TAGS: [(&[u8], Tag); 7] = [
    (b"# REQUIRE:", Tag::Require),
    (b"# REQUIRES:", Tag::Require),
    (b"# PROVIDE:", Tag::Provide),
    (b"# PROVIDES:", Tag::Provide),
    (b"# BEFORE:", Tag::Before),
    (b"# KEYWORD:", Tag::Keyword),
    (b"# KEYWORDS:", Tag::Keyword),
];

/// Reads the block by rcorder's rule: from the first tag to the first line that is none.
pub fn strict(text: &[u8]) -> Rcd {
    let mut out = Rcd::default();
    let mut number = 1;
    each_logical(text, |line, taken| {
        let found = tag(line);
        if let Some((tag, words)) = found {
            if out.line == 0 {
                out.line = number;
            }
            out.add(tag, words);
        }
        number += taken;
        found.is_some() || out.line == 0
    });
    out
}

/// The tag of a line by rcorder's rule, and what follows it.
pub(crate) fn tag(line: &[u8]) -> Option<(Tag, &[u8])> {
    TAGS.iter().find_map(|(start, tag)| line.strip_prefix(*start).map(|words| (*tag, words)))
}

/// Calls for each line, with those joined that a backslash continues, until it answers false.
pub(crate) fn each_line(text: &[u8], mut take: impl FnMut(&[u8]) -> bool) {
    each_logical(text, |line, _| take(line));
}

fn each_logical(text: &[u8], mut take: impl FnMut(&[u8], u32) -> bool) {
    let mut at = 0;
    while at < text.len() {
        let (line, end, taken) = logical_line(text, at);
        if !take(&line, taken) {
            break;
        }
        at = end;
    }
}

/// A line with those that its backslashes join to it, where it ends, and how many lines that are.
fn logical_line(text: &[u8], at: usize) -> (Vec<u8>, usize, u32) {
    let (mut out, mut at, mut taken) = (Vec::new(), at, 0);
    loop {
        let length = text[at..].iter().position(|byte| *byte == b'\n');
        let line = &text[at..length.map_or(text.len(), |length| at + length)];
        at = length.map_or(text.len(), |length| at + length + 1);
        taken += 1;
        match line.strip_suffix(b"\\") {
            Some(line) if !escaped(line) && at < text.len() => out.extend_from_slice(line),
            Some(line) if !escaped(line) => {
                out.extend_from_slice(line);
                return (out, at, taken);
            }
            _ => {
                out.extend_from_slice(line);
                return (out, at, taken);
            }
        }
    }
}

/// Whether what follows these bytes is escaped: an odd number of backslashes ends them.
fn escaped(before: &[u8]) -> bool {
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

impl Rcd {
    fn add(&mut self, tag: Tag, words: &[u8]) {
        let list = match tag {
            Tag::Provide => &mut self.provide,
            Tag::Require => &mut self.require,
            Tag::Before => &mut self.before,
            Tag::Keyword => &mut self.keyword,
        };
        list.extend(words.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty()).map(decode));
    }
}

/// Reads every tag in the comments before the first command, in any spelling, as its author meant it; notes where
/// rcorder reads something else.
pub fn lenient(text: &[u8], notes: &mut Vec<Note>) -> Rcd {
    let strict = strict(text);
    let mut out = Rcd::default();
    let mut at = 0;
    let mut number = 1;
    let mut ended = false;
    while at < text.len() {
        let (line, end, taken) = logical_line(text, at);
        let line = decode(&line);
        let exact = TAGS.iter().any(|(start, _)| line.as_bytes().starts_with(start));
        if let Some((tag, words)) = loose_tag(&line) {
            if out.line == 0 {
                out.line = number;
            }
            if !exact {
                notes.push(Note::new(number, format!("rcorder does not read `{}`: it wants `# NAME:`", line.trim())));
            } else if ended {
                notes.push(Note::new(
                    number,
                    "rcorder does not read this: its block ended above, at a line without a tag",
                ));
            }
            // Names are joined by what a backslash continues, comment sign and all.
            let words: String = words.split_whitespace().filter(|word| *word != "#").collect::<Vec<_>>().join(" ");
            out.add(tag, words.replace(',', " ").as_bytes());
        } else if out.line > 0 {
            ended = true;
        }
        let code = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if code && out.line > 0 {
            break;
        }
        at = end;
        number += taken;
    }
    if out.provide != strict.provide && !strict.provide.is_empty() && out.line > 0 {
        notes.push(Note::new(out.line, format!("for rcorder it provides only: {}", strict.provide.join(" "))));
    }
    out
}

fn loose_tag(line: &str) -> Option<(Tag, &str)> {
    let (name, words) = line.trim_start().strip_prefix('#')?.split_once(':')?;
    let tag = match name.trim() {
        "PROVIDE" | "PROVIDES" => Tag::Provide,
        "REQUIRE" | "REQUIRES" => Tag::Require,
        "BEFORE" => Tag::Before,
        "KEYWORD" | "KEYWORDS" => Tag::Keyword,
        _ => return None,
    };
    Some((tag, words))
}
