//! Scripts in the place of legacy ones that lead to svcd: tools which look for a file find one, with a right header.

use std::collections::BTreeSet;
use std::fmt::Write;

use svc_compat::shim::MARK;
use svc_core::service::Class;
use svc_core::{Name, Service};

use crate::convert::place::sum;

/// What every shim does, after the variables that say for whom.
const BODY: &str = include_str!("body.sh");

/// The world that a shim is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/etc/init.d`, with the header of LSB.
    Initd,
    /// rc.d of FreeBSD, with rcorder's lines.
    Rcd,
}

impl Form {
    /// The form of scripts in this directory.
    pub fn of(directory: &str) -> Self {
        if directory.ends_with("rc.d") { Self::Rcd } else { Self::Initd }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Initd => "init.d",
            Self::Rcd => "rc.d",
        }
    }
}

/// The whole script for a service. `scripts` are the names that other scripts of the machine answer to: what is none
/// of them cannot be required in a header, or the tools that order scripts refuse all of them.
pub fn text(service: &Service, form: Form, scripts: &BTreeSet<String>) -> String {
    let header = match form {
        Form::Initd => lsb(service, scripts),
        Form::Rcd => rcorder(service),
    };
    let name = service.name.as_str();
    let variable: String = name.chars().map(|found| if found.is_ascii_alphanumeric() { found } else { '_' }).collect();
    let description = one_line(&service.description);
    // The text is said as it is, and means nothing to the shell.
    let about = if description.contains(['$', '`']) { "# shellcheck disable=SC2016\n" } else { "" };
    let body = format!(
        "{header}\nname={name}\n{about}desc='{}'\nvariable={variable}_enable\nform={}\n{BODY}",
        description.replace('\'', "'\\''"),
        form.word(),
    );
    format!("#!/bin/sh\n{MARK}{name}, sum {:016x}\n{body}", sum(&body))
}

/// Whether a text is as [`text`] made it: a shim that nobody edited.
pub fn is_untouched(text: &str) -> bool {
    let Some((first, body)) = text.strip_prefix("#!/bin/sh\n").and_then(|rest| rest.split_once('\n')) else {
        return false;
    };
    let written = first.strip_prefix(MARK).and_then(|rest| rest.rsplit_once(", sum ")).map(|(_, sum)| sum);
    written.is_some_and(|written| u64::from_str_radix(written, 16).is_ok_and(|written| written == sum(body)))
}

/// Whether a definition runs this path itself: then nothing of ours may stand there.
pub fn is_run_by(service: &Service, path: &str) -> bool {
    let bare = Service { files: Vec::new(), origins: svc_core::service::Origins::default(), ..service.clone() };
    let Ok(written) = serde_json::to_string(&bare) else { return true };
    let goes_on = |found: char| found.is_ascii_alphanumeric() || "_.:+@/-".contains(found);
    written.match_indices(path).any(|(at, _)| {
        let before = written[..at].chars().next_back();
        let after = written[at + path.len()..].chars().next();
        !before.is_some_and(goes_on) && !after.is_some_and(goes_on)
    })
}

fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|found| if found.is_control() { ' ' } else { found }).collect();
    plain.trim().to_owned()
}

fn words<'a>(lists: &[&'a [Name]]) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    for name in lists.iter().copied().flatten() {
        if !found.contains(&name.as_str()) {
            found.push(name.as_str());
        }
    }
    found
}

/// What nearly every script of a class needs of the machine.
fn facilities(class: Class) -> &'static [&'static str] {
    match class {
        Class::System | Class::Network => &["$local_fs"],
        Class::Service | Class::User | Class::Helper => &["$remote_fs", "$syslog"],
    }
}

fn lsb(service: &Service, scripts: &BTreeSet<String>) -> String {
    let links = &service.links;
    let is_script = |name: &&str| scripts.contains(*name);
    let (required, missing): (Vec<&str>, Vec<&str>) = words(&[&links.requires]).into_iter().partition(is_script);
    let required = [facilities(service.class), &required].concat();
    let mut should = [missing, words(&[&links.wants, &links.after])].concat();
    should.retain(|name| !required.contains(name));
    let should = unique(should);
    let provides = [vec![service.name.as_str()], words(&[&links.provides])].concat();
    let description = one_line(&service.description);
    let short = if description.is_empty() { format!("{}, which svcd runs", service.name) } else { description };
    let mut out = "### BEGIN INIT INFO\n".to_owned();
    let mut line = |key: &str, value: &str| {
        let line = format!("# {:<18} {value}", format!("{key}:"));
        let _ = writeln!(out, "{}", line.trim_end());
    };
    line("Provides", &provides.join(" "));
    line("Required-Start", &required.join(" "));
    line("Required-Stop", &required.join(" "));
    if !should.is_empty() {
        line("Should-Start", &should.join(" "));
        line("Should-Stop", &should.join(" "));
    }
    if !links.before.is_empty() {
        line("X-Start-Before", &words(&[&links.before]).join(" "));
        line("X-Stop-After", &words(&[&links.before]).join(" "));
    }
    line("Default-Start", "2 3 4 5");
    line("Default-Stop", "0 1 6");
    line("Short-Description", &short);
    out + "### END INIT INFO\n"
}

fn unique(words: Vec<&str>) -> Vec<&str> {
    let mut seen = BTreeSet::new();
    words.into_iter().filter(|word| seen.insert(*word)).collect()
}

/// svcd starts what is enabled by itself, so rc(8) is not to.
fn rcorder(service: &Service) -> String {
    let links = &service.links;
    let milestone = match service.class {
        Class::System => "FILESYSTEMS",
        Class::Network => "NETWORKING",
        Class::Service | Class::User | Class::Helper => "LOGIN",
    };
    let provide = [vec![service.name.as_str()], words(&[&links.provides])].concat();
    let require = [vec![milestone], words(&[&links.requires, &links.wants, &links.after])].concat();
    let mut out = format!("# PROVIDE: {}\n# REQUIRE: {}\n", provide.join(" "), unique(require).join(" "));
    if !links.before.is_empty() {
        let _ = writeln!(out, "# BEFORE: {}", words(&[&links.before]).join(" "));
    }
    out + "# KEYWORD: nostart\n"
}
