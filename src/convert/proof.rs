//! Conversion with what running tells: the script's start rehearsed, and a daemon tried in the foreground.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use svc_compat::daemons::Table;
use svc_compat::play::{self, Context, How, Launch, Made, Spot, UNKNOWN};
use svc_core::service::Kind;

use super::Tree;
use super::draft::Draft;
use super::evidence::Evidence;
use super::manual::Described;
use super::{Verdict, asked, evidence, heard, judge, reread, trial};
use crate::rehearse::{self, Ask, By, Rehearsal};

/// A conversion, and what is to be known about how it was found out.
#[derive(Clone, Debug)]
pub struct Proven {
    /// What is known of the script.
    pub evidence: Evidence,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What was run, or why nothing was.
    pub notes: Vec<String>,
    /// There was a sandbox to run it in.
    pub ran: bool,
}

/// Where scripts and daemons are run: a root, and trees laid over it, the first on top.
#[derive(Clone, Debug)]
pub struct Stage {
    /// The root of a whole system.
    pub root: PathBuf,
    /// What lies over it, such as unpacked packages.
    pub layers: Vec<PathBuf>,
}

impl Stage {
    /// Every tree, the first on top.
    fn lowers(&self) -> Vec<PathBuf> {
        self.layers.iter().chain([&self.root]).cloned().collect()
    }
}

/// Converts a script, with its start rehearsed in a sandbox, and a daemon that goes into the background tried out.
///
/// Where there can be no sandbox the script is only read, and the notes say so.
pub fn convert(tree: &Tree, table: &Table, stage: &Stage, path: &str, text: &[u8]) -> Proven {
    let mut proven = rehearsed(tree, table, stage, path, text);
    if let Verdict::Converted(draft) = &mut proven.verdict
        && matches!(draft.kind, Kind::Forking { .. })
        && proven.ran
    {
        proven.notes.push(trial::tried(tree, &stage.lowers(), draft));
    }
    if let Verdict::Converted(draft) = &mut proven.verdict
        && proven.ran
        && reread::may_tell(tree, draft)
        && let Some(seen) = reread::tried(tree, &stage.lowers(), draft)
    {
        proven.notes.extend(draft.hung_up(seen).map(String::from));
    }
    proven
}

/// What a program printed of itself.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// The options that it describes.
    pub options: Vec<Described>,
    /// All of it.
    pub text: String,
}

/// Asks a program for its usage in the sandbox; nothing where it cannot be run.
pub fn usage(stage: &Stage, command: &[String]) -> Usage {
    let Some((text, options)) = asked::printed(&stage.lowers(), command) else { return Usage::default() };
    Usage { options, text }
}

/// Whether a signal that is sent to the daemon where it is tried may tell of a reload, of which nothing is known.
pub fn may_tell_of_reload(tree: &Tree, draft: &Draft) -> bool {
    reread::may_tell(tree, draft)
}

/// Converts a script, with its start rehearsed in a sandbox; no daemon is run.
///
/// Where there can be no sandbox the script is only read, and the notes say so.
pub fn rehearsed(tree: &Tree, table: &Table, stage: &Stage, path: &str, text: &[u8]) -> Proven {
    let mut evidence = evidence::gather(tree, path, text);
    let mut notes = Vec::new();
    let script = stage.lowers().iter().map(|lower| below(lower, path)).find(|script| script.exists());
    let ask = Ask {
        root: stage.root.clone(),
        layers: stage.layers.clone(),
        ..Ask::new(script.unwrap_or_else(|| PathBuf::from(path)), "start")
    };
    let told = match ask.run() {
        Ok(told) => told,
        Err(why) => {
            notes.push(format!("not rehearsed: {why}"));
            let verdict = judge(tree, table, &evidence);
            return Proven { evidence, verdict, notes, ran: false };
        }
    };
    let merged = merge(&mut evidence, &told);
    let told_of = |verb: &str| Ask { verb: verb.to_string(), ..ask.clone() }.run().ok();
    // Where nothing was started, nothing can be told to end.
    let heard = merged.as_ref().map(|_| heard::listen(&mut evidence, &told_of));
    let mut verdict = judge(tree, table, &evidence);
    if let Verdict::Converted(draft) = &mut verdict {
        match &merged {
            Some(merged) => {
                notes.push("its start was rehearsed in a sandbox".to_string());
                merged.tell(draft);
                heard.iter().for_each(|heard| heard.tell(draft));
            }
            None => notes.push(format!("rehearsed: {}", silence(&told))),
        }
    }
    Proven { evidence, verdict, notes, ran: true }
}

fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn silence(told: &Rehearsal) -> String {
    let said = told.output.lines().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
    format!(
        "its start led to no daemon that could be told apart, so only reading says what it starts ({})",
        said.trim()
    )
}

/// What the rehearsal had to say of a launch.
struct Merged {
    /// The words were the same as on paper; else those of the paper.
    same: Result<(), String>,
    launch: rehearse::Launch,
    made: Vec<String>,
}

/// Puts what was executed in the place of what was read.
fn merge(evidence: &mut Evidence, told: &Rehearsal) -> Option<Merged> {
    let mut launches: Vec<&rehearse::Launch> = told.launches.iter().filter(|one| one.by != By::Bypass).collect();
    if launches.is_empty() {
        launches = told.launches.iter().collect();
    }
    launches.dedup_by(|one, other| one.argv == other.argv && one.program == other.program);
    let [found] = launches.as_slice() else { return None };
    let executed: Vec<String> = [found.program.clone()].into_iter().chain(found.argv.iter().skip(1).cloned()).collect();
    let made = directories(evidence, told);
    let whole = |words: &[String]| words.iter().all(|word| !word.contains(UNKNOWN));
    let same = match &evidence.main {
        Ok(launch) if launch.command == executed || ends_alike(&launch.command, &executed) => Ok(()),
        // What the machine tells is asked for at each start, and is no word of the definition.
        Ok(launch) if base(&launch.command) == base(&executed) && is_told_there(&launch.command, &executed) => Ok(()),
        // A starter inside a starter was followed further on paper than a recorder sees.
        Ok(launch) if base(&launch.command) != base(&executed) => return None,
        Ok(launch) => Err(play::shown(&launch.command.join(" "))),
        // A sandbox has no addresses and no routes, and so no word that is made of them.
        Err(_) if evidence.start.asks_network => return None,
        Err(why) if evidence::may_be_told(why) => Err(why.clone()),
        Err(_) => return None,
    };
    let is_it = |launch: &&Launch| base(&launch.command) == base(&executed);
    let mut launch = match &evidence.main {
        Ok(launch) => launch.clone(),
        Err(_) => evidence.start.launches.iter().rev().find(is_it).cloned().unwrap_or_else(|| seen_only(found)),
    };
    if same.is_err() {
        launch.command = executed;
    }
    fill(&mut launch, found);
    if !whole(&launch.command) {
        return None;
    }
    evidence.main = Ok(launch);
    Some(Merged { same, launch: (*found).clone(), made })
}

/// A launch of which the paper has nothing.
fn seen_only(found: &rehearse::Launch) -> Launch {
    let started = matches!(found.by, By::StartStopDaemon | By::StartDaemon | By::Daemon | By::DaemonFunction);
    Launch {
        how: if started { How::Function } else { How::Direct },
        command: Vec::new(),
        context: Context::default(),
        pid_file: None,
        makes_pid_file: found.makes_pid_file,
        background: false,
        spot: nowhere(),
        used: BTreeSet::new(),
        roots: BTreeSet::new(),
        exported: BTreeMap::new(),
        repeated: false,
        again: false,
    }
}

/// What only running told: where the paper has nothing, or something unknown.
fn fill(launch: &mut Launch, found: &rehearse::Launch) {
    let unknown = |value: &Option<String>| value.as_ref().is_none_or(|value| value.contains(UNKNOWN));
    let context = &mut launch.context;
    for (ours, theirs) in [
        (&mut context.user, &found.user),
        (&mut context.group, &found.group),
        (&mut context.chroot, &found.chroot),
        (&mut context.directory, &found.directory),
        (&mut launch.pid_file, &found.pid_file),
    ] {
        if unknown(ours) {
            ours.clone_from(theirs);
        }
    }
    if unknown(&context.nice) {
        context.nice = found.nice.map(|nice| nice.to_string());
    }
    if unknown(&context.umask) {
        context.umask = found.umask.map(|mask| format!("{mask:03o}"));
    }
    let exported = launch.exported.iter_mut().map(|(name, (value, _))| (name, value));
    for (name, value) in exported.chain(&mut context.environment).filter(|(_, value)| value.contains(UNKNOWN)) {
        if let Some(Some(executed)) = found.environment.get(name) {
            value.clone_from(executed);
        }
    }
    launch.background |= found.background && launch.how >= How::Background;
}

