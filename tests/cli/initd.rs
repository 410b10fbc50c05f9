//! The commands around init scripts where no svcd runs, told odd things: names that are none, a policy without an end.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::fake::{Called, called, svc};

/// A root with one script, its links in two worlds, and a program that is no script and must never be run.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let header = "### BEGIN INIT INFO\n# Provides: web\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2 3\n\
                  # Default-Stop: 0 6\n### END INIT INFO\n";
    write("etc/init.d/web", &format!("#!/bin/sh\n{header}echo \"web $#: $*\"\nexit 7\n"));
    write("etc/decoy", &format!("#!/bin/sh\ntouch {}/harm\n", root.path().display()));
    write("sbin/init", "");
    for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
        fs::create_dir_all(root.path().join(format!("etc/rc{level}.d"))).unwrap();
    }
    symlink("../init.d/web", root.path().join("etc/rc2.d/S01web")).unwrap();
    fs::create_dir_all(root.path().join("etc/runlevels/default")).unwrap();
    symlink("/etc/init.d/web", root.path().join("etc/runlevels/default/web")).unwrap();
    root
}

fn call(root: &TempDir, words: &[&str]) -> Called {
    let root = root.path();
    let mut command = svc();
    command.arg("as").args(words).env("SVC_ROOT", root);
    called(command.env("SVC_POLICY_SECONDS", "1").env("SVC_STATUS_SECONDS", "1").output().unwrap())
}

