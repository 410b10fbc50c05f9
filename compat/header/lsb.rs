//! The LSB comment block, read as its author plainly meant it; what the strict readers would make of it is noted.

mod differences;

use super::super::note::Note;
use super::super::text::{decode, lines};

/// What an LSB header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lsb {
    /// The line of its first marker or keyword.
    pub line: u32,
    /// The names it provides, main one first.
    pub provides: Vec<String>,
    /// What is up before it starts.
    pub required_start: Vec<String>,
    /// What is still up when it stops.
    pub required_stop: Vec<String>,
    /// What is up before it starts, if present at all.
    pub should_start: Vec<String>,
    /// What is still up when it stops, if present at all.
    pub should_stop: Vec<String>,
    /// What starts after it.
    pub start_before: Vec<String>,
    /// What stops before it.
    pub stop_after: Vec<String>,
    /// The runlevels it starts in: `2`, `S`.
    pub default_start: Vec<String>,
    /// The runlevels it stops in.
    pub default_stop: Vec<String>,
    /// One line for people.
    pub short_description: Option<String>,
    /// Several lines for people, joined.
    pub description: Option<String>,
    /// Whether it talks to the console.
    pub interactive: bool,
    /// Every keyword that is there with its value as it is written.
    pub written: Vec<Written>,
}

/// A keyword with its value as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its line.
    pub line: u32,
    /// The keyword.
    pub key: Key,
    /// What follows the colon, without blanks around it; of a description the first line.
    pub value: String,
}

/// A keyword of the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `Provides`
    Provides,
    /// `Required-Start`
    RequiredStart,
    /// `Required-Stop`
    RequiredStop,
    /// `Should-Start`
    ShouldStart,
    /// `Should-Stop`
    ShouldStop,
    /// `X-Start-Before`
    StartBefore,
    /// `X-Stop-After`
    StopAfter,
    /// `X-Start-After`, which systemd knows.
    StartAfter,
    /// `Default-Start`
    DefaultStart,
    /// `Default-Stop`
    DefaultStop,
    /// `Short-Description`
    ShortDescription,
    /// `Description`
    Description,
    /// `X-Interactive`
    Interactive,
}

impl Key {
    /// Every keyword.
    pub const ALL: [Self; 13] = [
        Self::Provides,
        Self::RequiredStart,
        Self::RequiredStop,
        Self::ShouldStart,
        Self::ShouldStop,
        Self::StartBefore,
        Self::StopAfter,
        Self::StartAfter,
        Self::DefaultStart,
        Self::DefaultStop,
        Self::ShortDescription,
        Self::Description,
        Self::Interactive,
    ];

    /// The keyword as it is written.
    pub fn text(self) -> &'static str {
        match self {
            Self::Provides => "Provides",
            Self::RequiredStart => "Required-Start",
            Self::RequiredStop => "Required-Stop",
            Self::ShouldStart => "Should-Start",
            Self::ShouldStop => "Should-Stop",
            Self::StartBefore => "X-Start-Before",
            Self::StopAfter => "X-Stop-After",
            Self::StartAfter => "X-Start-After",
            Self::DefaultStart => "Default-Start",
            Self::DefaultStop => "Default-Stop",
            Self::ShortDescription => "Short-Description",
            Self::Description => "Description",
            Self::Interactive => "X-Interactive",
        }
    }

    /// Any case, `_` for `-`, and what stands between `X-` and the keyword of an extension.
    fn read(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase().replace('_', "-");
        let exact = Self::ALL.into_iter().find(|key| key.text().eq_ignore_ascii_case(&text));
        exact.or_else(|| {
            let extensions =
                [Self::ShouldStart, Self::ShouldStop, Self::StartBefore, Self::StopAfter, Self::Interactive];
            extensions.into_iter().find(|key| {
                let word = key.text().trim_start_matches("X-").to_ascii_lowercase();
                text == word || (text.starts_with("x-") && text.ends_with(&format!("-{word}")))
            })
        })
    }

    fn is_text(self) -> bool {
        matches!(self, Self::ShortDescription | Self::Description | Self::Interactive)
    }
}

/// Headers are looked for in this many lines; the longest known begins in line 60.
const LINES_MAX: u32 = 5000;
const BLOCK_BYTES_MAX: usize = 16 * 1024;

/// Reads the header as its author meant it. `None` if there is none.
pub fn lenient(text: &[u8], notes: &mut Vec<Note>) -> Option<Lsb> {
    let block = Block::find(text, notes)?;
    let mut reader = Reader { lsb: Lsb { line: block.line, ..Lsb::default() }, last: None, notes };
    for (number, line) in &block.lines {
        reader.line(*number, line);
    }
    let mut lsb = reader.lsb;
    restore_dollars(&mut lsb, notes);
    differences::note(text, &mut lsb, notes);
    Some(lsb)
}

