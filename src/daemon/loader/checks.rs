//! Would it run? What can be said of one service without starting it.

use std::collections::BTreeSet;
use std::path::Path;

use svc_core::service::{Jail, Kind, Reload, Service};
use svc_platform::devices::{self, Sight};

use super::super::lend;
use super::super::manager::prepare;
use super::found::{credentials, is_program};
use crate::wire::{Finding, Level};

/// Everything that can be said of this service; `known` are the names of all services.
pub(super) fn all(service: &Service, known: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |level, text: String| findings.push(Finding { level, text });
    if let Some(file) = service.files.first() {
        say(Level::Good, format!("read from {}", service.files.join(", ")).replace(&format!("{file}, {file}"), file));
    }
    match prepare::unmet(&service.conditions) {
        Some(text) => say(Level::Note, format!("{text}: a start would be skipped")),
        None if service.conditions.is_empty() => {}
        None => say(Level::Good, "its conditions hold".into()),
    }
    for device in &service.devices {
        match devices::look(device) {
            Sight::There(_) => say(Level::Good, format!("{device} is there")),
            Sight::Settling(_) => say(Level::Note, format!("{device} is there, and udev is not done with it yet")),
            Sight::Absent => say(Level::Note, format!("{device} is not there: a start waits for it")),
        }
    }
    programs(service, &mut say);
    identity(service, &mut say);
    for name in service.links.wants.iter().filter(|name| !known.contains(name.as_str())) {
        say(Level::Note, format!("wants {name}, which nothing defines or provides{}", origin(service, "wants")));
    }
    if let Some(directory) = service.exec.directory.as_deref().filter(|_| !is_elsewhere(service))
        && !Path::new(directory).is_dir()
    {
        say(Level::Bad, format!("directory {directory} is not there{}", origin(service, "directory")));
    }
    for path in lend::lacking(service) {
        say(Level::Note, format!("names {path}, {}: svcd lends its own to each run", lend::why(path)));
    }
    if let Kind::Script(script) = &service.kind {
        script.notes.iter().for_each(|note| say(Level::Note, note.clone()));
    }
    findings
}

/// Its `/` is another than ours.
fn is_elsewhere(service: &Service) -> bool {
    service.exec.chroot.is_some() || service.exec.jail.as_ref().is_some_and(Jail::has_own_root)
}

fn origin(service: &Service, key: &str) -> String {
    service.origins.get(key).map_or_else(String::new, |origin| format!(" ({origin})"))
}

fn programs(service: &Service, say: &mut impl FnMut(Level, String)) {
    let reload = match &service.reload {
        Reload::Command(words) => words.first(),
        Reload::None | Reload::Signal(_) => None,
    };
    let commands =
        [("command", service.command.first()), ("stop.command", service.stop.command.first()), ("reload", reload)];
    let commands = commands.into_iter().map(|(key, program)| (key.to_owned(), program));
    let verbs = service.verbs.iter().flat_map(|(name, verb)| {
        [&verb.command, &verb.before, &verb.after].map(|words| (format!("verbs.{name}"), words.first()))
    });
    for (key, program) in commands.chain(verbs) {
        let (key, Some(program)) = (key.as_str(), program) else { continue };
        // Below another root it is not ours to look for.
        if is_elsewhere(service) {
            continue;
        }
        let path = Path::new(program);
        if is_program(path) {
            say(Level::Good, format!("{program} can be executed"));
        } else if path.exists() {
            say(Level::Bad, format!("{program} cannot be executed; try: chmod +x {program}{}", origin(service, key)));
        } else {
            say(Level::Bad, format!("program {program} is not installed{}", origin(service, key)));
        }
    }
    if let Kind::Script(script) = &service.kind {
        // A path with a variable left in it could not be read from the text.
        for program in script.programs.iter().filter(|program| program.starts_with('/') && !program.contains('$')) {
            if !Path::new(program).exists() {
                say(Level::Note, format!("the script names {program}, which is not installed"));
            }
        }
    }
}

fn identity(service: &Service, say: &mut impl FnMut(Level, String)) {
    if let Some(owner) = &service.exec.runtime_owner
        && owner.resolved.is_none()
        && let Err(error) = credentials(owner)
    {
        say(Level::Bad, format!("{error}{}", origin(service, "runtime-directory-owner")));
    }
    let Some(identity) = &service.exec.identity else { return };
    match (&identity.resolved, credentials(identity)) {
        (Some(who), _) => say(Level::Good, format!("runs as {} ({}:{})", who.login, who.uid, who.gid)),
        (None, Err(error)) => say(Level::Bad, format!("{error}{}", origin(service, "user"))),
        (None, Ok(who)) => say(Level::Good, format!("runs as {}", who.login)),
    }
}
