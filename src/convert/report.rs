//! What is said about a conversion: to a person, and as data.

use serde::Serialize;
use svc_core::service::Kind;

use super::draft::Draft;
use super::evidence::Evidence;
use super::rest::rest;

/// What became of one script.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// The script.
    pub script: String,
    /// The service's name, if there is a definition.
    pub name: Option<String>,
    /// Why it stays a script, if it does.
    pub kept: Option<String>,
    /// The definition.
    pub definition: Option<String>,
    /// Each key and what says so.
    pub origins: Vec<Origin>,
    /// What somebody should look at; empty: nothing.
    pub open: Vec<String>,
    /// Lines without a counterpart.
    pub rest: Vec<Line>,
    /// What is to be known about how it was found out.
    pub notes: Vec<String>,
}

/// What says a key.
#[derive(Clone, Debug, Serialize)]
pub struct Origin {
    /// `TABLE.KEY` or `KEY`.
    pub key: String,
    /// The line, the file, the manual.
    pub origin: String,
}

/// Lines of the script without a counterpart.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// One, or a range.
    pub lines: String,
    /// Why.
    pub reason: String,
}

impl Report {
    /// About a script that stays one.
    pub fn kept(evidence: &Evidence, why: &str) -> Self {
        let script = evidence.path.clone();
        let kept = Some(why.to_string());
        let (name, definition) = (None, None);
        Self { script, name, kept, definition, origins: vec![], open: vec![], rest: vec![], notes: vec![] }
    }

    /// About a script that was converted.
    pub fn converted(evidence: &Evidence, draft: &Draft, text: &[u8]) -> Self {
        let origins = draft.keys.iter().map(|key| {
            let path = if key.table.is_empty() { key.name.clone() } else { format!("{}.{}", key.table, key.name) };
            Origin { key: path, origin: key.origin.clone() }
        });
        let lines = rest(text, evidence, draft).into_iter().map(|rest| {
            let lines =
                if rest.first == rest.last { rest.first.to_string() } else { format!("{}-{}", rest.first, rest.last) };
            Line { lines, reason: rest.reason }
        });
        let mut notes = Vec::new();
        if let Kind::Forking { .. } = draft.kind {
            notes.push("it goes into the background by itself: nothing is known that keeps it from that".to_string());
        }
        Self {
            script: evidence.path.clone(),
            name: Some(draft.name.to_string()),
            kept: None,
            definition: Some(draft.text()),
            origins: origins.collect(),
            open: draft.open.clone(),
            rest: lines.collect(),
            notes,
        }
    }

    /// All of it but the definition, as lines that may stand in one as comments.
    pub fn remarks(&self) -> String {
        let mut out = String::new();
        let mut block = |heading: &str, lines: &mut dyn Iterator<Item = String>| {
            let lines: Vec<String> = lines.collect();
            if !lines.is_empty() {
                out.push_str(&format!("# {heading}\n"));
                lines.iter().for_each(|line| out.push_str(&format!("#   {}\n", line.replace('\n', " "))));
            }
        };
        block("Where it comes from:", &mut self.origins.iter().map(|one| format!("{}: {}", one.key, one.origin)));
        block("To be looked at:", &mut self.open.iter().cloned());
        block(
            "Lines without a counterpart:",
            &mut self.rest.iter().map(|one| format!("{}: {}", one.lines, one.reason)),
        );
        block("Also:", &mut self.notes.iter().cloned());
        out
    }
}
