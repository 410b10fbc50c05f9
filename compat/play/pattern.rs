//! The little that regular expressions are needed for.

use regex::Regex;

/// A basic regular expression as grep and sed have them, or an extended one.
pub(super) fn expression(pattern: &str, extended: bool, any_case: bool) -> Option<Regex> {
    // The tables of Unicode are not built in.
    let mut out = String::from(if any_case { "(?im-u)" } else { "(?m)" });
    let mut chars = pattern.chars().peekable();
    let mut in_set = false;
    while let Some(found) = chars.next() {
        match found {
            '[' if !in_set => {
                in_set = true;
                out.push('[');
                if chars.peek() == Some(&'^') {
                    out.extend(chars.next());
                }
                if chars.peek() == Some(&']') {
                    chars.next();
                    out.push_str("\\]");
                }
            }
            '[' if chars.peek() == Some(&':') => {
                let class: String = chars.by_ref().take_while(|end| *end != ']').collect();
                out.push_str(&format!("[{class}]"));
            }
            '[' => out.push_str("\\["),
            ']' if in_set => {
                in_set = false;
                out.push(']');
            }
            '\\' if in_set => out.push_str("\\\\"),
            _ if in_set => {
                if "&~".contains(found) {
                    out.push('\\');
                }
                out.push(found);
            }
            '\\' => match chars.next() {
                Some(next) if "(){}|+?".contains(next) => {
                    if extended {
                        out.push('\\');
                    }
                    out.push(next);
                }
                Some('<' | '>' | 'b') => out.push_str("(?-u:\\b)"),
                Some('s') => out.push_str("[ \\t]"),
                Some('w') => out.push_str("[A-Za-z0-9_]"),
                Some('d') => out.push_str("[0-9]"),
                Some(next) if next.is_ascii_digit() => return None,
                Some(next) => out.extend(['\\', next]),
                None => return None,
            },
            '(' | ')' | '{' | '}' | '|' | '+' | '?' if !extended => out.extend(['\\', found]),
            other => out.push(other),
        }
    }
    Regex::new(&out).ok()
}
