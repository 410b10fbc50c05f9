//! `$(( ))`, so far as scripts need it.

use super::syntax::Spot;
use super::{Player, UNKNOWN};

/// Operators, those that bind least first.
const LEVELS: [&[&str]; 6] = [&["||"], &["&&"], &["==", "!="], &["<=", ">=", "<", ">"], &["+", "-"], &["*", "/", "%"]];

impl Player<'_> {
    /// The number, or a mark that only running would tell.
    pub(super) fn sum(&mut self, text: &str, spot: &Spot) -> String {
        let text = self.text(text, spot);
        let words = words(&text);
        let mut at = 0;
        let value = self.level(&words, &mut at, 0);
        match value.filter(|_| at == words.len()) {
            Some(value) => value.to_string(),
            None => UNKNOWN.to_string(),
        }
    }

    fn level(&mut self, words: &[String], at: &mut usize, level: usize) -> Option<i64> {
        let Some(operators) = LEVELS.get(level) else { return self.atom(words, at) };
        let mut left = self.level(words, at, level + 1)?;
        while let Some(operator) = words.get(*at).filter(|word| operators.contains(&word.as_str())) {
            *at += 1;
            let right = self.level(words, at, level + 1)?;
            left = match operator.as_str() {
                "||" => i64::from(left != 0 || right != 0),
                "&&" => i64::from(left != 0 && right != 0),
                "==" => i64::from(left == right),
                "!=" => i64::from(left != right),
                "<=" => i64::from(left <= right),
                ">=" => i64::from(left >= right),
                "<" => i64::from(left < right),
                ">" => i64::from(left > right),
                "+" => left.checked_add(right)?,
                "-" => left.checked_sub(right)?,
                "*" => left.checked_mul(right)?,
                "/" => left.checked_div(right)?,
                _ => left.checked_rem(right)?,
            };
        }
        Some(left)
    }

    fn atom(&mut self, words: &[String], at: &mut usize) -> Option<i64> {
        let word = words.get(*at)?;
        *at += 1;
        match word.as_str() {
            "(" => {
                self.depth += 1;
                let value = if self.depth < super::DEPTH_MAX { self.level(words, at, 0) } else { None };
                self.depth -= 1;
                *at += 1;
                value
            }
            "-" => self.atom(words, at)?.checked_neg(),
            "!" => self.atom(words, at).map(|value| i64::from(value == 0)),
            word if word.starts_with(|first: char| first.is_ascii_digit()) => word.parse().ok(),
            word => self.known(word).unwrap_or_default().trim().parse().ok().or(Some(0)),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_name = |found: char| found.is_ascii_alphanumeric() || found == '_';
        let length = match first {
            found if is_name(found) => rest.find(|found| !is_name(found)).unwrap_or(rest.len()),
            _ if ["||", "&&", "==", "!=", "<=", ">="].iter().any(|two| rest.starts_with(two)) => 2,
            other => other.len_utf8(),
        };
        let (word, after) = rest.split_at(length);
        out.push(word.to_string());
        rest = after.trim_start();
    }
    out
}
