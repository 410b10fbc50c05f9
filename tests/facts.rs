//! Facts about real scripts and what the original tools said of them, reproduced; counts are always printed.
//!
//! Reads the directory in `SVC_FACTS`, or `../shared/facts/public` beside the checkout, or else the copy of those facts
//! that the project carries in `tests/facts`.

#[path = "facts/elsewhere.rs"]
mod elsewhere;
#[path = "facts/fetched.rs"]
mod fetched;
#[path = "facts/lsb.rs"]
mod lsb;
#[path = "facts/matching.rs"]
mod matching;
#[path = "facts/orders.rs"]
mod orders;
#[path = "facts/rcorder.rs"]
mod rcorder;
#[path = "facts/rcsubr.rs"]
mod rcsubr;
#[path = "facts/replay.rs"]
mod replay;
#[path = "facts/sandbox.rs"]
mod sandbox;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

/// One case: its id and what was wrong with it.
#[derive(Debug)]
pub struct Outcome {
    /// Unique among all kinds; what `tests/facts/exempt.txt` names.
    pub id: String,
    /// What differs, if anything.
    pub wrong: Option<String>,
}

impl Outcome {
    /// A case that is right if both are the same.
    pub fn same<T: PartialEq + std::fmt::Debug>(id: impl Into<String>, wanted: &T, found: &T) -> Self {
        let wrong = (wanted != found).then(|| format!("wanted {wanted:?}\n      found  {found:?}"));
        Self { id: id.into(), wrong }
    }
}

type Kind = (&'static str, fn(&Path) -> Vec<Outcome>);

const KINDS: &[Kind] = &[
    ("debian/lsb-headers", lsb::debian),
    ("debian/orders", orders::orders),
    ("own/lsb", lsb::own),
    ("own/rcorder", rcorder::own),
    ("freebsd/rcorder", rcorder::freebsd),
    ("fetched/rcorder", rcorder::fetched),
    ("fetched/rcd-headers", fetched::rc_d),
    ("fetched/chkconfig", fetched::redhat),
    ("fetched/openrc", fetched::openrc),
    ("freebsd/rcorder, the command", rcsubr::rcorder),
    ("freebsd/daemon", rcsubr::daemon),
    ("freebsd/rcsubr", rcsubr::scripts),
    ("freebsd/service", rcsubr::service),
    ("freebsd/sysrc", rcsubr::sysrc),
];

const REPLAYED: [&str; 5] =
    ["freebsd/rcorder, the command", "freebsd/daemon", "freebsd/rcsubr", "freebsd/service", "freebsd/sysrc"];

fn main() -> ExitCode {
    let directory = directory();
    let exempt = exemptions();
    println!("facts: from {}", if directory.ends_with("tests/facts") { "the project's own copy" } else { "outside" });
    let mut failed = false;
    let mut used = Vec::new();
    for (kind, run) in KINDS {
        let outcomes = run(&directory);
        if outcomes.is_empty() {
            println!("facts: {kind} not here");
            continue;
        }
        let (mut right, mut exempted, mut wrong_here) = (0, 0, 0);
        for outcome in &outcomes {
            match &outcome.wrong {
                None => right += 1,
                Some(_) if exempt.contains_key(&outcome.id) => {
                    exempted += 1;
                    used.push(outcome.id.clone());
                }
                Some(wrong) => {
                    wrong_here += 1;
                    println!("  {}: {wrong}", outcome.id);
                }
            }
        }
        let also = if exempted > 0 { format!(", {exempted} exempt") } else { String::new() };
        println!("facts: {kind} {right}/{}{also}", outcomes.len());
        // Of replayed steps a few depend on the clock of the machine.
        failed |= if REPLAYED.contains(kind) { wrong_here * 100 > outcomes.len() * 3 } else { wrong_here > 0 };
    }
    for (id, reason) in exempt.iter().filter(|(id, _)| used.contains(id)) {
        println!("  exempt: {id}: {reason}");
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn directory() -> PathBuf {
    if let Some(given) = std::env::var_os("SVC_FACTS") {
        return given.into();
    }
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = here.ancestors().skip(1).take(2).map(|above| above.join("shared/facts/public"));
    beside.into_iter().find(|path| path.is_dir()).unwrap_or_else(|| here.join("tests/facts"))
}

/// Lines `ID: REASON`.
fn exemptions() -> BTreeMap<String, String> {
    let text = include_str!("facts/exempt.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let (id, reason) = line.split_once(": ").expect("an exemption is `ID: REASON`");
            (id.to_string(), reason.to_string())
        })
        .collect()
}

/// The JSON in a file; `None` if it is not there.
pub fn json(path: &Path) -> Option<Value> {
    let text = std::fs::read(path).ok()?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// Every JSON file of a directory, by name.
pub fn all_json(directory: &Path) -> Vec<(String, Value)> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    let name = |path: &Path| path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
    paths.iter().filter_map(|path| Some((name(path), json(path)?))).collect()
}

/// The strings of a JSON list.
pub fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), String::from)).collect()
}
