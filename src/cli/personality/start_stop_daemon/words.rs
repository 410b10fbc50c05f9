//! What single words of the command line mean: numbers as C reads them, signals by name.

use svc_platform::signals;

use super::Problem;

/// A fault of the command line.
pub(super) fn usage(text: &str) -> Problem {
    Problem::Usage(text.to_owned())
}

/// A number as C reads one: blanks before it and a sign are allowed, anything behind it is not.
pub(super) fn number(text: &str) -> Option<i32> {
    let bare = text.trim_start();
    let digits = bare.strip_prefix('+').unwrap_or(bare);
    let is_plain = !digits.starts_with(['+', '-']) || bare.starts_with('-') && digits == bare;
    is_plain.then(|| digits.parse::<i32>().ok()).flatten().filter(|number| *number >= 0)
}

/// What a text begins with; 0 if that is no number.
pub(super) fn leading_number(text: &str) -> i32 {
    let bare = text.trim_start();
    let sign = usize::from(bare.starts_with(['+', '-']));
    let digits = bare[sign..].bytes().take_while(u8::is_ascii_digit).count();
    bare[..sign + digits].trim_start_matches('+').parse().unwrap_or(0)
}

/// Octal with a leading 0, hexadecimal with 0x, else decimal.
pub(super) fn mask(text: &str) -> Option<u32> {
    let bare = text.trim_start();
    let lower = bare.to_ascii_lowercase();
    let read = |digits: &str, base| {
        let is_plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_plain.then(|| i32::from_str_radix(digits, base).ok()).flatten().map(i32::unsigned_abs)
    };
    match (lower.strip_prefix("0x"), bare.strip_prefix('0')) {
        (Some(digits), _) => read(digits, 16),
        (None, Some("")) => Some(0),
        (None, Some(digits)) => read(digits, 8),
        (None, None) => number(text).map(i32::unsigned_abs),
    }
}

/// The names that the original knows.
const SIGNALS: [&str; 19] = [
    "ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2", "CHLD", "CONT",
    "STOP", "TSTP", "TTIN", "TTOU",
];
const SIGNAL_MAX: i32 = 31;

/// A signal by its number or its name.
pub(super) fn signal(text: &str) -> Option<i32> {
    let named = || (1..=SIGNAL_MAX).find(|number| signals::name(*number) == Some(text));
    number(text).or_else(|| SIGNALS.contains(&text).then(named).flatten())
}
