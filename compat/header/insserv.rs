//! The LSB header letter for letter as insserv reads it: first of each keyword, values up to the first odd character.

/// What insserv takes from a script. A value that is there but empty is `Some("")`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strict {
    /// `### BEGIN INIT INFO` was found.
    pub begin: bool,
    /// `### END INIT INFO` was found after it.
    pub end: bool,
    /// The script is for openrc-run: nothing else is read.
    pub openrc: bool,
    /// The values by keyword, in the order of [`KEYS`].
    values: [Option<String>; 11],
}

/// The keywords insserv knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `Provides`
    Provides,
    /// `Required-Start`
    RequiredStart,
    /// `Required-Stop`
    RequiredStop,
    /// `Should-Start`, also with `X-...-` before it
    ShouldStart,
    /// `Should-Stop`, also with `X-...-` before it
    ShouldStop,
    /// `Start-Before`, also with `X-...-` before it
    StartBefore,
    /// `Stop-After`, also with `X-...-` before it
    StopAfter,
    /// `Default-Start`
    DefaultStart,
    /// `Default-Stop`
    DefaultStop,
    /// `Description`
    Description,
    /// `Interactive`, also with `X-...-` before it
    Interactive,
}

/// Each keyword in two words and whether `X-...-` may stand before it.
const KEYS: [(Key, &str, &str, bool); 11] = [
    (Key::Provides, "provides", "", false),
    (Key::RequiredStart, "required", "start", false),
    (Key::RequiredStop, "required", "stop", false),
    (Key::ShouldStart, "should", "start", true),
    (Key::ShouldStop, "should", "stop", true),
    (Key::StartBefore, "start", "before", true),
    (Key::StopAfter, "stop", "after", true),
    (Key::DefaultStart, "default", "start", false),
    (Key::DefaultStop, "default", "stop", false),
    (Key::Description, "description", "", false),
    (Key::Interactive, "interactive", "", true),
];

/// Lines are read in pieces of this many bytes, and a piece counts as a line.
const LINE_BYTES_MAX: usize = 2047;

impl Strict {
    /// Reads a script.
    pub fn read(text: &[u8]) -> Self {
        let mut out = Self::default();
        if openrc(text) {
            out.openrc = true;
            return out;
        }
        for line in text.split_inclusive(|byte| *byte == b'\n').flat_map(|line| line.chunks(LINE_BYTES_MAX)) {
            // A string ends at its first NUL.
            let mut line = line.split(|byte| *byte == 0).next().unwrap_or_default();
            if !out.begin {
                out.begin = contains(line, b"### BEGIN INIT INFO");
                continue;
            }
            for (at, (_, first, second, prefixed)) in KEYS.iter().enumerate() {
                if out.values[at].is_none()
                    && let Some((value, end)) = value(line, first, second, *prefixed)
                {
                    if !value.is_empty() {
                        // The original cuts the line there before it looks for the next keyword.
                        line = &line[..end];
                    }
                    out.values[at] = Some(value);
                }
            }
            if contains(line, b"### END INIT INFO") {
                out.end = true;
                break;
            }
        }
        out
    }

    /// The value of a keyword.
    pub fn value(&self, key: Key) -> Option<&str> {
        self.values[key as usize].as_deref()
    }

    /// The value of a keyword, if it is not empty.
    pub fn full(&self, key: Key) -> Option<&str> {
        self.value(key).filter(|value| !value.is_empty())
    }

    /// Gives a keyword a value.
    pub fn set(&mut self, key: Key, value: &str) {
        self.values[key as usize] = Some(value.to_string());
    }
}

/// Words as insserv takes them from a value: the first empty one ends the list, so two blanks do.
pub fn words(value: &str) -> impl Iterator<Item = &str> {
    value.split([' ', ',', ';', '\t']).take_while(|word| !word.is_empty())
}

fn contains(line: &[u8], wanted: &[u8]) -> bool {
    line.windows(wanted.len()).any(|part| part == wanted)
}

fn openrc(text: &[u8]) -> bool {
    let line = text.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
    let line: Vec<u8> = line.iter().take(63).copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    line.starts_with(b"#!/sbin/openrc-run")
}

/// The value of this keyword if the line has it, and where it ends in the line.
fn value(line: &[u8], first: &str, second: &str, prefixed: bool) -> Option<(String, usize)> {
    let rest = skip_blanks(line.strip_prefix(b"#")?);
    let after = keyword(rest, first, second).or_else(|| {
        // Any number of letters, digits, `-` and `_` after `x-` or `x_`, as few as leave a keyword.
        let inside = rest.split_first().filter(|(x, _)| prefixed && matches!(x, b'x' | b'X')).map(|(_, rest)| rest)?;
        let dashes = inside.iter().take_while(|byte| matches!(byte, b'-' | b'_')).count();
        let length = inside.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count();
        (dashes > 0).then(|| (1..=length).find_map(|skip| keyword(&inside[skip..], first, second))).flatten()
    })?;
    let start = skip_blanks(after);
    let length = start.iter().take_while(|byte| matches!(byte, 0x20..=0x7e)).count();
    let end = line.len() - start.len() + length;
    Some((String::from_utf8_lossy(&start[..length]).into_owned(), end))
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count()..]
}

/// What follows the colon, if the text starts with this keyword.
fn keyword<'a>(text: &'a [u8], first: &str, second: &str) -> Option<&'a [u8]> {
    let mut rest = word(text, first)?;
    if !second.is_empty() {
        let dashes = rest.iter().take_while(|byte| matches!(byte, b'-' | b'_')).count();
        rest = word(rest.get(dashes..).filter(|_| dashes > 0)?, second)?;
    }
    rest.strip_prefix(b":")
}

fn word<'a>(text: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(wanted.len())?;
    head.eq_ignore_ascii_case(wanted.as_bytes()).then_some(rest)
}
