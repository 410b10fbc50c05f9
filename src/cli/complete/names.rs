//! The names of services for completion: of the svcd that answers, or else of the files there are. A person waits with
//! a finger on the key, so nothing here takes long.

use std::collections::BTreeSet;
use std::fs;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use svc_core::Name;

use super::Candidate;
use crate::cli::args::Common;
use crate::cli::client::Client;
use crate::cli::{options, socket};
use crate::wire::{Reply, Request, Summary};

/// After this time svcd need not answer any more.
const PATIENCE: Duration = Duration::from_millis(500);

/// All names, with what may help to choose.
pub(super) fn live(common: &Common) -> Vec<Candidate> {
    asked(common).unwrap_or_else(|| of_files(common))
}

fn asked(common: &Common) -> Option<Vec<Candidate>> {
    let client = Client { socket: socket(common), timeout: Some(PATIENCE) };
    let (tell, answer) = channel();
    // In a thread of its own, as even to connect may take long where svcd was stopped; it ends with the process.
    thread::spawn(move || {
        let reply = client.ask(&Request::List { names: Vec::new() }, &mut |_| {});
        let _ = tell.send(reply.ok());
    });
    match answer.recv_timeout(PATIENCE).ok()?? {
        Reply::List(rows) => Some(rows.iter().map(candidate).collect()),
        _ => None,
    }
}

fn candidate(row: &Summary) -> Candidate {
    let about = match row.description.as_str() {
        "" => row.state.word().to_owned(),
        description => format!("{}: {description}", row.state.word()),
    };
    Candidate { text: row.name.to_string(), about }
}

/// Definitions and scripts by their file names; none is read.
fn of_files(common: &Common) -> Vec<Candidate> {
    let options = options(common);
    let mut names = BTreeSet::new();
    for dir in &options.definitions {
        let found = file_names(dir);
        names.extend(found.iter().filter_map(|name| name.strip_suffix(".toml")).map(str::to_owned));
    }
    for dir in &options.legacy {
        let found = file_names(dir).into_iter();
        names.extend(found.filter(|name| svc_compat::script::why_not(name).is_none()));
    }
    names.retain(|name| Name::new(name).is_ok());
    names.into_iter().map(|text| Candidate { text, about: String::new() }).collect()
}

fn file_names(dir: &std::path::Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    files.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| !name.starts_with('.')).collect()
}
