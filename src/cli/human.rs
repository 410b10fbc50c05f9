//! Durations, sizes and foreign text as people read them.

use std::borrow::Cow;
use std::time::Duration;

/// A duration in its largest unit, two units while the first is small: `3 s`, `12 min`, `2 h 5 min`, `9 d`.
pub(crate) fn duration(value: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = value.as_secs();
    let Some(first) = UNITS.iter().position(|unit| seconds >= unit.0) else {
        return format!("{} ms", value.as_millis());
    };
    let (size, name) = UNITS[first];
    let whole = seconds / size;
    match UNITS.get(first + 1) {
        Some((small, small_name)) if whole < 10 && seconds % size >= *small => {
            format!("{whole} {name} {} {small_name}", seconds % size / small)
        }
        _ => format!("{whole} {name}"),
    }
}

/// Bytes in the unit that leaves at most four digits, powers of 1024 as every memory tool counts.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if value < 10.0 { format!("{value:.1} {}", UNITS[unit]) } else { format!("{value:.0} {}", UNITS[unit]) }
}

/// What a service wrote or is called by may hold escape sequences that would take over the terminal: every control
/// character but tab is shown as a replacement character.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let is_bad = |found: char| found.is_control() && found != '\t';
    if text.contains(is_bad) { Cow::Owned(text.replace(is_bad, "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A command line or a value on one line: runs of blanks and line ends are one blank.
pub(crate) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    clean(&words.join(" ")).into_owned()
}

/// As [`clean`], for text that may have several lines.
pub(crate) fn clean_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_in_one_or_two_units() {
        for (milliseconds, told) in [
            (0, "0 ms"),
            (12, "12 ms"),
            (3_400, "3 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (61_000, "1 min 1 s"),
            (12 * 60_000, "12 min"),
            (2 * 3_600_000 + 5 * 60_000, "2 h 5 min"),
            (9 * 86_400_000, "9 d"),
            (90 * 86_400_000, "90 d"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), told);
        }
    }

    #[test]
    fn a_size_never_has_more_than_four_digits() {
        for (bytes, told) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (12 << 20, "12 MiB"), (1 << 30, "1.0 GiB")]
        {
            assert_eq!(size(bytes), told);
        }
        assert!(size(u64::MAX).ends_with(" PiB"));
    }

    #[test]
    fn an_escape_sequence_does_not_reach_the_terminal() {
        assert_eq!(clean("a\tb"), "a\tb");
        assert_eq!(clean("\u{1b}[2Jx\r"), "\u{fffd}[2Jx\u{fffd}");
        assert_eq!(clean("\u{9b}31m"), "\u{fffd}31m");
        assert_eq!(one_line("sh -c \n\t  echo\u{7}\n"), "sh -c echo\u{fffd}");
    }
}
