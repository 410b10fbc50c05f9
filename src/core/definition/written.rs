//! A definition as written: what every key of a file says, and where; every fault of its form.

use alloc::borrow::{Cow, ToOwned};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Complaint, Faults, Place, shown};
use super::keys::{self, ARRAYS, Key, TABLES, heading};
use super::near::near;
use super::reader::{Reader, found};
use super::takes::Takes;
use super::value::Value;
use crate::name::Name;

/// The largest definition, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024 * 1024;

/// What one key says.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
    /// Where its name is.
    pub(crate) name_at: Place,
    /// Where its value is.
    pub(crate) at: Place,
}

/// All keys that are written: `TABLE.KEY` or `KEY` to what it says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    pub(crate) entries: BTreeMap<String, Entry>,
    /// Keys that are there, but not in a form that says anything.
    pub(crate) spoiled: BTreeSet<String>,
    /// Where each `[[configure]]` begins; the keys of the first have paths like `configure.1.template`.
    pub(crate) configure: Vec<Place>,
    /// The files are not TOML throughout: keys may be missing here that are there.
    pub(crate) torn: bool,
}

impl Written {
    /// Reads one file, finding all of its faults.
    pub(crate) fn read(name: &Name, source: usize, faults: &mut Faults<'_>) -> Self {
        let text = faults.sources[source].text;
        let mut written = Self::default();
        if text.len() > TEXT_BYTES_MAX {
            let message = format!("the file has {} bytes, a definition has at most {TEXT_BYTES_MAX}", text.len());
            faults.error(&Place { source, span: 0..0 }, Complaint::new(message));
            written.torn = true;
            return written;
        }
        let (document, errors) = DeTable::parse_recoverable(text);
        let broken = syntax(source, document.get_ref(), &errors, faults);
        written.torn = !errors.is_empty();
        let mut reader = Reader::new(name, source, broken, faults);
        for (key, value) in document.get_ref() {
            let (word, place) = (&**key.get_ref(), reader.place(key.span()));
            match (TABLES.contains(&word), value.get_ref()) {
                (true, DeValue::Table(table)) if word == "jail" && table.is_empty() => {
                    // Whoever wrote it wants a jail, and nobody would be told that there is none.
                    let complaint =
                        Complaint::new("[jail] says nothing of the jail").help("write path = \"/\" below it");
                    reader.error(&place, complaint);
                }
                (true, DeValue::Table(table)) if !ARRAYS.contains(&word) => {
                    for (key, value) in table {
                        written.take(&mut reader, word, word, key, value);
                    }
                }
                (true, DeValue::Array(items)) if ARRAYS.contains(&word) => written.items(&mut reader, word, items),
                (true, other) => {
                    let complaint = match other.is_table() {
                        true => Complaint::new(format!("[{word}] may be written several times, each in two brackets")),
                        false => Complaint::new(format!("{} is a table, found {}", heading(word), found(other))),
                    };
                    let help = format!("write {} and its keys in lines below it", heading(word));
                    reader.error(&place, complaint.help(help));
                    written.spoiled.insert(word.to_owned());
                }
                (false, DeValue::Table(_)) if keys::find("", word).is_none() => {
                    let complaint = Complaint::new(format!("unknown table [{}]", shown(word)));
                    let help = match near(word, TABLES.iter().copied()) {
                        Some(table) => format!("did you mean {}?", heading(table)),
                        None => {
                            let all: Vec<String> = TABLES.iter().map(|table| heading(table)).collect();
                            format!("there are {}", all.join(", "))
                        }
                    };
                    reader.error(&place, complaint.help(help));
                }
                (false, _) => written.take(&mut reader, "", "", key, value),
            }
        }
        written
    }

