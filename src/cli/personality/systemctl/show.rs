//! Verbs that only ask.

use std::fs;

use super::super::asker::{Trouble, say};
use super::{Call, FAILED, NO_SUCH_UNIT, NOT_RUNNING, complain, no_answer, service_of, unit_of, words};
use crate::wire::{Status, Summary};

impl Call {
    /// What is known of a unit; `None`: there is none.
    fn rows(&self, unit: &str) -> Result<Option<Vec<Summary>>, String> {
        let Some(name) = service_of(unit) else { return Ok(None) };
        match self.asker.list(vec![name.to_owned()]) {
            Ok(rows) => Ok(Some(rows)),
            Err(Trouble::Unknown(_)) => Ok(None),
            Err(Trouble::Other(text)) => Err(text),
        }
    }

    fn say_unless_quiet(&self, text: &str) {
        if !self.options.quiet {
            say(text);
        }
    }

    /// 0 if one of them is active.
    pub(super) fn is_active(&self) -> u8 {
        let (mut code, mut any) = (NO_SUCH_UNIT, false);
        for unit in &self.units {
            match self.rows(unit) {
                Err(text) => return complain(&text),
                Ok(None) => self.say_unless_quiet("inactive\n"),
                Ok(Some(rows)) => {
                    for row in rows {
                        let word = words(row.state, row.pid).0;
                        any |= word == "active";
                        code = NOT_RUNNING;
                        self.say_unless_quiet(&format!("{word}\n"));
                    }
                }
            }
        }
        if any { 0 } else { code }
    }

    /// 0 if one of them has failed.
    pub(super) fn is_failed(&self) -> u8 {
        let mut any = false;
        for unit in &self.units {
            match self.rows(unit) {
                Err(text) => return complain(&text),
                Ok(None) => self.say_unless_quiet("inactive\n"),
                Ok(Some(rows)) => {
                    for row in rows {
                        let word = words(row.state, row.pid).0;
                        any |= word == "failed";
                        self.say_unless_quiet(&format!("{word}\n"));
                    }
                }
            }
        }
        u8::from(!any)
    }

    /// 0 if one of them is enabled.
    pub(super) fn is_enabled(&self) -> u8 {
        let mut any = false;
        for unit in &self.units {
            match self.rows(unit) {
                Err(text) => return complain(&text),
                Ok(None) => {
                    let whole = unit_of(unit);
                    eprintln!("Failed to get unit file state for {whole}: No such file or directory");
                }
                Ok(Some(rows)) => {
                    for row in rows {
                        any |= row.enabled;
                        self.say_unless_quiet(if row.enabled { "enabled\n" } else { "disabled\n" });
                    }
                }
            }
        }
        u8::from(!any)
    }

    pub(super) fn status(&self) -> u8 {
        if self.units.is_empty() {
            return self.list_units();
        }
        let (mut code, mut first) = (0, true);
        for unit in &self.units {
            let asked = match service_of(unit) {
                Some(name) => self.asker.status(name, self.options.lines),
                None => Err(Trouble::Unknown(unit.clone())),
            };
            match asked {
                Ok(all) => {
                    for status in all {
                        self.say_unless_quiet(if first { "" } else { "\n" });
                        first = false;
                        self.say_unless_quiet(&page(&status));
                        let is_active = words(status.summary.state, status.summary.pid).0 == "active";
                        code = code.max(if is_active { 0 } else { NOT_RUNNING });
                    }
                }
                Err(Trouble::Unknown(_)) => {
                    eprintln!("Unit {} could not be found.", unit_of(unit));
                    code = code.max(NO_SUCH_UNIT);
                }
                Err(other) => return no_answer(&other),
            }
        }
        code
    }

    pub(super) fn show(&self) -> u8 {
        let mut first = true;
        for unit in &self.units {
            let asked = match service_of(unit) {
                Some(name) => self.asker.status(name, 0),
                None => Err(Trouble::Unknown(unit.clone())),
            };
            let all = match asked {
                Ok(all) => all.iter().map(properties).collect(),
                Err(Trouble::Unknown(_)) => vec![nothing(&unit_of(unit))],
                Err(other) => return no_answer(&other),
            };
            for properties in all {
                say(if first { "" } else { "\n" });
                first = false;
                say(&self.selected(&properties));
            }
        }
        0
    }

