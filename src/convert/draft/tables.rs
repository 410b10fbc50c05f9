//! The tables of a definition: environment, stop, limits, verbs.

use std::collections::BTreeMap;

use svc_compat::play::{self, Launch, Machine, is_told, is_unknown};
use svc_core::Signal;
use svc_core::definition::join;
use svc_platform::files;

use super::{Draft, command_value, list, quoted};
use crate::convert::Tree;
use crate::convert::evidence::{Evidence, is_own};
use crate::convert::has_verbs;

impl Draft {
    pub(super) fn environment(&mut self, tree: &Tree, launch: &Launch) {
        const NOT_OURS: &[&str] = &[
            "PATH",
            "PWD",
            "HOME",
            "SHELL",
            "TERM",
            "IFS",
            "OLDPWD",
            "SHLVL",
            "_",
            "PIDFILE",
            "INIT_D_SCRIPT_SOURCED",
        ];
        let mut from_files: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut values: BTreeMap<String, (String, String)> = BTreeMap::new();
        for (name, (value, spot)) in &launch.exported {
            let usual = NOT_OURS.contains(&name.as_str()) && !(name == "HOME" || name == "PATH" && is_unusual(value));
            if value.contains(is_told) {
                let text = format!("{spot}: {name} is {}, which no definition can say", play::shown(value));
                self.open.push(format!("{text}: if the daemon needs it, it has to be added"));
            }
            if usual || value.contains(is_unknown) || value.contains('\0') {
                continue;
            }
            self.lines.insert(spot.clone());
            let file = spot.file.to_string();
            if file.starts_with("/etc/") && !file.starts_with("/etc/init.d/") && is_plain_file(tree, &file) {
                from_files.entry(file).or_default().push(name.clone());
            } else {
                values.insert(name.clone(), (value.clone(), spot.to_string()));
            }
        }
        for (name, value) in launch.context.environment.iter().filter(|(_, value)| !value.contains(is_unknown)) {
            values.insert(name.clone(), (value.clone(), launch.spot.to_string()));
        }
        if !from_files.is_empty() {
            let files: Vec<String> = from_files.keys().map(|file| format!("-{file}")).collect();
            let names: Vec<String> = from_files.values().flatten().cloned().collect();
            self.key("", "environment-file", list(&files), format!("the script exports {} from it", names.join(", ")));
        }
        for (name, (value, origin)) in values {
            self.key("environment", &name, quoted(&value), origin);
        }
    }

    pub(super) fn stop(&mut self, evidence: &Evidence) {
        let sent =
            evidence.stop.sent.iter().find(|sent| Signal::parse(&sent.signal).is_some() || sent.signal == "KILL");
        let Some(sent) = sent else {
            let mut own = evidence.stop.ran.iter().filter(|ran| !ran.asked && is_own(&ran.command));
            let program = evidence.main.as_ref().ok().and_then(|launch| launch.command.first());
            if let Some(ran) = own.find(|ran| ran.command.first() == program || ran.command.len() > 1) {
                let sure = !ran.command.iter().any(|word| word.contains(is_unknown));
                let shown = play::shown(&join(&ran.command));
                if sure {
                    self.lines.insert(ran.spot.clone());
                    self.key("stop", "command", command_value(&ran.command), ran.spot.to_string());
                } else {
                    self.open.push(format!("{}: the script stops it by `{shown}`; here it gets TERM", ran.spot));
                }
            }
            return;
        };
        self.lines.insert(sent.spot.clone());
        let schedule: Vec<&str> = sent.retry.as_deref().unwrap_or("").split('/').collect();
        let mut signal = sent.signal.clone();
        let wait;
        match schedule.as_slice() {
            [single] => wait = single.parse::<u64>().ok(),
            parts => {
                let named = |part: &str| part.trim_start_matches('-').trim_start_matches("SIG").to_ascii_uppercase();
                if let Some(first) = parts.first().filter(|first| first.parse::<u64>().is_err()) {
                    signal = named(first);
                }
                let kill = parts.iter().position(|part| matches!(named(part).as_str(), "KILL" | "9"));
                let before = &parts[..kill.unwrap_or(parts.len())];
                wait = Some(before.iter().filter_map(|part| part.parse::<u64>().ok()).sum());
            }
        }
        if signal == "KILL" {
            self.open.push(format!("{}: the script kills it at once; here it gets TERM first", sent.spot));
        } else if signal != "TERM" && Signal::parse(&signal).is_some() {
            self.key("stop", "signal", quoted(&signal), sent.spot.to_string());
        }
        if schedule.contains(&"forever") {
            self.key("stop", "timeout", quoted("none"), format!("{}: --retry for ever", sent.spot));
        } else if let Some(wait) = wait.filter(|wait| (1..=86400).contains(wait)) {
            self.key("stop", "timeout", quoted(&format!("{wait}s")), format!("{}: --retry", sent.spot));
        }
    }

