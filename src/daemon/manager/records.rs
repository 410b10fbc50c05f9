//! What the manager writes into its journal, and what the next one makes of it.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};
use svc_core::service::Device;
use svc_core::supervisor::Memory;
use svc_core::{Job, Name, RunId, Time};
use svc_platform::{clock, process};

/// One line of the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Record {
    /// Which life of the machine this is about; the first line.
    Life(String),
    /// Where a service is.
    Service(Name, Box<Memory>),
    /// A service is no more.
    Gone(Name),
    /// A run is about to be launched.
    Run(RunId, Launched),
    /// This process of it is watched.
    Process(RunId, Watched),
    /// This process of it ended, and the core knows.
    Ended(RunId, i32),
    /// Nothing is left of it.
    Over(RunId),
    /// The next run will have this number.
    Next(RunId),
    /// Somebody asked for this instance of a template.
    Instance(Name),
    /// This device is there, and what tells it from another; or it is not.
    Device(Device, Option<[u64; 3]>),
    /// The machine boots; or its boot is over.
    Boots(bool),
}

/// What was launched.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Launched {
    pub(super) name: Name,
    pub(super) job: Job,
    pub(super) about: Option<RunId>,
    /// It was not launched by us but found, with this main process.
    pub(super) found: bool,
}

/// A process, such that no other can be mistaken for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Watched {
    pub(super) pid: i32,
    pub(super) started: Time,
    /// It is the one that was launched, not a daemon that it left behind.
    pub(super) leader: bool,
}

/// What an earlier manager knew.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) memories: BTreeMap<Name, Memory>,
    pub(super) runs: BTreeMap<RunId, (Launched, Vec<Watched>)>,
    pub(super) instances: Vec<Name>,
    pub(super) devices: BTreeMap<Device, [u64; 3]>,
    /// It was in the middle of a boot.
    pub(super) boots: bool,
    /// No run up to this one is to be used again.
    pub(super) last_run: RunId,
}

impl Past {
    /// Plays the records of a journal; `None` if it is about another life of the machine, or about none.
    pub(super) fn of(records: Vec<Record>, life: &str) -> Option<Self> {
        let mut records = records.into_iter();
        match records.next() {
            Some(Record::Life(found)) if found == life => {}
            _ => return None,
        }
        let mut past = Self::default();
        for record in records {
            match record {
                Record::Life(_) => {}
                Record::Service(name, memory) => drop(past.memories.insert(name, *memory)),
                Record::Gone(name) => drop(past.memories.remove(&name)),
                Record::Run(run, launched) => {
                    past.last_run = past.last_run.max(run);
                    past.runs.insert(run, (launched, Vec::new()));
                }
                Record::Process(run, watched) => {
                    if let Some((_, list)) = past.runs.get_mut(&run) {
                        list.push(watched);
                    }
                }
                Record::Ended(run, pid) => {
                    if let Some((_, list)) = past.runs.get_mut(&run) {
                        list.retain(|watched| watched.pid != pid);
                    }
                }
                Record::Over(run) => drop(past.runs.remove(&run)),
                Record::Next(next) => past.last_run = past.last_run.max(RunId(next.0.saturating_sub(1))),
                Record::Instance(name) => past.instances.push(name),
                Record::Device(device, Some(object)) => drop(past.devices.insert(device, object)),
                Record::Device(device, None) => drop(past.devices.remove(&device)),
                Record::Boots(boots) => past.boots = boots,
            }
        }
        Some(past)
    }
}

/// What tells one life of this machine, or of this container, from the next: the boot, and when process 1 started.
pub(super) fn life() -> io::Result<String> {
    let first = process::start_time(1).map(|time| time.since_boot().as_micros()).unwrap_or_default();
    Ok(format!("{} {first} {}", clock::boot_id()?, process::view()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn launched(text: &str) -> Launched {
        Launched { name: name(text), job: Job::Start, about: None, found: false }
    }

    #[test]
    fn what_is_over_is_not_found_again() {
        let watched = Watched { pid: 7, started: Time::default(), leader: true };
        let past = Past::of(
            vec![
                Record::Life("x".into()),
                Record::Run(RunId(1), launched("web")),
                Record::Process(RunId(1), watched),
                Record::Run(RunId(2), launched("db")),
                Record::Over(RunId(1)),
                Record::Service(name("db"), Box::default()),
                Record::Service(name("web"), Box::default()),
                Record::Gone(name("web")),
            ],
            "x",
        )
        .unwrap();
        assert_eq!(past.runs.keys().collect::<Vec<_>>(), [&RunId(2)]);
        assert_eq!(past.memories.keys().collect::<Vec<_>>(), [&name("db")]);
        assert_eq!(past.last_run, RunId(2));
    }

    #[test]
    fn a_boot_is_gone_on_with_until_it_is_over() {
        let boots = |records: &[bool]| {
            let life = [Record::Life("x".into())].into_iter();
            Past::of(life.chain(records.iter().copied().map(Record::Boots)).collect(), "x").unwrap().boots
        };
        assert!(boots(&[true]) && !boots(&[true, false]) && !boots(&[]));
    }

    #[test]
    fn another_life_of_the_machine_is_no_past() {
        assert!(Past::of(vec![Record::Life("x".into())], "y").is_none());
        assert!(Past::of(vec![Record::Over(RunId(1))], "y").is_none());
        assert!(Past::of(Vec::new(), "y").is_none());
    }
}
