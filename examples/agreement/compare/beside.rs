//! What stands beside both commands: variables of the environment, and settings that are there as comments.

use std::collections::BTreeMap;

use svc::convert::unit::Unit;
use svc::convert::{Draft, Tree};
use svc_compat::play::Machine;

/// Files of settings that are longer are not looked through.
const FILE_BYTES_MAX: usize = 1 << 16;

/// Whose words are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those of the definition; beside them stands the unit.
    Ours,
    /// Those of the unit; beside them stands the definition.
    Theirs,
}

/// A setting in a comment: `#PORT=80`.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    name: String,
    value: String,
    /// The comment says that this is what is used where nothing is set.
    as_default: bool,
}

/// Both environments, and the settings that are shown.
pub(crate) struct Beside {
    ours: BTreeMap<String, String>,
    theirs: BTreeMap<String, String>,
    shown: Vec<Shown>,
    /// The unit's command line as it is written.
    written: String,
}

impl Beside {
    pub(crate) fn of(tree: &Tree, draft: &Draft, unit: &Unit) -> Self {
        let bare = |value: &str| value.trim_matches(['"', '\'']).to_string();
        let set = draft.keys.iter().filter(|key| key.table == "environment");
        let ours = set.map(|key| (key.name.clone(), bare(&key.value))).collect();
        let named = unit.settings.get("EnvironmentFile").into_iter().flatten();
        let named = named.map(|file| file.trim_start_matches('-').to_string());
        let usual = tree.list("/etc/default").into_iter().map(|name| format!("/etc/default/{name}"));
        let mut files: Vec<String> = named.chain(usual).collect();
        files.sort();
        files.dedup();
        let texts = files.iter().filter_map(|file| tree.read(file)).filter(|text| text.len() < FILE_BYTES_MAX);
        let shown = texts.flat_map(|text| shown_in(&String::from_utf8_lossy(&text))).collect();
        let written = unit.settings.get("ExecStart").map(|lines| lines.join("\n")).unwrap_or_default();
        Self { ours, theirs: unit.environment.clone(), shown, written }
    }

    /// The variables by which the other side may say what these words say.
    pub(crate) fn variables(&self, whose: Whose) -> &BTreeMap<String, String> {
        match whose {
            Whose::Ours => &self.theirs,
            Whose::Theirs => &self.ours,
        }
    }

    /// Whether a value is the one that a comment shows for a variable of the unit's command line: one that the unit
    /// leaves empty, or one of which the comment says that it is used where nothing is set.
    pub(crate) fn is_shown(&self, value: &str, whose: Whose) -> bool {
        let is_empty = |name: &str| self.theirs.get(name).is_none_or(String::is_empty);
        let counts = |shown: &Shown| shown.as_default || (whose == Whose::Ours && is_empty(&shown.name));
        let names = |shown: &Shown| {
            [format!("${}", shown.name), format!("${{{}}}", shown.name)]
                .iter()
                .any(|name| has_word(&self.written, name))
        };
        self.shown.iter().any(|shown| shown.value == value && counts(shown) && names(shown))
    }
}

/// Whether a word stands in a text by itself.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let is_inside = |found: char| found.is_ascii_alphanumeric() || found == '_' || found == '-';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        (word.starts_with('$') || !before.is_some_and(is_inside))
            && (word.ends_with('}') || !after.is_some_and(is_inside))
    })
}

/// The settings among the comments of a file of shell variables.
fn shown_in(text: &str) -> Vec<Shown> {
    let mut out = Vec::new();
    // The lines of the comment that the setting stands in.
    let mut comment = String::new();
    for line in text.lines().map(str::trim) {
        let Some(bare) = line.strip_prefix('#').map(|rest| rest.trim_start_matches(['#', ' ', '\t'])) else {
            comment.clear();
            continue;
        };
        let pair = bare.split_once('=').filter(|(name, _)| is_name(name));
        let value = pair.and_then(|(_, value)| plain(value));
        match pair.zip(value) {
            Some(((name, _), value)) => {
                let as_default = comment.to_lowercase().contains("default");
                out.push(Shown { name: name.to_string(), value, as_default });
            }
            None if bare.is_empty() => comment.clear(),
            None => {
                comment.push_str(bare);
                comment.push('\n');
            }
        }
    }
    out
}

fn is_name(name: &str) -> bool {
    name.len() > 1 && name.chars().all(|found| found.is_ascii_uppercase() || found.is_ascii_digit() || found == '_')
}

/// A value of one word, its quotes taken away.
fn plain(value: &str) -> Option<String> {
    let value = value.trim();
    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = inner.unwrap_or(value);
    let is_one = !value.is_empty() && !value.contains([' ', '\t', '"', '\'', '$', '`']);
    is_one.then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_in_a_comment_is_shown_and_perhaps_as_the_default() {
        let shown = |text: &str| -> Vec<(String, String, bool)> {
            shown_in(text).into_iter().map(|one| (one.name, one.value, one.as_default)).collect()
        };
        let one = |name: &str, value: &str, says: bool| vec![(name.to_string(), value.to_string(), says)];
        assert_eq!(shown("# Backlog.\n# Default is 32.\n#BACKLOG=32\n"), one("BACKLOG", "32", true));
        assert_eq!(shown("# Default is 32.\n\n# PORT=\"80\"\n"), one("PORT", "80", false));
        assert_eq!(shown("# Default is 32.\nA=1\n#PORT=80\n"), one("PORT", "80", false));
        assert_eq!(shown("# OPTS=\"-a -b\"\n#PORT=$OTHER\nPORT=80\n# so port=80\n"), []);
    }

    #[test]
    fn a_word_stands_by_itself() {
        assert!(has_word("-p $PORT -x", "$PORT") && has_word("a${PORT}b", "${PORT}") && has_word("-u ($U):", "-u"));
        assert!(!has_word("$PORTS", "$PORT") && !has_word("--user", "-u") && !has_word("-user", "-u"));
    }
}
