//! A daemon sent SIGHUP in a sandbox: whether it goes on, and reads its configuration again.

use std::path::PathBuf;
use std::time::Duration;

use svc_compat::play::Machine;
use svc_core::definition::join;

use super::Tree;
use super::draft::Draft;
use super::elf::Program;
use super::handled::{self, Hangup};
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

/// What came of sending it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It goes on, and reads this file again.
    Reads(String),
    /// It goes on, and reads nothing again of what it read at its start.
    ReadsNothing,
    /// It has a handler and goes on; of what it reads nothing is known.
    GoesOn,
    /// It ignores it.
    Ignores,
    /// It has a handler, and ends.
    Ends,
}

/// What each is printed as.
const READS: &str = "reads again: ";
const READS_NOTHING: &str = "reads nothing";
const GOES_ON: &str = "goes on";
const IGNORES: &str = "ignores it";
const ENDS: &str = "ends";

/// Whether a signal may tell more of this daemon: of a reload nothing is known for certain, but it may have a handler.
pub(super) fn may_tell(tree: &Tree, draft: &Draft) -> bool {
    let is_open = draft.reload.is_none() || draft.hangup == Some(Hangup::Handled);
    let Some(program) = draft.command.first().filter(|_| is_open && draft.stay.foreground) else { return false };
    Program::read(tree, program).is_some_and(|program| program.may_catch()) || handled::has_handler(tree, program)
}

/// What it does when the signal has come; `None`: it did not come so far.
pub(super) fn tried(tree: &Tree, lowers: &[PathBuf], draft: &Draft) -> Option<Seen> {
    let printed = rehearse::printed(&text(draft, &files(tree, draft)), lowers, TIME_MAX).ok()?;
    printed.lines().find_map(|line| match line {
        READS_NOTHING => Some(Seen::ReadsNothing),
        GOES_ON => Some(Seen::GoesOn),
        IGNORES => Some(Seen::Ignores),
        ENDS => Some(Seen::Ends),
        line => line.strip_prefix(READS).map(|file| Seen::Reads(file.to_string())),
    })
}

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

/// Runs it as the definition does, waits until it has read what it reads at its start and is calm, and sends SIGHUP.
///
/// Times of access tell what was read: they are set back before. Who looks whether a file was changed finds one
/// changed. Who looks by himself now and then may do so just after the signal: what was read is read a second time for
/// a second signal, and not without one. What a slow machine makes too late counts as nothing.
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
    let (watched, command) = (watched(files), join(&draft.command));
    format!(
        "#!/bin/sh\n{watched}{made}{variables}cd '{directory}' || exit 0\n\
         nap() {{ timeout 0.25 tail -f /dev/null; }}\n\
         has() {{ grep -q \"^$1:.*[13579bdf]$\" /proc/$2/status; }}\n\
         lives() {{ kill -0 $pid 2>/dev/null || {{ echo $1; exit 0; }}; }}\n\
         is() {{ echo \"$1\"; kill -KILL $pid; exit 0; }}\n\
         look() {{ round=0 found=$(fresh)\n\
         until [ -n \"$found\" ] || [ $((round += 1)) -gt $1 ]; do nap; lives $2; found=$(fresh); done; }}\n\
         has SigIgn $$ && exit 0\n\
         age\n\
         {become_user}{command} </dev/null >/dev/null 2>&1 &\n\
         pid=$! calm=0\n\
         look $start; known=$found\n\
         until [ $calm -ge 4 ] || [ $((round += 1)) -gt 40 ]; do\n\
         age; nap; lives\n\
         [ -n \"$(fresh)\" ] && calm=0 || calm=$((calm + 1))\n\
         done\n\
         [ $calm -ge 4 ] || is ''\n\
         has SigIgn $pid && is '{IGNORES}'\n\
         has SigCgt $pid || has SigBlk $pid || is ''\n\
         change; nap; nap; age\n\
         [ -n \"$known\" ] && most=20 || most=8\n\
         kill -HUP $pid; look $most {ENDS}; read=$found took=$round\n\
         nap; nap; lives {ENDS}\n\
         if [ -n \"$read\" ]; then\n\
         age; change; look $((took * 4 + 4)); [ -z \"$found\" ] || is ''\n\
         kill -HUP $pid; look $most {ENDS}; nap; nap; lives {ENDS}\n\
         [ -z \"$found\" ] || is \"{READS}$read\"\n\
         fi\n\
         [ -z \"$known\" ] || is '{READS_NOTHING}'\n\
         has ShdPnd $pid || is '{GOES_ON}'\n\
         is ''\n"
    )
}

/// How the script sets back when the files were read, finds one that was read since, and changes them; and how long it
/// waits at first.
fn watched(files: &[String]) -> String {
    if files.is_empty() {
        return "age() { :; }\nfresh() { :; }\nchange() { :; }\nstart=8\n".to_string();
    }
    let files = join(files);
    format!(
        "age() {{ touch -a -d @1000000 -- {files}; }}\n\
         fresh() {{ find -H {files} -newerat @2000000 | head -n 1; }}\n\
         change() {{ touch -m -- {files}; }}\nstart=20\n"
    )
}
