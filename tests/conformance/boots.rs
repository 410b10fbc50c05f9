//! What was recorded of whole boots of the system, held against boots with svcd as process 1: those were played before,
//! and what the scripts of the cases have written down is in the directory of `SVC_BOOTS`, a file for each step.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What is wrong with each step, and what was left out. Lines are known by their first word: what is exempt by the id
/// `boot/lines/WORD` is not compared. With `boot/CASE/STEP/stops` a boot is compared up to its first stop; with
/// `boot/CASE/STEP/log` by what the console has, not the log.
pub(crate) fn outcomes(
    case: &Value,
    seen: &Path,
    exempt: &BTreeMap<&'static str, &'static str>,
    used: &mut BTreeSet<String>,
) -> Vec<(usize, Option<String>)> {
    let steps = case["steps"].as_array().into_iter().flatten().enumerate();
    let mut is_exempt = |what: String| {
        let id = format!("boot/{what}");
        let is_exempt = exempt.contains_key(id.as_str());
        if is_exempt {
            used.insert(id);
        }
        is_exempt
    };
    let mut outcome = |(number, step): (usize, &Value)| {
        let name = case["case"].as_str().unwrap_or_default();
        let place = seen.join(name).join(number.to_string());
        let wrong = match fs::read(&place) {
            Ok(text) => {
                let mut text = String::from_utf8_lossy(&text).into_owned();
                let mut step = step.clone();
                if is_exempt(format!("{name}/{number}/stops")) {
                    let starts = |lines: Vec<String>| lines.into_iter().take_while(|line| !is_of_a_stop(line));
                    text = starts(text.lines().map(str::to_owned).collect()).map(|line| line + "\n").collect();
                    step["log_lines"] = starts(recorded(&step, "log_lines")).collect();
                }
                let has_log = step["log_complete"] == Value::Bool(true) && !is_exempt(format!("{name}/{number}/log"));
                let mut keep = |line: &String| {
                    let word = line.split([' ', '=']).next().unwrap_or_default();
                    !is_exempt(format!("lines/{word}"))
                };
                let wrong = compare(&step, has_log, &text, &mut keep);
                wrong.or_else(|| disorder(&text))
            }
            Err(_) if says_nothing(step) => None,
            Err(error) => Some(format!("{}: {error}: it was not played", place.display())),
        };
        (number, wrong)
    };
    steps.map(&mut outcome).collect()
}

/// Nothing is recorded of a step but what was done.
fn says_nothing(step: &Value) -> bool {
    recorded(step, "log_lines").is_empty() && recorded(step, "console_lines").is_empty() && step["report"].is_null()
}

fn recorded(step: &Value, key: &str) -> Vec<String> {
    let lines = step[key].as_array().into_iter().flatten();
    lines.filter_map(|line| line.as_str().map(str::to_owned)).collect()
}

/// What a script, or the daemon of one, writes down when it is stopped.
fn is_of_a_stop(line: &str) -> bool {
    ["TERM", "exit"].contains(&line) || ["stop", "faststop"].iter().any(|verb| line.contains(&format!("arg={verb}")))
}

fn compare(step: &Value, has_log: bool, seen: &str, keep: &mut impl FnMut(&String) -> bool) -> Option<String> {
    let mut lines: Vec<String> = seen.lines().map(str::to_owned).collect();
    let (mut wanted, mut found): (Vec<String>, Vec<String>);
    if let Some(report) = step["report"].as_str() {
        (wanted, found) = (report.lines().map(str::to_owned).collect(), lines);
        // How many files may be open is the most that the system lets a process have, and goes by its memory.
        let most = sysctl("kern.maxfilesperproc");
        wanted.iter_mut().filter(|line| line.parse::<u64>().is_ok()).for_each(|line| {
            line.clone_from(&most);
        });
    } else if has_log {
        (wanted, found) = (recorded(step, "log_lines"), lines);
    } else {
        // The log was lost; the console has who was called, up to some place.
        wanted = recorded(step, "console_lines").iter().filter_map(|line| on_console(line)).collect();
        found = lines.drain(..).filter_map(|line| in_log(&line)).collect();
        found.retain(|line| wanted.contains(line));
    }
    for list in [&mut wanted, &mut found] {
        list.retain(&mut *keep);
        list.iter_mut().for_each(|line| *line = of_any_caller(line));
        list.sort();
    }
    difference(&wanted, &found)
}

