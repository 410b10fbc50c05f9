//! One legacy script as adoption needs it: what it is, what it provides and wants, what it starts.

mod daemon;
mod switch;
mod verbs;

use svc_core::service::Dialect;

use super::header::{chkconfig, lsb, openrc, rcd};
use super::instance;
use super::note::Note;
use super::policy;
use super::shell::{Shell, Values};
use super::text::{decode, lines};

/// What is known of a legacy script without running it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// The file's name.
    pub name: String,
    /// Which world it comes from.
    pub dialect: Dialect,
    /// How it is written.
    pub style: Style,
    /// One line for people; empty if it has none.
    pub description: String,
    /// The names it says it provides, main one first.
    pub provides: Vec<String>,
    /// What starts before it; facilities with their `$`.
    pub required_start: Vec<String>,
    /// What starts before it, if it is there at all.
    pub should_start: Vec<String>,
    /// OpenRC: what is started along with it.
    pub along: Vec<String>,
    /// What stops after it.
    pub required_stop: Vec<String>,
    /// What stops after it, if it is there at all.
    pub should_stop: Vec<String>,
    /// What starts after it.
    pub x_start_before: Vec<String>,
    /// What stops before it.
    pub x_stop_after: Vec<String>,
    /// The runlevels it starts in by its own word.
    pub default_start: Vec<String>,
    /// The runlevels it stops in by its own word.
    pub default_stop: Vec<String>,
    /// Whether it talks to the console.
    pub interactive: bool,
    /// rc.d and OpenRC: keywords such as `nojail`, `shutdown`, `-timeout`.
    pub keywords: Vec<String>,
    /// rc.d: the variable of rc.conf that enables it.
    pub rcvar: Option<String>,
    /// rc.d: the name under which rc.conf knows it, which need not be the file's.
    pub rc_name: Option<String>,
    /// rc.d: what the script itself says for its `rcvar` where rc.conf does not.
    pub rcvar_default: Option<String>,
    /// rc.d: the variable of rc.conf that lists its profiles.
    pub profiles: Option<String>,
    /// The numbers of its links by its chkconfig header: start, stop.
    pub priorities: (Option<u32>, Option<u32>),
    /// The verbs it takes, as far as they could be read.
    pub verbs: Vec<String>,
    /// Whether its start is meant to leave a daemon.
    pub daemon: bool,
    /// Pid files it names, as far as they could be read.
    pub pid_files: Vec<String>,
    /// Programs it starts, as far as they could be read.
    pub programs: Vec<String>,
    /// Files it sources, as far as they could be read.
    pub sources: Vec<String>,
    /// Remarks, each about one line.
    pub notes: Vec<Note>,
}

/// How a script is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Its own code around `case "$1"`.
    #[default]
    Own,
    /// Variables for Debian's init-d-script.
    InitDScript,
    /// Variables for FreeBSD's or NetBSD's rc.subr.
    RcSubr,
    /// `daemon=` for OpenBSD's rc.subr.
    OpenBsd,
    /// openrc-run.
    OpenrcRun,
    /// Not a script for a shell: a program, or another interpreter's.
    Foreign,
}

impl Script {
    /// Whether a file of this name is a service at all.
    pub fn is_service(&self) -> bool {
        policy::why_not(&self.name).is_none()
    }

    /// Whether what its daemon has started goes on without it: sessions, jobs.
    pub fn leaves_children(&self) -> bool {
        let programs = self.programs.iter().filter_map(|path| path.rsplit('/').next());
        self.daemon && programs.chain([self.name.as_str()]).any(|name| policy::LEAVES_CHILDREN.contains(&name))
    }
}

/// Why a file of this name is no service, if it is none.
pub fn why_not(name: &str) -> Option<&'static str> {
    policy::why_not(name)
}

/// Reads a script. It never fails: what cannot be understood is missing from the answer, with a note where that
/// matters.
///
/// Of a file longer than 1 MiB the rest is not read.
pub fn read(file_name: &str, text: &[u8]) -> Script {
    read_sourcing(file_name, text, &mut |_| None)
}

