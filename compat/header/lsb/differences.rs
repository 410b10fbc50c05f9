//! Where insserv reads a header otherwise than its author meant it, and nothing else has said so.

use super::{Key, Lsb};
use crate::header::insserv::{Key as StrictKey, Strict, words};
use crate::note::Note;

/// The keywords that both readings know, with the keyword of the strict one.
const KEYS: [(Key, StrictKey); 9] = [
    (Key::Provides, StrictKey::Provides),
    (Key::RequiredStart, StrictKey::RequiredStart),
    (Key::RequiredStop, StrictKey::RequiredStop),
    (Key::ShouldStart, StrictKey::ShouldStart),
    (Key::ShouldStop, StrictKey::ShouldStop),
    (Key::StartBefore, StrictKey::StartBefore),
    (Key::StopAfter, StrictKey::StopAfter),
    (Key::DefaultStart, StrictKey::DefaultStart),
    (Key::DefaultStop, StrictKey::DefaultStop),
];

/// Adds a note for each list that insserv reads otherwise, and for what it wants and misses.
pub(super) fn note(text: &[u8], lsb: &mut Lsb, notes: &mut Vec<Note>) {
    let strict = Strict::read(text);
    if strict.openrc || !strict.begin || !strict.end {
        // That has been told of the markers, and insserv reads nothing at all.
        return;
    }
    for (key, strict_key) in KEYS {
        let line = lsb.written.iter().find(|written| written.key == key).map_or(lsb.line, |written| written.line);
        let told = notes.iter().any(|note| note.line == line);
        let levels = matches!(key, Key::DefaultStart | Key::DefaultStop);
        let value = strict.value(strict_key);
        let lenient = lsb.list(key).map(|list| list.clone()).unwrap_or_default();
        let required = !matches!(key, Key::ShouldStart | Key::ShouldStop | Key::StartBefore | Key::StopAfter);
        match value {
            None if required => {
                notes.push(Note::new(line, format!("insserv wants `{}` in the header, even if empty", key.text())));
            }
            None if !lenient.is_empty() => {
                notes.push(Note::new(line, format!("insserv does not read this `{}`", key.text())));
            }
            Some(value) if !told => {
                let theirs: Vec<&str> = if levels { runlevels(value) } else { words(value).collect() };
                let same =
                    lenient.len() == theirs.len() && theirs.iter().all(|word| lenient.iter().any(|ours| ours == word));
                if !same {
                    let theirs = if theirs.is_empty() { "nothing".to_string() } else { theirs.join(" ") };
                    notes.push(Note::new(line, format!("insserv reads `{}` as: {theirs}", key.text())));
                }
            }
            None | Some(_) => {}
        }
    }
    let line_of =
        |key: Key| lsb.written.iter().find(|written| written.key == key).map_or(lsb.line, |written| written.line);
    for facility in lsb.provides.iter().filter(|name| name.starts_with('$')) {
        let line = line_of(Key::Provides);
        notes.push(Note::new(line, format!("provides the facility `{facility}`; insserv leaves that out")));
    }
    let both: Vec<&str> =
        lsb.default_start.iter().filter(|level| lsb.default_stop.contains(level)).map(String::as_str).collect();
    if !both.is_empty() {
        let line = line_of(Key::DefaultStop);
        notes.push(Note::new(line, format!("starts and stops in runlevel {}; insserv links the stop", both.join(" "))));
    }
    if strict.value(StrictKey::Provides) == Some("") {
        notes.push(Note::new(lsb.line, "insserv wants a name in `Provides`; it takes the file's"));
    }
}

/// The runlevels insserv finds: words of one character that are one.
fn runlevels(value: &str) -> Vec<&str> {
    value.split([' ', ',', ';', '\t']).filter(|word| word.len() == 1 && "0123456sS".contains(word)).collect()
}
