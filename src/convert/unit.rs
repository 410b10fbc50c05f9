//! A systemd unit beside a script: what its maintainers wrote for another system.

use std::collections::BTreeMap;

use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece};
use svc_core::definition::join;

use super::Tree;

mod before;
mod bound;

/// What a service unit says, so far as a definition can say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Its path.
    pub path: String,
    /// Every key of `[Service]` with its values in order.
    pub settings: BTreeMap<String, Vec<String>>,
    /// The units that it cannot be without (`BindsTo=`).
    pub binds_to: Vec<String>,
    /// The units that are started before it (`After=`).
    pub after: Vec<String>,
    /// Program and arguments, variables filled in.
    pub command: Vec<String>,
    /// The variables of its environment files and `Environment=`.
    pub environment: BTreeMap<String, String>,
}

impl Unit {
    /// Reads a unit of this machine.
    pub fn read(tree: &Tree, path: &str) -> Option<Self> {
        let mut unit = Self::written(tree, path)?;
        unit.variables(tree);
        let start = unit.settings.get("ExecStart").and_then(|lines| lines.first()).cloned().unwrap_or_default();
        unit.command = unit.words(&start);
        if let Some(inner) = unit.inner(tree) {
            unit.command = inner;
        }
        Some(unit)
    }

    /// A unit with its drop-ins and its own variables; nothing is filled in.
    fn written(tree: &Tree, path: &str) -> Option<Self> {
        let text = svc_compat::text::decode(&tree.read(path)?);
        let mut unit = Self { path: path.to_string(), ..Self::default() };
        unit.sections(&text);
        let file = path.rsplit('/').next().unwrap_or(path);
        for place in PLACES.iter().rev().map(|place| format!("{place}/{file}.d")) {
            let names = tree.list(&place).into_iter().filter(|name| name.ends_with(".conf"));
            for text in names.filter_map(|name| tree.read(&format!("{place}/{name}"))) {
                unit.sections(&svc_compat::text::decode(&text));
            }
        }
        unit.own_variables();
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

    /// A text with what `%` and a letter stand for (systemd.unit(5)); what only a machine that runs knows is unknown.
    fn specifiers(&self, text: &str) -> String {
        let name = self.name();
        let mut out = String::new();
        let mut letters = text.chars();
        while let Some(found) = letters.next() {
            if found != '%' {
                out.push(found);
                continue;
            }
            match letters.next() {
                Some('n') => out.push_str(&format!("{name}.service")),
                Some('N' | 'p') => out.push_str(name),
                Some('j') => out.push_str(name.rsplit('-').next().unwrap_or(name)),
                // The manager of the system is root.
                Some('u' | 'g') => out.push_str("root"),
                Some('U' | 'G') => out.push('0'),
                Some('h') => out.push_str("/root"),
                Some('s') => out.push_str("/bin/sh"),
                Some('t') => out.push_str("/run"),
                Some('S') => out.push_str("/var/lib"),
                Some('C') => out.push_str("/var/cache"),
                Some('L') => out.push_str("/var/log"),
                Some('E') => out.push_str("/etc"),
                Some('T') => out.push_str("/tmp"),
                Some('V') => out.push_str("/var/tmp"),
                Some('H') => out.extend(play::of_machine("hostname")),
                Some('l') => out.extend(play::of_machine("hostname -s")),
                Some('q' | 'm' | 'b' | 'v') => out.push(play::UNKNOWN),
                Some('i' | 'I') => {}
                Some('%') | None => out.push('%'),
                Some(other) => out.extend(['%', other]),
            }
        }
        out
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
        let mut section = String::new();
        for line in lines(text).iter().map(|line| line.trim()) {
            if line.starts_with('[') {
                section = line.to_string();
            } else if let (true, Some((key @ ("BindsTo" | "After"), value))) = (section == "[Unit]", pair(line)) {
                let names: Vec<String> = value.split_whitespace().map(|name| self.specifiers(name)).collect();
                let units = if key == "BindsTo" { &mut self.binds_to } else { &mut self.after };
                if names.is_empty() { units.clear() } else { units.extend(names) }
            } else if section == "[Service]"
                && let Some((key, value)) = line.split_once('=')
            {
                let values = self.settings.entry(key.trim().to_string()).or_default();
                // An empty value takes back what was said before.
                if value.trim().is_empty() { values.clear() } else { values.push(value.trim().to_string()) }
            }
        }
    }

    /// The devices that it lives with, and those of which no service of ours can be told.
    pub fn devices(&self) -> (Vec<String>, Vec<&str>) {
        let all = self.binds_to.iter().map(String::as_str).filter(|unit| unit.ends_with(".device"));
        let (ours, others): (Vec<&str>, Vec<&str>) = all.partition(|unit| bound::device(unit).is_some());
        (ours.into_iter().filter_map(bound::device).map(String::from).collect(), others)
    }

    /// The last value of a key.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.settings.get(key).and_then(|values| values.last()).map(String::as_str)
    }

