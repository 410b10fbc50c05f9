//! The commands of other systems that ask svcd: what they print, where, and how they end.

use std::process::{Command, Output};

use svc::wire::StateName;

use crate::harness::{Daemon, shell, until};

const SCRIPT: &str = "#!/bin/sh
### BEGIN INIT INFO
# Provides: legacy
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO
case $1 in
start | stop | restart | status) exit 0 ;;
*) echo 'Usage: legacy {start|stop|restart|status}'; exit 3 ;;
esac
";

fn machine() -> Daemon {
    let mut daemon = Daemon::new(&[]);
    // It stays the same process through a reload.
    let reloads = "trap 'echo again > {dir}/reloaded' HUP\necho > {dir}/ready\n";
    let forever = shell(&format!("{reloads}while :; do sleep 1000 & wait; done"));
    daemon.define("web", &format!("description = \"a web server\"\nreload = \"signal HUP\"\n{forever}"));
    daemon.define("broken", &format!("{}[restart]\nwhen = \"never\"\n", shell("exit 3")));
    daemon.script("legacy", SCRIPT);
    daemon.start();
    daemon
}

fn call(daemon: &Daemon, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    command.arg("as").args(line.split(' ')).env_remove("RUNLEVEL").env("SVC_SOCKET", daemon.path("control"));
    command.output().unwrap()
}

