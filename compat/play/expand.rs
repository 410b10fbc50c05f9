//! Words become what a shell makes of them: variables, command substitutions, quotes, fields.

use super::Player;
use super::syntax::Spot;
use super::told::{self, is_told};
use crate::shell::cursor::{Chars, is_name};
use crate::shell::{cut, cutting, glob};

/// Stands in a text for what only running would tell. A private character of Unicode.
pub const UNKNOWN: char = '\u{e000}';

/// Longer values are cut.
const VALUE_BYTES_MAX: usize = 16 * 1024;
/// More fields than this are not made of one word.
const FIELDS_MAX: usize = 512;
const DEPTH_MAX: usize = 12;

/// What a word is expanded for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum For {
    /// Arguments of a command: split, file names matched.
    Fields,
    /// One text.
    Text,
    /// A pattern: quoted characters stand for themselves.
    Pattern,
}

struct Out {
    fields: Vec<String>,
    current: String,
    open: bool,
    purpose: For,
    separators: String,
    /// An unquoted `*`, `?` or `[` is in the current field.
    globs: bool,
    /// A quoted `$@` without arguments stands in the current field.
    void: bool,
}

impl Out {
    fn new(purpose: For, separators: &str) -> Self {
        let separators = separators.to_string();
        Self { fields: Vec::new(), current: String::new(), open: false, purpose, separators, globs: false, void: false }
    }

    fn push(&mut self, found: char, quoted: bool) {
        self.open = true;
        if self.current.len() > VALUE_BYTES_MAX {
            return;
        }
        if quoted && self.purpose == For::Pattern && "*?[".contains(found) {
            self.current.extend(['[', found, ']']);
            return;
        }
        self.globs |= !quoted && "*?[".contains(found);
        self.current.push(found);
    }

    fn value(&mut self, text: &str, quoted: bool) {
        if quoted || self.purpose != For::Fields {
            self.open |= quoted;
            text.chars().for_each(|found| self.push(found, quoted));
            return;
        }
        for found in text.chars() {
            if self.separators.contains(found) { self.flush() } else { self.push(found, false) }
        }
    }

    fn flush(&mut self) {
        if self.open && self.fields.len() < FIELDS_MAX {
            self.fields.push(std::mem::take(&mut self.current));
        }
        self.current.clear();
        self.open = false;
    }
}

