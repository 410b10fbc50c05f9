//! What a compiled program asks of its libraries: functions it does not ask for it cannot do.

mod handlers;

use std::collections::BTreeSet;

use super::Tree;

/// More of a program than this is not looked through.
const PROGRAM_BYTES_MAX: u64 = 48 << 20;
/// Sections of a file, and names in a table of them.
const SECTIONS_MAX: usize = 512;
const SYMBOLS_MAX: usize = 200_000;

/// A compiled program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Functions of libraries that it calls.
    imports: BTreeSet<String>,
    /// It is linked to libraries; else it brings all it needs.
    dynamic: bool,
    /// It has libraries of its own beside it, where some of it may be.
    private: bool,
    /// It is of Go, whose processes cannot fork.
    go: bool,
    bytes: Vec<u8>,
}

impl Program {
    /// Reads a program of the machine; `None` if it is not there or not compiled.
    pub fn read(tree: &Tree, path: &str) -> Option<Self> {
        let found = tree.find(path)?;
        let is_small = std::fs::metadata(&found).is_ok_and(|found| found.len() <= PROGRAM_BYTES_MAX);
        Self::of(is_small.then(|| std::fs::read(&found).ok())??)
    }

    fn of(bytes: Vec<u8>) -> Option<Self> {
        // 64 bits, the least byte first: what else there is tells nothing.
        if !bytes.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let mut out = Self { bytes, ..Self::default() };
        let sections = out.sections()?;
        for section in &sections {
            match section.kind {
                DYNAMIC_SYMBOLS => out.symbols(section, sections.get(section.link)?),
                DYNAMIC => out.libraries(section),
                _ => out.go |= section.name.starts_with(".go.") || section.name == ".note.go.buildid",
            }
        }
        Some(out)
    }

    /// Whether anything in it could put it into the background.
    ///
    /// `false` is certain, so far as no library does that by a function whose name does not say so.
    pub fn may_go(&self) -> bool {
        if self.go {
            return false;
        }
        let tells = |name: &String| {
            let name = name.to_ascii_lowercase();
            let parts = ["fork", "daemon", "background", "detach"];
            parts.iter().any(|part| name.contains(part)) || ["clone", "syscall", "dlopen"].contains(&name.as_str())
        };
        !self.dynamic || self.private || self.imports.iter().any(tells)
    }

    /// Whether it may have handlers for signals, in itself or in libraries of its own.
    pub fn may_catch(&self) -> bool {
        if self.go {
            let wanted = b"os/signal.Notify";
            return self.bytes.windows(wanted.len()).any(|part| part == wanted);
        }
        let sets =
            |name: &String| handlers::is_setter(name) || ["sigwait", "sigwaitinfo", "signalfd"].contains(&&**name);
        !self.dynamic || self.private || self.imports.iter().any(sets)
    }

    /// Whether it becomes this user by itself: it has the name built in, looks it up, and can change.
    pub fn becomes(&self, user: &str) -> bool {
        let asks = |names: &[&str]| names.iter().any(|name| self.imports.contains(*name));
        let changes = asks(&["setuid", "setresuid", "setreuid", "seteuid", "initgroups", "setgroups"]);
        asks(&["getpwnam", "getpwnam_r"]) && changes && self.has(user)
    }

    /// Whether it may become another user; `false` is certain, so far as no library does that by a function whose name
    /// does not say so.
    pub fn may_become_another(&self) -> bool {
        if self.go {
            const CALLS: [&str; 3] = ["syscall.Setuid", "syscall.Setresuid", "syscall.Setreuid"];
            let has = |call: &str| self.bytes.windows(call.len()).any(|part| part == call.as_bytes());
            return CALLS.iter().any(|call| has(call));
        }
        !self.dynamic || self.private || self.imports.iter().any(|name| changes_user(name))
    }

    /// Whether it asks who it is.
    pub fn asks_who_it_is(&self) -> bool {
        self.imports.contains("getuid") || self.imports.contains("geteuid")
    }

