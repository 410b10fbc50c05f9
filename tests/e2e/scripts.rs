//! Adopted init.d scripts: run unchanged, their daemons found and watched, their word checked.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::time::{Duration, Instant};

use svc::wire::{Request, StateName};
use svc_core::{Answer, Exit};

use crate::harness::{Daemon, lives, signal, target, until};

/// A script as packages have them; its daemon is a copy of sleep under a name of its own.
const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          sleeper
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: sleeps for others
### END INIT INFO
DAEMON={dir}/sleeperd
PIDFILE={dir}/sleeper.pid
start_daemon() { :; }
case "$1" in
  start)
    if [ -e "$PIDFILE" ] && kill -0 "$(cat "$PIDFILE")" 2>/dev/null; then exit 0; fi
    env > {dir}/environment
    {setsid} $DAEMON 1000 </dev/null >/dev/null 2>&1 &
    echo $! > $PIDFILE
    ;;
  stop)
    [ -e "$PIDFILE" ] && kill "$(cat "$PIDFILE")"
    rm -f "$PIDFILE"
    ;;
  status)
    [ -e "$PIDFILE" ] && exit 0
    exit 3
    ;;
  configtest)
    echo "configuration of $2 is fine"
    exit 42
    ;;
  *)
    echo "Usage: $0 {start|stop|status|configtest}"
    exit 2
    ;;
esac
"#;

fn sleeper(daemon: &Daemon) {
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].into_iter().find(|path| fs::exists(path).unwrap()).unwrap();
    fs::copy(sleep, daemon.path("sleeperd")).unwrap();
    daemon.script("sleeper", SCRIPT);
}

fn sleeping() -> Daemon {
    let mut daemon = Daemon::new(&[]);
    sleeper(&daemon);
    daemon.start();
    daemon
}

#[test]
fn a_script_is_a_service_and_its_daemon_is_watched() {
    let daemon = sleeping();
    let summary = daemon.summary("sleeper");
    assert_eq!((summary.kind.as_str(), summary.state), ("script", StateName::Down));
    assert_eq!(summary.description, "sleeps for others");
    daemon.up("sleeper");
    let pid = daemon.pid("sleeper");
    assert_eq!(pid, daemon.pid_in("sleeper.pid"));
    signal(pid, 9);
    daemon.until_state("sleeper", StateName::Failed);
    daemon.up("sleeper");
    daemon.outcome(&Request::Restart(target("sleeper")));
    let last = daemon.pid("sleeper");
    daemon.down("sleeper");
    assert!(!lives(last));
}

#[test]
fn a_script_gets_the_environment_of_service_8() {
    let daemon = sleeping();
    daemon.up("sleeper");
    let text = daemon.read("environment").unwrap();
    let names: Vec<&str> = text.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert!(names.contains(&"PATH") && names.contains(&"TERM"), "{names:?}");
    assert!(!names.contains(&"HOME") && !names.contains(&"CARGO_MANIFEST_DIR"), "{names:?}");
    assert!(text.contains("PWD=/\n"), "{text}");
}

#[test]
fn a_verb_of_its_own_reaches_the_script_and_its_answer_the_client() {
    let daemon = sleeping();
    let words = vec!["configtest".into(), "sleeper.conf".into()];
    let outcome = daemon.outcome(&Request::Verb { name: "sleeper".into(), words, stream: false });
    assert_eq!(outcome.answer, Answer::Exited(Exit::Code(42)));
    assert_eq!(outcome.output, ["configuration of sleeper.conf is fine"]);
}

#[test]
fn a_daemon_that_runs_already_is_found_and_not_touched() {
    for by_pid_file in [true, false] {
        let mut daemon = Daemon::new(&[]);
        sleeper(&daemon);
        let line = daemon.filled("{setsid} {dir}/sleeperd 1000 </dev/null >/dev/null 2>&1 &");
        assert!(Command::new("sh").args(["-c", &line]).status().unwrap().success());
        let program = daemon.path("sleeperd");
        let runs = |pid: &i32| svc_platform::process::program(*pid).is_ok_and(|path| path == program);
        let pid = until("it runs", || svc_platform::process::list().unwrap().into_iter().find(runs));
        if by_pid_file {
            fs::write(daemon.path("sleeper.pid"), format!("{pid}\n")).unwrap();
        }
        daemon.start();
        daemon.until_state("sleeper", StateName::Up);
        assert_eq!(daemon.pid("sleeper"), pid);
        daemon.replace_manager();
        assert_eq!(daemon.pid("sleeper"), pid, "the next manager knows it too");
        if by_pid_file {
            daemon.down("sleeper");
        } else {
            signal(pid, 9);
            daemon.until_state("sleeper", StateName::Failed);
        }
        until("it is gone", || (!lives(pid)).then_some(()));
    }
}

#[test]
fn a_stale_pid_file_of_a_reused_pid_is_not_believed() {
    let mut daemon = Daemon::new(&[]);
    sleeper(&daemon);
    fs::write(daemon.path("sleeper.pid"), format!("{}\n", std::process::id())).unwrap();
    daemon.start();
    assert_eq!(daemon.summary("sleeper").state, StateName::Down);
    assert!(daemon.status("sleeper").stale_pid_file);
}

