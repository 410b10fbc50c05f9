//! Definitions read again, faults that hurt only themselves, logs.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use svc::wire::{Checked, Level, LoadReport, Reply, Request, StateName};

use crate::harness::{Daemon, has, is_root, lives, shell, signal, target, until};

fn load(daemon: &Daemon, names: &[&str]) -> LoadReport {
    let names = names.iter().map(|name| (*name).into()).collect();
    match daemon.ask(&Request::Load { names }) {
        Reply::Load(report) => report,
        other => panic!("{other:?}"),
    }
}

fn check(daemon: &Daemon, name: &str) -> Checked {
    match daemon.ask(&Request::Check { names: vec![name.into()] }) {
        Reply::Check(mut all) => all.remove(0),
        other => panic!("{other:?}"),
    }
}

fn bad(checked: &Checked) -> String {
    let bad = checked.findings.iter().filter(|finding| finding.level == Level::Bad);
    bad.map(|finding| finding.text.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_load_says_what_changed_and_touches_nothing_that_runs() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"")]);
    daemon.up("web");
    let pid = daemon.pid("web");
    daemon.define("web", "command = \"sleep 2000\"\nafter = [\"db\"]");
    daemon.define("db", "command = \"sleep 1000\"");
    assert_eq!(daemon.summary("web").state, StateName::Up);
    let report = load(&daemon, &[]);
    assert_eq!(report.added.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["db"]);
    let changed: Vec<_> = report.changed.iter().map(|change| (change.key.as_str(), change.live)).collect();
    assert_eq!(changed, [("after", true), ("command", false)]);
    assert_eq!(daemon.pid("web"), pid);
    let report = load(&daemon, &["web"]);
    let value = report.values.iter().find(|value| value.key == "command").unwrap();
    assert!(value.value.ends_with("sleep 2000") && value.origin.ends_with("services/web.toml:1"), "{value:?}");
    fs::remove_file(daemon.path("services/db.toml")).unwrap();
    assert_eq!(load(&daemon, &[]).removed.len(), 1);
}

#[test]
fn a_list_shows_what_cannot_start_and_why() {
    let daemon = Daemon::with(&[
        ("web", "comand = \"sleep 1000\""),
        ("one", "command = \"sleep 1000\"\nrequires = [\"two\"]"),
        ("two", "command = \"sleep 1000\"\nrequires = [\"one\"]"),
    ]);
    let Reply::List(list) = daemon.ask(&Request::List { names: Vec::new() }) else { panic!("no list") };
    let web = list.iter().find(|row| row.name.as_str() == "web").unwrap();
    assert_eq!(web.state, StateName::Faulty);
    assert!(web.reason.contains("web.toml:1:1: unknown key `comand`; try: svc web check"), "{}", web.reason);
    let one = list.iter().find(|row| row.name.as_str() == "one").unwrap();
    assert!(one.reason.contains("one requires two, two requires one"), "{}", one.reason);
}

#[test]
fn a_faulty_file_leaves_the_old_one_in_force_also_for_the_next_manager() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"")]);
    daemon.define("web", "command = \"sleep 1000\"\nrequries = [\"db\"]\n");
    let report = load(&daemon, &[]);
    assert_eq!(report.faults.len(), 1);
    assert!(
        report.faults[0].contains("web.toml:2:1") && report.faults[0].contains("did you mean `requires`?"),
        "{report:?}"
    );
    for _ in 0..2 {
        daemon.up("web");
        assert!(daemon.status("web").notes[0].contains("requries"));
        assert!(bad(&check(&daemon, "web")).contains("requries"));
        daemon.replace_manager();
    }
}

