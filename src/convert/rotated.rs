//! What a daemon is told when its logs are rotated, by logrotate(8): a signal that it does not end on.

use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece};

use super::Tree;

const PLACE: &str = "/etc/logrotate.d";

/// The file and line by which the daemon gets SIGHUP after its logs were rotated.
///
/// `names` are what it is known by: its service, its program, its pid file.
pub(super) fn hangs_up(tree: &Tree, names: &[&str]) -> Option<String> {
    for file in tree.list(PLACE) {
        let path = format!("{PLACE}/{file}");
        let text = svc_compat::text::decode(&tree.read(&path)?);
        for (line, block) in blocks(&text) {
            let names_it = |text: &str| names.iter().any(|name| !name.is_empty() && is_word_in(text, name));
            if !names_it(&block) && !names.contains(&file.as_str()) {
                continue;
            }
            let piece = Piece {
                path: &path,
                text: block.as_bytes(),
                style: Style::Own,
                verb: "rotate",
                running: true,
                granted: &[],
            };
            let sent = play::play(tree, piece).sent;
            if !sent.is_empty() && sent.iter().all(|sent| sent.signal == "HUP") {
                return Some(format!("{path}:{line}"));
            }
        }
    }
    None
}

/// What is run after a rotation, with the line on which it begins.
fn blocks(text: &str) -> Vec<(usize, String)> {
    let mut out: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    for (at, line) in text.lines().enumerate() {
        match line.trim() {
            "postrotate" | "lastaction" => {
                is_inside = true;
                out.push((at + 2, String::new()));
            }
            "endscript" => is_inside = false,
            _ if is_inside => {
                if let Some((_, block)) = out.last_mut() {
                    block.push_str(line);
                    block.push('\n');
                }
            }
            _ => {}
        }
    }
    out
}

/// `webd` is in `killall webd` and in `/run/webd.pid`, not in `webdav`.
fn is_word_in(text: &str, name: &str) -> bool {
    let goes_on = |found: char| found.is_ascii_alphanumeric() || found == '-' || found == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(goes_on)
            && !text[at + name.len()..].chars().next().is_some_and(goes_on)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn said(after: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("etc/logrotate.d");
        fs::create_dir_all(&place).unwrap();
        let text = format!("/var/log/webd.log {{\n  weekly\n  postrotate\n    {after}\n  endscript\n}}\n");
        fs::write(place.join("weblogs"), text).unwrap();
        hangs_up(&Tree::partial(folder.path()), &["web", "webd", "/run/webd.pid"])
    }

    #[test]
    fn the_signal_after_a_rotation_is_known_where_it_is_for_this_daemon() {
        let here = Some("/etc/logrotate.d/weblogs:4".to_string());
        assert_eq!(said("kill -HUP $(cat /run/webd.pid) 2>/dev/null || true"), here);
        assert_eq!(said("[ ! -f /run/webd.pid ] || kill -HUP `cat /run/webd.pid`"), here);
        assert_eq!(said("killall -HUP webd"), here);
        assert_eq!(said("kill -USR1 $(cat /run/webd.pid)"), None);
        assert_eq!(said("killall -HUP webdav"), None);
        assert_eq!(said("kill -HUP $(cat /run/webd.pid); kill -TERM $(cat /run/webd.pid)"), None);
        assert_eq!(said("/etc/init.d/webd restart"), None);
    }
}
