//! Definitions put in force in the place of scripts while their daemons run, and taken back to the letter.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use svc::wire::StateName;
use svc_platform::host;

use crate::harness::{Daemon, lives, signal, until};

const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          napper
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: naps
### END INIT INFO
case "$1" in
start)
    {setsid} {dir}/napperd 1000 </dev/null >/dev/null 2>&1 &
    echo $! >{dir}/napper.pid
    ;;
stop)
    kill "$(cat {dir}/napper.pid)"
    rm -f {dir}/napper.pid
    ;;
*)
    echo "usage: $0 start|stop"
    exit 3
    ;;
esac
"#;

/// A machine whose script runs already; definitions and scripts are also where svc looks for them below this root.
fn machine() -> (Daemon, i32) {
    let mut daemon = Daemon::new(&[]);
    fs::copy("/bin/sleep", daemon.path("napperd")).unwrap();
    daemon.script("napper", SCRIPT);
    let scripts = daemon.path(host::PLACES.scripts[0]);
    fs::create_dir_all(scripts.parent().unwrap()).unwrap();
    let up = "../".repeat(host::PLACES.scripts[0].matches('/').count());
    symlink(format!("{up}init.d"), scripts).unwrap();
    for (path, text) in [("bin/sh", "#!\n"), ("etc/passwd", "root:x:0:0::/:/bin/sh\n")] {
        let path = daemon.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    daemon.start();
    daemon.up("napper");
    let pid = daemon.pid("napper");
    (daemon, pid)
}

fn migrate(daemon: &Daemon, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    command.arg("migrate").args(line.split(' ')).arg("--root").arg(daemon.path(""));
    command.arg("--socket").arg(daemon.path("control")).stdin(Stdio::null()).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Carries it out, which must work.
fn done(daemon: &Daemon, line: &str) -> String {
    let output = migrate(daemon, line);
    assert!(output.status.success(), "{line}: {}\n{}", told(&output), daemon.said());
    told(&output)
}

/// Every file of definitions, to the letter.
fn definitions(daemon: &Daemon) -> BTreeMap<String, (Vec<u8>, u32, i64)> {
    let mut all = BTreeMap::new();
    for dir in ["services", "staged"].map(|name| daemon.path(name)) {
        walk(&dir, &mut all);
    }
    all
}

fn walk(dir: &Path, into: &mut BTreeMap<String, (Vec<u8>, u32, i64)>) {
    for path in fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let found = fs::metadata(&path).unwrap();
        let text = if found.is_dir() { Vec::new() } else { fs::read(&path).unwrap() };
        into.insert(path.to_string_lossy().into_owned(), (text, found.mode(), found.mtime_nsec()));
        walk(&path, into);
    }
}

#[test]
fn a_daemon_goes_on_while_its_definition_takes_the_place_of_its_script() {
    let (daemon, pid) = machine();
    let staged = done(&daemon, "--convert");
    assert!(staged.contains("1 definitions wait"), "{staged}");
    assert!(daemon.path("staged/napper.toml").exists() && !daemon.path("services/napper.toml").exists());
    assert_eq!(daemon.summary("napper").kind, "script");

    let switched = done(&daemon, "--convert napper --no-compare");
    assert!(switched.contains(&format!("pid {pid} goes on")) && switched.contains("command"), "{switched}");
    let now = daemon.summary("napper");
    assert_eq!((now.kind.as_str(), now.pid, now.state), ("process", Some(pid), StateName::Up));
    // A manager that takes over knows it as well.
    daemon.replace_manager();
    assert_eq!(daemon.pid("napper"), pid);
    // It is supervised now.
    signal(pid, 9);
    until("it is started again", || daemon.summary("napper").pid.filter(|next| *next != pid && lives(*next)));
    daemon.until_state("napper", StateName::Up);
    let next = daemon.pid("napper");
    daemon.down("napper");
    assert!(!lives(next));
}

#[test]
fn what_was_switched_goes_back_to_the_letter_and_the_daemon_goes_on() {
    let (daemon, pid) = machine();
    let before = definitions(&daemon);
    done(&daemon, "--convert --all --no-compare");
    assert_eq!(daemon.summary("napper").kind, "process");
    let undone = done(&daemon, "--undo napper");
    assert!(undone.contains(&format!("pid {pid} goes on")), "{undone}");
    let now = daemon.summary("napper");
    assert_eq!((now.kind.as_str(), now.pid, now.state), ("script", Some(pid), StateName::Up));
    done(&daemon, "--undo");
    assert_eq!(definitions(&daemon), before);
    assert!(!daemon.path("staged").exists());
    daemon.down("napper");
    assert!(!lives(pid));
}

#[test]
fn what_the_definition_started_is_started_anew_by_the_script() {
    let (daemon, pid) = machine();
    done(&daemon, "--convert napper --no-compare");
    daemon.down("napper");
    daemon.up("napper");
    let by_definition = daemon.pid("napper");
    assert!(by_definition != pid && !lives(pid));
    let undone = done(&daemon, "--undo");
    assert!(undone.contains("anew"), "{undone}");
    let now = daemon.until_state("napper", StateName::Up);
    assert_eq!(now.kind, "script");
    assert!(!lives(by_definition) && lives(now.pid.unwrap()));
    daemon.down("napper");
}

#[test]
fn a_service_that_was_stopped_to_go_back_is_up_again_where_its_script_cannot_come_into_force() {
    let (daemon, _) = machine();
    done(&daemon, "--convert napper --no-compare");
    daemon.down("napper");
    daemon.up("napper");
    let by_definition = daemon.pid("napper");
    fs::create_dir(daemon.path("services/napper.d")).unwrap();
    fs::write(daemon.path("services/napper.d/odd.toml"), "no-such-key = 1\n").unwrap();
    let output = migrate(&daemon, "--undo napper");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let said = told(&output);
    assert!(said.contains("no-such-key") && said.contains("; it was started again"), "{said}");
    let now = daemon.until_state("napper", StateName::Up);
    assert!(!lives(by_definition) && lives(now.pid.unwrap()));
    daemon.down("napper");
}

#[test]
fn what_somebody_wrote_is_not_written_over() {
    let (daemon, pid) = machine();
    let own = "command = \"/bin/true\"\n";
    daemon.define("napper", own);
    // The places of the machine are also below its root.
    let place = daemon.path(host::PLACES.definitions[0]);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    symlink(daemon.path("services"), place).unwrap();
    let refused = done(&daemon, "--convert --all --no-compare");
    assert!(refused.contains("served"), "{refused}");
    assert_eq!(daemon.read("services/napper.toml").as_deref(), Some(own));
    fs::remove_file(daemon.path("services/napper.toml")).unwrap();

    done(&daemon, "--convert");
    let waits = daemon.read("staged/napper.toml").unwrap();
    let edited = waits.replacen("command", "nice = 3\ncommand", 1);
    fs::write(daemon.path("staged/napper.toml"), &edited).unwrap();
    let staged = done(&daemon, "--convert");
    assert!(staged.contains("was edited"), "{staged}");
    done(&daemon, "--convert napper --no-compare");
    assert_eq!(daemon.read("services/napper.toml"), Some(edited));
    assert_eq!(daemon.pid("napper"), pid);
}

#[test]
fn what_svcd_does_not_take_is_a_script_again_at_once() {
    let (daemon, pid) = machine();
    fs::create_dir(daemon.path("services/napper.d")).unwrap();
    fs::write(daemon.path("services/napper.d/odd.toml"), "pid-file = \"/run/x\"\n").unwrap();
    let output = migrate(&daemon, "--convert napper --no-compare");
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("script again"), "{}", told(&output));
    assert!(!daemon.path("services/napper.toml").exists());
    assert_eq!(daemon.pid("napper"), pid);
}
