//! What process 1 writes down for who(1) and last(1), read by them.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use svc::wire::{Request, StateName, Then};

use crate::harness::{Daemon, has, is_root, until};

/// Process 1 of a machine of its own, whose records are files of ours; `utmp` is made anew while it comes up, as the
/// scripts of some systems do.
const MACHINE: &str = r#"
    : >{dir}/utmp
    : >{dir}/wtmp
    exec unshare --mount --pid --fork --kill-child --mount-proc sh -c '
        mount -t tmpfs none /run && : >/run/utmp && mount --bind {dir}/utmp /run/utmp &&
        mount -t tmpfs none /var/log && : >/var/log/wtmp && mount --bind {dir}/wtmp /var/log/wtmp &&
        exec "$0" "$@"' "$0" "$@"
"#;

/// What a program of the system makes of a file.
fn read(daemon: &Daemon, program: &str, words: &[&str], file: &str) -> String {
    let output = Command::new(program).args(words).arg(daemon.path(file)).env("TZ", "UTC").output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Waits until the program says so.
fn until_told(daemon: &Daemon, program: &str, words: &[&str], file: &str, what: &str) -> String {
    until(&format!("{program} tells of {what}"), || {
        Some(read(daemon, program, words, file)).filter(|text| text.contains(what))
    })
}

#[test]
fn who_and_last_tell_of_the_life_of_the_machine_and_of_its_terminals() {
    let what = "records of logins";
    if !is_root(what) || !["unshare", "who", "last", "utmpdump"].iter().all(|program| has(program, what)) {
        return;
    }
    let mut daemon = Daemon::new(&[]);
    daemon.surround(MACHINE);
    let getty = daemon.path("testgetty");
    std::fs::write(&getty, "#!/bin/sh\nexec sleep 1000\n").unwrap();
    std::fs::set_permissions(&getty, std::fs::Permissions::from_mode(0o755)).unwrap();
    daemon.define("fresh", "kind = \"oneshot\"\ncommand = \"sh -c ': >/run/utmp'\"\nenabled = true\n");
    daemon.define("getty", "command = \"{dir}/testgetty null\"\nafter = \"fresh\"\nenabled = true\n");
    daemon.start();
    daemon.until_state("getty", StateName::Up);
    until_told(&daemon, "who", &["-b"], "utmp", "system boot");
    until_told(&daemon, "who", &["-r"], "utmp", "run-level 2");
    let boots = until_told(&daemon, "last", &["-x", "-f"], "wtmp", "runlevel (to lvl 2)");
    assert_eq!(boots.lines().filter(|line| line.starts_with("reboot")).count(), 1, "once only: {boots}");

    let first = daemon.pid("getty");
    let entry = |kind: u8, pid: i32| format!("[{kind}] [{pid:05}] [null]");
    until_told(&daemon, "utmpdump", &[], "utmp", &entry(5, first));
    // It is the machine's own number of the process, so the machine itself has to end it.
    daemon.define("end", "kind = \"oneshot\"\ncommand = \"sh -c 'kill -KILL $(cat {dir}/pid)'\"\n");
    std::fs::write(daemon.path("pid"), first.to_string()).unwrap();
    daemon.ask(&Request::Load { names: Vec::new() });
    daemon.up("end");
    until_told(&daemon, "utmpdump", &[], "wtmp", &entry(8, first));
    let second = until("it is started again", || daemon.summary("getty").pid.filter(|pid| *pid != first));
    let now = until_told(&daemon, "utmpdump", &[], "utmp", &entry(5, second));
    assert!(!now.contains(&entry(8, first)), "who waits now is in the place of who waited: {now}");

    daemon.ask(&Request::Shutdown { then: Then::Reboot, kill: false });
    let life = until_told(&daemon, "last", &["-x", "-f"], "wtmp", "system down");
    assert!(life.contains("runlevel (to lvl 6)") && life.contains("system boot"), "{life}");
    assert!(!life.contains("crash"), "{life}");
}
