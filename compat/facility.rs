//! The facilities of LSB headers (`$network`) and the files that say which scripts they stand for.

use std::collections::BTreeMap;
use std::fmt;

use super::note::Note;
use super::text::{decode, lines};

/// One script of a facility.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// A script's provided name, or another facility with its `$`.
    pub name: String,
    /// Written with `+`: the facility is there without it.
    pub optional: bool,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.optional { "+" } else { "" }, self.name)
    }
}

/// Which scripts each facility stands for, as insserv.conf and the files beside it say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facilities {
    members: BTreeMap<String, Vec<Member>>,
    /// Names of scripts that talk to the console.
    pub interactive: Vec<String>,
}

/// Debian's map, in the form of insserv.conf.
pub const DEBIAN: &str = "\
$local_fs +mountall +mountall-bootclean +mountoverflowtmp +umountfs
$network +networking +ifupdown
$named +named +dnsmasq +lwresd +bind9 +unbound +pdns-recursor $network
$remote_fs $local_fs +mountnfs +mountnfs-bootclean +umountnfs +sendsigs
$syslog +rsyslog +sysklogd +syslog-ng +dsyslog +inetutils-syslogd
$portmap rpcbind
$time +hwclock
<interactive> glibc udev console-screen keymap keyboard-setup console-setup cryptdisks cryptdisks-early checkfs-loop
";

impl Facilities {
    /// Debian's map, for machines without an insserv.conf.
    pub fn debian() -> Self {
        let mut out = Self::default();
        out.read(DEBIAN.as_bytes(), &mut Vec::new());
        out
    }

    /// Adds what a file says: insserv.conf, or one of insserv.conf.d. What is said of one facility twice adds up.
    pub fn read(&mut self, text: &[u8], notes: &mut Vec<Note>) {
        for (number, line) in lines(text) {
            let line = decode(line);
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let Some(name) = words.next() else { continue };
            if name == "<interactive>" {
                self.interactive.extend(words.map(String::from));
            } else if name.len() > 1 && name.starts_with('$') {
                let list = self.members.entry(name.to_string()).or_default();
                for word in words {
                    let (name, optional) = word.strip_prefix('+').map_or((word, false), |name| (name, true));
                    let member = Member { name: name.to_string(), optional };
                    if !name.is_empty() && !list.contains(&member) {
                        list.push(member);
                    }
                }
            } else {
                notes.push(Note::new(number, format!("`{name}` is no facility: it should start with `$`; ignored")));
            }
        }
    }

    /// What is said of one facility; `None` if nothing.
    pub fn direct(&self, facility: &str) -> Option<&[Member]> {
        self.members.get(facility).map(Vec::as_slice)
    }

    /// Whether a facility of this name is known.
    pub fn knows(&self, facility: &str) -> bool {
        self.members.contains_key(facility)
    }

    /// Every facility that is known, by name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// The members of a facility with their `+`, as insserv puts them in a row: those of facilities inside it last.
    pub fn written(&self, facility: &str) -> Vec<String> {
        let mut out = Vec::new();
        let mut inner = Vec::new();
        for member in self.direct(facility).unwrap_or_default() {
            if member.name.starts_with('$') && !member.optional {
                inner.push(member.name.clone());
            } else {
                out.push(member.to_string());
            }
        }
        for name in inner {
            out.extend(self.members(&name).iter().map(Member::to_string));
        }
        out
    }

    /// The scripts that a facility stands for, those of the facilities inside it too; each once, in order.
    pub fn members(&self, facility: &str) -> Vec<Member> {
        let mut out: Vec<Member> = Vec::new();
        let mut seen = vec![facility.to_string()];
        let mut next = 0;
        while next < seen.len() {
            for member in self.members.get(&seen[next]).into_iter().flatten() {
                if member.name.starts_with('$') {
                    if !seen.contains(&member.name) {
                        seen.push(member.name.clone());
                    }
                } else if !out.contains(member) {
                    out.push(member.clone());
                }
            }
            next += 1;
        }
        out
    }
}
