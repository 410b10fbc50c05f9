//! Headers letter for letter as systemd-sysv-generator read them, up to release 259: what a machine that moves from it
//! to `svc` had, and what it loses with release 260, which runs no init scripts.

use std::collections::BTreeSet;

use crate::text::decode;

/// Where units are, the first that has one wins; source: systemd.unit(5).
pub const DIRECTORIES: [&str; 7] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
];
/// What generators make of something else, up to release 259 of scripts, too.
pub const GENERATED: [&str; 3] =
    ["/run/systemd/generator.early", "/run/systemd/generator", "/run/systemd/generator.late"];
/// There while systemd is process 1; source: sd_booted(3).
pub const AT_WORK: &str = "/run/systemd/system";
/// The command that speaks with it.
pub const SYSTEMCTL: [&str; 2] = ["/usr/bin/systemctl", "/bin/systemctl"];

/// The unit that the generator made of a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// The unit's name.
    pub name: String,
    /// `Description=`; `None` if the script has none.
    pub description: Option<String>,
    /// `After=`
    pub after: Vec<String>,
    /// `Before=`, without the targets of runlevels.
    pub before: Vec<String>,
    /// `Wants=`
    pub wants: Vec<String>,
    /// Other names of the unit.
    pub aliases: Vec<String>,
    /// `PIDFile=`
    pub pid_file: Option<String>,
    /// It has `ExecReload=`: its usage text names the verb.
    pub reload: bool,
    /// It has an LSB header.
    pub lsb: bool,
}

/// The target of a runlevel whose directory starts a script.
pub fn target(level: char) -> Option<&'static str> {
    match level {
        '1' => Some("rescue.target"),
        '2' | '3' | '4' => Some("multi-user.target"),
        '5' => Some("graphical.target"),
        _ => None,
    }
}

/// Facilities of the standard; those without a target are always there.
const FACILITIES: [(&str, Option<&str>); 7] = [
    ("local_fs", None),
    ("network", Some(NETWORK_ONLINE)),
    ("named", Some("nss-lookup.target")),
    ("portmap", Some("rpcbind.target")),
    ("remote_fs", Some("remote-fs.target")),
    ("syslog", None),
    ("time", Some("time-sync.target")),
];

const NETWORK_ONLINE: &str = "network-online.target";
const NETWORK: &str = "network.target";

/// Reads a script.
pub fn read(file_name: &str, text: &[u8]) -> Unit {
    let mut reader = Reader {
        unit: Unit { name: unit_name(file_name), ..Unit::default() },
        file: file_name,
        state: State::Normal,
        short: None,
        long: None,
        redhat: None,
    };
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    for line in text.split(|byte| *byte == b'\n') {
        reader.line(&decode(line));
    }
    let kind = if reader.unit.lsb { "LSB" } else { "SYSV" };
    let description = reader.short.or(reader.redhat).or(reader.long);
    for list in [&mut reader.unit.after, &mut reader.unit.before, &mut reader.unit.wants, &mut reader.unit.aliases] {
        let mut seen = BTreeSet::new();
        list.retain(|name| seen.insert(name.clone()));
    }
    reader.unit.description = description.map(|text| format!("{kind}: {text}"));
    reader.unit
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Normal,
    Description,
    Lsb,
    LsbDescription,
    Usage,
}

struct Reader<'a> {
    unit: Unit,
    file: &'a str,
    state: State,
    short: Option<String>,
    long: Option<String>,
    redhat: Option<String>,
}

