//! `svc migrate --convert` and `--undo`: definitions for the scripts of a machine staged, compared, put in force while
//! their daemons go on, and taken back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde::Serialize;
use svc_compat::daemons::Table;
use svc_compat::play::Machine;
use svc_core::definition::KEYS;
use svc_core::{Answer, Name};
use svc_platform::process;

use super::{Words, is_meant};
use crate::cli::client::AskError;
use crate::cli::common::Common;
use crate::cli::out::{fail, say, say_error};
use crate::cli::session::Session;
use crate::cli::show::{self, BAD, GOOD, ODD, paint};
use crate::cli::{code, human, json};
use crate::convert::place::{self, Written};
use crate::convert::proof::{self, Proven};
use crate::convert::report::{Origin, Report};
use crate::convert::{self, Tree, Verdict};
use crate::migrate::stage::{Main, Stage, Standing};
use crate::migrate::{Adoption, Entry, survey};
use crate::rehearse::compare::{self, Pair};
use crate::wire::{Change, LoadReport, Refusal, Reply, Request, StateName, Summary, Target};

/// So many scripts are rehearsed at a time.
const AT_ONCE: usize = 4;

/// What became of one script.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    script: String,
    state: State,
    /// Why, or what is to be known.
    text: String,
    /// What somebody should look at.
    open: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// A definition waits.
    Staged,
    /// It stays a script.
    Kept,
    /// A definition that is none of ours comes before it already.
    Served,
    /// Its definition is in force.
    Switched,
    /// The script is in force again.
    Undone,
    /// It was not done.
    Failed,
}

impl Session {
    /// Stages, switches or takes back, and returns the exit code.
    pub(in crate::cli) fn migrate(&self, words: &Words, common: &Common) -> u8 {
        let root = match crate::cli::common::root(common) {
            Ok(root) => root,
            Err(code) => return code,
        };
        let Some(stage) = Stage::new(&self.places(common)) else {
            return fail(common.json, "there is no directory for definitions", code::FAILED);
        };
        let work = Work { session: self, stage, root, common, compares: !words.no_compare };
        if words.undo { work.undo(&words.names) } else { work.convert(words) }
    }
}

struct Work<'a> {
    session: &'a Session,
    stage: Stage,
    root: PathBuf,
    common: &'a Common,
    compares: bool,
}

