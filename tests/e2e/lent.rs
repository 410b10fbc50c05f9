//! Scripts of other systems here: the libraries that they name are lent to them, and what they leave sees the machine
//! as it is.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use svc::wire::{Reply, Request, StateName};
use svc_core::{Answer, Exit};

use crate::harness::{Daemon, has, is_root, lives, signal, skipped, target, until};

/// As a port of FreeBSD has it, but for what it writes.
const RC_D: &str = r#"#!/bin/sh
#
# PROVIDE: sleeper
# REQUIRE: DAEMON
# KEYWORD: shutdown

. /etc/rc.subr

name=sleeper
rcvar=sleeper_enable
desc="sleeps for others"
load_rc_config $name
: ${sleeper_enable:="NO"}
: ${sleeper_time:="1000"}
command={dir}/sleeperd
command_args="$sleeper_time >/dev/null 2>&1 &"
start_precmd=sleeper_prestart
extra_commands="reload configtest"
configtest_cmd="echo configuration of $name is fine"

sleeper_prestart()
{
    echo made > /etc/made
    echo changed > /etc/changed
    rm /etc/gone
    mkdir -p /etc/sleeper.d && echo inside > /etc/sleeper.d/inside
}

run_rc_command "$1"
"#;

/// As a package of Red Hat has it.
const RED_HAT: &str = r#"#!/bin/bash
#
# chkconfig: 345 80 20
# description: sleeps for others, \
#              in red
# processname: sleeperd
# pidfile: {dir}/sleeper.pid

. /etc/rc.d/init.d/functions

prog=sleeperd
pidfile={dir}/sleeper.pid
RETVAL=0

start() {
    echo -n $"Starting $prog: "
    daemon --pidfile=$pidfile {dir}/launch
    RETVAL=$?
    echo
    return $RETVAL
}

stop() {
    echo -n $"Stopping $prog: "
    killproc -p $pidfile {dir}/sleeperd
    RETVAL=$?
    echo
    return $RETVAL
}

case "$1" in
    start) start ;;
    stop) stop ;;
    status) status -p $pidfile sleeperd; RETVAL=$? ;;
    restart) $0 stop; $0 start; RETVAL=$? ;;
    *) echo $"Usage: $0 {start|stop|status|restart}"; RETVAL=2 ;;
esac
exit $RETVAL
"#;

const LAUNCH: &str =
    "#!/bin/sh\nsetsid {dir}/sleeperd 1000 </dev/null >/dev/null 2>&1 &\necho $! > {dir}/sleeper.pid\n";

/// An /etc of its own, in which the tests can write, and nothing of what is lent.
const ETC: &str = "exec unshare --mount sh -c '
    mount -t tmpfs tmpfs {dir}/etc && cp -a /etc/. {dir}/etc && mount --bind {dir}/etc /etc || exit 1
    rm -rf /etc/rc.subr /etc/rc.d /etc/rc.conf /etc/rc.conf.local /etc/rc.conf.d
    echo old > /etc/changed
    echo old > /etc/gone
    PREPARE
    exec \"$0\" \"$@\"' \"$0\" \"$@\"";

/// Whether an /etc of its own can be had here; says so where not. Systems without mount namespaces lend nothing.
fn has_namespaces(what: &str) -> bool {
    is_root(what) && has("unshare", what)
}

