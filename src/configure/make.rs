//! One service's files: rendered, staged, looked at, compared and put in place.

use std::path::{Path, PathBuf};

use minijinja::Value;
use svc_core::Service;
use svc_core::service::Configure;
use svc_platform::place::Content;
use svc_platform::users;

use super::change::{Change, commit};
use super::diff::unified;
use super::facts::{self, Facts};
use super::fault::{ConfigureError, system};
use super::kept::Kept;
use super::places::{Places, TEXT_BYTES_MAX};
use super::report::{Effect, FileReport, ServiceReport, Then, ValueReport};
use super::stage::Stage;
use super::template::render;
use super::values::Values;

/// The permissions of a new file of which nothing is said.
const MODE: u32 = 0o644;
/// Where values come from that no file says.
const MACHINE: &str = "this machine";

/// What all services of one run have in common.
#[derive(Debug)]
pub(crate) struct Maker<'a> {
    places: &'a Places,
    /// Where staging trees are made.
    stages: PathBuf,
    values: Values,
}

/// One file of a service.
struct Item<'a> {
    target: &'a str,
    change: Change,
    notes: Vec<String>,
}

impl Item<'_> {
    fn effect(&self) -> Effect {
        match (&self.change.old, &self.change.new) {
            (old, new) if old == new => Effect::Same,
            (None, _) => Effect::Made,
            (_, None) => Effect::Removed,
            (Some(_), Some(_)) => Effect::Changed,
        }
    }

    fn report(self) -> FileReport {
        let effect = self.effect();
        let diff = if effect == Effect::Same { String::new() } else { unified(self.target, &self.change) };
        FileReport { target: self.target.to_owned(), effect, diff, notes: self.notes }
    }
}

impl<'a> Maker<'a> {
    /// Reads the values that are the same for every service.
    ///
    /// # Errors
    ///
    /// A file of values is faulty.
    pub(crate) fn new(places: &'a Places, stages: PathBuf, mode: &str) -> Result<Self, ConfigureError> {
        let facts = Facts::look().map_err(system("looking at this machine"))?;
        let mut values = Values::default();
        for path in places.values(&facts.name, mode).map_err(system("reading values"))? {
            values.lay(places, &path)?;
        }
        values.define_table("host", facts.all(), MACHINE);
        values.define_table("env", facts::environment(), "the environment");
        values.define("mode", Value::from(mode), MACHINE);
        Ok(Self { places, stages, values })
    }

    /// Makes the files of a service, or only says what would change.
    pub(crate) fn make(&self, service: &Service, changes: bool) -> Result<ServiceReport, ConfigureError> {
        let rendered = self.render(service)?;
        let mut items = Vec::new();
        for (item, bytes) in service.configure.iter().zip(&rendered) {
            items.push(self.item(item, bytes.clone())?);
        }
        if items.iter().any(|item| item.effect() != Effect::Same) {
            self.validate(service, &rendered)?;
        }
        self.finish(service, items, changes)
    }

    /// Puts the older version of a service's files back.
    pub(crate) fn undo(&self, service: &Service) -> Result<ServiceReport, ConfigureError> {
        let kept = Kept::read(self.places, &service.name)?;
        let kept = kept.ok_or_else(|| ConfigureError::NotKept { name: service.name.to_string() })?;
        let mut items = Vec::new();
        for pair in &kept.files {
            let place = self.places.find(Path::new(&pair.target)).map_err(system("looking at what is there"))?;
            let old = place.read(TEXT_BYTES_MAX).map_err(system("looking at what is there"))?;
            let mut notes = Vec::new();
            if old != pair.after() {
                notes.push("was changed by hand since it was made; --undo again brings that back".to_owned());
            }
            items.push(Item { target: &pair.target, change: Change { place, old, new: pair.before() }, notes });
        }
        self.finish(service, items, true)
    }

    /// The values of a service with the places they were written at.
    pub(crate) fn values(&self, service: &Service) -> Result<ServiceReport, ConfigureError> {
        let mut values = self.of(service);
        for file in service.configure.iter().flat_map(|item| &item.values) {
            self.lay(&mut values, file)?;
        }
        let report = |(name, value, origin)| ValueReport { name, value, origin };
        Ok(ServiceReport {
            name: service.name.clone(),
            files: Vec::new(),
            then: Then::Nothing,
            fault: None,
            values: values.list().into_iter().map(report).collect(),
        })
    }

