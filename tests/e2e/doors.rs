//! The ways to svcd that nobody has told it of: a new script, new links, a script that asks for another.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::Instant;

use svc::wire::{Request, StateName};

use crate::harness::{Daemon, PATIENCE, rounds, target, until};

fn script(name: &str, header: &str, start: &str) -> String {
    format!(
        "#!/bin/sh
### BEGIN INIT INFO
# Provides: {name}
{header}
### END INIT INFO
case $1 in
start) {start} ;;
stop | status) exit 0 ;;
*) exit 3 ;;
esac
"
    )
}

/// A start of what a package has just brought, and the news of its links, with no `load` in between.
#[test]
fn what_a_package_has_just_brought_is_known() {
    let mut daemon = Daemon::new(&[]);
    daemon.script("first", &script("first", "# Default-Start: 2", ":"));
    daemon.start();
    assert_eq!(daemon.summary("first").state, StateName::Down);
    daemon.script("second", &script("second", "# Default-Start: 2", ":"));
    daemon.up("second");
    assert!(!daemon.summary("second").enabled);
    fs::create_dir(daemon.path("rc2.d")).unwrap();
    symlink("../init.d/second", daemon.path("rc2.d/S01second")).unwrap();
    assert!(daemon.summary("second").enabled);
    fs::rename(daemon.path("rc2.d/S01second"), daemon.path("rc2.d/K01second")).unwrap();
    assert!(!daemon.summary("second").enabled);
    fs::remove_file(daemon.path("init.d/first")).unwrap();
    match daemon.ask(&Request::List { names: vec!["first".into()] }) {
        svc::wire::Reply::Refused(_) => {}
        other => panic!("it is still there: {other:?}"),
    }
}

/// A script that asks for a service which comes after it: neither waits for the other.
#[test]
fn a_script_does_not_wait_for_what_waits_for_it() {
    let mut daemon = Daemon::new(&[]);
    let svc = env!("CARGO_BIN_EXE_svc");
    let asks = format!("{svc} --socket {{dir}}/control late start >{{dir}}/asked 2>&1; echo $? >{{dir}}/code");
    daemon.script("early", &script("early", "# Default-Start: 2", &asks));
    daemon.script("late", &script("late", "# Required-Start: early\n# Default-Start: 2", "echo >{dir}/began"));
    daemon.start();
    let begun = Instant::now();
    daemon.up("early");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(daemon.read("code").as_deref(), Some("0\n"), "{:?}", daemon.read("asked"));
    daemon.until_state("late", StateName::Up);
    assert!(daemon.path("began").exists());
}

/// However many ask at once, one copy runs.
#[test]
fn starts_at_once_make_one_copy() {
    let mut daemon = Daemon::new(&[]);
    let start = "echo x >>{dir}/starts; sleep 1000 & echo $! >{dir}/web.pid";
    daemon.script(
        "web",
        &daemon.filled(&script("web", "# pidfile: {dir}/web.pid", start)).replace(
            "stop | status) exit 0",
            &daemon
                .filled("stop) kill $(cat {dir}/web.pid); rm {dir}/web.pid ;;\nstatus) kill -0 $(cat {dir}/web.pid)"),
        ),
    );
    daemon.start();
    for round in rounds(20) {
        let call = |line: &str| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
            command.args(line.split(' ')).env("SVC_SOCKET", daemon.path("control"));
            command.stdout(Stdio::null()).spawn().unwrap()
        };
        let lines =
            ["-q web start", "as systemctl start web", "as sv up web", "-q start web", "as systemctl start web"];
        let children: Vec<_> = lines.iter().map(|line| call(line)).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(daemon.read("starts").unwrap().lines().count(), round + 1, "one start each round");
        assert_eq!(daemon.pid("web"), daemon.pid_in("web.pid"));
        assert!(!matches!(daemon.ask(&Request::Stop(target("web"))), svc::wire::Reply::Refused(_)));
    }
}

/// A script that knows nothing of us is run by hand: its daemon is taken under watch as soon as its pid file is there,
/// without a question from anybody.
#[test]
fn a_daemon_that_appears_outside_is_taken_under_watch() {
    let mut daemon = Daemon::new(&[]);
    let text = script("web", "# Default-Start: 2", "{dir}/web 1000 </dev/null >/dev/null 2>&1 & echo $! >$PIDFILE")
        .replace("case $1", "PIDFILE={dir}/pids/web.pid\ncase $1")
        .replace("stop | status) exit 0", "stop) kill $(cat $PIDFILE) ;;\nstatus) exit 0");
    daemon.script("web", &text);
    fs::copy("/bin/sleep", daemon.path("web")).unwrap();
    daemon.start();
    assert_eq!(daemon.summary("web").state, StateName::Down);
    let by_hand = || {
        fs::create_dir_all(daemon.path("pids")).unwrap();
        let mut command = Command::new(daemon.path("init.d/web"));
        assert!(command.arg("start").stdout(Stdio::null()).status().unwrap().success());
    };
    by_hand();
    until("svcd to say so", || daemon.said().contains("web: started outside svc by").then_some(()));
    assert_eq!(daemon.pid("web"), daemon.pid_in("pids/web.pid"));
    let notes = daemon.status("web").notes.join("\n");
    assert!(notes.contains("started outside svc by"), "{notes}");
    daemon.down("web");
    assert_eq!(daemon.summary("web").state, StateName::Down);
    // The next is seen, too, and who asks first is not told otherwise.
    by_hand();
    assert_eq!(daemon.pid("web"), daemon.pid_in("pids/web.pid"));
    daemon.replace_manager();
    assert_eq!(daemon.pid("web"), daemon.pid_in("pids/web.pid"));
    daemon.down("web");
    // A new manager watches as the old one did.
    by_hand();
    let told = || daemon.said().matches("web: started outside svc by").count();
    until("the new manager to say so", || (told() == 3).then_some(()));
    daemon.down("web");
}

/// The same where the script writes no pid file: its program is known.
#[test]
fn a_daemon_without_a_pid_file_that_appears_outside_is_taken_under_watch() {
    let mut daemon = Daemon::new(&[]);
    let text = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: web\n### END INIT INFO\nDAEMON={dir}/webd\n\
        case $1 in\nstart) start-stop-daemon --start --background --exec $DAEMON -- 1000 ;;\n\
        stop) start-stop-daemon --stop --exec $DAEMON ;;\nesac\n";
    daemon.script("web", text);
    fs::copy("/bin/sleep", daemon.path("webd")).unwrap();
    daemon.start();
    assert_eq!(daemon.summary("web").state, StateName::Down);
    let by_hand = || {
        let line = daemon.filled("{setsid} {dir}/webd 1000 </dev/null >/dev/null 2>&1 &");
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
    };
    let told = || daemon.said().matches("web: started outside svc by").count();
    for count in 1..=2 {
        by_hand();
        until("svcd to say so", || (told() == count).then_some(()));
        let pid = daemon.pid("web");
        assert_eq!(svc_platform::process::program(pid).unwrap(), daemon.path("webd"));
        crate::harness::signal(pid, 9);
        daemon.until_state("web", StateName::Failed);
    }
}
