//! The little of sed that scripts need: `s`, `p`, `d`, `n`, `q`, groups of them, and one address before each.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

use super::pattern::expression;

/// Groups in one another.
const DEPTH_MAX: usize = 8;

/// The lines that a command is for.
enum Address {
    Number(usize),
    Last,
    Matching(Regex),
}

enum Deed {
    Delete,
    Print,
    Next,
    Quit,
    Substitute { from: Regex, to: String, all: bool, print: bool },
    Group(Vec<Command>),
}

struct Command {
    address: Option<Address>,
    other: bool,
    deed: Deed,
}

/// What comes of a line.
enum End {
    GoesOn,
    Deleted,
    Quits,
}

/// What sed makes of a text; `None` if a command is not among those known here.
pub(super) fn edited(text: &str, scripts: &[String], silent: bool, extended: bool) -> Option<String> {
    let script = scripts.join("\n");
    let mut chars = script.chars().peekable();
    let commands = read(&mut chars, extended, 0)?;
    let lines: Vec<&str> = text.lines().collect();
    let mut run = Run { lines: &lines, at: 0, space: String::new(), out: String::new(), silent };
    while let Some(line) = lines.get(run.at) {
        run.space = (*line).to_string();
        let end = run.play(&commands);
        if !silent && !matches!(end, End::Deleted) {
            run.print();
        }
        if matches!(end, End::Quits) {
            break;
        }
        run.at += 1;
    }
    Some(run.out)
}

struct Run<'a> {
    lines: &'a [&'a str],
    at: usize,
    space: String,
    out: String,
    silent: bool,
}

impl Run<'_> {
    fn print(&mut self) {
        self.out.push_str(&self.space);
        self.out.push('\n');
    }

    fn play(&mut self, commands: &[Command]) -> End {
        for command in commands {
            let meant = match &command.address {
                None => true,
                Some(Address::Number(number)) => self.at + 1 == *number,
                Some(Address::Last) => self.at + 1 == self.lines.len(),
                Some(Address::Matching(found)) => found.is_match(&self.space),
            };
            if meant == command.other {
                continue;
            }
            match &command.deed {
                Deed::Delete => return End::Deleted,
                Deed::Quit => return End::Quits,
                Deed::Print => self.print(),
                Deed::Next => {
                    let Some(next) = self.lines.get(self.at + 1) else { return End::Quits };
                    if !self.silent {
                        self.print();
                    }
                    self.at += 1;
                    self.space = (*next).to_string();
                }
                Deed::Substitute { from, to, all, print } => {
                    let hit = from.is_match(&self.space);
                    self.space = match all {
                        true => from.replace_all(&self.space, to.as_str()).into_owned(),
                        false => from.replace(&self.space, to.as_str()).into_owned(),
                    };
                    if hit && *print {
                        self.print();
                    }
                }
                Deed::Group(inside) => match self.play(inside) {
                    End::GoesOn => {}
                    end => return end,
                },
            }
        }
        End::GoesOn
    }
}

/// The commands up to the end of the group.
fn read(chars: &mut Peekable<Chars<'_>>, extended: bool, depth: usize) -> Option<Vec<Command>> {
    let mut out = Vec::new();
    loop {
        while chars.next_if(|found| found.is_whitespace() || *found == ';').is_some() {}
        match chars.peek() {
            None => return (depth == 0).then_some(out),
            Some('}') if depth > 0 => {
                chars.next();
                return Some(out);
            }
            Some(_) if depth < DEPTH_MAX => out.push(command(chars, extended, depth)?),
            Some(_) => return None,
        }
    }
}

