//! Which scripts come before and after a script, by what it says of others and by its links.

use std::collections::BTreeMap;

use svc_compat::facility::Facilities;
use svc_core::Name;
use svc_core::service::Dialect;

use super::scripts::Read;
use super::stages::Stage;
use super::{Loading, links, names_of};

/// Turns what scripts say of each other into order between services. It is order only: none is started for another.
pub(super) fn order(found: &mut BTreeMap<Name, Read>, facilities: &Facilities, loading: &Loading<'_>) {
    let provided = provided(found, loading);
    let all: Vec<Other> = found.values().map(Other::of).collect();
    let placed = placed(found);
    for read in found.values_mut() {
        let own = read.service.name.clone();
        let resolve = |words: &[String]| -> Vec<Name> {
            let mut names = Vec::new();
            for word in words {
                let members = match word.starts_with('$') {
                    true => facilities.members(word).into_iter().map(|member| member.name).collect(),
                    false => vec![word.clone()],
                };
                // A script may provide a facility itself, under its own name with the dollar.
                for member in members.iter().chain(std::iter::once(word)) {
                    names.extend(provided.get(member.as_str()).into_iter().flatten().cloned());
                }
            }
            names.retain(|name| *name != own);
            names.sort();
            names.dedup();
            names
        };
        let script = &read.script;
        let mut after = resolve(&[&script.required_start[..], &script.should_start[..]].concat());
        let mut before = resolve(&script.x_start_before);
        // All others are those of its own stage and of what goes on from there.
        if comes_first(read) {
            let behind = |other: &&Other| !other.is_first && other.name != own && !other.is_before(read.stage);
            before.extend(all.iter().filter(behind).map(|other| other.name.clone()));
        }
        if waits_for_all(read) {
            let ahead = |other: &&Other| !other.is_last && other.name != own && !other.is_behind(read.stage);
            after.extend(all.iter().filter(ahead).map(|other| other.name.clone()));
        } else if let Some(place) = silent_place(read) {
            // Without a header the numbers of its link are all that is known: it comes after those just before.
            let earlier = placed.range(..place).next_back();
            after.extend(earlier.into_iter().flat_map(|(_, names)| names).cloned());
        }
        after.sort();
        after.dedup();
        read.service.links.provides = script
            .provides
            .iter()
            .filter(|word| word.as_str() != own.as_str())
            .filter_map(|word| Name::new(word).ok())
            .filter(|name| !all.iter().any(|other| other.name == *name) && !loading.services.contains_key(name))
            .collect();
        read.service.links.after = after;
        read.service.links.before = before;
        read.service.links.wants = script.along.iter().filter_map(|word| Name::new(word).ok()).collect();
    }
}

/// What a script that comes before or after all others has to know of one.
struct Other {
    name: Name,
    stage: Option<Stage>,
    is_first: bool,
    is_last: bool,
}

impl Other {
    fn of(read: &Read) -> Self {
        let name = read.service.name.clone();
        Self { name, stage: read.stage, is_first: comes_first(read), is_last: waits_for_all(read) }
    }

    fn is_before(&self, stage: Option<Stage>) -> bool {
        self.stage.zip(stage).is_some_and(|(own, stage)| own < stage)
    }

    fn is_behind(&self, stage: Option<Stage>) -> bool {
        self.stage.zip(stage).is_some_and(|(own, stage)| own > stage)
    }
}

/// Which services a name in a header may mean: those that say so, and the one whose file is called so.
fn provided(found: &BTreeMap<Name, Read>, loading: &Loading<'_>) -> BTreeMap<String, Vec<Name>> {
    let mut map: BTreeMap<String, Vec<Name>> = BTreeMap::new();
    for service in loading.services.values() {
        names_of(service).for_each(|name| map.entry(name.to_string()).or_default().push(service.name.clone()));
    }
    for read in found.values() {
        let name = &read.service.name;
        let own = [name.to_string(), name.as_str().trim_end_matches(".sh").to_owned()];
        for word in own.iter().chain(&read.script.provides) {
            map.entry(word.clone()).or_default().push(name.clone());
        }
    }
    map
}

fn waits_for_all(read: &Read) -> bool {
    [&read.script.required_start, &read.script.should_start].into_iter().flatten().any(|word| word == "$all")
}

fn comes_first(read: &Read) -> bool {
    read.script.x_start_before.iter().any(|word| word == "$all")
}

/// The place of the first link of a script that says nothing of its order.
fn silent_place(read: &Read) -> Option<(Stage, u8)> {
    let script = &read.script;
    let says = script.dialect != Dialect::Initd
        || [&script.provides, &script.required_start, &script.should_start].into_iter().any(|list| !list.is_empty());
    if says { None } else { place(read) }
}

fn place(read: &Read) -> Option<(Stage, u8)> {
    links::enabling(&read.links).map(|link| (link.stage(), link.number)).min()
}

fn placed(found: &BTreeMap<Name, Read>) -> BTreeMap<(Stage, u8), Vec<Name>> {
    let mut map: BTreeMap<(Stage, u8), Vec<Name>> = BTreeMap::new();
    for read in found.values() {
        if let Some(place) = place(read) {
            map.entry(place).or_default().push(read.service.name.clone());
        }
    }
    map
}
