//! The definition: each key with its value and with what says so.

mod account;
mod dangling;
mod directories;
mod hangup;
mod jail;
mod order;
mod pid_file;
mod tables;

use std::collections::BTreeSet;

use svc_compat::daemons::Table;
use svc_compat::play::{self, Launch, Machine, Made, Spot, is_told, is_unknown};
use svc_core::definition::join;
use svc_core::service::Kind;
use svc_core::{Name, Signal};
use svc_platform::host;

use super::Tree;
use super::addressed;
use super::evidence::{Evidence, is_own};
use super::handled::{self, Hangup};
use super::rotated;
use super::stay::{Stay, stay};
use super::watched::{self, Inner};

/// One key of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its table; empty for the top.
    pub table: &'static str,
    /// Its name.
    pub name: String,
    /// Its value as TOML.
    pub value: String,
    /// What says so.
    pub origin: String,
}

/// A definition with where it came from.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The service's name.
    pub name: Name,
    /// `process` or `forking`.
    pub kind: Kind,
    /// Program and arguments.
    pub command: Vec<String>,
    /// Who it runs as.
    pub user: Option<String>,
    /// Its group.
    pub group: Option<String>,
    /// Directories below the runtime directory.
    pub runtime_directories: Vec<String>,
    /// The pid file, also where supervision needs none.
    pub pid_file: Option<String>,
    /// How it reads its configuration again: `signal HUP` or a command.
    pub reload: Option<String>,
    /// What SIGHUP does, where nobody says that it is a reload.
    pub hangup: Option<Hangup>,
    /// How it stays in the foreground.
    pub stay: Stay,
    /// Every key, in the order of the file.
    pub keys: Vec<Key>,
    /// What somebody should look at.
    pub open: Vec<String>,
    /// Lines of files that found their way into a key.
    pub lines: BTreeSet<Spot>,
}

/// A text as a TOML value.
pub fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) && !text.contains('\'') && !text.chars().any(char::is_control) {
        return format!("'{text}'");
    }
    let mut out = String::from('"');
    for found in text.chars() {
        match found {
            '"' | '\\' => out.extend(['\\', found]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            found if found.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(found))),
            found => out.push(found),
        }
    }
    out.push('"');
    out
}

fn list<T: AsRef<str>>(items: &[T]) -> String {
    let items: Vec<String> = items.iter().map(|item| quoted(item.as_ref())).collect();
    format!("[{}]", items.join(", "))
}

/// A command as it is written: one line where that is plain, else word by word.
///
/// What the machine tells at each start is asked for by a shell that makes room for the program.
pub(super) fn command_value(words: &[String]) -> String {
    if words.iter().any(|word| word.contains(is_told)) {
        let text = words.iter().map(|word| match word.contains(is_told) {
            true => play::asked(word),
            false => join(std::slice::from_ref(word)),
        });
        let text = format!("exec {}", text.collect::<Vec<_>>().join(" "));
        return list(&["/bin/sh".to_string(), "-c".to_string(), text]);
    }
    let odd =
        words.iter().any(|word| word.is_empty() || word.contains(['|', '&', ';', '<', '>', '$', '`', '\n', '\'']));
    if odd { list(words) } else { quoted(&join(words)) }
}

/// Writes the definition of a script whose daemon is known.
pub(super) fn draft(tree: &Tree, table: &Table, name: Name, evidence: &Evidence, launch: &Launch) -> Draft {
    let watched = watched::inner(tree, launch);
    let whole = watched.as_ref().map_or(launch, |inner| &inner.launch);
    let (launch, dangling) = dangling::left_out(tree, evidence, whole);
    let launch = &launch;
    let stay = stay(tree, table, launch);
    let mut draft = Draft {
        name,
        kind: Kind::Process,
        command: stay.command.clone(),
        user: None,
        group: None,
        runtime_directories: Vec::new(),
        pid_file: launch.pid_file.clone().filter(|file| file.starts_with('/') && !file.contains(is_unknown)),
        reload: None,
        hangup: None,
        stay,
        keys: Vec::new(),
        open: Vec::new(),
        lines: BTreeSet::from([launch.spot.clone()]),
    };
    draft.what(tree, evidence, launch);
    draft.order(evidence);
    draft.how_it_reloads(tree, table, evidence);
    draft.who_and_where(tree, evidence, launch);
    draft.whose_directories(tree, evidence, launch);
    draft.environment(tree, launch);
    draft.stop(evidence);
    draft.limits(tree, launch);
    draft.jail(launch, host::SYSTEM);
    draft.own_verbs(evidence);
    draft.doubts(tree, evidence, launch);
    if let Some(Inner { source, watcher, .. }) = watched {
        draft.open.push(format!("{watcher} is left out, for svc starts the daemon again itself: {source}"));
    }
    draft.open.extend(dangling);
    draft
}

