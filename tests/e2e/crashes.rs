//! Deaths: of services, of the manager, of the logger, of the keeper.

use svc::wire::StateName;
use svc_platform::process;

use crate::harness::{Daemon, lives, shell, signal, until, until_through};

#[test]
fn a_crash_is_seen_and_repaired() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"")]);
    daemon.up("web");
    let first = daemon.pid("web");
    signal(first, 9);
    let second = until("another process", || daemon.summary("web").pid.filter(|pid| *pid != first));
    assert!(lives(second));
    let status = daemon.status("web");
    assert_eq!(status.restarts, 1);
    assert_eq!(status.last_exit.as_deref(), Some("ended by signal KILL"));
}

#[test]
fn a_service_that_keeps_failing_is_given_up() {
    let text = "command = \"sh -c 'exit 7'\"\n[restart]\nwhen = \"always\"\ndelay = \"1ms\"\nlimit = 3";
    let daemon = Daemon::with(&[("bad", text)]);
    daemon.ask(&svc::wire::Request::Start(crate::harness::target("bad")));
    let summary = daemon.until_state("bad", StateName::Failed);
    assert!(summary.reason.contains("code 7"), "{}", summary.reason);
}

#[test]
fn killing_the_manager_touches_no_service_and_loses_no_end() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\""), ("db", "command = \"sleep 1000\"")]);
    daemon.up("web");
    daemon.up("db");
    let (web, db) = (daemon.pid("web"), daemon.pid("db"));
    daemon.replace_manager();
    assert_eq!((daemon.pid("web"), daemon.pid("db")), (web, db));
    signal(web, 9);
    until("the end is seen by the new manager", || daemon.summary("web").pid.filter(|pid| *pid != web));
    // Now one that ends while there is no manager.
    let (manager, _) = daemon.pids();
    signal(manager, 9);
    signal(db, 15);
    until("a new manager", || Some(daemon.pids()).filter(|(pid, _)| *pid != manager));
    until("the end that nobody saw", || daemon.status("db").last_exit.filter(|exit| exit == "ended by signal TERM"));
}

/// Returns when the new manager answers.
fn renew(daemon: &Daemon) {
    let renew = std::process::Command::new(env!("CARGO_BIN_EXE_svc"))
        .arg("--socket")
        .arg(daemon.path("control"))
        .arg("renew")
        .output()
        .unwrap();
    assert!(renew.status.success() && renew.stdout.is_empty() && renew.stderr.is_empty(), "{renew:?}");
}

#[test]
fn a_renewed_manager_is_another_and_the_services_are_the_same() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"")]);
    daemon.up("web");
    let (web, (manager, keeper)) = (daemon.pid("web"), daemon.pids());
    renew(&daemon);
    let (new, same) = daemon.pids();
    assert!(new != manager && same == keeper && !lives(manager));
    assert_eq!(daemon.pid("web"), web);
    assert_eq!(daemon.said(), "svcd: 1 runs of the manager before were taken over\n");
    daemon.down("web");
    assert!(!lives(web));
}

#[test]
fn a_renewal_replaces_the_logger_too_and_no_line_is_lost() {
    const LINES: usize = 400;
    let script = "i=0; while [ $i -lt 400 ]; do i=$((i+1)); printf 'line '; echo $i; sleep 0.005; done; sleep 1000";
    let daemon = Daemon::with(&[("talker", &shell(script))]);
    daemon.up("talker");
    let (_, keeper) = daemon.pids();
    let logger = || logger_of(keeper);
    for count in [20, 100] {
        until("some lines", || (daemon.lines("talker").len() > count).then_some(()));
        let old = until("a logger", logger);
        renew(&daemon);
        until("another logger", || logger().filter(|pid| *pid != old));
    }
    let lines = until_last(&daemon, &format!("line {LINES}"));
    assert_eq!(lines, (1..=LINES).map(|number| format!("line {number}")).collect::<Vec<_>>());
}

#[test]
fn a_stop_that_was_under_way_goes_on_with_the_next_manager() {
    let script = "trap '' TERM\necho deaf > {dir}/deaf\nwhile :; do sleep 0.1; done";
    let text = format!("{}[stop]\ntimeout = \"1s\"", shell(script));
    let mut daemon = Daemon::new(&[]);
    daemon.define("deaf", &text);
    daemon.start();
    daemon.up("deaf");
    until("it is deaf", || daemon.read("deaf"));
    let pid = daemon.pid("deaf");
    let mut stop = crate::harness::target("deaf");
    stop.no_wait = true;
    daemon.ask(&svc::wire::Request::Stop(stop));
    daemon.replace_manager();
    daemon.until_state("deaf", StateName::Down);
    assert!(!lives(pid));
}

/// All lines of the talker, once it has said the last.
fn until_last(daemon: &Daemon, last: &str) -> Vec<String> {
    until_through("the last line", || {
        let lines = daemon.lines("talker");
        if lines.last().is_some_and(|line| line == last) { Ok(lines) } else { Err(lines.len()) }
    })
}

fn logger_of(keeper: i32) -> Option<i32> {
    let children = process::list().unwrap().into_iter().filter_map(|pid| process::facts(pid).ok());
    let mut loggers = children.filter(|facts| facts.parent == keeper && facts.command().contains("logger"));
    loggers.next().map(|facts| facts.pid)
}

#[test]
fn killing_the_logger_loses_no_line() {
    let text =
        "command = \"sh -c 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo line $i; sleep 0.005; done; sleep 1000'\"";
    let daemon = Daemon::with(&[("talker", text)]);
    daemon.up("talker");
    let (_, keeper) = daemon.pids();
    let logger = || logger_of(keeper);
    for count in [20, 100] {
        until("some lines", || (daemon.lines("talker").len() > count).then_some(()));
        let old = until("a logger", logger);
        signal(old, 9);
        until("another logger", || logger().filter(|pid| *pid != old));
    }
    let lines = until_last(&daemon, "line 300");
    // What a killed logger had read and not written is lost with it, one read at most each time.
    assert!(lines.len() >= 298, "{} of 300 lines", lines.len());
}

#[test]
fn without_its_keeper_the_daemon_finds_another_and_every_run_again() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\""), ("db", "command = \"sleep 1000\"")]);
    daemon.up("web");
    let web = daemon.pid("web");
    let (_, keeper) = daemon.pids();
    signal(keeper, 9);
    until("another keeper", || Some(daemon.pids()).filter(|(_, pid)| *pid != keeper && lives(*pid)));
    assert_eq!(daemon.pid("web"), web);
    daemon.up("db");
    signal(web, 9);
    until("the end of an orphan", || daemon.summary("web").pid.filter(|pid| *pid != web));
    daemon.down("web");
    daemon.down("db");
}

#[test]
fn killing_all_of_the_daemon_loses_nothing_either() {
    let mut daemon = Daemon::new(&[]);
    daemon.define("web", "command = \"sleep 1000\"");
    daemon.start();
    daemon.up("web");
    let web = daemon.pid("web");
    let (manager, keeper) = daemon.pids();
    // The manager first: it would take the keeper's place.
    signal(keeper, 19);
    signal(manager, 9);
    signal(keeper, 9);
    until("both are gone", || (!lives(manager) && !lives(keeper)).then_some(()));
    assert!(lives(web));
    daemon.start();
    assert_eq!(daemon.pid("web"), web);
    daemon.down("web");
    assert!(!lives(web));
}