fn machine(script: &str, prepare: &str, flags: &[&'static str]) -> Daemon {
    let mut daemon = Daemon::new(flags);
    let sleep = ["/bin/sleep", "/usr/bin/sleep"].into_iter().find(|path| fs::exists(path).unwrap()).unwrap();
    fs::copy(sleep, daemon.path("sleeperd")).unwrap();
    fs::create_dir(daemon.path("etc")).unwrap();
    daemon.script("sleeper", script);
    daemon.script("launch", LAUNCH);
    fs::rename(daemon.path("init.d/launch"), daemon.path("launch")).unwrap();
    daemon.surround(&ETC.replace("PREPARE", prepare));
    daemon.start();
    daemon
}

fn verb(daemon: &Daemon, verb: &str) -> (Answer, Vec<String>) {
    let words = verb.split(' ').map(str::to_owned).collect();
    let outcome = daemon.outcome(&Request::Verb { name: "sleeper".into(), words, stream: false });
    (outcome.answer, outcome.output)
}

fn said(code: i32, lines: &[&str]) -> (Answer, Vec<String>) {
    (Answer::Exited(Exit::Code(code)), lines.iter().map(ToString::to_string).collect())
}

/// A path as a process sees it.
fn seen_by(pid: i32, path: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/root{path}"))
}

#[test]
fn an_rc_d_script_of_freebsd_is_a_service_like_any_other() {
    if !has_namespaces("a mount namespace for an rc.d script") {
        return;
    }
    let daemon = machine(RC_D, "echo sleeper_enable=YES > /etc/rc.conf", &[]);
    let summary = daemon.summary("sleeper");
    assert_eq!((summary.state, summary.description.as_str()), (StateName::Down, "sleeps for others"));
    daemon.up("sleeper");
    let pid = daemon.pid("sleeper");
    // The shell that left it may have ended before it became the program.
    let program = || svc_platform::process::program(pid).ok();
    until("the daemon's own program", || program().filter(|found| *found == daemon.path("sleeperd")));
    assert!(daemon.status("sleeper").notes.is_empty(), "{:?}", daemon.status("sleeper").notes);
    assert_eq!(verb(&daemon, "status"), said(0, &[&format!("sleeper is running as pid {pid}.")]));
    assert_eq!(verb(&daemon, "enabled"), said(0, &[]));
    assert_eq!(verb(&daemon, "describe"), said(0, &["sleeps for others"]));
    assert_eq!(verb(&daemon, "configtest"), said(0, &["configuration of sleeper is fine"]));
    let (answer, lines) = verb(&daemon, "rcvar");
    assert_eq!(answer, Answer::Exited(Exit::Code(0)));
    assert!(lines.contains(&"sleeper_enable=\"YES\"".to_owned()), "{lines:?}");
    let outcome = daemon.outcome(&Request::Restart(target("sleeper")));
    assert!(matches!(outcome.answer, Answer::Done { .. }), "{outcome:?}");
    let next = daemon.pid("sleeper");
    assert!(next != pid && !lives(pid));
    daemon.down("sleeper");
    assert!(!lives(next));
    assert_eq!(verb(&daemon, "status"), said(1, &["sleeper is not running."]));
}

#[test]
fn what_a_script_with_a_lent_library_writes_and_leaves_is_as_everywhere() {
    if !has_namespaces("a mount namespace for an rc.d script") {
        return;
    }
    let daemon = machine(RC_D, "echo sleeper_enable=YES > /etc/rc.conf", &[]);
    let (manager, _) = daemon.pids();
    daemon.up("sleeper");
    let pid = daemon.pid("sleeper");
    for who in [manager, pid] {
        let text = |path: &str| fs::read_to_string(seen_by(who, path)).ok();
        assert_eq!(text("/etc/made").as_deref(), Some("made\n"));
        assert_eq!(text("/etc/changed").as_deref(), Some("changed\n"));
        assert_eq!(text("/etc/gone"), None);
        assert_eq!(text("/etc/sleeper.d/inside").as_deref(), Some("inside\n"));
        assert!(!seen_by(who, "/etc/rc.subr").exists(), "it is lent to the script alone");
    }
    fs::write(seen_by(manager, "/etc/later"), "later").unwrap();
    assert!(seen_by(pid, "/etc/later").exists(), "the daemon sees what comes");
    let left = fs::read_dir(seen_by(manager, "/etc")).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.contains(".svc.")), "{left:?}");
    let Reply::Check(checked) = daemon.ask(&Request::Check { names: vec!["sleeper".into()] }) else { panic!() };
    let told = checked[0].findings.iter().any(|finding| finding.text.contains("/etc/rc.subr"));
    assert!(told, "{:?}", checked[0].findings);
}