impl Draft {
    fn key(&mut self, table: &'static str, name: &str, value: String, origin: impl Into<String>) {
        self.keys.push(Key { table, name: name.to_string(), value, origin: origin.into() });
    }

    fn what(&mut self, tree: &Tree, evidence: &Evidence, launch: &Launch) {
        let description: String = evidence.facts.description.chars().filter(|found| !found.is_control()).collect();
        if !description.trim().is_empty() {
            self.key("", "description", quoted(description.trim()), format!("{}: its header", evidence.path));
        }
        if !self.command[0].contains('/')
            && let Some(path) = tree.program(&self.command[0])
        {
            self.command[0] = path;
        }
        let mut origin = format!("{}{}", launch.spot, variables(evidence, launch, &mut self.lines));
        if self.command.iter().any(|word| word.contains(is_told)) {
            origin.push_str("; what the machine tells is asked for at each start");
        }
        if !self.stay.foreground {
            let pid_file = self.pid_file.clone().or_else(|| pid_file::looked_into(evidence));
            let built_in = pid_file::built_in(tree, launch, pid_file.as_deref());
            let why = match &built_in {
                Some((_, program)) => format!("{program} has it built in, and nobody tells it of another one"),
                None => format!("{}: the script looks for it there", launch.spot),
            };
            let pid_file = built_in.map(|(file, _)| file).or(pid_file);
            self.kind = Kind::Forking { pid_file: pid_file.clone() };
            self.key("", "kind", quoted("forking"), self.stay.source.clone());
            self.key("", "command", command_value(&self.command), origin);
            if let Some(file) = pid_file {
                self.key("", "pid-file", quoted(&file), why);
                self.pid_file = Some(file);
            } else {
                self.open.push("no pid file is known: the leader of its tree is taken for the main process".into());
            }
            return;
        }
        let mut origin = format!("{origin}; in the foreground: {}", self.stay.source);
        if !self.stay.removed.is_empty() {
            origin.push_str(&format!("; without {}", self.stay.removed.join(" ")));
        }
        self.key("", "command", command_value(&self.command), origin);
    }

    fn how_it_reloads(&mut self, tree: &Tree, table: &Table, evidence: &Evidence) {
        let mut found = None;
        if let Some(record) = &evidence.reload {
            let sent = record.sent.iter().find(|sent| Signal::parse(&sent.signal).is_some());
            let ran = record.ran.iter().rfind(|ran| !ran.asked && is_own(&ran.command));
            if let Some(sent) = sent {
                self.lines.insert(sent.spot.clone());
                found = Some((format!("signal {}", sent.signal), sent.spot.to_string()));
            } else if let Some(ran) = ran.filter(|ran| !ran.command.iter().any(|word| word.contains(is_unknown))) {
                self.lines.insert(ran.spot.clone());
                found = Some((join(&ran.command), ran.spot.to_string()));
                // In the foreground it writes no pid file that the command could look into.
                let told = addressed::to_main_process(tree, &self.command, &ran.command);
                if let Some((value, source)) = told.filter(|_| self.stay.foreground) {
                    found = Some((value, format!("{}; {source}", ran.spot)));
                }
            }
        }
        if let Some(signal) = self.stay.reload.clone().filter(|_| self.stay.foreground) {
            found = Some((format!("signal {signal}"), format!("{}, for a daemon in the foreground", self.stay.source)));
        }
        let found = found.or_else(|| super::hangup::documented(tree, table, self.name.as_ref(), &self.command));
        let found = found.or_else(|| self.told_by_rotation(tree));
        let found = found.or_else(|| self.told_by_handler(tree));
        if let Some((value, origin)) = found {
            self.key("", "reload", quoted(&value), origin);
            self.reload = Some(value);
        }
        if evidence.facts.leaves_children() {
            let origin = "sessions and jobs of such a daemon go on without it";
            self.key("", "leave-children", "true".into(), origin);
        }
    }

    /// SIGHUP after a rotation of its logs: it does not end the daemon, and mostly does more.
    fn told_by_rotation(&mut self, tree: &Tree) -> Option<(String, String)> {
        let program = self.command.first()?.rsplit('/').next()?.to_string();
        let names = [self.name.as_ref(), &program, self.pid_file.as_deref().unwrap_or_default()];
        let place = rotated::hangs_up(tree, &names)?;
        let text =
            "SIGHUP is known from the rotation of its logs alone: whether it reads its configuration again is not said";
        self.open.push(format!("{place}: {text}"));
        Some(("signal HUP".to_string(), format!("{place}: sent when its logs are rotated")))
    }

