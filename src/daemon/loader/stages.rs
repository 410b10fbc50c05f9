//! The stages of a boot: what a stage starts comes after all that the stage before it starts.
//!
//! rc of System V starts every script of rcS.d before it looks at those of a runlevel, and OpenRC goes through sysinit,
//! boot and default in this order, whatever the scripts say of each other.

use std::collections::BTreeMap;

use svc_core::Name;
use svc_core::service::Service;

use super::classes::{comes_after, written};

/// When a boot starts a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// OpenRC's sysinit.
    System,
    /// rcS.d, and OpenRC's boot.
    Boot,
    /// The runlevels for work.
    Work,
}

/// Lets scripts start after those of the stage before, unless that contradicts what is written.
pub(super) fn order(services: &mut BTreeMap<Name, Service>, stages: &BTreeMap<Name, Stage>) {
    let mut order = written(services);
    let mut before: Vec<&Name> = Vec::new();
    for stage in [Stage::System, Stage::Boot, Stage::Work] {
        let these: Vec<&Name> = stages.iter().filter(|(_, at)| **at == stage).map(|(name, _)| name).collect();
        if these.is_empty() {
            continue;
        }
        // Who comes after the last ones comes after all.
        let is_last = |one: &&&Name| !before.iter().any(|other| other != *one && comes_after(&order, other, one));
        let last: Vec<&Name> = before.iter().filter(is_last).copied().collect();
        for (name, earlier) in these.iter().flat_map(|name| last.iter().map(move |earlier| (*name, *earlier))) {
            if comes_after(&order, earlier, name) || !order.entry(name.clone()).or_default().insert(earlier.clone()) {
                continue;
            }
            let links = services.get_mut(name).map(|service| &mut service.links);
            links.into_iter().for_each(|links| links.after.push(earlier.clone()));
        }
        before = these;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::service::Kind;

    fn service(text: &str, after: &[&str]) -> (Name, Service) {
        let name = |text: &str| Name::new(text).unwrap();
        let mut service = Service::new(name(text), Kind::Oneshot);
        service.links.after = after.iter().map(|text| name(text)).collect();
        (name(text), service)
    }

    fn after(services: &BTreeMap<Name, Service>, of: &str) -> String {
        services[of].links.after.iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_stage_comes_after_the_last_of_the_one_before() {
        let mut all = BTreeMap::from([
            service("mount", &[]),
            service("fsck", &[]),
            service("net", &["mount"]),
            service("clock", &["cron"]),
            service("cron", &[]),
            service("web", &["net"]),
            service("by-hand", &[]),
        ]);
        let stage = |(name, stage): (&str, Stage)| (Name::new(name).unwrap(), stage);
        let boot = ["mount", "fsck", "net", "clock"].map(|name| (name, Stage::Boot));
        let work = ["cron", "web"].map(|name| (name, Stage::Work));
        let stages = boot.into_iter().chain(work).map(stage).collect();
        order(&mut all, &stages);
        assert_eq!(after(&all, "cron"), "fsck net", "not the clock, which says that it comes after");
        assert_eq!(after(&all, "web"), "net clock fsck");
        assert_eq!(after(&all, "net"), "mount");
        assert_eq!((after(&all, "mount"), after(&all, "by-hand")), (String::new(), String::new()));
    }

    #[test]
    fn an_empty_stage_is_none() {
        let mut all = BTreeMap::from([service("devfs", &[]), service("web", &[])]);
        let stages = [("devfs", Stage::System), ("web", Stage::Work)];
        order(&mut all, &stages.map(|(name, stage)| (Name::new(name).unwrap(), stage)).into());
        assert_eq!(after(&all, "web"), "devfs");
    }
}