impl Work<'_> {
    fn convert(&self, words: &Words) -> u8 {
        let inventory = survey(&self.root);
        let scripts: Vec<&Entry> = inventory.services().collect();
        if let Some(name) = words.names.iter().find(|name| !scripts.iter().any(|entry| is_meant(name, entry))) {
            let text = format!("{name}: there is no such script that can be started; to see all: svc migrate");
            return fail(self.common.json, &text, code::NOT_INSTALLED);
        }
        let switches = words.all || !words.names.is_empty();
        let is_wanted = |entry: &&Entry| words.names.is_empty() || words.names.iter().any(|name| is_meant(name, entry));
        let wanted: Vec<&Entry> = scripts.into_iter().filter(is_wanted).collect();
        let mut worst = code::GOOD;
        let mut staged = 0;
        for (mut row, entry) in self.stage_all(&wanted).into_iter().zip(wanted) {
            staged += usize::from(row.state == State::Staged);
            if switches && row.state == State::Staged {
                match self.switch(&row, entry) {
                    Ok(text) => (row.state, row.text) = (State::Switched, text),
                    Err(text) => (row.state, row.text) = (State::Failed, text),
                }
            }
            // Whoever names a script wants it converted.
            let is_missed = row.state == State::Failed || (!words.names.is_empty() && row.state == State::Kept);
            worst = worst.max(if is_missed { code::FAILED } else { code::GOOD });
            self.tell(&row);
        }
        if !switches && !self.common.json && !self.common.quiet {
            let dir = self.stage.staged("x");
            let dir = dir.parent().unwrap_or(&dir).display();
            say(&format!("\n{staged} definitions wait in {dir}; nothing is in force yet\n"));
            if staged > 0 {
                say("to compare and switch: svc migrate --convert NAME, or --all; back: svc migrate --undo\n");
            }
        }
        worst
    }

    /// Stages all of these. Most of it is waiting for scripts that are rehearsed, so some are at once.
    fn stage_all(&self, entries: &[&Entry]) -> Vec<Row> {
        let (tree, table) = (Tree::new(&self.root), Table::known());
        let (next, rows) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
        let work = || {
            while let Some((at, entry)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, entries.get(at)?)))
            {
                let row = self.stage(&tree, &table, entry);
                rows.lock().unwrap_or_else(PoisonError::into_inner).insert(at, row);
            }
        };
        thread::scope(|scope| (0..AT_ONCE.min(entries.len())).for_each(|_| drop(scope.spawn(work))));
        rows.into_inner().unwrap_or_else(PoisonError::into_inner).into_values().collect()
    }

    /// Writes a definition that waits.
    fn stage(&self, tree: &Tree, table: &Table, entry: &Entry) -> Row {
        let mut row = Row {
            name: entry.name.clone(),
            script: entry.file.clone(),
            state: State::Kept,
            text: String::new(),
            open: Vec::new(),
        };
        match self.stage.standing(&entry.name) {
            Ok(Standing::Before) => {}
            Ok(Standing::Switched(_)) => {
                (row.state, row.text) = (State::Switched, "its definition is in force".to_owned());
                return row;
            }
            Ok(Standing::Edited(_)) => {
                (row.state, row.text) = (State::Switched, "its definition was edited since it is in force".to_owned());
                return row;
            }
            Err(fault) => {
                (row.state, row.text) = (State::Failed, fault);
                return row;
            }
        }
        match &entry.adoption {
            Adoption::Served { definition } if !self.is_ours(&entry.name) => {
                (row.state, row.text) = (State::Served, format!("{definition} comes before it"));
                return row;
            }
            Adoption::No { reasons } => {
                row.text = reasons.join("; ");
                return row;
            }
            Adoption::Yes | Adoption::Served { .. } | Adoption::None => {}
        }
        match self.made(tree, table, entry) {
            Ok((text, open)) => match self.stage.stage(&entry.name, &text) {
                Ok(written) => {
                    let edited = "the definition that waits was edited, and is taken as it is";
                    let text = if written == Written::Edited { edited } else { "" };
                    (row.state, row.text, row.open) = (State::Staged, text.to_owned(), open);
                }
                Err(text) => (row.state, row.text) = (State::Failed, text),
            },
            Err(why) => row.text = why,
        }
        row
    }

    /// The text of a definition for a script, and what somebody should look at; or why it stays a script.
    fn made(&self, tree: &Tree, table: &Table, entry: &Entry) -> Result<(String, Vec<String>), String> {
        let script = tree.read(&entry.file).ok_or_else(|| "it cannot be read".to_owned())?;
        if svc_compat::shim::is_shim(&script) {
            return Err("it is a shim of svc's, which leads to a definition".to_owned());
        }
        let stage = proof::Stage { root: self.root.clone(), layers: Vec::new() };
        let Proven { evidence, verdict, notes, .. } = proof::convert(tree, table, &stage, &entry.file, &script);
        let draft = match verdict {
            Verdict::Kept(why) => return Err(why),
            Verdict::Converted(draft) if draft.name.as_str() != entry.name => {
                return Err(format!("its definition would be called {}, and be another service", draft.name));
            }
            Verdict::Converted(draft) => draft,
        };
        let mut report = Report::converted(&evidence, &draft, &script);
        report.notes.extend(notes);
        let mut definition = report.definition.clone().unwrap_or_default();
        if entry.boot.on == Some(true) {
            // A definition says so itself; links are a script's.
            definition = format!("enabled = true\n{definition}");
            let at: Vec<String> = entry.boot.at.iter().map(ToString::to_string).collect();
            report.origins.push(Origin { key: "enabled".to_owned(), origin: at.join(", ") });
        }
        Ok((place::file_text(&entry.file, &definition, &report.remarks()), report.open))
    }

    /// Whether what stands in the definition's place was converted before, and nobody touched it.
    fn is_ours(&self, name: &str) -> bool {
        std::fs::read_to_string(self.stage.target(name)).is_ok_and(|text| place::is_ours(&text))
    }

    /// Compares, puts the definition in force, and looks that its daemon goes on; else everything is as it was.
    fn switch(&self, row: &Row, entry: &Entry) -> Result<String, String> {
        let name = Name::new(&row.name).map_err(|error| error.to_string())?;
        let text = self.stage.text(&row.name)?;
        convert::service(&name, &text).map_err(|faults| faults.join("; "))?;
        if self.compares {
            self.compare(row)?;
        }
        let before = self.summary(&row.name)?;
        if before.is_none() && entry.running.is_some() {
            let pid = entry.running.as_ref().map_or(0, |running| running.pid);
            return Err(format!(
                "svcd is not running, and would not know pid {pid} again as this service; try: svcd &"
            ));
        }
        let pid = before.as_ref().and_then(|before| before.pid);
        self.stage.switch(&row.name, pid.and_then(main_of))?;
        let Some(before) = before else {
            return Ok("svcd is not running; the definition comes into force when it is started".to_owned());
        };
        let done = self.load(&row.name).and_then(|report| self.went_on(&row.name, &before).map(|()| report));
        let report = match done {
            Ok(report) => report,
            Err(why) => {
                self.stage.back(&row.name)?;
                // A drop-in that nobody takes may be wrong for the script, too; what was in force stays so then.
                let _told = self.load(&row.name);
                return Err(format!("{why}; it is a script again"));
            }
        };
        // Of keys that a script does not have, those that say nothing new are no change.
        let is_new = |change: &&Change| {
            let (table, key) = change.key.split_once('.').unwrap_or(("", &change.key));
            let known = KEYS.iter().find(|known| known.table == table && known.name == key);
            let is_usual = change.new.is_empty() || known.is_some_and(|known| known.default == change.new);
            let says_nothing = change.old.is_empty() && is_usual;
            !(change.live || says_nothing)
        };
        let keys: Vec<&str> = report.changed.iter().filter(is_new).map(|change| change.key.as_str()).collect();
        Ok(match pid {
            Some(pid) if keys.is_empty() => format!("pid {pid} goes on"),
            Some(pid) => {
                format!("pid {pid} goes on as its script started it; the next restart brings: {}", keys.join(", "))
            }
            None => "it was not running".to_owned(),
        })
    }

    fn compare(&self, row: &Row) -> Result<(), String> {
        let script = self.root.join(row.script.trim_start_matches('/'));
        let pair = Pair { root: self.root.clone(), ..Pair::new(script, self.stage.staged(&row.name)) };
        let pair = Pair { time: self.common.timeout.unwrap_or(compare::TIME_MAX), ..pair };
        let found = pair.compare().map_err(|why| format!("{why}; to switch without comparing: --no-compare"))?;
        if found.is_equivalent() {
            return Ok(());
        }
        let differ = found.rows.iter().filter(|row| row.verdict == compare::Verdict::Different);
        let what: Vec<&str> = differ.map(|row| row.what.as_str()).collect();
        let (script, staged) = (&row.script, self.stage.staged(&row.name));
        let see = format!("see: svc compare {script} {}", staged.display());
        Err(format!("the definition differs from the script: {}; {see}; all the same: --no-compare", what.join(", ")))
    }

    /// What svcd says of it; `None`: there is no svcd.
    fn summary(&self, name: &str) -> Result<Option<Summary>, String> {
        match self.session.ask(&Request::List { names: vec![name.to_owned()] }) {
            Ok(Reply::List(mut rows)) if rows.len() == 1 => Ok(rows.pop()),
            Ok(Reply::Refused(Refusal::Unknown { .. })) => Err("svcd does not know it; try: svc load".to_owned()),
            Ok(other) => Err(show::refused(&other)),
            Err(AskError::NoDaemon { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn load(&self, name: &str) -> Result<LoadReport, String> {
        match self.session.ask(&Request::Load { names: vec![name.to_owned()] }) {
            Ok(Reply::Load(report)) if report.faults.is_empty() => Ok(report),
            Ok(Reply::Load(report)) => Err(report.faults.join("; ")),
            Ok(other) => Err(show::refused(&other)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether the service is as it was, with the same main process.
    fn went_on(&self, name: &str, before: &Summary) -> Result<(), String> {
        let after = self.summary(name)?.ok_or("svcd is gone")?;
        let same = after.pid == before.pid && (after.state == before.state || before.pid.is_none());
        if same { Ok(()) } else { Err(format!("it did not go on: it is {} now {}", after.state.word(), after.reason)) }
    }

    fn undo(&self, names: &[String]) -> u8 {
        let switched = self.stage.names();
        let matches = |name: &String, known: &String| name == known || crate::daemon::glob::matches(name, known);
        if let Some(name) = names.iter().find(|name| !switched.iter().any(|known| matches(name, known))) {
            let text = format!("{name}: no definition took its place; to see what did: svc migrate --convert");
            return fail(self.common.json, &text, code::NOT_INSTALLED);
        }
        let mut worst = code::GOOD;
        for known in switched.iter().filter(|known| names.is_empty() || names.iter().any(|name| matches(name, known))) {
            let (state, text) = match self.take_back(known) {
                Ok(text) => (State::Undone, text),
                Err(text) => (State::Failed, text),
            };
            worst = worst.max(if state == State::Failed { code::FAILED } else { code::GOOD });
            self.tell(&Row { name: known.clone(), script: String::new(), state, text, open: Vec::new() });
        }
        if worst == code::GOOD && names.is_empty() {
            self.stage.clear();
            if switched.is_empty() && !self.common.json && !self.common.quiet {
                say("no definition took the place of a script\n");
            }
        }
        worst
    }

    /// Puts the script in force again. A process that the definition started is one that the script cannot stop, so it
    /// is started anew.
    fn take_back(&self, name: &str) -> Result<String, String> {
        let (Standing::Switched(record) | Standing::Edited(record)) = self.stage.standing(name)? else {
            return self.stage.back(name).map(|_| "it is as it was".to_owned());
        };
        let before = self.summary(name)?;
        let pid = before.as_ref().and_then(|before| before.pid);
        let is_other = pid.is_some_and(|pid| record.main != main_of(pid));
        let anew = is_other && before.as_ref().is_some_and(|before| before.state == StateName::Up);
        if anew {
            self.act(Request::Stop, name)?;
        }
        let saved = match self.script_back(name, before.is_some()) {
            Ok(saved) => saved,
            // It was stopped for its script; with that or without, it was up.
            Err(why) if anew => {
                let then = self.start(name).map_or_else(|failed| failed, |()| "it was started again".to_owned());
                return Err(format!("{why}; {then}"));
            }
            Err(why) => return Err(why),
        };
        let Some(before) = before else {
            return Ok(format!("the script comes into force when svcd is started{saved}"));
        };
        if anew {
            self.start(name)?;
            return Ok(format!("its script started it anew{saved}"));
        }
        self.went_on(name, &before)?;
        let now = pid.map_or_else(|| "it is not running".to_owned(), |pid| format!("pid {pid} goes on"));
        Ok(format!("{now}{saved}"))
    }

    /// Puts the files back as they were and has them read, if anybody does; says what was saved of an edit.
    fn script_back(&self, name: &str, is_known: bool) -> Result<String, String> {
        let saved = self.stage.back(name)?;
        if is_known {
            self.load(name)?;
        }
        let saved: Vec<String> = saved.iter().map(|path| path.display().to_string()).collect();
        Ok(match saved.is_empty() {
            true => String::new(),
            false => format!("; what was edited waits in {}", saved.join(", what was edited there before in ")),
        })
    }

    /// Starts what was stopped here.
    fn start(&self, name: &str) -> Result<(), String> {
        let told = |why| format!("{why}; it is stopped; to start it: svc {name} start");
        self.act(Request::Start, name).map_err(told)
    }

    fn act(&self, request: fn(Target) -> Request, name: &str) -> Result<(), String> {
        let target = Target { names: vec![name.to_owned()], ..Target::default() };
        match self.session.ask(&request(target)) {
            Ok(Reply::Outcomes(all)) => match all.iter().find(|one| !matches!(one.answer, Answer::Done { .. })) {
                Some(failed) => {
                    let told = show::outcome(failed, self.session.look()).err;
                    Err(anstream::adapter::strip_str(told.trim_end()).to_string().replace('\n', "; "))
                }
                None => Ok(()),
            },
            Ok(other) => Err(show::refused(&other)),
            Err(error) => Err(error.to_string()),
        }
    }

    fn tell(&self, row: &Row) {
        if self.common.json {
            return say(&json::value("migrated", serde_json::to_value(row).unwrap_or_default()));
        }
        if row.state == State::Failed {
            return say_error(&format!("{}: {}", row.name, row.text));
        }
        if self.common.quiet {
            return;
        }
        say(&shown(row));
    }
}

/// A row for people.
fn shown(row: &Row) -> String {
    let (style, word) = match row.state {
        State::Staged => (GOOD, "staged"),
        State::Kept => (ODD, "kept"),
        State::Served => (GOOD, "served"),
        State::Switched => (GOOD, "switched"),
        State::Undone => (GOOD, "undone"),
        State::Failed => (BAD, "failed"),
    };
    let mut text = format!("{:<20} {}", human::clean(&row.name), paint(style, word));
    if !row.text.is_empty() {
        text += &format!("{:width$} {}", "", human::one_line(&row.text), width = 8_usize.saturating_sub(word.len()));
    }
    text.push('\n');
    // Once it is in force they matter more, not less.
    if matches!(row.state, State::Staged | State::Switched) {
        row.open.iter().for_each(|line| text += &format!("  {}\n", human::one_line(line)));
    }
    text
}

/// What tells a process from every other.
fn main_of(pid: i32) -> Option<Main> {
    process::start_time(pid).ok().map(|started| Main { pid, started })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_should_look_at_is_shown_of_definitions_that_wait_and_that_are_in_force() {
        let shows = |state| {
            let open = vec!["no pid file is known".to_owned()];
            let row = Row { name: "web".to_owned(), script: String::new(), state, text: String::new(), open };
            shown(&row).ends_with("\n  no pid file is known\n")
        };
        assert!(shows(State::Staged) && shows(State::Switched));
        assert!(!shows(State::Undone));
    }
}
