//! Everything is being stopped, and svcd itself is killed meanwhile: the end comes all the same.

use svc::wire::{Request, StateName, Then};
use svc_core::Answer;
use svc_platform::process;

use crate::harness::{Daemon, lives, shell, signal, target, until};

const KILL: i32 = 9;
const TERM: i32 = 15;
const STOP: i32 = 19;

/// Says that it was told to end, and ends when it may.
const SLOW: &str = "trap 'echo > {dir}/told; while [ ! -e {dir}/may ]; do sleep 0.05; done; exit 0' TERM
    echo > {dir}/ready
    while :; do sleep 0.05; done";

/// A daemon with a service that takes its time to end, and one that ends first.
fn daemon() -> Daemon {
    let mut daemon = Daemon::new(&[]);
    daemon.define("slow", &shell(SLOW));
    daemon.define("quick", "command = \"sleep 1000\"\nrequires = [\"slow\"]");
    daemon.start();
    daemon.up("quick");
    until("it hears signals", || daemon.read("ready"));
    daemon
}

/// Keeper, manager and logger.
fn processes(daemon: &Daemon) -> Vec<i32> {
    let (_, keeper) = daemon.pids();
    let is_svcd = |pid: i32| process::program(pid).is_ok_and(|path| path.ends_with("svcd"));
    let all = process::list().unwrap().into_iter().filter_map(|pid| process::facts(pid).ok());
    let ours = all.filter(|facts| facts.pid == keeper || (facts.parent == keeper && is_svcd(facts.pid)));
    ours.filter(|facts| !facts.is_zombie()).map(|facts| facts.pid).collect()
}

/// Nothing came back, and nothing of svcd is left once the slow one may end.
fn is_over(daemon: &Daemon, slow: i32) {
    assert!(lives(slow), "it has not been allowed to end");
    let all = processes(daemon);
    std::fs::write(daemon.path("may"), "").unwrap();
    until("svcd has ended", || all.iter().all(|pid| !lives(*pid)).then_some(()));
    assert!(!lives(slow));
    let journal = std::fs::read_dir(daemon.path("run")).unwrap().flatten().find(|entry| entry.file_name() == "journal");
    assert!(journal.is_none(), "the next svcd would take this end for its own");
}

#[test]
fn an_end_that_was_asked_for_goes_on_with_the_next_manager() {
    let daemon = daemon();
    let slow = daemon.pid("slow");
    assert!(matches!(daemon.ask(&Request::Shutdown { then: Then::Exit, kill: false }), svc::wire::Reply::ShuttingDown));
    until("it is told to end", || daemon.read("told"));
    for _ in 0..2 {
        daemon.replace_manager();
        let Answer::Failed(text) = daemon.outcome(&Request::Start(target("quick"))).answer else { panic!("started") };
        assert!(text.contains("everything is being stopped, asked by "), "{text}");
        assert_ne!(daemon.summary("quick").state, StateName::Up);
    }
    assert!(daemon.said().contains("going on with stopping everything, asked by "), "{}", daemon.said());
    is_over(&daemon, slow);
}

#[test]
fn an_end_that_was_asked_for_goes_on_without_the_keeper_too() {
    let daemon = daemon();
    let slow = daemon.pid("slow");
    daemon.ask(&Request::Shutdown { then: Then::Exit, kill: false });
    until("it is told to end", || daemon.read("told"));
    let (manager, keeper) = daemon.pids();
    signal(keeper, KILL);
    until("another manager", || Some(daemon.pids()).filter(|pids| pids.0 != manager && pids.1 != keeper));
    assert_ne!(daemon.summary("quick").state, StateName::Up);
    is_over(&daemon, slow);
}

#[test]
fn a_signal_to_end_is_not_lost_with_the_manager_that_was_told_of_it() {
    let daemon = daemon();
    let slow = daemon.pid("slow");
    let (manager, keeper) = daemon.pids();
    signal(manager, STOP);
    signal(keeper, TERM);
    let told = || process::facts(keeper).is_ok_and(|facts| facts.state != 'R');
    until("the keeper has nothing to do", || told().then_some(()));
    signal(manager, KILL);
    until("it is told to end", || daemon.read("told"));
    is_over(&daemon, slow);
}

#[test]
fn a_signal_to_all_of_svcd_is_one_to_its_keeper() {
    let daemon = daemon();
    let slow = daemon.pid("slow");
    let (manager, keeper) = daemon.pids();
    let all = processes(&daemon);
    assert!(all.len() >= 3 && all.contains(&manager) && all.contains(&keeper), "{all:?}");
    all.iter().for_each(|pid| signal(*pid, TERM));
    until("it is told to end", || daemon.read("told"));
    assert_eq!(daemon.pids(), (manager, keeper), "nobody ended for it");
    is_over(&daemon, slow);
}
