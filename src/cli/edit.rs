//! `svc edit NAME`: a drop-in is written in an editor, checked together with the definition, saved and loaded. What was
//! typed is in a file of its own until it is saved, so nothing that goes wrong can lose it.

use std::fmt::Write;
use std::fs;
use std::io::{self, BufRead, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, process};

use svc_core::Name;
use svc_core::definition::near;
use svc_platform::files;
use svc_platform::signals::{Incoming, Signals};

use super::args::Common;
use super::client::AskError;
use super::code;
use super::human::clean_lines;
use super::session::Session;
use super::{json, say_error, say_raw_error};
use crate::daemon;
use crate::daemon::loader::{self, Draft, Drafted};
use crate::wire::Request;

/// The drop-in that is ours.
const FILE: &str = "edit.toml";
/// Lines that explain are not kept.
const EXPLAINS: &str = "#:";
const EDITOR: &str = "vi";

/// What stops an edit: what is told, and the exit code.
struct Stop {
    text: String,
    code: u8,
}

/// One edit of one service.
struct Edit {
    name: Name,
    places: daemon::Options,
    /// Where the drop-in is, or will be.
    path: PathBuf,
    /// What it said when the edit began; `None`: it was not there.
    before: Option<String>,
}

impl Session {
    /// Carries the verb out for one service and returns the exit code.
    pub(super) fn edit(&self, name: &str, common: &Common) -> u8 {
        match Edit::begin(name, self.places(common)).and_then(|edit| edit.run()) {
            Ok(Some(done)) => {
                if !self.json() && !self.is_quiet() {
                    super::say(&format!("{done}\n"));
                }
                self.take_over()
            }
            Ok(None) => {
                if !self.json() && !self.is_quiet() {
                    super::say(&format!("{name}: nothing was changed\n"));
                }
                code::GOOD
            }
            Err(Stop { text, code }) => {
                if self.json() {
                    super::say(&json::error(&text, code));
                } else {
                    say_error(&text);
                }
                code
            }
        }
    }

    /// What was saved comes into force; where no svcd runs, when one is started.
    fn take_over(&self) -> u8 {
        match self.ask(&Request::Load { names: Vec::new() }) {
            Ok(reply) => {
                self.tell(&reply);
                code::Table::Action.reply(&reply)
            }
            Err(AskError::NoDaemon { .. }) => {
                if !self.json() && !self.is_quiet() {
                    super::say("svcd is not running; it comes into force when it is started\n");
                }
                code::GOOD
            }
            Err(error) => self.unanswered(&error, code::Table::Action),
        }
    }
}

