//! What services cost the daemon's own processes.

use svc::wire::{Request, Target};
use svc_platform::process;

use crate::harness::{Daemon, skipped, until};

const SERVICES: u64 = 400;
/// What one that runs may cost keeper, manager and logger together, in bytes: twice what it does, since how much of its
/// heap a process can give back depends on what came when.
const BYTES_MAX: u64 = 6000;

/// Kibibytes that are a process's own and come from no file.
fn own(pid: i32) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    text.lines().find_map(|line| line.strip_prefix("Anonymous:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// The same of keeper, manager and logger.
fn all(daemon: &Daemon) -> Option<u64> {
    let (manager, keeper) = daemon.pids();
    let is_child = |pid: &i32| process::facts(*pid).is_ok_and(|facts| facts.parent == keeper && facts.name == "svcd");
    let logger = process::list().ok()?.into_iter().filter(is_child).find(|pid| *pid != manager)?;
    Some([keeper, manager, logger].into_iter().filter_map(own).sum())
}

#[test]
fn a_running_service_costs_few_kibibytes() {
    if own(std::process::id() as i32).is_none() {
        return skipped("what services cost", "this system does not tell what is a process's own");
    }
    let few = Daemon::with(&[("s0", "command = \"sleep 1000\"")]);
    few.up("s0");
    let mut many = Daemon::new(&[]);
    (0..SERVICES).for_each(|n| many.define(&format!("s{n}"), "command = \"sleep 1000\""));
    many.start();
    many.ask(&Request::Start(Target { names: vec!["s*".into()], ..Target::default() }));
    let each = || Some(all(&many)?.saturating_sub(all(&few)?) * 1024 / SERVICES);
    // What a start takes beside goes back when it is over.
    until(&format!("each costs at most {BYTES_MAX} bytes, not {:?}", each()), || {
        each().filter(|each| *each <= BYTES_MAX)
    });
}
