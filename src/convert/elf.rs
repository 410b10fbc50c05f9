//! What a compiled program asks of its libraries: functions it does not ask for it cannot do.

mod handlers;

use std::collections::BTreeSet;
use std::path::Path;

use svc_compat::play::Machine;

use super::Tree;

/// More of a program than this is not looked through.
const PROGRAM_BYTES_MAX: u64 = 48 << 20;
/// Sections of a file, and names in a table of them.
const SECTIONS_MAX: usize = 512;
const SYMBOLS_MAX: usize = 200_000;

/// More plugins than this are not looked through.
const PLUGINS_MAX: usize = 64;

/// A compiled program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// Functions of libraries that it calls.
    imports: BTreeSet<String>,
    /// It is linked to libraries; else it brings all it needs.
    dynamic: bool,
    /// It has libraries of its own beside it, where some of it may be.
    private: bool,
    /// What it loads by itself lies in a directory that it names, and nothing there could put it into the background.
    plain_plugins: bool,
    /// It is of Go, whose processes cannot fork.
    go: bool,
    bytes: Vec<u8>,
}

impl Program {
    /// Reads a program of the machine; `None` if it is not there or not compiled.
    pub fn read(tree: &Tree, path: &str) -> Option<Self> {
        let found = tree.find(path)?;
        let mut out = Self::of(small(&found)?)?;
        out.plain_plugins = out.imports.contains("dlopen") && out.has_plain_plugins(tree);
        Some(out)
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
            // `pthread_attr_setdetachstate` is about threads.
            let says = !name.starts_with("pthread_") && parts.iter().any(|part| name.contains(part));
            says || ["clone", "syscall"].contains(&name.as_str()) || (name == "dlopen" && !self.plain_plugins)
        };
        !self.dynamic || self.private || self.imports.iter().any(tells)
    }

    /// Whether the directories of plugins that it names are there, and none of these plugins could go anywhere.
    fn has_plain_plugins(&self, tree: &Tree) -> bool {
        let names =
            self.bytes.split(|byte| *byte == 0).filter(|text| text.starts_with(b"/usr/lib/") && text.len() < 200);
        let names = names.filter_map(|text| str::from_utf8(text).ok()).map(|text| text.trim_end_matches('/'));
        let plugins = names.flat_map(|name| {
            let files = tree.list(name).into_iter().filter(|file| file.ends_with(".so"));
            files.map(|file| format!("{name}/{file}")).collect::<Vec<_>>()
        });
        let plugins: BTreeSet<String> = plugins.take(PLUGINS_MAX + 1).collect();
        let is_plain = |plugin: &String| {
            tree.find(plugin).and_then(|found| Self::of(small(&found)?)).is_some_and(|plugin| !plugin.may_go())
        };
        !plugins.is_empty() && plugins.len() <= PLUGINS_MAX && plugins.iter().all(is_plain)
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

/// The bytes of a file that is not too long.
fn small(found: &Path) -> Option<Vec<u8>> {
    let is_small = std::fs::metadata(found).is_ok_and(|found| found.len() <= PROGRAM_BYTES_MAX);
    is_small.then(|| std::fs::read(found).ok())?
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

    /// A program that asks its libraries for these functions, with this text in it.
    fn asking(functions: &[&str], text: &str) -> Vec<u8> {
        let names: Vec<u8> = [b"\0".to_vec(), functions.join("\0").into_bytes(), b"\0".to_vec()].concat();
        let symbols = 64;
        let strings = symbols + functions.len() * SYMBOL_BYTES;
        let headers = strings + names.len() + text.len() + 2;
        let mut bytes = vec![0; symbols];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        let mut name = 1_u32;
        for function in functions {
            let mut symbol = [0; SYMBOL_BYTES];
            symbol[..4].copy_from_slice(&name.to_le_bytes());
            bytes.extend(symbol);
            name += u32::try_from(function.len()).unwrap() + 1;
        }
        bytes.extend([names.as_slice(), b"\0", text.as_bytes(), b"\0"].concat());
        bytes[40..48].copy_from_slice(&(headers as u64).to_le_bytes());
        (bytes[58], bytes[60], bytes[62]) = (64, 2, 1);
        for (kind, at, length, link) in
            [(DYNAMIC_SYMBOLS, symbols, functions.len() * SYMBOL_BYTES, 1), (3, strings, names.len(), 0)]
        {
            let mut header = [0; 64];
            for (place, value) in [(4, kind), (24, at), (32, length), (40, link)] {
                header[place..place + 4].copy_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
            }
            bytes.extend(header);
        }
        bytes
    }

    #[test]
    fn what_plugins_could_do_is_looked_for_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let may_go = |functions: &[&str], text: &str, plugin: &[&str]| {
            let put = |path: &str, bytes: &[u8]| {
                let path = folder.path().join(path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, bytes).unwrap();
            };
            put("usr/lib/webd/one.so", &asking(plugin, ""));
            put("usr/sbin/webd", &asking(functions, text));
            Program::read(&Tree::partial(folder.path()), "/usr/sbin/webd").unwrap().may_go()
        };
        assert!(!may_go(&["write"], "", &[]) && may_go(&["write", "fork"], "", &[]));
        assert!(!may_go(&["pthread_attr_setdetachstate", "dlopen"], "/usr/lib/webd", &["read"]));
        assert!(may_go(&["dlopen"], "/usr/lib/webd", &["read", "daemon"]), "a plugin could");
        assert!(may_go(&["dlopen"], "/usr/lib/other", &["read"]), "nobody knows which plugins");
        assert!(may_go(&["dlopen", "fork"], "/usr/lib/webd", &["read"]));
    }

    #[test]
    fn our_own_program_asks_its_libraries_for_what_it_does() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        if !bytes.starts_with(b"\x7fELF\x02\x01") {
            return;
        }
        let own = Program::of(bytes.clone()).unwrap();
        assert_eq!(own.dynamic, own.imports.contains("write"), "{:?}", own.imports);
        assert!(own.may_go(), "a program of Rust can start others");
        // Written backwards, it is none of the texts of this program.
        let nobody: String = "os-dellac-si-ydobon".chars().rev().collect();
        assert!(!own.becomes(&nobody));
        // Cut anywhere, it is read as far as it goes.
        for cut in [0, 5, 63, 64, 100, bytes.len() / 2, bytes.len() - 1] {
            let _ = Program::of(bytes[..cut].to_vec());
        }
        assert_eq!(Program::of(b"#!/bin/sh\n".to_vec()), None);
    }
}