#[test]
fn rc_conf_enables_a_script_and_sets_its_variables_here_too() {
    if !has_namespaces("a mount namespace for an rc.d script") {
        return;
    }
    let conf = "echo sleeper_time=500 > /etc/rc.conf; echo sleeper_enable=YES >> /etc/rc.conf";
    let daemon = machine(RC_D, conf, &["--boot"]);
    let (manager, _) = daemon.pids();
    let text = || fs::read_to_string(seen_by(manager, "/etc/rc.conf")).unwrap();
    daemon.until_state("sleeper", StateName::Up);
    assert_eq!(svc_platform::process::facts(daemon.pid("sleeper")).unwrap().arguments.last().unwrap(), "500");
    assert_eq!(daemon.status("sleeper").enabled_by, "/etc/rc.conf:2");
    let Reply::Load(report) = daemon.ask(&Request::Load { names: vec!["sleeper".into()] }) else { panic!() };
    let settings = report.values.iter().filter(|value| value.key.starts_with("settings."));
    let shown: Vec<_> = settings.map(|value| format!("{} {} {}", value.key, value.value, value.origin)).collect();
    assert_eq!(shown, ["settings.sleeper_enable YES /etc/rc.conf:2", "settings.sleeper_time 500 /etc/rc.conf:1"]);
    let outcome = daemon.outcome(&Request::Disable(target("sleeper")));
    assert!(matches!(outcome.answer, Answer::Done { .. }), "{outcome:?}");
    assert_eq!(text(), "sleeper_time=500\nsleeper_enable=\"NO\"\n");
    assert_eq!(verb(&daemon, "enabled").0, Answer::Exited(Exit::Code(1)));
    // The script's own verb edits the same file from below what is lent.
    assert_eq!(verb(&daemon, "enable"), said(0, &["sleeper enabled in /etc/rc.conf"]));
    assert_eq!(text(), "sleeper_time=500\nsleeper_enable=\"YES\"\n");
    daemon.ask(&Request::Load { names: Vec::new() });
    assert!(daemon.summary("sleeper").enabled);
    daemon.down("sleeper");
}

#[test]
fn a_script_of_red_hat_is_a_service_like_any_other() {
    if !has_namespaces("a mount namespace for a script of Red Hat") {
        return;
    }
    if !Path::new("/bin/bash").exists() {
        return skipped("a script of Red Hat", "needs bash");
    }
    let daemon = machine(RED_HAT, "", &[]);
    daemon.up("sleeper");
    let pid = daemon.pid("sleeper");
    assert_eq!(pid, daemon.pid_in("sleeper.pid"));
    let status = daemon.status("sleeper");
    assert!(status.notes.is_empty(), "{:?}", status.notes);
    assert_eq!(verb(&daemon, "status"), said(0, &[&format!("sleeperd (pid  {pid}) is running...")]));
    assert!(!seen_by(pid, "/etc/rc.d").exists());
    // The script calls itself.
    assert_eq!(verb(&daemon, "restart").0, Answer::Exited(Exit::Code(0)));
    let next = until("another process", || daemon.summary("sleeper").pid.filter(|next| *next != pid));
    daemon.down("sleeper");
    assert!(!lives(next) && !daemon.path("sleeper.pid").exists());
}

#[test]
fn an_interpreter_that_is_not_there_is_lent_too() {
    if !has_namespaces("a mount namespace for a script of Debian") {
        return;
    }
    if !Path::new("/lib/init").is_dir() || !Path::new("/lib/lsb").is_dir() {
        return skipped("scripts without Debian's interpreter", "there is no place to hide it");
    }
    let script = "#!/lib/init/init-d-script\n### BEGIN INIT INFO\n# Provides: sleeper\n### END INIT INFO\n\
        DAEMON={dir}/sleeperd\nDAEMON_ARGS=1000\nPIDFILE={dir}/sleeper.pid\n\
        START_ARGS='--background --make-pidfile'\n";
    let hide = "mount -t tmpfs tmpfs /lib/init && mount -t tmpfs tmpfs /lib/lsb || exit 1";
    let daemon = machine(script, hide, &[]);
    daemon.up("sleeper");
    let pid = daemon.pid("sleeper");
    assert_eq!(pid, daemon.pid_in("sleeper.pid"));
    assert!(!seen_by(pid, "/lib/lsb/init-functions").exists());
    daemon.down("sleeper");
    assert!(!lives(pid));
}