/// Whether scripts were called in another order than the system itself gives them. Where that leaves a choice the
/// recorded one depends on scripts that were on the recorded machine; svcd stops then what it started last first.
fn disorder(seen: &str) -> Option<String> {
    for verb in ["start", "stop"] {
        let called: Vec<&str> = seen.lines().filter(|line| line.contains(&format!(" fn={verb} "))).collect();
        let order = order(verb, called.iter().any(|line| line.starts_with("bt_first ")));
        let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
        let place = |line: &&str| order.iter().position(|group| group.contains(&name(line)));
        // Who is called by another script has no place.
        let places: Vec<(usize, &str)> = called.iter().filter_map(|line| Some((place(line)?, *line))).collect();
        let is_wrong = |pair: &[(usize, &str)]| match verb {
            "stop" => pair[0].0 > pair[1].0,
            _ => pair[0].0 >= pair[1].0,
        };
        if let Some(pair) = places.windows(2).find(|pair| is_wrong(pair)) {
            return Some(format!(
                "{verb}: {} came before {}, and the system has them the other way",
                name(pair[0].1),
                name(pair[1].1)
            ));
        }
        if places.len() < 2 && !called.is_empty() {
            return Some(format!("{verb}: the system has no order for {called:?}"));
        }
    }
    None
}

/// The names of all scripts in the order in which rc(8) or rc.shutdown(8) calls them here: of starts one by one, of
/// stops in groups within which there is none.
fn order(verb: &str, is_first: bool) -> Vec<Vec<String>> {
    const SCRIPTS: &str = ". /etc/rc.subr; load_rc_config; find_system_scripts; find_local_scripts_new\n";
    let skip = if is_first { "-s nostart" } else { "-s nostart -s firstboot" };
    let list = |line: &str| -> Vec<Vec<String>> {
        let output = Command::new("/bin/sh").args(["-c", &format!("{SCRIPTS}{line}")]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).trim_end_matches(".sh").to_owned();
        text.lines().map(|line| line.split(' ').map(name).collect()).collect()
    };
    if verb == "stop" {
        return list("rcorder -p -k shutdown $system_rc $local_rc 2>/dev/null").into_iter().rev().collect();
    }
    let mut all = list(&format!("rcorder {skip} $system_rc 2>/dev/null | sed '/FILESYSTEMS$/q'"));
    let late = list(&format!("rcorder {skip} $system_rc $local_rc 2>/dev/null"));
    all.extend(late.into_iter().filter(|name| !all.contains(name)).collect::<Vec<_>>());
    all
}

fn sysctl(name: &str) -> String {
    let output = Command::new("/sbin/sysctl").args(["-n", name]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Without what tells rc(8), which reads scripts in a shell of its own, from who executes them: the program's name
/// and a variable that only its own text has.
fn of_any_caller(line: &str) -> String {
    let words = line.split(' ').filter(|word| !word.starts_with("zero=") && !word.starts_with("boot="));
    words.collect::<Vec<_>>().join(" ")
}

/// `NAME VERB` of what a script has shown.
fn on_console(line: &str) -> Option<String> {
    let (name, verb) = line.split_once(": ")?;
    (name.starts_with("bt_") && ["start", "stop"].contains(&verb)).then(|| format!("{name} {verb}"))
}

/// `NAME VERB` of what it has written down.
fn in_log(line: &str) -> Option<String> {
    let (name, rest) = line.split_once(" fn=")?;
    Some(format!("{name} {}", rest.split(' ').next()?))
}

fn difference(wanted: &[String], found: &[String]) -> Option<String> {
    let only = |one: &[String], other: &[String], sign: char| -> Vec<String> {
        let count = |list: &[String], line: &String| list.iter().filter(|known| *known == line).count();
        let more = one.iter().filter(|line| count(one, line) > count(other, line));
        more.map(|line| format!("  {sign} {line}")).collect()
    };
    let lines = [only(wanted, found, '-'), only(found, wanted, '+')].concat();
    (!lines.is_empty()).then(|| format!("\n{}", lines.join("\n")))
}

/// Holds the comparison itself to what it is for, so that it cannot find everything right.
pub(crate) fn a_boot_that_differs_is_told() {
    let step = || {
        serde_json::json!({
            "console_lines": ["bt_a: start", "Starting d.", "bt_b: start"],
            "log_lines": ["bt_a fn=start zero=/etc/rc x=1", "start", "bt_b fn=start zero=/etc/rc x=1"],
        })
    };
    let wrong = |complete: bool, seen: &str| compare(&step(), complete, seen, &mut |line| !line.starts_with("bt_c"));
    let (a, b) = ("bt_a fn=start zero=/x x=1\n", "bt_b fn=start zero=/y x=1\n");
    assert_eq!(wrong(true, &format!("{a}{b}bt_c fn=start\nstart\n")), None);
    assert!(wrong(true, &format!("{a}{b}")).is_some_and(|text| text.contains("- start")));
    assert!(wrong(true, &format!("{a}{a}{b}start\n")).is_some_and(|text| text.contains("+ bt_a")));
    assert!(wrong(true, &format!("{a}{}start\n", b.replace("x=1", "x=2"))).is_some_and(|text| text.contains("x=2")));
    assert_eq!(wrong(false, &format!("{a}{b}bt_d fn=start\n")), None);
    assert!(wrong(false, b).is_some());
    assert!(is_of_a_stop("bt_num arg=stop") && is_of_a_stop("bt_exit top arg=faststop") && is_of_a_stop("exit"));
    assert!(!is_of_a_stop("bt_exit top arg=faststart"));
}