#[test]
fn a_status_that_lies_is_shown_as_it_is_with_a_note() {
    let daemon = sleeping();
    daemon.up("sleeper");
    assert!(daemon.status("sleeper").notes.is_empty());
    fs::remove_file(daemon.path("sleeper.pid")).unwrap();
    let status = daemon.status("sleeper");
    assert_eq!(status.summary.state, StateName::Up);
    assert_eq!(status.notes, ["its own status says: not running (exit 3)"]);
}

#[test]
fn a_start_that_leaves_nothing_or_fails_is_a_failure_with_its_output() {
    let mut daemon = Daemon::new(&[]);
    let words = "start-stop-daemon --start --exec /usr/sbin/emptyd --pidfile {dir}/empty.pid";
    let text = format!("#!/bin/sh\ncase \"$1\" in start) echo cannot write; exit 0; {words};; esac\n");
    daemon.script("empty", &text);
    daemon.script("broken", "#!/bin/sh\ncase \"$1\" in start) echo no such device >&2; exit 1;; esac\n");
    daemon.script("absent", "#!/bin/sh\ncase \"$1\" in start) exit 5;; esac\n");
    daemon.start();
    let outcome = daemon.outcome(&Request::Start(target("broken")));
    assert!(matches!(outcome.answer, Answer::Failed(_)), "{outcome:?}");
    assert_eq!(outcome.output, ["no such device"]);
    let outcome = daemon.outcome(&Request::Start(target("empty")));
    assert!(matches!(&outcome.answer, Answer::Failed(text) if text.contains("left no process")), "{outcome:?}");
    assert_eq!(outcome.output, ["cannot write"]);
    let outcome = daemon.outcome(&Request::Start(target("absent")));
    assert!(matches!(outcome.answer, Answer::Done { changed: false, .. }), "{outcome:?}");
    assert_eq!(daemon.summary("absent").state, StateName::Skipped);
}

#[test]
fn links_enable_a_script_and_enable_turns_them() {
    let mut daemon = Daemon::new(&["--boot"]);
    sleeper(&daemon);
    for level in ["rc2.d", "rc3.d", "rc0.d"] {
        fs::create_dir(daemon.path(level)).unwrap();
    }
    symlink("../init.d/sleeper", daemon.path("rc2.d/S20sleeper")).unwrap();
    symlink("../init.d/sleeper", daemon.path("rc3.d/S20sleeper")).unwrap();
    symlink("../init.d/sleeper", daemon.path("rc0.d/K80sleeper")).unwrap();
    daemon.start();
    daemon.until_state("sleeper", StateName::Up);
    assert!(daemon.status("sleeper").enabled_by.ends_with("rc2.d/S20sleeper"));
    daemon.outcome(&Request::Disable(target("sleeper")));
    assert!(!daemon.summary("sleeper").enabled);
    assert!(daemon.path("rc2.d/K80sleeper").is_symlink() && daemon.path("rc0.d/K80sleeper").is_symlink());
    daemon.outcome(&Request::Enable(target("sleeper")));
    assert!(daemon.path("rc3.d/S20sleeper").is_symlink());
    daemon.down("sleeper");
}

#[test]
fn a_script_without_a_first_line_runs_and_one_that_hangs_in_status_does_not_hang_us() {
    let mut daemon = Daemon::new(&[]);
    let text = SCRIPT.replacen("#!/bin/sh\n", "", 1).replace("[ -e \"$PIDFILE\" ] && exit 0", "sleep 1000");
    fs::copy("/bin/sleep", daemon.path("sleeperd")).unwrap();
    daemon.script("sleeper", &text);
    daemon.start();
    daemon.up("sleeper");
    let begun = Instant::now();
    assert_eq!(daemon.summary("sleeper").state, StateName::Up);
    assert!(begun.elapsed() < Duration::from_secs(5), "nobody waits for what the script says");
    assert_eq!(daemon.status("sleeper").notes, ["its own status did not answer within 5 s"]);
    daemon.down("sleeper");
}

#[test]
fn what_a_stop_leaves_behind_is_listed_and_killed_only_when_asked() {
    let mut daemon = Daemon::new(&[]);
    sleeper(&daemon);
    let text = SCRIPT.replace(
        "    echo $! > $PIDFILE\n",
        "    echo $! > $PIDFILE\n    {setsid} sleep 1000 >/dev/null 2>&1 & echo $! > {dir}/session\n",
    );
    daemon.script("sleeper", &text);
    daemon.start();
    daemon.up("sleeper");
    let session = daemon.pid_in("session");
    daemon.down("sleeper");
    assert!(lives(session));
    let left: Vec<i32> = daemon.status("sleeper").left_behind.iter().map(|process| process.pid).collect();
    assert_eq!(left, [session]);
    let mut all = target("sleeper");
    all.all = true;
    daemon.outcome(&Request::Stop(all));
    until("it is gone", || (!lives(session)).then_some(()));
}
