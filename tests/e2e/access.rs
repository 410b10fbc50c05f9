//! Users without rights, users with some: what they may do, what they are told, and what is written down of it.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use svc::wire::StateName;

use crate::harness::{Daemon, is_root, until};

/// Users that no machine has.
const DEPLOY: u32 = 61_001;
const OTHER: u32 = 61_002;
const GROUP: u32 = 61_100;

const WEB: &str = "\
command = \"sleep 1000\"
[environment]
SECRET = \"hidden\"
[verbs]
whoami = \"id -u\"
[access]
users = [61001]
groups = 61100
";
const DB: &str = "command = \"sleep 1000\"\n[access]\nusers = \"61001\"\nverbs = [\"stop\", \"enable\"]\n";

fn daemon() -> Option<Daemon> {
    if !is_root("clients of other users") {
        return None;
    }
    let daemon = Daemon::with(&[("web", WEB), ("db", DB), ("own", "command = \"sleep 1000\"\nuser = \"61002\"\n")]);
    std::fs::set_permissions(daemon.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Where a stranger can reach it.
    std::fs::copy(env!("CARGO_BIN_EXE_svc"), daemon.path("svc")).unwrap();
    Some(daemon)
}

/// What a user is answered: code, and both streams.
fn ask(daemon: &Daemon, uid: u32, gid: u32, words: &[&str]) -> (i32, String) {
    let mut command = Command::new(daemon.path("svc"));
    command.arg("--socket").arg(daemon.path("control")).args(words).uid(uid).gid(gid);
    // Another test that forks just now has the copy open for writing until it executes.
    let output = until("the copy of svc can be run", || match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => None,
        other => Some(other.unwrap()),
    });
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8(text).unwrap())
}

#[test]
fn who_is_named_may_operate_a_service_and_no_other() {
    let Some(daemon) = daemon() else { return };
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["web", "start"]), (0, String::new()));
    daemon.until_state("web", StateName::Up);
    assert_eq!(ask(&daemon, OTHER, GROUP, &["web", "restart"]).0, 0, "a member of the group");
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["web", "whoami"]), (0, "0\n".into()), "a verb runs as its service");
    assert!(ask(&daemon, DEPLOY, DEPLOY, &["log", "web"]).1.contains('0'));
    let (code, said) = ask(&daemon, DEPLOY, DEPLOY, &["cat", "web"]);
    assert!(code == 0 && said.contains("hidden") && said.contains("web.toml:3)"), "{said}");
    let (code, said) = ask(&daemon, DEPLOY, DEPLOY, &["db", "start"]);
    assert!(code == 4 && said.contains("have \"start\" (") && said.contains("db.toml:4)"), "{said}");
    let (code, said) = ask(&daemon, OTHER, OTHER, &["web", "stop"]);
    assert!(code == 4 && said.contains("user 61002 may not stop web"), "{said}");
    assert!(said.contains("`users` or `groups` in [access] of ") && said.contains("web.toml name them"), "{said}");
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["web", "enable"]).0, 4);
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["web", "db", "restart"]).0, 4, "all of them or none");
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["load"]).0, 4);
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["shutdown"]).0, 4);
    daemon.until_state("web", StateName::Up);
}

#[test]
fn who_a_service_runs_as_may_operate_it() {
    let Some(daemon) = daemon() else { return };
    assert_eq!(ask(&daemon, OTHER, OTHER, &["own", "start"]), (0, String::new()));
    assert_eq!(ask(&daemon, OTHER, OTHER, &["own", "disable"]).0, 4);
    assert_eq!(ask(&daemon, DEPLOY, DEPLOY, &["own", "stop"]).0, 4);
}

#[test]
fn lines_and_values_are_for_those_who_may_see_them() {
    let Some(daemon) = daemon() else { return };
    daemon.up("web");
    ask(&daemon, 0, 0, &["web", "whoami"]);
    assert!(ask(&daemon, DEPLOY, DEPLOY, &["status", "web"]).1.contains(" 0\n"));
    let (code, said) = ask(&daemon, OTHER, OTHER, &["status", "web"]);
    assert!(code == 0 && !said.contains(" 0\n"), "{said}");
    assert_eq!(ask(&daemon, OTHER, OTHER, &["cat", "web"]).0, 4);
    assert_eq!(ask(&daemon, OTHER, OTHER, &["log", "--audit"]).0, 4);
}

#[test]
fn who_asked_for_what_and_what_became_of_it_is_written_down() {
    let Some(daemon) = daemon() else { return };
    ask(&daemon, DEPLOY, DEPLOY, &["web", "start"]);
    ask(&daemon, OTHER, OTHER, &["web", "stop"]);
    ask(&daemon, 0, 0, &["list"]);
    daemon.replace_manager();
    ask(&daemon, 0, 0, &["web", "stop"]);
    let audit = || ask(&daemon, 0, 0, &["log", "--audit", "-n", "9"]).1;
    let last = "asked=\"stop web\" result=\"web: done\"";
    let lines = until("the last line", || Some(audit()).filter(|text| text.contains(last)));
    let line = |part: &str| {
        let found: Vec<&str> = lines.lines().filter(|line| line.contains(part)).collect();
        assert_eq!(found.len(), 1, "{part}: {lines}");
        found[0].to_owned()
    };
    let start = line("asked=\"start web\"");
    assert!(start.contains("uid=61001 pid=") && start.contains("web start\""), "{start}");
    assert!(start.ends_with("result=\"web: done\""), "{start}");
    assert!(line("uid=61002").contains("asked=\"stop web\" result=\"denied: user 61002 may not stop web; "));
    assert!(line("user=root uid=0").contains("asked=\"stop web\" result=\"web: done\""));
    assert!(!lines.contains("list"), "{lines}");
}