    /// Its type, with systemd's default.
    pub fn kind(&self) -> &str {
        self.value("Type").unwrap_or(if self.value("BusName").is_some() { "dbus" } else { "simple" })
    }

    fn own_variables(&mut self) {
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
    }

    fn variables(&mut self, tree: &Tree) {
        self.environment.extend(before::set(self));
        let files: Vec<String> = self.settings.get("EnvironmentFile").into_iter().flatten().cloned().collect();
        for file in files {
            let file = self.specifiers(file.trim_start_matches('-'));
            let there = tree.read(&file).map(|text| svc_compat::text::decode(&text));
            let Some(text) = there.or_else(|| before::written(tree, self).remove(&file)) else { continue };
            for line in lines(&text).iter().map(|line| line.trim()) {
                if let Some((name, value)) = line.split_once('=') {
                    let value = value.trim();
                    let inner = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
                    self.environment.insert(name.trim().to_string(), inner.unwrap_or(value).to_string());
                }
            }
        }
    }

    /// The words of a command line, variables and specifiers filled in.
    pub fn words(&self, line: &str) -> Vec<String> {
        let bare = line.trim_start_matches(PREFIXES);
        let prefixes = &line[..line.len() - bare.len()];
        // `:PROGRAM`: nothing is filled in.
        let plain = prefixes.contains(':');
        let mut out = Vec::new();
        for word in svc_core::definition::words(bare).unwrap_or_default() {
            let word = self.specifiers(&word);
            match word.strip_prefix('$').filter(|name| !plain && is_variable(name)) {
                Some(name) => {
                    let value = self.environment.get(name).cloned().unwrap_or_default();
                    out.extend(svc_core::definition::words(&value).unwrap_or_default());
                }
                None if plain => out.push(word),
                None => out.push(self.filled(&word)),
            }
        }
        if out.len() > 1 && prefixes.contains('@') {
            // `@PROGRAM NAME ARGUMENTS`: the name it is called by is no argument.
            out.remove(1);
        }
        out
    }

    /// A word with its `${NAME}`; `$$` is one `$`, and what a shell may be meant to see stays as it is.
    fn filled(&self, word: &str) -> String {
        let mut out = String::new();
        let mut rest = word;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let name = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            rest = match (after.strip_prefix('$'), name) {
                (Some(after), _) => {
                    out.push('$');
                    after
                }
                (None, Some((name, after))) if !name.contains(':') => {
                    out.push_str(self.environment.get(name).map_or("", String::as_str));
                    after
                }
                // `${NAME:+TEXT}` is no variable of systemd's.
                (None, _) => {
                    out.push('$');
                    after
                }
            };
        }
        out.push_str(rest);
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
        let signals = |line: &&str| {
            let program = line.split_whitespace().next().unwrap_or_default().trim_start_matches(PREFIXES);
            ["kill", "pkill", "killall"].contains(&program.rsplit('/').next().unwrap_or_default())
        };
        // `COMMAND ; COMMAND` on one line are two.
        let lines: Vec<&str> = self.settings.get("ExecReload")?.iter().flat_map(|line| line.split(" ; ")).collect();
        let Some(line) = lines.iter().copied().rfind(signals) else {
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

/// Where units are, the first wins.
const PLACES: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// What may stand before a program.
const PREFIXES: [char; 6] = ['-', '@', ':', '+', '!', '|'];

fn pair(line: &str) -> Option<(&str, &str)> {
    line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_')
}

/// The lines of a unit, those that go on after a `\\` as one; comments between them are left out.
fn lines(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        if line.trim_start().starts_with(['#', ';']) {
            continue;
        }
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match out.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(part),
            None => out.push(part.to_string()),
        }
        if let Some(last) = out.last_mut().filter(|_| more) {
            last.push(' ');
        }
        goes_on = more;
    }
    out
}

