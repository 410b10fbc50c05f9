//! The names of services for completion: of the svcd that answers, or else of the files there are. A person waits with
//! a finger on the key, so nothing here takes long.

use std::collections::BTreeSet;
use std::fs::{self, FileType};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use svc_core::Name;

use super::Candidate;
use crate::cli::client::Client;
use crate::cli::common::{Common, options, socket};
use crate::wire::{Reply, Request, Summary};

/// After this time svcd need not answer any more.
const PATIENCE: Duration = Duration::from_millis(500);

/// All names, with what may help to choose; of templates, which svcd does not list, the files.
pub(super) fn live(common: &Common) -> Vec<Candidate> {
    let Some(Reply::List(rows)) = asked(common, Request::List { names: Vec::new() }) else { return of_files(common) };
    let mut templates = of_files(common);
    templates.retain(|name| name.text.ends_with('@'));
    templates.retain(|name| rows.iter().all(|row| row.name.as_str() != name.text));
    rows.iter().map(candidate).chain(templates).collect()
}

/// The verbs that this service has beside ours.
pub(super) fn verbs(common: &Common, name: &str) -> Vec<Candidate> {
    let Some(Reply::Snapshot(copy)) = asked(common, Request::Snapshot) else { return Vec::new() };
    let Some(id) = copy.core.id(name) else { return Vec::new() };
    let about = format!("a verb of {name} alone");
    let own = crate::daemon::verbs(copy.core.service(id)).into_iter();
    own.map(|text| Candidate { text, about: about.clone() }).collect()
}

fn asked(common: &Common, request: Request) -> Option<Reply> {
    let client = Client { socket: socket(common), timeout: Some(PATIENCE) };
    let (tell, answer) = channel();
    // In a thread of its own, as even to connect may take long where svcd was stopped; it ends with the process.
    thread::spawn(move || {
        let reply = client.ask(&request, &mut |_| {});
        let _ = tell.send(reply.ok());
    });
    answer.recv_timeout(PATIENCE).ok()?
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
        let found = file_names(dir, |kind| !kind.is_dir());
        names.extend(found.iter().filter_map(|name| name.strip_suffix(".toml")).map(str::to_owned));
        // Drop-ins make an instance of a template.
        let drop_ins = file_names(dir, FileType::is_dir);
        let instances = drop_ins.iter().filter_map(|name| name.strip_suffix(".d")).filter(|name| name.contains('@'));
        names.extend(instances.map(str::to_owned));
    }
    for dir in &options.legacy {
        let found = file_names(dir, |kind| !kind.is_dir()).into_iter();
        names.extend(found.filter(|name| svc_compat::script::why_not(name).is_none()));
    }
    names.retain(|name| Name::new(name).is_ok());
    let about = |text: &str| if text.ends_with('@') { "a template: what follows names an instance" } else { "" };
    names.into_iter().map(|text| Candidate { about: about(&text).to_owned(), text }).collect()
}

fn file_names(dir: &std::path::Path, wanted: fn(&FileType) -> bool) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| wanted(&kind)));
    files.filter_map(|entry| entry.file_name().into_string().ok()).filter(|name| !name.starts_with('.')).collect()
}