    /// Those asked for, in the order of the list; all without a choice.
    fn selected(&self, properties: &[Property]) -> String {
        let wanted = &self.options.properties;
        let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
        let chosen = properties.iter().filter(|(name, _)| is_wanted(name));
        let lines = chosen.map(|(name, value)| match self.options.bare {
            true => format!("{value}\n"),
            false => format!("{name}={value}\n"),
        });
        lines.collect()
    }

    /// The files that define it, as they are.
    pub(super) fn cat(&self) -> u8 {
        let (mut code, mut first) = (0, true);
        for unit in &self.units {
            let asked = match service_of(unit) {
                Some(name) => self.asker.status(name, 0),
                None => Err(Trouble::Unknown(unit.clone())),
            };
            let files = match asked {
                Ok(all) => all.into_iter().flat_map(|status| status.files).collect::<Vec<_>>(),
                Err(Trouble::Unknown(_)) => {
                    code = complain(&format!("No files found for {}.", unit_of(unit)));
                    continue;
                }
                Err(other) => return no_answer(&other),
            };
            for path in files {
                match fs::read(&path) {
                    Ok(text) => {
                        say(if first { "" } else { "\n" });
                        first = false;
                        say(&format!("# {path}\n{}", String::from_utf8_lossy(&text)));
                    }
                    Err(error) => code = complain(&format!("{path}: {error}")),
                }
            }
        }
        code
    }

