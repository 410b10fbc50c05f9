//! What stands in the place of a launcher: it writes down what it is asked, answers, and starts nothing of it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use svc_platform::sandbox::{self, OURS, Seen};
use svc_platform::{files, process, users};

use super::call::{self, Start, StopWish, Target, Wish};
use super::report::{Launch, Limit, Redirection, Stop};
use super::standin;

/// Programs that are replaced, by the name they are called with.
pub(super) const PROGRAMS: [&str; 8] =
    ["start-stop-daemon", "su", "runuser", "chpst", "setsid", "nohup", "daemon", "startproc"];
/// Functions of libraries that call a recorder instead.
pub(super) const FUNCTIONS: [&str; 4] = ["start_daemon", "killproc", "daemon-function", "rc-subr"];

/// One line of what recorders write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Line {
    /// A start.
    Launch(Box<Launch>),
    /// An end, or a signal that came.
    Stop(Stop),
    /// A pid file that was written for a stand-in.
    PidFile(String),
}

/// How the script itself was started: what differs from it is the script's doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Baseline {
    pub(super) environment: BTreeMap<String, String>,
    pub(super) limits: BTreeMap<String, Limit>,
    pub(super) nice: i32,
}

/// The file of lines, and that of the baseline.
pub(super) fn lines() -> String {
    format!("{OURS}/calls")
}

pub(super) fn baseline() -> String {
    format!("{OURS}/baseline")
}

/// Where what the script prints goes.
pub(super) fn output() -> String {
    format!("{OURS}/output")
}

/// The file of lines, to be written to.
pub(super) fn open() -> io::Result<File> {
    OpenOptions::new().append(true).open(lines())
}

/// Appends one line; whoever reads it sees a whole one.
pub(super) fn write(line: &Line) {
    // Where it cannot be written it is missed, which the reader sees by what was executed.
    let _ = open().and_then(|mut file| write_to(&mut file, line));
}

/// Appends one line to what [`open`] gave.
pub(super) fn write_to(file: &mut File, line: &Line) -> io::Result<()> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    file.write_all(&text)
}

/// Plays the launcher of this name and gives its exit code.
pub(super) fn play(name: &str, words: &[String]) -> u8 {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let Ok(seen) = sandbox::look(own) else { return 1 };
    match call::read(name, words) {
        Wish::Start(start) => begin(*start, &seen, name),
        Wish::Stop(wish) => end(wish),
        Wish::Look(target) => match find(&target) {
            Some(_) => 0,
            None if target.pid_file.is_some_and(|path| Path::new(&path).exists()) => 1,
            None => 3,
        },
        Wish::Nothing => 0,
    }
}

fn begin(start: Start, seen: &Seen, name: &str) -> u8 {
    // A shell's question, or a helper, is answered by running it.
    if is_question(name, seen, &start.launch) {
        return run(&start.launch);
    }
    let runs = find(&start.target).is_some();
    if start.test || runs {
        return u8::from(runs && !start.oknodo);
    }
    let launch = completed(start.launch, seen);
    write(&Line::Launch(Box::new(launch.clone())));
    stand_in(&launch);
    0
}

/// Programs that do something and return: nobody starts them to stay.
const HELPERS: [&str; 26] = [
    "test", "[", "true", "false", "cat", "echo", "printf", "id", "whoami", "ls", "touch", "mkdir", "rmdir", "rm", "cp",
    "mv", "ln", "chmod", "chown", "install", "kill", "grep", "sed", "awk", "stat", "find",
];

/// Wrappers of which the answer is wanted: what they print is read by the script, or what they run is a helper.
fn is_question(name: &str, seen: &Seen, launch: &Launch) -> bool {
    if !matches!(name, "su" | "runuser" | "chpst" | "setsid" | "nohup") {
        return false;
    }
    let program = launch.program.rsplit('/').next().unwrap_or_default();
    let first = match launch.argv.as_slice() {
        [_, flag, script, ..] if flag == "-c" => script.split_whitespace().next().unwrap_or_default(),
        _ => program,
    };
    HELPERS.contains(&first) || seen.streams.get(&1).is_some_and(|to| to.starts_with("pipe:"))
}

fn run(launch: &Launch) -> u8 {
    let Some((_, words)) = launch.argv.split_first() else { return 1 };
    let mut command = Command::new(&launch.program);
    command.args(words);
    if let Some(account) = launch.user.as_deref().and_then(|user| users::user(user).ok()) {
        command.uid(account.uid).gid(account.gid).env("HOME", account.home).env("USER", account.name);
    }
    let error = command.exec();
    eprintln!("{}: {error}", launch.program);
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}

