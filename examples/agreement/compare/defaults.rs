//! What a side spells out and the program has so anyway.

use std::collections::BTreeMap;
use std::path::PathBuf;

use regex::bytes::Regex;
use svc::convert::{Tree, handled, manual};
use svc_compat::play::Machine;

use super::beside::{Beside, Whose, has_word};
use super::options::Options;

/// Configuration files that are longer are not looked through.
const FILE_BYTES_MAX: usize = 1 << 18;

/// The texts of the program, of its private libraries and modules, and of its manual pages, and its configuration.
pub(crate) struct Defaults {
    /// Where built-in paths are.
    texts: Vec<Vec<u8>>,
    /// What its configuration files say: key and value.
    configured: Vec<(String, String)>,
    /// What its configuration files show in a comment as what is used where nothing is set: key and value.
    shown: Vec<(String, String)>,
    /// Paths among the words as a manual has them, below the home of the account it runs as: `~/.config/webd`.
    at_home: BTreeMap<String, String>,
    /// The lines of its own text and of its manual in which variables of an environment may be named.
    lines: Vec<String>,
}

/// What is known beside the program itself.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) options: &'a Options,
    pub(crate) beside: &'a Beside,
}

impl Defaults {
    /// Of the program that both commands start, as these users.
    pub(crate) fn of(tree: &Tree, users: &[Option<&str>], ours: &[String], theirs: &[String]) -> Self {
        let program = ours.first().map_or("", String::as_str);
        let words = ours.iter().chain(theirs).skip(1);
        let at_home = at_home(tree, users, words.clone());
        let found = tree.find(program);
        let file = found.iter().filter_map(|file| std::fs::read(file).ok());
        let pages = manual::pages(tree, program);
        let told = pages.iter().map(|(_, text)| told_in(text).into_bytes());
        let modules = handled::with_modules(tree, program).into_iter().skip(1).map(|(_, text)| text.into_bytes());
        let texts: Vec<Vec<u8>> = file.chain(libraries(tree, program)).chain(modules).chain(told).collect();
        let own = texts.first().filter(|_| found.is_some()).into_iter().flat_map(|text| lines_of(text));
        let lines = own.chain(pages.iter().flat_map(|(_, text)| text.lines().map(String::from))).collect();
        let named = words.map(|word| word.rsplit_once('=').map_or(word.as_str(), |(_, value)| value).to_string());
        let built_in = texts.iter().flat_map(|text| paths_in(text));
        let mut files: Vec<String> = named.filter(|word| word.starts_with("/etc/")).chain(built_in).collect();
        let inside = |directory: &String| {
            let names = tree.list(directory).into_iter().filter(|name| name.ends_with(".conf"));
            names.map(|name| format!("{directory}/{name}")).collect::<Vec<_>>()
        };
        let given: Vec<String> =
            ours.iter().skip(1).filter(|word| word.starts_with("/etc/")).flat_map(inside).collect();
        files.extend(given);
        // These are read by the shell that starts it.
        files.retain(|file| !file.starts_with("/etc/default/") && !file.starts_with("/etc/sysconfig/"));
        files.sort();
        files.dedup();
        let read = files.iter().filter_map(|file| tree.read(file)).filter(|text| text.len() < FILE_BYTES_MAX);
        let read: Vec<String> = read.map(|text| String::from_utf8_lossy(&text).into_owned()).collect();
        let configured = read.iter().flat_map(|text| settings(text)).collect();
        let shown = read.iter().flat_map(|text| shown_as_default(text)).collect();
        Self { texts, configured, shown, at_home, lines }
    }

    /// The values of these keys, which may begin with the program's own name: `webd_user`.
    pub(crate) fn values<'d>(&'d self, keys: &'d [&str], program: &str) -> impl Iterator<Item = &'d str> {
        let bare = |text: &str| text.to_ascii_lowercase().replace(['-', '_'], "");
        let name = bare(program.rsplit('/').next().unwrap_or_default());
        let is_one = move |key: &str| {
            let key = bare(key);
            let own = key.strip_prefix(&name).filter(|_| !name.is_empty());
            keys.contains(&key.as_str()) || own.is_some_and(|own| keys.contains(&own))
        };
        self.configured.iter().filter(move |(key, _)| is_one(key)).map(|(_, value)| value.as_str())
    }

