//! `svc edit NAME`: a drop-in is written in an editor, checked together with the definition, saved and loaded; where
//! another file of the definition has faults, that one in its place. What was typed is in a file of its own until it is
//! saved, so nothing that goes wrong can lose it.

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

use super::client::AskError;
use super::code;
use super::common::Common;
use super::human::clean_lines;
use super::json;
use super::out::{fail, say_raw_error};
use super::session::Session;
use crate::daemon;
use crate::daemon::loader::{self, Draft, Drafted};
use crate::wire::{Reply, Request};

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
    what: What,
    /// Where what is typed is, or will be.
    path: PathBuf,
    /// What that said when the edit began; `None`: it was not there.
    before: Option<String>,
    /// What the editor begins with.
    text: String,
    /// What stands above it, for whoever looks at it.
    head: String,
}

/// What became of it.
enum Done {
    Nothing,
    Saved(PathBuf),
    Removed(PathBuf),
}

/// What is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    /// The drop-in that is ours.
    DropIn,
    /// Another file, which has faults.
    Faulty,
}

impl Session {
    /// Carries the verb out for one service and returns the exit code.
    pub(super) fn edit(&self, name: &str, common: &Common) -> u8 {
        match Edit::begin(name, self.places(common)).and_then(|edit| edit.run()) {
            Ok(done) => {
                self.tell_edit(name, &done);
                if let Done::Nothing = done { code::GOOD } else { self.take_over(name) }
            }
            Err(Stop { text, code }) => fail(self.json(), &text, code),
        }
    }

    fn tell_edit(&self, name: &str, done: &Done) {
        let (word, file) = match done {
            Done::Saved(file) => ("saved", Some(file.display().to_string())),
            Done::Removed(file) => ("removed", Some(file.display().to_string())),
            Done::Nothing => ("unchanged", None),
        };
        match file {
            _ if self.json() => {
                super::out::say(&json::value("edit", serde_json::json!({ "name": name, "done": word, "file": file })));
            }
            _ if self.is_quiet() => {}
            Some(file) => super::out::say(&format!("{file} is {word}\n")),
            None => super::out::say(&format!("{name}: nothing was changed\n")),
        }
    }

