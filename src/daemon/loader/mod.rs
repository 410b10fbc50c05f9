//! The short-lived process that reads what administrators wrote: definitions, scripts, users. Whatever befalls it
//! befalls only it; the manager gets one image of checked services, or none.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svc_core::{Event, Name, Service, Supervisor, Time};
use svc_platform::files;

use super::image::{Faulty, Image};
use super::options::Options;

mod answer;
mod checks;
mod classes;
mod found;
pub(crate) mod links;
mod native;
mod neighbours;
pub(crate) mod rcconf;
pub(crate) mod runlevels;
pub(crate) mod scripts;
mod serial;
mod settings;
pub(crate) mod stages;
mod terminals;
pub(crate) mod units;

pub(crate) use terminals::is_terminal;

/// A definition or script larger than this is refused.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Reads everything and writes the image.
///
/// # Errors
///
/// Only of writing: what is wrong with a file is in the image.
pub(crate) fn run(options: &Options, names: &[String]) -> io::Result<()> {
    let image = read(options, names);
    let mut text = serde_json::to_vec(&image).map_err(io::Error::other)?;
    text.push(b'\n');
    io::stdout().lock().write_all(&text)
}

/// Reads everything; `names` are instances somebody asked for.
pub(crate) fn read(options: &Options, names: &[String]) -> Image {
    let mut loading = Loading::new(options, Trust::Owners);
    let store = native::Store::scan(options, &mut loading);
    native::read_all(&store, names, &mut loading);
    scripts::read_all(&store, &mut loading);
    serial::order(&mut loading);
    terminals::read_all(&mut loading);
    loading.finish()
}

/// Reads everything for somebody who only looks: whoever may have written it.
pub(crate) fn look(options: &Options) -> Image {
    let mut loading = Loading::new(options, Trust::Anyone);
    let store = native::Store::scan(options, &mut loading);
    native::read_all(&store, &[], &mut loading);
    scripts::read_all(&store, &mut loading);
    loading.finish()
}

/// The same of these files only: definitions end in `.toml`, everything else is a script.
pub(crate) fn look_at(options: &Options, files: &[PathBuf]) -> Image {
    let mut loading = Loading::new(options, Trust::Anyone);
    let (definitions, others): (Vec<_>, Vec<_>) =
        files.iter().cloned().partition(|file| file.extension().is_some_and(|end| end == "toml"));
    let store = native::Store::of(definitions);
    native::read_all(&store, &[], &mut loading);
    scripts::read_these(others, &store, &mut loading);
    loading.finish()
}

/// What somebody means to write into a drop-in of a service, or in place of another file of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draft<'a> {
    /// The service; also a template.
    pub(crate) name: &'a Name,
    /// Where it will be: a drop-in or a main file that is there, or one in the first of the directories of definitions.
    pub(crate) path: &'a Path,
    /// What it will say.
    pub(crate) text: &'a str,
}

/// What is known of a service one of whose files is a draft.
#[derive(Debug)]
pub(crate) struct Drafted {
    /// There is such a service, or a file that is to make it one.
    pub(crate) is_known: bool,
    /// The files it is made from, main one first.
    pub(crate) files: Vec<String>,
    /// Everything wrong with its files, rendered.
    pub(crate) faults: Option<String>,
    /// The files that have these faults, main one first.
    pub(crate) faulty: Vec<PathBuf>,
    /// Why it could not start as it is written, though no file has a fault.
    pub(crate) broken: Option<String>,
    /// What is doubtful about it.
    pub(crate) notes: Vec<String>,
    /// Every name there is.
    pub(crate) names: Vec<String>,
}