    /// These arguments without what the other side leaves to the program, where that has it anyway.
    pub(crate) fn left_out(&self, words: &[String], others: &[String], whose: Whose, more: Known<'_>) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for word in words {
            let is_path = word.starts_with('/') && word.len() > 6 && word[1..].contains('/');
            let is_option = |last: &&String| last.starts_with('-') && !others.contains(last);
            let option = out.last().filter(is_option);
            let has_option = option.is_some();
            let spellings = [Some(word), self.at_home.get(word)].into_iter().flatten();
            let built_in = is_path && spellings.into_iter().any(|word| self.texts.iter().any(|text| has(text, word)));
            let said = option.is_some_and(|option| {
                let names = more.options.names(option);
                self.is_configured(word)
                    || self.is_key(&names, word)
                    || self.is_variable(&names, word, more.beside.variables(whose))
            });
            let known = built_in || said || self.is_shown(word) || more.beside.is_shown(word, whose);
            if !known || others.contains(word) {
                out.push(word.clone());
            } else if has_option {
                out.pop();
            }
        }
        out
    }

    /// Whether a setting, `KEY=VALUE`, is the one that the configuration shows as the default.
    fn is_shown(&self, word: &str) -> bool {
        let Some((key, value)) = word.split_once('=').filter(|(key, _)| !key.starts_with('-')) else { return false };
        self.shown.iter().any(|(shown, set)| shown.eq_ignore_ascii_case(key) && set == value)
    }

    /// Whether the configuration has this value for a key that is called as the option is.
    fn is_key(&self, names: &[String], value: &str) -> bool {
        let bare = |name: &str| name.to_ascii_lowercase().replace(['-', '_'], "");
        let names: Vec<String> = names.iter().filter(|name| name.starts_with("--")).map(|name| bare(name)).collect();
        let mut set = self.configured.iter().filter(|(key, _)| names.contains(&bare(key)));
        set.next().is_some_and(|(_, first)| first == value) && set.all(|(_, other)| other == value)
    }

    /// Whether the other side says it by a variable that the program's own text or manual names beside the option.
    fn is_variable(&self, names: &[String], value: &str, environment: &BTreeMap<String, String>) -> bool {
        let set = environment.iter().filter(|(name, set)| *set == value && name.len() > 1);
        let mut named = set.filter(|(name, _)| {
            let has_both = |line: &String| has_word(line, name) && names.iter().any(|option| has_word(line, option));
            self.lines.iter().any(has_both)
        });
        named.next().is_some()
    }

    /// Whether the configuration says the same: a value that is not one of those that stand for many things.
    fn is_configured(&self, value: &str) -> bool {
        let says_much = value.len() > 3 && value.contains(|found: char| found.is_ascii_alphabetic());
        let says_much = says_much && !["true", "false", "none", "auto", "info", "root"].contains(&value);
        let bare = |text: &str| text.replace("/var/run/", "/run/");
        says_much && self.configured.iter().any(|(_, set)| bare(set) == value)
    }
}

/// The words that are paths below the home of one of these accounts, links followed.
fn at_home<'w>(
    tree: &Tree,
    users: &[Option<&str>],
    words: impl Iterator<Item = &'w String>,
) -> BTreeMap<String, String> {
    let accounts = tree.read("/etc/passwd").map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default();
    let accounts = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let accounts = accounts.filter(|account| users.contains(&Some(account[0])));
    let homes: Vec<String> = accounts.filter_map(|account| tree.real(account.get(5)?)).collect();
    let below = |word: &String| {
        let path = tree.real(word)?;
        let inside = homes.iter().find_map(|home| path.strip_prefix(home)?.strip_prefix('/'))?;
        Some((word.clone(), format!("~/{inside}")))
    };
    words.filter(|word| word.starts_with('/')).filter_map(below).collect()
}

fn has(text: &[u8], word: &str) -> bool {
    let Ok(wanted) = Regex::new(&regex::escape(word)) else { return false };
    // `/etc/web.conf` is not in `/etc/web.conf.d`, but `/etc/web` is where `/etc/web/conf` is.
    let goes_on = |found: &u8| found.is_ascii_alphanumeric() || b"_-.".contains(found);
    wanted.find_iter(text).any(|found| {
        let rest = &text[found.end()..];
        let ends = rest.first().is_none_or(|found| !goes_on(found));
        ends || (rest[0] == b'.' && rest.get(1).is_none_or(|found| !goes_on(found)))
    })
}

/// The lines of a text that is no machine code.
fn lines_of(text: &[u8]) -> Vec<String> {
    if text.starts_with(b"\x7fELF") {
        return Vec::new();
    }
    String::from_utf8_lossy(text).lines().map(String::from).collect()
}