#[test]
fn every_kind_of_bad_file_hurts_only_itself() {
    let mut daemon = Daemon::new(&[]);
    let services = daemon.path("services");
    daemon.define("good", "command = \"sleep 1000\"");
    daemon.define("types", "command = 7\nnice = \"very\"\n");
    daemon.define("gone", "command = \"/nonexistent/program\"");
    daemon.define("nobody", "command = \"sleep 1\"\nuser = \"no-such-user-here\"");
    daemon.define("one", "command = \"sleep 1\"\nrequires = [\"two\"]");
    daemon.define("two", "command = \"sleep 1\"\nrequires = [\"one\"]");
    fs::write(services.join("huge.toml"), vec![b'#'; 10 * 1024 * 1024]).unwrap();
    fs::write(services.join("binary.toml"), (0..=255u8).cycle().take(4096).collect::<Vec<_>>()).unwrap();
    symlink("loop.toml", services.join("loop.toml")).unwrap();
    daemon.define("open", "command = \"sleep 1\"");
    fs::set_permissions(services.join("open.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(services.join("fifo.toml")).status().unwrap();
    assert!(made.success());
    daemon.start();
    daemon.up("good");
    for (name, words) in [
        ("types", "types.toml:1:"),
        ("gone", "/nonexistent/program is not installed"),
        ("nobody", "no-such-user-here"),
        ("one", "two"),
        ("huge", "more than the 1048576"),
        ("binary", "binary.toml:1:"),
        ("loop", "ymbolic link"),
        ("open", "writable by others"),
        ("fifo", "not a regular file"),
    ] {
        let checked = check(&daemon, name);
        assert!(!checked.ok && bad(&checked).contains(words), "{name}: {checked:#?}");
    }
    assert!(check(&daemon, "good").ok);
}

#[test]
fn a_name_that_is_nearly_right_gets_a_hint() {
    let daemon = Daemon::with(&[("nginx", "command = \"sleep 1000\"")]);
    match daemon.ask(&Request::Start(target("ngnix"))) {
        Reply::Refused(svc::wire::Refusal::Unknown { near: Some(near), .. }) => assert_eq!(near, "nginx"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_service_prints_is_kept_with_its_time() {
    let daemon = Daemon::with(&[("web", "command = \"sh -c 'echo out; echo err >&2; printf half; exec sleep 1000'\"")]);
    daemon.up("web");
    let lines = until("three lines", || Some(daemon.lines("web")).filter(|lines| lines.len() == 3));
    assert_eq!(lines, ["out", "err", "half"]);
    let text = daemon.read("log/web/current").unwrap();
    assert!(text.lines().all(|line| line.split(' ').next().is_some_and(|time| time.ends_with('Z'))), "{text}");
}

#[test]
fn a_talker_is_rotated_and_a_full_disk_does_not_hold_it_up() {
    let script = "i=0
        while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; done
        echo > {dir}/done
        exec sleep 1000";
    let text = format!("{}[log]\nsize = \"16K\"\nkeep = 2", shell(script));
    let mut daemon = Daemon::new(&[]);
    daemon.define("talker", &text);
    daemon.define("full", &text);
    fs::create_dir(daemon.path("log/full")).unwrap();
    symlink("/dev/full", daemon.path("log/full/current")).unwrap();
    daemon.start();
    daemon.up("full");
    until("the one on the full disk went on", || daemon.read("done"));
    until("svcd says so", || daemon.said().contains("the log of full cannot be written").then_some(()));
    daemon.up("talker");
    let lines = until("the last line", || {
        Some(daemon.lines("talker")).filter(|lines| lines.last().is_some_and(|line| line == "line 3000"))
    });
    assert!(lines.len() < 3000);
    assert!(daemon.path("log/talker/old.2").exists() && !daemon.path("log/talker/old.3").exists());
}

#[test]
fn a_full_runtime_directory_stops_nothing_and_is_made_good_when_there_is_room() {
    if !is_root("a file system of its own") || !has("unshare", "a file system of its own") {
        return;
    }
    let mut daemon = Daemon::new(&[]);
    daemon.surround(
        "mkdir {dir}/run
        exec unshare --mount sh -c '
            mount -t tmpfs -o size=256k,mode=755 tmpfs {dir}/run
            exec \"$0\" \"$@\"' \"$0\" \"$@\"",
    );
    daemon.define("web", "command = \"sleep 1000\"");
    daemon.define("fill", &format!("kind = \"oneshot\"\n{}", shell("cat /dev/zero > {dir}/run/fill || exit 0")));
    daemon.define("free", &format!("kind = \"oneshot\"\n{}", shell("rm {dir}/run/fill")));
    daemon.start();
    daemon.up("fill");
    for _ in 0..100 {
        daemon.up("web");
        daemon.down("web");
    }
    daemon.up("web");
    let pid = daemon.pid("web");
    assert!(daemon.said().contains("No space left"), "{}", daemon.said());
    // Nothing of this one is on file.
    daemon.replace_manager();
    assert!(daemon.said().contains("web: its run "), "{}", daemon.said());
    assert_eq!((daemon.pid("web"), daemon.summary("web").state), (pid, StateName::Up));
    signal(pid, 9);
    let pid = until("its end is seen", || daemon.summary("web").pid.filter(|found| *found != pid));
    daemon.up("free");
    until("the journal is whole again", || daemon.said().contains("the run journal is on file again").then_some(()));
    daemon.replace_manager();
    assert_eq!(daemon.pid("web"), pid);
}

#[test]
fn an_environment_is_clean_and_as_written() {
    let mut daemon = Daemon::new(&[]);
    fs::write(daemon.path("defaults"), "FROM_FILE=\"yes it is\"\n").unwrap();
    let script = "env > {dir}/environment
        (exec > {dir}/listed 2> /dev/null
        ls /proc/self/fd || procstat -h fds $$ | awk '$3 ~ /^[0-9]+$/ { print $3 }')
        mv {dir}/listed {dir}/open
        exec sleep 1000";
    let text = format!("environment-file = \"{{dir}}/defaults\"\n{}[environment]\nOWN = \"x\"", shell(script));
    daemon.define("web", &text);
    daemon.start();
    daemon.up("web");
    let text = until("its environment", || daemon.read("environment").filter(|text| text.contains("SVC_NAME=web")));
    assert!(text.contains("FROM_FILE=yes it is\n") && text.contains("OWN=x\n"), "{text}");
    if svc_platform::users::is_root() {
        assert!(!text.contains("CARGO"), "{text}");
    }
    let open = until("its descriptors", || daemon.read("open"));
    assert!(open.lines().count() >= 3, "nothing listed them: {open}");
    assert!(open.lines().all(|fd| fd.parse::<i32>().unwrap() <= 3), "inherited: {open}");
    assert!(lives(daemon.pid("web")));
}