/// The lines between the markers.
struct Block {
    line: u32,
    lines: Vec<(u32, String)>,
}

impl Block {
    fn find(text: &[u8], notes: &mut Vec<Note>) -> Option<Self> {
        let marked = |wanted: &'static str| move |line: &str| marker(line).is_some_and(|found| found == wanted);
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let all = || lines(text).take(LINES_MAX as usize).map(|(number, line)| (number, decode(line)));
        let begin = all().find(|(_, line)| marked("BEGIN")(line));
        let start = match &begin {
            Some((number, line)) => {
                exact(*number, line, "### BEGIN INIT INFO", notes);
                *number
            }
            None => {
                let (number, _) = all().find(|(_, line)| keyword(line).is_some_and(|(key, _)| key == Key::Provides))?;
                all().find(|(_, line)| keyword(line).is_some_and(|(key, _)| key == Key::RequiredStart))?;
                notes.push(Note::new(number, "header without `### BEGIN INIT INFO`; read all the same"));
                number - 1
            }
        };
        let (mut lines, mut bytes) = (Vec::new(), 0);
        for (number, line) in all().skip(start as usize) {
            if marked("END")(&line) {
                exact(number, &line, "### END INIT INFO", notes);
                return Some(Self { line: start.max(1), lines });
            }
            if !line.trim().is_empty() && !line.trim_start().starts_with('#') {
                break;
            }
            bytes += line.len();
            if bytes > BLOCK_BYTES_MAX {
                notes.push(Note::new(number, "the header is longer than 16 KiB; the rest is not read"));
                return Some(Self { line: start.max(1), lines });
            }
            lines.push((number, line));
        }
        notes.push(Note::new(start.max(1), "header without `### END INIT INFO`; ended where the comments end"));
        Some(Self { line: start.max(1), lines })
    }
}

/// `BEGIN` or `END`, if this line is meant as one of the markers.
fn marker(line: &str) -> Option<&'static str> {
    let rest = line.trim_start().strip_prefix('#')?.trim_matches(|found: char| found == '#' || found.is_whitespace());
    ["BEGIN", "END"].into_iter().find(|word| {
        let mut words = rest.split_whitespace();
        let mut next = |wanted: &str| words.next().is_some_and(|found| found.eq_ignore_ascii_case(wanted));
        next(word) && next("INIT") && next("INFO")
    })
}

fn exact(number: u32, line: &str, wanted: &str, notes: &mut Vec<Note>) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.trim_end() != wanted {
        notes.push(Note::new(number, format!("`{}` read as `{wanted}`", line.trim())));
    }
}

/// Keyword and value of a line `# Keyword: value`.
fn keyword(line: &str) -> Option<(Key, &str)> {
    let (name, value) = line.trim_start().strip_prefix('#')?.trim_start_matches('#').split_once(':')?;
    Some((Key::read(name.trim())?, value))
}

struct Reader<'n> {
    lsb: Lsb,
    last: Option<Key>,
    notes: &'n mut Vec<Note>,
}