    /// The rows that type, state and patterns leave.
    fn chosen(&self) -> Result<Vec<Summary>, u8> {
        let is_service = |kind: &String| kind == "service";
        if !self.options.types.is_empty() && !self.options.types.iter().any(is_service) {
            return Ok(Vec::new());
        }
        let mut all = Vec::new();
        if self.units.is_empty() {
            all = self.asker.list(Vec::new()).map_err(|trouble| no_answer(&trouble))?;
        }
        for unit in &self.units {
            all.extend(self.rows(unit).map_err(|text| complain(&text))?.unwrap_or_default());
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all.dedup_by(|one, other| one.name == other.name);
        Ok(all)
    }

    pub(super) fn list_units(&self) -> u8 {
        let mut rows = match self.chosen() {
            Ok(rows) => rows,
            Err(code) => return code,
        };
        let states = &self.options.states;
        rows.retain(|row| {
            let (active, sub) = words(row.state, row.pid);
            match states.is_empty() {
                true => self.options.all || !self.units.is_empty() || active != "inactive",
                false => states.iter().any(|state| state == active || state == sub || state == "loaded"),
            }
        });
        let width = rows.iter().map(|row| unit_of(row.name.as_str()).len()).max().unwrap_or(0).max("UNIT".len());
        let line = |mark: &str, unit: &str, load: &str, active: &str, sub: &str, text: &str| {
            format!("{mark} {unit:width$} {load:6} {active:12} {sub:12} {text}").trim_end().to_owned() + "\n"
        };
        if !self.options.no_legend {
            say(&line(" ", "UNIT", "LOAD", "ACTIVE", "SUB", "DESCRIPTION"));
        }
        for row in &rows {
            let (active, sub) = words(row.state, row.pid);
            let mark = if active == "failed" { "*" } else { " " };
            say(&line(mark, &unit_of(row.name.as_str()), "loaded", active, sub, &row.description));
        }
        if !self.options.no_legend {
            say(&format!("\n{} loaded units listed.\n", rows.len()));
        }
        0
    }

    pub(super) fn list_unit_files(&self) -> u8 {
        let mut rows = match self.chosen() {
            Ok(rows) => rows,
            Err(code) => return code,
        };
        let word = |row: &Summary| if row.enabled { "enabled" } else { "disabled" };
        let states = &self.options.states;
        rows.retain(|row| states.is_empty() || states.iter().any(|state| state == word(row)));
        let width = rows.iter().map(|row| unit_of(row.name.as_str()).len()).max().unwrap_or(0).max("UNIT FILE".len());
        if !self.options.no_legend {
            say(&format!("{:width$} STATE    PRESET\n", "UNIT FILE"));
        }
        for row in &rows {
            say(&format!("{:width$} {:8} -\n", unit_of(row.name.as_str()), word(row)));
        }
        if !self.options.no_legend {
            say(&format!("\n{} unit files listed.\n", rows.len()));
        }
        if rows.is_empty() && !self.units.is_empty() { FAILED } else { 0 }
    }
}

fn page(status: &Status) -> String {
    let row = &status.summary;
    let (active, sub) = words(row.state, row.pid);
    let mark = match active {
        "active" => '*',
        "failed" => 'x',
        _ => 'o',
    };
    let enabled = if row.enabled { "enabled" } else { "disabled" };
    let file = status.files.first().map_or("", String::as_str);
    let mut text = format!("{mark} {} - {}\n", unit_of(row.name.as_str()), row.description);
    text += &format!("     Loaded: loaded ({file}; {enabled})\n");
    text += &format!("     Active: {active} ({sub}) for {}s", row.since.as_secs());
    text += &if row.reason.is_empty() { "\n".to_owned() } else { format!("; {}\n", row.reason) };
    if let Some(pid) = row.pid {
        text += &format!("   Main PID: {pid}\n");
    }
    if !status.tree.is_empty() {
        text += &format!("      Tasks: {}\n", status.tree.len());
    }
    if let Some(memory) = status.memory {
        text += &format!("     Memory: {memory}\n");
    }
    for process in &status.tree {
        text += &format!("             {} {}\n", process.pid, process.command);
    }
    for (place, line) in status.log.iter().enumerate() {
        text += if place == 0 { "\n" } else { "" };
        text += &format!("{} {}: {}\n", line.time, line.name, line.text);
    }
    text
}

/// A property and its value.
type Property = (&'static str, String);

fn properties(status: &Status) -> Vec<Property> {
    let row = &status.summary;
    let (active, sub) = words(row.state, row.pid);
    let kind = match row.kind.as_str() {
        "forking" | "script" => "forking",
        "oneshot" | "group" => "oneshot",
        _ => "simple",
    };
    let pid = row.pid.unwrap_or(0).to_string();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let unit = unit_of(row.name.as_str());
    let file = status.files.first().cloned().unwrap_or_default();
    vec![
        ("Type", kind.to_owned()),
        ("NRestarts", status.restarts.to_string()),
        ("Result", if active == "failed" { "exit-code" } else { "success" }.to_owned()),
        ("MainPID", pid.clone()),
        ("ExecMainPID", pid),
        ("MemoryCurrent", status.memory.map_or("[not set]".to_owned(), |bytes| bytes.to_string())),
        ("CPUUsageNSec", status.cpu.map_or("[not set]".to_owned(), |used| used.as_nanos().to_string())),
        ("TasksCurrent", status.tree.len().to_string()),
        ("StatusText", status.said.clone().unwrap_or_default()),
        ("Id", unit.clone()),
        ("Names", unit),
        ("Description", row.description.clone()),
        ("LoadState", "loaded".to_owned()),
        ("ActiveState", active.to_owned()),
        ("SubState", sub.to_owned()),
        ("FragmentPath", file.clone()),
        ("SourcePath", if row.kind == "script" { file } else { String::new() }),
        ("UnitFileState", if row.enabled { "enabled" } else { "disabled" }.to_owned()),
        ("CanStart", yes(true)),
        ("CanStop", yes(true)),
        ("NeedDaemonReload", yes(false)),
    ]
}

/// What is said of a unit that is not there.
fn nothing(unit: &str) -> Vec<Property> {
    let set = [
        ("MainPID", "0"),
        ("ExecMainPID", "0"),
        ("Id", unit),
        ("Names", unit),
        ("Description", unit),
        ("LoadState", "not-found"),
        ("ActiveState", "inactive"),
        ("SubState", "dead"),
        ("UnitFileState", ""),
    ];
    set.into_iter().map(|(name, value)| (name, value.to_owned())).collect()
}
