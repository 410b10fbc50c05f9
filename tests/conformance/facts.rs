//! What was recorded of a real system, held against the system this runs on: `conformance facts TOPIC ...` with the
//! directory of the cases in `SVC_FACTS`. It writes where the cases say, so it is for a machine that nobody misses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use serde_json::Value;

#[path = "../facts/matching.rs"]
mod matching;

use matching::{Names, report, without_waiting};

use crate::boots;

/// What recorded commands get, as the recorder gave it.
const ENVIRONMENT: [(&str, &str); 2] =
    [("HOME", "/root"), ("PATH", "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")];

/// Replays the topics.
pub(crate) fn replay(topics: &[String]) -> ExitCode {
    if std::env::consts::OS != "freebsd" || !svc_platform::users::is_root() {
        eprintln!("facts of FreeBSD hold on FreeBSD, for root");
        return ExitCode::from(2);
    }
    let Some(directory) = std::env::var_os("SVC_FACTS").filter(|_| !topics.is_empty()) else {
        eprintln!("usage: SVC_FACTS=DIRECTORY conformance facts TOPIC ...");
        return ExitCode::from(2);
    };
    let exempt = exemptions();
    let mut all_hold = true;
    for topic in topics {
        let place = Path::new(&directory).join(topic);
        let mut files: Vec<_> = match fs::read_dir(&place) {
            Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
            Err(error) => {
                eprintln!("{}: {error}", place.display());
                return ExitCode::from(2);
            }
        };
        files.sort();
        let (mut steps, mut hold, mut used) = (0, 0, Vec::new());
        let mut left_out = BTreeSet::new();
        for file in files {
            let case: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let outcomes = match std::env::var_os("SVC_BOOTS").filter(|_| topic == "boot") {
                Some(seen) => boots::outcomes(&case, &PathBuf::from(seen), &exempt, &mut left_out),
                None => in_some_attempt(&case),
            };
            for (step, wrong) in outcomes {
                let id = format!("{topic}/{}/{step}", text(&case, "case"));
                steps += 1;
                match (wrong, exempt.get(id.as_str())) {
                    (None, _) => hold += 1,
                    (Some(_), Some(reason)) => used.push((id, *reason)),
                    (Some(wrong), None) => println!("facts: {id}: {wrong}"),
                }
            }
        }
        let also = if used.is_empty() { String::new() } else { format!(", {} exempt", used.len()) };
        println!("facts: {topic}: {hold} of {steps} steps as recorded{also}");
        all_hold &= hold + used.len() == steps && hold > 0;
        used.extend(left_out.into_iter().filter_map(|id| Some((id.clone(), *exempt.get(id.as_str())?))));
        for (id, reason) in used {
            println!("  exempt: {id}: {reason}");
        }
    }
    if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Makes the state from which the boot of a case starts: with its file as the word.
pub(crate) fn place(words: &[String]) -> ExitCode {
    for file in words {
        let case: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        write_down(&case["inputs"]);
    }
    ExitCode::SUCCESS
}

/// Steps that another machine cannot repeat to the letter, each with the reason: lines `ID: REASON`.
fn exemptions() -> BTreeMap<&'static str, &'static str> {
    let lines = include_str!("exempt.txt").lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines.map(|line| line.split_once(": ").expect("an exemption is `ID: REASON`")).collect()
}

/// How often a case is played: some race against the clock, and a slow or busy machine loses some of those.
const ATTEMPTS: usize = 3;

/// What was wrong with each step in every attempt.
fn in_some_attempt(case: &Value) -> Vec<(usize, Option<String>)> {
    let mut outcomes = one_case(case);
    for attempt in 2..=ATTEMPTS {
        if outcomes.iter().all(|(_, wrong)| wrong.is_none()) {
            break;
        }
        for (outcome, again) in outcomes.iter_mut().zip(one_case(case)) {
            if outcome.1.is_some() && again.1.is_none() {
                println!("facts: {}, step {}: as recorded in attempt {attempt}", text(case, "case"), outcome.0);
                outcome.1 = None;
            }
        }
    }
    outcomes
}

/// What was wrong with each step.
fn one_case(case: &Value) -> Vec<(usize, Option<String>)> {
    let mut names = Names::default();
    let steps = case["steps"].as_array().into_iter().flatten().enumerate();
    let each = steps.map(|(number, step)| {
        if step["continues"] != Value::Bool(true) {
            names = Names::default();
            set_up(&case["inputs"]);
        }
        (number, one_step(step, &mut names))
    });
    let outcomes = each.collect();
    shell("pkill -9 -x goldd; pkill -9 -x daemon", Path::new("/"));
    outcomes
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// Makes the state from which a case starts, with nothing left of the one before.
fn set_up(inputs: &Value) {
    shell("pkill -9 -x goldd; pkill -9 -x daemon", Path::new("/"));
    write_down(inputs);
}

/// Its files, and what else they need.
fn write_down(inputs: &Value) {
    let list = |key: &str| inputs[key].as_array().cloned().unwrap_or_default();
    for path in list("absent") {
        let _absent = fs::remove_file(path.as_str().unwrap());
    }
    for file in list("files") {
        let path = Path::new(text(&file, "path"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text(&file, "content")).unwrap();
        let mode = u32::from_str_radix(text(&file, "mode"), 8).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    for link in list("links") {
        let _old = fs::remove_file(text(&link, "path"));
        symlink(text(&link, "target"), text(&link, "path")).unwrap();
    }
    for line in list("setup") {
        shell(line.as_str().unwrap(), Path::new("/work"));
    }
}

struct Done {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

/// Runs a line of shell as the recorder did; output goes to files, which a daemon may keep open.
fn shell(line: &str, directory: &Path) -> Done {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| fs::File::create(dir.path().join(name)).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", line]).env_clear().envs(ENVIRONMENT).stdin(Stdio::null());
    command.stdout(file("out")).stderr(file("err"));
    let _anywhere = fs::create_dir_all(directory);
    let status = command.current_dir(directory).status().unwrap();
    let read = |name: &str| String::from_utf8_lossy(&fs::read(dir.path().join(name)).unwrap()).into_owned();
    Done { stdout: read("out"), stderr: read("err"), code: status.code() }
}

fn one_step(step: &Value, names: &mut Names) -> Option<String> {
    let command = text(step, "command");
    let done = shell(command, Path::new("/work"));
    names.next_step();
    if step["timed_out"] != Value::Bool(true) && step["exit"].as_i64() != done.code.map(i64::from) {
        return Some(format!("`{command}`: exit {} was recorded, {:?} found", step["exit"], done.code));
    }
    for (stream, found) in [("stdout", &done.stdout), ("stderr", &done.stderr)] {
        let wanted = of_any_machine(command, &without_waiting(text(step, stream)));
        let found = of_any_machine(command, &without_waiting(found));
        if !names.matches(&wanted, &found) {
            return Some(format!("`{command}`: {stream}\n{}", differences(&wanted, &found)));
        }
    }
    None
}

/// The lines that only one of two texts has.
fn differences(recorded: &str, found: &str) -> String {
    let (recorded, found) = (report(recorded), report(found));
    let only = |one: &str, other: &str, sign: char| -> Vec<String> {
        one.lines()
            .filter(|line| !other.lines().any(|same| same == *line))
            .map(|line| format!("  {sign} {line}"))
            .collect()
    };
    [only(&recorded, &found, '-'), only(&found, &recorded, '+')].concat().join("\n")
}

/// Parameters of jails that depend on which modules a kernel has, and on the machine's name.
const OF_A_KERNEL: [&str; 6] =
    ["allow.mount.", "allow.nosetaudit", "host.hostid=", "host.hostuuid=", "osrel", "cpuset."];

/// Without what belongs to one machine and moment: how many children init has, how many forks became one piece of news,
/// numbers and columns of jails.
fn of_any_machine(command: &str, text: &str) -> String {
    let is_table = ["jls", "jid", "ps "].iter().any(|word| command.contains(word));
    let mut out = String::new();
    for line in text.lines() {
        let line = match line.split_once("children=") {
            Some((before, after)) if after.contains("reaper=init") => {
                let end = after.find("reaper=").unwrap_or(0);
                format!("{before}{}", &after[end..])
            }
            _ => line.to_owned(),
        };
        if command.starts_with("jls -j") && OF_A_KERNEL.iter().any(|start| line.starts_with(start)) {
            continue;
        }
        if line.contains(" NOTE_FORK ") && out.lines().last() == Some(line.as_str()) {
            continue;
        }
        if is_table {
            let words = line.split_whitespace().map(|word| match word.parse::<u64>() {
                Ok(_) => "N",
                Err(_) => word,
            });
            out.push_str(&words.collect::<Vec<_>>().join(" "));
        } else {
            out.push_str(&line);
        }
        out.push('\n');
    }
    out
}
