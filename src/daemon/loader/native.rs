//! Definitions: files, drop-ins, templates and their instances.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use svc_compat::login_class;
use svc_core::Name;
use svc_core::definition::{self, Outcome, Severity, SourceText};
use svc_core::service::{Reload, Service};
use svc_platform::launch::Resource;
use svc_platform::{host, users};

use super::found::{credentials, look_up};
use super::{Draft, Loading, text_of};
use crate::daemon::options::Options;

/// Which files there are.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The main file of each name; the first directory that has one wins, the whole file.
    mains: BTreeMap<String, PathBuf>,
    /// The drop-ins of each name, in the order in which they are laid over: the administrator's last.
    drop_ins: BTreeMap<String, Vec<PathBuf>>,
}

impl Store {
    pub(super) fn scan(options: &Options, loading: &mut Loading<'_>) -> Self {
        let mut store = Self::default();
        for dir in options.definitions.iter().rev() {
            let mut found: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
            for path in entries(dir, loading) {
                let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else {
                    loading.fault(&path.to_string_lossy(), format!("{}: its name is not UTF-8", path.display()));
                    continue;
                };
                if let Some(name) = file_name.strip_suffix(".toml") {
                    store.mains.insert(name.to_owned(), path);
                } else if let Some(name) = file_name.strip_suffix(".d") {
                    let texts =
                        entries(&path, loading).into_iter().filter(|path| path.extension() == Some("toml".as_ref()));
                    found.entry(name.to_owned()).or_default().extend(texts);
                }
            }
            found.into_iter().for_each(|(name, paths)| store.drop_ins.entry(name).or_default().extend(paths));
        }
        if let Some(draft) = loading.draft {
            store.lay_over(draft, options);
        }
        store
    }

    /// Puts a draft where its file will be: a main file in place of any other, a drop-in among those of the
    /// administrator, by its name.
    fn lay_over(&mut self, draft: Draft<'_>, options: &Options) {
        let parent = draft.path.parent();
        if options.definitions.iter().any(|dir| Some(dir.as_path()) == parent) {
            let name = draft.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            self.mains.insert(name, draft.path.to_owned());
            return;
        }
        if self.drop_ins.values().flatten().any(|file| file == draft.path) {
            return;
        }
        let files = self.drop_ins.entry(draft.name.to_string()).or_default();
        let later = files.iter().position(|file| file.parent() == parent && **file > *draft.path);
        files.insert(later.unwrap_or(files.len()), draft.path.to_owned());
    }

    /// Every file of this name, main one first.
    pub(super) fn files(&self, name: &Name) -> Vec<&Path> {
        self.main(name).into_iter().chain(self.drop_ins(name)).collect()
    }

    /// Whether a definition says what this is.
    pub(super) fn has_main(&self, name: &Name) -> bool {
        self.main(name).is_some()
    }

    /// These files only.
    pub(super) fn of(files: Vec<PathBuf>) -> Self {
        let named = files.into_iter().filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)));
        Self { mains: named.collect(), ..Self::default() }
    }

    /// The drop-ins for this name; an instance has those of its template first.
    pub(super) fn drop_ins(&self, name: &Name) -> Vec<&Path> {
        let template = name.instance().and_then(|(template, _)| self.drop_ins.get(template));
        let own = self.drop_ins.get(name.as_str());
        template.into_iter().chain(own).flatten().map(PathBuf::as_path).collect()
    }

    fn main(&self, name: &Name) -> Option<&Path> {
        let own = self.mains.get(name.as_str());
        own.or_else(|| name.instance().and_then(|(template, _)| self.mains.get(template))).map(PathBuf::as_path)
    }

    /// Names with a file of their own, or with drop-ins that make an instance of a template.
    fn names(&self) -> BTreeSet<String> {
        let instances = self.drop_ins.keys().filter(|name| {
            Name::new(name)
                .is_ok_and(|name| name.instance().is_some_and(|(template, _)| self.mains.contains_key(template)))
        });
        self.mains.keys().chain(instances).cloned().collect()
    }
}

/// What is in a directory, sorted; one that is missing is empty.
fn entries(dir: &Path, loading: &mut Loading<'_>) -> Vec<PathBuf> {
    match fs::read_dir(dir) {
        Ok(entries) => {
            let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
            paths.retain(|path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
            paths.sort();
            paths
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            loading.image.notes.push(format!("{}: {error}", dir.display()));
            Vec::new()
        }
    }
}

/// Reads every definition, every instance asked for, and every instance that one of these names.
pub(super) fn read_all(store: &Store, asked: &[String], loading: &mut Loading<'_>) {
    let mut open: Vec<String> = store.names().into_iter().chain(asked.iter().cloned()).collect();
    let mut seen = BTreeSet::new();
    while let Some(text) = open.pop() {
        if !seen.insert(text.clone()) {
            continue;
        }
        let name = match Name::new(&text) {
            Ok(name) => name,
            Err(error) => {
                let at = store.mains.get(&text).map_or_else(String::new, |path| format!("{}: ", path.display()));
                loading.fault(&text, format!("{at}{error}"));
                continue;
            }
        };
        let Some(main) = store.main(&name) else { continue };
        if let Some(service) = read(&name, main, store, loading) {
            let links = &service.links;
            let named = links.requires.iter().chain(&links.wants).filter(|name| name.instance().is_some());
            open.extend(named.map(Name::to_string));
            loading.services.insert(name, service);
        }
    }
}

fn read(name: &Name, main: &Path, store: &Store, loading: &mut Loading<'_>) -> Option<Service> {
    let mut paths = vec![main];
    paths.extend(store.drop_ins(name));
    let texts = texts(name, &paths, loading)?;
    let sources = sources(&texts);
    let outcome = definition::parse_on(host::SYSTEM, name, sources[0], &sources[1..]);
    let service = settle(name, outcome, &sources, loading)?;
    resolved(service, loading)
}

/// The texts of all these files; `None` if one cannot be read, which is a fault of the service.
pub(super) fn texts(name: &Name, paths: &[&Path], loading: &mut Loading<'_>) -> Option<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for path in paths {
        if let Some(draft) = loading.draft.filter(|draft| draft.path == *path) {
            texts.push((path.to_string_lossy().into_owned(), draft.text.to_owned()));
            continue;
        }
        match text_of(path, loading.trust) {
            Ok(text) => texts.push((path.to_string_lossy().into_owned(), String::from_utf8_lossy(&text).into_owned())),
            Err(fault) => loading.fault(name.as_str(), fault),
        }
    }
    (texts.len() == paths.len()).then_some(texts)
}

