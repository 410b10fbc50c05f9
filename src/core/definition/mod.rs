//! Definitions: the text of a service's file as written, and the service as meant.
//!
//! Reading is two steps. As written, every key is optional and every fault of form is collected with its place. As
//! meant, defaults are filled in, and contradictions between keys are found. A drop-in overrides key by key: what it
//! writes replaces what was written before it, arrays whole; tables are merged.
//!
//! In the files of an instance (`getty@tty1`) every text has `%i` for the instance (`tty1`), `%n` for the whole name
//! and `%%` for a percent sign; in any other definition `%` means itself.

mod classes;
mod fault;
mod foreign;
mod jail;
mod keys;
mod meant;
mod near;
mod parameters;
mod placement;
mod reader;
mod scalar;
mod syntax;
mod system;
mod takes;
#[cfg(test)]
mod tests;
mod told;
mod value;
mod verbs;
mod words;
mod written;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use classes::CLASS_DEFAULTS;
pub use fault::{Complaint, FAULTS_MAX, Fault, Severity};
pub use keys::{KEYS, Key, Kinds};
pub use near::near;
pub use placement::processors;
pub use syntax::{duration, duration_text, limit, ready, reload, signal, size};
pub use system::System;
pub use takes::{Span, Takes, Unit, Version};
pub use told::values;
pub use words::{join, words};
pub use written::TEXT_BYTES_MAX;

use crate::name::Name;
use crate::service::Service;
use fault::{Faults, Source};
use written::Written;

/// A file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceText<'a> {
    /// Its path, as messages and origins name it.
    pub path: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What the files of a service say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The service, if nothing is so wrong that it could not be run as meant.
    pub service: Option<Service>,
    /// Everything that is wrong or doubtful, in the order of the files.
    pub faults: Vec<Fault>,
}

impl Outcome {
    /// Every fault for a person, with the line of the file it is about.
    pub fn rendered(&self, sources: &[SourceText<'_>]) -> Vec<String> {
        let text =
            |fault: &Fault| sources.iter().find(|source| source.path == fault.file).map_or("", |source| source.text);
        self.faults.iter().map(|fault| fault.render(text(fault))).collect()
    }
}

/// Reads the definition of a service: its file and the drop-ins to it, in their order.
///
/// For an instance the main file is its template's, or its own. A template's own name (`getty@`) is checked with a
/// stand-in for the instance, and gives no service.
pub fn parse(name: &Name, main: SourceText<'_>, drop_ins: &[SourceText<'_>]) -> Outcome {
    read(None, name, main, drop_ins)
}

/// The same for a service that is to run on this system: keys that cannot be had on it are faults.
pub fn parse_on(system: System, name: &Name, main: SourceText<'_>, drop_ins: &[SourceText<'_>]) -> Outcome {
    read(Some(system), name, main, drop_ins)
}

fn read(system: Option<System>, name: &Name, main: SourceText<'_>, drop_ins: &[SourceText<'_>]) -> Outcome {
    let sources: Vec<SourceText<'_>> = core::iter::once(main).chain(drop_ins.iter().copied()).collect();
    let mut faults = gather(&sources);
    let written = overlaid(name, &mut faults);
    let mut service = Service::new(name.clone(), meant::kind(&written));
    meant::apply(&mut service, &written, &mut faults);
    if let Some(system) = system {
        foreign::refuse(system, &service, &written, &mut faults);
    }
    finish(service, &sources, faults)
}

/// Lays drop-ins over a service that has no definition of ours: an adopted script.
///
/// They may say all that a definition of kind `script` may, but for `kind` and `command`.
pub fn refine(system: System, service: Service, drop_ins: &[SourceText<'_>]) -> Outcome {
    let mut service = service;
    let mut faults = gather(drop_ins);
    let written = overlaid(&service.name, &mut faults);
    for key in ["kind", "command"] {
        if let Some(entry) = written.entries.get(key) {
            let complaint = Complaint::new(alloc::format!("`{key}` cannot be changed: the script itself is what runs"));
            faults.error(&entry.name_at, complaint);
        }
    }
    meant::apply(&mut service, &written, &mut faults);
    foreign::refuse(system, &service, &written, &mut faults);
    finish(service, drop_ins, faults)
}

fn gather<'a>(sources: &[SourceText<'a>]) -> Faults<'a> {
    Faults::new(sources.iter().map(|source| Source::new(source.path, source.text)).collect())
}

/// All files laid over each other.
fn overlaid(name: &Name, faults: &mut Faults<'_>) -> Written {
    let mut written = Written::default();
    for source in 0..faults.sources.len() {
        written.overlay(Written::read(name, source, faults));
    }
    written
}

fn finish(mut service: Service, sources: &[SourceText<'_>], faults: Faults<'_>) -> Outcome {
    service.files.extend(sources.iter().map(|source| source.path.to_string()));
    let usable = !faults.fatal() && !service.name.is_template();
    Outcome { service: usable.then_some(service), faults: faults.into_list() }
}
