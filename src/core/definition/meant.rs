//! A service as meant: defaults filled in, what was written put in its place, contradictions found.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::fault::{Complaint, Faults, listed, shown};
use super::keys::kind_name;
use super::syntax::duration_text;
use super::value::Value;
use super::written::{Entry, Written};
use crate::name::Name;
use crate::run::Signal;
use crate::service::{Configure, ConfigureThen, Identity, Kind, Ready, Reload, RestartWhen, Service};

/// The kind that is written, or the default.
pub(crate) fn kind(written: &Written) -> Kind {
    match written.entries.get("kind").map(|entry| &entry.value) {
        Some(Value::Text(word)) => match word.as_str() {
            "forking" => Kind::Forking { pid_file: None },
            "oneshot" => Kind::Oneshot,
            "group" => Kind::Group,
            "script" => Kind::Script(Box::default()),
            _ => Kind::Process,
        },
        _ => Kind::Process,
    }
}

/// Puts what is written into a service, and checks what it now says as a whole.
pub(crate) fn apply(service: &mut Service, written: &Written, faults: &mut Faults<'_>) {
    if !written.configure.is_empty() {
        service.configure = vec![Configure::default(); written.configure.len()];
    }
    super::classes::apply(service, written, put);
    for (path, entry) in &written.entries {
        if !entry.key.kinds.has(&service.kind) {
            if written.spoiled.contains("kind") {
                continue;
            }
            let kind = kind_name(&service.kind);
            let complaint = Complaint::new(format!("`{path}` means nothing for kind = \"{kind}\""));
            let help = format!("it is for {}", listed(entry.key.kinds.names()));
            faults.error(&entry.name_at, complaint.help(help));
            continue;
        }
        let origin = faults.origin(&entry.name_at);
        if path == "enabled" {
            service.enabled.origin.clone_from(&origin);
        }
        service.origins.insert(path, &origin);
        put(service, path, entry);
    }
    identify(service, written, faults);
    own_directories(service, written, faults);
    if !written.torn {
        check(service, written, faults);
        check_configure(service, written, faults);
        super::jail::check(service, written, faults);
        super::classes::check(service, written, faults);
        super::verbs::check(service, written, faults);
        check_links(service, written, faults);
    }
}

