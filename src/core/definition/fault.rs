//! What is wrong with a definition, where exactly, and what to write instead.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// How many faults of one service are kept; of what comes after, only the number is said.
pub const FAULTS_MAX: usize = 50;

/// How many are looked at to find the first ones.
const FAULTS_SORTED_MAX: usize = 1000;
/// How many cells of a source line are shown.
const CELLS_MAX: usize = 100;
/// How many of them stand before the caret when a longer line is cut.
const CELLS_BEFORE: usize = 30;
/// How many characters of a text are repeated in a message.
const SHOWN_CHARS_MAX: usize = 60;

/// Why a text is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Complaint {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{}; {help}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl core::error::Error for Complaint {}

/// Whether a definition with this fault can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It cannot.
    Error,
    /// It can, but its author may have meant something else.
    Note,
}

/// One thing wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as its path was given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The character in the line, from 1.
    pub column: u32,
    /// The bytes of the file it is about; may be empty, for something that is missing here.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = match self.severity {
            Severity::Error => "",
            Severity::Note => "note: ",
        };
        write!(f, "{}:{}:{}: {note}{}", printable(&self.file), self.line, self.column, printable(&self.message))
    }
}

impl Fault {
    /// The fault for a person: file, line and column, the line of `text` (the file it was found in) and a caret.
    ///
    /// Never panics, whatever the span and the text; controls are replaced, and a long line is cut around the caret.
    pub fn render(&self, text: &str) -> String {
        let excerpt = Excerpt::around(text, &self.span);
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        let shown = format!("  {number} | {}", excerpt.line);
        let mut out = format!("{self}\n{}\n  {gutter} | ", shown.trim_end());
        out.push_str(&" ".repeat(excerpt.indent));
        out.push_str(&"^".repeat(excerpt.carets));
        if let Some(help) = &self.help {
            out.push(' ');
            out.push_str(&printable(help));
        }
        out
    }
}

/// A line of a file made fit to be shown, and where the carets go.
struct Excerpt {
    line: String,
    indent: usize,
    carets: usize,
}

impl Excerpt {
    fn around(text: &str, span: &Range<usize>) -> Self {
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let end = text.floor_char_boundary(span.end.clamp(start, line_end));
        let (before, under, after) = (&text[line_start..start], &text[start..end], &text[end..line_end]);
        let after = after.strip_suffix('\r').unwrap_or(after);

        let mut out = Self { line: String::new(), indent: 0, carets: 0 };
        let whole = fits(before, CELLS_MAX) && fits(&text[line_start..line_end], CELLS_MAX);
        let left = if whole { before } else { tail(before, CELLS_BEFORE) };
        if left.len() < before.len() {
            out.line.push_str("...");
            out.indent = 3;
        }
        out.indent += put(&mut out.line, left, usize::MAX).0;
        let room = if whole { usize::MAX } else { CELLS_MAX.saturating_sub(out.indent) };
        let (carets, cut) = put(&mut out.line, under, room);
        let (_, cut) = if cut { (0, true) } else { put(&mut out.line, after, room.saturating_sub(carets)) };
        if cut {
            out.line.push_str("...");
        }
        out.carets = carets.max(1);
        out
    }
}

/// Whether a text needs no more than so many cells, without reading on when it does.
fn fits(text: &str, cells: usize) -> bool {
    let mut sum = 0;
    text.chars().all(|found| {
        sum += face(found).1;
        sum <= cells
    })
}

/// The end of a text that needs at most so many cells.
fn tail(text: &str, cells: usize) -> &str {
    let mut sum = 0;
    let mut at = text.len();
    for (index, found) in text.char_indices().rev() {
        sum += face(found).1;
        if sum > cells {
            break;
        }
        at = index;
    }
    &text[at..]
}

/// Writes a text as far as there is room; says how many cells it took, and whether it had to be cut.
fn put(line: &mut String, text: &str, room: usize) -> (usize, bool) {
    let mut used = 0;
    for found in text.chars() {
        let (face, width) = face(found);
        if used + width > room {
            return (used, true);
        }
        used += width;
        match face {
            '\t' => line.push_str("    "),
            face if width > 0 => line.push(face),
            _ => {}
        }
    }
    (used, false)
}

