//! A terminal of a given size, by tmux: keys go in, what is on the screen comes out.

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, io, thread};

use tempfile::TempDir;

/// How long something is waited for on the screen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a screen is left alone before it is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A terminal with one program in it.
pub(crate) struct Terminal {
    /// Where its socket is.
    folder: TempDir,
}

/// Whether these programs are installed; says so where a test needs one that is not.
pub(crate) fn have(test: &str, programs: &[&str]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |program: &&&str| env::split_paths(&path).any(|dir| dir.join(program).is_file());
    match programs.iter().find(|program| !is_there(program)) {
        None => true,
        Some(missing) => {
            // Not by `eprintln!`, which the test harness would keep to itself.
            let _ = writeln!(io::stderr(), "skipped: {test}: {missing} is not installed");
            false
        }
    }
}

impl Terminal {
    /// Opens a terminal of this many columns and lines in which this line of a shell runs.
    pub(crate) fn open(columns: u16, lines: u16, variables: &[(&str, &str)], line: &str) -> Self {
        let terminal = Self { folder: tempfile::tempdir().unwrap() };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let mut tmux = terminal.tmux();
        // The programs under test first.
        let own = Path::new(env!("CARGO_BIN_EXE_svc")).parent().unwrap();
        let paths = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(std::iter::once(own.to_owned()).chain(env::split_paths(&paths))).unwrap();
        tmux.env_clear().envs(variables.iter().copied()).env("PATH", path).env("LC_ALL", "C.UTF-8");
        tmux.env("HOME", terminal.folder.path()).env("SHELL", "/bin/sh");
        tmux.args(["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &lines, line]);
        run(&mut tmux);
        terminal
    }

    /// Types keys, by the names that tmux has for them; other words are typed letter by letter.
    pub(crate) fn keys(&self, keys: &[&str]) {
        run(self.tmux().arg("send-keys").args(keys));
    }

    /// What is on the screen, without blanks at the ends of lines and empty lines at its end.
    pub(crate) fn text(&self) -> String {
        run(self.tmux().args(["capture-pane", "-p"])).trim_end().to_owned()
    }

    /// Gives it another size.
    pub(crate) fn resize(&self, columns: u16, lines: u16) {
        run(self.tmux().args(["resize-window", "-x", &columns.to_string(), "-y", &lines.to_string()]));
    }

    /// The same with colours, as escape sequences.
    pub(crate) fn coloured(&self) -> String {
        run(self.tmux().args(["capture-pane", "-p", "-e"])).trim_end().to_owned()
    }

    /// What tmux knows of it, such as `#{alternate_on}`.
    pub(crate) fn fact(&self, format: &str) -> String {
        run(self.tmux().args(["display-message", "-p", format])).trim_end().to_owned()
    }

    /// Waits until the screen is so, and returns it.
    pub(crate) fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if is_so(&text) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "never on the screen: {what}\n{text}");
            thread::park_timeout(LOOK_AGAIN);
        }
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket"));
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Another failure is told already.
        let _ = self.tmux().arg("kill-server").output();
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}
