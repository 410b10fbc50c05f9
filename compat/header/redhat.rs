//! Header lines letter for letter as Red Hat's chkconfig reads them, LSB block or `chkconfig:` line.

/// What chkconfig takes from a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Runlevels as bits.
    pub levels: u32,
    /// Number of the start link; -1 if it has to be computed.
    pub start: i32,
    /// Number of the stop link; 100 if it has to be computed.
    pub stop: i32,
    /// It has an LSB header.
    pub lsb: bool,
    /// The last description of the file, or the script's name.
    pub description: String,
    /// `Required-Start`
    pub required_start: Vec<String>,
    /// `Required-Stop`
    pub required_stop: Vec<String>,
    /// `Should-Start`
    pub should_start: Vec<String>,
    /// `Should-Stop`
    pub should_stop: Vec<String>,
    /// `Provides`, or the script's name.
    pub provides: Vec<String>,
}

/// Why chkconfig reads nothing from a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing in the file.
    Empty,
    /// It says that it does not support the script: a header is missing or incomplete.
    Unsupported,
}

/// Reads a script.
///
/// # Errors
///
/// [`Refusal`] where chkconfig refuses the script.
pub fn read(name: &str, text: &[u8]) -> Result<Reading, Refusal> {
    let reader = Reader::read(text)?;
    let incomplete = !reader.lsb && (reader.start.is_none() || reader.stop.is_none());
    let levels = reader.levels.filter(|_| !incomplete).ok_or(Refusal::Unsupported)?;
    Ok(Reading {
        levels,
        start: reader.start.unwrap_or(-1),
        stop: reader.stop.unwrap_or(100),
        lsb: reader.lsb,
        description: reader.description.unwrap_or_else(|| name.to_string()),
        required_start: reader.required_start,
        required_stop: reader.required_stop,
        should_start: reader.should_start,
        should_stop: reader.should_stop,
        provides: if reader.provides.is_empty() { vec![name.to_string()] } else { reader.provides },
    })
}

/// What a file in `/etc/chkconfig.d` says in place of a script; the rest it leaves as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partial {
    /// Runlevels as bits.
    pub levels: Option<u32>,
    /// Number of the start link.
    pub start: Option<i32>,
    /// Number of the stop link.
    pub stop: Option<i32>,
    /// It has an LSB header.
    pub lsb: bool,
    /// `Required-Start`
    pub required_start: Vec<String>,
    /// `Required-Stop`
    pub required_stop: Vec<String>,
    /// `Should-Start`
    pub should_start: Vec<String>,
    /// `Should-Stop`
    pub should_stop: Vec<String>,
    /// `Provides`
    pub provides: Vec<String>,
}

/// Reads such a file. `None` if chkconfig refuses it.
pub fn partial(text: &[u8]) -> Option<Partial> {
    let reader = Reader::read(text).ok()?;
    let Reader { levels, start, stop, lsb, required_start, required_stop, should_start, should_stop, provides, .. } =
        reader;
    Some(Partial { levels, start, stop, lsb, required_start, required_stop, should_start, should_stop, provides })
}

impl Reading {
    /// The links that `chkconfig --add` makes where no other script is installed: level, `S` or `K`, number.
    pub fn links_alone(&self) -> Vec<(u8, char, i32)> {
        let computed = |number: i32, missing: i32| if number == missing { 50 } else { number };
        let (mut start, mut stop) = (computed(self.start, -1), computed(self.stop, 100));
        // Who requires itself moves on until there is no further number.
        let itself =
            |lists: [&Vec<String>; 2]| lists.iter().any(|list| list.iter().any(|word| self.provides.contains(word)));
        if self.lsb && itself([&self.required_start, &self.should_start]) {
            start = 99;
        }
        if self.lsb && itself([&self.required_stop, &self.should_stop]) {
            stop = 0;
        }
        (0..7)
            .map(|level| if self.levels >> level & 1 == 1 { (level, 'S', start) } else { (level, 'K', stop) })
            .collect()
    }
}

#[derive(Default)]
struct Reader {
    levels: Option<u32>,
    start: Option<i32>,
    stop: Option<i32>,
    lsb: bool,
    description: Option<String>,
    required_start: Vec<String>,
    required_stop: Vec<String>,
    should_start: Vec<String>,
    should_stop: Vec<String>,
    provides: Vec<String>,
}

/// A description is not continued beyond this.
const DESCRIPTION_BYTES_MAX: usize = 16 * 1024;

