//! rc.conf: which rc.d scripts it enables, which file says so, and which of them rc(8) would pass over here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use svc_compat::library::RC_SUBR;
use svc_compat::rcconf::{self, is_variable, line_of, says, value_in};
use svc_compat::script::{Script, Style};
use svc_core::service::{Enabled, RcConf, Setting};
use svc_platform::files;

use super::{Trust, answer, text_of};
use crate::daemon::manager::environment::PATH;
use crate::daemon::options::Options;

mod named;

/// The configuration is shell and may turn in a circle: for so many seconds it may keep a processor busy.
const WORK_SECONDS_MAX: u32 = 20;
/// The files that are for every service, in the order in which they are read.
const COMMON: [&str; 4] = ["etc/defaults/rc.conf", "etc/defaults/vendor.conf", "etc/rc.conf", "etc/rc.conf.local"];
/// What the reason begins with why a script is not started here whatever rc.conf says.
const PASSED_OVER: &str = "KEYWORD ";
/// What stands between the pieces of the shell's answer.
const MARK: char = '\u{1}';
/// What stands between the values in a piece.
const NEXT: char = '\u{2}';

/// The places where settings are, in the order in which they are read. Beside `/etc/rc.conf.d` each directory of local
/// scripts has one.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    root: PathBuf,
    beside: Vec<PathBuf>,
    /// What the shells that read them may take, of time and of work in seconds.
    patience: (Duration, u32),
}

impl Places {
    /// Those of this daemon.
    pub(crate) fn of(options: &Options) -> Self {
        let root = options.root.clone();
        let mut beside = vec![root.join("etc/rc.conf.d")];
        for dir in options.legacy.iter().filter_map(|dir| dir.parent()).map(|parent| parent.join("rc.conf.d")) {
            if !beside.contains(&dir) {
                beside.push(dir);
            }
        }
        Self { root, beside, patience: (answer::TIME_MAX, WORK_SECONDS_MAX) }
    }

    /// Whether the machine or image has an rc.subr of its own. Elsewhere scripts are lent one that they name.
    pub(super) fn have_library(&self) -> bool {
        self.root.join("etc/rc.subr").is_file()
    }

    /// Files of one service's own; the last has the last word.
    fn own(&self, name: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for place in self.beside.iter().map(|dir| dir.join(name)) {
            if place.is_file() {
                files.push(place);
            } else if let Ok(entries) = fs::read_dir(&place) {
                let mut inside: Vec<PathBuf> =
                    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
                inside.sort();
                files.extend(inside);
            }
        }
        files
    }

    /// What is wrong with a service's own files, if somebody may have written them whom no shell of ours obeys. Where
    /// they are in a directory, that counts, too: whoever owns it may put others there.
    fn mistrusted(&self, name: &str) -> Option<String> {
        if name.is_empty() {
            return None;
        }
        let places = self.beside.iter().map(|dir| dir.join(name)).filter(|place| place.exists());
        places.chain(self.own(name)).find_map(|path| match files::check_owner(&path) {
            Ok(Ok(())) => None,
            Ok(Err(mistrust)) => Some(mistrust.to_string()),
            Err(error) => Some(error.to_string()),
        })
    }

    /// Every file that has to do with it, in the order in which they are read.
    fn all(&self, name: &str) -> Vec<PathBuf> {
        let common = COMMON.iter().map(|path| self.root.join(path));
        common.filter(|path| path.is_file()).chain(self.own(name)).collect()
    }

    /// The file in which service(8) would change a variable.
    pub(crate) fn to_change(&self, name: &str, variable: &str) -> PathBuf {
        let main = self.root.join("etc/rc.conf");
        let own = self.own(name);
        let sets = |path: &&PathBuf| {
            let start = format!("{variable}=");
            fs::read(path)
                .is_ok_and(|text| text.split(|byte| *byte == b'\n').any(|line| line.starts_with(start.as_bytes())))
        };
        own.iter().rev().chain([&main]).find(sets).or(own.last()).unwrap_or(&main).clone()
    }
}

