//! `service` in Debian's grammar.

use std::io::{self, Write};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, ExitCode};

use svc_compat::environment::LOCALE;
use svc_compat::header::systemd;

use super::super::manager::{self, Manager};
use super::super::script::{self, Captured, SCRIPTS};
use super::super::{called_as, rcconf};
use crate::wire::Summary;

/// The version whose answers these are.
const VERSION: &str = "1.65.2+deb12u1";
/// What lies among the scripts and is not asked for its status.
const PASSED_OVER: [&str; 12] = [
    "functions",
    "halt",
    "killall",
    "single",
    "linuxconf",
    "kudzu",
    "skeleton",
    "README",
    "rc",
    "rcS",
    "reboot",
    "bootclean.sh",
];
/// A script may take so long to say how its service is, unless `SVC_STATUS_SECONDS` says otherwise; the original waits
/// for ever.
const STATUS_SECONDS_MAX: u64 = 30;
/// Where OpenRC notes what is started.
const STARTED: &str = "/run/openrc/started";

/// The command line.
#[derive(Debug, Default)]
struct Call {
    service: String,
    action: String,
    options: Vec<String>,
}

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    ExitCode::from(answer(words))
}

fn answer(words: &[String]) -> u8 {
    if words.is_empty() {
        eprintln!("{}", usage());
        return 1;
    }
    let mut call = Call::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        if word == "-h" || word.starts_with("--h") {
            eprintln!("{}", usage());
            return 0;
        }
        if word == "-V" || word == "--version" {
            eprintln!("{} ver. {VERSION}", called_as("service"));
            return 0;
        }
        if call.service.is_empty() && after.is_empty() && word == "--status-all" {
            return status_all();
        }
        if let [full] = after
            && full == "--full-restart"
        {
            call.service.clone_from(word);
            if let Some(code) = full_restart(word) {
                return code;
            }
        } else if call.service.is_empty() {
            call.service.clone_from(word);
        } else if call.action.is_empty() {
            call.action.clone_from(word);
        } else {
            call.options.push(word.clone());
        }
        rest = after;
    }
    one(&call)
}

fn usage() -> String {
    let name = called_as("service");
    format!("Usage: {name} < option > | --status-all | [ service_name [ command | --full-restart ] ]")
}

fn one(call: &Call) -> u8 {
    let Call { service, action, options } = call;
    let words = script::split(&[action.as_str(), &options.join(" ")].join(" "));
    if let Some(manager) = Manager::find()
        && let Some(known) = manager.service(service)
        && !words.is_empty()
        && !(known.is_script() && words[0] == "status")
    {
        return known.act(&words);
    }
    if rcconf::below(systemd::AT_WORK).is_dir() {
        if !is_dropped(service)
            && let Some(command) = of_systemd(service, action)
        {
            return script::replace_by(command);
        }
    } else {
        note_started(service, action);
    }
    let Some(path) = script::executable(service) else {
        eprintln!("{service}: unrecognized service");
        return 1;
    };
    let mut command = script::cleaned(path, &kept());
    command.current_dir("/").args(words);
    script::replace_by(command)
}

/// What a script sees of the caller's environment.
fn kept() -> Vec<&'static str> {
    LOCALE.into_iter().chain(["PATH", "TERM"]).collect()
}

fn unit_of(service: &str) -> String {
    format!("{}.service", service.strip_suffix(".sh").unwrap_or(service))
}

/// Since release 260 systemd knows nothing of a script without a unit; the original asks it all the same, in vain.
fn is_dropped(service: &str) -> bool {
    let unit = unit_of(service);
    let asked = || Command::new("systemctl").args(["-p", "LoadState", "show", &unit]).output();
    script::executable(service).is_some()
        && asked().is_ok_and(|output| output.stdout.trim_ascii() == b"LoadState=not-found")
}

/// The call of systemctl(1) that is meant, for the verbs that it has.
fn of_systemd(service: &str, action: &str) -> Option<Command> {
    let unit = unit_of(service);
    let mut command = Command::new("systemctl");
    match action {
        "start" | "stop" | "restart" | "status" | "try-restart" => command.args([action, &unit]),
        "force-stop" => command.args(["--signal=KILL", "kill", &unit]),
        "reload" | "force-reload" => {
            let asked = Command::new("systemctl").args(["-p", "CanReload", "show", &unit]).output();
            let can = asked.is_ok_and(|output| output.stdout.trim_ascii() != b"CanReload=no");
            match (can, action) {
                (true, _) => command.args(["reload", &unit]),
                (false, "force-reload") => command.args(["restart", &unit]),
                (false, _) => return None,
            }
        }
        _ => return None,
    };
    Some(command)
}