impl Reader<'_> {
    fn line(&mut self, line: &str) {
        let text = line.trim_matches([' ', '\t', '\r']);
        let Some(body) = text.strip_prefix('#') else { return self.code(text) };
        if self.state == State::Normal && text == "### BEGIN INIT INFO" {
            self.state = State::Lsb;
            self.unit.lsb = true;
            return;
        }
        let inside = matches!(self.state, State::Lsb | State::LsbDescription);
        if inside && text == "### END INIT INFO" {
            self.state = State::Normal;
            return;
        }
        let body = body.trim_start_matches([' ', '\t', '\r']);
        match self.state {
            State::Normal => self.comment(body),
            State::Description => self.more_description(body),
            State::Lsb | State::LsbDescription => self.header(line, body),
            State::Usage => {}
        }
    }

    /// A line of code: the usage text tells whether it can reload.
    fn code(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        if self.state != State::Usage && !lower.contains("usage") {
            return;
        }
        if ["{reload|", "{reload}", "{reload\"", "|reload|", "|reload}", "|reload\""]
            .iter()
            .any(|part| lower.contains(part))
        {
            self.unit.reload = true;
            self.state = State::Normal;
        } else {
            self.state = if text.ends_with('\\') { State::Usage } else { State::Normal };
        }
    }

    fn comment(&mut self, body: &str) {
        if let Some(value) = after(body, "description:") {
            let value = match value.strip_suffix('\\') {
                Some(value) => {
                    self.state = State::Description;
                    value
                }
                None => value,
            };
            self.redhat = Some(value.trim().to_string()).filter(|text| !text.is_empty());
        } else if let Some(path) = after(body, "pidfile:").map(str::trim).filter(|path| path.starts_with('/')) {
            self.unit.pid_file = Some(path.to_string());
        }
    }

    fn more_description(&mut self, body: &str) {
        let body = match body.strip_suffix('\\') {
            Some(body) => body,
            None => {
                self.state = State::Normal;
                body
            }
        };
        join(&mut self.redhat, body);
    }

    fn header(&mut self, line: &str, body: &str) {
        let state = std::mem::replace(&mut self.state, State::Lsb);
        if let Some(value) = after(body, "Provides:") {
            self.provides(value);
        } else if let Some(value) = after(body, "X-Start-Before:") {
            let names = self.names(value);
            self.unit.before.extend(names);
        } else if let Some(value) =
            ["Required-Start:", "Should-Start:", "X-Start-After:"].iter().find_map(|key| after(body, key))
        {
            for name in self.names(value) {
                if name == NETWORK_ONLINE {
                    self.unit.wants.push(name.clone());
                }
                self.unit.after.push(name);
            }
        } else if let Some(value) = after(body, "Description:") {
            self.state = State::LsbDescription;
            self.long = Some(value.trim().to_string()).filter(|text| !text.is_empty());
        } else if let Some(value) = after(body, "Short-Description:") {
            self.short = Some(value.trim().to_string()).filter(|text| !text.is_empty());
        } else if state == State::LsbDescription && (line.starts_with("#\t") || line.starts_with("#  ")) {
            self.state = state;
            join(&mut self.long, body);
        }
    }

    fn provides(&mut self, value: &str) {
        for name in self.names(value) {
            if !name.ends_with(".target") {
                self.unit.aliases.push(name);
                continue;
            }
            // The script pulls the target in; the target never pulls in the script.
            let online = name == NETWORK_ONLINE;
            self.unit.before.push(name.clone());
            self.unit.wants.push(name);
            if online {
                self.unit.before.push(NETWORK.to_string());
                self.unit.wants.push(NETWORK.to_string());
            }
        }
    }

    /// The units that these words stand for; the script itself and what is always there are left out.
    fn names(&self, value: &str) -> Vec<String> {
        value.split_whitespace().filter_map(|word| self.unit_of(word)).collect()
    }

    fn unit_of(&self, word: &str) -> Option<String> {
        let name = word.strip_prefix('$').unwrap_or(word);
        if let Some((_, target)) = FACILITIES.iter().find(|(known, _)| *known == name) {
            return target.map(String::from);
        }
        if word.starts_with('$') {
            return Some(format!("{name}.target"));
        }
        let own = self.file.strip_suffix(".sh").unwrap_or(self.file);
        (name != own).then(|| unit_name(name))
    }
}

/// What follows a keyword in any case.
fn after<'a>(body: &'a str, key: &str) -> Option<&'a str> {
    let (head, rest) = body.split_at_checked(key.len())?;
    head.eq_ignore_ascii_case(key).then_some(rest)
}

fn join(text: &mut Option<String>, more: &str) {
    let more = more.trim();
    match text {
        _ if more.is_empty() => {}
        Some(text) => {
            text.push(' ');
            text.push_str(more);
        }
        None => *text = Some(more.to_string()),
    }
}

/// The unit of a script: without `.sh`, odd characters as `\xNN`.
/// The unit that stands for a script of this file name.
pub fn unit_name(name: &str) -> String {
    let mut out = String::new();
    for byte in name.strip_suffix(".sh").unwrap_or(name).bytes() {
        match byte {
            b'/' => out.push('-'),
            b if b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b) => out.push(char::from(b)),
            b => out.push_str(&format!("\\x{b:02x}")),
        }
    }
    if !out.ends_with(".service") {
        out.push_str(".service");
    }
    out
}
