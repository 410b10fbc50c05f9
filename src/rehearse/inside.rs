//! The first process of a sandbox: makes it, plays the script in it, and tells what came of it.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process;

use serde::Serialize;
use svc_platform::launch::c_string;
use svc_platform::reap;
use svc_platform::sandbox::{self, Confined, Failure, Furnished, Layout, Side};

use super::Why;
use super::changes::{self, Changes};
use super::compare::trial;
use super::furnish::{self, Ours};
use super::outside::Plan;
use super::recorder::{self, Baseline, Line};
use super::report::{By, End, Limit, Rehearsal, Said};
use super::watch::{self, Sight};

/// How much a script may write, in bytes.
const ROOM: u64 = 512 * 1024 * 1024;
/// How much of what it prints is kept.
const OUTPUT_MAX: usize = 256 * 1024;

/// Plays this role: the plan comes by standard input, the answer goes to standard output.
pub(super) fn play() -> u8 {
    // If who asked is killed, so are we, and with us all that is inside.
    if reap::die_with_parent().is_err() {
        return 1;
    }
    let mut text = Vec::new();
    if io::stdin().read_to_end(&mut text).is_err() {
        return 1;
    }
    let Ok(plan) = serde_json::from_slice::<Plan>(&text) else { return 1 };
    match sandbox::divide() {
        Ok(Side::Outside(pid)) => wait(pid),
        Ok(Side::Inside) => match &plan.trial {
            Some(side) => tell(&compare(&plan, side)),
            None => tell(&rehearse(&plan)),
        },
        Err(failure) => tell(&Err::<(), _>(why(&failure))),
    }
}

fn tell<T: Serialize>(answer: &Result<T, Why>) -> u8 {
    let written = serde_json::to_vec(answer).map_err(io::Error::from).and_then(|text| {
        let mut stdout = io::stdout();
        stdout.write_all(&text)?;
        stdout.flush()
    });
    u8::from(written.is_err())
}

/// Outside nothing is to be done but to wait.
fn wait(pid: i32) -> u8 {
    use svc_platform::poll::Poller;
    use svc_platform::signals::{Incoming, Signals};
    let (Ok(signals), Ok(mut poller)) = (Signals::hold(&[Incoming::Child]), Poller::new()) else { return 1 };
    if poller.add(&signals, 0, svc_platform::poll::Interest::READ).is_err() {
        return 1;
    }
    let mut ready = Vec::new();
    loop {
        match reap::reap_one(pid) {
            Ok(None) => {}
            Ok(Some(exit)) => return u8::from(!exit.is_success()),
            Err(_) => return 1,
        }
        if poller.wait(None, &mut ready).is_err() {
            return 1;
        }
        while let Ok(Some(_)) = signals.next() {}
    }
}

fn why(failure: &Failure) -> Why {
    let said = failure.to_string();
    match failure.source.kind() {
        io::ErrorKind::PermissionDenied => Why::Denied(said),
        io::ErrorKind::Unsupported => Why::Unsupported(said),
        _ => Why::Failed(format!("making a sandbox: {said}")),
    }
}

fn furnish(plan: &Plan) -> Result<Furnished, Why> {
    let layout = Layout { lowers: plan.lowers.clone(), room: ROOM, own: plan.own.clone() };
    sandbox::furnish(&layout).map_err(|failure| why(&failure))
}

fn compare(plan: &Plan, side: &trial::Side) -> Result<trial::Trial, Why> {
    let furnished = furnish(plan)?;
    trial::run(plan, side, &furnished).map_err(|failure| why(&failure))
}

fn rehearse(plan: &Plan) -> Result<Rehearsal, Why> {
    let furnished = furnish(plan)?;
    let script = furnish::Script { path: &plan.script, text: &plan.text };
    let ours = Ours::furnish(&script).map_err(|failure| why(&failure))?;
    Stage { plan, furnished, ours }.play().map_err(|failure| why(&failure))
}

struct Stage<'a> {
    plan: &'a Plan,
    furnished: Furnished,
    ours: Ours,
}