pub(super) fn sources(texts: &[(String, String)]) -> Vec<SourceText<'_>> {
    texts.iter().map(|(path, text)| SourceText { path, text }).collect()
}

/// Sorts what a parse found into faults and notes.
pub(super) fn settle(
    name: &Name,
    outcome: Outcome,
    sources: &[SourceText<'_>],
    loading: &mut Loading<'_>,
) -> Option<Service> {
    for (fault, text) in outcome.faults.iter().zip(outcome.rendered(sources)) {
        match fault.severity {
            Severity::Error => loading.fault(name.as_str(), text),
            Severity::Note => loading.image.notes.push(text),
        }
    }
    outcome.service.filter(|_| !loading.is_faulty(name.as_str()))
}

/// Looks up users and programs. That one is missing is no fault of the file: it may be installed a minute later.
fn resolved(mut service: Service, loading: &mut Loading<'_>) -> Option<Service> {
    let exec = &mut *service.exec;
    for (key, identity) in [("user", &mut exec.identity), ("runtime-directory-owner", &mut exec.runtime_owner)] {
        let Some(identity) = identity else { continue };
        match credentials(identity) {
            Ok(found) => identity.resolved = Some(found),
            Err(error) => {
                let origin = service.origins.get(key).map_or_else(|| service.files.join(", "), str::to_owned);
                loading.image.notes.push(format!("{origin}: {}: {error}", service.name));
            }
        }
    }
    look_up_class(&mut service, loading);
    for words in [&mut service.command, &mut service.stop.command] {
        look_up(words);
    }
    look_up_verbs(&mut service);
    look_up_access(&mut service, loading);
    if let Reload::Command(words) = &mut service.reload {
        look_up(words);
    }
    if let svc_core::service::Ready::Command(words) = &mut service.ready {
        look_up(words);
    }
    Some(service)
}

/// What its login class says of limits and the like, where the definition itself does not.
fn look_up_class(service: &mut Service, loading: &mut Loading<'_>) {
    let exec = &mut *service.exec;
    if exec.login_class.is_empty() {
        return;
    }
    let path = loading.options.root.join("etc/login.conf");
    let text = text_of(&path, loading.trust).map(|text| String::from_utf8_lossy(&text).into_owned());
    let read = text.and_then(|text| {
        login_class::read(&text, &exec.login_class).ok_or_else(|| format!("there is no class {}", exec.login_class))
    });
    let class = match read {
        Ok(class) => class,
        Err(error) => return loading.image.notes.push(format!("{}: {}: {error}", path.display(), service.name)),
    };
    let origin = format!("login class {}", exec.login_class);
    for (name, limit) in class.limits.into_iter().filter(|(name, _)| Resource::named(name).is_some()) {
        exec.limits.entry(name.into()).or_insert_with(|| {
            service.origins.insert(&format!("limits.{name}"), &origin);
            limit
        });
    }
    exec.umask = exec.umask.or(class.umask);
    exec.nice = exec.nice.or(class.priority);
    loading.image.notes.extend(class.notes.into_iter().map(|note| format!("{}: {note}", path.display())));
}

/// The programs of `[verbs]`.
pub(super) fn look_up_verbs(service: &mut Service) {
    for verb in service.verbs.values_mut() {
        [&mut verb.command, &mut verb.before, &mut verb.after].into_iter().for_each(|words| look_up(words));
    }
}

/// The numbers of those who may operate it. Somebody who does not exist has no rights, and is no fault of the file.
pub(super) fn look_up_access(service: &mut Service, loading: &mut Loading<'_>) {
    let access = &mut *service.access;
    let mut missing = Vec::new();
    for user in &access.users {
        match users::user(user) {
            Ok(account) => access.uids.push(account.uid),
            Err(error) => missing.push(("access.users", error)),
        }
    }
    for group in &access.groups {
        match users::group(group) {
            Ok(gid) => access.gids.push(gid),
            Err(error) => missing.push(("access.groups", error)),
        }
    }
    for (key, error) in missing {
        let origin = service.origins.get(key).map_or_else(|| service.files.join(", "), str::to_owned);
        loading.image.notes.push(format!("{origin}: {}: {error}", service.name));
    }
}