    fn of(&self, service: &Service) -> Values {
        let mut values = self.values.clone();
        values.define_table("service", facts::service(service), "the definition");
        values
    }

    fn lay(&self, values: &mut Values, written: &str) -> Result<(), ConfigureError> {
        let path = written.strip_prefix('-').unwrap_or(written);
        let found = values.lay(self.places, &self.places.below(Path::new(path)))?;
        if !found && !written.starts_with('-') {
            let text = format!("{path}: no such file of values; write \"-{path}\" if it may be missing");
            return Err(ConfigureError::Faulty(vec![text]));
        }
        Ok(())
    }

    /// Every file of the service; all faults of all templates at once.
    fn render(&self, service: &Service) -> Result<Vec<Vec<u8>>, ConfigureError> {
        let mut rendered = Vec::new();
        let mut faults = Vec::new();
        for item in &service.configure {
            let mut values = self.of(service);
            let laid = item.values.iter().try_for_each(|file| self.lay(&mut values, file));
            match laid.and_then(|()| render(self.places, &item.template, &values)) {
                Ok(bytes) => rendered.push(bytes),
                Err(ConfigureError::Faulty(more)) => faults.extend(more),
                Err(other) => faults.push(other.to_string()),
            }
        }
        if faults.is_empty() { Ok(rendered) } else { Err(ConfigureError::Faulty(faults)) }
    }

    fn item<'i>(&self, item: &'i Configure, bytes: Vec<u8>) -> Result<Item<'i>, ConfigureError> {
        let looking = system("looking at what is there");
        let place = self.places.find(Path::new(&item.target)).map_err(&looking)?;
        let old = place.read(TEXT_BYTES_MAX).map_err(&looking)?;
        let account = |error: users::LookupError| ConfigureError::Account(format!("{}: {error}", item.target));
        let uid = match (item.owner.as_str(), &old) {
            ("", Some(old)) => old.uid,
            ("", None) => users::own_uid(),
            (owner, _) => users::user(owner).map_err(account)?.uid,
        };
        let gid = match (item.group.as_str(), &old) {
            ("", Some(old)) => old.gid,
            ("", None) => users::own_gid(),
            (group, _) => users::group(group).map_err(account)?,
        };
        let mode = item.mode.or(old.as_ref().map(|old| old.mode)).unwrap_or(MODE);
        let links = place.links().last().map(|link| format!("{} is a link to it", self.places.shown(link)));
        let new = Some(Content { bytes, uid, gid, mode });
        Ok(Item { target: &item.target, change: Change { place, old, new }, notes: links.into_iter().collect() })
    }

    /// Lets the commands of the service look at its new files.
    fn validate(&self, service: &Service, rendered: &[Vec<u8>]) -> Result<(), ConfigureError> {
        if service.configure.iter().all(|item| item.validate.is_empty()) {
            return Ok(());
        }
        let stage = Stage::new(&self.stages)?;
        for (item, bytes) in service.configure.iter().zip(rendered) {
            stage.put(&item.target, bytes)?;
        }
        service.configure.iter().try_for_each(|item| stage.validate(&item.validate, &item.target))
    }

    /// Puts what differs in place, if it is to be, and tells.
    fn finish(
        &self,
        service: &Service,
        mut items: Vec<Item<'_>>,
        changes: bool,
    ) -> Result<ServiceReport, ConfigureError> {
        let differing: Vec<&Item<'_>> = items.iter().filter(|item| item.effect() != Effect::Same).collect();
        if changes && !differing.is_empty() {
            let kept = Kept::of(differing.iter().map(|item| (item.target, &item.change))).bytes()?;
            let path = Kept::path(self.places, &service.name);
            let list: Vec<Change> = differing.iter().map(|item| item.change.clone()).collect();
            let remark = commit(self.places, &list, (&path, &kept))?;
            let last = items.iter_mut().rev().find(|item| item.effect() != Effect::Same);
            last.into_iter().for_each(|item| item.notes.extend(remark.clone()));
        }
        Ok(ServiceReport {
            name: service.name.clone(),
            files: items.into_iter().map(Item::report).collect(),
            then: Then::of(service),
            fault: None,
            values: Vec::new(),
        })
    }
}