impl Reader<'_> {
    fn line(&mut self, number: u32, line: &str) {
        let line = line.trim_end();
        let Some(body) = line.trim_start().strip_prefix('#') else { return };
        if let Some((key, value)) = keyword(line) {
            self.keyword(number, key, value, body);
            return;
        }
        // A description goes on after a tab or two blanks; a list has no second line, but some are written so.
        let Some(key) = self.last else { return };
        let goes_on = body.starts_with('\t') || body.starts_with("  ");
        if key == Key::Description && goes_on {
            self.lsb.add_text(key, body.trim());
        } else if !key.is_text() && !body.trim().is_empty() && self.lsb.list(key).is_some_and(|list| list.is_empty()) {
            self.notes
                .push(Note::new(number, format!("value of `{}` on the line after it; read all the same", key.text())));
            self.words(number, key, body);
            self.last = None;
        } else if let Some((name, _)) = body.split_once(':')
            && !name.trim().contains(char::is_whitespace)
            && !goes_on
        {
            self.last = None;
            if !name.trim().to_ascii_lowercase().starts_with("x-") {
                self.notes
                    .push(Note::new(number, format!("`{}` is no keyword of an LSB header; ignored", name.trim())));
            }
        }
    }

    fn keyword(&mut self, number: u32, key: Key, value: &str, body: &str) {
        let written = body.trim_start().split(':').next().unwrap_or_default();
        // Inside a description a line may look like a keyword; insserv takes it for one, and so do we.
        if written != key.text() || body.trim_start().starts_with('#') {
            self.notes.push(Note::new(number, format!("`{}` read as `{}`", written.trim(), key.text())));
        }
        let value = match value.strip_prefix(':') {
            Some(rest) => {
                self.notes
                    .push(Note::new(number, format!("two colons after `{}`; insserv ignores the line", key.text())));
                rest
            }
            None => value,
        };
        if self.lsb.written.iter().any(|written| written.key == key) {
            self.notes.push(Note::new(number, format!("`{}` is here a second time; both are read", key.text())));
        }
        self.lsb.written.push(Written { line: number, key, value: value.trim().to_string() });
        self.last = Some(key);
        match key {
            Key::Interactive => self.lsb.interactive = value.trim() == "true",
            Key::ShortDescription | Key::Description => self.lsb.add_text(key, value.trim()),
            _ => self.words(number, key, value),
        }
    }

    fn words(&mut self, number: u32, key: Key, value: &str) {
        if value.contains(',') {
            self.notes.push(Note::new(number, format!("commas in `{}`; read as blanks", key.text())));
        }
        for word in value.split(|found: char| found == ',' || found.is_whitespace()).filter(|word| !word.is_empty()) {
            if matches!(key, Key::DefaultStart | Key::DefaultStop) {
                self.levels(number, key, word);
            } else {
                let list = self.lsb.list(key).expect("the words of a list");
                if list.iter().any(|old| old == word) {
                    self.notes.push(Note::new(number, format!("`{word}` is in `{}` twice", key.text())));
                } else {
                    list.push(word.to_string());
                }
            }
        }
    }

    fn levels(&mut self, number: u32, key: Key, word: &str) {
        let level = |found: char| ('0'..='6').contains(&found) || found == 'S' || found == 's';
        if !word.chars().all(level) {
            self.notes.push(Note::new(number, format!("`{word}` in `{}` is no runlevel; ignored", key.text())));
            return;
        }
        if word.len() > 1 {
            self.notes
                .push(Note::new(number, format!("`{word}` in `{}` read as one runlevel per character", key.text())));
        }
        for found in word.chars() {
            let found = found.to_ascii_uppercase();
            if found == 'S' && key == Key::DefaultStop {
                self.notes.push(Note::new(number, "nothing is stopped in runlevel S; ignored"));
                continue;
            }
            let list = self.lsb.list(key).expect("the runlevels are a list");
            if !list.contains(&found.to_string()) {
                list.push(found.to_string());
            }
        }
    }
}

impl Lsb {
    fn list(&mut self, key: Key) -> Option<&mut Vec<String>> {
        match key {
            Key::Provides => Some(&mut self.provides),
            Key::RequiredStart => Some(&mut self.required_start),
            Key::RequiredStop => Some(&mut self.required_stop),
            Key::ShouldStart | Key::StartAfter => Some(&mut self.should_start),
            Key::ShouldStop => Some(&mut self.should_stop),
            Key::StartBefore => Some(&mut self.start_before),
            Key::StopAfter => Some(&mut self.stop_after),
            Key::DefaultStart => Some(&mut self.default_start),
            Key::DefaultStop => Some(&mut self.default_stop),
            Key::ShortDescription | Key::Description | Key::Interactive => None,
        }
    }

    fn add_text(&mut self, key: Key, more: &str) {
        let text = if key == Key::Description { &mut self.description } else { &mut self.short_description };
        let text = text.get_or_insert_default();
        if !text.is_empty() && !more.is_empty() {
            text.push(' ');
        }
        text.push_str(more);
    }
}

/// The facilities of the standard, without their `$`.
const FACILITIES: [&str; 8] = ["local_fs", "network", "named", "portmap", "remote_fs", "syslog", "time", "all"];

/// A here-document without quotes eats the `$` of facilities. `local_fs` and `remote_fs` are never scripts: where one
/// of them stands bare, all have lost it.
fn restore_dollars(lsb: &mut Lsb, notes: &mut Vec<Note>) {
    let line = lsb.line;
    for key in [Key::RequiredStart, Key::RequiredStop, Key::ShouldStart, Key::ShouldStop] {
        let Some(list) = lsb.list(key) else { continue };
        if !list.iter().any(|word| word == "local_fs" || word == "remote_fs") {
            continue;
        }
        notes.push(Note::new(line, format!("facilities without `$` in `{}`; read with it", key.text())));
        for word in list.iter_mut().filter(|word| FACILITIES.contains(&word.as_str())) {
            word.insert(0, '$');
        }
    }
}