    fn who_and_where(&mut self, tree: &Tree, evidence: &Evidence, launch: &Launch) {
        let context = &launch.context;
        let spot = launch.spot.to_string();
        let named = |who: &Option<String>| who.clone().filter(|who| !who.is_empty() && !who.contains(is_unknown));
        self.user = named(&context.user).filter(|user| user != "root");
        self.group = named(&context.group).filter(|group| self.user.is_some() || group != "root");
        let mut origin = spot.clone();
        if let Some(instead) = self.instead(tree, evidence, launch) {
            self.group = self.group.take().filter(|_| !instead.replaces);
            self.user = Some(instead.user);
            origin = format!("{origin}: {}", instead.why);
            self.open.push(instead.open);
        } else if let Some(account) = self.unspoken_account(tree, evidence) {
            let text = "neither the daemon nor its arguments speak of it: whether it may be `user` has to be tried";
            self.open.push(format!("{spot}: it starts as root; its package makes the account {account}, but {text}"));
        }
        if let Some(user) = self.user.clone().or(self.group.is_some().then(|| "root".to_string())) {
            self.key("", "user", quoted(&user), origin);
        }
        if let Some(group) = self.group.clone() {
            self.key("", "group", quoted(&group), spot.clone());
        }
        let path =
            |text: &Option<String>| text.clone().filter(|path| path.starts_with('/') && !path.contains(is_unknown));
        if let Some(chroot) = path(&context.chroot) {
            self.key("", "chroot", quoted(&chroot), spot.clone());
        }
        if let Some(directory) = path(&context.directory).filter(|path| path != "/") {
            self.key("", "directory", quoted(&directory), spot.clone());
        }
        if let Some(mask) = context.umask.as_deref().and_then(|mask| u32::from_str_radix(mask, 8).ok()) {
            self.key("", "umask", quoted(&format!("{mask:03o}")), spot.clone());
        }
        if let Some(nice) = context.nice.as_deref().and_then(|nice| nice.parse::<i32>().ok()).filter(|nice| *nice != 0)
        {
            self.key("", "nice", nice.clamp(-20, 19).to_string(), spot);
        }
        self.directories(tree, evidence);
    }

    /// Directories that the script makes: those that are gone after a boot become ours.
    fn directories(&mut self, tree: &Tree, evidence: &Evidence) {
        let mut names: Vec<String> = Vec::new();
        let mut spots: Vec<String> = Vec::new();
        for made in evidence.start.made.iter().filter(|made| made.directory) {
            let path = made.path.replacen("/var/lock/", "/run/lock/", 1);
            let below = ["/run/", "/var/run/"].iter().find_map(|top| path.strip_prefix(top));
            let below = below.map(|name| name.trim_matches('/')).filter(|name| !name.is_empty());
            let Some(name) = below.filter(|name| !name.contains(is_unknown) && !name.contains("..")) else {
                self.made_elsewhere(made);
                continue;
            };
            if names.iter().any(|old| old == name) {
                continue;
            }
            names.push(name.to_string());
            spots.push(made.spot.to_string());
            self.lines.insert(made.spot.clone());
        }
        // A pid file in a directory of its own wants that directory, whoever makes it as things are.
        let seen = evidence.start.pid_files.iter().chain(&evidence.stop.pid_files);
        let files: Vec<String> = self.pid_file.iter().chain(seen).chain(&evidence.facts.pid_files).cloned().collect();
        for file in files.iter().filter(|file| !file.contains(is_unknown) && !file.contains("..")) {
            let below = ["/run/", "/var/run/"].iter().find_map(|top| file.strip_prefix(top));
            let Some((name, _)) = below.and_then(|below| below.rsplit_once('/')) else { continue };
            let name = name.trim_matches('/');
            if !name.is_empty() && !names.iter().any(|old| old == name || old.starts_with(&format!("{name}/"))) {
                names.push(name.to_string());
                spots.push(format!("its pid file is {file}, and nothing else makes the directory"));
            }
        }
        for (name, why) in self.own_directories(tree) {
            if !names.iter().any(|old| *old == name || old.starts_with(&format!("{name}/"))) {
                names.push(name);
                spots.push(why);
            }
        }
        if !names.is_empty() {
            spots.dedup();
            self.key("", "runtime-directory", list(&names), spots.join(", "));
            self.runtime_directories = names;
        }
    }

