//! A word taken apart: plain text, variables, command substitutions.

use super::cursor::{Chars, is_name};

/// A piece of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself, quotes removed.
    Text(String),
    /// `$NAME` or `${NAME}` with the rest of the braces as it stands: `:-/run`, `##*/`.
    Variable {
        /// The name, also `0`, `1`, `@`.
        name: String,
        /// Operator and argument, empty without one.
        rest: String,
    },
    /// `$(...)` or backquotes: the command inside.
    Command(String),
    /// `$((...))`.
    Arithmetic,
}

/// Takes a word apart and removes its quotes. Bytes that are no UTF-8 are read as Latin-1.
pub fn parts(word: &[u8]) -> Vec<Part> {
    let mut out = Parts { out: Vec::new(), text: String::new() };
    let text = crate::text::decode(word);
    let mut chars = Chars { rest: &text };
    let mut double = false;
    while let Some(found) = chars.next() {
        match found {
            '"' => double = !double,
            '\'' if !double => {
                let (inside, rest) = chars.rest.split_once('\'').unwrap_or((chars.rest, ""));
                out.text.push_str(inside);
                chars.rest = rest;
            }
            '\\' => match chars.next() {
                Some('\n') | None => {}
                Some(next) => {
                    if double && !"\"\\$`".contains(next) {
                        out.text.push('\\');
                    }
                    out.text.push(next);
                }
            },
            '$' => dollar(&mut chars, &mut out),
            '`' => {
                let inside = chars.until_backquote(double);
                out.push(Part::Command(inside));
            }
            other => out.text.push(other),
        }
    }
    out.flush();
    out.out
}

/// The word's text, if it is the same whatever happens: no variable and no command in it.
pub fn literal(word: &[u8]) -> Option<String> {
    let mut text = String::new();
    for part in parts(word) {
        match part {
            Part::Text(piece) => text.push_str(&piece),
            Part::Variable { .. } | Part::Command(_) | Part::Arithmetic => return None,
        }
    }
    Some(text)
}

struct Parts {
    out: Vec<Part>,
    text: String,
}

impl Parts {
    fn push(&mut self, part: Part) {
        self.flush();
        self.out.push(part);
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.out.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }
}

fn dollar(chars: &mut Chars<'_>, out: &mut Parts) {
    let Some(first) = chars.rest.chars().next() else { return out.text.push('$') };
    match first {
        '{' => {
            chars.next();
            let inside = chars.balanced('{', '}');
            let mut name = inside.len() - inside.trim_start_matches(is_name).len();
            if name == 0 {
                name = inside.chars().next().map_or(0, char::len_utf8);
            }
            let (name, rest) = inside.split_at(name);
            out.push(Part::Variable { name: name.to_string(), rest: rest.to_string() });
        }
        '(' => {
            chars.next();
            let inside = chars.balanced('(', ')');
            let part = if inside.starts_with('(') { Part::Arithmetic } else { Part::Command(inside.to_string()) };
            out.push(part);
        }
        found if found.is_ascii_digit() || "@*#?$!-".contains(found) => {
            chars.next();
            out.push(Part::Variable { name: found.to_string(), rest: String::new() });
        }
        found if is_name(found) => {
            let name = chars.take_while(is_name);
            out.push(Part::Variable { name: name.to_string(), rest: String::new() });
        }
        _ => out.text.push('$'),
    }
}
