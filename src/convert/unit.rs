//! A systemd unit beside a script: what its maintainers wrote for another system.

use std::collections::BTreeMap;

use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece};
use svc_core::definition::join;

use super::Tree;

/// What a service unit says, so far as a definition can say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its path.
    pub path: String,
    /// Every key of `[Service]` with its values in order.
    pub settings: BTreeMap<String, Vec<String>>,
    /// Program and arguments, variables filled in.
    pub command: Vec<String>,
    /// The variables of its environment files and `Environment=`.
    pub environment: BTreeMap<String, String>,
}

impl Unit {
    /// Reads a unit of this machine.
    pub fn read(tree: &Tree, path: &str) -> Option<Self> {
        let text = svc_compat::text::decode(&tree.read(path)?);
        let mut unit = Self { path: path.to_string(), ..Self::default() };
        unit.sections(&text);
        unit.variables(tree);
        let start = unit.settings.get("ExecStart").and_then(|lines| lines.first()).cloned().unwrap_or_default();
        unit.command = unit.words(&start);
        if let Some(inner) = unit.inner(tree) {
            unit.command = inner;
        }
        Some(unit)
    }

    /// What a shell or another starter in the command line becomes in the end.
    fn inner(&self, tree: &Tree) -> Option<Vec<String>> {
        let quoted = |value: &str| format!("'{}'", value.replace('\'', "'\\''"));
        let mut text: String =
            self.environment.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect();
        // A shell's text is played itself, so that its conditions may come out either way.
        match self.command.as_slice() {
            [shell, option, inside, ..] if shell.ends_with("sh") && option == "-c" => text.push_str(inside),
            words => text.push_str(&join(words)),
        }
        let path = format!("/etc/init.d/{}", self.name());
        let piece = Piece {
            path: &path,
            text: text.as_bytes(),
            style: Style::Own,
            verb: "start",
            running: false,
            granted: &[],
        };
        let starter = self.command.first()?.rsplit('/').next()?;
        let starts = ["sh", "bash", "dash", "env", "stdbuf", "nice", "ionice", "setsid"].contains(&starter);
        let record = starts.then(|| play::play(tree, piece))?;
        let launch = record.launches.last()?;
        // Words that only running tells are none that could be compared.
        Some(launch.command.iter().filter(|word| !word.contains(play::UNKNOWN)).cloned().collect())
    }

