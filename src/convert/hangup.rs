//! What a manual page says of the signal on which a daemon reads its configuration again.

use std::sync::LazyLock;

use regex::Regex;

use super::Tree;
use super::manual::{own_texts, pages};

/// What is said of the signal stands so near to its name.
const NEAR_CHARACTERS: usize = 320;

static AGAIN: LazyLock<Regex> = LazyLock::new(|| {
    let again = r"re-?(?:read|load|scan|initiali[sz]|configur|pars)(?:e|s|es|ed|ing)*|reads? [a-z ]{0,40}again";
    Regex::new(&format!("(?:{again})")).expect("the patterns of this file are well-formed")
});
static OTHER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("sig[a-z]+[0-9]?").expect("the patterns of this file are well-formed"));

/// Where a page of the program, or a message in it, says that SIGHUP makes it read its configuration again.
pub fn reads_again(tree: &Tree, program: &str) -> Option<String> {
    let page = pages(tree, program).into_iter().find(|(_, text)| says(text)).map(|(path, _)| path);
    page.or_else(|| own_texts(tree, program).iter().any(|text| says(text)).then(|| format!("{program}, what it says")))
}

fn says(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut places = words.match_indices("sighup").chain(words.match_indices("hangup signal"));
    places.any(|(at, name)| {
        let after = cut(&words[at + name.len()..]);
        // Up to where another signal is spoken of.
        let end = OTHER.find(after).map_or(after.len(), |found| found.start());
        let before: String = words[..at].chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect();
        let before = before.rsplit(". ").next().unwrap_or_default();
        let told = format!("{before} {}", &after[..end]);
        AGAIN.is_match(&told)
            && ["config", "file", "setting", "table", "rules", "data"].iter().any(|what| told.contains(what))
    })
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(NEAR_CHARACTERS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_says_what_the_signal_does_or_does_not() {
        assert!(says("SIGNALS\nOn receipt of a\n  SIGHUP, webd re-reads its configuration file."));
        assert!(says("The configuration is reloaded when SIGHUP is received."));
        assert!(says("SIGHUP\n    Reload the configuration."));
        assert!(!says("SIGHUP terminates it. SIGUSR1 makes it re-read the configuration file."));
        assert!(!says("SIGHUP\n    Reopen the log file."));
        assert!(!says("It reads its configuration file once."));
    }
}
