//! A reload by the daemon's own program that would look into a pid file, where there is none in the foreground.

use std::sync::LazyLock;

use regex::Regex;
use svc_core::definition::join;

use super::Tree;
use super::manual::{self, Described};

/// `using the given PID, rather than consulting the PID file`.
static ADDRESSES: LazyLock<Regex> =
    LazyLock::new(|| manual::pattern(r"\bpid\b[^.]{0,60}\b(rather than|instead of)\b[^.]{0,40}\bpid[ -]?file\b"));

/// Whether an option only says which process is meant, by what is said of it.
pub fn is_address(option: &Described) -> bool {
    option.takes && ADDRESSES.is_match(&option.text.to_lowercase())
}

/// The command with the option by which it is told the main process, and what says so.
///
/// A definition's commands are run without a shell, but have `MAINPID` in their environment: a shell fills it in.
pub(super) fn to_main_process(tree: &Tree, daemon: &[String], reload: &[String]) -> Option<(String, String)> {
    let base = |command: &[String]| command.first()?.rsplit('/').next().map(String::from);
    base(daemon).filter(|name| base(reload).as_ref() == Some(name))?;
    let described = manual::described(tree, reload);
    let option = described.iter().find(|known| is_address(known))?;
    let name = option.names.first().filter(|_| !option.names.iter().any(|name| reload.contains(name)))?;
    let text = format!("exec {} {name} \"$MAINPID\"", join(reload));
    Some((join(&["/bin/sh".to_string(), "-c".to_string(), text]), format!("{}: {name}", option.source)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_can_be_told_the_process_is_told_it() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("usr/share/man/man8");
        std::fs::create_dir_all(&place).unwrap();
        let told = |text: &str, daemon: &str, reload: &str| {
            std::fs::write(place.join("webd.8"), format!(".TP\n.B -P pid\n{text}\n.TP\n.B -c word\nTell it.\n"))
                .unwrap();
            let words = |text: &str| text.split(' ').map(String::from).collect::<Vec<_>>();
            to_main_process(&Tree::partial(folder.path()), &words(daemon), &words(reload)).map(|(value, _)| value)
        };
        let page = "Send it to the given PID, rather than consulting the PID file.";
        let value = told(page, "/sbin/webd -F", "/usr/sbin/webd -c reload").unwrap();
        let words = svc_core::definition::words(&value).unwrap();
        assert_eq!(words, ["/bin/sh", "-c", "exec /usr/sbin/webd -c reload -P \"$MAINPID\""]);
        assert_eq!(told(page, "/sbin/webd -F", "/usr/sbin/webctl -c reload"), None, "another program");
        assert_eq!(told(page, "/sbin/webd -F", "/usr/sbin/webd -c reload -P 7"), None, "it is told already");
        assert_eq!(told("Write the PID into the PID file.", "/sbin/webd", "/sbin/webd -c reload"), None);
    }
}