/// Every file below a directory, with what it is.
fn snapshot(path: &Path) -> Vec<String> {
    let mut open = vec![path.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = open.pop() {
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push(format!("{} {kind:?}", path.display()));
    }
    found.sort();
    found
}

#[test]
fn a_name_that_is_none_runs_nothing_and_changes_nothing() {
    let root = root();
    let before = snapshot(root.path());
    let odd =
        ["../decoy", "../../etc/decoy", "./../decoy", "-rf", "--", "we b", "we\nb", "*", "web *", "$(id)", ".", ".."];
    for name in odd {
        for words in [
            &["debian-service", name, "start"][..],
            &["debian-service", name, "--full-restart"],
            &["redhat-service", name, "configtest"],
            &["invoke-rc.d", "--force", name, "start"],
            &["update-rc.d", name, "remove"],
            &["update-rc.d", "-f", name, "remove"],
            &["update-rc.d", name, "defaults"],
            &["update-rc.d", name, "disable"],
            &["chkconfig", "--add", name],
            &["chkconfig", "--del", name],
            &["chkconfig", name, "off"],
            &["rc-service", name, "start"],
            &["rc-update", "del", name],
            &["rc-update", "add", name, "default"],
            &["rc-update", "del", "web", name],
            &["rc-update", "-s", "del", name, "default"],
        ] {
            let told = call(&root, words);
            // To take out what is not there is no fault, and `--` is no name to getopt(3).
            let is_fault = name != "--" && words.last() != Some(&"remove");
            assert!(told.code != 0 || !is_fault, "{words:?}: {told:?}");
            assert_eq!(snapshot(root.path()), before, "{words:?}: {told:?}");
        }
    }
}

#[test]
fn a_runlevel_that_is_a_path_is_no_runlevel() {
    let root = root();
    let told = call(&root, &["rc-update", "del", "web", "../init.d"]);
    assert_eq!((told.code, told.err.as_str()), (1, " * rc-update: `../init.d' is not a valid runlevel\n"));
    assert!(root.path().join("etc/init.d/web").exists());
}

#[test]
fn words_are_split_again_and_codes_are_the_scripts() {
    let root = root();
    let told = call(&root, &["debian-service", "web", "start", "a b", "c"]);
    assert_eq!((told.code, told.out.as_str()), (7, "web 4: start a b c\n"));
    let told = call(&root, &["redhat-service", "web", "start", "a b", "c"]);
    assert_eq!((told.code, told.out.as_str()), (7, "web 4: start a b c\n"));
    let told = call(&root, &["invoke-rc.d", "--force", "web", "start", "a b", "c"]);
    assert_eq!((told.code, told.out.as_str()), (7, "web 3: start a b c\n"));
}

#[test]
fn the_grammar_of_service_is_that_of_the_machine() {
    let root = root();
    let of = |words: &[&str]| call(&root, words).err;
    assert_eq!(of(&["service", "nothere", "configtest"]), "nothere: unrecognized service\n");
    fs::write(root.path().join("etc/redhat-release"), "").unwrap();
    assert!(of(&["service", "nothere", "configtest"]).starts_with("The service command supports only basic LSB"));
    fs::remove_file(root.path().join("etc/redhat-release")).unwrap();
    fs::remove_dir_all(root.path().join("etc/init.d")).unwrap();
    fs::create_dir_all(root.path().join("etc/rc.d")).unwrap();
    let told = call(&root, &["service", "nothere", "configtest"]);
    assert!(told.out.starts_with("nothere does not exist in /etc/rc.d"), "{told:?}");
}

#[test]
fn a_policy_that_does_not_answer_is_stopped_and_allows_nothing() {
    let root = root();
    let policy = root.path().join("usr/sbin/policy-rc.d");
    fs::create_dir_all(policy.parent().unwrap()).unwrap();
    let note = root.path().join("pid");
    let text = format!("#!/bin/sh\nsleep 4711 &\necho $! >{}\nwait\n", note.display());
    fs::write(&policy, text).unwrap();
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o755)).unwrap();
    let begun = Instant::now();
    let told = call(&root, &["invoke-rc.d", "web", "stop"]);
    assert!(begun.elapsed() < Duration::from_secs(60), "the limit of one second holds");
    assert_eq!((told.code, told.out.as_str()), (102, ""), "{told:?}");
    assert!(told.err.contains("took longer than 1 s and was stopped"), "{told:?}");
    let pid = fs::read_to_string(note).unwrap().trim().parse().unwrap();
    let sleeps = || {
        let facts = svc_platform::process::facts(pid);
        facts.is_ok_and(|facts| !facts.is_zombie() && facts.arguments == ["sleep", "4711"])
    };
    while sleeps() {
        assert!(begun.elapsed() < Duration::from_secs(60), "what the policy has started is stopped with it");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

#[test]
fn a_status_that_does_not_answer_does_not_keep_the_others_from_answering() {
    let root = root();
    let hangs = root.path().join("etc/init.d/deaf");
    fs::write(&hangs, "#!/bin/sh\nsleep 4711\n").unwrap();
    fs::set_permissions(&hangs, fs::Permissions::from_mode(0o755)).unwrap();
    let told = call(&root, &["debian-service", "--status-all"]);
    // The script of web says something and fails.
    assert_eq!((told.code, told.out.as_str()), (0, " [ - ]  web\n"));
    assert!(told.err.ends_with("was stopped\n [ ? ]  deaf\n"), "{told:?}");
}

#[test]
fn a_script_that_systemd_dropped_is_asked_itself() {
    let root = root();
    fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
    let programs = root.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let systemctl = programs.join("systemctl");
    let text = "#!/bin/sh\ncase \"$*\" in\n*LoadState*web.service) echo LoadState=not-found ;;\n\
                *LoadState*) echo LoadState=loaded ;;\n*) echo \"systemctl $*\" ;;\nesac\n";
    fs::write(&systemctl, text).unwrap();
    fs::set_permissions(&systemctl, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(root.path().join("etc/init.d/web"), root.path().join("etc/init.d/db")).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let told = |name: &str| {
        let mut command = svc();
        command.args(["as", "debian-service", name, "status"]).env("SVC_ROOT", root.path()).env("PATH", &path);
        called(command.output().unwrap())
    };
    assert!(told("web").out.contains("web 1: status"), "{:?}", told("web"));
    assert!(told("db").out.contains("systemctl status db.service"), "{:?}", told("db"));
}
