//! Conversion: what a script does, found out by playing it on paper, and the definition that does the same.
//!
//! Nothing in a definition is a guess: each key names the line it came from, and what could not be made out is either
//! an open point or a reason to keep the script.

pub mod about;
pub mod accounts;
pub mod addressed;
mod asked;
pub mod directive;
mod documents;
pub mod draft;
pub mod elf;
pub mod evidence;
pub mod handled;
pub mod hangup;
mod heard;
pub mod manual;
mod others;
mod passed_on;
pub mod place;
pub mod proof;
mod prose;
pub mod report;
mod reread;
pub mod rest;
mod rotated;
mod settings;
pub mod stay;
mod tree;
mod trial;
pub mod unit;
mod watched;
pub mod words;
#[cfg(test)]
mod written;

use svc_compat::daemons::Table;
use svc_core::Name;
use svc_core::definition::{self, SourceText};
use svc_core::service::Service;

pub use draft::Draft;
pub use evidence::Evidence;
pub use tree::Tree;

/// What becomes of a script.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// A definition does the same.
    Converted(Box<Draft>),
    /// It stays a script; why.
    Kept(String),
}

/// Converts a script of the machine that the tree is of.
pub fn convert(tree: &Tree, table: &Table, path: &str, text: &[u8]) -> (Evidence, Verdict) {
    let evidence = evidence::gather(tree, path, text);
    let verdict = judge(tree, table, &evidence);
    (evidence, verdict)
}

fn judge(tree: &Tree, table: &Table, evidence: &Evidence) -> Verdict {
    let base = evidence.facts.name.trim_end_matches(".sh");
    let name = match Name::new(base) {
        Ok(name) => name,
        Err(error) => return Verdict::Kept(format!("{base}: {error}")),
    };
    if let Some(why) = svc_compat::script::why_not(&evidence.facts.name) {
        return Verdict::Kept(why.to_string());
    }
    let launch = match &evidence.main {
        Ok(launch) => launch,
        Err(why) => return Verdict::Kept(why.clone()),
    };
    let draft = draft::draft(tree, table, name, evidence, launch);
    match service(&draft.name, &draft.text()) {
        Ok(_) => Verdict::Converted(Box::new(draft)),
        Err(faults) => Verdict::Kept(format!("no definition can say this: {}", faults.join("; "))),
    }
}

/// The service that a definition means, or its faults.
///
/// # Errors
///
/// Every fault, rendered.
pub fn service(name: &Name, text: &str) -> Result<Box<Service>, Vec<String>> {
    let file = format!("{name}.toml");
    let source = SourceText { path: &file, text };
    let outcome = definition::parse(name, source, &[]);
    match outcome.service {
        Some(ref service) if outcome.faults.is_empty() => Ok(Box::new(service.clone())),
        _ => Err(outcome.rendered(&[source])),
    }
}

/// Whether definitions can have verbs of their own.
fn has_verbs() -> bool {
    svc_core::definition::KEYS.iter().any(|key| key.table == "verbs")
}
