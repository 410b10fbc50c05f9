//! Variables and words: what they are made of.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::Player;
use super::syntax::{Word, assigned};
use crate::text::base_name;

/// What starts a daemon with the words behind it.
const STARTERS: [&str; 3] = ["start-stop-daemon", "start_daemon", "daemon"];

impl Player<'_> {
    /// The arguments that words become; what they are made of is noted.
    pub(super) fn words(&mut self, words: &[Word]) -> Vec<String> {
        self.used.clone_from(&self.carried);
        self.used_for_more = self.carried.clone();
        let (mut out, mut before, mut is_behind) = (Vec::new(), "", false);
        for word in words {
            let kept = std::mem::take(&mut self.used);
            self.at_starter = out.first().is_some_and(|first: &String| STARTERS.contains(&base_name(first)));
            out.extend(self.fields(&word.text, &word.spot));
            self.at_starter = false;
            // Where its pid is to be looked for says nothing of the daemon.
            let names_pid_file = matches!(before, "--pidfile" | "-p") || word.text.starts_with("--pidfile=");
            if is_behind || !names_pid_file {
                self.used_for_more.extend(self.used.iter().cloned());
            }
            self.used.extend(kept);
            is_behind |= word.text == "--";
            before = &word.text;
        }
        out
    }

    pub(super) fn assign(&mut self, word: &Word) {
        let Some((name, append, value)) = assigned(&word.text) else { return };
        let before = std::mem::take(&mut self.used);
        let mut text = self.text(value, &word.spot);
        if append {
            text = format!("{}{text}", self.known(name).unwrap_or_default());
        }
        text.truncate(text.floor_char_boundary(1 << 14));
        let made_of = self.roots(&self.used);
        self.used = before;
        self.set(name, text, &word.spot);
        if let Some(variable) = self.variables.get_mut(name) {
            variable.made_of = Rc::new(made_of);
        }
    }

    /// These variables, and those that their values were made of.
    pub(super) fn roots(&self, names: &BTreeSet<String>) -> BTreeSet<String> {
        let made_of = names.iter().filter_map(|name| self.variables.get(name)).flat_map(|known| known.made_of.iter());
        names.iter().chain(made_of).cloned().collect()
    }
}