/// Directories below the runtime directory that the rehearsal made, with owner and permissions.
fn directories(evidence: &mut Evidence, told: &Rehearsal) -> Vec<String> {
    let mut out = Vec::new();
    let is_ours = |path: &str| path.starts_with("/run/") && !path.starts_with("/run/svc") && path != "/run/lock";
    for made in told.made.iter().filter(|made| made.kind == "directory" && !made.was_there && is_ours(&made.path)) {
        let path = made.path.clone();
        out.push(path["/run/".len()..].to_string());
        let names =
            [path.clone(), path.replacen("/run/lock/", "/var/lock/", 1), path.replacen("/run/", "/var/run/", 1)];
        let known = evidence.start.made.iter_mut().find(|known| names.contains(&known.path));
        let (owner, group) = (Some(made.owner.clone()), Some(made.group.clone()));
        let mode = Some(format!("{:04o}", made.mode & 0o7777));
        match known {
            Some(known) => {
                let unknown = |value: &Option<String>| value.as_ref().is_some_and(|value| value.contains(UNKNOWN));
                if unknown(&known.owner) || unknown(&known.group) {
                    (known.owner, known.group) = (owner, group);
                }
                if unknown(&known.mode) {
                    known.mode = mode;
                }
            }
            None => evidence.start.made.push(Made { path, directory: true, owner, group, mode, spot: nowhere() }),
        }
    }
    out
}

pub(super) fn nowhere() -> Spot {
    Spot { file: "rehearsal".into(), line: 0 }
}

fn base(words: &[String]) -> Option<&str> {
    words.first().and_then(|program| program.rsplit('/').next())
}

/// The same arguments but for what the machine told.
fn is_told_there(paper: &[String], executed: &[String]) -> bool {
    play::may_be(paper.get(1..).unwrap_or_default(), executed.get(1..).unwrap_or_default())
}

/// The same words, where only the program is named by another path.
fn ends_alike(one: &[String], other: &[String]) -> bool {
    base(one) == base(other) && one.get(1..) == other.get(1..)
}

impl Merged {
    /// Adds to the origin of each key what the rehearsal says of it.
    fn tell(&self, draft: &mut Draft) {
        let launch = &self.launch;
        for key in draft.keys.iter_mut().filter(|key| key.table == "environment") {
            match launch.environment.get(&key.name) {
                Some(Some(value)) if super::draft::quoted(value) == key.value => {
                    key.origin = format!("{}; the same when rehearsed", key.origin);
                }
                Some(Some(value)) => {
                    draft.open.push(format!("{}: {} was {value} when rehearsed", key.origin, key.name));
                }
                // What is exported with the value that it has anyway does not differ from it.
                Some(None) | None => {}
            }
        }
        for key in draft.keys.iter_mut().filter(|key| matches!(key.table, "" | "limits")) {
            let confirmed = match key.name.as_str() {
                "command" => match &self.same {
                    Ok(()) => Some("the same words when rehearsed".to_string()),
                    Err(paper) => Some(format!("rehearsal: these words were executed; reading gave: {paper}")),
                },
                "user" => launch.user.as_ref().map(|user| format!("rehearsal: as {user}")),
                "group" => launch.group.as_ref().map(|group| format!("rehearsal: as {group}")),
                "directory" => launch.directory.as_ref().map(|path| format!("rehearsal: in {path}")),
                "chroot" => launch.chroot.as_ref().map(|path| format!("rehearsal: in {path}")),
                "nice" => launch.nice.map(|nice| format!("rehearsal: {nice}")),
                "umask" => launch.umask.map(|mask| format!("rehearsal: {mask:03o}")),
                "pid-file" => launch.pid_file.as_ref().map(|path| format!("rehearsal: {path}")),
                "runtime-directory" => {
                    (!self.made.is_empty()).then(|| format!("rehearsal: it made {}", self.made.join(", ")))
                }
                name => launch.limits.get(name).map(|_| "rehearsal".to_string()),
            };
            if let Some(confirmed) = confirmed {
                key.origin = format!("{}; {confirmed}", key.origin);
            }
        }
    }
}
