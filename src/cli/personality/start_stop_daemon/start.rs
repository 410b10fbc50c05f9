//! Starting: in our own place, or in the background.

use std::env;
use std::ffi::{CString, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use svc_platform::launch::c_string;
use svc_platform::replace;

use super::identity::{Identity, become_identity, groups};
use super::matching::Matcher;
use super::notify::Ear;
use super::options::Options;
use super::{DETACHED, NOTHING_DONE, Problem, say, warn};

pub(super) fn run(options: &Options, matcher: &Matcher<'_>, line: &[String]) -> Result<u8, Problem> {
    let identity = Identity::of(options)?;
    let program = options.start_as.as_deref().unwrap_or_default();
    if !matcher.find()?.1.is_empty() {
        if !options.quiet {
            say(&format!("{} already running.\n", exec_path(options).as_deref().unwrap_or("process")));
        }
        return Ok(if options.nothing_is_well { 0 } else { NOTHING_DONE });
    }
    if options.test {
        if !options.quiet {
            say(&would(options, &identity, program));
        }
        return Ok(0);
    }
    let mut chat = Chat::new(options);
    chat.say(&format!("Starting {program}...\n"));
    if options.background {
        chat.say(&format!("Detaching to start {program}...\n"));
        return detach(options, &identity, line, chat);
    }
    let made = if options.makes_pid_file { write_pid(options, std::process::id()) } else { Ok(()) };
    let problem = match made {
        Ok(()) => become_program(options, &identity),
        Err(problem) => problem,
    };
    chat.give();
    Err(problem)
}

/// In the process that was made for it.
pub(super) fn detached(options: &Options) -> Result<u8, Problem> {
    let identity = Identity::of(options)?;
    // Whoever led a group could not leave its session; this one leads nothing.
    let _ = replace::lead_session();
    let mut chat = Chat::new(options);
    let program = options.start_as.as_deref().unwrap_or_default();
    chat.held(&format!("Starting {program}...\nDetaching to start {program}...\n"));
    chat.say("Detaching complete...\n");
    let problem = become_program(options, &identity);
    chat.give();
    Err(problem)
}

/// What `--verbose` adds. As the original's, it is lost where the program takes over, unless a terminal shows each line
/// at once.
struct Chat {
    is_wanted: bool,
    is_shown: bool,
    held: String,
}

impl Chat {
    fn new(options: &Options) -> Self {
        Self { is_wanted: options.verbose, is_shown: io::stdout().is_terminal(), held: String::new() }
    }

    fn say(&mut self, text: &str) {
        match (self.is_wanted, self.is_shown) {
            (true, true) => say(text),
            (true, false) => self.held += text,
            (false, _) => {}
        }
    }

    /// What another process has shown already, where it was to be shown.
    fn held(&mut self, text: &str) {
        if !self.is_shown {
            self.say(text);
        }
    }

    /// Nobody took over.
    fn give(self) {
        say(&self.held);
    }
}

/// A file that was given as a relative path lies below the directory of `--chdir`.
fn exec_path(options: &Options) -> Option<String> {
    let exec = options.exec.as_deref()?;
    let directory = options.directory.as_deref().unwrap_or("/");
    Some(if exec.starts_with('/') { exec.to_owned() } else { format!("{directory}/{exec}") })
}

fn would(options: &Options, identity: &Identity, program: &str) -> String {
    let mut text = format!("Would start {program} ");
    for word in &options.words {
        text += word;
        text.push(' ');
    }
    if let Some((user, uid)) = &identity.user {
        text += &format!(" (as user {user}[{uid}]");
        if let Some((group, gid)) = &identity.group {
            text += &format!(", and group {group}[{gid}]");
        }
        text.push(')');
    }
    if let Some(root) = &options.root {
        text += &format!(" in directory {root}");
    }
    if options.nice != 0 {
        text += &format!(", and add {} to the priority", options.nice);
    }
    if let Some((_, name, priority)) = &options.policy {
        text += &format!(", with scheduling policy {name} with priority {priority}");
    }
    if let Some((_, name, priority)) = &options.io {
        text += &format!(", with IO scheduling class {name} with priority {priority}");
    }
    text + ".\n"
}

fn detach(options: &Options, identity: &Identity, line: &[String], mut chat: Chat) -> Result<u8, Problem> {
    let ear = options.awaits.then(|| Ear::new(identity)).transpose()?;
    let own = env::current_exe().map_err(|error| Problem::system("unable to find this program", &error))?;
    // A session of its own before the daemon is there, so that the daemon leads none and can get no terminal.
    let leads = replace::lead_session().is_ok();
    let mut command = Command::new(own);
    command.arg0(if leads { DETACHED.to_owned() } else { format!("{DETACHED}, leading") }).args(line);
    if let Some(ear) = &ear {
        command.env("NOTIFY_SOCKET", ear.path());
    }
    let child = command.spawn().map_err(|error| Problem::system("unable to do first fork", &error))?;
    replace::set_umask(0o022);
    if options.makes_pid_file {
        write_pid(options, child.id())?;
    }
    let Some(ear) = ear else { return Ok(0) };
    chat.say(&format!("Waiting for notifications... (timeout {}sec 0nsec)\n", options.await_limit));
    let heard = ear.wait(options.await_limit);
    if heard.is_err() {
        chat.give();
    }
    heard.map(|()| 0)
}

fn write_pid(options: &Options, pid: u32) -> Result<(), Problem> {
    let path = options.pid_file.as_deref().unwrap_or_default();
    let fault = |error: io::Error| Problem::system(format!("unable to open pidfile '{path}' for writing"), &error);
    // A link here is somebody's trap.
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return Err(fault(io::Error::from_raw_os_error(40)));
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o666).open(path).map_err(fault)?;
    writeln!(file, "{pid}").map_err(|error| Problem::system(format!("unable to close pidfile '{path}'"), &error))
}

