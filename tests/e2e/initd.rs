//! The commands around init scripts where svcd runs: whatever door is used, svcd's service is what starts and stops.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};

use svc::wire::StateName;

use crate::harness::{Daemon, lives, shell, until};

/// A script with a daemon of its own name, which can go round in circles.
const SCRIPT: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          sleeper
# Required-Start:
# Required-Stop:
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
### END INIT INFO
PIDFILE={dir}/sleeper.pid
service() { SVC_ROOT={dir} SVC_SOCKET={dir}/control {svc} as debian-service "$@"; }
runs() { [ -e "$PIDFILE" ] && kill -0 "$(cat "$PIDFILE")" 2>/dev/null; }
case "$1" in
  start)
    echo start >> {dir}/calls
    runs && exit 0
    {setsid} {dir}/sleeperd 1000 </dev/null >/dev/null 2>&1 &
    echo $! > $PIDFILE
    ;;
  stop)
    echo stop >> {dir}/calls
    runs && kill "$(cat "$PIDFILE")"
    rm -f "$PIDFILE"
    ;;
  status)
    if runs; then echo "sleeper is up"; else echo "sleeper is down"; exit 3; fi
    ;;
  circle)
    service sleeper status
    service sleeper configtest
    ;;
  configtest) echo fine; exit 42 ;;
esac
"#;

fn machine() -> Daemon {
    let mut daemon = Daemon::new(&[]);
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].into_iter().find(|path| fs::exists(path).unwrap()).unwrap();
    fs::copy(sleep, daemon.path("sleeperd")).unwrap();
    daemon.script("sleeper", &SCRIPT.replace("{svc}", env!("CARGO_BIN_EXE_svc")));
    daemon.define("native", &shell("exec sleep 1000"));
    // Scripts and links are where the machine's would be.
    symlink(".", daemon.path("etc")).unwrap();
    for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
        fs::create_dir(daemon.path(&format!("rc{level}.d"))).unwrap();
    }
    for place in ["runlevels/default", "sbin"] {
        fs::create_dir_all(daemon.path(place)).unwrap();
    }
    fs::write(daemon.path("sbin/init"), "").unwrap();
    daemon.start();
    daemon
}

fn call(daemon: &Daemon, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    command.arg("as").args(line.split(' ')).stdin(Stdio::null());
    command.env("SVC_ROOT", daemon.path("")).env("SVC_SOCKET", daemon.path("control"));
    command.output().unwrap()
}

fn code(daemon: &Daemon, line: &str) -> i32 {
    call(daemon, line).status.code().unwrap()
}

#[test]
fn whatever_door_is_used_svcd_starts_and_stops() {
    let daemon = machine();
    for door in ["debian-service", "redhat-service", "invoke-rc.d --force", "rc-service"] {
        let told = call(&daemon, &format!("{door} sleeper start"));
        assert!(told.status.success(), "{door}: {told:?}");
        let pid = daemon.pid("sleeper");
        assert_eq!((daemon.summary("sleeper").state, pid), (StateName::Up, daemon.pid_in("sleeper.pid")), "{door}");
        assert_eq!(code(&daemon, &format!("{door} sleeper start")), 0, "{door}: it runs already");
        assert_eq!(daemon.pid("sleeper"), pid, "{door}: one copy");
        let told = call(&daemon, &format!("{door} sleeper status"));
        assert_eq!((told.status.code(), told.stdout.as_slice()), (Some(0), b"sleeper is up\n".as_slice()), "{door}");
        assert_eq!(code(&daemon, &format!("{door} sleeper stop")), 0, "{door}");
        assert_eq!(daemon.summary("sleeper").state, StateName::Down, "{door}");
        until("it is gone", || (!lives(pid)).then_some(()));
        assert_eq!(code(&daemon, &format!("{door} sleeper status")), 3, "{door}");
        assert_eq!(code(&daemon, &format!("{door} sleeper configtest")), 42, "{door}");
    }
}

#[test]
fn a_service_without_a_script_answers_like_one() {
    let daemon = machine();
    assert_eq!(code(&daemon, "debian-service native status"), 3);
    assert_eq!(code(&daemon, "debian-service native start"), 0);
    let pid = daemon.pid("native");
    let told = call(&daemon, "debian-service native status");
    assert_eq!(String::from_utf8_lossy(&told.stdout), format!("native is running as pid {pid}\n"));
    let told = call(&daemon, "debian-service --status-all");
    assert_eq!(String::from_utf8_lossy(&told.stdout), " [ + ]  native\n [ - ]  sleeper\n");
    assert_eq!(String::from_utf8_lossy(&call(&daemon, "rc-service native status").stdout), " * status: started\n");
    assert_eq!(code(&daemon, "debian-service native stop"), 0);
    assert_eq!(daemon.summary("native").state, StateName::Down);
}

#[test]
fn links_that_update_rc_d_and_chkconfig_make_are_known_at_once() {
    let daemon = machine();
    assert!(!daemon.summary("sleeper").enabled);
    for (on, off) in [
        ("update-rc.d sleeper defaults", "update-rc.d sleeper disable"),
        ("update-rc.d sleeper enable", "update-rc.d sleeper remove"),
        ("chkconfig --add sleeper", "chkconfig sleeper off"),
    ] {
        if on.starts_with("chkconfig") && !crate::harness::is_root("links of chkconfig") {
            return;
        }
        let told = call(&daemon, on);
        assert!(told.status.success(), "{on}: {told:?}");
        until(on, || daemon.summary("sleeper").enabled.then_some(()));
        let told = call(&daemon, off);
        assert!(told.status.success(), "{off}: {told:?}");
        until(off, || (!daemon.summary("sleeper").enabled).then_some(()));
    }
}

#[test]
fn a_script_that_asks_for_itself_does_not_wait_for_itself() {
    let daemon = machine();
    assert_eq!(code(&daemon, "debian-service sleeper start"), 0);
    let told = call(&daemon, "debian-service sleeper circle");
    assert_eq!(told.status.code(), Some(42), "{told:?}");
    assert_eq!(String::from_utf8_lossy(&told.stdout), "sleeper is up\nfine\n");
    assert_eq!(daemon.summary("sleeper").state, StateName::Up);
    assert_eq!(code(&daemon, "debian-service sleeper stop"), 0);
}
