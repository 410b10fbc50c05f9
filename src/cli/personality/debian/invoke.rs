//! `invoke-rc.d`: what maintainer scripts call instead of an init script, so that runlevel and policy are asked first.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use svc_platform::process;

use super::super::manager::Manager;
use super::super::rcconf::below;
use super::super::{called_as, script};
use super::policy::{self, Question, SUBSYSTEM};

const HELP: &str = include_str!("invoke-rc.d.txt");

const DENIED: u8 = 101;
const SYNTAX: u8 = 103;
const ALLOWED: u8 = 104;
const UNCERTAIN: u8 = 105;
const FALLBACK: u8 = 106;
/// What a status answers that may not be asked.
const STATUS_UNKNOWN: u8 = 4;

/// The command line, and what becomes of it.
#[derive(Debug, Default)]
struct Call {
    quiet: bool,
    query: bool,
    force: bool,
    try_anyway: bool,
    disclose: bool,
    no_fallback: bool,
    skip_native: bool,
    script: String,
    /// Several where a policy asks for something else: they are tried in turn.
    actions: Vec<String>,
    rest: Vec<String>,
    runlevel: String,
    policy: Option<PathBuf>,
}

/// The end, with its code.
struct End(u8);

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    let code = read(words).and_then(|mut call| call.decide()).unwrap_or_else(|End(code)| code);
    ExitCode::from(code)
}

fn read(words: &[String]) -> Result<Call, End> {
    let mut call = Call::default();
    if words.is_empty() {
        call.tell("syntax error: missing required parameter, --help assumed");
        print!("{HELP}");
        return Err(End(SYNTAX));
    }
    let mut given = 0;
    let mut words = words.iter();
    while given < 2 {
        let Some(word) = words.next() else { return Err(call.wrong("missing required parameter")) };
        match word.as_str() {
            "--help" => {
                print!("{HELP}");
                return Err(End(0));
            }
            "--quiet" => call.quiet = true,
            "--force" => (call.force, call.try_anyway) = (true, true),
            "--try-anyway" => call.try_anyway = true,
            "--disclose-deny" => call.disclose = true,
            "--query" => (call.query, call.disclose) = (true, true),
            "--no-fallback" => call.no_fallback = true,
            "--skip-systemd-native" => call.skip_native = true,
            option if option.starts_with("--") => {
                return Err(call.wrong(&format!("unknown option \"{}\"", joined(option))));
            }
            word => {
                match word.split([' ', '\t', '\n']).filter(|part| !part.is_empty()).count() {
                    1 => {}
                    0 => return Err(call.wrong("invalid empty parameter")),
                    _ => {
                        let text = format!("embedded blanks are not allowed in \"{}\"", joined(word));
                        return Err(call.wrong(&text));
                    }
                }
                let word = joined(word);
                if given == 0 {
                    call.script = word
                } else {
                    call.actions = vec![word]
                }
                given += 1;
            }
        }
    }
    call.rest = words.cloned().collect();
    Ok(call)
}

