//! What somebody may have meant by a misspelt word.

use alloc::vec::Vec;

/// The longest word looked at, in characters: the work grows with its square.
const CHARS_MAX: usize = 40;

/// The candidate that is spelled most like `word`, if any is near enough: one slip in three characters, letters
/// exchanged counting as one. Of several that are equally near the first.
pub fn near<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(CHARS_MAX + 1).flat_map(char::to_lowercase).collect();
    if word.is_empty() || word.len() > CHARS_MAX {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let other: Vec<char> = candidate.chars().take(CHARS_MAX + 1).flat_map(char::to_lowercase).collect();
        let slips = distance(&word, &other);
        let allowed = (word.len().max(other.len()) / 3).max(1);
        if slips <= allowed && best.is_none_or(|(least, _)| slips < least) {
            best = Some((slips, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many insertions, deletions, replacements and exchanges of neighbours lie between two words.
fn distance(left: &[char], right: &[char]) -> usize {
    let width = right.len() + 1;
    let mut earlier: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..width).collect();
    for (row, from) in left.iter().enumerate() {
        let mut line = Vec::with_capacity(width);
        line.push(row + 1);
        for (column, to) in right.iter().enumerate() {
            let same = usize::from(from != to);
            let mut least = (above[column] + same).min(above[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && *from == right[column - 1] && left[row - 1] == *to;
            if swapped {
                least = least.min(earlier[column - 1] + 1);
            }
            line.push(least);
        }
        earlier = core::mem::replace(&mut above, line);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_nothing() {
        let words = ["requires", "ready", "restart", "user"];
        assert_eq!(near("requries", words), Some("requires"));
        assert_eq!(near("Requires", words), Some("requires"));
        assert_eq!(near("usr", words), Some("user"));
        assert_eq!(near("redy", words), Some("ready"));
        assert_eq!(near("banana", words), None);
        assert_eq!(near("", words), None);
        assert_eq!(near("x", [""]), Some(""));
        assert_eq!(near(&"x".repeat(100_000), words), None);
    }

    #[test]
    fn letters_exchanged_are_one_slip() {
        let chars = |text: &str| text.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("ab"), &chars("ba")), 1);
        assert_eq!(distance(&chars("kitten"), &chars("sitting")), 3);
        assert_eq!(distance(&chars(""), &chars("abc")), 3);
    }
}