/// The same with what the files say that the script sources; `text_of` has their texts, so far as they are there and
/// may be read.
pub fn read_sourcing(file_name: &str, text: &[u8], text_of: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Script {
    let mut script = Script { name: file_name.to_string(), ..Script::default() };
    if text.len() > TEXT_BYTES_MAX {
        script.notes.push(Note::new(0, "longer than 1 MiB; the rest is not read"));
    }
    let text = &text[..text.len().min(TEXT_BYTES_MAX)];
    if text.contains(&0) {
        script.notes.push(Note::new(0, "has NUL bytes: a program, or a damaged file"));
    }
    if text.windows(2).any(|pair| pair == b"\r\n") {
        script.notes.push(Note::new(0, "has carriage returns at the ends of lines; most shells stumble over them"));
    }
    let unix: Vec<u8> = without_returns(text);
    let shell = Shell::read(&unix);
    (script.dialect, script.style) = kind(&unix, &shell);
    let mut own = Values::default();
    own.set("0", file_name);
    own.set("rc_service", file_name);
    let mut values = Values::sourcing(&shell, &own, text_of);
    match script.dialect {
        Dialect::Initd => initd(&mut script, &unix),
        Dialect::Rcd => rc_d(&mut script, &unix, &shell, &values),
        Dialect::Openrc => openrc_run(&mut script, &shell, &mut values),
    }
    for (path, word) in shell.sources(&values) {
        if path.starts_with('/') && !script.sources.contains(&path) {
            script.sources.push(path);
        } else if !path.starts_with('/') {
            script
                .notes
                .push(Note::new(shell.line(word.start), format!("sources `{path}`, relative to where it runs")));
        }
    }
    script.verbs = verbs::verbs(script.style, &shell, &values);
    let found = daemon::look(&script, &shell, &values);
    (script.daemon, script.programs) = (found.daemon, found.programs);
    if let Some(note) = switch::off(&shell, &values).filter(|_| script.daemon) {
        script.daemon = false;
        script.notes.push(note);
    }
    for path in found.pid_files {
        if !script.pid_files.contains(&path) {
            script.pid_files.push(path);
        }
    }
    script.notes.sort();
    script.notes.dedup();
    script
}

/// More of a file than this is not read.
pub const TEXT_BYTES_MAX: usize = 1 << 20;

fn without_returns(text: &[u8]) -> Vec<u8> {
    let next = text.iter().skip(1).chain([&0]);
    text.iter().zip(next).filter(|(byte, next)| **byte != b'\r' || **next != b'\n').map(|(byte, _)| *byte).collect()
}

const LSB_BEGIN: &[u8] = b"### BEGIN INIT INFO";

fn kind(text: &[u8], shell: &Shell<'_>) -> (Dialect, Style) {
    let first = lines(text).next().map(|(_, line)| decode(line)).unwrap_or_default();
    let interpreter = first.strip_prefix("#!").unwrap_or_default();
    let runs = |name: &str| interpreter.split_whitespace().any(|word| word.rsplit('/').next() == Some(name));
    if runs("openrc-run") || runs("runscript") {
        return (Dialect::Openrc, Style::OpenrcRun);
    }
    if runs("init-d-script") {
        return (Dialect::Initd, Style::InitDScript);
    }
    let sourced = |end: &str| {
        shell.commands.iter().any(|command| match command.words.as_slice() {
            [dot, file, ..] if matches!(shell.bytes(*dot), b"." | b"source") => {
                decode(shell.bytes(*file)).trim_matches(['"', '\'']).ends_with(end)
            }
            _ => false,
        })
    };
    let calls = |name: &[u8]| {
        shell.commands.iter().any(|command| matches!(command.words.first(), Some(word) if shell.bytes(*word) == name))
    };
    // Some scripts serve both worlds: one with an LSB header in front is taken for what it was installed as.
    let lsb = text.windows(LSB_BEGIN.len()).any(|part| part == LSB_BEGIN);
    if !lsb && (sourced("/rc.subr") || calls(b"run_rc_command") || rcd::strict(text).line > 0) {
        let openbsd = calls(b"rc_cmd") && !calls(b"run_rc_command");
        return (Dialect::Rcd, if openbsd { Style::OpenBsd } else { Style::RcSubr });
    }
    if sourced("/init-d-script") {
        return (Dialect::Initd, Style::InitDScript);
    }
    let shells = ["sh", "bash", "dash", "ksh", "ash", "zsh", "mksh"];
    let foreign = text.contains(&0) || (!interpreter.is_empty() && !shells.iter().any(|name| runs(name)));
    (Dialect::Initd, if foreign { Style::Foreign } else { Style::Own })
}

fn initd(script: &mut Script, text: &[u8]) {
    if let Some(header) = lsb::lenient(text, &mut script.notes) {
        script.description = header.short_description.or(header.description).unwrap_or_default();
        script.provides = header.provides;
        script.required_start = header.required_start;
        script.required_stop = header.required_stop;
        script.should_start = header.should_start;
        script.should_stop = header.should_stop;
        script.x_start_before = header.start_before;
        script.x_stop_after = header.stop_after;
        script.default_start = header.default_start;
        script.default_stop = header.default_stop;
        script.interactive = header.interactive;
        if script.provides.is_empty() {
            script.notes.push(Note::new(header.line, "LSB header without `Provides`; the file's name is taken"));
        }
    } else if script.style != Style::Foreign {
        script.notes.push(Note::new(0, "no LSB header: nothing is known of its order"));
    }
    if let Some(header) = chkconfig::lenient(text, &mut script.notes) {
        if script.description.is_empty() {
            script.description = header.description.unwrap_or_default();
        }
        if script.default_start.is_empty() && script.default_stop.is_empty() {
            script.default_start = header.levels;
        }
        script.priorities = (header.start, header.stop);
        script.pid_files.extend(header.pid_file);
    }
}

fn rc_d(script: &mut Script, text: &[u8], shell: &Shell<'_>, values: &Values) {
    let header = rcd::lenient(text, &mut script.notes);
    script.provides = header.provide;
    script.required_start = header.require;
    script.x_start_before = header.before;
    script.keywords = header.keyword;
    script.description = values.first("desc").unwrap_or_default().to_string();
    script.rcvar = rcvar(shell, values);
    script.rc_name = values.first("name").filter(|name| !name.is_empty()).map(String::from);
    script.rcvar_default = script.rcvar.as_deref().and_then(|rcvar| values.first(rcvar)).map(String::from);
    script.profiles = instance::profiles(shell, values);
}

/// The variable that enables the script. `set_rcvar` of older systems makes it from the name.
fn rcvar(shell: &Shell<'_>, values: &Values) -> Option<String> {
    if let Some(rcvar) = values.first("rcvar") {
        return Some(rcvar.to_string()).filter(|rcvar| !rcvar.is_empty());
    }
    let assignments = shell.assignments();
    let value = assignments.iter().find(|assignment| assignment.name == "rcvar")?.value;
    let text = decode(shell.bytes(value));
    let call = text.trim_matches(['"', '`']).trim_start_matches("$(").trim_end_matches(')').trim();
    let mut words = call.split_whitespace();
    let of = (words.next() == Some("set_rcvar")).then(|| words.next())?;
    let name = match of {
        Some(word) => values.expand(word.as_bytes()).into_iter().next(),
        None => values.first("name").map(String::from),
    };
    name.map(|name| format!("{name}_enable"))
}

fn openrc_run(script: &mut Script, shell: &Shell<'_>, values: &mut Values) {
    let service = script.name.clone();
    values.set("RC_SVCNAME", &service);
    values.set("SVCNAME", &service);
    *values = Values::with(shell, values);
    let (depend, unknown) = openrc::depend(shell, values);
    script.provides = [service].into_iter().chain(depend.provide).collect();
    script.along = depend.need.iter().chain(&depend.want).cloned().collect();
    script.required_start = depend.need;
    // `*` is what `$all` is to a header.
    let facility = |word: String| if word == "*" { "$all".to_owned() } else { word };
    script.should_start = depend.use_.into_iter().chain(depend.want).chain(depend.after).map(facility).collect();
    script.x_start_before = depend.before.into_iter().map(facility).collect();
    script.keywords = depend.keyword;
    script.description = values.first("description").unwrap_or_default().to_string();
    for (line, word) in unknown {
        script.notes.push(Note::new(line, format!("dependency `{word}` is known only when it runs")));
    }
}

#[cfg(test)]
mod tests;
