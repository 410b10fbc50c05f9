//! `svc NAME configure`: makes files here, with the caller's own rights, and asks svcd only for what comes after.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::code::{self, Table};
use super::common::{Common, options};
use super::human::{clean, clean_lines};
use super::json;
use super::out::{fail, say, say_raw_error};
use super::session::Session;
use super::show::{BAD, BOLD, DIM, GOOD, ODD, columns, pad, paint};
use crate::configure::{self, ConfigureError, Deed, Effect, Options, Report, ServiceReport, Then};
use crate::daemon;
use crate::wire::{Reply, Request, StateName, Target};

/// What is to be configured, and how.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// Names or patterns
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub(crate) names: Vec<String>,
    /// Every service that has files to be made
    #[arg(long, conflicts_with = "names")]
    pub(crate) all: bool,
    /// Show what would change, and change nothing
    #[arg(long, conflicts_with_all = ["values", "undo"])]
    pub(crate) diff: bool,
    /// Show every value, and the line that says so
    #[arg(long, conflicts_with = "undo")]
    pub(crate) values: bool,
    /// Put the version before the last change back
    #[arg(long, conflicts_with = "all")]
    pub(crate) undo: bool,
    /// Take the values of this mode
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
}

impl Session {
    /// Carries the verb out and returns the exit code.
    pub(super) fn configure(&self, asked: Words, common: &Common) -> u8 {
        let deed = match (asked.diff, asked.values, asked.undo) {
            (true, ..) => Deed::Differ,
            (_, true, _) => Deed::Values,
            (.., true) => Deed::Undo,
            (false, false, false) => Deed::Make,
        };
        let options = Options { daemon: self.places(common), names: asked.names, deed, mode: asked.mode };
        let report = match configure::run(&options) {
            Ok(report) => report,
            Err(error) => return self.not_configured(&error),
        };
        if self.json() {
            say(&json::named("configured", &report));
        } else {
            self.show(&report, deed);
        }
        let faulty = report.services.iter().any(|service| service.fault.is_some());
        let mut code = if faulty { code::FAILED } else { code::GOOD };
        if matches!(deed, Deed::Make | Deed::Undo) {
            for service in report.services.iter().filter(|service| service.then == Then::Command) {
                code = code.max(self.pass(service.name.to_string(), &["configure".to_owned()]));
            }
            for service in report.services.iter().filter(|service| service.changed()) {
                code = code.max(self.notice(service));
            }
        }
        code
    }

    /// Where everything is: definitions where the svcd that answers reads them, which may have been told other places.
    pub(super) fn places(&self, common: &Common) -> daemon::Options {
        let mut places = options(common);
        if let Ok(hello) = self.hello() {
            let paths = |texts: Vec<String>| texts.into_iter().map(PathBuf::from).collect();
            if !hello.definitions.is_empty() {
                places.definitions = paths(hello.definitions);
                places.legacy = paths(hello.legacy);
            }
        }
        places
    }

    fn not_configured(&self, error: &ConfigureError) -> u8 {
        let code = match error {
            ConfigureError::Unknown { .. } => code::NOT_INSTALLED,
            ConfigureError::Nothing { .. } => code::UNSUPPORTED,
            ConfigureError::System { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                code::DENIED
            }
            _ => code::FAILED,
        };
        fail(self.json(), &error.to_string(), code)
    }

    /// Lets a running service take notice of its new files.
    fn notice(&self, service: &ServiceReport) -> u8 {
        let request: fn(Target) -> Request = match service.then {
            Then::Nothing | Then::Command => return code::GOOD,
            Then::Reload => Request::Reload,
            Then::Restart => Request::Restart,
        };
        let name = service.name.to_string();
        let status = Request::Status { names: vec![name.clone()], lines: 0 };
        let runs = |reply: &Reply| match reply {
            Reply::Status(all) => {
                all.iter().any(|one| matches!(one.summary.state, StateName::Up | StateName::Starting))
            }
            _ => false,
        };
        match self.ask(&status) {
            Ok(reply) if runs(&reply) => {}
            // What does not run reads its files when it starts; where there is no svcd, nothing of it runs.
            Ok(_) | Err(_) => return code::GOOD,
        }
        let asked = Target { names: vec![name.clone()], ..Target::default() };
        match self.ask(&request(asked)) {
            Ok(reply) => {
                let code = Table::Action.reply(&reply);
                self.tell(&reply);
                match code {
                    code::GOOD if !self.json() && !self.is_quiet() => {
                        let done = if service.then == Then::Reload { "reloaded" } else { "restarted" };
                        say(&format!("{}: {done}\n", paint(BOLD, &name)));
                    }
                    code::GOOD => {}
                    _ if !self.json() => say_raw_error(&format!("     to go back: svc {name} configure --undo\n")),
                    _ => {}
                }
                code
            }
            Err(error) => self.unanswered(&error, Table::Action),
        }
    }

    fn show(&self, report: &Report, deed: Deed) {
        for note in report.notes.iter().filter(|_| !self.is_quiet()) {
            say(&format!("{}\n", paint(ODD, &clean(note))));
        }
        for service in &report.services {
            if let Some(fault) = &service.fault {
                let mut text = String::new();
                for (at, line) in clean_lines(fault).enumerate() {
                    let lead =
                        if at == 0 { format!("{} {}: ", paint(BAD, "svc:"), service.name) } else { String::new() };
                    let _ = writeln!(text, "{lead}{line}");
                }
                say_raw_error(&text);
            }
            say(&match deed {
                Deed::Differ => differences(service),
                Deed::Values => values(service),
                Deed::Make | Deed::Undo if self.is_quiet() => String::new(),
                Deed::Make | Deed::Undo => effects(service),
            });
        }
    }
}

/// One line for each file that is not what it was.
fn effects(service: &ServiceReport) -> String {
    let mut text = String::new();
    for file in service.files.iter().filter(|file| file.effect != Effect::Same) {
        let _ =
            writeln!(text, "{}: {} {}", paint(BOLD, service.name.as_str()), clean(&file.target), file.effect.word());
        for note in &file.notes {
            let _ = writeln!(text, "  {}", paint(ODD, &clean(note)));
        }
    }
    text
}

fn differences(service: &ServiceReport) -> String {
    let mut text = String::new();
    for line in service.files.iter().flat_map(|file| file.diff.lines()) {
        let style = match line.as_bytes().first() {
            _ if line.starts_with("+++") || line.starts_with("---") => BOLD,
            Some(b'+') => GOOD,
            Some(b'-') => BAD,
            Some(b'@') => DIM,
            _ => anstyle::Style::new(),
        };
        let _ = writeln!(text, "{}", paint(style, &clean(line)));
    }
    text
}

fn values(service: &ServiceReport) -> String {
    let mut text = format!("{}\n", paint(BOLD, service.name.as_str()));
    let width = service.values.iter().map(|value| columns(&value.name)).max().unwrap_or(0);
    for value in &service.values {
        let origin = paint(DIM, &format!("({})", clean(&value.origin)));
        let _ = writeln!(text, "  {}  {} {origin}", pad(&value.name, width), clean(&value.value));
    }
    text
}