/// The code, standard output and standard error of a call.
fn told(daemon: &Daemon, line: &str) -> (i32, String, String) {
    let output = call(daemon, line);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn expect(daemon: &Daemon, line: &str, code: i32, out: &str, err: &str) {
    let found = told(daemon, line);
    assert_eq!(found, (code, out.to_owned(), err.to_owned()), "{line}");
}

#[test]
fn systemctl_tells_by_word_and_code_what_a_service_does() {
    let daemon = machine();
    expect(&daemon, "systemctl is-active web.service", 3, "inactive\n", "");
    expect(&daemon, "systemctl start web", 0, "", "");
    expect(&daemon, "systemctl is-active web", 0, "active\n", "");
    expect(&daemon, "systemctl is-active --quiet web", 0, "", "");
    expect(&daemon, "systemctl is-active web nosuch", 0, "active\ninactive\n", "");
    expect(&daemon, "systemctl is-active nosuch", 4, "inactive\n", "");
    expect(&daemon, "systemctl is-failed web", 1, "active\n", "");
    expect(&daemon, "systemctl is-enabled web", 1, "disabled\n", "");
    expect(&daemon, "systemctl enable --now web", 0, "", "");
    expect(&daemon, "systemctl is-enabled web", 0, "enabled\n", "");
    let pid = daemon.pid("web");
    expect(
        &daemon,
        "systemctl show -p MainPID,ActiveState web",
        0,
        &format!("MainPID={pid}\nActiveState=active\n"),
        "",
    );
    expect(&daemon, "systemctl show -P MainPID web", 0, &format!("{pid}\n"), "");
    expect(&daemon, "systemctl show --property=LoadState nosuch", 0, "LoadState=not-found\n", "");
    until("it can be reloaded", || daemon.read("ready"));
    expect(&daemon, "systemctl reload web", 0, "", "");
    until("it was reloaded", || daemon.read("reloaded"));
    assert_eq!(daemon.pid("web"), pid);
    expect(&daemon, "systemctl restart web", 0, "", "");
    assert_ne!(daemon.pid("web"), pid);
    expect(&daemon, "systemctl disable --now web", 0, "", "");
    let (code, out, err) = told(&daemon, "systemctl status web");
    let file = daemon.path("services/web.toml");
    let page = format!("o web.service - a web server\n     Loaded: loaded ({}; disabled)\n", file.display());
    // For how long is another matter each time.
    let is_page = out.starts_with(&format!("{page}     Active: inactive (dead) for "));
    assert!(code == 3 && is_page && err.is_empty(), "{code} {out}{err}");
    expect(&daemon, "systemctl try-restart web", 0, "", "");
    expect(&daemon, "systemctl is-active web", 3, "inactive\n", "");
    expect(&daemon, "systemctl is-enabled web", 1, "disabled\n", "");
}

#[test]
fn systemctl_says_what_it_cannot_find_or_do() {
    let daemon = machine();
    expect(
        &daemon,
        "systemctl start nosuch",
        5,
        "",
        "Failed to start nosuch.service: Unit nosuch.service not found.\n",
    );
    expect(&daemon, "systemctl stop nosuch", 5, "", "Failed to stop nosuch.service: Unit nosuch.service not loaded.\n");
    expect(&daemon, "systemctl start net.target", 5, "", "Failed to start net.target: Unit net.target not found.\n");
    expect(&daemon, "systemctl status nosuch", 4, "", "Unit nosuch.service could not be found.\n");
    expect(
        &daemon,
        "systemctl enable nosuch",
        1,
        "",
        "Failed to enable unit: Unit file nosuch.service does not exist.\n",
    );
    expect(
        &daemon,
        "systemctl is-enabled nosuch",
        1,
        "",
        "Failed to get unit file state for nosuch.service: No such file or directory\n",
    );
    expect(&daemon, "systemctl frobnicate", 1, "", "Unknown command verb 'frobnicate'.\n");
    let (code, _, err) = told(&daemon, "systemctl mask web");
    assert!(code == 1 && err.contains("svc NAME pin"), "{err}");
    daemon.up("broken");
    daemon.until_state("broken", StateName::Failed);
    expect(&daemon, "systemctl is-failed broken", 0, "failed\n", "");
    expect(&daemon, "systemctl is-system-running", 1, "degraded\n", "");
    expect(&daemon, "systemctl reset-failed", 0, "", "");
    expect(&daemon, "systemctl is-system-running", 0, "running\n", "");
}

#[test]
fn systemctl_lists_units_and_their_files() {
    let daemon = machine();
    daemon.up("web");
    let (code, out, _) = told(&daemon, "systemctl list-units --type=service --no-legend");
    assert_eq!((code, out.as_str()), (0, "  web.service loaded active       running      a web server\n"));
    let (_, out, _) = told(&daemon, "systemctl list-unit-files --no-legend");
    let names: Vec<&str> = out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(names, ["broken.service", "legacy.service", "web.service"]);
    let (_, out, _) = told(&daemon, "systemctl cat legacy.service");
    assert_eq!(out, format!("# {}\n{SCRIPT}", daemon.path("init.d/legacy").display()));
    daemon.define("late", &shell("exec sleep 1000"));
    expect(&daemon, "systemctl daemon-reload", 0, "", "");
    expect(&daemon, "systemctl is-active late", 3, "inactive\n", "");
    let pid = daemon.pid("web");
    expect(&daemon, "systemctl kill -s KILL web", 0, "", "");
    until("another process", || daemon.summary("web").pid.filter(|now| *now != pid));
}

#[test]
fn systemctl_kill_is_content_with_those_who_end_before_their_turn() {
    let crowd = "for n in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done\necho > {dir}/ready\nwait";
    let text = format!("{}[restart]\nwhen = \"never\"\n", shell(crowd));
    let daemon = Daemon::with(&[("crowd", &text)]);
    for _ in 0..5 {
        daemon.up("crowd");
        until("all are there", || daemon.read("ready"));
        std::fs::remove_file(daemon.path("ready")).unwrap();
        // Once its first process has ended, svcd ends the others, too.
        expect(&daemon, "systemctl kill -s KILL crowd", 0, "", "");
        daemon.until_state("crowd", StateName::Failed);
    }
}

#[test]
fn sv_counts_what_did_not_work() {
    let daemon = machine();
    let up = |line: &str| {
        let given = line.rsplit(' ').next().unwrap();
        let (code, out, err) = told(&daemon, line);
        assert!(
            code == 0 && err.is_empty() && out.starts_with(&format!("ok: run: {given}: (pid ")),
            "{line}: {code} {out} {err}"
        );
    };
    up("sv up web");
    up("sv restart /etc/service/web/");
    let pid = daemon.pid("web");
    let (_, out, _) = told(&daemon, "sv status web");
    assert!(out.starts_with(&format!("run: web: (pid {pid}) ")) && out.ends_with("s, normally down\n"), "{out}");
    expect(&daemon, "sv hup web", 0, "", "");
    let fault = "unable to change to service directory: file does not exist\n";
    expect(&daemon, "sv start no1 no2", 2, &format!("fail: no1: {fault}fail: no2: {fault}"), "");
    let (code, out, _) = told(&daemon, "sv down web");
    assert!(code == 0 && out.starts_with("ok: down: web: "), "{out}");
    expect(&daemon, "sv web", 100, "", "usage: sv [-v] [-w sec] command service ...\n");
    expect(&daemon, "sv nonsense web", 100, "", "usage: sv [-v] [-w sec] command service ...\n");
}

#[test]
fn telinit_reads_again_and_refuses_what_there_is_not() {
    let daemon = machine();
    daemon.define("late", &shell("exec sleep 1000"));
    expect(&daemon, "telinit q", 0, "", "");
    assert_eq!(daemon.summary("late").name.as_str(), "late");
    expect(&daemon, "telinit 2", 0, "", "");
    assert_eq!(told(&daemon, "telinit S").0, 1);
    assert_eq!(told(&daemon, "telinit 9").0, 1);
    let output = Command::new(env!("CARGO_BIN_EXE_svc"))
        .args(["as", "runlevel"])
        .env("RUNLEVEL", "3")
        .env("PREVLEVEL", "2")
        .output()
        .unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"2 3\n".as_slice()));
}