/// A word as the shell's `echo` prints it without quotes.
fn joined(word: &str) -> String {
    word.split([' ', '\t', '\n']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

impl Call {
    fn tell(&self, text: &str) {
        if !self.quiet {
            eprintln!("{}: {text}", called_as("invoke-rc.d"));
        }
    }

    fn wrong(&self, text: &str) -> End {
        self.tell(&format!("syntax error: {text}"));
        End(SYNTAX)
    }

    /// Actions for people, and the word for them.
    fn shown(&self) -> (String, &'static str) {
        (self.actions.join(", "), if self.actions.len() == 1 { "action" } else { "actions" })
    }

    fn decide(&mut self) -> Result<u8, End> {
        let is_systemd = below(svc_compat::header::systemd::AT_WORK).is_dir();
        let is_openrc = !is_systemd && below("/run/openrc/softlevel").is_file();
        let path = script::path(&self.script);
        let is_there = path.as_ref().is_some_and(|path| path.is_file());
        if !is_systemd && !is_openrc && !is_there {
            self.tell(&format!("unknown initscript, /etc/init.d/{} not found.", self.script));
        }
        let root = env::var("DPKG_ROOT").unwrap_or_default();
        self.policy = Some(below(&format!("{root}/usr/sbin/policy-rc.d")));
        self.find_runlevel(is_systemd);
        let by_level = if is_systemd { self.by_systemd() } else { self.by_links()? };
        let can_run = is_systemd || script::executable(&self.script).is_some();
        let code = if can_run { self.by_policy(by_level)? } else { DENIED };
        if self.query {
            return Ok(code);
        }
        if self.force || code == ALLOWED {
            return if can_run { self.carry_out(is_systemd, is_openrc) } else { Err(End(SUBSYSTEM)) };
        }
        if code == DENIED && !self.disclose {
            if self.actions.first().is_some_and(|action| action == "status") {
                self.tell("emulating initscript action \"status\", returning \"unknown\"");
                return Ok(STATUS_UNKNOWN);
            }
            return Ok(0);
        }
        let (actions, word) = self.shown();
        self.tell(&format!("initscript {word} \"{actions}\" not executed."));
        Ok(code)
    }

    /// The runlevel the machine is in. In a shutdown everything is tried and nobody is asked.
    fn find_runlevel(&mut self, is_systemd: bool) {
        let helper = below("/sbin/runlevel");
        let asked = script::is_executable(&helper)
            .then(|| Command::new(&helper).stderr(std::process::Stdio::inherit()).output().ok())
            .flatten()
            .filter(|output| output.status.success());
        self.runlevel = match asked {
            Some(output) => {
                let text = String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned();
                text.split_once(' ').map_or(text.clone(), |(_, now)| now.to_owned())
            }
            None if is_systemd && ran(&["systemctl", "is-active", "--quiet", "sysinit.target"]) => "5".to_owned(),
            None => {
                self.tell("could not determine current runlevel");
                String::new()
            }
        };
        if !matches!(self.runlevel.as_str(), "0" | "6") {
            return;
        }
        // While the machine boots, what is on record is still the runlevel in which it went down.
        let first = process::facts(1).map(|first| first.arguments.join(" "));
        if first.is_ok_and(|words| words.contains("init boot")) {
            self.runlevel = "S".to_owned();
            return;
        }
        (self.force, self.try_anyway, self.quiet, self.policy) = (true, true, false, None);
        self.tell("-----------------------------------------------------");
        self.tell(&format!("WARNING: 'invoke-rc.d {} {}' called", self.script, self.actions.join(" ")));
        self.tell("during shutdown sequence.");
        self.tell("enabling safe mode: initscript policy layer disabled");
        self.tell("-----------------------------------------------------");
    }

    fn starts(&self) -> bool {
        self.actions.iter().all(|action| matches!(action.as_str(), "start" | "restart" | "try-restart"))
    }

    /// What starts has to be linked in the current runlevel or in that of boot.
    fn by_links(&self) -> Result<Option<u8>, End> {
        let [starts, stops, boots] = if self.runlevel.is_empty() {
            [Vec::new(), Vec::new(), Vec::new()]
        } else {
            let level = &self.runlevel;
            [self.links(level, 'S'), self.links(level, 'K'), self.links("S", 'S')]
        };
        let mut broken = false;
        for link in starts.iter().chain(&stops).chain(&boots) {
            if !link.is_symlink() {
                self.tell(&format!("not a symlink: {}", link.display()));
                broken = true;
            }
            if !link.is_file() {
                self.tell(&format!("dangling symlink: {}", link.display()));
                broken = true;
            }
        }
        if broken && !self.try_anyway {
            return Err(End(SUBSYSTEM));
        }
        if !self.starts() {
            return Ok(None);
        }
        let any = |links: &[PathBuf]| links.iter().any(|link| script::is_executable(link));
        let allowed = any(&starts) || (!any(&stops) && any(&boots));
        Ok(Some(if allowed { ALLOWED } else { DENIED }))
    }

    fn links(&self, level: &str, kind: char) -> Vec<PathBuf> {
        let directory = Path::new("/etc").join(format!("rc{level}.d"));
        let place = below(&directory.to_string_lossy());
        let mut names: Vec<String> = super::super::rcconf::names(&place);
        names.retain(|name| name.starts_with(kind) && script::is_link_of(name, &self.script));
        names.into_iter().map(|name| place.join(name)).collect()
    }

    fn by_systemd(&self) -> Option<u8> {
        let unit = self.unit();
        let linked = || ["S", "2", "3", "4", "5"].iter().any(|level| !self.links(level, 'S').is_empty());
        let is = |what: &str| ran(&["systemctl", "--quiet", what, &unit]);
        self.starts().then(|| if is("is-enabled") || linked() || is("is-active") { ALLOWED } else { DENIED })
    }

    fn unit(&self) -> String {
        format!("{}.service", self.script.strip_suffix(".sh").unwrap_or(&self.script))
    }

    /// What the administrator's policy makes of it; it may ask for other actions.
    fn by_policy(&mut self, by_level: Option<u8>) -> Result<u8, End> {
        let by_level = if by_level.is_none() && self.query { Some(UNCERTAIN) } else { by_level };
        let program = self.policy.clone().filter(|program| script::is_executable(program));
        let code = match program {
            Some(program) => self.asked(&program, by_level),
            None => self.without_policy(by_level),
        };
        if matches!(code, DENIED | ALLOWED) || self.query {
            return Ok(code);
        }
        self.tell(&format!("policy-rc.d returned error status {code}"));
        if self.try_anyway { Ok(SUBSYSTEM) } else { Err(End(code)) }
    }

    fn without_policy(&self, by_level: Option<u8>) -> u8 {
        let mut code = by_level;
        if !below("/sbin/init").exists() {
            if self.force {
                self.tell("WARNING: No init system and policy-rc.d missing, but force specified so proceeding.");
            } else {
                self.tell("WARNING: No init system and policy-rc.d missing! Defaulting to block.");
                code = Some(DENIED);
            }
        }
        code.unwrap_or(ALLOWED)
    }

    fn asked(&mut self, program: &PathBuf, by_level: Option<u8>) -> u8 {
        let action = self.actions.join(" ");
        let denied = by_level == Some(DENIED) && self.starts();
        let shown = if denied { format!("({action})") } else { action.clone() };
        let question = Question { quiet: self.quiet, script: &self.script, actions: &shown, runlevel: &self.runlevel };
        let word = policy::ask(program, &question, &|text| self.tell(text));
        let code = match word.code {
            0 => ALLOWED,
            1 => UNCERTAIN,
            DENIED if self.force => {
                self.tell(&format!("Overriding policy-rc.d denied execution of {action}."));
                ALLOWED
            }
            DENIED => {
                self.tell(&format!("policy-rc.d denied execution of {action}."));
                DENIED
            }
            code => code,
        };
        let code = match code {
            UNCERTAIN if !self.query => {
                self.tell("policy-rc.d query returned \"behaviour undefined\",");
                self.tell(&format!("assuming \"{action}\" is allowed."));
                ALLOWED
            }
            FALLBACK if !self.query => self.fall_back(&word.instead),
            code => code,
        };
        if (100..=FALLBACK).contains(&code) {
            return code;
        }
        self.tell(&format!("WARNING: policy-rc.d returned unexpected error status {code}, 102 used instead."));
        SUBSYSTEM
    }

    fn fall_back(&mut self, instead: &str) -> u8 {
        let actions: Vec<String> = script::split(instead);
        let shown = actions.join(", ");
        if self.force || self.no_fallback {
            self.tell(&format!("ignoring policy-rc.d fallback request: {shown}."));
            return if self.force { ALLOWED } else { DENIED };
        }
        let word = if actions.len() == 1 { "action" } else { "actions" };
        self.actions = actions;
        self.tell(&format!("executing {word} \"{shown}\" instead due to policy-rc.d request."));
        ALLOWED
    }

    /// Tries the actions until one succeeds.
    fn carry_out(&self, is_systemd: bool, is_openrc: bool) -> Result<u8, End> {
        let mut code = SUBSYSTEM;
        let count = self.actions.len();
        for (at, action) in self.actions.iter().enumerate() {
            if count > 1 {
                self.tell(&format!("executing initscript action \"{action}\"..."));
            }
            code = self.one(action, is_systemd, is_openrc);
            if code == 0 {
                return Ok(0);
            }
            if at + 1 < count {
                self.tell(&format!("action \"{action}\" failed, trying next action..."));
            }
        }
        let last = self.actions.last().map_or("", String::as_str);
        self.tell(&format!("initscript {}, action \"{last}\" failed.", self.script));
        if is_systemd && matches!(last, "start" | "restart" | "try-restart") {
            ran(&["systemctl", "status", "--full", "--no-pager", &self.unit()]);
        }
        Ok(code)
    }

    fn one(&self, action: &str, is_systemd: bool, is_openrc: bool) -> u8 {
        let words: Vec<String> = std::iter::once(action.to_owned()).chain(self.rest.iter().cloned()).collect();
        if let Some(manager) = Manager::find()
            && let Some(known) = manager.service(&self.script)
            && !(known.is_script() && action == "status")
        {
            return known.act(&words);
        }
        if is_systemd {
            return self.by_unit(action);
        }
        let mut command = match script::path(&self.script) {
            _ if is_openrc => {
                let mut command = Command::new("rc-service");
                command.args([&self.script, action]);
                command
            }
            Some(path) => {
                let mut command = Command::new(path);
                command.args(&words);
                command
            }
            None => return 127,
        };
        script::run(&mut command)
    }

    fn by_unit(&self, action: &str) -> u8 {
        let unit = self.unit();
        if self.skip_native && !said(&["systemctl", "show", "--value", "-p", "SourcePath", &unit]).contains("/init.d/")
        {
            return 0;
        }
        let masked = || said(&["systemctl", "-p", "LoadState", "show", &unit]) == "LoadState=masked";
        let reloads = || said(&["systemctl", "-p", "CanReload", "show", &unit]) != "CanReload=no";
        let run = |words: &[&str]| script::run(Command::new("systemctl").args(words));
        match action {
            "start" | "restart" | "try-restart" | "reload" | "force-reload" if masked() => 0,
            "start" | "restart" | "try-restart" | "stop" | "status" => run(&[action, &unit]),
            "force-stop" => run(&["--signal=KILL", "kill", &unit]),
            "reload" | "force-reload" if reloads() => run(&["reload", &unit]),
            "force-reload" => run(&["restart", &unit]),
            _ => match script::path(&self.script) {
                Some(path) => script::run(Command::new(path).arg(action).args(&self.rest)),
                None => 127,
            },
        }
    }
}

/// Whether a program can be run and succeeds.
fn ran(words: &[&str]) -> bool {
    Command::new(words[0]).args(&words[1..]).status().is_ok_and(|status| status.success())
}

/// The first thing a program prints.
fn said(words: &[&str]) -> String {
    let output = Command::new(words[0]).args(&words[1..]).stderr(std::process::Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