/// Puts one value in its place.
fn put(service: &mut Service, path: &str, entry: &Entry) {
    let name = entry.key.name;
    match (path, entry.value.clone()) {
        ("description", Value::Text(text)) => service.description = text,
        // Before all others.
        ("kind" | "class", _) => {}
        ("command", Value::Texts(words)) => service.command = words,
        ("pid-file", Value::Text(path)) => service.kind = Kind::Forking { pid_file: Some(path) },
        ("requires", Value::Names(names)) => service.links.requires = bare(names),
        ("wants", Value::Names(names)) => service.links.wants = bare(names),
        ("after", Value::Names(names)) => service.links.after = bare(names),
        ("before", Value::Names(names)) => service.links.before = bare(names),
        ("provides", Value::Names(names)) => service.links.provides = bare(names),
        ("conflicts", Value::Names(names)) => service.links.conflicts = bare(names),
        ("devices", Value::Devices(devices)) => service.devices = devices,
        ("enabled", Value::Flag(on)) => service.enabled.on = on,
        ("ready", Value::Ready(ready)) => service.ready = ready,
        ("start-timeout", Value::Duration(limit)) => service.start_timeout = limit,
        ("reload", Value::Reload(reload)) => service.reload = reload,
        ("watchdog", Value::Duration(every)) => service.watchdog = every,
        ("smooth", Value::Flag(flag)) => service.smooth = flag,
        ("leave-children", Value::Flag(flag)) => service.leave_children = flag,
        // Together, once all are known.
        ("user" | "group" | "groups" | "runtime-directory-owner" | "runtime-directory-group", _) => {}
        ("chroot", Value::Text(path)) => service.exec.chroot = Some(path),
        ("directory", Value::Text(path)) => service.exec.directory = Some(path),
        ("umask", Value::Mask(mask)) => service.exec.umask = Some(mask),
        ("nice", Value::Number(nice)) => service.exec.nice = i32::try_from(nice).ok(),
        ("oom-score", Value::Number(score)) => service.exec.oom_score = i32::try_from(score).ok(),
        ("environment-file", Value::Texts(paths)) => service.exec.environment_files = paths,
        ("runtime-directory", Value::Texts(names)) => service.exec.runtime_directories = names,
        ("runtime-directory-mode", Value::Mask(mode)) => service.exec.runtime_mode = Some(mode),
        ("configure-then", Value::Text(word)) => {
            service.configure_then = match word.as_str() {
                "reload" => ConfigureThen::Reload,
                "restart" => ConfigureThen::Restart,
                _ => ConfigureThen::Nothing,
            }
        }
        ("configure-at-start", Value::Flag(on)) => service.configure_at_start = on,
        (path, value) if entry.key.table == "configure" => put_configure(service, path, name, value),
        ("stop.signal", Value::Signal(signal)) => service.stop.signal = signal,
        ("stop.command", Value::Texts(words)) => service.stop.command = words,
        ("stop.timeout", Value::Duration(limit)) => service.stop.timeout = limit,
        ("restart.when", Value::Text(word)) => service.restart.when = when(&word),
        ("restart.delay", Value::Duration(Some(wait))) => service.restart.delay = wait,
        ("restart.max-delay", Value::Duration(Some(wait))) => service.restart.max_delay = wait,
        ("restart.settled", Value::Duration(Some(time))) => service.restart.settled = time,
        ("restart.limit", Value::Number(limit)) => service.restart.limit = u32::try_from(limit).unwrap_or(0),
        ("restart.period", Value::Duration(Some(period))) => service.restart.period = period,
        ("log.size", Value::Size(size)) => service.log.size = size,
        ("log.keep", Value::Number(keep)) => service.log.keep = u32::try_from(keep).unwrap_or(0),
        ("access.users", Value::Texts(names)) => service.access.users = names,
        ("access.groups", Value::Texts(names)) => service.access.groups = names,
        ("access.verbs", Value::Texts(verbs)) => service.access.verbs = verbs,
        ("cpuset" | "login-class" | "fib" | "protect", value) => super::placement::put(service, path, value),
        (path, value) if entry.key.table == "jail" => super::jail::put(service, path, value),
        (path, value @ Value::Verb(_)) => super::verbs::put(service, path, value),
        (_, Value::Conditions(conditions)) => service.conditions.extend(conditions),
        (_, Value::Limit(limit)) => {
            service.exec.limits.insert(name.into(), limit);
        }
        (path, Value::Text(value)) if path.starts_with("environment.") => {
            service.exec.environment.insert(path["environment.".len()..].into(), value);
        }
        (path, value) => debug_assert!(false, "{path} has no place for {value:?}"),
    }
}

fn when(word: &str) -> RestartWhen {
    match word {
        "always" => RestartWhen::Always,
        "never" => RestartWhen::Never,
        _ => RestartWhen::OnFailure,
    }
}

/// Puts one value of a `[[configure]]` in its place.
fn put_configure(service: &mut Service, path: &str, name: &str, value: Value) {
    let number = path.split('.').nth(1).and_then(|number| number.parse::<usize>().ok()).unwrap_or(0);
    let Some(item) = number.checked_sub(1).and_then(|index| service.configure.get_mut(index)) else { return };
    match (name, value) {
        ("template", Value::Text(path)) => item.template = path,
        ("target", Value::Text(path)) => item.target = path,
        ("owner", Value::Text(account)) => item.owner = account,
        ("group", Value::Text(account)) => item.group = account,
        ("mode", Value::Mask(mode)) => item.mode = Some(mode),
        ("values", Value::Texts(paths)) => item.values = paths,
        ("validate", Value::Texts(words)) => item.validate = words,
        (name, value) => debug_assert!(false, "[[configure]] has no place for {name} = {value:?}"),
    }
}