/// What is asked about one script.
struct Asked<'a> {
    name: &'a str,
    rcvar: &'a str,
    default: &'a str,
    /// Every variable of its own that some file sets.
    variables: Vec<String>,
    /// Why no shell reads the files of its own.
    fault: Option<String>,
}

/// Everything that rc.conf says.
#[derive(Debug)]
pub(crate) struct Settings {
    places: Places,
    /// For each script that was asked about, in the order asked: its rcvar, and its variables.
    values: Vec<(String, Vec<Setting>)>,
    /// `KEYWORD`s whose scripts are passed over here.
    pub(super) passed_over: Vec<&'static str>,
    /// A boot may start scripts at the same time where their order allows it.
    pub(super) parallel: bool,
    /// The script after which a boot looks at the directories of local ones; empty: the usual one.
    pub(super) divider: String,
    /// What went wrong.
    pub(crate) faults: Vec<String>,
}

impl Settings {
    /// Asks a shell, for only that knows what shell says. Where files of others are only looked at, nothing is run, and
    /// lines are taken for what they seem to say.
    pub(super) fn of(places: Places, scripts: &[&Script], trust: Trust) -> Self {
        let mut asked: Vec<Asked<'_>> = scripts.iter().filter_map(|script| asked_of(&places, script)).collect();
        let answer = match trust {
            Trust::Owners => {
                asked.iter_mut().for_each(|asked| asked.fault = places.mistrusted(asked.name));
                let trusted: Vec<&Asked<'_>> = asked.iter().filter(|asked| asked.fault.is_none()).collect();
                ask(&places, &trusted)
            }
            Trust::Anyone => Ok(None),
        };
        let tell = |asked: &Asked<'_>| {
            let fault = asked.fault.as_ref()?;
            Some(format!("rc.conf of {}: {fault}; until then its lines count for what they seem to say", asked.name))
        };
        let mut faults: Vec<String> = asked.iter().filter_map(tell).collect();
        match answer {
            Ok(Some(Answer { said, passed_over, parallel, divider })) => {
                let mut said = said.into_iter();
                let mut said_of = |asked: &Asked<'_>| match asked.fault {
                    None => said.next(),
                    Some(_) => None,
                };
                let one = |asked| {
                    let said = said_of(asked).unwrap_or_else(|| written(&places, asked));
                    settings(&places, asked, said)
                };
                let values = asked.iter().map(one).collect();
                Self { places, values, passed_over, parallel, divider, faults }
            }
            other => {
                faults.extend(other.err().map(|error| format!("rc.conf: {error}")));
                let values = asked.iter().map(|asked| settings(&places, asked, written(&places, asked))).collect();
                let passed_over = passed_over(&places.root, "/firstboot", "0", "0");
                Self { places, values, passed_over, parallel: false, divider: String::new(), faults }
            }
        }
    }

    /// What it says of each script, in the order in which they were given.
    pub(super) fn each(&self, scripts: &[&Script]) -> Vec<(RcConf, Enabled, Vec<Setting>)> {
        let mut values = self.values.iter();
        let mut out = Vec::new();
        for script in scripts {
            let found = variable(script).and_then(|_| values.next());
            let enabled = self.enabled(script, found.map(|(value, _)| value.as_str()));
            out.push((rc_conf(script), enabled, found.map(|(_, settings)| settings.clone()).unwrap_or_default()));
        }
        out
    }

    fn enabled(&self, script: &Script, value: Option<&str>) -> Enabled {
        let rc = rc_conf(script);
        let is_passed_over = |word: &&&str| script.keywords.iter().any(|keyword| keyword == **word);
        if let Some(keyword) = self.passed_over.iter().find(is_passed_over) {
            return Enabled { on: false, origin: format!("{PASSED_OVER}{keyword} of {}", script.name) };
        }
        let (Some(rcvar), Some(value)) = (rc.rcvar, value) else {
            return Enabled { on: true, origin: format!("{}: no variable of rc.conf can turn it off", script.name) };
        };
        let origin = origin(&self.places, &rc.name, &rcvar);
        let own = || match &script.rcvar_default {
            Some(_) => format!("{}: its own default for {rcvar}", script.name),
            None => String::new(),
        };
        Enabled { on: says(value) == Some(true), origin: origin.unwrap_or_else(own) }
    }
}

