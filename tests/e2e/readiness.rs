//! Every way to be ready.

use std::fs;

use svc::wire::{Request, StateName};

use crate::harness::{Daemon, PATIENCE, actor, lives, shell, signal, target, until};

fn started(daemon: &Daemon, name: &str) {
    let mut start = target(name);
    start.no_wait = true;
    daemon.ask(&Request::Start(start));
}

/// A service that is ready only when the file `go` is there.
fn waits_for_go(text: &str, waits: &str) {
    let mut daemon = Daemon::new(&[]);
    daemon.define("web", text);
    daemon.start();
    started(&daemon, "web");
    daemon.until_state("web", StateName::Starting);
    let why = || daemon.status("web").why.remove(0);
    let (told, waits) = (why(), daemon.filled(waits));
    assert!(told.starts_with(&format!("web is starting: {waits}, for ")) && told.ends_with(" of 90 s"), "{told}");
    daemon.replace_manager();
    assert_eq!(daemon.summary("web").state, StateName::Starting);
    let told = why();
    assert!(told.contains(&waits) && told.contains(" of 90 s (") && told.ends_with(" in all)"), "{told}");
    fs::write(daemon.path("go"), "\n").unwrap();
    daemon.until_state("web", StateName::Up);
    daemon.down("web");
}

#[test]
fn by_a_newline_on_a_descriptor_also_to_the_next_manager() {
    let script = "until [ -e {dir}/go ]; do sleep 0.02; done\necho >&4\nexec sleep 1000";
    waits_for_go(&format!("ready = \"notify-fd 4\"\n{}", shell(script)), "waits for a line on its descriptor 4");
}

#[test]
fn by_a_pid_file() {
    let script = "until [ -e {dir}/go ]; do sleep 0.02; done\necho $$ > {dir}/pid\nexec sleep 1000";
    waits_for_go(&format!("ready = \"pid-file {{dir}}/pid\"\n{}", shell(script)), "waits for its pid in {dir}/pid");
}

#[test]
fn by_a_command() {
    let text = "ready = \"command test -e {dir}/go\"\ncommand = \"sleep 1000\"";
    waits_for_go(text, "waits for its ready command to succeed");
}

#[test]
fn by_a_port_and_by_a_socket() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut daemon = Daemon::new(&[]);
    daemon.define("tcp", &format!("ready = \"tcp {free}\"\n{}ADDRESS = \"{free}\"", actor("tcp")));
    daemon.define("unix", &format!("ready = \"unix {{dir}}/socket\"\n{}ADDRESS = \"{{dir}}/socket\"", actor("unix")));
    let once = "command = \"sleep 1000\"\n[restart]\nwhen = \"never\"";
    daemon.define("never", &format!("ready = \"unix {{dir}}/never\"\nstart-timeout = \"300ms\"\n{once}"));
    daemon.start();
    daemon.up("tcp");
    daemon.up("unix");
    assert!(std::net::TcpStream::connect(free).is_ok());
    let answer = daemon.outcome(&Request::Start(target("never"))).answer;
    assert!(matches!(answer, svc_core::Answer::Failed(_)), "{answer:?}");
}

#[test]
fn by_sd_notify_with_everything_it_can_say() {
    let mut daemon = Daemon::new(&[]);
    daemon
        .define("web", &format!("ready = \"sd-notify\"\nwatchdog = \"30s\"\n{}DIR = \"{{dir}}\"", actor("sd-notify")));
    daemon.start();
    started(&daemon, "web");
    until("its first words", || daemon.status("web").said.filter(|said| said == "warming up"));
    assert_eq!(daemon.summary("web").state, StateName::Starting);
    daemon.replace_manager();
    fs::write(daemon.path("go"), "\n").unwrap();
    daemon.until_state("web", StateName::Up);
    until("its next words", || daemon.status("web").said.filter(|said| said == "serving"));
    let first = daemon.pid("web");
    fs::write(daemon.path("say"), "WATCHDOG=trigger\n").unwrap();
    until("it is restarted", || daemon.summary("web").pid.filter(|pid| *pid != first));
    assert!(!lives(first));
}

#[test]
fn a_watchdog_that_is_not_fed_bites() {
    let mut daemon = Daemon::new(&[]);
    daemon.define(
        "web",
        &format!("ready = \"sd-notify\"\nwatchdog = \"200ms\"\n{}DIR = \"{{dir}}\"", actor("sd-notify")),
    );
    fs::write(daemon.path("go"), "\n").unwrap();
    daemon.start();
    started(&daemon, "web");
    // It bites at any moment, also before anybody has seen who was up.
    until("it is restarted", || (daemon.status("web").restarts > 0).then_some(()));
}

#[test]
fn a_start_that_takes_too_long_is_ended() {
    let daemon = Daemon::with(&[(
        "slow",
        "ready = \"notify-fd 3\"\nstart-timeout = \"200ms\"\ncommand = \"sleep 1000\"\n[restart]\nwhen = \"never\"",
    )]);
    let begun = std::time::Instant::now();
    let answer = daemon.outcome(&Request::Start(target("slow"))).answer;
    assert!(matches!(answer, svc_core::Answer::Failed(_)), "{answer:?}");
    assert!(begun.elapsed() < PATIENCE, "its own limit counts, not the usual one");
}

#[test]
fn a_reload_reaches_the_main_process() {
    let script = "trap 'echo again >> {dir}/reloads' HUP\necho on > {dir}/on\nwhile :; do sleep 0.05; done";
    let daemon = Daemon::with(&[("web", &format!("reload = \"signal HUP\"\n{}", shell(script)))]);
    daemon.up("web");
    until("it listens", || daemon.read("on"));
    daemon.outcome(&Request::Reload(target("web")));
    until("it was told", || daemon.read("reloads").filter(|text| text == "again\n"));
    signal(daemon.pid("web"), 1);
    until("and again", || daemon.read("reloads").filter(|text| text.lines().count() == 2));
}

#[test]
fn a_main_process_that_had_given_its_place_away_and_has_it_again_is_missed_when_it_ends() {
    let program = std::env::current_exe().unwrap();
    let actor = format!("exec {} --exact actors::act --nocapture", program.display());
    let script = shell(&format!("sleep 1000 & echo $! > {{dir}}/child\n{actor}"));
    let mut daemon = Daemon::new(&[]);
    let once = "[restart]\nwhen = \"never\"\n[environment]\nACTOR = \"sd-notify\"\nDIR = \"{dir}\"\n";
    daemon.define("web", &format!("ready = \"sd-notify\"\n{script}{once}"));
    fs::write(daemon.path("go"), "\n").unwrap();
    daemon.start();
    daemon.up("web");
    let (first, child) = (daemon.pid("web"), daemon.pid_in("child"));
    for pid in [child, first, child, first] {
        fs::write(daemon.path("say"), format!("MAINPID={pid}\n")).unwrap();
        until("its word is taken", || (daemon.summary("web").pid == Some(pid)).then_some(()));
        daemon.replace_manager();
        until("the next manager knows", || (daemon.summary("web").pid == Some(pid)).then_some(()));
    }
    signal(first, 9);
    daemon.until_state("web", StateName::Failed);
    until("and what it left is ended", || (!lives(child)).then_some(()));
}
