//! Answers as text. Everything here returns a string with colours in it; the stream takes them out where they are not
//! wanted.

mod check;
mod list;
mod load;
mod log;
mod machine;
mod outcome;
mod status;
#[cfg(test)]
mod tests;

use anstyle::{AnsiColor, Style};

pub(crate) use check::check;
pub(crate) use list::{list, since, without_place};
pub(crate) use load::{load, values};
pub(crate) use log::{log, log_line};
pub(crate) use machine::{Machine, hello, overview};
pub(crate) use outcome::{outcome, refusal, refused};
pub(crate) use status::{status, tree, why};

use crate::wire::StateName;

/// What the screen is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Columns; `None` where lines may be of any length.
    pub(crate) width: Option<usize>,
    /// Characters beyond ASCII can be shown.
    pub(crate) utf8: bool,
    /// Names only.
    pub(crate) quiet: bool,
    /// Memory of the machine in bytes, to say how much of it a service has.
    pub(crate) memory: Option<u64>,
}

impl Look {
    /// The screen this process writes to.
    pub(crate) fn new(quiet: bool) -> Self {
        use std::io::IsTerminal;

        let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = if std::io::stdout().is_terminal() { columns.or_else(terminal) } else { None };
        Self { width: width.filter(|width| *width > 0), utf8: is_utf8_locale(), quiet, memory: None }
    }
}

/// Whether the locale says that text is UTF-8: the first of these variables that is set decides.
fn is_utf8_locale() -> bool {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default().to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The text in this style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a state; the word is always there too.
pub(crate) fn state_style(state: StateName) -> Style {
    match state {
        StateName::Up => GOOD,
        StateName::Waiting | StateName::Starting | StateName::Stopping => ODD,
        StateName::BackingOff | StateName::Failed | StateName::Faulty => BAD,
        StateName::Down | StateName::Skipped => DIM,
    }
}

/// The style of a service's name beside those of others: it keeps it.
pub(crate) fn name_style(name: &str) -> Style {
    const COLOURS: [AnsiColor; 6] = [
        AnsiColor::Cyan,
        AnsiColor::Magenta,
        AnsiColor::Blue,
        AnsiColor::Green,
        AnsiColor::BrightCyan,
        AnsiColor::BrightMagenta,
    ];
    let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
    COLOURS[sum % COLOURS.len()].on_default()
}

/// Columns a text takes on the screen.
pub(crate) fn columns(text: &str) -> usize {
    // Nearly all text is of this kind, and a table asks for each cell more than once.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.len();
    }
    unicode_width::UnicodeWidthStr::width(text)
}

/// The text, cut so that it takes at most `width` columns.
pub(crate) fn cut(text: &str, width: usize, utf8: bool) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mark = if utf8 { "…" } else { "~" };
    let room = width.saturating_sub(1);
    let mut taken = 0;
    let mut kept = String::new();
    for found in text.chars() {
        taken += unicode_width::UnicodeWidthChar::width(found).unwrap_or(0);
        if taken > room {
            break;
        }
        kept.push(found);
    }
    kept.push_str(mark);
    kept
}

/// The text in lines of at most this many columns, broken at blanks where there are any; the first line has `used`
/// columns less. Blanks at its beginning stay.
pub(crate) fn fill(text: &str, used: usize, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut room = width.saturating_sub(used).max(1);
    for word in text.split_inclusive(' ') {
        let mut rest = word;
        loop {
            let line = lines.last_mut().expect("there is one line at least");
            if columns(line) + columns(rest.trim_end()) <= room {
                line.push_str(rest);
                break;
            }
            room = width.max(1);
            if columns(rest.trim_end()) <= room {
                lines.push(rest.to_owned());
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            // A word longer than a line is broken where the line ends; a line takes one letter at least.
            let mut taken = 0;
            let fits = |found: char| {
                taken += unicode_width::UnicodeWidthChar::width(found).unwrap_or(0);
                taken > room
            };
            let least = rest.chars().next().map_or(0, char::len_utf8);
            let at = rest.find(fits).unwrap_or(rest.len()).max(least);
            line.push_str(&rest[..at]);
            rest = &rest[at..];
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
        }
    }
    lines.iter_mut().for_each(|line| line.truncate(line.trim_end_matches(' ').len()));
    lines
}

/// The text filled with blanks up to `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', width.saturating_sub(columns(text))));
    padded
}
