//! Beside systemd: what that has a unit for is its own, and the scripts that it drops are ours.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use svc::wire::{Reply, Request, StateName, Then};
use svc_core::Answer;
use svc_platform::process;

use crate::harness::{Daemon, lives, signal, target, until};

const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          {name}
# Required-Start:    {after}
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
### END INIT INFO
DAEMON={dir}/{name}d
PIDFILE={dir}/{name}.pid
case "$1" in
start)
    echo {name} >>{dir}/calls
    {setsid} $DAEMON 1000 </dev/null >/dev/null 2>&1 &
    echo $! >$PIDFILE
    ;;
stop)
    kill "$(cat $PIDFILE)"
    rm -f $PIDFILE
    ;;
esac
"#;

/// A machine with systemd at work: it has a unit for `theirs` and one that it made of `made`, and none for the others.
fn machine() -> Daemon {
    let mut daemon = Daemon::new(&[]);
    // Scripts, links and units are where the machine's would be.
    symlink(".", daemon.path("etc")).unwrap();
    daemon.surround("set -- \"$@\" --root {dir} --boot");
    for (name, after, link) in [
        ("theirs", "", "rc2.d/S01theirs"),
        ("made", "", "rc2.d/S01made"),
        ("early", "", "rcS.d/S01early"),
        ("masked", "", "rc2.d/S01masked"),
        ("ours", "theirs masked", "rc2.d/S02ours"),
    ] {
        fs::copy("/bin/sleep", daemon.path(&format!("{name}d"))).unwrap();
        daemon.script(name, &SCRIPT.replace("{name}", name).replace("{after}", after));
        let link = daemon.path(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(format!("../init.d/{name}"), link).unwrap();
    }
    for unit in ["usr/lib/systemd/system/theirs.service", "run/systemd/generator.late/made.service"] {
        let unit = daemon.path(unit);
        fs::create_dir_all(unit.parent().unwrap()).unwrap();
        fs::write(unit, "[Service]\nExecStart=/bin/true\n").unwrap();
    }
    fs::create_dir_all(daemon.path("run/systemd/system")).unwrap();
    symlink("/dev/null", daemon.path("run/systemd/system/masked.service")).unwrap();
    daemon
}

/// Starts what systemd would have started.
fn begun_elsewhere(daemon: &Daemon) -> i32 {
    let line = daemon.filled("{setsid} {dir}/theirsd 1000 </dev/null >/dev/null 2>&1 &");
    assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    let program = daemon.path("theirsd");
    let runs = |pid: &i32| process::program(*pid).is_ok_and(|path| path == program);
    let pid = until("it runs", || process::list().unwrap().into_iter().find(runs));
    fs::write(daemon.path("theirs.pid"), format!("{pid}\n")).unwrap();
    pid
}

/// Tells the daemon to end, and waits until it has.
fn end(daemon: &Daemon) {
    let (_, keeper) = daemon.pids();
    assert_eq!(daemon.ask(&Request::Shutdown { then: Then::Exit, kill: false }), Reply::ShuttingDown);
    until("svcd ends", || (!lives(keeper)).then_some(()));
}

#[test]
fn a_boot_starts_what_systemd_drops_and_the_end_leaves_it_what_it_has() {
    let mut daemon = machine();
    let theirs = begun_elsewhere(&daemon);
    daemon.start();
    daemon.until_state("ours", StateName::Up);
    let ours = daemon.pid("ours");
    assert_eq!(daemon.read("calls").unwrap(), "ours\n");
    assert_eq!((daemon.summary("theirs").state, daemon.pid("theirs")), (StateName::Up, theirs));
    for (name, why) in [
        ("theirs", "systemd, which has a unit for it: /usr/lib/systemd/system/theirs.service"),
        ("made", "systemd, which has a unit for it: /run/systemd/generator.late/made.service"),
        ("masked", "systemd, which has a mask for it: /run/systemd/system/masked.service"),
        ("early", "systemd, which calls nothing of "),
    ] {
        assert!(!daemon.summary(name).enabled, "{name}");
        let by = daemon.status(name).enabled_by;
        assert!(by.starts_with(why), "{name}: {by}");
    }
    let told = format!("{:?}", daemon.ask(&Request::Check { names: vec!["ours".into()] }));
    assert!(
        told.contains("comes after theirs, which systemd starts") && told.contains("After=theirs.service"),
        "{told}"
    );

    end(&daemon);
    assert!(!lives(ours), "what it started ends with it");
    assert!(lives(theirs), "what systemd has a unit for goes on");
    signal(theirs, 9);
}

#[test]
fn what_was_started_by_hand_here_ends_here() {
    let mut daemon = machine();
    daemon.start();
    daemon.up("theirs");
    let pid = daemon.pid("theirs");
    end(&daemon);
    assert!(!lives(pid));
}

/// What starts a daemon when it is asked to, in its own time, as systemd does.
const ELSEWHERE: &str = "until [ -e {dir}/go ]; do sleep 0.02; done; sleep 0.3\n\
    {setsid} {dir}/theirsd 1000 </dev/null >/dev/null 2>&1 & echo $! >{dir}/theirs.pid";
/// What asks it, and has its answer before that is done.
const SYSTEMCTL: &str = "#!/bin/sh\necho \"$@\" >>{dir}/asked\n\
    case $1 in start) touch {dir}/go ;; stop) kill $(cat {dir}/theirs.pid); rm {dir}/theirs.pid ;; esac\n";

#[test]
fn verbs_of_what_systemd_has_go_to_systemctl() {
    let mut daemon = machine();
    let systemctl = daemon.path("usr/bin/systemctl");
    fs::create_dir_all(systemctl.parent().unwrap()).unwrap();
    fs::write(&systemctl, daemon.filled(SYSTEMCTL)).unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    let theirs = begun_elsewhere(&daemon);
    daemon.start();
    daemon.until_state("theirs", StateName::Up);
    daemon.until_state("ours", StateName::Up);
    let mut elsewhere = Command::new("sh").args(["-c", &daemon.filled(ELSEWHERE)]).spawn().unwrap();
    let outcome = daemon.outcome(&Request::Restart(target("theirs")));
    assert!(matches!(outcome.answer, Answer::Done { .. }), "{outcome:?}\n{}", daemon.said());
    assert!(daemon.pid("theirs") != theirs && !lives(theirs));
    assert!(elsewhere.wait().unwrap().success());
    daemon.down("theirs");
    assert_eq!(daemon.read("asked").unwrap(), "stop theirs.service\nstart theirs.service\nstop theirs.service\n");
    assert_eq!(daemon.read("calls").unwrap(), "ours\n", "its script is never called");
}