impl Player<'_> {
    /// The arguments that a word becomes.
    pub(super) fn fields(&mut self, word: &str, spot: &Spot) -> Vec<String> {
        let separators = self.variables.get("IFS").map_or(" \t\n".to_string(), |ifs| ifs.value.clone());
        let mut out = Out::new(For::Fields, &separators);
        self.expand(word, spot, &mut out, 0);
        let globs = out.globs;
        out.flush();
        if !globs {
            return out.fields;
        }
        out.fields.into_iter().flat_map(|field| self.names(field)).collect()
    }

    /// The text that a word becomes where it is not split.
    pub(super) fn text(&mut self, word: &str, spot: &Spot) -> String {
        let mut out = Out::new(For::Text, "");
        self.expand(word, spot, &mut out, 0);
        out.current
    }

    /// The pattern that a word becomes.
    pub(super) fn pattern(&mut self, word: &str, spot: &Spot) -> String {
        let mut out = Out::new(For::Pattern, "");
        self.expand(word, spot, &mut out, 0);
        out.current
    }

    /// The text of a here-document: quotes are plain characters.
    pub(super) fn here(&mut self, text: &str, spot: &Spot) -> String {
        let guarded = text.replace('"', "\\\"");
        self.text(&format!("\"{guarded}\""), spot)
    }

    /// File names that match, or the word itself where none does.
    fn names(&self, field: String) -> Vec<String> {
        let Some((directory, last)) = field.rsplit_once('/') else { return vec![field] };
        if !last.contains(['*', '?', '[']) || directory.contains(['*', '?', '[']) {
            return vec![field];
        }
        // Devices come and go: those are meant that are there at the start.
        let is_device = self.at_starter && (directory == "/dev" || directory.starts_with("/dev/"));
        if let Some(pattern) = told::pattern_of(&field).filter(|_| is_device) {
            return vec![pattern];
        }
        let found: Vec<String> = self.tree.list(directory).into_iter().filter(|name| glob(last, name)).collect();
        match found.is_empty() {
            true => vec![field],
            false => found.into_iter().map(|name| format!("{directory}/{name}")).collect(),
        }
    }

    fn expand(&mut self, word: &str, spot: &Spot, out: &mut Out, depth: usize) {
        if depth > DEPTH_MAX {
            return out.push(UNKNOWN, true);
        }
        let mut chars = Chars { rest: word };
        let mut double = false;
        if word.starts_with('~') && out.purpose != For::Pattern && (word.len() == 1 || word.starts_with("~/")) {
            chars.next();
            out.value("/root", true);
        }
        while let Some(found) = chars.next() {
            match found {
                '"' => {
                    double = !double;
                    // `"$@"` is no field where there are no arguments.
                    out.open = double || !(out.void && out.current.is_empty());
                    out.void = false;
                }
                '\'' if !double => {
                    out.open = true;
                    let (inside, rest) = chars.rest.split_once('\'').unwrap_or((chars.rest, ""));
                    inside.chars().for_each(|found| out.push(found, true));
                    chars.rest = rest;
                }
                '\\' => match chars.next() {
                    Some('\n') | None => {}
                    Some(next) => {
                        if double && !"\"\\$`".contains(next) {
                            out.push('\\', true);
                        }
                        out.push(next, true);
                    }
                },
                '$' => self.dollar(&mut chars, spot, out, double, depth),
                '`' => {
                    let inside = chars.until_backquote(double);
                    let value = self.captured(&inside, spot);
                    out.value(&value, double);
                }
                // What a variable stands for is split, also where it is written out: `${A:+--option $A}`.
                other if depth > 0 && !double && out.purpose == For::Fields && out.separators.contains(other) => {
                    out.flush();
                }
                other => out.push(other, double),
            }
        }
    }

    fn dollar(&mut self, chars: &mut Chars<'_>, spot: &Spot, out: &mut Out, double: bool, depth: usize) {
        let Some(first) = chars.rest.chars().next() else { return out.push('$', true) };
        match first {
            '{' => {
                chars.next();
                let inside = chars.balanced('{', '}');
                self.braces(inside, spot, out, double, depth);
            }
            '(' => {
                chars.next();
                let inside = chars.balanced('(', ')');
                let value = match inside.strip_prefix('(').and_then(|inside| inside.strip_suffix(')')) {
                    Some(sum) => self.sum(sum, spot),
                    None => self.captured(inside, spot),
                };
                out.value(&value, double);
            }
            found if found.is_ascii_digit() || "@*#?$!-".contains(found) => {
                chars.next();
                self.parameter(&found.to_string(), out, double);
            }
            found if is_name(found) => {
                let name = chars.take_while(is_name);
                self.parameter(name, out, double);
            }
            '\'' | '"' => {}
            _ => out.push('$', true),
        }
    }

    /// `$NAME`, `$@` and the like.
    fn parameter(&mut self, name: &str, out: &mut Out, double: bool) {
        if name == "@" || (name == "*" && !double) {
            return each(&self.arguments.clone(), out, double);
        }
        let value = self.known(name).unwrap_or_default();
        out.value(&value, double);
    }

    /// `${@:2}`, `${@:2:1}` of bash: some of the arguments, the name of the script before them.
    fn arguments_from(&mut self, from: usize, rest: &str, out: &mut Out, double: bool) {
        let all: Vec<String> = [self.name.clone()].into_iter().chain(self.arguments.iter().cloned()).collect();
        let count = rest[1..].split_once(':').map(|(_, count)| count.trim().parse::<usize>());
        match count {
            Some(Err(_)) => out.push(UNKNOWN, true),
            Some(Ok(count)) => each(all.get(from..all.len().min(from + count)).unwrap_or_default(), out, double),
            None => each(all.get(from..).unwrap_or_default(), out, double),
        }
    }

    /// The value of a parameter, if it has one.
    pub(super) fn known(&mut self, name: &str) -> Option<String> {
        if let Ok(number) = name.parse::<usize>() {
            return match number {
                0 => Some(self.name.clone()),
                _ => self.arguments.get(number - 1).cloned(),
            };
        }
        match name {
            "#" => Some(self.arguments.len().to_string()),
            "@" | "*" => Some(self.arguments.join(" ")).filter(|all| !all.is_empty()),
            "?" => Some(self.status.to_string()),
            "$" | "PPID" => Some("4000".to_string()),
            "!" => Some(super::PID.to_string()),
            "-" => Some(String::new()),
            _ => {
                self.used.insert(name.to_string());
                self.variables.get(name).map(|variable| variable.value.clone())
            }
        }
    }

    fn braces(&mut self, inside: &str, spot: &Spot, out: &mut Out, double: bool, depth: usize) {
        if let Some(name) = inside.strip_prefix('#').filter(|name| !name.is_empty() && name.chars().all(is_name)) {
            let length = self.known(name).unwrap_or_default().chars().count();
            return out.value(&length.to_string(), double);
        }
        let length = inside.len() - inside.trim_start_matches(is_name).len();
        let length = if length == 0 { inside.chars().next().map_or(0, char::len_utf8) } else { length };
        let (name, mut rest) = inside.split_at(length);
        if rest.starts_with('[') {
            // An array of bash was read as one text.
            rest = rest.split_once(']').map_or("", |(_, rest)| rest);
        }
        if rest.is_empty() {
            return self.parameter(name, out, double);
        }
        let value = self.known(name);
        let colon = rest.starts_with(':') && rest.get(1..2).is_some_and(|next| "-=+?".contains(next));
        let operator = rest.trim_start_matches(':').chars().next().unwrap_or(' ');
        let there = value.clone().filter(|value| !colon || !value.is_empty());
        if colon || "-=+?".contains(operator) && !rest.starts_with(':') {
            let argument = &rest[1 + usize::from(colon)..];
            return match (operator, there) {
                ('+', Some(_)) => self.nested(argument, spot, out, double, depth),
                ('+', None) => {}
                (_, Some(value)) => match name {
                    "@" => self.parameter(name, out, double),
                    _ => out.value(&value, double),
                },
                ('=', None) => {
                    let value = self.text(argument, spot);
                    self.set(name, value.clone(), spot);
                    out.value(&value, double);
                }
                (_, None) => self.nested(argument, spot, out, double, depth),
            };
        }
        let numbered = rest.strip_prefix(':').and_then(|from| from.trim().split(':').next()?.trim().parse().ok());
        if let Some(from) = numbered.filter(|_| matches!(name, "@" | "*")) {
            return self.arguments_from(from, rest, out, double);
        }
        let value = value.unwrap_or_default();
        if let Some((operator, pattern)) = cutting(rest) {
            let pattern = self.pattern(pattern, spot);
            if value.contains(is_told) {
                return out.value(&told::cut(&value, operator, &pattern), double);
            }
            return out.value(&cut(&value, operator, &pattern), double);
        }
        let changed = match operator {
            '/' => {
                let (from, to) = rest.trim_start_matches('/').split_once('/').unwrap_or((&rest[1..], ""));
                let (from, to) = (self.text(from, spot), self.text(to, spot));
                match rest.starts_with("//") {
                    _ if from.is_empty() || from.contains(['*', '?', '[']) => UNKNOWN.to_string(),
                    true => value.replace(&from, &to),
                    false => value.replacen(&from, &to, 1),
                }
            }
            _ => piece(&value, rest),
        };
        out.value(&changed, double);
    }

    fn nested(&mut self, argument: &str, spot: &Spot, out: &mut Out, double: bool, depth: usize) {
        if double {
            let value = self.here_like(argument, spot);
            return out.value(&value, true);
        }
        self.expand(argument, spot, out, depth + 1);
    }

    fn here_like(&mut self, argument: &str, spot: &Spot) -> String {
        let bare = argument.replace('"', "");
        self.text(&format!("\"{bare}\""), spot)
    }

    /// What a command prints, without the last line ends.
    fn captured(&mut self, command: &str, spot: &Spot) -> String {
        self.depth += 1;
        let kept = self.used.clone();
        let text = if self.depth > super::DEPTH_MAX { UNKNOWN.to_string() } else { self.capture(command, spot) };
        self.depth -= 1;
        self.used.extend(kept);
        text.trim_end_matches('\n').to_string()
    }
}

/// Several arguments, each a field of its own where there are fields.
fn each(arguments: &[String], out: &mut Out, double: bool) {
    out.void |= double && arguments.is_empty();
    for (at, argument) in arguments.iter().enumerate() {
        if at > 0 && out.purpose == For::Fields {
            out.flush();
        } else if at > 0 {
            out.push(' ', true);
        }
        out.value(argument, double);
    }
}

/// `${NAME:FROM:LENGTH}` of bash.
fn piece(value: &str, rest: &str) -> String {
    let mut numbers = rest.trim_start_matches(':').split(':').map(|number| number.trim().parse::<usize>());
    match (numbers.next(), numbers.next()) {
        (Some(Ok(from)), None) => value.chars().skip(from).collect(),
        (Some(Ok(from)), Some(Ok(length))) => value.chars().skip(from).take(length).collect(),
        _ => UNKNOWN.to_string(),
    }
}
