//! How other supervisors run the daemon of a script, by their files beside it: those of runit and of upstart.
//!
//! Both want it in the foreground, so what they start it with keeps it there.

use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece, UNKNOWN};

use super::Tree;
use super::manual::Described;

/// More services than this are not looked through.
const SERVICES_MAX: usize = 256;

/// What is to be done to the words of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) with: Vec<String>,
    pub(super) without: Vec<String>,
    /// What says so.
    pub(super) source: String,
}

/// By what the command differs from that of another supervisor, if that can only be what keeps it in the foreground.
pub(super) fn change(tree: &Tree, command: &[String], described: &[Described]) -> Option<Change> {
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_string();
    let program = base(command.first()?);
    let is_it = |other: &(String, Vec<String>)| other.1.first().is_some_and(|first| base(first) == program);
    let (path, other) = files(tree).into_iter().filter_map(|file| played(tree, file)).find(is_it)?;
    let more = |one: &[String], than: &[String]| -> Vec<(String, bool)> {
        let words = one.iter().enumerate().skip(1).filter(|(_, word)| word.starts_with('-') && !than.contains(word));
        let has_value = |at: usize| one.get(at + 1).is_some_and(|next| !next.starts_with('-') && !than.contains(next));
        words.map(|(at, word)| (word.clone(), has_value(at))).collect()
    };
    let is_known = |word: &String| described.iter().any(|known| known.names.contains(word));
    let source = format!("{path} runs it in the foreground");
    match (more(&other, command).as_slice(), more(command, &other).as_slice()) {
        ([], []) => Some(Change { source: format!("{source} with the same options"), ..Change::default() }),
        // An option that is described is for what is said of it, and that is looked at before.
        ([(with, false)], _) if !is_known(with) => {
            Some(Change { with: vec![with.clone()], source: format!("{source} with {with}"), ..Change::default() })
        }
        ([], [(without, false)]) if !is_known(without) => Some(Change {
            without: vec![without.clone()],
            source: format!("{source} without {without}"),
            ..Change::default()
        }),
        _ => None,
    }
}

/// The files of both, with the text that a shell would be given.
fn files(tree: &Tree) -> Vec<(String, String)> {
    let text = |path: &str| Some(svc_compat::text::decode(&tree.read(path)?));
    let runs = tree.list("/etc/sv").into_iter().take(SERVICES_MAX).map(|name| format!("/etc/sv/{name}/run"));
    let mut out: Vec<(String, String)> = runs.filter_map(|path| text(&path).map(|text| (path, text))).collect();
    let jobs = tree.list("/etc/init").into_iter().filter(|name| name.ends_with(".conf")).take(SERVICES_MAX);
    let jobs = jobs.map(|name| format!("/etc/init/{name}"));
    out.extend(jobs.filter_map(|path| text(&path).and_then(|text| job(&text)).map(|text| (path, text))));
    out
}

/// What a job of upstart executes, where it does not expect it to fork.
fn job(text: &str) -> Option<String> {
    let lines = || text.lines().map(str::trim);
    if lines().any(|line| line.starts_with("expect ")) {
        return None;
    }
    if let Some(line) = lines().find(|line| line.starts_with("exec ")) {
        return Some(line.to_string());
    }
    let inside = lines().skip_while(|line| *line != "script").skip(1).take_while(|line| *line != "end script");
    let inside: Vec<&str> = inside.collect();
    (!inside.is_empty()).then(|| inside.join("\n"))
}

/// The command that a text comes to, as far as it is known.
fn played(tree: &Tree, (path, text): (String, String)) -> Option<(String, Vec<String>)> {
    let piece =
        Piece { path: &path, text: text.as_bytes(), style: Style::Own, verb: "start", running: false, granted: &[] };
    let launch = play::play(tree, piece).launches.pop()?;
    let words = launch.command.into_iter().filter(|word| !word.contains(UNKNOWN)).collect();
    Some((path, words))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn changed(file: &str, text: &str, command: &str) -> Option<(String, String)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        let command: Vec<String> = command.split(' ').map(String::from).collect();
        let known = Described {
            names: vec!["-u".into()],
            text: "become this user".into(),
            more: String::new(),
            takes: true,
            source: String::new(),
        };
        let found = change(&Tree::partial(folder.path()), &command, &[known])?;
        Some((found.with.join(" "), found.without.join(" ")))
    }

    #[test]
    fn the_one_option_that_another_supervisor_gives_or_leaves_out_keeps_it_in_the_foreground() {
        let of = |with: &str, without: &str| Some((with.to_string(), without.to_string()));
        let run = |text: &str, command: &str| changed("etc/sv/web/run", text, command);
        let text = "#!/bin/sh\nexec 2>&1\nexec chpst -u web /usr/sbin/webd -p 80 -X\n";
        assert_eq!(run(text, "/usr/sbin/webd -p 80"), of("-X", ""));
        assert_eq!(run(text, "/usr/sbin/webd -p 81"), of("-X", ""));
        assert_eq!(run(text, "/usr/sbin/webd -p 80 -X"), of("", ""));
        assert_eq!(run(text, "/usr/sbin/webd -p 80 -X -b"), of("", "-b"));
        assert_eq!(run(text, "/usr/sbin/other -p 80"), None);
        assert_eq!(run("#!/bin/sh\nexec /usr/sbin/webd -u web\n", "/usr/sbin/webd"), None);
        assert_eq!(run("#!/bin/sh\nexec /usr/sbin/webd -X -Y\n", "/usr/sbin/webd"), None);
        let job = |text: &str| changed("etc/init/web.conf", text, "/usr/sbin/webd");
        assert_eq!(job("start on runlevel 2\nexec /usr/sbin/webd -X\n"), of("-X", ""));
        assert_eq!(job("expect fork\nexec /usr/sbin/webd -X\n"), None);
        assert_eq!(job("script\n  exec /usr/sbin/webd -X\nend script\n"), of("-X", ""));
    }
}
