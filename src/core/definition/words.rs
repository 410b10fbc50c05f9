//! Command lines: split as a shell would, without expanding anything.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::fault::Complaint;

/// Splits a command line into words: blanks separate, `'...'` is literal, in `"..."` a backslash goes before `"`, `\`,
/// `$` and `` ` ``, elsewhere before any character. Nothing is expanded.
///
/// # Errors
///
/// A quote that is not closed; a backslash with nothing behind it.
pub fn words(text: &str) -> Result<Vec<String>, Complaint> {
    Ok(split(text)?.into_iter().map(|word| word.text).collect())
}

/// The command line that [`words`] splits into these words.
pub fn join<T: AsRef<str>>(words: &[T]) -> String {
    let mut line = String::new();
    for (index, word) in words.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        let word = word.as_ref();
        let plain = |found: char| found.is_ascii_alphanumeric() || "_-+./:@%=,^".contains(found) || !found.is_ascii();
        if !word.is_empty() && word.chars().all(|found| plain(found) && !found.is_whitespace()) {
            line.push_str(word);
        } else {
            line.push('\'');
            line.push_str(&word.replace('\'', "'\\''"));
            line.push('\'');
        }
    }
    line
}

/// A word and what in it a shell would have acted on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// The first of `| & ; < > $` or a backtick that stands outside quotes.
    pub(crate) special: Option<char>,
}

pub(crate) fn split(text: &str) -> Result<Vec<Word>, Complaint> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut chars = text.chars();
    while let Some(found) = chars.next() {
        match found {
            found if found.is_ascii_whitespace() => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some('\'') => break,
                        Some(found) => word.text.push(found),
                        None => return Err(open_quote('\'')),
                    }
                }
            }
            '"' => quoted(&mut chars, word.get_or_insert_default())?,
            '\\' => match chars.next() {
                Some('\n') => {}
                Some(found) => word.get_or_insert_default().text.push(found),
                None => {
                    let complaint = Complaint::new("a backslash at the end of a command has nothing to stand before");
                    return Err(complaint.help("write `\\\\` for a backslash itself"));
                }
            },
            found => {
                let word = word.get_or_insert_default();
                if word.special.is_none() && "|&;<>$`".contains(found) {
                    word.special = Some(found);
                }
                word.text.push(found);
            }
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(chars: &mut core::str::Chars<'_>, word: &mut Word) -> Result<(), Complaint> {
    loop {
        match chars.next() {
            Some('"') => return Ok(()),
            Some('\\') => match chars.next() {
                Some('\n') => {}
                Some(found @ ('"' | '\\' | '$' | '`')) => word.text.push(found),
                Some(found) => word.text.extend(['\\', found]),
                None => return Err(open_quote('"')),
            },
            Some(found) => word.text.push(found),
            None => return Err(open_quote('"')),
        }
    }
}

fn open_quote(quote: char) -> Complaint {
    Complaint::new(format!("a quote {quote} in the command is not closed"))
}
