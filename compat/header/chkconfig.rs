//! The comment lines that Red Hat's chkconfig reads.

use super::super::note::Note;
use super::super::text::{decode, lines};

/// What the `chkconfig:` lines say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chkconfig {
    /// The line of `chkconfig:`.
    pub line: u32,
    /// The runlevels it starts in by itself; none for `-`.
    pub levels: Vec<String>,
    /// Number of the start link.
    pub start: Option<u32>,
    /// Number of the stop link.
    pub stop: Option<u32>,
    /// One line or more for people.
    pub description: Option<String>,
    /// `processname:`
    pub process_name: Option<String>,
    /// `pidfile:`
    pub pid_file: Option<String>,
    /// `config:`, each of them.
    pub config: Vec<String>,
    /// `hide: true`
    pub hidden: bool,
}

/// Reads the lines as their author meant them. `None` without a `chkconfig:` line.
pub fn lenient(text: &[u8], notes: &mut Vec<Note>) -> Option<Chkconfig> {
    let mut out: Option<Chkconfig> = None;
    let mut continued = false;
    let mut rest = Chkconfig::default();
    for (number, line) in lines(text).take(LINES_MAX) {
        let line = decode(line);
        let Some(body) = line.trim_end().strip_prefix('#') else {
            if line.trim().is_empty() || out.is_none() {
                continued = false;
                continue;
            }
            break;
        };
        let body = body.trim();
        if continued {
            continued = body.ends_with('\\');
            let more = body.trim_end_matches('\\').trim();
            let description = rest.description.get_or_insert_default();
            description.push(' ');
            description.push_str(more);
            continue;
        }
        let Some((name, value)) = body.split_once(':') else { continue };
        let value = value.trim();
        match name.trim() {
            "chkconfig" => out = out.or_else(|| Some(numbers(number, value, notes))),
            "description" if rest.description.is_none() => {
                continued = value.ends_with('\\');
                rest.description = Some(value.trim_end_matches('\\').trim().to_string());
            }
            "processname" => rest.process_name = Some(value.to_string()),
            "pidfile" if value.starts_with('/') => rest.pid_file = Some(value.to_string()),
            "pidfile" => notes.push(Note::new(number, format!("pidfile `{value}` is no absolute path; ignored"))),
            "config" => rest.config.push(value.to_string()),
            "hide" => rest.hidden = value == "true",
            _ => {}
        }
    }
    out.map(|found| Chkconfig { line: found.line, levels: found.levels, start: found.start, stop: found.stop, ..rest })
}

/// Headers are looked for in this many lines.
const LINES_MAX: usize = 500;

fn numbers(line: u32, value: &str, notes: &mut Vec<Note>) -> Chkconfig {
    let mut words = value.split_whitespace();
    let levels = words.next().unwrap_or_default();
    let mut out = Chkconfig { line, ..Chkconfig::default() };
    for level in levels.chars().filter(|level| *level != '-') {
        if ('0'..='6').contains(&level) {
            out.levels.push(level.to_string());
        } else {
            notes.push(Note::new(line, format!("`{level}` is no runlevel; ignored")));
        }
    }
    if out.levels.iter().any(|level| level == "0" || level == "6") {
        notes.push(Note::new(line, "starts in runlevel 0 or 6, which halt the machine"));
    }
    for number in [&mut out.start, &mut out.stop] {
        match words.next().map(str::parse) {
            Some(Ok(priority)) if priority <= 99 => *number = Some(priority),
            Some(_) => notes.push(Note::new(line, "a priority is a number from 0 to 99")),
            None => notes.push(Note::new(line, "`chkconfig:` has runlevels, start and stop number: one is missing")),
        }
    }
    out
}