/// How rc.conf knows a script.
fn rc_conf(script: &Script) -> RcConf {
    RcConf {
        name: script.rc_name.clone().unwrap_or_else(|| script.name.clone()),
        rcvar: script.rcvar.clone().filter(|rcvar| is_variable(rcvar)),
        shutdown: script.keywords.iter().any(|keyword| keyword == "shutdown"),
    }
}

/// The variable that enables a script.
fn variable(script: &Script) -> Option<&str> {
    script.rcvar.as_deref().filter(|rcvar| is_variable(rcvar))
}

fn asked_of<'a>(places: &Places, script: &'a Script) -> Option<Asked<'a>> {
    let rcvar = variable(script)?;
    let name = script.rc_name.as_deref().unwrap_or(&script.name);
    let name = if name.contains('/') { "" } else { name };
    let mut variables: Vec<String> = Vec::new();
    for path in places.all(name) {
        let Ok(text) = text_of(&path, Trust::Anyone) else { continue };
        variables.extend(rcconf::set_in(&text, &format!("{name}_")));
    }
    variables.sort();
    variables.dedup();
    Some(Asked { name, rcvar, default: script.rcvar_default.as_deref().unwrap_or_default(), variables, fault: None })
}

/// The place of the line that sets a variable last.
fn origin(places: &Places, name: &str, variable: &str) -> Option<String> {
    places.all(name).into_iter().rev().find_map(|path| {
        let text = text_of(&path, Trust::Anyone).ok()?;
        Some(format!("{}:{}", path.display(), line_of(&text, variable)?))
    })
}

/// Puts places to what was said.
fn settings(places: &Places, asked: &Asked<'_>, said: Said) -> (String, Vec<Setting>) {
    let (value, values) = said;
    let pairs = asked.variables.iter().zip(values);
    let settings = pairs.map(|(name, value)| Setting {
        name: name.clone(),
        value,
        origin: origin(places, asked.name, name).unwrap_or_default(),
    });
    (value, settings.collect())
}

/// Whether a script is of the world of rc.conf.
pub(super) fn concerns(script: &Script) -> bool {
    script.style == Style::RcSubr
        || (script.dialect == svc_core::service::Dialect::Rcd && script.style != Style::OpenBsd)
}

/// What the lines seem to say.
fn written(places: &Places, asked: &Asked<'_>) -> Said {
    let found = |variable: &str| {
        places.all(asked.name).into_iter().rev().find_map(|path| {
            let text = text_of(&path, Trust::Anyone).ok()?;
            value_in(&text, variable)
        })
    };
    let values = asked.variables.iter().map(|variable| found(variable).unwrap_or_default()).collect();
    (found(asked.rcvar).unwrap_or_else(|| asked.default.to_owned()), values)
}

/// Reads everything once; a service with settings of its own is asked about in a shell of its own, so that those do not
/// reach the next.
const QUESTION: &str = r#"
printf '\001%s' "${rc_parallel_start-NO}" "$(sysctl -n security.jail.jailed 2>/dev/null)" \
	"$(sysctl -n security.jail.vnet 2>/dev/null)" "${firstboot_sentinel-/firstboot}" "${early_late_divider-}"
