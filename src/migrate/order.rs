//! Every service of a machine, scripts of all dialects and definitions alike, in the order in which svcd starts them.

use std::collections::BTreeMap;
use std::path::Path;

use svc_compat::order::rcorder::{File, Options, rcorder};
use svc_core::service::{Dialect, Kind, Service};
use svc_core::{Event, ServiceId, Supervisor, Time};
use svc_platform::files;

use crate::daemon::Image;

/// A script longer than this has no place.
const SCRIPT_BYTES_MAX: u64 = 1024 * 1024;

/// Of fewer scripts nobody says that one comes after all others.
const LAST_AFTER_MIN: usize = 4;

/// All services in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// By level, and within one rc.d scripts as rcorder(8) has them, everything else by name: what comes earlier here
    /// never waits for what comes later.
    pub(crate) places: Vec<Place>,
    /// What was wrong: files that could not be read, circles, requirements that nothing meets.
    pub(crate) messages: Vec<String>,
}

/// One service in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its name.
    pub(crate) name: String,
    /// The file it was read from.
    pub(crate) file: String,
    /// The dialect of a script; `None` for a definition.
    pub(crate) dialect: Option<Dialect>,
    /// What it comes after at once, by place. What is said by way of another is left out.
    pub(crate) after: Vec<usize>,
    /// Those of the same that it requires.
    pub(crate) requires: Vec<usize>,
    /// How many scripts come before it, by way of others too.
    pub(crate) earlier: usize,
    /// One more than the highest level that it comes after; the lowest is 0.
    pub(crate) level: usize,
}

impl Order {
    /// The order of what was read.
    pub(crate) fn new(image: Image) -> Self {
        let mut messages: Vec<String> = image.faults.iter().map(|faulty| faulty.text.clone()).collect();
        let mut core = Supervisor::new(1);
        core.handle(Time::default(), Event::Loaded(image.services), &mut Vec::new());
        let told = core.graph().broken.iter().chain(core.graph().notes.iter().map(|(id, text)| (id, text)));
        messages.extend(told.map(|(id, text)| format!("{}: {text}", core.service(*id).name)));
        let levels = levels(&core);
        let mut ids: Vec<ServiceId> = core.ids().collect();
        let ranks = ranks(&core);
        let rank = |id: &ServiceId| ranks.get(id).copied().unwrap_or(usize::MAX);
        ids.sort_by_key(|id| (levels[id], rank(id), core.service(*id).name.clone()));
        let at: BTreeMap<ServiceId, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
        let place = |id: &ServiceId| {
            let service: &Service = core.service(*id);
            let edges = core.graph().of(*id);
            let mut requires: Vec<usize> = edges.requires.iter().map(|id| at[id]).collect();
            let mut after: Vec<usize> = edges.after.iter().map(|id| at[id]).chain(requires.iter().copied()).collect();
            after.sort_unstable();
            requires.sort_unstable();
            Place {
                name: service.name.to_string(),
                file: service.files.first().cloned().unwrap_or_default(),
                dialect: match &service.kind {
                    Kind::Script(script) => Some(script.dialect),
                    Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => None,
                },
                after,
                requires,
                earlier: 0,
                level: levels[id],
            }
        };
        let mut places: Vec<Place> = ids.iter().map(place).collect();
        reduce(&mut places);
        Self { places, messages }
    }

    /// Scripts that come after all other scripts: they wait for `$all`.
    pub(crate) fn last(&self) -> Vec<usize> {
        let most = self.places.iter().map(|place| place.earlier).max().unwrap_or(0);
        let scripts: Vec<usize> = (0..self.places.len()).filter(|at| self.places[*at].dialect.is_some()).collect();
        let last: Vec<usize> = scripts.iter().copied().filter(|at| self.places[*at].earlier == most).collect();
        if most >= LAST_AFTER_MIN && most + last.len() == scripts.len() { last } else { Vec::new() }
    }

    /// Places of one level together.
    pub(crate) fn groups(&self) -> impl Iterator<Item = &[Place]> {
        self.places.chunk_by(|one, other| one.level == other.level)
    }
}

/// The places of rc.d scripts in rcorder's answer for all of them.
fn ranks(core: &Supervisor) -> BTreeMap<ServiceId, usize> {
    let is_one = |service: &Service| matches!(&service.kind, Kind::Script(script) if script.dialect == Dialect::Rcd);
    let mut scripts: Vec<(String, Vec<u8>, ServiceId)> = core
        .ids()
        .filter(|id| is_one(core.service(*id)))
        .filter_map(|id| {
            let path = core.service(id).files.first()?;
            // One that is gone since it was read has no place.
            let text = files::read_regular(Path::new(path), SCRIPT_BYTES_MAX).ok()?;
            Some((path.clone(), text, id))
        })
        .collect();
    // The shell names them so, and among equals rcorder goes by that.
    scripts.sort();
    let given: Vec<File<'_>> = scripts.iter().map(|(path, text, _)| File { name: path.as_bytes(), text }).collect();
    let order = rcorder(&given, &Options::default()).groups.concat();
    order.into_iter().enumerate().map(|(rank, at)| (scripts[at].2, rank)).collect()
}