/// Reads everything as a load would, as if the draft were written already.
pub(crate) fn read_with(options: &Options, draft: Draft<'_>) -> Drafted {
    let mut loading = Loading::new(options, Trust::Owners);
    loading.draft = Some(draft);
    let store = native::Store::scan(options, &mut loading);
    native::read_all(&store, &[draft.name.to_string()], &mut loading);
    scripts::read_all(&store, &mut loading);
    let image = loading.finish();
    let service = image.services.iter().find(|service| service.name == *draft.name);
    let fault = image.faults.iter().find(|faulty| faulty.name == draft.name.as_str()).map(|faulty| faulty.text.clone());
    let place = draft.path.to_string_lossy();
    let files: Vec<PathBuf> = store.files(draft.name).into_iter().map(Path::to_owned).collect();
    let has_fault = |file: &PathBuf| {
        let place = format!("{}:", file.display());
        fault.iter().flat_map(|text| text.lines()).any(|line| line.starts_with(&place))
    };
    let shown = |file: &PathBuf| file.to_string_lossy().into_owned();
    Drafted {
        is_known: service.is_some() || fault.is_some() || store.has_main(draft.name),
        faulty: files.iter().filter(|file| has_fault(file)).cloned().collect(),
        files: service.map_or_else(|| files.iter().map(shown).collect(), |service| service.files.clone()),
        faults: fault,
        broken: image.broken.get(draft.name).cloned(),
        notes: image.notes.into_iter().filter(|note| note.starts_with(&*place)).collect(),
        names: image.services.iter().map(|service| service.name.to_string()).collect(),
    }
}

/// Whose files are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Those that only root or we could have written: they will be run.
    Owners,
    /// All: nothing of them will be run.
    Anyone,
}

/// What has been read so far.
struct Loading<'a> {
    options: &'a Options,
    trust: Trust,
    image: Image,
    services: BTreeMap<Name, Service>,
    /// Scripts of rc.conf are started one after the other when the machine boots.
    serial: bool,
    /// `KEYWORD`s whose scripts rc(8) would pass over here.
    passed_over: Vec<&'static str>,
    /// Read in place of the file that is there, or is not there yet.
    draft: Option<Draft<'a>>,
}

impl<'a> Loading<'a> {
    fn new(options: &'a Options, trust: Trust) -> Self {
        Self {
            options,
            trust,
            image: Image::default(),
            services: BTreeMap::new(),
            serial: false,
            passed_over: Vec::new(),
            draft: None,
        }
    }

    fn fault(&mut self, name: &str, text: impl Into<String>) {
        let text = text.into();
        match self.image.faults.iter_mut().find(|faulty| faulty.name == name) {
            Some(faulty) => {
                faulty.text.push('\n');
                faulty.text.push_str(&text);
            }
            None => self.image.faults.push(Faulty { name: name.to_owned(), text }),
        }
    }

    fn is_faulty(&self, name: &str) -> bool {
        self.image.faults.iter().any(|faulty| faulty.name == name)
    }

    fn finish(mut self) -> Image {
        classes::order(&mut self.services);
        let known: BTreeSet<&str> =
            self.services.values().flat_map(|service| names_of(service).map(Name::as_str)).collect();
        for service in self.services.values() {
            let findings = checks::all(service, &known);
            self.image.findings.insert(service.name.clone(), findings);
        }
        self.image.services = self.services.into_values().map(Arc::new).collect();
        self.image.broken = broken(&self.image.services);
        self.image
    }
}

/// What the core will say of these services when they are in force.
fn broken(services: &[Arc<Service>]) -> BTreeMap<Name, String> {
    let mut core = Supervisor::new(1);
    core.handle(Time::default(), Event::Loaded(services.to_vec()), &mut Vec::new());
    let named = core.graph().broken.iter().map(|(id, text)| (core.service(*id).name.clone(), text.clone()));
    named.collect()
}

/// Every name a service answers to.
fn names_of(service: &Service) -> impl Iterator<Item = &Name> {
    std::iter::once(&service.name).chain(&service.links.provides)
}

/// The text of a file that an administrator alone could have written, unless that does not matter.
fn text_of(path: &Path, trust: Trust) -> Result<Vec<u8>, String> {
    let text = |error: io::Error| error.to_string();
    if trust == Trust::Owners
        && let Err(mistrust) = files::check_owner(path).map_err(text)?
    {
        return Err(format!("{}: not read: {mistrust}", path.display()));
    }
    files::read_regular(path, FILE_BYTES_MAX).map_err(text)
}