/// Libraries that only this program's package has: in a directory of the program's name.
fn libraries(tree: &Tree, program: &str) -> Vec<Vec<u8>> {
    let name = program.rsplit('/').next().unwrap_or_default();
    let directories = [format!("/usr/lib/{name}"), format!("/usr/lib/x86_64-linux-gnu/{name}")];
    let files = directories.iter().flat_map(|directory| {
        let names = tree.list(directory).into_iter().filter(|file| file.starts_with("lib") && file.contains(".so"));
        names.filter_map(|file| tree.find(&format!("{directory}/{file}"))).collect::<Vec<PathBuf>>()
    });
    files.filter_map(|file| std::fs::read(file).ok()).collect()
}

/// The sentences of a page that speak of what is used where nothing is said, and its list of files.
fn told_in(page: &str) -> String {
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let sentences = words.split_inclusive(". ").filter(|sentence| sentence.to_lowercase().contains("default"));
    let mut in_files = false;
    let listed = page.lines().filter(|line| {
        if let Some(heading) = line.strip_prefix(manual::HEADING) {
            in_files = heading.trim() == "FILES";
        }
        in_files
    });
    sentences.chain(listed).flat_map(|text| [text, "\n"]).collect()
}

/// Paths of configuration files in a text.
fn paths_in(text: &[u8]) -> Vec<String> {
    let is_part = |found: &u8| found.is_ascii_alphanumeric() || b"_-./".contains(found);
    let Ok(start) = Regex::new("/etc/") else { return Vec::new() };
    let paths = start
        .find_iter(text)
        .map(|found| text[found.start()..].iter().take_while(|found| is_part(found)).take(200).copied().collect());
    let paths = paths.filter_map(|path: Vec<u8>| String::from_utf8(path).ok());
    paths.map(|path| path.trim_end_matches('.').to_string()).filter(|path| path.len() > 6).take(200).collect()
}

/// The settings among the comments of a configuration file, each after a line that says what the default is and with
/// that value: `# Default: /run/x` above `# Socket: /run/x`.
fn shown_as_default(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut default: Option<String> = None;
    for line in text.lines().map(str::trim) {
        let Some(bare) = line.strip_prefix('#').map(|rest| rest.trim_start_matches(['#', ' ', '\t'])) else {
            default = None;
            continue;
        };
        let Some((key, value)) = bare.split_once([':', '=']) else { continue };
        let value = value.trim().replace("/var/run/", "/run/");
        if key.trim().eq_ignore_ascii_case("default") {
            default = Some(value);
        } else if default.as_ref() == Some(&value) && !key.trim().contains(' ') && !value.is_empty() {
            out.push((key.trim().to_string(), value));
        }
    }
    out
}

/// What a configuration file says: each line `KEY VALUE` that is no comment.
fn settings(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';', '/', '*']));
    let pair = |line: &str| {
        // `socket = local:/run/x`, `"user": "web",`
        let mut words = line.split([' ', '\t', '=', '"', '\'', ';', ',']).filter(|word| !word.is_empty());
        let (key, value) = (words.next()?, words.find(|word| *word != ":")?.to_string());
        let is_all = words.next().is_none_or(|more| more.starts_with('#'));
        is_all.then(|| (key.trim_end_matches(':').to_string(), value))
    };
    lines.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_the_home_of_the_account_has_the_spelling_of_a_manual() {
        let folder = tempfile::tempdir().unwrap();
        let inside = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(inside("var/lib/web/.config/webd")).unwrap();
        std::fs::create_dir_all(inside("etc")).unwrap();
        std::os::unix::fs::symlink(".config/webd", inside("var/lib/web/info")).unwrap();
        std::fs::write(inside("etc/passwd"), "root:x:0:0::/root:/bin/sh\nweb:x:9:9::/var/lib/web:/bin/sh\n").unwrap();
        let words = ["/var/lib/web/info", "/etc", "info"].map(String::from);
        let spelled = |user: &str| at_home(&Tree::partial(folder.path()), &[Some(user)], words.iter());
        let wanted = BTreeMap::from([("/var/lib/web/info".to_string(), "~/.config/webd".to_string())]);
        assert_eq!((spelled("web"), spelled("root")), (wanted, BTreeMap::new()));
    }

    #[test]
    fn a_setting_in_a_comment_counts_where_the_comment_says_that_it_is_the_default() {
        let one = vec![("Socket".to_string(), "/run/web/socket".to_string())];
        assert_eq!(shown_as_default("# Default: /run/web/socket\n#\n# Socket: /var/run/web/socket\n"), one);
        assert_eq!(shown_as_default("# Default: /run/other\n# Socket: /run/web/socket\n"), []);
        assert_eq!(shown_as_default("# Default: /run/web/socket\n\n# Socket: /run/web/socket\n"), []);
        assert_eq!(shown_as_default("# Socket: /run/web/socket\nDefault: /run/web/socket\n"), []);
    }
}
