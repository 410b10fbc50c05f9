//! rc.conf as text: where a variable is set, and how it is set anew.

use super::shell::{Shell, Values};
use super::text::decode;

/// Whether a value says yes or no, as `checkyesno` of rc.subr has it; `None`: neither.
pub fn says(value: &str) -> Option<bool> {
    const YES: [&str; 4] = ["yes", "true", "on", "1"];
    const NO: [&str; 4] = ["no", "false", "off", "0"];
    let is_one_of = |words: [&str; 4]| words.iter().any(|word| value.eq_ignore_ascii_case(word));
    if is_one_of(YES) {
        Some(true)
    } else if is_one_of(NO) {
        Some(false)
    } else {
        None
    }
}

/// Whether this can be the name of a variable of a shell.
pub fn is_variable(name: &str) -> bool {
    let starts = name.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_');
    starts && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The number of the line that sets this variable last, so far as lines say it; the first has number 1.
pub fn line_of(text: &[u8], variable: &str) -> Option<usize> {
    let lines = text.split(|byte| *byte == b'\n');
    let sets = |line: &[u8]| decode(line).trim_start().strip_prefix(variable).is_some_and(|rest| rest.starts_with('='));
    lines.enumerate().filter(|(_, line)| sets(line)).map(|(at, _)| at + 1).last()
}

/// The variables with this beginning that lines of this text set, in their order, each once.
pub fn set_in(text: &[u8], beginning: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = decode(line);
        let Some((name, _)) = line.trim_start().split_once('=') else { continue };
        if name.starts_with(beginning) && is_variable(name) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// The value that this text gives a variable, read without running anything.
pub fn value_in(text: &[u8], variable: &str) -> Option<String> {
    let values = Values::of(&Shell::read(text), "rc.conf");
    values.all(variable).last().cloned()
}

/// The text with this variable set: every line at whose beginning it is set is another, and where there is none one
/// more comes at the end. A last line without an end gets one.
///
/// Source: service(8), `enable`, `disable`.
pub fn assign(text: &[u8], variable: &str, value: &str) -> Vec<u8> {
    let start = [variable.as_bytes(), b"="].concat();
    let line = [start.as_slice(), b"\"", value.as_bytes(), b"\""].concat();
    let mut out = Vec::with_capacity(text.len() + line.len() + 2);
    let mut found = false;
    for old in text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n') {
        if text.is_empty() {
            break;
        }
        let is_it = old.starts_with(&start);
        found |= is_it;
        out.extend_from_slice(if is_it { &line } else { old });
        out.push(b'\n');
    }
    if !found {
        out.extend_from_slice(&line);
        out.push(b'\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_and_no_have_four_spellings_each() {
        for word in ["YES", "yes", "True", "on", "1"] {
            assert_eq!(says(word), Some(true), "{word}");
        }
        for word in ["NO", "False", "off", "0"] {
            assert_eq!(says(word), Some(false), "{word}");
        }
        for word in ["", "yes ", "MAYBE", "2"] {
            assert_eq!(says(word), None, "{word}");
        }
    }

    #[test]
    fn the_last_line_that_sets_it_counts() {
        let text = b"# web_enable=NO\nweb_enable=\"NO\"\n  web_enable=YES\nweb_enabled=NO\nmy_web_enable=NO\n";
        assert_eq!(line_of(text, "web_enable"), Some(3));
        assert_eq!(line_of(text, "db_enable"), None);
        assert_eq!(value_in(text, "web_enable").as_deref(), Some("YES"));
        assert_eq!(value_in(b"on=YES\nweb_enable=\"${on}\"\n", "web_enable").as_deref(), Some("YES"));
        assert_eq!(value_in(text, "db_enable"), None);
    }

    #[test]
    fn the_variables_of_a_service_are_those_that_begin_with_its_name() {
        let text = b"web_enable=YES\n  web_flags=\"-v\"\n#web_user=x\nweb_enable=NO\nweb two_x=1\nother_x=1\n";
        assert_eq!(set_in(text, "web_"), ["web_enable", "web_flags"]);
    }

    #[test]
    fn an_assignment_takes_the_place_of_the_old_one_and_is_never_glued_to_a_line() {
        let assigned = |text: &str| String::from_utf8(assign(text.as_bytes(), "web_enable", "YES")).unwrap();
        assert_eq!(assigned(""), "web_enable=\"YES\"\n");
        assert_eq!(assigned("\n"), "\nweb_enable=\"YES\"\n");
        assert_eq!(assigned("other=1"), "other=1\nweb_enable=\"YES\"\n");
        assert_eq!(assigned("a=1\nweb_enable=NO # so\nb=2\n"), "a=1\nweb_enable=\"YES\"\nb=2\n");
        assert_eq!(assigned("web_enable=NO\nweb_enable=NO"), "web_enable=\"YES\"\nweb_enable=\"YES\"\n");
        assert_eq!(assigned("web_enabled=NO\n"), "web_enabled=NO\nweb_enable=\"YES\"\n");
    }

    #[test]
    fn only_names_of_variables_are_variables() {
        assert!(is_variable("web_enable") && is_variable("_x1"));
        for odd in ["", "1x", "web-enable", "x y", "x;reboot", "é"] {
            assert!(!is_variable(odd), "{odd}");
        }
    }
}