impl Stage<'_> {
    fn play(&self) -> Result<Rehearsal, Failure> {
        let environment = environment();
        self.baseline(&environment)?;
        let (mut before, mut left, mut notes) = (Changes::default(), Vec::new(), Vec::new());
        if self.plan.verb != "start" {
            let (end, sight) = self.act("start", &environment)?;
            left = sight.left;
            if end != End::Code(0) {
                notes.push("the start that was played before this verb did not end with success".to_owned());
            }
            before = changes::find(&self.furnished, &self.ours.paths);
        }
        let pid_files = self.lines().into_iter().filter_map(pid_file).collect::<Vec<_>>();
        for path in [recorder::lines(), recorder::output(), furnish::said()] {
            fs::write(&path, b"").map_err(|error| Failure::at(&path, error))?;
        }
        let (end, mut sight) = self.act(&self.plan.verb, &environment)?;
        sight.left.retain(|launch| !left.iter().any(|known| known.argv == launch.argv));
        let changes = changes::find(&self.furnished, &self.ours.paths);
        if !self.furnished.left_out.is_empty() {
            notes.push(format!("empty in the sandbox: {}", self.furnished.left_out.join(", ")));
        }
        if !self.furnished.copied.is_empty() {
            let what = "copied into memory, as the root is an overlay already";
            notes.push(format!("{what}: {}", self.furnished.copied.join(", ")));
        }
        Ok(self.report(end, sight, (before, changes), pid_files, notes))
    }

    /// Runs one verb.
    fn act(&self, verb: &str, environment: &BTreeMap<String, String>) -> Result<(End, Sight), Failure> {
        let output = OpenOptions::new().append(true).open(recorder::output());
        let output = output.map_err(|error| Failure::at(recorder::output(), error))?;
        let path = self.plan.script.display().to_string();
        let mut words = vec![path, verb.to_owned()];
        // What is no program is given to a shell, as rc(8) does.
        let runs = self.plan.text.starts_with(b"#!") && is_executable(&self.plan.script);
        if !runs {
            words.insert(0, "/bin/sh".into());
        }
        let text = |text: &str| c_string(text).map_err(|error| Failure::at("the words of a script", error));
        let variables: Vec<CString> =
            environment.iter().map(|(name, value)| text(&format!("{name}={value}"))).collect::<Result<_, _>>()?;
        let confined = Confined {
            program: text(&words[0])?,
            arguments: words.iter().map(|word| text(word)).collect::<Result<_, _>>()?,
            environment: variables,
            output: output.as_fd(),
            watched: true,
        };
        watch::run(&confined, &self.ours.recorders, self.plan.time)
    }

    /// How the script begins, for whoever looks what it changed.
    fn baseline(&self, environment: &BTreeMap<String, String>) -> Result<(), Failure> {
        let own = sandbox::look(i32::try_from(process::id()).unwrap_or(1));
        let own = own.map_err(|error| Failure::at("looking at ourselves", error))?;
        let limits = own.limits.iter();
        let limits = limits.map(|(name, limit)| ((*name).to_owned(), Limit { soft: limit.soft, hard: limit.hard }));
        let baseline = Baseline { environment: environment.clone(), limits: limits.collect(), nice: own.nice };
        let text = serde_json::to_vec(&baseline).map_err(|error| Failure::at("the baseline", error))?;
        let path = recorder::baseline();
        let written = File::create(&path).and_then(|mut file| {
            file.write_all(&text)?;
            file.set_permissions(Permissions::from_mode(0o644))
        });
        written.map_err(|error| Failure::at(path, error))
    }

    fn lines(&self) -> Vec<Line> {
        let text = fs::read(recorder::lines()).unwrap_or_default();
        text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn report(
        &self,
        end: End,
        sight: Sight,
        (before, after): (Changes, Changes),
        mut pid_files: Vec<String>,
        notes: Vec<String>,
    ) -> Rehearsal {
        let (mut launches, mut stops) = (Vec::new(), Vec::new());
        for line in self.lines() {
            match line {
                Line::Launch(launch) => launches.push(*launch),
                Line::Stop(stop) => stops.push(stop),
                Line::PidFile(path) => pid_files.push(path),
            }
        }
        launches.extend(sight.left);
        for launch in launches.iter_mut().filter(|launch| launch.by == By::Bypass) {
            launch.pid_file = None;
        }
        let stood_in = |path: &str| {
            pid_files.iter().any(|known| known == path || furnish::real(Path::new(known)) == Path::new(path))
        };
        let script = self.plan.script.display().to_string();
        let output = fs::read(recorder::output()).unwrap_or_default();
        Rehearsal {
            script: script.clone(),
            verb: self.plan.verb.clone(),
            end,
            took: sight.took,
            launches,
            stops,
            made: after.made.into_iter().filter(|made| !before.made.contains(made) && !stood_in(&made.path)).collect(),
            removed: after.removed.into_iter().filter(|path| !before.removed.contains(path)).collect(),
            read: sight.read.into_iter().filter(|path| *path != script).collect(),
            sysctls: sight.sysctls,
            mounts: sight.mounts,
            refused: sight.refused,
            executed: sight.executed,
            said: said(),
            output: String::from_utf8_lossy(&output[..output.len().min(OUTPUT_MAX)]).into_owned(),
            notes,
        }
    }
}

fn pid_file(line: Line) -> Option<String> {
    match line {
        Line::PidFile(path) => Some(path),
        Line::Launch(_) | Line::Stop(_) => None,
    }
}

/// What functions of libraries noted: a count, and so many words, each with a zero behind it.
fn said() -> Vec<Said> {
    let text = fs::read(furnish::said()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut words = text.split_terminator('\0').map(str::to_owned);
    let mut all = Vec::new();
    while let Some(count) = words.next().and_then(|count| count.parse::<usize>().ok()) {
        let mut call = words.by_ref().take(count);
        let Some(function) = call.next() else { break };
        all.push(Said { function, words: call.collect() });
    }
    all
}

pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o111 != 0)
}

/// What service(8) gives a script, and what keeps it from being handed to a service manager.
pub(super) fn environment() -> BTreeMap<String, String> {
    let pairs = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("TERM", "dumb"),
        ("_SYSTEMCTL_SKIP_REDIRECT", "true"),
        ("SYSTEMCTL_SKIP_REDIRECT", "1"),
        ("SVC_SKIP_REDIRECT", "1"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
