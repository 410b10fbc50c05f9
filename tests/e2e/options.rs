//! Options of verbs and ways to name services, by svc itself at a real svcd.

use std::fs;
use std::process::Command;

use svc::wire::StateName;

use crate::harness::{Daemon, lives, shell};

/// The exit code, what was printed, and what was said.
fn svc(daemon: &Daemon, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    let output = command.arg("--socket").arg(daemon.path("control")).args(words).env("NO_COLOR", "1").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// One that is ready once the file `go` is there.
fn slow() -> Daemon {
    let text = "ready = \"command test -e {dir}/go\"\nstart-timeout = \"10min\"\ncommand = \"sleep 1000\"";
    let mut daemon = Daemon::new(&[]);
    daemon.define("slow", text);
    daemon.start();
    daemon
}

/// `web` and `work` require `db`; `mail` has nothing to do with them.
fn shop() -> Daemon {
    let plain = shell("exec sleep 1000");
    let above = format!("requires = [\"db\"]\n{plain}");
    let daemon = Daemon::with(&[("db", &plain), ("web", &above), ("work", &above), ("mail", &plain)]);
    assert_eq!(svc(&daemon, &["web", "work", "mail", "start"]), (0, String::new(), String::new()));
    daemon
}

fn states(daemon: &Daemon) -> String {
    let is_up = |name: &&str| daemon.summary(name).state == StateName::Up;
    ["db", "web", "work", "mail"].into_iter().filter(is_up).collect::<Vec<_>>().join(" ")
}

#[test]
fn who_does_not_wait_is_answered_while_it_starts() {
    let daemon = slow();
    let (code, _, err) = svc(&daemon, &["slow", "start", "--no-wait"]);
    assert_eq!((code, err.as_str()), (0, ""));
    daemon.until_state("slow", StateName::Starting);
    fs::write(daemon.path("go"), "").unwrap();
    daemon.until_state("slow", StateName::Up);
}

#[test]
fn who_waits_no_longer_is_told_so_and_cancels_nothing() {
    let daemon = slow();
    let (code, out, err) = svc(&daemon, &["slow", "start", "--timeout", "300ms"]);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("300 ms") && err.contains("goes on"), "{err}");
    daemon.until_state("slow", StateName::Starting);
    fs::write(daemon.path("go"), "").unwrap();
    daemon.until_state("slow", StateName::Up);
    assert_eq!(svc(&daemon, &["slow", "start", "--timeout", "5min"]).0, 0);
}

#[test]
fn only_leaves_what_requires_it_alone() {
    let daemon = shop();
    let (db, web, work) = (daemon.pid("db"), daemon.pid("web"), daemon.pid("work"));
    assert_eq!(svc(&daemon, &["db", "restart", "--only"]).0, 0);
    assert_eq!((daemon.pid("web"), daemon.pid("work")), (web, work), "nobody restarted these");
    assert!(!lives(db) && daemon.pid("db") != db);
    assert_eq!(svc(&daemon, &["stop", "--only", "db"]).0, 0);
    assert_eq!(states(&daemon), "web work mail");
    assert_eq!(daemon.pid("web"), web);
    assert_eq!(svc(&daemon, &["db", "start"]).0, 0);
    assert_eq!(svc(&daemon, &["db", "restart"]).0, 0);
    daemon.until_state("web", StateName::Up);
    assert!(!lives(web), "without it they are");
}

#[test]
fn a_pattern_means_all_that_it_matches_and_one_that_matches_nothing_is_an_error() {
    let daemon = shop();
    assert_eq!(svc(&daemon, &["w*", "stop"]).0, 0);
    // Nobody needs the database any more, and nobody asked for it.
    daemon.until_state("db", StateName::Down);
    assert_eq!(states(&daemon), "mail");
    assert_eq!(svc(&daemon, &["start", "w[eo]?", "mail"]).0, 0);
    assert_eq!(states(&daemon), "db web mail");
    let (code, _, err) = svc(&daemon, &["stop", "x*"]);
    assert!(code == 5 && err.contains("x*"), "{code}: {err}");
    assert_eq!(states(&daemon), "db web mail");
}

#[test]
fn of_several_names_one_that_is_unknown_stops_the_whole_request() {
    let daemon = shop();
    assert_eq!(svc(&daemon, &["stop", "web", "work", "mail"]).0, 0);
    daemon.until_state("db", StateName::Down);
    let (code, _, err) = svc(&daemon, &["start", "mail", "wbe"]);
    assert!(code == 5 && err.contains("wbe") && err.contains("did you mean web"), "{code}: {err}");
    assert_eq!(states(&daemon), "", "all or nothing");
    assert_eq!(svc(&daemon, &["mail", "web", "start"]), (0, String::new(), String::new()));
    assert_eq!(states(&daemon), "db web mail");
    // A status is of each, whatever the others are.
    let (code, out, err) = svc(&daemon, &["web", "nosuch", "work", "status"]);
    assert!(code == 4 && out.contains("web (process)") && out.contains("work (process)"), "{code}: {out}");
    assert!(err.contains("nosuch"), "{err}");
}
