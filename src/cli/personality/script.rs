//! Init scripts, run as `service` runs them: cleaned environment, words split again, from the root directory.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use svc_platform::group;

use super::rcconf::below;

/// Where the scripts are.
pub(super) const SCRIPTS: &str = "/etc/init.d";
/// What a script has to see of the caller's environment to know that it is run by svc.
const MARKS: [&str; 4] = ["SVC_ROOT", "SVC_RUN", "SVC_SOCKET", "SVC_SKIP_REDIRECT"];

/// The script of this name; none if the name is no name of a file in the directory of scripts.
pub(super) fn path(name: &str) -> Option<PathBuf> {
    let is_name = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    is_name.then(|| below(SCRIPTS).join(name))
}

/// What the shell's `test -x` says to root.
pub(super) fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_dir() || found.permissions().mode() & 0o111 != 0)
}

/// The script of this name, if it can be run. The directory itself, for no name, passes for one, as it does in a shell.
pub(super) fn executable(name: &str) -> Option<PathBuf> {
    let path = if name.is_empty() { Some(below(SCRIPTS).join("")) } else { path(name) };
    path.filter(|path| is_executable(path))
}

/// A script in an environment of which only these variables are kept; those that are not set are empty.
pub(super) fn cleaned(program: impl AsRef<OsStr>, kept: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in kept {
        command.env(name, env::var_os(name).unwrap_or_default());
    }
    for name in MARKS {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}

/// The words that the shell makes of an unquoted variable: blanks part them, patterns become names below the root.
pub(super) fn split(joined: &str) -> Vec<String> {
    let words: Vec<String> =
        joined.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).map(str::to_owned).collect();
    if !joined.contains(['*', '?', '[']) {
        return words;
    }
    let output = Command::new("/bin/sh")
        .args(["-c", "cd /; for word in $1; do printf '%s\\0' \"$word\"; done", "sh", joined])
        .output();
    match output {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8_lossy(&output.stdout);
            text.split_terminator('\0').map(str::to_owned).collect()
        }
        Ok(_) | Err(_) => words,
    }
}

/// Runs a program in place of this one; returns only if that fails, with env(1)'s code.
pub(super) fn replace_by(mut command: Command) -> u8 {
    let error = command.exec();
    eprintln!("env: {}: {}", quoted(command.get_program()), plain(&error));
    failure(&error)
}

/// Runs a program and returns its code as the shell has it.
pub(super) fn run(command: &mut Command) -> u8 {
    match command.status() {
        Ok(status) => code(status),
        Err(error) => {
            eprintln!("env: {}: {}", quoted(command.get_program()), plain(&error));
            failure(&error)
        }
    }
}

/// A limit of time in seconds, unless this variable says otherwise.
pub(super) fn limit(variable: &str, usual: u64) -> Duration {
    let given = env::var(variable).ok().and_then(|text| text.parse().ok());
    Duration::from_secs(given.filter(|seconds| *seconds > 0).unwrap_or(usual))
}

/// What of a program's output is kept; the rest goes where the caller's goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Captured {
    /// Standard output.
    Out,
    /// Both streams as one.
    Both,
}

/// Runs a program to its end, but not longer than this, and returns its code and what it printed.
///
/// # Errors
///
/// `TimedOut` for one that took too long; it and its children are gone then.
pub(super) fn captured(mut command: Command, what: Captured, limit: Duration) -> io::Result<(u8, String)> {
    let (mut reader, writer) = io::pipe()?;
    command.process_group(0);
    if what == Captured::Both {
        command.stderr(writer.try_clone()?);
    }
    command.stdout(writer);
    let mut child = command.spawn()?;
    // The writing ends must be the program's alone, or there is no end of its output.
    drop(command);
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        let read = reader.read_to_end(&mut said).map(|_| said);
        // Nobody waits any more for what comes too late.
        let _ = tell.send(read);
    });
    let Ok(read) = told.recv_timeout(limit) else {
        group::kill(&child)?;
        child.wait()?;
        let why = format!("took longer than {} s and was stopped", limit.as_secs());
        return Err(io::Error::new(io::ErrorKind::TimedOut, why));
    };
    let status = child.wait()?;
    Ok((code(status), String::from_utf8_lossy(&read?).into_owned()))
}

/// The shell's code for how a program ended.
pub(super) fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|number| 128 + number)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// The shell's code for a program that could not be run.
pub(super) fn failure(error: &io::Error) -> u8 {
    if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }
}

/// The system's sentence without Rust's number behind it.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn quoted(program: &OsStr) -> String {
    // The marks that env(1) has in the locale of scripts.
    format!("'{}'", program.to_string_lossy())
}

/// Whether this is a link of the script in a directory of links: `S` or `K`, two digits, its name.
pub(super) fn is_link_of(file: &str, script: &str) -> bool {
    let bytes = file.as_bytes();
    let is_link = bytes.len() > 3 && matches!(bytes[0], b'S' | b'K') && bytes[1..3].iter().all(u8::is_ascii_digit);
    is_link && &file[3..] == script
}