/// What the circumstances of the call add to its words.
pub(super) fn completed(mut launch: Launch, seen: &Seen) -> Launch {
    let baseline = fs::read(baseline()).ok().and_then(|text| serde_json::from_slice::<Baseline>(&text).ok());
    let baseline = baseline.unwrap_or_default();
    // The launcher's own variables lie over those it was called with.
    let said = std::mem::replace(&mut launch.environment, differing(&baseline.environment, &seen.environment));
    launch.environment.extend(said);
    for (name, limit) in &seen.limits {
        let limit = Limit { soft: limit.soft, hard: limit.hard };
        if baseline.limits.get(*name) != Some(&limit) {
            launch.limits.entry((*name).to_owned()).or_insert(limit);
        }
    }
    let added = seen.nice - baseline.nice;
    if added != 0 {
        launch.nice = Some(launch.nice.unwrap_or(0) + added);
    }
    launch.umask = launch.umask.or(seen.umask.filter(|mask| *mask != 0o022));
    if seen.uid != 0 && launch.user.is_none() {
        launch.user = Some(name_of(seen.uid));
    }
    // start-stop-daemon goes to the root by itself.
    if launch.directory.is_none() && launch.by != super::By::StartStopDaemon && seen.directory != "/" {
        launch.directory = Some(seen.directory.clone());
    }
    if launch.chroot.is_none() && seen.root != "/" {
        launch.chroot = Some(seen.root.clone());
    }
    for (fd, to) in &seen.streams {
        let usual = *to == output() || to.starts_with("pipe:") || (*fd == 0 && to == "/dev/null");
        if !usual && !launch.redirections.iter().any(|known| known.fd == *fd) {
            launch.redirections.push(Redirection { fd: *fd, to: to.clone() });
        }
    }
    launch
}

pub(super) fn name_of(uid: u32) -> String {
    users::name_of(uid).ok().flatten().unwrap_or_else(|| uid.to_string())
}

pub(super) fn group_of(gid: u32) -> String {
    users::group_name_of(gid).ok().flatten().unwrap_or_else(|| gid.to_string())
}

/// What a shell sets for itself is nobody's wish, nor is what only keeps scripts from being handed over.
const SHELLS_OWN: [&str; 7] =
    ["PWD", "OLDPWD", "_", "SHLVL", "SVC_SKIP_REDIRECT", "SYSTEMCTL_SKIP_REDIRECT", "_SYSTEMCTL_SKIP_REDIRECT"];

fn differing(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> BTreeMap<String, Option<String>> {
    let kept = |name: &&String| !SHELLS_OWN.contains(&name.as_str());
    let gone = from.keys().filter(|name| !to.contains_key(*name)).filter(kept).map(|name| (name.clone(), None));
    let new = to.iter().filter(|(name, value)| from.get(*name) != Some(value)).filter(|(name, _)| kept(name));
    gone.chain(new.map(|(name, value)| (name.clone(), Some(value.clone())))).collect()
}

/// Starts something harmless that looks as the daemon would, and writes its pid where it is expected.
fn stand_in(launch: &Launch) {
    let mut command = Command::new(standin::program());
    command.arg0(&launch.program).arg(launch.pid_file.as_deref().unwrap_or_default());
    command.arg(if launch.makes_pid_file { "its launcher's" } else { standin::ITS_OWN });
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).current_dir("/").process_group(0);
    let Ok(mut child) = command.spawn() else { return };
    // It says when it is ready; if it cannot, its end ends the wait.
    let _ready = child.stdout.take().map(|mut stdout| stdout.read(&mut [0]));
    if let Some(path) = &launch.pid_file {
        let below = launch.chroot.as_ref().filter(|_| !launch.makes_pid_file);
        let path = below.map_or_else(|| path.clone(), |root| format!("{root}{path}"));
        // As for the daemon itself, where it cannot be written there is none.
        if fs::write(&path, format!("{}\n", child.id())).is_ok() {
            write(&Line::PidFile(path));
        }
    }
}

fn end(wish: StopWish) -> u8 {
    let met = find(&wish.target);
    if wish.test {
        return u8::from(met.is_none() && !wish.oknodo);
    }
    write(&Line::Stop(Stop { met: met.is_some(), ..wish.stop.clone() }));
    let Some(pid) = met else { return u8::from(!wish.oknodo) };
    if standin::ends(&wish.stop.signal) {
        standin::end(pid);
    }
    0
}

/// The stand-in that is meant, if it is there.
fn find(target: &Target) -> Option<i32> {
    let stand_ins = standin::all();
    if let Some(path) = &target.pid_file {
        let text = files::read_regular(Path::new(path), 64).ok()?;
        let pid: i32 = String::from_utf8_lossy(&text).split_whitespace().next()?.parse().ok()?;
        return stand_ins.into_iter().find(|known| *known == pid);
    }
    if let Some(pid) = &target.pid {
        return stand_ins.into_iter().find(|known| known.to_string() == *pid);
    }
    let wanted = target.program.as_ref().or(target.name.as_ref())?;
    let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
    stand_ins.into_iter().find(|pid| {
        let called = process::facts(*pid).ok().and_then(|facts| facts.arguments.first().cloned()).unwrap_or_default();
        if wanted.contains('/') { called == *wanted } else { base(&called) == *wanted }
    })
}