    fn made_elsewhere(&mut self, made: &Made) {
        if made.path.contains(is_unknown) || ["/run", "/var/run"].contains(&made.path.as_str()) {
            return;
        }
        let path = &made.path;
        self.open.push(format!("{}: the script makes {path}; make sure that it is there", made.spot));
    }

    fn doubts(&mut self, tree: &Tree, evidence: &Evidence, launch: &Launch) {
        let program = &self.command[0];
        if program.starts_with('/') && tree.find(program).is_none() {
            self.open.push(format!("{program} is not there; what it says of itself could not be looked at"));
        }
        if evidence.start.sourced.iter().any(|(file, _)| file.starts_with("/etc/default/")) {
            let made_of: Vec<&str> = launch
                .used
                .iter()
                .filter_map(|name| evidence.start.values.get(name))
                .map(|(_, spot, _)| &*spot.file)
                .filter(|file| file.starts_with("/etc/default/"))
                .collect();
            if let Some(file) = made_of.first() {
                let text = format!("the command has the values that {file} has now");
                self.open.push(format!("{text}: after a change there, convert again or edit the definition"));
            }
        }
        for assumed in evidence.start.assumed.iter().filter(|assumed| assumed.against) {
            let holds = if assumed.holds { "does not hold" } else { "holds" };
            let (spot, command) = (&assumed.spot, assumed.command.replace('\n', " "));
            self.open.push(format!("{spot}: as things are, `{command}` {holds}, and the script starts nothing"));
        }
        for starter in &launch.context.unsaid {
            self.open
                .push(format!("{}: what `{starter}` does to it no key says; `command` may begin with it", launch.spot));
        }
        if let Some(output) = launch.context.output.as_deref().filter(|file| file.starts_with("/var/")) {
            self.open.push(format!("{}: what it prints went to {output}; svc keeps it in its own log", launch.spot));
        }
        let more = std::mem::take(&mut self.stay.open);
        self.open.extend(more);
    }

    /// Adds what a unit says where the script says nothing.
    pub fn take_from_unit(&mut self, unit: &super::unit::Unit) {
        let has = |draft: &Self, name: &str| draft.keys.iter().any(|key| key.table.is_empty() && key.name == name);
        for (ours, theirs) in [("user", "User"), ("group", "Group")] {
            let user_first = ours == "user" || has(self, "user");
            if let Some(value) = unit.value(theirs).filter(|_| !has(self, ours) && user_first) {
                self.key("", ours, quoted(value), format!("{}: {theirs}", unit.path));
            }
        }
        let wanted = unit.runtime_directories();
        if !wanted.is_empty() && !has(self, "runtime-directory") {
            self.key("", "runtime-directory", list(&wanted), format!("{}: RuntimeDirectory", unit.path));
        }
        let (devices, others) = unit.devices();
        if !devices.is_empty() {
            self.key("", "devices", list(&devices), format!("{}: BindsTo", unit.path));
        }
        for other in others {
            self.open.push(format!("{}: BindsTo={other} is no node below /dev and no interface", unit.path));
        }
        if let Some(reload) = unit.reload().filter(|_| !has(self, "reload")) {
            self.key("", "reload", quoted(&reload), format!("{}: ExecReload", unit.path));
        }
    }

    /// The definition as a file.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut table = "";
        for wanted in ["", "stop", "limits", "jail", "environment", "verbs"] {
            for key in self.keys.iter().filter(|key| key.table == wanted) {
                if key.table != table {
                    out.push_str(&format!("\n[{}]\n", key.table));
                    table = key.table;
                }
                let plain = key.name.chars().all(|found| found.is_ascii_alphanumeric() || "-_".contains(found));
                let name = if plain { key.name.clone() } else { quoted(&key.name) };
                out.push_str(&format!("{name} = {}\n", key.value));
            }
        }
        out
    }
}

/// The variables that the words of a launch are made of, with their lines.
fn variables(evidence: &Evidence, launch: &Launch, lines: &mut BTreeSet<Spot>) -> String {
    let mut out = Vec::new();
    for name in &launch.used {
        if let Some((_, spot, _)) = evidence.start.values.get(name).filter(|(_, spot, _)| spot.line > 0) {
            lines.insert(spot.clone());
            if !name.starts_with("_svc_") {
                out.push(format!("{name} from {spot}"));
            }
        }
    }
    if out.is_empty() { String::new() } else { format!(", {}", out.join(", ")) }
}
