//! Whole trees: nothing of a stopped service is left, whatever it forked.

use svc::wire::{Request, StateName};

use crate::harness::{Daemon, has, is_root, lives, shell, signal, skipped, target, until};

/// Leaves its parent, its session, and the words it came with.
const STRAYS: &str = "for i in 1 2 3; do ({setsid} sh -c \"(sleep 1000 & echo \\$! > {dir}/stray$i)\" &); done
    exec sleep 1000";

fn strays_are_ended(flags: &[&'static str]) {
    let mut daemon = Daemon::new(flags);
    daemon.define("web", &shell(STRAYS));
    daemon.start();
    daemon.up("web");
    let strays: Vec<i32> = (1..=3).map(|n| daemon.pid_in(&format!("stray{n}"))).collect();
    assert!(strays.iter().all(|pid| lives(*pid)));
    until("they are seen", || (daemon.status("web").tree.len() == 4).then_some(()));
    daemon.down("web");
    assert!(strays.iter().all(|pid| !lives(*pid)), "strays are left");
}

#[test]
fn a_stop_leaves_no_stray_in_a_cgroup() {
    strays_are_ended(&[]);
}

#[test]
fn a_stop_leaves_no_stray_without_cgroups() {
    strays_are_ended(&["--no-cgroup"]);
}

#[test]
fn an_ended_daemon_leaves_no_cgroup() {
    let daemon = Daemon::with(&[("web", &shell("exec sleep 1000"))]);
    daemon.up("web");
    let cgroup = std::fs::read_to_string(format!("/proc/{}/cgroup", daemon.pid("web"))).unwrap_or_default();
    let Some(shown) = cgroup.lines().find_map(|line| line.strip_prefix("0::")).filter(|path| path.contains("/web."))
    else {
        return skipped("an_ended_daemon_leaves_no_cgroup", "trees are no cgroups here");
    };
    let place = shown.rsplit_once('/').map(|(place, _)| place.to_owned()).expect("a run's cgroup lies in another");
    let points = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map(|point| format!("{point}{place}"));
    let is_there = || points.iter().any(|path| std::path::Path::new(path).is_dir());
    assert!(is_there());
    drop(daemon);
    assert!(!is_there(), "{place} is left");
}

#[test]
fn a_crash_ends_what_is_left_of_the_tree_before_the_next_launch() {
    let daemon = Daemon::with(&[("web", &shell(STRAYS))]);
    daemon.up("web");
    let (main, stray) = (daemon.pid("web"), daemon.pid_in("stray1"));
    signal(main, 9);
    until("another main process", || daemon.summary("web").pid.filter(|pid| *pid != main));
    assert!(!lives(stray));
}

#[test]
fn a_tree_that_is_deaf_to_term_is_killed_when_patience_ends() {
    for flags in [&[][..], &["--no-cgroup"]] {
        let mut daemon = Daemon::new(flags);
        let deaf = "while :; do sleep 0.1; done";
        let script = format!("trap '' TERM\n({deaf}) & echo $! > {{dir}}/child\n{deaf}");
        let text = format!("{}[stop]\ntimeout = \"300ms\"", shell(&script));
        daemon.define("deaf", &text);
        daemon.start();
        daemon.up("deaf");
        let (main, child) = (daemon.pid("deaf"), daemon.pid_in("child"));
        daemon.down("deaf");
        assert!(!lives(main) && !lives(child));
    }
}

#[test]
fn declared_survivors_are_left_and_listed() {
    let text =
        "leave-children = true\ncommand = \"sh -c '({setsid} sleep 1000 & echo $! > {dir}/child); exec sleep 1000'\"";
    let daemon = Daemon::with(&[("sshd", text)]);
    daemon.up("sshd");
    let child = daemon.pid_in("child");
    daemon.down("sshd");
    assert!(lives(child));
    assert_eq!(daemon.status("sshd").left_behind.iter().map(|process| process.pid).collect::<Vec<_>>(), [child]);
    let mut all = target("sshd");
    all.all = true;
    daemon.ask(&Request::Stop(all));
    assert!(!lives(child));
    assert!(daemon.status("sshd").left_behind.is_empty());
}

#[test]
fn a_forking_service_is_its_daemon_and_not_what_launched_it() {
    for (flags, pid_file) in [(&[][..], true), (&[], false), (&["--no-cgroup"], true), (&["--no-cgroup"], false)] {
        let mut daemon = Daemon::new(flags);
        let key = if pid_file { "pid-file = \"{dir}/pid\"\n" } else { "" };
        let text = format!(
            "kind = \"forking\"\n{key}command = \"sh -c '({{setsid}} sleep 1000 & echo $! > {{dir}}/pid); exit 0'\""
        );
        daemon.define("forker", &text);
        daemon.start();
        daemon.up("forker");
        let first = daemon.pid_in("pid");
        assert_eq!(daemon.pid("forker"), first);
        signal(first, 9);
        // What launches it has a pid before, and may be stopped before it has written the daemon's.
        let repaired = || Some(daemon.summary("forker")).filter(|now| now.state == StateName::Up)?.pid;
        let next = until("its death is repaired", || repaired().filter(|pid| *pid != first));
        assert_eq!(daemon.pid_in("pid"), next);
        daemon.down("forker");
        assert_eq!(daemon.summary("forker").state, StateName::Down);
        assert!(!lives(next));
    }
}

#[test]
fn where_no_more_trees_can_be_watched_services_start_and_end_all_the_same() {
    let limit = "/proc/sys/user/max_inotify_watches";
    let what = "a machine on which nothing more can be watched";
    if !is_root(what) || !has("unshare", what) {
        return;
    }
    if !std::path::Path::new(limit).exists() {
        return skipped(what, "there is no such limit here");
    }
    let mut daemon = Daemon::new(&[]);
    daemon.surround(&format!(
        "exec unshare --user --map-root-user sh -c '
            echo 0 > {limit} || exit 1
            exec \"$0\" \"$@\"' \"$0\" \"$@\""
    ));
    daemon.define("web", &shell("sleep 1000 &\necho $! > {dir}/child\nexec sleep 1000"));
    daemon.start();
    daemon.up("web");
    let (pid, child) = (daemon.pid("web"), daemon.pid_in("child"));
    daemon.replace_manager();
    assert_eq!(daemon.pid("web"), pid, "{}", daemon.said());
    signal(pid, 9);
    let pid = until("another main process", || daemon.summary("web").pid.filter(|found| *found != pid));
    assert!(!lives(child), "it was left of the one before");
    daemon.down("web");
    assert!(!lives(pid) && !lives(daemon.pid_in("child")), "{}", daemon.said());
}
