//! Process 1 of a machine: a boot that its manager does not outlive, terminals, and who sits at the console.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use svc::wire::{Request, StateName};
use tempfile::TempDir;

use crate::harness::{Daemon, has, is_root, target, until};

/// A machine of its own over a root of ours, with what is needed to make one.
fn machine(files: &[(&str, &str)]) -> Option<(TempDir, Daemon)> {
    let what = "a process namespace of its own";
    if !is_root(what) || !has("unshare", what) {
        return None;
    }
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    for (name, text) in files {
        fs::write(root.path().join("etc").join(name), text).unwrap();
    }
    // It has to live as long as the daemon's command line.
    let path: &'static str = Box::leak(root.path().display().to_string().into_boxed_str());
    let mut daemon = Daemon::new(&["--root", path]);
    daemon.surround("exec unshare --pid --fork --kill-child --mount-proc \"$0\" \"$@\"");
    Some((root, daemon))
}

/// Has a line of shell run on the machine.
fn run(daemon: &Daemon, name: &str, line: &str) {
    daemon.define(name, &format!("kind = \"oneshot\"\ncommand = \"sh -c '{line}'\"\n"));
    daemon.ask(&Request::Load { names: Vec::new() });
    daemon.ask(&Request::Start(target(name)));
}

#[test]
fn a_boot_goes_on_as_one_when_its_manager_was_killed() {
    let Some((_root, mut daemon)) = machine(&[("rc.subr", ""), ("rc.conf", "")]) else { return };
    let wait = "until [ -s {dir}/kill ]; do sleep 0.1; done\nkill -9 $(cat {dir}/kill)\n\
        until [ -e {dir}/go ]; do sleep 0.1; done";
    rc_script(&daemon, "slow", "", wait);
    rc_script(&daemon, "late", "REQUIRE: slow", "echo called with $1, autoboot=$autoboot >>{dir}/calls");
    daemon.start();
    daemon.until_state("slow", StateName::Starting);
    let (manager, _) = daemon.pids();
    fs::write(daemon.path("killed"), manager.to_string()).unwrap();
    fs::rename(daemon.path("killed"), daemon.path("kill")).unwrap();
    until("another manager", || Some(daemon.pids()).filter(|(pid, _)| *pid != manager));
    assert_eq!(daemon.read("calls"), None, "what comes after waits");
    fs::write(daemon.path("go"), "").unwrap();
    daemon.until_state("late", StateName::Up);
    assert_eq!(daemon.read("calls").unwrap(), "slow\ncalled with faststart, autoboot=yes\nlate\n");
}

/// A script of rc.conf that needs no library.
fn rc_script(daemon: &Daemon, name: &str, order: &str, body: &str) {
    let head = "# The library is not needed here.\n#. /etc/rc.subr";
    let order: String = order.lines().map(|line| format!("# {line}\n")).collect();
    daemon.script(
        name,
        &format!("#!/bin/sh\n# PROVIDE: {name}\n{order}{head}\nname={name}\n{body}\necho {name} >>{{dir}}/calls\n"),
    );
}

#[test]
fn what_a_script_of_a_boot_turns_on_has_its_place_in_it() {
    let Some((root, mut daemon)) = machine(&[("rc.subr", ""), ("rc.conf", "middle_enable=NO\n")]) else { return };
    let rc_conf = root.path().join("etc/rc.conf").display().to_string();
    rc_script(&daemon, "first", "", &format!("echo middle_enable=YES >{rc_conf}\nkill -ALRM 1"));
    rc_script(&daemon, "middle", "REQUIRE: first\nBEFORE: last", "rcvar=middle_enable");
    rc_script(&daemon, "last", "REQUIRE: first", "");
    daemon.start();
    daemon.until_state("last", StateName::Up);
    assert_eq!(daemon.read("calls").unwrap(), "first\nmiddle\nlast\n");
}

#[test]
fn a_script_that_is_only_there_after_the_divider_has_its_place() {
    let files = [("rc.subr", ""), ("rc.conf", "early_late_divider=mounts\n")];
    let Some((_root, mut daemon)) = machine(&files) else { return };
    rc_script(&daemon, "mounted", "REQUIRE: mounts\nBEFORE: last", "");
    fs::rename(daemon.path("init.d/mounted"), daemon.path("mounted")).unwrap();
    rc_script(&daemon, "mounts", "", "mv {dir}/mounted {dir}/init.d");
    rc_script(&daemon, "last", "REQUIRE: mounts", "");
    daemon.start();
    daemon.until_state("last", StateName::Up);
    assert_eq!(daemon.read("calls").unwrap(), "mounts\nmounted\nlast\n");
}