/// What is missing in a `[[configure]]`, and files made twice.
fn check_configure(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    let mut made: Vec<&str> = Vec::new();
    for (index, (item, place)) in service.configure.iter().zip(&written.configure).enumerate() {
        let path = |key: &str| format!("configure.{}.{key}", index + 1);
        for (key, value) in [("template", &item.template), ("target", &item.target)] {
            if value.is_empty() && !written.spoiled.contains(&path(key)) {
                let complaint = Complaint::new(format!("`{key}` is missing in [[configure]]"));
                faults.error(place, complaint);
            }
        }
        if made.contains(&item.target.as_str())
            && let Some(entry) = written.entries.get(&path("target"))
        {
            let complaint = Complaint::new(format!("`{}` is made by two [[configure]] tables", shown(&item.target)));
            faults.error(&entry.at, complaint);
        }
        if !item.target.is_empty() {
            made.push(&item.target);
        }
    }
    let then = written.entries.get("configure-then");
    if let (ConfigureThen::Reload, Reload::None, Some(entry), false) =
        (service.configure_then, &service.reload, then, service.is_script() || service.instead("reload").is_some())
    {
        let complaint = Complaint::new("it is to be reloaded, and cannot be");
        faults.error(&entry.at, complaint.help("say how with `reload`, or write \"restart\""));
    }
    if service.configure.is_empty() && !written.spoiled.contains("configure") {
        for key in ["configure-then", "configure-at-start"] {
            if let Some(entry) = written.entries.get(key) {
                let complaint = Complaint::new(format!("`{key}` without a table [[configure]]"));
                faults.note(&entry.name_at, complaint.help("there is nothing to be made"));
            }
        }
    }
}

fn bare(names: Vec<(Name, super::fault::Place)>) -> Vec<Name> {
    names.into_iter().map(|(name, _)| name).collect()
}