    /// Whether this text is one of its own.
    ///
    /// Linkers put a text that another one ends with into that one: then the code leads to where it begins.
    fn has(&self, text: &str) -> bool {
        let wanted = [text.as_bytes(), &[0]].concat();
        let inside = |found: &u8| found.is_ascii_alphanumeric() || b"_-./".contains(found);
        let places = self.bytes.windows(wanted.len()).enumerate().filter(|(_, part)| *part == wanted);
        let places: Vec<usize> = places.map(|(at, _)| at).filter(|at| *at > 0 && !text.is_empty()).collect();
        let is_whole = |at: &usize| !self.bytes.get(at - 1).is_some_and(inside);
        places.iter().any(is_whole) || self.leads_to_one(&places)
    }

    fn sections(&self) -> Option<Vec<Section>> {
        let (at, size) = (self.number(40, 8)?, self.number(58, 2)?);
        let (count, names) = (self.number(60, 2)?.min(SECTIONS_MAX), self.number(62, 2)?);
        let header = |index: usize| at.checked_add(size.checked_mul(index)?);
        let names = self.number(header(names)? + 24, 8)?;
        (0..count)
            .map(|index| {
                let at = header(index)?;
                let name = self.text(names.checked_add(self.number(at, 4)?)?);
                let (kind, link) = (self.number(at + 4, 4)?, self.number(at + 40, 4)?);
                let (address, start) = (self.number(at + 16, 8)?, self.number(at + 24, 8)?);
                Some(Section { name, kind, address, start, length: self.number(at + 32, 8)?, link })
            })
            .collect()
    }

    fn symbols(&mut self, section: &Section, names: &Section) {
        self.dynamic = true;
        for index in 0..(section.length / SYMBOL_BYTES).min(SYMBOLS_MAX) {
            let Some(at) = section.start.checked_add(index * SYMBOL_BYTES) else { break };
            let (Some(name), Some(place)) = (self.number(at, 4), self.number(at + 6, 2)) else { break };
            if place == 0
                && name != 0
                && let Some(start) = names.start.checked_add(name)
            {
                self.imports.insert(self.text(start));
            }
        }
    }

    fn libraries(&mut self, section: &Section) {
        for index in 0..(section.length / 16).min(SYMBOLS_MAX) {
            let Some(at) = section.start.checked_add(index * 16) else { break };
            let Some(tag) = self.number(at, 8) else { break };
            self.private |= tag == RPATH || tag == RUNPATH;
        }
    }

    fn number(&self, at: usize, length: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(length)?)?;
        bytes.iter().rev().try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))
    }

    fn text(&self, at: usize) -> String {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let text = rest.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(&text[..text.len().min(256)]).into_owned()
    }
}

/// Whether a function of a library is called as one that changes the user.
fn changes_user(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let parts = ["setuid", "setresuid", "setreuid", "seteuid", "initgroups", "setgroups", "change_id", "privil"];
    parts.iter().any(|part| name.contains(part))
}

const SYMBOL_BYTES: usize = 24;
const DYNAMIC: usize = 6;
const DYNAMIC_SYMBOLS: usize = 11;
const RPATH: usize = 15;
const RUNPATH: usize = 29;

struct Section {
    name: String,
    kind: usize,
    /// Where it is once it is loaded.
    address: usize,
    start: usize,
    length: usize,
    link: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_program_asks_its_libraries_for_what_it_does() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if !bytes.starts_with(b"\x7fELF\x02\x01") {
            return;
        }
        let own = Program::of(bytes.clone()).unwrap();
        assert_eq!(own.dynamic, own.imports.contains("write"), "{:?}", own.imports);
        assert!(own.may_go(), "a program of Rust can start others");
        assert!(!own.becomes("nobody-is-called-so"));
        // Cut anywhere, it is read as far as it goes.
        for cut in [0, 5, 63, 64, 100, bytes.len() / 2, bytes.len() - 1] {
            let _ = Program::of(bytes[..cut].to_vec());
        }
        assert_eq!(Program::of(b"#!/bin/sh\n".to_vec()), None);
    }
}