/// The level of each service. The graph has no circles any more: the core takes them out.
fn levels(core: &Supervisor) -> BTreeMap<ServiceId, usize> {
    let graph = core.graph();
    let mut waits: BTreeMap<ServiceId, usize> = BTreeMap::new();
    let mut followers: BTreeMap<ServiceId, Vec<ServiceId>> = BTreeMap::new();
    for id in core.ids() {
        let edges = graph.of(id);
        waits.insert(id, edges.requires.len() + edges.after.len());
        for earlier in edges.requires.iter().chain(&edges.after) {
            followers.entry(*earlier).or_default().push(id);
        }
    }
    let mut levels: BTreeMap<ServiceId, usize> = core.ids().map(|id| (id, 0)).collect();
    let mut free: Vec<ServiceId> = waits.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop() {
        let next = levels[&id] + 1;
        for follower in followers.get(&id).into_iter().flatten() {
            levels.entry(*follower).and_modify(|level| *level = next.max(*level));
            let count = waits.get_mut(follower).expect("every follower is a service");
            *count -= 1;
            if *count == 0 {
                free.push(*follower);
            }
        }
    }
    levels
}

/// Takes out of each list what another of the list comes after already.
fn reduce(places: &mut [Place]) {
    let words = places.len().div_ceil(64);
    let mut scripts = vec![0_u64; words];
    for (at, _) in places.iter().enumerate().filter(|(_, place)| place.dialect.is_some()) {
        scripts[at / 64] |= 1 << (at % 64);
    }
    let mut reached: Vec<Vec<u64>> = Vec::with_capacity(places.len());
    for place in places {
        let mut all = vec![0_u64; words];
        let mut kept = Vec::new();
        // The latest first: it may stand for the earlier ones.
        for &earlier in place.after.iter().rev() {
            if all[earlier / 64] >> (earlier % 64) & 1 == 0 {
                kept.push(earlier);
                all[earlier / 64] |= 1 << (earlier % 64);
                all.iter_mut().zip(&reached[earlier]).for_each(|(word, more)| *word |= more);
            }
        }
        kept.reverse();
        place.after = kept;
        place.earlier = all.iter().zip(&scripts).map(|(all, scripts)| (all & scripts).count_ones() as usize).sum();
        reached.push(all);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use svc_core::Name;

    fn service(name: &str, after: &[&str], requires: &[&str]) -> Service {
        let names = |list: &[&str]| list.iter().map(|name| Name::new(name).unwrap()).collect();
        let mut service = Service::new(Name::new(name).unwrap(), Kind::Process);
        service.links.after = names(after);
        service.links.requires = names(requires);
        service
    }

    fn order(services: Vec<Service>) -> Order {
        let services = services.into_iter().map(Arc::new).collect();
        Order::new(Image { services, ..Image::default() })
    }

    #[test]
    fn what_follows_by_way_of_another_is_no_edge_of_its_own() {
        let order = order(vec![
            service("web", &["net", "disk"], &["db"]),
            service("db", &["disk"], &[]),
            service("net", &["disk"], &[]),
            service("disk", &[], &[]),
        ]);
        let told: Vec<(&str, usize, Vec<&str>)> = order
            .places
            .iter()
            .map(|place| {
                let after = place.after.iter().map(|at| order.places[*at].name.as_str()).collect();
                (place.name.as_str(), place.level, after)
            })
            .collect();
        let expected =
            [("disk", 0, vec![]), ("db", 1, vec!["disk"]), ("net", 1, vec!["disk"]), ("web", 2, vec!["db", "net"])];
        assert_eq!(told, expected);
        assert_eq!(order.places[3].requires, [1]);
        assert_eq!(order.last(), [] as [usize; 0]);
        assert_eq!(order.groups().map(<[Place]>::len).collect::<Vec<_>>(), [1, 2, 1]);
    }

    #[test]
    fn what_waits_for_all_others_is_known() {
        let mut services: Vec<Service> = ["a", "b", "c"].iter().map(|name| service(name, &[], &[])).collect();
        services.extend(["y", "z"].iter().map(|name| service(name, &["a", "b", "c", "d"], &[])));
        services.push(service("d", &["a"], &[]));
        services.iter_mut().for_each(|service| service.kind = Kind::Script(Default::default()));
        services.push(service("definition", &[], &[]));
        let order = order(services);
        assert_eq!(order.last().iter().map(|at| order.places[*at].name.as_str()).collect::<Vec<_>>(), ["y", "z"]);
    }

    #[test]
    fn a_circle_is_told_and_everybody_has_a_place() {
        let order = order(vec![service("a", &["b"], &[]), service("b", &["a"], &[]), service("c", &["b"], &[])]);
        assert_eq!(order.places.iter().map(|place| place.name.as_str()).collect::<String>().len(), 3);
        assert_eq!(order.messages.len(), 2, "{:?}", order.messages);
        assert!(order.messages[0].contains("a comes after b, b comes after a"), "{:?}", order.messages);
    }
}
