//! Where on a machine a service runs: processors, login class, routing table.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::fault::{Complaint, shown};
use super::value::Value;
use crate::service::{Exec, Service};

/// The highest number that a processor can have.
const PROCESSOR_MAX: u32 = 1023;
/// The longest name of a login class (`MAXLOGNAME`, without the zero).
const CLASS_BYTES_MAX: usize = 32;

/// Reads numbers of processors, single ones and ranges: `0-3,6`. They come in order, each once.
///
/// # Errors
///
/// It is none; a range that goes down; a number that no system has.
pub fn processors(text: &str) -> Result<Vec<u32>, Complaint> {
    let bad = || Complaint::new(format!("`{}` names no processors", shown(text)));
    let number = |text: &str| text.trim().parse::<u32>().map_err(|_| bad().help("write numbers: \"0-3,6\""));
    let mut all = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (number(first)?, number(last)?);
        if first > last {
            return Err(bad().help(format!("write \"{last}-{first}\"")));
        }
        if last > PROCESSOR_MAX {
            return Err(bad().help(format!("the highest number there can be is {PROCESSOR_MAX}")));
        }
        all.extend(first..=last);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

/// The text that [`processors`] reads as these.
fn ranges(all: &[u32]) -> String {
    let mut parts: Vec<(u32, u32)> = Vec::new();
    for number in all {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let shown = |(first, last): &(u32, u32)| if first == last { first.to_string() } else { format!("{first}-{last}") };
    parts.iter().map(shown).collect::<Vec<_>>().join(",")
}

/// Checks the name of a login class.
pub(super) fn login_class(text: &str) -> Result<String, Complaint> {
    let good = |found: char| found.is_ascii_alphanumeric() || "_-.".contains(found);
    match !text.is_empty() && text.len() <= CLASS_BYTES_MAX && text.chars().all(good) {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(format!("`{}` is no name of a login class", shown(text)))),
    }
}

/// Puts one value in its place.
pub(super) fn put(service: &mut Service, path: &str, value: Value) {
    let exec = &mut service.exec;
    match (path, value) {
        ("cpuset", Value::Processors(all)) => exec.cpuset = all,
        ("login-class", Value::Text(class)) => exec.login_class = class,
        ("fib", Value::Number(number)) => exec.fib = i32::try_from(number).ok(),
        ("protect", Value::Flag(on)) => exec.protect = on,
        (path, value) => debug_assert!(false, "{path} has no place for {value:?}"),
    }
}

/// The value of one key as a file would have it; nothing where svcd's own holds.
pub(super) fn told(exec: &Exec, path: &str) -> Option<String> {
    match path {
        "cpuset" => Some(ranges(&exec.cpuset)),
        "login-class" => Some(exec.login_class.clone()),
        "fib" => exec.fib.map(|number| number.to_string()),
        _ => Some(exec.protect.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_numbers_and_ranges_in_any_order() {
        for (text, meant) in [("0", "0"), ("3,0-1", "0-1,3"), ("2-4, 3-6", "2-6"), ("1023", "1023"), ("1,1", "1")] {
            assert_eq!(ranges(&processors(text).unwrap()), meant, "{text}");
        }
        for text in ["", "a", "0-", "-1", "3-1", "1024", "0,,1", "0-99999999999"] {
            assert!(processors(text).is_err(), "{text}");
        }
        assert_eq!(processors("3-1").unwrap_err().help.unwrap(), "write \"1-3\"");
    }

    #[test]
    fn a_login_class_is_a_word_that_the_system_can_hold() {
        assert_eq!(login_class("daemon").unwrap(), "daemon");
        for text in ["", "a b", "a:b", &"x".repeat(33)] {
            assert!(login_class(text).is_err(), "{text}");
        }
    }
}
