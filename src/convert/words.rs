//! Words of a command that are no options: what the manual says of `start`, and whether another word stays.

use super::Tree;
use super::manual::{self, Effect};

/// What programs call the word by which they stay.
const STAYING: [&str; 6] = ["run", "foreground", "fg", "nofork", "nodaemon", "console"];
/// So many lines below a word are about it.
const LINES_MAX: usize = 3;

/// A word that makes room for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Other {
    /// The word that sends the daemon away.
    pub(super) gone: String,
    /// The word that keeps it.
    pub(super) come: &'static str,
    /// What says so.
    pub(super) source: String,
}

/// The word by which the daemon stays in the foreground in place of one of its own, by its manual.
pub(super) fn staying(tree: &Tree, command: &[String]) -> Option<Other> {
    let pages = manual::pages(tree, command.first()?);
    let is_word = |word: &&String| word.len() > 1 && word.chars().all(|found| found.is_ascii_lowercase());
    let said_of = |word: &str| pages.iter().find_map(|(path, text)| Some((path.clone(), said(text, word)?)));
    for word in command.iter().skip(1).filter(is_word) {
        let Some((_, goes)) = said_of(word) else { continue };
        if stays(&goes) {
            return None;
        }
        let other = STAYING.iter().find_map(|come| said_of(come).map(|(path, text)| (*come, path, text)));
        // Of `run` alone a page may say anything; where both are said to be the one and the other, it is plain.
        let is_plain = |text: &str| stays(text) && (manual::effect(&goes) == Effect::Goes || names_it(text));
        if let Some((come, path, text)) = other.filter(|(_, _, text)| is_plain(text)) {
            let short: String = text.chars().take(60).collect();
            return Some(Other { gone: word.clone(), come, source: format!("{path}: {come}: {short}") });
        }
    }
    None
}

fn stays(text: &str) -> bool {
    let text = text.to_lowercase();
    let on_console = ["in the console", "in console", "on the console", "in the terminal"];
    manual::effect(&text) == Effect::Stays || on_console.iter().any(|place| text.contains(place))
}

fn names_it(text: &str) -> bool {
    text.to_lowercase().contains("foreground")
}

/// What the pages of a program say of a word among its arguments.
pub fn said_of(tree: &Tree, program: &str, word: &str) -> Option<String> {
    manual::pages(tree, program).iter().find_map(|(_, text)| said(text, word))
}

/// The description of a word that stands at the beginning of a line of its own.
fn said(page: &str, word: &str) -> Option<String> {
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let line = line.trim();
        let bare = line.trim_start_matches(['"', '\'', '<', '[', '(']);
        let Some(rest) = bare.strip_prefix(word) else { continue };
        let rest = rest.trim_start_matches(['"', '\'', '>', ']', ')']);
        let describes = rest.is_empty() || rest.starts_with([':', '\t']) || rest.starts_with("  ");
        if !describes && !rest.trim_start().starts_with("- ") {
            continue;
        }
        let first = rest.trim_start_matches([' ', '\t', ':', '-']).to_string();
        // A word alone is the next one that is described.
        let is_word = |line: &str| line.chars().all(|found| found.is_ascii_alphanumeric() || found == '-');
        let is_over = |line: &&str| line.starts_with(manual::HEADING) || is_word(line.trim());
        let below = lines.clone().take_while(|line| !is_over(line)).take(LINES_MAX);
        let below = below.map(|line| line.trim().trim_start_matches(['-', ' ']));
        let text = [first.as_str()].into_iter().chain(below).filter(|part| !part.is_empty());
        let text = text.collect::<Vec<_>>().join(" ");
        if !text.is_empty() {
            return Some(text);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn staying_by(page: &str, command: &str) -> Option<(String, &'static str)> {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("usr/share/man/man8");
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("wordd.8"), page).unwrap();
        let command: Vec<String> = command.split(' ').map(String::from).collect();
        staying(&Tree::partial(folder.path()), &command).map(|other| (other.gone, other.come))
    }

    #[test]
    fn a_word_that_sends_it_away_makes_room_for_one_that_keeps_it() {
        let page = ".SH OPTIONS\n.I run\n- starts it in the console.\n\n.I start\n- starts it in daemon mode.\n";
        assert_eq!(staying_by(page, "/usr/sbin/wordd start"), Some(("start".into(), "run")));
        assert_eq!(staying_by(page, "/usr/sbin/wordd run"), None);
        assert_eq!(staying_by(page, "/usr/sbin/wordd"), None);
        let listed = ".TP\n.B start\nStart the server.\n.TP\n.B foreground\nRun it in the foreground.\n";
        assert_eq!(staying_by(listed, "/usr/sbin/wordd start"), Some(("start".into(), "foreground")));
    }

    #[test]
    fn where_nothing_plain_is_said_no_word_is_put_for_another() {
        let other = ".TP\n.B start\nStart the server.\n.TP\n.B run\nRun a program once, without a daemon in its way.\n";
        assert_eq!(staying_by(other, "/usr/sbin/wordd start"), None);
        assert_eq!(staying_by(".SH NAME\nwordd - run it\n", "/usr/sbin/wordd start"), None);
    }
}