_svc_say() {
	eval "printf '\001%s' \"\${$1-\$2}\""
	for _svc_name in $3; do
		eval "printf '\002%s' \"\${$_svc_name-}\""
	done
}
while [ $# -ge 4 ]; do
	_svc_own=
	for _svc_dir in $_svc_dirs; do
		if [ -n "$1" ] && [ -e "$_svc_dir/$1" ]; then _svc_own=yes; fi
	done
	if [ -n "$_svc_own" ]; then
		(load_rc_config "$1" >/dev/null; _svc_say "$2" "$3" "$4")
	else
		_svc_say "$2" "$3" "$4"
	fi
	shift 4
done
printf '\001end'
"#;

/// The value of an rcvar, and of each variable that was asked for.
type Said = (String, Vec<String>);

/// What the shell answers.
struct Answer {
    /// Of each script that was asked about.
    said: Vec<Said>,
    passed_over: Vec<&'static str>,
    parallel: bool,
    divider: String,
}

fn ask(places: &Places, asked: &[&Asked<'_>]) -> io::Result<Option<Answer>> {
    for path in ["etc/rc.subr"].iter().chain(&COMMON) {
        let path = places.root.join(path);
        if path.exists() {
            text_of(&path, Trust::Owners).map_err(io::Error::other)?;
        }
    }
    let (time, work) = places.patience;
    let mut wait = answer::Wait::new("rc.conf", time);
    named::check(places, &mut wait)?;
    let is_here = places.root == Path::new("/");
    // The system's own knows only the system's own places.
    let library = if is_here && places.have_library() { ". /etc/rc.subr" } else { RC_SUBR.text };
    let script = format!("ulimit -t {work}\n{library}\nload_rc_config >/dev/null\n{QUESTION}");
    let dirs: Vec<String> = places.beside.iter().map(|dir| dir.display().to_string()).collect();
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script, "svcd"]).env_clear().env("PATH", PATH).env("_svc_dirs", dirs.join(" "));
    if !is_here {
        command.env("SVC_ROOT", &places.root);
    }
    for asked in asked {
        command.args([asked.name, asked.rcvar, asked.default]).arg(asked.variables.join(" "));
    }
    let output = answer::of(&mut command, &mut wait)?;
    let text = String::from_utf8_lossy(&output.text);
    // Before the first mark is what the configuration printed by itself.
    let mut pieces = text.split(MARK).skip(1);
    let (Some(parallel), Some(jailed), Some(vnet), Some(sentinel), Some(divider)) =
        (pieces.next(), pieces.next(), pieces.next(), pieces.next(), pieces.next())
    else {
        return Err(io::Error::other(format!("its shell said nothing and ended: {}", output.end)));
    };
    let passed_over = passed_over(&places.root, sentinel, jailed, vnet);
    let divider = divider.to_owned();
    let mut values: Vec<Said> = pieces.map(said).collect();
    if values.pop().is_none_or(|(last, _)| last != "end") || values.len() != asked.len() {
        return Err(io::Error::other(format!("its shell ended before its answer did: {}", output.end)));
    }
    Ok(Some(Answer { said: values, passed_over, parallel: says(parallel) == Some(true), divider }))
}

fn said(piece: &str) -> Said {
    let mut values = piece.split(NEXT).map(str::to_owned);
    (values.next().unwrap_or_default(), values.collect())
}

/// The keywords that rc(8) passes over: always, in a jail, in a jail without a network of its own, and on every boot
/// but the first.
fn passed_over(root: &Path, sentinel: &str, jailed: &str, vnet: &str) -> Vec<&'static str> {
    let is_first = root.join(sentinel.trim_start_matches('/')).exists();
    let rules = [
        ("nostart", true),
        ("nojail", jailed == "1"),
        ("nojailvnet", jailed == "1" && vnet != "1"),
        ("firstboot", !is_first),
    ];
    rules.into_iter().filter(|(_, holds)| *holds).map(|(keyword, _)| keyword).collect()
}

#[cfg(test)]
mod tests;
