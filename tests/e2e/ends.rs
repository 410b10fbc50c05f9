//! How a daemon ended that was not yet the keeper's child when it was found.

use std::fs;
use std::process::Command;

use svc::wire::StateName;
use svc_platform::process;

use crate::harness::{Daemon, rounds, shell, signal, until};

const ROUNDS: usize = 20;

/// The daemon's parent goes away only when the daemon has long been found; its children are many, so that whoever reaps
/// them all is busy for a while when they die with it. A slow machine makes fewer, and is as busy with them.
const LAUNCH: &str = r#"
rm -f {dir}/pid {dir}/found
(
    {setsid} sh -c 'i=0; late=$(($(date +%s) + 10))
        while [ $i -lt 20 ] && [ $(date +%s) -lt $late ]; do
            for n in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done
            i=$((i+1))
        done
        echo $$ >{dir}/pid; wait' &
    until [ -e {dir}/found ]; do sleep 0.01; done
) &
until [ -s {dir}/pid ]; do sleep 0.01; done
"#;

fn dies_again_and_again(flags: &[&'static str]) {
    let mut daemon = Daemon::new(flags);
    let restart = "[restart]\nwhen = \"never\"\n";
    daemon.define("web", &format!("kind = \"forking\"\npid-file = \"{{dir}}/pid\"\n{}{restart}", shell(LAUNCH)));
    daemon.start();
    let (_, keeper) = daemon.pids();
    for round in rounds(ROUNDS) {
        daemon.up("web");
        let main = daemon.pid("web");
        assert_eq!(main, daemon.pid_in("pid"));
        assert_ne!(process::facts(main).unwrap().parent, keeper, "its parent is gone too soon");
        fs::write(daemon.path("found"), "").unwrap();
        until("it is the keeper's", || process::facts(main).ok().filter(|facts| facts.parent == keeper));
        let group = format!("-{main}");
        assert!(Command::new("kill").args(["-9", "--", &group]).status().unwrap().success());
        daemon.until_state("web", StateName::Failed);
        let exit = daemon.status("web").last_exit;
        assert_eq!(exit.as_deref(), Some("ended by signal KILL"), "round {round}");
    }
}

#[test]
fn how_a_daemon_ended_is_known_though_it_was_adopted_after_it_was_found() {
    dies_again_and_again(&[]);
}

#[test]
fn the_same_without_cgroups() {
    dies_again_and_again(&["--no-cgroup"]);
}

#[test]
fn how_a_daemon_ended_is_known_though_its_parent_does_not_ask() {
    let launch = r#"
        (sh -c 'sleep 1000 & echo $! >{dir}/new; mv {dir}/new {dir}/pid; exec sleep 1000' &)
        until [ -s {dir}/pid ]; do sleep 0.01; done
    "#;
    let mut daemon = Daemon::new(&[]);
    let rest = "[restart]\nwhen = \"never\"\n[stop]\ntimeout = \"1s\"\n";
    daemon.define("web", &format!("kind = \"forking\"\npid-file = \"{{dir}}/pid\"\n{}{rest}", shell(launch)));
    daemon.start();
    daemon.up("web");
    let main = daemon.pid("web");
    assert_eq!(main, daemon.pid_in("pid"));
    signal(main, 9);
    daemon.until_state("web", StateName::Failed);
    assert_eq!(daemon.status("web").last_exit.as_deref(), Some("ended by signal KILL"));
}