/// The unit that stands for a script: of the same name, or one that names it.
pub fn beside(tree: &Tree, script: &str) -> Option<Unit> {
    let name = script.rsplit('/').next().unwrap_or(script).trim_end_matches(".sh").to_string();
    for directory in PLACES {
        let path = format!("{directory}/{name}.service");
        if let Some(unit) = Unit::read(tree, &path).filter(|unit| !unit.command.is_empty()) {
            return Some(unit);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> Unit {
        let mut unit = Unit { path: "/lib/systemd/system/web-one.service".to_string(), ..Unit::default() };
        unit.sections(text);
        for line in unit.settings.get("Environment").cloned().unwrap_or_default() {
            let (name, value) = line.split_once('=').expect("NAME=VALUE");
            unit.environment.insert(name.to_string(), value.to_string());
        }
        unit
    }

    fn words(line: &str) -> Vec<String> {
        unit("[Service]\nEnvironment=A=one two\n").words(line)
    }

    #[test]
    fn variables_are_filled_in_where_systemd_does_and_left_to_a_shell_elsewhere() {
        assert_eq!(words("-/bin/x $A ${A} $B x${B}"), ["/bin/x", "one", "two", "one two", "x"]);
        assert_eq!(words("sh -c '${B:+-i $B} $$A ${A}'"), ["sh", "-c", "${B:+-i $B} $A one two"]);
        assert_eq!(words("+:/bin/x $A ${A}"), ["/bin/x", "$A", "${A}"]);
        assert_eq!(words("@/bin/x web -v"), ["/bin/x", "-v"]);
    }

    #[test]
    fn devices_are_told_from_what_else_it_cannot_be_without() {
        let unit = unit(
            "[Unit]\nBindsTo=gone.device\nBindsTo=\nBindsTo = dev-%p.device db.service\n\
             BindsTo=sys-subsystem-net-devices-eth1.device sys-module-fuse.device\n\
             [Service]\nExecStart=/bin/x\nBindsTo=dev-null.device\n",
        );
        let (devices, others) = unit.devices();
        assert_eq!(devices, ["/dev/web/one", "net:eth1"]);
        assert_eq!(others, ["sys-module-fuse.device"]);
    }

    #[test]
    fn specifiers_stand_for_what_the_manual_says() {
        assert_eq!(
            words("/bin/x %n %N %j %t/%p 5%% %i"),
            ["/bin/x", "web-one.service", "web-one", "one", "/run/web-one", "5%", ""]
        );
        assert_eq!(play::shown(&words("/bin/x %H %b")[1..].join(" ")), "$(hostname) ?");
    }

    #[test]
    fn a_line_goes_on_over_a_comment_and_one_line_may_have_two_commands() {
        let unit =
            unit("[Service]\nExecStart = /bin/x \\\n# why\n  -a\nExecReload=/bin/check ; /bin/kill -HUP $MAINPID\n");
        assert_eq!(unit.words(unit.value("ExecStart").expect("a command")), ["/bin/x", "-a"]);
        assert_eq!(unit.reload().as_deref(), Some("signal HUP"));
    }
}
