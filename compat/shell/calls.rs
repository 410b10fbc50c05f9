//! What commands say once it is known what variables hold: sourced files by their paths, calls of a program.

use super::read::{Command, Shell, WordSpan};
use super::values::Values;
use super::word::literal;
use crate::text::base_name;

impl Shell<'_> {
    /// The files it sources, as far as their names can be read; with the word where they are named.
    pub fn sources(&self, values: &Values) -> Vec<(String, WordSpan)> {
        let paths = |word: WordSpan| values.expand(self.bytes(word)).into_iter().map(move |path| (path, word));
        self.sourced().into_iter().flat_map(paths).collect()
    }

    /// Calls of a program or function: the words from its name on, wherever it stands in the command (behind `if !`,
    /// `env`, `log_progress`...).
    pub fn calls<'s>(&'s self, name: &str, values: &Values) -> Vec<(&'s Command, &'s [WordSpan])> {
        let named = |word: &WordSpan| {
            let text = self.bytes(*word);
            let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
            if text.first() == Some(&b'$') {
                return values.expand(text).iter().any(|path| base_name(path) == name);
            }
            literal(text).is_some_and(|path| base_name(&path) == name)
        };
        let at = |command: &Command| command.words.iter().position(named);
        self.commands.iter().filter_map(|command| at(command).map(|at| (command, &command.words[at..]))).collect()
    }
}