fn is_space(found: char) -> bool {
    matches!(found, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

impl Reader {
    fn read(text: &[u8]) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(Refusal::Empty);
        }
        let text = crate::text::decode(text.split(|byte| *byte == 0).next().unwrap_or_default());
        let mut reader = Self::default();
        let mut rest = text.as_str();
        loop {
            rest = rest.trim_start_matches(is_space);
            if rest.is_empty() {
                return Ok(reader);
            }
            let (line, next) = rest.split_once('\n').unwrap_or((rest, ""));
            if let Some(body) = line.strip_prefix('#') {
                reader.line(body, next).ok_or(Refusal::Unsupported)?;
            }
            rest = next;
        }
    }

    /// One comment line without its `#`. `None` if the whole script is refused for it.
    fn line(&mut self, body: &str, next: &str) -> Option<()> {
        self.lsb |= body.starts_with("## BEGIN INIT INFO");
        let body = body.trim_start_matches(is_space);
        let after = |key: &str| body.strip_prefix(key);
        let words = |value: &str| value.split(is_space).filter(|word| !word.is_empty()).map(String::from).collect();
        if let Some(value) = after("chkconfig:") {
            self.numbers(value, next)?;
        } else if let Some(value) = after("description").or_else(|| after("Description")) {
            if body.starts_with('d') || value.starts_with(':') {
                self.describe(value, next);
            }
        } else if let Some(value) = after("Short-Description") {
            if value.starts_with(':') {
                self.describe(value, next);
            }
        } else if let Some(value) = after("Default-Start:") {
            for level in levels(value) {
                self.levels = Some(self.levels.unwrap_or(0) | 1_u32.wrapping_shl(level));
            }
        } else if let Some(value) = after("Default-Stop:") {
            for level in levels(value) {
                self.levels = Some(self.levels.unwrap_or(0) & !1_u32.wrapping_shl(level));
            }
        } else if let Some(value) = after("Required-Start:") {
            self.required_start = words(value);
        } else if let Some(value) = after("Required-Stop:") {
            self.required_stop = words(value);
        } else if let Some(value) = after("Should-Start:") {
            self.should_start = words(value);
        } else if let Some(value) = after("Should-Stop:") {
            self.should_stop = words(value);
        } else if let Some(value) = after("Provides:") {
            let found: Vec<String> = words(value);
            if !found.is_empty() {
                self.provides = found;
            }
        }
        Some(())
    }

    /// `LEVELS START STOP`, and a blank after it, which may be the line's end.
    fn numbers(&mut self, value: &str, next: &str) -> Option<()> {
        let mut words = value.split(is_space).filter(|word| !word.is_empty());
        let levels = words.next()?;
        let (start, stop) = (words.next()?, words.next()?);
        let ends = value.ends_with(is_space) || !next.is_empty() || words.next().is_some();
        let number = |word: &str| word.parse::<i32>().ok().filter(|number| (0..=99).contains(number));
        let (start, stop) = (number(start)?, number(stop)?);
        if !ends && levels.len() <= 15 {
            // The last line of the file without an end: the original wants one more character.
            return None;
        }
        let levels = match levels {
            "-" => 0,
            levels => levels.chars().try_fold(0, |bits, level| level.to_digit(7).map(|level| bits | 1 << level))?,
        };
        self.start = self.start.or(Some(start));
        self.stop = self.stop.or(Some(stop));
        self.levels = self.levels.or(Some(levels));
        Some(())
    }

    /// A description in English, with the lines that a backslash joins to it.
    fn describe(&mut self, value: &str, mut next: &str) {
        let Some(value) = value.strip_prefix(':') else { return };
        let mut text = value.trim_start_matches(is_space).to_string();
        if text.is_empty() {
            return;
        }
        while text.ends_with('\\') && text.len() < DESCRIPTION_BYTES_MAX {
            text.pop();
            let Some(line) = next.trim_start_matches(is_space).strip_prefix('#') else { return };
            let line = line.trim_start_matches(is_space);
            if line.is_empty() {
                return;
            }
            let (more, rest) = line.split_once('\n').unwrap_or((line, ""));
            text.push_str(more);
            next = rest;
        }
        self.description = Some(text);
    }
}

/// Numbers up to the first word that is none.
fn levels(value: &str) -> impl Iterator<Item = u32> {
    value.split(is_space).filter(|word| !word.is_empty()).map_while(|word| word.parse().ok())
}