    /// Takes the tables of a table that may be written several times.
    fn items(&mut self, reader: &mut Reader<'_, '_>, table: &str, items: &[Spanned<DeValue<'_>>]) {
        for item in items {
            let place = reader.place(item.span());
            let DeValue::Table(keys) = item.get_ref() else {
                let complaint =
                    Complaint::new(format!("{} is a table, found {}", heading(table), found(item.get_ref())));
                reader.error(&place, complaint);
                continue;
            };
            self.configure.push(place);
            let path = format!("{table}.{}", self.configure.len());
            for (key, value) in keys {
                self.take(reader, table, &path, key, value);
            }
        }
    }

    /// Takes one key of a table; `within` is the path of the table.
    fn take(
        &mut self,
        reader: &mut Reader<'_, '_>,
        table: &str,
        within: &str,
        name: &Spanned<Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let name_at = reader.place(name.span());
        let word = &**name.get_ref();
        let Some(key) = keys::find(table, word) else {
            let within = if table.is_empty() { String::new() } else { format!(" in {}", heading(table)) };
            let complaint = Complaint::new(format!("unknown key `{}`{within}", shown(word)));
            let help = keys::meant(table, word);
            if help.as_ref().is_some_and(|help| table.is_empty() && help.contains("`command`")) {
                self.spoiled.insert("command".to_owned());
            }
            return reader.error(&name_at, Complaint { help, ..complaint });
        };
        let is_well_named = match key.takes {
            Takes::Variable => reader.variable(&name_at, word),
            Takes::Verb => reader.verb_name(&name_at, word),
            _ => true,
        };
        if !is_well_named {
            return;
        }
        let at = reader.place(value.span());
        let path = if within.is_empty() { word.to_owned() } else { format!("{within}.{word}") };
        match reader.value(key, word, value) {
            Some(value) => {
                self.entries.insert(path, Entry { key, value, name_at, at });
            }
            None => {
                self.spoiled.insert(path);
            }
        }
    }

    /// Lays a drop-in over this: what it writes replaces what was written before, key by key.
    pub(crate) fn overlay(&mut self, above: Self) {
        if !above.configure.is_empty() {
            // Arrays are replaced whole, and these tables are one.
            self.entries.retain(|_, entry| entry.key.table != "configure");
            self.spoiled.retain(|path| !path.starts_with("configure."));
            self.configure = above.configure;
        }
        self.entries.extend(above.entries);
        self.spoiled.extend(above.spoiled);
        self.torn |= above.torn;
    }
}

/// Reports what is not TOML, the first fault of each line; says which lines nothing can be said of.
fn syntax(
    source: usize,
    document: &DeTable<'_>,
    errors: &[toml::de::Error],
    faults: &mut Faults<'_>,
) -> BTreeSet<usize> {
    let mut broken = BTreeSet::new();
    // A bracket that is not closed swallows all that follows; what is said about that would only mislead.
    let mut end = usize::MAX;
    if let Some(open) = errors.iter().filter_map(|error| unclosed(document, error)).min_by_key(|open| open.start) {
        end = open.start;
        let lines = &faults.sources[source];
        broken.extend(lines.line(open.start)..=lines.line(open.end));
        let place = Place { source, span: open.start..open.start + 1 };
        let bracket = &lines.text[place.span.clone()];
        let complaint = Complaint::new(format!("this `{bracket}` is not closed"));
        faults.error(&place, complaint);
    }
    let mut errors: Vec<_> = errors.iter().map(|error| (error.span().unwrap_or(0..0), error)).collect();
    errors.sort_by_key(|(span, _)| span.start);
    for (span, error) in errors {
        if span.start >= end {
            continue;
        }
        if broken.insert(faults.sources[source].line(span.start)) {
            let text = faults.sources[source].text;
            let complaint = match faults.crowded() {
                true => Complaint::new(error.message()),
                false => plainly(document, text, error.message(), &span, &faults.sources[source]),
            };
            faults.error(&Place { source, span }, complaint);
        }
    }
    broken
}

/// The array or inline table that this error says is not closed.
fn unclosed(document: &DeTable<'_>, error: &toml::de::Error) -> Option<Range<usize>> {
    if !error.message().starts_with("unclosed array") && !error.message().starts_with("unclosed inline table") {
        return None;
    }
    let end = error.span()?.start;
    let tables = document.values().filter_map(|value| value.get_ref().as_table());
    let values = document.values().chain(tables.flat_map(|table| table.values()));
    let open = |value: &&Spanned<DeValue<'_>>| {
        let bracketed = value.get_ref().is_array() || value.get_ref().is_table();
        bracketed && value.span().end >= end && value.span().start < end
    };
    values.filter(open).map(Spanned::span).max_by_key(|span| span.start)
}

/// The parser's sentence in ours, where ours helps more.
fn plainly(
    document: &DeTable<'_>,
    text: &str,
    message: &str,
    span: &Range<usize>,
    source: &super::fault::Source<'_>,
) -> Complaint {
    let raw = text.get(span.clone()).unwrap_or("");
    if message == "duplicate key" {
        let complaint = Complaint::new(format!("`{}` is written twice", shown(raw)));
        let tables = document.values().filter_map(|value| value.get_ref().as_table());
        let keys = document.keys().chain(tables.flat_map(|table| table.keys()));
        let first = keys.filter(|key| **key.get_ref() == *raw && key.span().start < span.start);
        return match first.map(|key| key.span().start).max() {
            Some(at) => complaint.help(format!("first in line {}", source.line(at) + 1)),
            None => match text.lines().position(|line| line.trim() == format!("[{raw}]")) {
                Some(at) if at < source.line(span.start) => complaint.help(format!("first in line {}", at + 1)),
                _ => complaint,
            },
        };
    }
    if ["invalid basic string", "invalid literal string"].iter().any(|start| message.starts_with(start))
        && (message.ends_with("expected `\"`") || message.ends_with("expected `'`"))
    {
        return Complaint::new("a quote is not closed in this line");
    }
    if message.starts_with("missing escaped value") {
        let complaint = Complaint::new("this backslash starts nothing that is known");
        return complaint.help("write `\\\\` for a backslash, or put the text in single quotes");
    }
    if message.starts_with("invalid unquoted key") {
        let complaint = Complaint::new(format!("`{}` cannot stand in a key", shown(raw)));
        return complaint.help("a line is `key = value`; a key has letters, digits, - and _");
    }
    if message.starts_with("string values must be quoted") {
        return match raw.is_empty() {
            true => Complaint::new("a value is missing here"),
            false => Complaint::new("a text must stand in quotes").help(format!("write \"{}\"", shown(raw))),
        };
    }
    if message.starts_with("key with no value") {
        return Complaint::new("a key without a value").help("write `key = value`");
    }
    if message.starts_with("invalid boolean") {
        return Complaint::new(format!("`{}` is no value", shown(raw))).help("write true or false");
    }
    Complaint::new(message)
}
