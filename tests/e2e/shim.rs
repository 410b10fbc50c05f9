//! Shims of definitions: a script at the place where scripts are, which svcd takes for none and which leads to it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use svc::wire::{Request, StateName};
use svc_platform::host;

use crate::harness::{Daemon, lives, shell, until};

/// A machine whose definitions are also where svc looks for them below this root.
fn machine() -> Daemon {
    let mut daemon = Daemon::new(&[]);
    daemon.define("web", &shell("exec sleep 1000"));
    for place in [host::PLACES.definitions[0], "svc/services"] {
        let place = daemon.path(place);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        symlink(daemon.path("services"), place).unwrap();
    }
    let scripts = daemon.path(host::PLACES.shims);
    fs::create_dir_all(scripts.parent().unwrap()).unwrap();
    // A link that stays below the root, wherever the root is.
    let up = "../".repeat(host::PLACES.shims.matches('/').count());
    symlink(format!("{up}init.d"), scripts).unwrap();
    daemon.start();
    daemon
}

fn svc(daemon: &Daemon, line: &str) -> Output {
    ask(daemon, &format!("shim {line}"))
}

fn ask(daemon: &Daemon, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    command.args(line.split(' ')).arg("--root").arg(daemon.path(""));
    // Who is not root has definitions there.
    command.env("XDG_CONFIG_HOME", daemon.path("")).stdin(Stdio::null()).output().unwrap()
}

fn place(daemon: &Daemon) -> PathBuf {
    daemon.path(host::PLACES.shims).join("web")
}

fn call(daemon: &Daemon, verb: &str) -> Output {
    let bin = PathBuf::from(env!("CARGO_BIN_EXE_svc"));
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", bin.parent().unwrap().display());
    let mut command = Command::new(place(daemon));
    command.arg(verb).env("PATH", path).env("SVC_SOCKET", daemon.path("control"));
    command.env_remove("SVC_RUN").stdin(Stdio::null()).output().unwrap()
}

/// Whether scripts are those of rc.d here, which have one code for what does not succeed.
fn is_rc_d() -> bool {
    host::PLACES.shims.ends_with("rc.d")
}

fn code_of(code: i32) -> i32 {
    if is_rc_d() { code.min(1) } else { code }
}

#[test]
fn a_shim_leads_to_the_service_in_svcd() {
    let daemon = machine();
    let shown = svc(&daemon, "web");
    assert!(shown.status.success() && !place(&daemon).exists(), "{shown:?}");
    let told: serde_json::Value = serde_json::from_slice(&svc(&daemon, "web --json").stdout).unwrap();
    assert_eq!(told["shim"]["answer"].as_str().map(str::as_bytes), Some(&*shown.stdout));
    let written = svc(&daemon, "web --write");
    assert!(written.status.success(), "{written:?}");
    assert_eq!(fs::read(place(&daemon)).unwrap(), shown.stdout);
    assert_eq!(fs::metadata(place(&daemon)).unwrap().permissions().mode() & 0o777, 0o755);

    assert_eq!(call(&daemon, "status").status.code(), Some(code_of(3)));
    let told = call(&daemon, "onestart");
    let told = if told.status.success() { told } else { call(&daemon, "start") };
    assert!(told.status.success(), "{told:?}");
    let first = daemon.pid("web");
    let told = call(&daemon, "status");
    let said = format!("web is running as pid {first}{}\n", if is_rc_d() { "." } else { "" });
    assert_eq!((told.status.code(), &*told.stdout), (Some(0), said.as_bytes()));
    assert_eq!(call(&daemon, "enabled").status.code(), Some(1));
    assert!(call(&daemon, "enable").status.success());
    assert_eq!(call(&daemon, "enabled").status.code(), Some(0));
    let told = call(&daemon, "restart");
    assert!(told.status.success(), "{told:?}");
    let second = daemon.pid("web");
    assert!(second != first && lives(second), "{first} {second}");
    until("the first is gone", || (!lives(first)).then_some(()));
    assert!(call(&daemon, "stop").status.success());
    assert_eq!(daemon.summary("web").state, StateName::Down);
}

#[test]
fn svcd_takes_no_shim_for_a_script() {
    let daemon = machine();
    assert!(svc(&daemon, "web --write").status.success());
    assert_eq!(ask(&daemon, "convert web").status.code(), Some(1), "there is nothing in it to convert");
    daemon.ask(&Request::Load { names: Vec::new() });
    assert_eq!(daemon.summary("web").kind, "process", "the definition is what counts");
    fs::remove_file(daemon.path("services/web.toml")).unwrap();
    daemon.ask(&Request::Load { names: Vec::new() });
    let told = call(&daemon, "restart");
    assert_eq!(
        told.status.code(),
        Some(code_of(5)),
        "nobody knows it any more, and nothing goes in a circle: {told:?}"
    );
    assert_eq!(call(&daemon, "status").status.code(), Some(code_of(4)));
    assert!(svc(&daemon, "web --remove").status.success());
    assert!(!place(&daemon).exists());
}

#[test]
fn what_is_not_ours_stays_as_it_is() {
    let daemon = machine();
    let theirs = "#!/bin/sh\necho theirs\n";
    let text = || fs::read_to_string(place(&daemon)).unwrap();
    daemon.script("web", theirs);
    for line in ["web --write", "web --remove", "web --remove --force"] {
        assert_eq!(svc(&daemon, line).status.code(), Some(1), "{line}");
        assert_eq!(text(), theirs, "{line}");
    }
    assert!(svc(&daemon, "web --write --force").status.success());
    let ours = text();
    assert!(svc(&daemon, "web --write").status.success());
    fs::write(place(&daemon), format!("{ours}# mine\n")).unwrap();
    for line in ["web --write", "web --remove"] {
        assert_eq!(svc(&daemon, line).status.code(), Some(1), "{line}");
    }
    assert!(svc(&daemon, "web --remove --force").status.success());
    for (line, code) in [("nothere --write", 5), ("../web --write", 2), (".. --remove", 2), ("web/x --remove", 2)] {
        assert_eq!(svc(&daemon, line).status.code(), Some(code), "{line}");
    }
    daemon.script("old", theirs);
    // What svcd runs as a script needs no second one.
    assert_ne!(svc(&daemon, "old --write --force").status.code(), Some(0));
    assert_eq!(fs::read_to_string(daemon.path("init.d/old")).unwrap(), theirs);
    let round = format!("command = \"/{}/web start\"\n", host::PLACES.shims);
    fs::write(daemon.path("services/web.toml"), round).unwrap();
    let told = svc(&daemon, "web --write");
    assert!(told.status.code() == Some(1) && String::from_utf8_lossy(&told.stderr).contains("circle"), "{told:?}");
    assert!(!place(&daemon).exists());
}