/// What stands for a character in an excerpt, and how many cells of a terminal it takes.
///
/// Tabs take four, so that carets stay below what they mean; what joins, hides or turns text round is replaced or left
/// out, so that what is shown is what is there.
fn face(found: char) -> (char, usize) {
    match found {
        '\t' => ('\t', 4),
        found if found.is_control() => ('?', 1),
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' => ('?', 0),
        '\u{ad}' | '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => ('?', 1),
        '\u{feff}' => ('?', 0),
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{303e}'
        | '\u{3041}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1f64f}'
        | '\u{1f680}'..='\u{1f6ff}'
        | '\u{1f900}'..='\u{1f9ff}'
        | '\u{20000}'..='\u{3fffd}' => (found, 2),
        _ => (found, 1),
    }
}

/// A text in one line, without anything that a terminal would obey.
fn printable(text: &str) -> String {
    text.chars()
        .map(|found| match face(found) {
            ('\t', _) => ' ',
            (_, 0) => '?',
            (face, _) => face,
        })
        .collect()
}

/// A text of the file's author as repeated in a message: cut when it is long.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((at, _)) => format!("{}...", printable(&text[..at])),
        None => printable(text),
    }
}

/// A list for a message: `a`, `b`, `c`.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    /// Where each line starts: origins are asked for once per key, and a file may have many.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(crate) fn new(path: &'a str, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { path, text, lines: core::iter::once(0).chain(breaks).collect() }
    }

    /// The line of a byte, from 0.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at).saturating_sub(1)
    }

    /// Where a byte is, for origins: `FILE:LINE`.
    pub(crate) fn origin(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.line(at) + 1)
    }

    fn column(&self, at: usize) -> usize {
        let at = self.text.floor_char_boundary(at.min(self.text.len()));
        self.text[self.lines[self.line(at)]..at].chars().count() + 1
    }
}

/// Where something is written: which file, which bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) source: usize,
    pub(crate) span: Range<usize>,
}

/// The files of one service and all that was found wrong in them.
#[derive(Debug)]
pub(crate) struct Faults<'a> {
    pub(crate) sources: Vec<Source<'a>>,
    list: Vec<(Place, Severity, Complaint)>,
    /// How many more there were than anybody will read.
    dropped: usize,
    fatal: bool,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(sources: Vec<Source<'a>>) -> Self {
        Self { sources, list: Vec::new(), dropped: 0, fatal: false }
    }

    pub(crate) fn error(&mut self, place: &Place, complaint: Complaint) {
        self.fatal = true;
        self.push(place, Severity::Error, complaint);
    }

    pub(crate) fn note(&mut self, place: &Place, complaint: Complaint) {
        self.push(place, Severity::Note, complaint);
    }

    fn push(&mut self, place: &Place, severity: Severity, complaint: Complaint) {
        // One list for sorting, not one entry for each byte of a file that is no definition at all.
        match self.list.len() < FAULTS_SORTED_MAX {
            true => self.list.push((place.clone(), severity, complaint)),
            false => self.dropped += 1,
        }
    }

    /// Whether so much is wrong that nothing more need be said in words.
    pub(crate) fn crowded(&self) -> bool {
        self.list.len() >= FAULTS_SORTED_MAX
    }

    /// Whether anything is too wrong to go on.
    pub(crate) fn fatal(&self) -> bool {
        self.fatal
    }

    /// Where a place is, for origins.
    pub(crate) fn origin(&self, place: &Place) -> String {
        self.sources[place.source].origin(place.span.start)
    }

    /// All of it in the order of the files, errors that cannot be kept counted.
    pub(crate) fn into_list(self) -> Vec<Fault> {
        let Self { sources, mut list, dropped, .. } = self;
        list.sort_by_key(|(place, severity, _)| (place.source, place.span.start, *severity));
        let more = list.len().saturating_sub(FAULTS_MAX) + dropped;
        if more > 0 {
            // An error must not be lost behind notes: the answer would look usable.
            list.sort_by_key(|(_, severity, _)| *severity);
            list.truncate(FAULTS_MAX);
            list.sort_by_key(|(place, severity, _)| (place.source, place.span.start, *severity));
        }
        let mut faults: Vec<Fault> = list
            .into_iter()
            .map(|(place, severity, complaint)| {
                let source = &sources[place.source];
                Fault {
                    file: source.path.to_string(),
                    line: u32::try_from(source.line(place.span.start) + 1).unwrap_or(u32::MAX),
                    column: u32::try_from(source.column(place.span.start)).unwrap_or(u32::MAX),
                    span: place.span,
                    message: complaint.message,
                    help: complaint.help,
                    severity,
                }
            })
            .collect();
        if let (true, Some(last)) = (more > 0, faults.last_mut()) {
            last.help = Some(format!("{}(and {more} more)", last.help.take().map_or(String::new(), |help| help + " ")));
        }
        faults
    }
}
