//! A daemon sent SIGHUP in a sandbox: whether it goes on, and reads its configuration again.

use std::path::PathBuf;
use std::time::Duration;

use svc_compat::play::Machine;
use svc_core::definition::join;

use super::Tree;
use super::draft::Draft;
use super::elf::Program;
use super::hangup;
use super::manual::own_texts;
use crate::rehearse;

/// All of it takes no longer.
const TIME_MAX: Duration = Duration::from_secs(30);
/// Files that are looked at; a program that names more is about something else.
const FILES_MAX: usize = 100;
/// What everybody reads is nobody's configuration.
const COMMON: [&str; 20] = [
    "passwd",
    "group",
    "shadow",
    "gshadow",
    "hosts",
    "host.conf",
    "services",
    "protocols",
    "networks",
    "resolv.conf",
    "nsswitch.conf",
    "localtime",
    "timezone",
    "ld.so.cache",
    "ld.so.conf",
    "mtab",
    "fstab",
    "hostname",
    "hosts.allow",
    "hosts.deny",
];

/// Whether a signal may tell more of this daemon: nothing is known of a reload, but it has a handler.
pub(super) fn may_tell(tree: &Tree, draft: &Draft) -> bool {
    let Some(program) = draft.command.first().filter(|_| draft.reload.is_none() && draft.stay.foreground) else {
        return false;
    };
    let catches = || Program::read(tree, program).is_some_and(|program| program.catches(hangup::HANGUP));
    (catches() || hangup::has_handler(tree, program)) && !files(tree, draft).is_empty()
}

/// The file that it reads again when the signal has come.
pub(super) fn tried(tree: &Tree, lowers: &[PathBuf], draft: &Draft) -> Option<String> {
    let printed = rehearse::printed(&text(draft, &files(tree, draft)), lowers, TIME_MAX).ok()?;
    printed.lines().find_map(|line| line.strip_prefix(MARK)).map(String::from)
}

/// What begins a line with a file that was read.
const MARK: &str = "read again: ";

/// What may be its configuration: among its arguments, built in, or of its name in a directory of `/etc`.
fn files(tree: &Tree, draft: &Draft) -> Vec<String> {
    let value = |word: &String| word.rsplit_once('=').map_or(word.clone(), |(_, value)| value.to_string());
    let given = draft.command.iter().skip(1).map(value);
    let built_in = own_texts(tree, &draft.command[0], |text| text.starts_with(b"/etc/") && text.len() < 200);
    let program = draft.command[0].rsplit('/').next().unwrap_or_default();
    let places = tree.list("/etc").into_iter().map(|name| format!("/etc/{name}")).chain(["/etc".to_string()]);
    let named = places.flat_map(|place| ["conf", "cfg"].map(|end| format!("{place}/{program}.{end}")));
    let is_common = |path: &str| COMMON.iter().any(|name| path.strip_prefix("/etc/") == Some(*name));
    let mut out: Vec<String> = given.chain(built_in).chain(named).filter(|path| path.starts_with("/etc/")).collect();
    out.retain(|path| !is_common(path) && !path.contains(['\'', '\n', '%']) && tree.is_file(path));
    out.sort();
    out.dedup();
    if out.len() > FILES_MAX { Vec::new() } else { out }
}

/// Runs it as the definition does, waits until it has read what it reads at its start and is calm, and sends it SIGHUP.
///
/// Times of access tell what was read: they are set back before. What a slow machine makes too late counts as nothing.
fn text(draft: &Draft, files: &[String]) -> String {
    let user = draft.user.as_deref().unwrap_or("root");
    let group = draft.group.as_deref().map_or_else(|| format!("$(id -g {user})"), String::from);
    let become_user = match draft.user.is_some() || draft.group.is_some() {
        true => format!("setpriv --reuid={user} --regid={group} --init-groups -- "),
        false => String::new(),
    };
    let value = |name: &str| draft.keys.iter().find(|key| key.table.is_empty() && key.name == name);
    let directory = value("directory").map_or("/", |key| key.value.trim_matches(['"', '\'']));
    let made: String = draft
        .runtime_directories
        .iter()
        .map(|name| format!("mkdir -p '/run/{name}'; chown {user} '/run/{name}'\n"))
        .collect();
    let variables = draft.keys.iter().filter(|key| key.table == "environment" && !key.value.contains(['\'', '\\']));
    let variables: String =
        variables.map(|key| format!("export {}='{}'\n", key.name, key.value.trim_matches(['"', '\'']))).collect();
    let (files, command) = (join(files), join(&draft.command));
    format!(
        "#!/bin/sh\nset -- {files}\n{made}{variables}cd '{directory}' || exit 0\n\
         nap() {{ timeout 0.25 tail -f /dev/null; }}\n\
         age() {{ touch -a -d @1000000 -- \"$@\"; }}\n\
         fresh() {{ find -H \"$@\" -newerat @2000000 | head -n 1; }}\n\
         lives() {{ kill -0 $pid 2>/dev/null || exit 0; }}\n\
         age \"$@\"\n\
         {become_user}{command} </dev/null >/dev/null 2>&1 &\n\
         pid=$! round=0 calm=0\n\
         until [ -n \"$(fresh \"$@\")\" ] || [ $((round += 1)) -gt 20 ]; do nap; lives; done\n\
         [ $round -le 20 ] || exit 0\n\
         until [ $calm -ge 4 ] || [ $((round += 1)) -gt 40 ]; do\n\
         age \"$@\"; nap; lives\n\
         [ -n \"$(fresh \"$@\")\" ] && calm=0 || calm=$((calm + 1))\n\
         done\n\
         [ $calm -ge 4 ] || exit 0\n\
         kill -HUP $pid; round=0\n\
         until [ -n \"$(fresh \"$@\")\" ] || [ $((round += 1)) -gt 20 ]; do nap; lives; done\n\
         found=$(fresh \"$@\"); nap; nap; lives\n\
         [ -z \"$found\" ] || echo \"{MARK}$found\"\n\
         kill -KILL $pid\n"
    )
}