    /// What was saved comes into force; where no svcd runs, when one is started. What is wrong with other services is
    /// theirs.
    fn take_over(&self, name: &str) -> u8 {
        match self.ask(&Request::Load { names: vec![name.to_owned()] }) {
            Ok(mut reply) => {
                let code = code::Table::Action.reply(&reply);
                if let (Reply::Load(report), false) = (&mut reply, self.json()) {
                    // What changed is what somebody who edits wants to see; `svc cat` shows all.
                    report.values.clear();
                }
                self.tell(&reply);
                code
            }
            Err(AskError::NoDaemon { .. }) => {
                if !self.json() && !self.is_quiet() {
                    super::out::say("svcd is not running; it comes into force when it is started\n");
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
        let before = text_of(&path)?;
        let text = before.clone().unwrap_or_default();
        Ok(Self { name, places, what: What::DropIn, path, before, text, head: String::new() })
    }

    fn checked(&self, text: &str) -> Drafted {
        loader::read_with(&self.places, Draft { name: &self.name, path: &self.path, text })
    }

    fn run(mut self) -> Result<Done, Stop> {
        let found = self.checked(&self.text);
        if !found.is_known {
            let meant = near(self.name.as_str(), found.names.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean {meant}?")).unwrap_or_default();
            return Err(stop(code::NOT_INSTALLED, format!("no service is called {}{meant}", self.name)));
        }
        if found.faults.is_some() {
            let without = self.checked("");
            if let (Some(file), Some(faults)) = (without.faulty.first(), &without.faults) {
                self.mend(file, faults)?;
            }
        }
        if self.what == What::DropIn && self.before.is_none() {
            self.head = self.explained(&found);
        }
        // Better now than when much has been typed.
        let dir = self.path.parent().unwrap_or(&self.path);
        let had_dir = dir.is_dir();
        files::make_directory(dir, 0o755).map_err(|error| denied(&error))?;
        let result = may_write(dir).and_then(|()| Desk::new(&self.name)).map(|desk| (self.write(&desk, &found), desk));
        if !had_dir {
            // Only if nothing was put into it.
            let _ = fs::remove_dir(dir);
        }
        let (result, desk) = result?;
        match result {
            Ok(done) => {
                desk.clear();
                Ok(done)
            }
            Err(Stop { text, code }) if self.is_typed(&desk) => {
                Err(stop(code, format!("{text}\nwhat was typed is kept in {}", desk.file.display())))
            }
            Err(error) => {
                desk.clear();
                Err(error)
            }
        }
    }

    /// Goes over to the file with these faults, which nothing that a drop-in says takes back. In place of one that came
    /// with the system another is written, which hides it.
    fn mend(&mut self, file: &Path, faults: &str) -> Result<(), Stop> {
        self.text = text_of(file)?.unwrap_or_default();
        let mut dirs = self.places.definitions.iter();
        let first = dirs.next().filter(|_| dirs.any(|dir| Some(dir.as_path()) == file.parent()));
        self.path = match (first, file.file_name()) {
            (Some(first), Some(name)) => first.join(name),
            _ => file.to_owned(),
        };
        self.what = What::Faulty;
        self.before = if self.path == file { Some(self.text.clone()) } else { None };
        let mut head = format!("{} has faults, which no drop-in mends:\n\n{faults}\n\n", file.display());
        if self.path != file {
            let _ = writeln!(head, "What is saved is {}, which takes its place.", self.path.display());
        }
        head.push_str("Lines that begin so are not kept; svc.toml(5) lists the keys.");
        self.head = head.lines().map(|line| format!("{EXPLAINS} {line}").trim_end().to_owned() + "\n").collect();
        Ok(())
    }

    /// The text without lines that only explain. In a file that is not ours they are those that we put there.
    fn kept(&self, text: &str) -> String {
        let explains = |line: &str| match self.what {
            What::DropIn => line.starts_with(EXPLAINS),
            What::Faulty => line.starts_with(EXPLAINS) && self.head.lines().any(|ours| ours == line),
        };
        let lines: Vec<&str> = text.lines().filter(|line| !explains(line)).collect();
        match lines.join("\n").trim_matches('\n') {
            "" => String::new(),
            text => format!("{text}\n"),
        }
    }

    /// Whether there is something that would be lost.
    fn is_typed(&self, desk: &Desk) -> bool {
        let typed = fs::read_to_string(&desk.file).map(|text| self.kept(&text)).unwrap_or_default();
        !typed.is_empty() && (self.what == What::DropIn || typed != self.kept(&self.text))
    }

    fn write(&self, desk: &Desk, found: &Drafted) -> Result<Done, Stop> {
        fs::write(&desk.file, format!("{}{}", self.head, self.text)).map_err(|error| system(&desk.file, &error))?;
        loop {
            start_editor(&desk.file)?;
            let text = fs::read_to_string(&desk.file).map_err(|error| system(&desk.file, &error))?;
            let text = self.kept(&text);
            if text == self.kept(&self.text) {
                return Ok(Done::Nothing);
            }
            let checked = self.checked(&text);
            for note in &checked.notes {
                clean_lines(note).for_each(|line| say_raw_error(&format!("{line}\n")));
            }
            let Some(faults) = self.against(&checked, found) else { return self.save(&text) };
            if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
                return Err(stop(code::FAILED, format!("{}: nothing was saved:\n{faults}", self.name)));
            }
            clean_lines(&faults).for_each(|line| say_raw_error(&format!("{line}\n")));
            if !edits_again() {
                return Err(stop(code::FAILED, format!("{}: nothing was saved", self.name)));
            }
        }
    }

    /// What speaks against saving this: a fault, but for those of other files while one is mended; or that it could not
    /// start any more, but for a reason that was there before.
    fn against(&self, checked: &Drafted, found: &Drafted) -> Option<String> {
        let broken = || checked.broken.clone().filter(|_| checked.broken != found.broken);
        let faults = checked.faults.clone().filter(|_| match self.what {
            What::DropIn => true,
            What::Faulty => checked.faulty.is_empty() || checked.faulty.contains(&self.path),
        });
        faults.or_else(broken)
    }

    fn save(&self, text: &str) -> Result<Done, Stop> {
        let now = fs::read_to_string(&self.path).ok();
        if now != self.before {
            let text = format!("{}: somebody else has changed it meanwhile; nothing was saved", self.path.display());
            return Err(stop(code::FAILED, text));
        }
        if text.trim().is_empty() && self.what == What::DropIn {
            fs::remove_file(&self.path).map_err(|error| system(&self.path, &error))?;
            let _ = self.path.parent().map(fs::remove_dir);
            return Ok(Done::Removed(self.path.clone()));
        }
        files::replace(&self.path, text.as_bytes(), 0o644).map_err(|error| denied(&error))?;
        Ok(Done::Saved(self.path.clone()))
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

/// What is in a file, if it is there.
fn text_of(path: &Path) -> Result<Option<String>, Stop> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(system(path, &error)),
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

    fn clear(&self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Whether a file can be put here.
fn may_write(dir: &Path) -> Result<(), Stop> {
    let probe = dir.join(format!(".{FILE}.{}.probe", process::id()));
    fs::File::create_new(&probe).map_err(|error| system(dir, &error))?;
    fs::remove_file(&probe).map_err(|error| system(&probe, &error))
}

fn start_editor(file: &Path) -> Result<(), Stop> {
    let named = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = match named("VISUAL").or_else(|| named("EDITOR")) {
        Some(editor) => editor,
        None if io::stdin().is_terminal() && io::stdout().is_terminal() => EDITOR.to_owned(),
        None => return Err(stop(code::FAILED, format!("there is no terminal for {EDITOR}; set EDITOR to another"))),
    };
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
