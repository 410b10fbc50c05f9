//! `service` in Red Hat's grammar.

use std::env;
use std::process::{Command, ExitCode};

use super::super::manager::Manager;
use super::super::rcconf::{below, names};
use super::super::script::{self, SCRIPTS};
use super::super::{called_as, rcconf};

/// The version whose answers these are.
const VERSION: &str = "1.1";
/// Where packages put verbs that no init script has any more.
const ACTIONS: &str = "/usr/libexec/initscripts/legacy-actions";
const KEPT: [&str; 2] = ["PATH", "TERM"];
const KEPT_OF_SCRIPT: [&str; 4] = ["PATH", "TERM", "SYSTEMCTL_IGNORE_DEPENDENCIES", "SYSTEMCTL_SKIP_REDIRECT"];
const PASSED_OVER: [&str; 6] = ["functions", "halt", "killall", "single", "linuxconf", "kudzu"];
const LEFT_BEHIND: [&str; 7] = ["~", ".bak", ".old", ".orig", ".rpmnew", ".rpmorig", ".rpmsave"];
/// What is led on where there is no script.
const BASIC: [&str; 10] = [
    "start",
    "stop",
    "restart",
    "try-restart",
    "reload",
    "reload-or-restart",
    "try-reload-or-restart",
    "force-reload",
    "status",
    "condrestart",
];

#[derive(Debug, Default)]
struct Call {
    service: String,
    action: String,
    options: Vec<String>,
    ignore_dependencies: bool,
    skip_redirect: bool,
}

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    ExitCode::from(answer(words))
}

fn answer(words: &[String]) -> u8 {
    let name = called_as("service");
    let usage = format!("Usage: {name} < option > | --status-all | [ service_name [ command | --full-restart ] ]");
    if words.is_empty() {
        eprintln!("{usage}");
        return 1;
    }
    let mut call = Call::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        match word.as_str() {
            "-V" | "--version" => {
                eprintln!("{name} ver. {VERSION}");
                return 0;
            }
            _ if word == "-h" || word.starts_with("--h") => {
                eprintln!("{usage}");
                return 0;
            }
            "--ignore-dependencies" => call.ignore_dependencies = true,
            "--skip-redirect" => call.skip_redirect = true,
            "--status-all" if call.service.is_empty() && after.is_empty() => return status_all(),
            _ if matches!(after, [full] if full == "--full-restart") => {
                call.service.clone_from(word);
                if let Some(code) = full_restart(word) {
                    return code;
                }
            }
            _ if call.service.is_empty() => call.service.clone_from(word),
            _ if call.action.is_empty() => call.action.clone_from(word),
            _ => call.options.push(word.clone()),
        }
    }
    one(&call)
}

fn one(call: &Call) -> u8 {
    let Call { service, action, .. } = call;
    let options = script::split(&call.options.join(" "));
    let path = script::path(service);
    let has_script = path.as_ref().is_some_and(|path| path.is_file());
    if let Some(manager) = Manager::find()
        && let Some(known) = manager.service(service)
        && !action.is_empty()
        && !(has_script && action == "status")
    {
        let words: Vec<String> = std::iter::once(action.clone()).chain(options).collect();
        return known.act(&words);
    }
    let legacy = path.as_ref().map(|_| below(&format!("{ACTIONS}/{service}/{action}")));
    let program = match (path, legacy) {
        (Some(path), _) if has_script => path,
        (_, Some(legacy)) if !action.is_empty() && !action.contains('/') && script::is_executable(&legacy) => {
            return script::run(dressed(call, &legacy).args(options));
        }
        _ => return redirect(call, &options),
    };
    script::run(dressed(call, &program).arg(action).args(options))
}

fn dressed(call: &Call, program: &std::path::Path) -> Command {
    let mut command = script::cleaned(program, &KEPT_OF_SCRIPT);
    command.current_dir("/");
    if call.ignore_dependencies {
        command.env("SYSTEMCTL_IGNORE_DEPENDENCIES", "1");
    }
    if call.skip_redirect {
        command.env("SYSTEMCTL_SKIP_REDIRECT", "1");
    }
    command
}

/// A unit of systemd may have the name.
fn redirect(call: &Call, options: &[String]) -> u8 {
    let Call { service, action, .. } = call;
    if !BASIC.contains(&action.as_str()) {
        eprintln!(
            "The service command supports only basic LSB actions (start, stop, restart, try-restart, reload, \
             reload-or-restart, try-reload-or-restart, force-reload, status, condrestart). For other actions, please \
             try to use systemctl."
        );
        return 2;
    }
    let unit = if service.contains('.') { service.clone() } else { format!("{service}.service") };
    let more: String = options.iter().map(|word| format!(" {word}")).collect();
    eprintln!("Redirecting to /bin/systemctl {action} {unit}{more}");
    let mut command = Command::new("/bin/systemctl");
    command.args([action, &unit]).args(options);
    script::replace_by(command)
}

/// Every script's own words.
fn status_all() -> u8 {
    let directory = below(SCRIPTS);
    if !directory.is_dir() {
        eprintln!("Support for initscripts isn't installed");
        return 4;
    }
    let is_left_behind = |name: &str| LEFT_BEHIND.iter().any(|end| name.ends_with(end));
    for name in names(&directory) {
        if PASSED_OVER.contains(&name.as_str()) || is_left_behind(&name) {
            continue;
        }
        if let Some(path) = script::executable(&name) {
            script::run(script::cleaned(path, &KEPT).current_dir(&directory).arg("status"));
        }
    }
    // What svcd knows beside the scripts is told in its words.
    if let Some(manager) = Manager::find() {
        for summary in manager.all().unwrap_or_default() {
            let known = manager.service(summary.name.as_ref()).filter(|known| !known.is_script());
            if let Some(known) = known {
                known.status();
            }
        }
    }
    0
}

fn full_restart(service: &str) -> Option<u8> {
    if env::var_os("SVC_ROOT").is_none() && !rcconf::below(SCRIPTS).is_symlink() {
        eprintln!("Support for initscripts isn't installed");
        return Some(4);
    }
    if let Some(manager) = Manager::find()
        && let Some(known) = manager.service(service)
    {
        return Some(known.act(&["restart".to_owned()]));
    }
    let path = script::executable(service)?;
    let run = |verb: &str| script::run(script::cleaned(&path, &KEPT).current_dir("/").arg(verb));
    run("stop");
    Some(run("start"))
}