#[test]
fn a_script_of_openrc_needs_no_mount() {
    if Path::new("/sbin/openrc-run").exists() {
        return skipped("scripts without OpenRC's interpreter", "it is there");
    }
    if !has("start-stop-daemon", "a script of OpenRC") {
        return;
    }
    let mut daemon = Daemon::new(&[]);
    fs::copy("/bin/sleep", daemon.path("sleeperd")).unwrap();
    let script = "#!/sbin/openrc-run\ndescription=\"sleeps for others\"\ncommand={dir}/sleeperd\ncommand_args=1000\n\
        command_background=yes\npidfile={dir}/sleeper.pid\ndepend() { need localmount; }\n";
    daemon.script("sleeper", script);
    daemon.start();
    daemon.up("sleeper");
    let pid = daemon.pid("sleeper");
    assert_eq!(pid, daemon.pid_in("sleeper.pid"));
    let status = daemon.status("sleeper");
    assert!(status.notes.is_empty(), "{:?}", status.notes);
    assert_eq!(verb(&daemon, "describe"), said(0, &[" * sleeps for others"]));
    daemon.down("sleeper");
    assert!(!lives(pid));
    assert_eq!(verb(&daemon, "status"), said(3, &[" * status: stopped"]));
}

#[test]
fn who_may_not_mount_is_told_what_is_missing() {
    if !is_root("a daemon that may not mount") {
        return;
    }
    let able = Command::new("setpriv").args(["--bounding-set", "-sys_admin", "true"]).status();
    if !able.is_ok_and(|status| status.success()) {
        return skipped("a daemon that may not mount", "needs setpriv");
    }
    let without = "exec setpriv --bounding-set -sys_admin \"$0\" \"$@\"";
    let daemon = machine(RC_D, without, &["--no-cgroup"]);
    let outcome = daemon.outcome(&Request::Start(target("sleeper")));
    assert!(matches!(outcome.answer, Answer::Failed(_)), "{outcome:?}");
    let said = outcome.output.join("\n");
    assert!(said.contains("lending /etc/rc.subr, which this machine lacks: making a mount namespace"), "{said}");
}

#[test]
fn a_signal_from_before_the_program_runs_is_for_the_program() {
    if Path::new("/sbin/openrc-run").exists() || !Path::new("/proc/self/status").exists() {
        return skipped("an early signal", "needs Linux, and OpenRC's interpreter not to be there");
    }
    const TERM: i32 = 15;
    let dir = tempfile::tempdir().unwrap();
    let (script, real) = (dir.path().join("script"), dir.path().join("real"));
    fs::write(&real, "#!/sbin/openrc-run\nexec sleep 120\n").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o755)).unwrap();
    // Whose first line is read waits at a fifo for as long as we have it open.
    assert!(Command::new("mkfifo").arg(&script).status().unwrap().success());
    let mut fifo = fs::File::options().read(true).write(true).open(&script).unwrap();
    fifo.write_all(b"#!/sbin/openrc-run\n").unwrap();
    let mut lender = Command::new(env!("CARGO_BIN_EXE_svcd"))
        .args(["--role", "lender", "--runtime-dir"])
        .arg(dir.path())
        .args(["--", "/sbin/openrc-run"])
        .arg(&script)
        .arg("start")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    let pid = i32::try_from(lender.id()).unwrap();
    until("its signals are held", || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let held = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
        let held = u64::from_str_radix(held.trim(), 16).unwrap();
        (held & (1 << (TERM - 1)) != 0).then_some(())
    });
    signal(pid, TERM);
    fs::rename(&real, &script).unwrap();
    drop(fifo);
    assert_eq!(lender.wait().unwrap().code(), Some(128 + TERM), "the program got it, and not the one above it");
}