#[test]
fn a_divider_that_is_stopped_holds_nobody_up() {
    let files = [("rc.subr", ""), ("rc.conf", "early_late_divider=mounts\n")];
    let Some((_root, mut daemon)) = machine(&files) else { return };
    rc_script(&daemon, "mounts", "", "case $1 in *start) exec sleep 1000 ;; esac");
    rc_script(&daemon, "last", "REQUIRE: mounts", "");
    daemon.start();
    daemon.until_state("mounts", StateName::Starting);
    daemon.ask(&Request::Stop(target("mounts")));
    daemon.until_state("last", StateName::Up);
}

#[test]
fn signals_to_process_1_bar_terminals_and_serve_them_again() {
    let Some((root, mut daemon)) = machine(&[]) else { return };
    let getty = daemon.path("testgetty");
    let leaves = "until [ -e {dir}/leave ]; do sleep 0.1; done\nrm {dir}/leave";
    fs::write(&getty, daemon.filled(&format!("#!/bin/sh\n{leaves}\n"))).unwrap();
    fs::set_permissions(&getty, fs::Permissions::from_mode(0o755)).unwrap();
    let ttys = |flag: &str| {
        let line = format!("null \"{}\" dumb {flag} secure\n", getty.display());
        fs::write(root.path().join("etc/ttys"), line).unwrap();
    };
    ttys("on");
    daemon.start();
    let name = "getty.null";
    daemon.until_state(name, StateName::Up);
    let first = daemon.pid(name);
    run(&daemon, "bar", "kill -TSTP 1");
    until("that it is heard", || daemon.read("run/in-force").filter(|text| text.contains("\"when\":\"never\"")));
    assert_eq!(daemon.pid(name), first, "who works goes on");
    fs::write(daemon.path("leave"), "").unwrap();
    let ended = until("that nothing takes its place", || {
        Some(daemon.summary(name)).filter(|summary| matches!(summary.state, StateName::Down | StateName::Failed))
    });
    assert_eq!(ended.pid, None);

    run(&daemon, "rescan", "kill -HUP 1");
    let second = until("that it is served again", || daemon.summary(name).pid.filter(|pid| *pid != first));
    assert_ne!(second, first);
    ttys("off");
    daemon.outcome(&Request::Restart(target("rescan")));
    daemon.until_state(name, StateName::Down);
}

#[test]
fn keys_at_the_console_are_told_while_the_machine_boots() {
    let what = "a terminal";
    if !has("script", what) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (told, svcd) = (dir.path().join("told"), env!("CARGO_BIN_EXE_svcd"));
    // A key that is typed before svcd listens must not end the shell.
    let line = format!(
        "trap '' INT QUIT; mkfifo {0}.pipe; cat {0}.pipe >{0} & exec {svcd} --role attendant >{0}.pipe",
        told.display()
    );
    // The program of that name has another command line on each system.
    let is_linux_s = Command::new("script").arg("--version").stderr(Stdio::null()).output().unwrap().status.success();
    let words: Vec<&str> =
        if is_linux_s { vec!["-qec", &line, "/dev/null"] } else { vec!["-q", "/dev/null", "sh", "-c", &line] };
    let mut terminal = Command::new("script")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A shell that does not ignore it yet would end of the first key.
    until("the shell at the terminal", || dir.path().join("told.pipe").exists().then_some(()));
    let mut keys = terminal.stdin.take().unwrap();
    let mut heard = |key: &[u8], word: &str| {
        until(&format!("that it hears {word}"), || {
            // Before it leads the terminal a key is nobody's.
            keys.write_all(key).unwrap();
            keys.flush().unwrap();
            lines(&told).contains(&word.to_owned()).then_some(())
        });
    };
    heard(b"\x03", "interrupt");
    heard(b"\x1c", "quit");
    terminal.kill().unwrap();
    terminal.wait().unwrap();
}

fn lines(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}