/// Puts together whose its runtime directories are.
fn own_directories(service: &mut Service, written: &Written, faults: &mut Faults<'_>) {
    let text = |key: &str| match written.entries.get(key).map(|entry| &entry.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let (owner, group) = ("runtime-directory-owner", "runtime-directory-group");
    if let Some(user) = text(owner) {
        let group = text(group).unwrap_or_default();
        service.exec.runtime_owner = Some(Identity { user, group, ..Identity::default() });
    } else if let (Some(entry), false, false) =
        (written.entries.get(group), written.torn, written.spoiled.contains(owner))
    {
        let complaint = Complaint::new(format!("`{group}` without `{owner}`"));
        faults.error(&entry.name_at, complaint.help(format!("say whose they are too: {owner} = \"root\"")));
    }
}

/// Puts together who the service runs as.
fn identify(service: &mut Service, written: &Written, faults: &mut Faults<'_>) {
    let text = |key: &str| match written.entries.get(key).map(|entry| &entry.value) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let groups = match written.entries.get("groups").map(|entry| &entry.value) {
        Some(Value::Texts(groups)) => groups.clone(),
        _ => Vec::new(),
    };
    if let Some(user) = text("user") {
        let group = text("group").unwrap_or_default();
        service.exec.identity = Some(Identity { user, group, groups, resolved: None });
    } else if !written.torn && !written.spoiled.contains("user") {
        for key in ["group", "groups"] {
            if let Some(entry) = written.entries.get(key) {
                let complaint = Complaint::new(format!("`{key}` without `user`"));
                faults.error(&entry.name_at, complaint.help("say who it runs as too: user = \"root\""));
            }
        }
    }
}

/// Contradictions between keys.
fn check(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    let kind = kind_name(&service.kind);
    let entry = |path: &str| written.entries.get(path).filter(|entry| entry.key.kinds.has(&service.kind));
    let unclear = written.spoiled.contains("command") || written.spoiled.contains("kind");
    if service.command.is_empty() && !matches!(service.kind, Kind::Group) && !unclear {
        let complaint = Complaint::new("`command` is missing").help("write command = \"/path/to/program arguments\"");
        let place = entry("kind").map(|entry| entry.name_at.clone()).unwrap_or_default();
        faults.error(&place, complaint);
    }
    if let (Kind::Script(_), Some(entry)) = (&service.kind, entry("command"))
        && (service.command.len() != 1 || !service.command[0].starts_with('/'))
    {
        let complaint = Complaint::new("for kind = \"script\" the command is the script's path alone");
        faults.error(&entry.at, complaint);
    }
    if let Some(entry) = entry("ready") {
        let help = match (&service.kind, &service.ready) {
            (Kind::Process, Ready::Exit) => Some("for a program that returns write kind = \"oneshot\" or \"forking\""),
            (Kind::Oneshot, ready) if *ready != Ready::Exit => Some("a oneshot is up when its command has returned"),
            (Kind::Forking { .. }, Ready::Executed) => Some("it is not up before its command has returned"),
            _ => None,
        };
        if let Some(help) = help {
            let complaint = Complaint::new(format!("a service of kind = \"{kind}\" cannot be ready like this"));
            faults.error(&entry.at, complaint.help(help));
        }
    }
    if let (Some(entry), false) = (entry("watchdog"), service.ready == Ready::SdNotify) {
        let complaint = Complaint::new("`watchdog` needs a service that speaks to svc");
        faults.error(&entry.name_at, complaint.help("write ready = \"sd-notify\" too"));
    }
    if let (Kind::Oneshot, Reload::Signal(_), Some(entry)) = (&service.kind, &service.reload, entry("reload")) {
        let complaint = Complaint::new("a oneshot has no process to signal").help("write a command");
        faults.error(&entry.at, complaint);
    }
    if let (Kind::Oneshot, RestartWhen::Always, Some(entry)) =
        (&service.kind, service.restart.when, entry("restart.when"))
    {
        let complaint = Complaint::new("a oneshot that is always started again is never done");
        faults.error(&entry.at, complaint.help("write \"on-failure\" or \"never\""));
    }
    if let Some(entry) = entry("restart.delay").or(entry("restart.max-delay"))
        && service.restart.delay > service.restart.max_delay
    {
        faults.error(
            &entry.at,
            Complaint::new(format!(
                "`delay` {} is longer than `max-delay` {}",
                duration_text(service.restart.delay),
                duration_text(service.restart.max_delay)
            )),
        );
    }
    if let (Some(signal), Some(_)) = (entry("stop.signal"), entry("stop.command"))
        && service.stop.signal != Signal::Term
    {
        faults.note(&signal.name_at, Complaint::new("`signal` is not used: `command` stops the service"));
    }
}

/// Contradictions between links.
fn check_links(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    let names = |key: &str| match written.entries.get(key).map(|entry| &entry.value) {
        Some(Value::Names(names)) => names.as_slice(),
        _ => &[],
    };
    for key in ["requires", "wants", "after", "before", "conflicts", "provides"] {
        for (name, place) in names(key) {
            if *name == service.name {
                let complaint = Complaint::new(format!("`{name}` names itself in `{key}`"));
                faults.error(place, complaint);
            } else if key != "provides" && service.links.provides.contains(name) {
                faults.error(place, Complaint::new(format!("`{name}` is in `{key}`, and this service provides it")));
            }
        }
    }
    for (key, others) in [
        ("conflicts", [("requires", &service.links.requires), ("wants", &service.links.wants)].as_slice()),
        ("before", &[("after", &service.links.after), ("requires", &service.links.requires)]),
    ] {
        for (name, place) in names(key) {
            for (other, links) in others {
                if links.contains(name) {
                    let message: String = format!("`{name}` is both in `{key}` and in `{other}`");
                    faults.error(place, Complaint::new(message).help("it can be only one of them"));
                }
            }
        }
    }
}