    /// Its name without `.service`.
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".service")
    }

    fn specifiers(&self, text: &str) -> String {
        let name = self.name();
        let text = text.replace("%%", "\0").replace("%n", name).replace("%p", name).replace("%N", name);
        text.replace("%t", "/run").replace("%S", "/var/lib").replace("%L", "/var/log").replace('\0', "%")
    }

    /// Its pid file.
    pub fn pid_file(&self) -> Option<String> {
        let file = self.specifiers(self.value("PIDFile")?);
        Some(if file.starts_with('/') { file } else { format!("/run/{file}") })
    }

    /// Whether it runs as a user that is made up at its start, perhaps under a given name.
    pub fn is_user_made_up(&self) -> bool {
        matches!(self.value("DynamicUser"), Some("yes" | "true" | "on" | "1"))
    }

    fn sections(&mut self, text: &str) {
        let joined = text.replace("\\\n", " ");
        let mut service = false;
        for line in joined.lines().map(str::trim) {
            if line.starts_with('[') {
                service = line == "[Service]";
            } else if service
                && !line.starts_with(['#', ';'])
                && let Some((key, value)) = line.split_once('=')
            {
                let values = self.settings.entry(key.trim().to_string()).or_default();
                // An empty value takes back what was said before.
                if value.trim().is_empty() { values.clear() } else { values.push(value.trim().to_string()) }
            }
        }
    }

    /// The last value of a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(|values| values.last()).map(String::as_str)
    }

    /// Its type, with systemd's default.
    pub fn kind(&self) -> &str {
        self.value("Type").unwrap_or(if self.value("BusName").is_some() { "dbus" } else { "simple" })
    }

    fn variables(&mut self, tree: &Tree) {
        if let Some(first) = self.runtime_directories().first() {
            self.environment.insert("RUNTIME_DIRECTORY".to_string(), format!("/run/{first}"));
        }
        for line in self.settings.get("Environment").into_iter().flatten() {
            for word in svc_core::definition::words(line).unwrap_or_default() {
                if let Some((name, value)) = word.split_once('=') {
                    self.environment.insert(name.to_string(), self.specifiers(value));
                }
            }
        }
        for file in self.settings.get("EnvironmentFile").into_iter().flatten() {
            let file = self.specifiers(file.trim_start_matches('-'));
            let Some(text) = tree.read(&file) else { continue };
            for line in svc_compat::text::decode(&text).replace("\\\n", " ").lines().map(str::trim) {
                if let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with(['#', ';'])) {
                    let value = value.trim();
                    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
                    self.environment.insert(name.trim().to_string(), inner.unwrap_or(value).to_string());
                }
            }
        }
    }

    /// The words of a command line, variables and specifiers filled in.
    pub fn words(&self, line: &str) -> Vec<String> {
        let bare = line.trim_start_matches(['-', '@', ':', '+', '!', '|']);
        let mut out = Vec::new();
        for word in svc_core::definition::words(bare).unwrap_or_default() {
            // `$$` is one `$` that stands for itself.
            let word = self.specifiers(&word).replace("$$", "\0");
            let alone = word.strip_prefix('$').filter(|name| {
                !name.is_empty() && name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_')
            });
            if let Some(name) = alone {
                let value = self.environment.get(name).cloned().unwrap_or_default();
                out.extend(svc_core::definition::words(&value).unwrap_or_default());
                continue;
            }
            let mut text = String::new();
            let mut rest = word.as_str();
            while let Some((before, after)) = rest.split_once("${") {
                text.push_str(before);
                let (name, after) = after.split_once('}').unwrap_or((after, ""));
                text.push_str(self.environment.get(name).map_or("", String::as_str));
                rest = after;
            }
            text.push_str(rest);
            out.push(text.replace('\0', "$"));
        }
        if out.len() > 1 && line.trim_start_matches(['-', ':', '+', '!']).starts_with('@') {
            // `@PROGRAM NAME ARGUMENTS`: the name it is called by is no argument.
            out.remove(1);
        }
        out
    }

    /// The directories it wants below the runtime directory.
    pub fn runtime_directories(&self) -> Vec<String> {
        let values = self.settings.get("RuntimeDirectory").into_iter().flatten();
        values.flat_map(|value| value.split_whitespace()).map(|name| name.trim_end_matches('/').to_string()).collect()
    }
}

impl Unit {
    /// How it reloads, in the words of a definition.
    pub fn reload(&self) -> Option<String> {
        if self.kind() == "notify-reload" {
            return Some(format!("signal {}", self.value("ReloadSignal").unwrap_or("HUP").trim_start_matches("SIG")));
        }
        // A signal does it; else the last one, and those before it look at the configuration.
        let signals = |line: &&String| {
            let program = line.split_whitespace().next().unwrap_or_default().trim_start_matches(['-', '+', '!', ':']);
            ["kill", "pkill", "killall"].contains(&program.rsplit('/').next().unwrap_or_default())
        };
        let lines = self.settings.get("ExecReload")?;
        let Some(line) = lines.iter().rfind(signals) else {
            return Some(join(&self.words(lines.last()?)));
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let named = words.iter().position(|word| *word == "-s" || *word == "--signal").and_then(|at| words.get(at + 1));
        let short = words.iter().skip(1).find(|word| word.starts_with('-') && **word != "-s").copied();
        let signal = named.copied().or(short).unwrap_or("TERM").trim_start_matches('-').trim_start_matches("SIG");
        let numbered = signal.parse().ok().and_then(svc_core::Signal::named).map(|signal| signal.name());
        Some(format!("signal {}", numbered.unwrap_or(signal)))
    }
}

/// The unit that stands for a script: of the same name, or one that names it.
pub fn beside(tree: &Tree, script: &str) -> Option<Unit> {
    let name = script.rsplit('/').next().unwrap_or(script).trim_end_matches(".sh").to_string();
    for directory in ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"] {
        let path = format!("{directory}/{name}.service");
        if let Some(unit) = Unit::read(tree, &path).filter(|unit| !unit.command.is_empty()) {
            return Some(unit);
        }
    }
    None
}