    pub(super) fn limits(&mut self, tree: &Tree, launch: &Launch) {
        const NAMES: &[(&str, &str, u64)] = &[
            ("n", "open-files", 1),
            ("u", "processes", 1),
            ("c", "core", 512),
            ("f", "file-size", 512),
            ("l", "locked-memory", 1024),
            ("s", "stack", 1024),
            ("v", "address-space", 1024),
            ("d", "data", 1024),
        ];
        for (letter, value) in &launch.context.limits {
            let Some((_, name, unit)) = NAMES.iter().find(|(known, ..)| known == letter) else { continue };
            let bytes = *unit > 1;
            if *name == "open-files"
                && let (Some(most), Ok(wanted)) = (most_files(tree), value.parse::<u64>())
                && wanted > most
            {
                let text = format!("{}: ulimit -n {wanted} is more than may be had here ({most})", launch.spot);
                self.open.push(format!("{text}: it is not carried over, as the script would go on without it"));
                continue;
            }
            let value = match value.as_str() {
                "unlimited" => quoted("unlimited"),
                number => match number.parse::<u64>().ok().and_then(|number| number.checked_mul(*unit)) {
                    Some(number) if bytes => quoted(&number.to_string()),
                    Some(number) => number.to_string(),
                    None => {
                        self.open.push(format!("{}: ulimit -{letter} {value} is not carried over", launch.spot));
                        continue;
                    }
                },
            };
            self.key("limits", name, value, format!("ulimit -{letter} before {}", launch.spot));
        }
    }

    /// Verbs of its own: a program is run, or a signal is sent.
    pub(super) fn own_verbs(&mut self, evidence: &Evidence) {
        for (verb, record) in &evidence.verbs {
            let ran = record.ran.iter().filter(|ran| !ran.asked && is_own(&ran.command)).collect::<Vec<_>>();
            match ran.as_slice() {
                [one] if !one.command.iter().any(|word| word.contains(is_unknown)) && record.sent.is_empty() => {
                    self.lines.insert(one.spot.clone());
                    if has_verbs() {
                        self.key("verbs", verb, command_value(&one.command), one.spot.to_string());
                    } else {
                        self.open.push(format!("{}: its verb `{verb}` runs `{}`", one.spot, join(&one.command)));
                    }
                }
                _ => {
                    let signals: Vec<&str> = record.sent.iter().map(|sent| sent.signal.as_str()).collect();
                    let what = match (signals.is_empty(), ran.len()) {
                        (false, _) => format!("sends {}", signals.join(", ")),
                        (true, 0) => "does nothing that could be made out".to_string(),
                        (true, count) => format!("runs {count} programs"),
                    };
                    self.open.push(format!("its own verb `{verb}` {what}: it is not carried over"));
                }
            }
        }
    }
}

/// How many files a process of this machine may have open at most, where the machine is the one we run on.
fn most_files(tree: &Tree) -> Option<u64> {
    let (_, most) = tree.is_machine().then(files::open_files)?.ok()?;
    Some(most)
}

/// A PATH that has more than the directories every service gets.
fn is_unusual(path: &str) -> bool {
    let usual = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
    path.split(':').any(|part| !part.is_empty() && !usual.contains(&part))
}

/// Whether a file has only lines `NAME=value` that need no shell.
fn is_plain_file(tree: &Tree, file: &str) -> bool {
    let Some(text) = tree.read(file) else { return false };
    svc_compat::text::decode(&text)
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .all(|line| {
            let name = line.split('=').next().unwrap_or_default();
            let plain = !name.is_empty() && name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_');
            plain && line.contains('=') && !line.contains(['$', '`', '\\'])
        })
}
