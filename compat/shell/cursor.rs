//! The inside of a word, character by character: quotes, backquotes, and what is between braces and parentheses.

/// What is left of a text.
pub(crate) struct Chars<'a> {
    pub(crate) rest: &'a str,
}

impl<'a> Chars<'a> {
    pub(crate) fn next(&mut self) -> Option<char> {
        let found = self.rest.chars().next()?;
        self.rest = &self.rest[found.len_utf8()..];
        Some(found)
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let length = self.rest.find(|found| !wanted(found)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// What stands before the closing backquote, one layer of backslashes taken away.
    pub(crate) fn until_backquote(&mut self, double: bool) -> String {
        let mut inside = String::new();
        while let Some(found) = self.next() {
            match found {
                '`' => break,
                '\\' => match self.next() {
                    Some(next) if "`\\$".contains(next) || (double && next == '"') => inside.push(next),
                    Some(next) => inside.extend(['\\', next]),
                    None => {}
                },
                other => inside.push(other),
            }
        }
        inside
    }

    /// What stands before the closing `close`, with nested pairs and quotes passed over; the close is taken too.
    pub(crate) fn balanced(&mut self, open: char, close: char) -> &'a str {
        let (all, mut depth, mut double) = (self.rest, 1_usize, false);
        loop {
            let before = self.rest;
            match self.next() {
                None => return all,
                Some('\\') => drop(self.next()),
                Some('"') => double = !double,
                Some('\'') if open == '(' && !double => {
                    self.take_while(|found| found != '\'');
                    self.next();
                }
                Some(found) if found == open => depth += 1,
                Some(found) if found == close => {
                    depth -= 1;
                    if depth == 0 {
                        return &all[..all.len() - before.len()];
                    }
                }
                Some(_) => {}
            }
        }
    }
}

/// Whether a character can be in the name of a variable.
pub(crate) fn is_name(found: char) -> bool {
    found.is_ascii_alphanumeric() || found == '_'
}