fn command(chars: &mut Peekable<Chars<'_>>, extended: bool, depth: usize) -> Option<Command> {
    let address = address(chars, extended)?;
    while chars.next_if(|found| *found == ' ').is_some() {}
    let other = chars.next_if_eq(&'!').is_some();
    while chars.next_if(|found| *found == ' ').is_some() {}
    let deed = match chars.next()? {
        'd' => Deed::Delete,
        'p' => Deed::Print,
        'n' => Deed::Next,
        'q' => Deed::Quit,
        '{' => Deed::Group(read(chars, extended, depth + 1)?),
        's' => substitution(chars, extended)?,
        _ => return None,
    };
    Some(Command { address, other, deed })
}

/// The address before a command, if there is one; `None` if it is of a kind that is not known.
fn address(chars: &mut Peekable<Chars<'_>>, extended: bool) -> Option<Option<Address>> {
    let found = match chars.peek()? {
        '$' => {
            chars.next();
            Address::Last
        }
        '/' => {
            chars.next();
            Address::Matching(expression(&until(chars, '/')?, extended, false)?)
        }
        digit if digit.is_ascii_digit() => {
            let mut number = String::new();
            while let Some(digit) = chars.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            Address::Number(number.parse().ok()?)
        }
        _ => return Some(None),
    };
    // A range of lines is none of those known here.
    if chars.peek() == Some(&',') { None } else { Some(Some(found)) }
}

fn substitution(chars: &mut Peekable<Chars<'_>>, extended: bool) -> Option<Deed> {
    let separator = chars.next()?;
    let (from, to) = (until(chars, separator)?, until(chars, separator)?);
    let mut flags = String::new();
    while let Some(flag) = chars.next_if(|flag| flag.is_ascii_alphanumeric()) {
        flags.push(flag);
    }
    let from = expression(&from, extended, flags.contains(['i', 'I']))?;
    let to = to.replace('$', "$$").replace('&', "$0");
    let to = (1..=9).fold(to, |to, number| to.replace(&format!("\\{number}"), &format!("${{{number}}}")));
    Some(Deed::Substitute { from, to, all: flags.contains('g'), print: flags.contains('p') })
}

/// What stands before the separator; a backslash takes its meaning.
fn until(chars: &mut Peekable<Chars<'_>>, separator: char) -> Option<String> {
    let (mut out, mut in_set) = (String::new(), false);
    loop {
        match chars.next()? {
            '\\' if chars.peek() == Some(&separator) => out.extend(chars.next()),
            '\\' => {
                out.push('\\');
                out.extend(chars.next());
            }
            found if found == separator && !in_set => return Some(out),
            found => {
                in_set = found == '[' || (in_set && found != ']');
                out.push(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_edited_as_sed_does() {
        let cases = [
            ("s/a/b/", "a a\nc\n", "b a\nc\n"),
            ("s,/run/,/var/,g", "/run/x/run/y\n", "/var/x/var/y\n"),
            ("s/\\(.\\)-\\(.\\)/\\2\\1/", "x-y\n", "yx\n"),
            ("/^#/d; s/x/[&]/", "# no\nx\n", "[x]\n"),
            ("2q", "1\n2\n3\n", "1\n2\n"),
            ("$!d", "1\n2\n", "2\n"),
            ("s/[/]/-/", "a/b\n", "a-b\n"),
        ];
        for (script, text, wanted) in cases {
            assert_eq!(edited(text, &[script.to_string()], false, false).as_deref(), Some(wanted), "{script}");
        }
        let silent = |script: &str, text: &str| edited(text, &[script.to_string()], true, false);
        assert_eq!(silent("/^-m$/{n;p}", "-c\n-m\n/run/x\n").as_deref(), Some("/run/x\n"));
        assert_eq!(silent("s/^pid *= *//p", "user=x\npid = /run/x\n").as_deref(), Some("/run/x\n"));
        assert_eq!(silent("/a/{n;p}", "a\n").as_deref(), Some(""));
        for unknown in ["/a/,/b/p", "y/a/b/", "s/a", "{p"] {
            assert_eq!(silent(unknown, "a\n"), None, "{unknown}");
        }
    }
}
