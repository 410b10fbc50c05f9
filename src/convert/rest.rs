//! The lines of a script that have no counterpart in the definition, each with the reason.

use std::collections::BTreeMap;

use svc_compat::shell::Shell;

use super::draft::Draft;
use super::evidence::Evidence;

/// Lines next to each other with one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// The first line.
    pub first: u32,
    /// The last one.
    pub last: u32,
    /// Why they have no counterpart.
    pub reason: String,
}

const MESSAGE: &str = "messages: svc says itself what it does";
const ORDER: &str = "what comes first: `after` and `before`, as order";
const STATE: &str = "looks whether it runs: svc knows";
const LIBRARY: &str = "functions of a library, which are not needed";
const WAIT: &str = "waits: `ready` and the time limits of the definition do that";
const PID: &str = "pid files and locks: svc knows its processes";
const STOP: &str = "ends the daemon: svc does, as [stop] says";
const CHOICE: &str = "chooses what to do: svc has the verbs";
const VALUE: &str = "a value that the command does not need";
const ASKED: &str = "a condition under which the script does nothing; `svc check` looks at the program itself";
const AGAIN: &str = "calls the script itself: svc restarts by its own rules";
const MADE: &str = "makes or owns files: those below /run are runtime-directory";

/// Every line with a command that found its way into no key.
pub fn rest(text: &[u8], evidence: &Evidence, draft: &Draft) -> Vec<Rest> {
    let shell = Shell::read(text);
    let carried = |line: u32| draft.lines.iter().any(|spot| spot.line == line && *spot.file == *evidence.path);
    let mut reasons: BTreeMap<u32, String> = BTreeMap::new();
    for command in &shell.commands {
        let Some(first) = command.words.first().or(command.assignments.first()) else { continue };
        let last = command.words.last().unwrap_or(first);
        let lines = shell.line(first.start)..=shell.line(last.end);
        if lines.clone().any(carried) {
            continue;
        }
        let words: Vec<String> =
            command.words.iter().map(|word| svc_compat::text::decode(shell.bytes(*word))).collect();
        let reason = reason(&words, evidence, lines.clone().next().unwrap_or(0));
        reasons.entry(*lines.start()).or_insert(reason);
    }
    let mut out: Vec<Rest> = Vec::new();
    for (line, reason) in reasons {
        match out.last_mut() {
            Some(last) if last.reason == reason && line <= last.last + 3 => last.last = line,
            _ => out.push(Rest { first: line, last: line, reason }),
        }
    }
    out
}

fn reason(words: &[String], evidence: &Evidence, line: u32) -> String {
    let Some(name) = words.first() else { return VALUE.to_string() };
    let bare = name.rsplit('/').next().unwrap_or(name).trim_matches('"');
    let all = words.join(" ");
    let fixed = match bare {
        _ if bare.starts_with("log_") || bare.starts_with("vlog_") => MESSAGE,
        "echo" | "printf" | "logger" | "cat" => MESSAGE,
        "need" | "use" | "want" | "before" | "after" | "provide" | "keyword" => ORDER,
        "ebegin" | "eend" | "einfo" | "ewarn" | "eerror" => MESSAGE,
        "." | "source" if all.contains("/etc/default") || all.contains("sysconfig") => {
            "read when it was converted; its values are in the definition"
        }
        "." | "source" => LIBRARY,
        "status_of_proc" | "pidofproc" | "pidof" | "pgrep" | "ps" | "kill" if all.contains(" -0") => STATE,
        "status_of_proc" | "pidofproc" | "pidof" | "pgrep" | "ps" => STATE,
        "start-stop-daemon" if all.contains("--test") || all.contains("--status") => STATE,
        "start-stop-daemon" | "killproc" | "kill" | "killall" | "pkill" => STOP,
        "sleep" | "wait" | "for" | "seq" => WAIT,
        "rm" | "touch" => PID,
        "checkpath" | "mkdir" | "chown" | "chmod" | "chgrp" | "install" | "ln" => MADE,
        "[" | "test" | "[[" => ASKED,
        "exit" | "return" | "break" | "continue" | "shift" | "true" | ":" | "set" | "false" => CHOICE,
        "export" | "local" | "unset" | "umask" | "ulimit" | "readonly" | "eval" => VALUE,
        _ if name.contains("$0") || all.contains("/etc/init.d/") || bare == "invoke-rc.d" => AGAIN,
        _ if evidence.start.functions.contains(name) || evidence.stop.functions.contains(name) => CHOICE,
        "$1" | "$@" | "command" | "type" | "which" | "grep" | "sed" | "awk" | "cut" | "basename" | "dirname" => CHOICE,
        "run_rc_command" | "load_rc_config" => LIBRARY,
        _ => "",
    };
    if !fixed.is_empty() {
        return fixed.to_string();
    }
    let shown: String = all.chars().take(60).collect();
    let played =
        [&evidence.start, &evidence.stop].iter().any(|record| record.lines.iter().any(|spot| spot.line == line));
    match played {
        true => format!("`{shown}` is not carried over: if the daemon needs it, it has to be added"),
        false => format!("`{shown}` was not come to by start or stop"),
    }
}
