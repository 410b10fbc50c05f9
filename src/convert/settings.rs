//! A configuration file that sends its daemon into the background, and a command line that has the last word.

use std::sync::LazyLock;

use regex::Regex;
use svc_compat::play::Machine;

use super::Tree;
use super::manual::{self, own_texts};

/// Configuration files that are longer are not looked through.
const FILE_BYTES_MAX: usize = 1 << 18;
/// Keys by which daemons are sent into the background.
const GOES: [&str; 4] = ["daemonize", "daemonise", "daemon", "background"];

/// `/etc/webd.conf --port 80`: a key of the file is an option behind it.
static BEHIND: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\.conf[ \t]+--([a-z][a-z-]*)[ \t]+[A-Za-z0-9]").expect("the pattern of this file is well-formed")
});

/// Options that keep the daemon in the foreground against its configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Overruled {
    pub(super) options: [String; 2],
    /// What says so.
    pub(super) source: String,
}

/// Where the configuration among the arguments has such a key, and the program's own usage gives keys of that file as
/// options behind it.
pub(super) fn overruled(tree: &Tree, command: &[String]) -> Option<Overruled> {
    let program = command.first()?;
    let files = command.iter().skip(1).filter(|word| word.starts_with("/etc/"));
    let (file, text) = files.filter_map(|file| Some((file, tree.read(file)?))).next()?;
    let text = svc_compat::text::decode(&text[..text.len().min(FILE_BYTES_MAX)]);
    let key =
        GOES.into_iter().find(|key| set(&text, key).is_some_and(|value| ["yes", "true", "on"].contains(&value)))?;
    let option = format!("--{key}");
    if command.contains(&option) {
        return None;
    }
    let usage = own_texts(tree, program, |text| text.windows(7).any(|part| part == b".conf -")).into_iter();
    let pages = manual::pages(tree, program).into_iter().map(|(_, text)| text);
    let shown = usage.chain(pages).find_map(|usage| {
        let mut keys = BEHIND.captures_iter(&usage).map(|found| found[1].to_string());
        keys.find(|key| set(&text, key).is_some())
    })?;
    let source = format!("{file}: {key}; {program} says itself that --{shown} behind it overrules its {shown}");
    Some(Overruled { options: [option, "no".to_string()], source })
}

/// The value of a key, where a line has nothing but both.
fn set<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    lines.find_map(|words| match words.as_slice() {
        [first, value] if first.eq_ignore_ascii_case(key) => Some(*value),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn overruled_by(configuration: &str, usage: &str) -> Option<[String; 2]> {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, bytes: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        put("etc/keyd.conf", configuration.as_bytes());
        put("usr/bin/keyd", &[b"\x7fELF\x02\x01\0", usage.as_bytes(), b"\0"].concat());
        let command = ["/usr/bin/keyd".to_string(), "/etc/keyd.conf".to_string()];
        overruled(&Tree::partial(folder.path()), &command).map(|found| found.options)
    }

    #[test]
    fn a_key_of_the_file_is_overruled_where_the_usage_shows_another_one_as_an_option() {
        let wanted = Some(["--daemonize".to_string(), "no".to_string()]);
        let usage = "Examples:\n  ./keyd /etc/my.conf --loglevel verbose\n";
        assert_eq!(overruled_by("port 1\nloglevel notice\ndaemonize yes\n", usage), wanted);
        assert_eq!(overruled_by("port 1\nloglevel notice\ndaemonize no\n", usage), None);
        assert_eq!(overruled_by("port 1\nloglevel notice\n# daemonize yes\n", usage), None);
        // The option is none of the file's keys: nothing says that `daemonize` may be one.
        assert_eq!(overruled_by("port 1\ndaemonize yes\n", usage), None);
        assert_eq!(overruled_by("loglevel notice\ndaemonize yes\n", "keyd [--loglevel LEVEL] FILE"), None);
    }
}