/// Keeps OpenRC's notes of what is started, so that rc-status(8) shows what was started by hand.
fn note_started(service: &str, action: &str) {
    let started = rcconf::below(STARTED);
    // A name that leads elsewhere is nothing to note, and nothing to remove.
    if script::path(service).is_none() || !started.is_dir() {
        return;
    }
    let note = started.join(service);
    let told = match action {
        "start" if !note.is_symlink() => {
            let name = Path::new(SCRIPTS).join(service);
            symlink(&name, &note).map_err(|error| {
                format!("ln: failed to create symbolic link '{}': {}", note.display(), script::plain(&error))
            })
        }
        "stop" => std::fs::remove_file(&note)
            .map_err(|error| format!("rm: cannot remove '{}': {}", note.display(), script::plain(&error))),
        _ => return,
    };
    if let Err(text) = told {
        eprintln!("{text}");
    }
}

/// Stop, then start; `None` where there is no such script, which the original takes for an action then.
fn full_restart(service: &str) -> Option<u8> {
    if let Some(manager) = Manager::find()
        && let Some(known) = manager.service(service)
    {
        return Some(known.act(&["restart".to_owned()]));
    }
    if rcconf::below(systemd::AT_WORK).is_dir() {
        let command = of_systemd(service, "restart")?;
        return Some(script::replace_by(command));
    }
    let path = script::executable(service)?;
    let run = |verb: &str| script::run(script::cleaned(&path, &kept()).current_dir("/").arg(verb));
    run("stop");
    Some(run("start"))
}

/// A sign and a name for each: those that svcd knows by what it knows, the others by what their script says.
fn status_all() -> u8 {
    let known = Manager::find().and_then(|manager| manager.all()).unwrap_or_default();
    let mut names = rcconf::names(&rcconf::below(SCRIPTS));
    names.retain(|name| {
        let left_behind = name.ends_with(".dpkg-dist") || name.ends_with(".dpkg-old");
        !left_behind && !PASSED_OVER.contains(&name.as_str()) && script::executable(name).is_some()
    });
    let of = |name: &str| -> Option<&Summary> {
        let base = name.strip_suffix(".sh").unwrap_or(name);
        known.iter().find(|summary| summary.name.as_ref() == name || summary.name.as_ref() == base)
    };
    let has_script = |name: &str| names.iter().any(|script| script.strip_suffix(".sh").unwrap_or(script) == name);
    let others: Vec<String> = known.iter().map(|summary| summary.name.to_string()).collect();
    let others: Vec<String> = others.into_iter().filter(|name| !has_script(name) && !names.contains(name)).collect();
    names.extend(others);
    names.sort();
    for name in names {
        let sign = match of(&name) {
            Some(summary) if manager::is_up(summary) => '+',
            Some(_) => '-',
            None => asked(&name),
        };
        if sign == '?' {
            eprintln!(" [ ? ]  {name}");
        } else {
            // A reader who went away is no error of ours.
            let _ = writeln!(io::stdout(), " [ {sign} ]  {name}");
        }
    }
    0
}

/// What a script says of its service: `+` for running, `-` for not, `?` if it does not know the question.
fn asked(name: &str) -> char {
    let Some(path) = script::executable(name) else { return '-' };
    let mut command = script::cleaned(path, &kept());
    command.current_dir(rcconf::below(SCRIPTS)).arg("status");
    let limit = script::limit("SVC_STATUS_SECONDS", STATUS_SECONDS_MAX);
    let (code, said) = match script::captured(command, Captured::Both, limit) {
        Ok(told) => told,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            eprintln!("service: {name}: its status {error}");
            return '?';
        }
        Err(_) => return '-',
    };
    let said = said.trim_end_matches('\n');
    match said.to_ascii_lowercase().contains("usage:") {
        true => '?',
        false if code == 0 && !said.is_empty() => '+',
        false => '-',
    }
}
