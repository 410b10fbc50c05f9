//! A program that only watches over the daemon and starts it again: our supervision takes its place.
//!
//! Two kinds are told apart by evidence: a shell's text that runs the daemon in a loop without an end, and a program
//! whose own manual says that what stands behind `--` is for the daemon, which it starts again.

use std::sync::LazyLock;

use regex::Regex;
use svc_compat::Style;
use svc_compat::play::{self, Launch, Machine, Piece, is_unknown};
use svc_core::definition::join;

use super::manual::{self, pattern};
use super::{Tree, passed_on};

/// The daemon itself, and what says so.
pub(super) struct Inner {
    pub(super) launch: Launch,
    pub(super) source: String,
    /// The program that makes room.
    pub(super) watcher: String,
}

/// The daemon that the launched program would start again and again.
pub(super) fn inner(tree: &Tree, launch: &Launch) -> Option<Inner> {
    in_a_loop(tree, launch).or_else(|| by_manual(tree, launch))
}

/// The text of a shell that runs it, waits for its end, and runs it again.
fn in_a_loop(tree: &Tree, launch: &Launch) -> Option<Inner> {
    let (program, words) = launch.command.split_first()?;
    let text = tree.read(program).filter(|text| passed_on::is_shells(text))?;
    let mut before: String = launch.context.environment.iter().map(|(name, value)| assigned(name, value)).collect();
    // Without words there is no verb either.
    before += &format!("set -- {}\n", join(words));
    let lines_before = before.lines().count();
    let whole = [before.as_bytes(), &text].concat();
    let piece = Piece { path: program, text: &whole, style: Style::Own, verb: "start", running: false, granted: &[] };
    let record = play::play(tree, piece);
    let again: Vec<&Launch> = record.launches.iter().filter(|inner| inner.again).collect();
    let [found] = again.as_slice() else { return None };
    let is_known = found.command.iter().all(|word| !word.contains(is_unknown)) && found.command[0].starts_with('/');
    // What is put into the background is not waited for.
    if !is_known || found.background || found.command[0] == *program {
        return None;
    }
    let line = (found.spot.line as usize).saturating_sub(if *found.spot.file == **program { lines_before } else { 0 });
    let source = format!("{}:{line}: it is run in a loop that waits for its end", found.spot.file);
    Some(Inner { launch: within(launch, found), source, watcher: program.clone() })
}

fn assigned(name: &str, value: &str) -> String {
    format!("export {name}={}\n", join(&[value.to_string()]))
}

/// What the one starts inside the other, as whom and where the other starts it.
fn within(outer: &Launch, found: &Launch) -> Launch {
    let mut launch = outer.clone();
    launch.command.clone_from(&found.command);
    let (ours, theirs) = (&mut launch.context, &found.context);
    for (ours, theirs) in [
        (&mut ours.user, &theirs.user),
        (&mut ours.group, &theirs.group),
        (&mut ours.directory, &theirs.directory),
        (&mut ours.nice, &theirs.nice),
        (&mut ours.umask, &theirs.umask),
    ] {
        if theirs.is_some() {
            ours.clone_from(theirs);
        }
    }
    ours.limits.extend(theirs.limits.clone());
    ours.environment.extend(theirs.environment.clone());
    launch.exported.extend(found.exported.clone());
    // The pid in the file was that of the program around it.
    (launch.pid_file, launch.makes_pid_file, launch.background) = (None, false, true);
    launch
}

/// `watchd [options] [-- webd options]`
static BEHIND: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\[?-- ?<?([a-z][a-z0-9_-]+)[ -](options|arguments|args)\b"));
static AGAIN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(terminates|exits|dies|crashes|ends|stops)\b[^.]{0,60}\b(restart(s|ed)?|started again|respawn(s|ed)?)\b",
    )
});

/// By its manual: it starts the daemon again, and hands on what stands behind `--`.
fn by_manual(tree: &Tree, launch: &Launch) -> Option<Inner> {
    let (program, words) = launch.command.split_first()?;
    let at = words.iter().position(|word| word == "--")?;
    let (place, own) = program.rsplit_once('/')?;
    let pages = manual::pages(tree, program);
    let (path, name) = pages.iter().find_map(|(path, page)| {
        let page = page.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = BEHIND.captures(&page).map(|found| found[1].to_string())?;
        AGAIN.is_match(&page).then(|| (path.clone(), name))
    })?;
    let inner = format!("{place}/{name}");
    if own == name || !tree.is_program(&inner) {
        return None;
    }
    let mut found = launch.clone();
    found.command = [inner].into_iter().chain(words[at + 1..].iter().cloned()).collect();
    found.context.environment.clear();
    let mut launch = within(launch, &found);
    // Whether it stays by itself is for its own manual to say.
    launch.background = false;
    let source = format!("{path}: it starts {name} again when that has ended");
    Some(Inner { launch, source, watcher: program.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn watched(files: &[(&str, &str)], command: &str) -> Option<(String, String, bool)> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            fs::set_permissions(&path, mode).unwrap();
        }
        let tree = Tree::partial(folder.path());
        let text = format!("start-stop-daemon -S -b -m -p /run/x.pid --startas {}", command.replacen(' ', " -- ", 1));
        let text = text.into_bytes();
        let piece = Piece {
            path: "/etc/init.d/x",
            text: &text,
            style: Style::Own,
            verb: "start",
            running: false,
            granted: &[],
        };
        let launch = play::play(&tree, piece).launches.pop().unwrap();
        let found = inner(&tree, &launch)?;
        Some((found.launch.command.join(" "), found.source, found.launch.background))
    }

    #[test]
    fn what_a_text_runs_in_a_loop_without_an_end_is_the_daemon() {
        let run = |body: &str| {
            let text = format!("#!/bin/sh\nCMD=\"A=1 /usr/bin/webd $*\"\n{body}\n");
            watched(&[("usr/lib/web/runweb", &text)], "/usr/lib/web/runweb -p 80")
        };
        let found = run("while (true) do\n eval $CMD >/dev/null\n case $? in 0) exit;; esac\ndone").unwrap();
        assert_eq!(found.0, "/usr/bin/webd -p 80");
        assert_eq!(found.1, "/usr/lib/web/runweb:4: it is run in a loop that waits for its end");
        assert!(found.2, "what is waited for stays in the foreground");
        assert_eq!(run("while :; do /usr/bin/webd & sleep 5; done"), None);
        assert_eq!(run("while [ -e /etc/web ]; do /usr/bin/webd; done"), None);
        assert_eq!(run("while :; do /usr/bin/webd; /usr/bin/otherd; done"), None);
        assert_eq!(run("exec /usr/bin/webd"), None);
    }

    #[test]
    fn what_the_manual_says_is_started_again_is_the_daemon() {
        let page = "NAME\nwatchd - watches over webd\n.SH SYNOPSIS\nwatchd [options] [-- webd options]\n\
                    .SH DESCRIPTION\nIf webd terminates it will automatically be restarted.\n";
        let run = |page: &str, command: &str| {
            watched(&[("usr/share/man/man1/watchd.1", page), ("usr/sbin/webd", "\x7fELF")], command)
        };
        let found = run(page, "/usr/sbin/watchd -P /run/x.pid -- -C /etc/web.conf").unwrap();
        assert_eq!((found.0.as_str(), found.2), ("/usr/sbin/webd -C /etc/web.conf", false));
        assert_eq!(run(page, "/usr/sbin/watchd -P /run/x.pid"), None);
        let other = page.replace("restarted", "reported");
        assert_eq!(run(&other, "/usr/sbin/watchd -- -C /etc/web.conf"), None);
    }
}