impl Edit {
    fn begin(name: &str, places: daemon::Options) -> Result<Self, Stop> {
        let name = Name::new(name).map_err(|error| stop(code::USAGE, format!("{error}; name one service")))?;
        let Some(dir) = places.definitions.first() else {
            return Err(stop(code::FAILED, format!("{name}: there is no directory for definitions")));
        };
        let path = dir.join(format!("{name}.d")).join(FILE);
        let before = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(system(&path, &error)),
        };
        Ok(Self { name, places, path, before })
    }

    fn checked(&self, text: &str) -> Drafted {
        loader::read_with(&self.places, Draft { name: &self.name, path: &self.path, text })
    }

    /// What was done, in one sentence; `None`: nothing.
    fn run(self) -> Result<Option<String>, Stop> {
        let found = self.checked(self.before.as_deref().unwrap_or_default());
        if !found.is_known {
            let meant = near(self.name.as_str(), found.names.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            return Err(stop(code::NOT_INSTALLED, format!("no service is called {}{meant}", self.name)));
        }
        // Better now than when much has been typed.
        let dir = self.path.parent().unwrap_or(&self.path);
        let had_dir = dir.is_dir();
        files::make_directory(dir, 0o755).map_err(|error| denied(&error))?;
        let desk = Desk::new(&self.name)?;
        let result = self.write(&desk, &found);
        if !had_dir {
            // Only if nothing was put into it.
            let _ = fs::remove_dir(dir);
        }
        match result {
            Ok(done) => {
                desk.clear();
                Ok(done)
            }
            Err(Stop { text, code }) if desk.has_text() => {
                Err(stop(code, format!("{text}\nwhat was typed is kept in {}", desk.file.display())))
            }
            Err(error) => Err(error),
        }
    }

    fn write(&self, desk: &Desk, found: &Drafted) -> Result<Option<String>, Stop> {
        let shown = self.before.clone().unwrap_or_else(|| self.explained(found));
        fs::write(&desk.file, &shown).map_err(|error| system(&desk.file, &error))?;
        loop {
            start_editor(&desk.file)?;
            let text = fs::read_to_string(&desk.file).map_err(|error| system(&desk.file, &error))?;
            let text = kept(&text);
            if text == kept(self.before.as_deref().unwrap_or_default()) {
                return Ok(None);
            }
            let checked = self.checked(&text);
            for note in &checked.notes {
                clean_lines(note).for_each(|line| say_raw_error(&format!("{line}\n")));
            }
            let Some(faults) = checked.faults else { return self.save(&text) };
            if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
                return Err(stop(code::FAILED, format!("{}: nothing was saved:\n{faults}", self.name)));
            }
            clean_lines(&faults).for_each(|line| say_raw_error(&format!("{line}\n")));
            if !edits_again() {
                return Err(stop(code::FAILED, format!("{}: nothing was saved", self.name)));
            }
        }
    }

    fn save(&self, text: &str) -> Result<Option<String>, Stop> {
        let now = fs::read_to_string(&self.path).ok();
        if now != self.before {
            let text = format!("{}: somebody else has changed it meanwhile; nothing was saved", self.path.display());
            return Err(stop(code::FAILED, text));
        }
        if text.trim().is_empty() {
            fs::remove_file(&self.path).map_err(|error| system(&self.path, &error))?;
            let _ = self.path.parent().map(fs::remove_dir);
            return Ok(Some(format!("{} is removed", self.path.display())));
        }
        files::replace(&self.path, text.as_bytes(), 0o644).map_err(|error| denied(&error))?;
        Ok(Some(format!("{} is saved", self.path.display())))
    }

    /// What stands in a new drop-in, for whoever looks at it.
    fn explained(&self, found: &Drafted) -> String {
        let mut text = String::new();
        let _ =
            writeln!(text, "{EXPLAINS} What is written here overrides the definition of {}, key by key.", self.name);
        let _ = writeln!(text, "{EXPLAINS} Lines that begin so are not kept; svc.toml(5) lists the keys.");
        let own = self.path.to_string_lossy();
        for file in found.files.iter().filter(|file| **file != own) {
            let _ = writeln!(text, "{EXPLAINS}\n{EXPLAINS} {file}:");
            let lines = fs::read(file).unwrap_or_default();
            for line in String::from_utf8_lossy(&lines).lines().take(100) {
                let _ = writeln!(text, "{EXPLAINS}   {line}");
            }
        }
        text + "\n"
    }
}

/// The text without lines that only explain.
fn kept(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with(EXPLAINS)).collect();
    match lines.join("\n").trim_matches('\n') {
        "" => String::new(),
        text => format!("{text}\n"),
    }
}

/// A directory of one's own in which the editor works.
struct Desk {
    dir: PathBuf,
    file: PathBuf,
}

impl Desk {
    fn new(name: &Name) -> Result<Self, Stop> {
        let dir = (0..100).find_map(|number| {
            let dir = env::temp_dir().join(format!("svc-edit-{}-{number}", process::id()));
            fs::DirBuilder::new().mode(0o700).create(&dir).ok().map(|()| dir)
        });
        let none = || stop(code::FAILED, format!("{}: no directory can be made there", env::temp_dir().display()));
        let dir = dir.ok_or_else(none)?;
        Ok(Self { file: dir.join(format!("{name}.toml")), dir })
    }

    fn has_text(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|text| !kept(&text).is_empty())
    }

    fn clear(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn start_editor(file: &Path) -> Result<(), Stop> {
    let named = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| EDITOR.to_owned());
    // Ctrl-C is for the editor.
    let _held = Signals::hold(&[Incoming::Int, Incoming::Quit]);
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor).arg(file).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(stop(code::FAILED, format!("the editor `{editor}` ended with {status}; nothing was saved"))),
        Err(error) => Err(stop(code::FAILED, format!("the editor `{editor}`: {error}; set EDITOR"))),
    }
}

fn edits_again() -> bool {
    say_raw_error("edit it again? [Y/n] ");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.is_ok_and(|length| length > 0) && !answer.trim_start().starts_with(['n', 'N'])
}

fn stop(code: u8, text: String) -> Stop {
    Stop { text, code }
}

fn system(path: &Path, error: &io::Error) -> Stop {
    denied(&io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn denied(error: &io::Error) -> Stop {
    let is_denied = error.kind() == io::ErrorKind::PermissionDenied;
    stop(if is_denied { code::DENIED } else { code::FAILED }, error.to_string())
}