/// All steps in the original's order; returns only if one failed.
fn become_program(options: &Options, identity: &Identity) -> Problem {
    match prepare(options, identity) {
        Ok(words) => {
            let program = options.start_as.as_deref().unwrap_or_default();
            let error = replace::execute(Path::new(program), &words, &environment(identity));
            Problem::system(format!("unable to start {program}"), &error)
        }
        Err(problem) => problem,
    }
}

/// What its standard files become in the background.
fn files(options: &Options) -> Result<Option<(File, Option<File>)>, Problem> {
    if !options.background || (options.keeps_open && options.output.is_none()) {
        return Ok(None);
    }
    let open = |file: io::Result<File>, path: &str| {
        file.map_err(|error| Problem::system(format!("unable to open '{path}'"), &error))
    };
    let null = open(File::options().read(true).write(true).open("/dev/null"), "/dev/null")?;
    let make = |path: &String| open(OpenOptions::new().append(true).create(true).mode(0o664).open(path), path);
    Ok(Some((null, options.output.as_ref().map(make).transpose()?)))
}

/// Ours, but for where its user is at home.
fn environment(identity: &Identity) -> Vec<CString> {
    let mut all: Vec<(OsString, OsString)> = env::vars_os().collect();
    if let Some(home) = identity.home.as_ref().filter(|home| Path::new(home).exists()) {
        all.retain(|(name, _)| name != "HOME");
        all.push(("HOME".into(), home.into()));
    }
    let joined = all.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        c_string(name)
    });
    joined.flatten().collect()
}

fn prepare(options: &Options, identity: &Identity) -> Result<Vec<CString>, Problem> {
    let failed = |what: String| move |error: io::Error| Problem::system(what, &error);
    let program = options.start_as.as_deref().unwrap_or_default();
    let words: io::Result<Vec<CString>> =
        std::iter::once(program).chain(options.words.iter().map(String::as_str)).map(c_string).collect();
    let words = words.map_err(failed(format!("unable to start {program}")))?;
    if options.nice != 0 {
        replace::add_nice(options.nice).map_err(failed(format!("unable to alter nice level by {}", options.nice)))?;
    }
    if let Some((policy, _, priority)) = options.policy {
        replace::set_policy(policy, priority).map_err(failed("unable to set process scheduler".to_owned()))?;
    }
    if let Some((class, _, priority)) = options.io
        && let Err(error) = replace::set_io_class(class, priority)
    {
        warn(&format!("unable to alter the priority for disks: {error}"));
    }
    if let Some(mask) = options.umask {
        replace::set_umask(mask);
    }
    let enter = |path: &str| env::set_current_dir(path).map_err(failed(format!("unable to chdir() to {path}")));
    let files = files(options)?;
    // Whoever lives below another root may have other groups there: they are looked up before.
    let groups = groups(identity)?;
    if let Some(root) = &options.root {
        enter(root)?;
        replace::change_root(Path::new(root)).map_err(failed(format!("unable to chroot() to {root}")))?;
    }
    enter(options.directory.as_deref().unwrap_or("/"))?;
    become_identity(identity, groups)?;
    if let Some((null, output)) = files {
        let output = output.as_ref().unwrap_or(&null);
        replace::set_standard(Some(&null), Some(output)).map_err(failed("unable to close files".to_owned()))?;
        if !options.keeps_open {
            // Where the list cannot be read, nothing was open that was not ours.
            let _ = replace::close_others_at_execution();
        }
    }
    Ok(words)
}
