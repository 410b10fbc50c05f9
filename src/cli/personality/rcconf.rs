//! rc.conf as the shell understands it: read by a shell, in an environment of its own.

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use svc_compat::library::RC_SUBR;

/// What stands between the words of rc.conf's own `echo` and the answer.
const MARK: char = '\u{1}';

/// For so long the configuration may keep a processor busy: it is shell, and may turn in a circle.
pub(super) const WORK_SECONDS_MAX: u32 = 5;

/// Everything is looked for below this; as a rule it is `/`.
pub(super) fn root() -> PathBuf {
    env::var_os("SVC_ROOT").map_or_else(|| PathBuf::from("/"), PathBuf::from)
}

/// A path of the system, below the root.
pub(super) fn below(path: &str) -> PathBuf {
    root().join(path.trim_start_matches('/'))
}

/// Runs lines of shell after the configuration has been read; its answer is what they print.
///
/// # Errors
///
/// The shell's exit code, when the configuration ends it: 2 for a syntax error.
pub(super) fn ask(lines: &str, words: &[String]) -> Result<String, ExitCode> {
    let own = below(RC_SUBR.path);
    let library = if own.exists() { format!(". {}\n", own.display()) } else { RC_SUBR.text.to_owned() };
    let script = format!("ulimit -t {WORK_SECONDS_MAX}\n{library}\nload_rc_config\nprintf '\\001'\n{lines}");
    let output = Command::new("/bin/sh")
        .args(["-c", &script, "service"])
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            super::say_error(&format!("/bin/sh: {error}"));
            ExitCode::FAILURE
        })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let (before, answer) = text.split_once(MARK).unwrap_or((&text, ""));
    // A reader who went away is no error of ours.
    let _ = io::stdout().write_all(before.as_bytes());
    match output.status.code() {
        Some(0) => Ok(answer.to_owned()),
        Some(code) => Err(ExitCode::from(u8::try_from(code).unwrap_or(1))),
        None => {
            super::say_error(&format!("rc.conf has no end: its shell was stopped after {WORK_SECONDS_MAX} s of work"));
            Err(ExitCode::FAILURE)
        }
    }
}

/// The directories of scripts beside /etc/rc.d, and the script after which they are mixed in.
pub(super) fn places() -> Result<(Vec<String>, String), ExitCode> {
    let answer = ask("printf '%s\\n' \"$local_startup\" \"${early_late_divider-FILESYSTEMS}\"", &[])?;
    let mut lines = answer.lines();
    let local = lines.next().unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Ok((local, lines.next().unwrap_or_default().to_owned()))
}

/// The names in a directory as ls(1) has them.
pub(super) fn names(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    names
}
