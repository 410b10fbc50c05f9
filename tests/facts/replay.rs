//! Recorded cases of FreeBSD's rc, service and sysrc, run again under our own library and commands.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use svc_compat::library::RC_SUBR;

use crate::elsewhere::{here, without_shell};
use crate::matching::{Names, report, without_waiting};
use crate::sandbox::{Done, Sandbox};
use crate::{Outcome, all_json, strings};

const WORKERS: usize = 4;
/// What the recorded scripts start.
const DAEMON: &str = "goldd";
/// How long a step may take; the recorder gave those that hang less.
const LIMIT: &str = "30";
const LIMIT_HUNG: &str = "1.5";
/// What timeout(1) then answers.
const LIMIT_REACHED: i64 = 124;
/// How long files may still change after the command has ended.
const QUIET: Duration = Duration::from_secs(2);

/// Does this command mean nothing on Linux?
pub(crate) type Skip = fn(&str) -> bool;

/// Replays every step of the cases in a directory.
pub(crate) fn replay(directory: &Path, topic: &str, skip: Skip) -> Vec<Outcome> {
    let cases = all_json(&directory.join("freebsd").join(topic));
    if cases.is_empty() {
        return Vec::new();
    }
    if let Some(reason) = Sandbox::lacking() {
        println!("facts: freebsd/{topic} SKIPPED, it needs root and namespaces: {reason}");
        return Vec::new();
    }
    let tools = tempfile::tempdir().expect("a directory for a program");
    let starts_one = cases.iter().any(|(_, case)| case.to_string().contains(DAEMON));
    let daemon = match starts_one.then(|| compile(directory, tools.path())).transpose() {
        Ok(daemon) => daemon,
        Err(reason) => {
            println!("facts: freebsd/{topic} SKIPPED, its test daemon cannot be compiled: {reason}");
            return Vec::new();
        }
    };
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                let mut sandbox = prepare(daemon.as_deref()).expect("a sandbox");
                while let Some((file, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = one_case(&mut sandbox, topic, file, case, skip);
                    outcomes.lock().expect("no worker panics").extend(found);
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().expect("no worker panics");
    let commands = cases.iter().flat_map(|(_, case)| case["steps"].as_array().into_iter().flatten());
    let left_out = commands.filter_map(|step| step["command"].as_str()).filter(|command| skip(command)).count();
    if left_out > 0 {
        println!("facts: freebsd/{topic}: {left_out} steps ask for what only the recorded system has: not replayed");
    }
    outcomes.sort_by(|one, other| one.id.cmp(&other.id));
    outcomes
}

fn compile(directory: &Path, into: &Path) -> io::Result<PathBuf> {
    let program = into.join(DAEMON);
    let output = Command::new("cc")
        .args(["-O1", "-w", "-o"])
        .arg(&program)
        .arg(directory.join("freebsd/src/goldd.c"))
        .output()?;
    if output.status.success() {
        Ok(program)
    } else {
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

fn prepare(daemon: Option<&Path>) -> io::Result<Sandbox> {
    let shell = std::env::var("SVC_FACTS_SHELL").unwrap_or_else(|_| "/usr/bin/dash".to_owned());
    let sandbox = Sandbox::new(Path::new(&shell))?;
    sandbox.write(RC_SUBR.path, RC_SUBR.text, 0o644)?;
    if let Some(daemon) = daemon {
        sandbox.install(daemon, &format!("/usr/local/sbin/{DAEMON}"))?;
    }
    for name in ["service", "sysrc", "daemon", "rcorder"] {
        sandbox.install(Path::new(env!("CARGO_BIN_EXE_svc")), &format!("/usr/sbin/{name}"))?;
    }
    Ok(sandbox)
}

fn one_case(sandbox: &mut Sandbox, topic: &str, file: &str, case: &Value, skip: Skip) -> Vec<Outcome> {
    let name = case["case"].as_str().unwrap_or(file);
    let only = std::env::var("SVC_FACTS_CASE").unwrap_or_default();
    if !name.starts_with(&only) {
        return Vec::new();
    }
    let steps = case["steps"].as_array().expect("a case has steps");
    let mut outcomes = Vec::new();
    let mut names = Names::default();
    for (number, step) in steps.iter().enumerate() {
        let command = step["command"].as_str().expect("a step has a command");
        if skip(command) {
            continue;
        }
        let continues = step["continues"] == Value::Bool(true);
        let wrong = (|| -> io::Result<Option<String>> {
            if !continues {
                names = Names::default();
                set_up(sandbox, &case["inputs"])?;
            }
            one_step(sandbox, case, step, &mut names)
        })();
        let wrong = wrong.unwrap_or_else(|error| Some(error.to_string()));
        let wrong = wrong.map(|wrong| format!("`{command}`\n      {wrong}"));
        outcomes.push(Outcome { id: format!("freebsd/{topic}/{name}/{number}"), wrong });
    }
    outcomes
}

/// Makes the state from which a step starts.
fn set_up(sandbox: &mut Sandbox, inputs: &Value) -> io::Result<()> {
    sandbox.clean()?;
    for place in ["/tmp", "/var/run", "/var/log", "/usr/local/etc", "/usr/local/bin", "/work"] {
        for entry in fs::read_dir(sandbox.path(place))?.flatten() {
            sandbox.remove(&format!("{place}/{}", entry.file_name().to_string_lossy()))?;
        }
    }
    for entry in fs::read_dir(sandbox.path("/etc"))?.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        if file.starts_with("rc.conf") {
            sandbox.remove(&format!("/etc/{file}"))?;
        }
    }
    fs::create_dir_all(sandbox.path("/usr/local/etc/rc.d"))?;
    for path in strings(&inputs["absent"]) {
        sandbox.remove(&path)?;
    }
    for file in inputs["files"].as_array().into_iter().flatten() {
        let path = file["path"].as_str().expect("a file has a path");
        let mode = u32::from_str_radix(file["mode"].as_str().unwrap_or("0644"), 8).expect("a mode is octal");
        sandbox.write(path, file["content"].as_str().expect("a file has content"), mode)?;
    }
    for link in inputs["links"].as_array().into_iter().flatten() {
        let path = link["path"].as_str().expect("a link has a path");
        sandbox.remove(path)?;
        symlink(link["target"].as_str().expect("a link has a target"), sandbox.path(path))?;
    }
    for command in strings(&inputs["setup"]) {
        sandbox.run(&command, LIMIT)?;
    }
    Ok(())
}

fn one_step(sandbox: &mut Sandbox, case: &Value, step: &Value, names: &mut Names) -> io::Result<Option<String>> {
    names.next_step();
    let watched = strings(&case["watched"]);
    let before = contents(sandbox, &watched);
    let hangs = step["timed_out"] == Value::Bool(true);
    let done = sandbox.run(step["command"].as_str().unwrap_or_default(), if hangs { LIMIT_HUNG } else { LIMIT })?;
    let deadline = Instant::now() + QUIET;
    loop {
        let mut tried = names.clone();
        let found = contents(sandbox, &watched);
        let changed: BTreeMap<&String, &Option<String>> =
            found.iter().filter(|(path, text)| before.get(*path) != Some(text)).collect();
        if let Some(wrong) = says_otherwise(step, &done, &mut tried) {
            return Ok(Some(wrong));
        }
        let wrong = changes_otherwise(step, &changed, &mut tried);
        let wrong = wrong.filter(|_| !is_late(case, step, &changed));
        if wrong.is_none() || Instant::now() > deadline {
            *names = tried;
            return Ok(wrong);
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// A daemon that the set-up has started may write its first word before or after the set-up removes the log. Is that
/// all the difference?
fn is_late(case: &Value, step: &Value, changed: &BTreeMap<&String, &Option<String>>) -> bool {
    const LOG: &str = "/tmp/gold.log";
    if !strings(&case["inputs"]["setup"]).iter().any(|command| command == "rm -f /tmp/gold.log") {
        return false;
    }
    let later = |text: &str| text.strip_prefix("start\n").unwrap_or(text).to_owned();
    let mut step = step.clone();
    let wanted = step["files_changed"][LOG].as_str().map(later).unwrap_or_default();
    let found = changed.iter().find(|(path, _)| path.as_str() == LOG).and_then(|(_, text)| text.as_deref());
    if wanted != found.map(later).unwrap_or_default() {
        return false;
    }
    // The rest has to be right as it is.
    if let Some(recorded) = step["files_changed"].as_object_mut() {
        recorded.remove(LOG);
    }
    let rest = changed.iter().filter(|(path, _)| path.as_str() != LOG).map(|(path, text)| (*path, *text)).collect();
    changes_otherwise(&step, &rest, &mut Names::default()).is_none()
}

/// The watched files: what is in them, nothing for those that are not there.
fn contents(sandbox: &Sandbox, watched: &[String]) -> BTreeMap<String, Option<String>> {
    let read = |path: &String| {
        let outside = sandbox.path(path);
        let followed = fs::read_link(&outside).map(|target| sandbox.path(&target.to_string_lossy()));
        let place = followed.unwrap_or(outside);
        match fs::metadata(&place) {
            Ok(found) if found.is_dir() => Some(String::new()),
            Ok(_) => fs::read(&place).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
            Err(_) => None,
        }
    };
    watched.iter().map(|path| (path.clone(), read(path))).collect()
}

fn says_otherwise(step: &Value, done: &Done, names: &mut Names) -> Option<String> {
    let text = |key: &str| step[key].as_str().unwrap_or_default();
    let code = if step["timed_out"] == Value::Bool(true) { Some(LIMIT_REACHED) } else { step["exit"].as_i64() };
    if code.is_some_and(|code| code != i64::from(done.code)) {
        let (stdout, stderr) = (&done.stdout, &done.stderr);
        return Some(format!("exit {code:?} wanted, {} found; said {stdout:?} {stderr:?}", done.code));
    }
    for (stream, wanted, found) in [("stdout", text("stdout"), &done.stdout), ("stderr", text("stderr"), &done.stderr)]
    {
        let wanted = without_shell(&without_waiting(&here(wanted)));
        let found = without_shell(&without_waiting(found));
        if !names.matches(&wanted, &found) {
            return Some(format!("{stream} wanted {wanted:?}\n      {stream} found  {found:?}"));
        }
    }
    None
}

fn changes_otherwise(step: &Value, changed: &BTreeMap<&String, &Option<String>>, names: &mut Names) -> Option<String> {
    let none = serde_json::Map::new();
    let recorded = step["files_changed"].as_object().unwrap_or(&none);
    for (path, wanted) in recorded {
        let found = changed.get(path).map(|text| text.as_deref().map(report));
        let same = match (wanted.as_str().map(|wanted| report(&here(wanted))), &found) {
            (Some(wanted), Some(Some(found))) => names.matches(&wanted, found),
            (None, Some(None)) => true,
            _ => false,
        };
        if !same {
            return Some(format!("{path} wanted {wanted:?}\n      {path} found  {found:?}"));
        }
    }
    let extra = changed.iter().find(|(path, _)| !recorded.contains_key(path.as_str()));
    extra.map(|(path, text)| format!("{path} is not to change, but it is {text:?}"))
}
