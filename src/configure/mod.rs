//! Configuration files made from templates and values: all of a service's in one step, or none of them.
//!
//! A run is a short-lived process of its own, the client or a child of the manager; the manager itself never renders.

mod change;
mod diff;
mod facts;
mod fault;
mod kept;
mod lock;
mod make;
mod places;
mod report;
mod stage;
mod template;
mod values;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use svc_core::definition::near;
use svc_core::{Name, Service};
use svc_platform::files;

use crate::daemon::{self, Image, glob};
use change::repair;
pub use fault::ConfigureError;
use fault::system;
use lock::Lock;
use make::Maker;
use places::Places;
pub use report::{Effect, FileReport, Report, ServiceReport, Then, ValueReport};

/// What is asked.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where definitions and everything else is.
    pub daemon: daemon::Options,
    /// Names or patterns; empty: every service that has something to be made.
    pub names: Vec<String>,
    /// What is to be done.
    pub deed: Deed,
    /// The mode whose values count; `None`: as the machine says.
    pub mode: Option<String>,
}

/// What a run does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deed {
    /// Makes the files.
    #[default]
    Make,
    /// Says what would change, and changes nothing.
    Differ,
    /// Says which values there are, and where they were written.
    Values,
    /// Puts the older version back.
    Undo,
}

/// Does what is asked for each service; what goes wrong with one does not hinder the others.
///
/// # Errors
///
/// What concerns all: a name that is none, another run that takes too long, no permission.
pub fn run(options: &Options) -> Result<Report, ConfigureError> {
    let places = Places::new(&options.daemon);
    let plain: Vec<String> = options.names.iter().filter(|name| !glob::is_glob(name)).cloned().collect();
    let image = daemon::loader::read(&options.daemon, &plain);
    let services = chosen(&image, &options.names)?;
    let mut report = Report::default();
    let changes = matches!(options.deed, Deed::Make | Deed::Undo);
    let stages = if changes { places.state.clone() } else { env::temp_dir() };
    let _lock = if changes { Some(enter(&places, &mut report)?) } else { None };
    let mode = match &options.mode {
        Some(mode) => mode.clone(),
        None => places.mode().map_err(system("reading the mode"))?,
    };
    let maker = Maker::new(&places, stages, &mode)?;
    let shared = shared(&image);
    for service in services {
        let done = match shared.get(&service.name) {
            Some((target, other)) => Err(ConfigureError::Shared { target: target.clone(), other: other.to_string() }),
            None if service.instead("configure").is_some() => match options.deed {
                Deed::Make => Ok(ServiceReport::by_command(&service.name)),
                Deed::Differ | Deed::Values | Deed::Undo => Err(ConfigureError::Command),
            },
            None => match options.deed {
                Deed::Make | Deed::Differ => maker.make(&service, changes),
                Deed::Values => maker.values(&service),
                Deed::Undo => maker.undo(&service),
            },
        };
        report.services.push(done.unwrap_or_else(|error| ServiceReport::failed(&service.name, &error)));
    }
    Ok(report)
}

/// Makes the files of services that are about to start; says what is wrong on standard error. Gives the exit code.
pub(crate) fn at_start(daemon: daemon::Options, names: &[String]) -> u8 {
    let options = Options { daemon, names: names.to_vec(), deed: Deed::Make, mode: None };
    let faults = match run(&options) {
        Ok(report) => report.services.into_iter().filter_map(|service| service.fault).collect(),
        Err(error) => vec![error.to_string()],
    };
    faults.iter().for_each(|fault| eprintln!("{fault}"));
    u8::from(!faults.is_empty())
}

/// Makes the place for what is remembered, waits for our turn, and ends what an earlier run began.
fn enter(places: &Places, report: &mut Report) -> Result<Lock, ConfigureError> {
    files::make_directory(&places.state, 0o700).map_err(system("making a place for older versions"))?;
    let lock = Lock::take(&places.state.join("lock"))?;
    let back = repair(places)?;
    if !back.is_empty() {
        report.notes.push(format!("an earlier configure was interrupted; put back: {}", back.join(", ")));
    }
    let left = fs::read_dir(&places.state).into_iter().flatten().flatten().map(|entry| entry.path());
    let stage = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("svc-stage-"));
    for path in left.filter(stage) {
        fs::remove_dir_all(&path).map_err(system("clearing what an earlier configure left"))?;
    }
    Ok(lock)
}

/// The services that are meant, each with something to be made.
fn chosen(image: &Image, names: &[String]) -> Result<Vec<Arc<Service>>, ConfigureError> {
    let is_able = |service: &Service| !service.configure.is_empty() || service.instead("configure").is_some();
    let able = || image.services.iter().filter(|service| is_able(service));
    if names.is_empty() {
        return Ok(able().cloned().collect());
    }
    let mut found: BTreeMap<&Name, &Arc<Service>> = BTreeMap::new();
    for name in names {
        if glob::is_glob(name) {
            found.extend(able().filter(|one| glob::matches(name, one.name.as_str())).map(|one| (&one.name, one)));
            continue;
        }
        let answers = |service: &&Arc<Service>| {
            service.name.as_str() == name || service.links.provides.iter().any(|other| other.as_str() == name)
        };
        let Some(service) = image.services.iter().find(answers) else { return Err(unknown(image, name)) };
        if !is_able(service) {
            let file = service.files.first().cloned().unwrap_or_else(|| format!("{name}.toml"));
            return Err(ConfigureError::Nothing { name: name.clone(), file });
        }
        found.insert(&service.name, service);
    }
    Ok(found.into_values().cloned().collect())
}

fn unknown(image: &Image, name: &str) -> ConfigureError {
    let fault = image.faults.iter().find(|faulty| faulty.name == name).map(|faulty| faulty.text.clone());
    let near = near(name, image.services.iter().map(|service| service.name.as_str())).map(str::to_owned);
    ConfigureError::Unknown { name: name.to_owned(), near, fault }
}

/// Services that make a file which another makes, too: the file, and the other.
fn shared(image: &Image) -> BTreeMap<Name, (String, Name)> {
    let mut makers: BTreeMap<&str, &Name> = BTreeMap::new();
    let mut shared = BTreeMap::new();
    for service in &image.services {
        for item in &service.configure {
            if let Some(other) = makers.insert(&item.target, &service.name) {
                shared.insert(service.name.clone(), (item.target.clone(), other.clone()));
                shared.insert(other.clone(), (item.target.clone(), service.name.clone()));
            }
        }
    }
    shared
}
