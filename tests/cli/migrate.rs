//! `svc migrate` as a program: the inventory of a machine that was never booted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{Called, called, svc};

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn initd(name: &str, body: &str) -> String {
    format!(
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n# Required-Start:\n# Required-Stop:\n# Default-Start: 2\n\
         # Default-Stop:\n# Short-Description: the {name} of tests\n### END INIT INFO\n{body}\n"
    )
}

fn link(root: &Path, path: &str, target: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink(target, path).unwrap();
}

/// A root with one script for each thing that is told.
fn machine() -> TempDir {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    write(root, "bin/sh", "");
    write(root, "usr/sbin/webd", "");
    let daemon = "start-stop-daemon --start --exec /usr/sbin/webd --pidfile /run/web.pid";
    write(root, "etc/init.d/web", &initd("web", daemon));
    write(root, "etc/init.d/lost", &initd("lost", "start-stop-daemon --start --exec /usr/sbin/lostd"));
    write(root, "etc/init.d/early", &initd("early", "echo early"));
    write(root, "etc/init.d/masked", &initd("masked", "echo masked"));
    write(root, "etc/init.d/native", &initd("native", "echo native"));
    write(root, "etc/init.d/perly", "#!/usr/bin/perl\nprint 1;\n");
    write(root, "etc/init.d/odd", &initd("odd,other", "echo odd"));
    write(root, "etc/init.d/README", "read me\n");
    write(root, "etc/init.d/web.dpkg-old", "#!/bin/sh\n");
    write(root, "etc/init.d/web-functions", "log() { echo; }\n");
    write(root, "etc/init.d/user", &initd("user", ". /etc/init.d/web-functions\n/etc/init.d/web reload"));
    for (place, name) in [("rc2.d/S01web", "web"), ("rc3.d/S01web", "web"), ("rc2.d/S02lost", "lost")] {
        link(root, &format!("etc/{place}"), &format!("../init.d/{name}"));
    }
    link(root, "etc/rcS.d/S01early", "../init.d/early");
    write(root, "lib/systemd/system/web.service", "[Service]\nExecStart=/usr/sbin/webd\n");
    link(root, "etc/systemd/system/masked.service", "/dev/null");
    write(root, "etc/svc/services/native.toml", "command = \"/bin/sh\"\n");
    write(
        root,
        "etc/rc.d/flagged",
        "#!/bin/sh\n# PROVIDE: flagged\n. /etc/rc.subr\nname=flagged\nrcvar=flagged_enable\n\
        load_rc_config $name\n: ${flagged_enable:=\"NO\"}\nrun_rc_command \"$1\"\n",
    );
    write(root, "etc/rc.d/LOGIN", "#!/bin/sh\n# PROVIDE: LOGIN\n");
    write(root, "etc/rc.conf", "hostname=x\nflagged_enable=\"YES\"\n");
    write(root, "etc/cron.d/web", "# service web no\n5 * * * * root service web reload\n");
    write(root, "var/lib/dpkg/info/web.prerm", "#!/bin/sh\ninvoke-rc.d web stop\n");
    folder
}

fn migrate(root: &Path, words: &str) -> Called {
    called(svc().arg("--root").arg(root).args(words.split_whitespace()).output().unwrap())
}

fn inventory(root: &Path) -> Value {
    let answer = migrate(root, "migrate --json");
    assert_eq!((answer.err.as_str(), answer.code), ("", 0));
    let json: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(json["schema"], 1);
    json["migrate"].clone()
}

fn script<'a>(inventory: &'a Value, name: &str) -> &'a Value {
    inventory["scripts"].as_array().unwrap().iter().find(|script| script["name"] == name).unwrap()
}

#[test]
fn every_file_is_told_for_what_it_is() {
    let root = machine();
    let inventory = inventory(root.path());
    for (name, what, dialect) in [
        ("web", "service", "initd"),
        ("early", "one-shot", "initd"),
        ("README", "no-service", "initd"),
        ("web.dpkg-old", "no-service", "initd"),
        ("web-functions", "library", "initd"),
        ("flagged", "one-shot", "rcd"),
        ("LOGIN", "milestone", "rcd"),
    ] {
        let script = script(&inventory, name);
        assert_eq!((script["what"].as_str(), script["dialect"].as_str()), (Some(what), Some(dialect)), "{name}");
    }
    assert_eq!(script(&inventory, "web")["description"], "the web of tests");
}

#[test]
fn what_starts_a_script_is_named_with_its_file_and_line() {
    let root = machine();
    let inventory = inventory(root.path());
    let boot = |name| script(&inventory, name)["boot"].to_string();
    assert_eq!(
        boot("web"),
        r#"{"at":[{"file":"/etc/rc2.d/S01web","line":0},{"file":"/etc/rc3.d/S01web","line":0}],"on":true}"#
    );
    assert_eq!(boot("flagged"), r#"{"at":[{"file":"/etc/rc.conf","line":2}],"on":true}"#);
    assert_eq!(boot("user"), r#"{"at":[],"on":false}"#);
    fs::write(root.path().join("etc/rc.conf"), "flagged_enable=\"`cat /x`\"\n").unwrap();
    assert_eq!(script(&self::inventory(root.path()), "flagged")["boot"]["on"], Value::Null);
    fs::remove_file(root.path().join("etc/rc.conf")).unwrap();
    let default = script(&self::inventory(root.path()), "flagged")["boot"].to_string();
    assert_eq!(default, r#"{"at":[{"file":"/etc/rc.d/flagged","line":7}],"on":false}"#);
}

#[test]
fn what_systemd_260_drops_is_what_has_no_unit_beside_it() {
    let root = machine();
    let inventory = inventory(root.path());
    let fate = |name| script(&inventory, name)["systemd"].to_string();
    assert_eq!(fate("web"), r#"{"fate":"unit","file":"/lib/systemd/system/web.service"}"#);
    assert_eq!(fate("masked"), r#"{"fate":"masked","file":"/etc/systemd/system/masked.service"}"#);
    assert_eq!(fate("lost"), r#"{"fate":"dropped","was_started":true}"#);
    // Never started by its generator, which looked at runlevels 2 to 5 only.
    assert_eq!(fate("early"), r#"{"fate":"dropped","was_started":false}"#);
    assert_eq!(fate("flagged"), r#"{"fate":"none"}"#);
    let told = migrate(root.path(), "migrate").out;
    assert!(told.contains("systemd 260 silently drops 1 that older releases start at boot:\n  lost\n"), "{told}");
}

#[test]
fn what_keeps_a_script_from_being_run_in_place_is_said() {
    let root = machine();
    fs::set_permissions(root.path().join("etc/init.d/user"), fs::Permissions::from_mode(0o644)).unwrap();
    let inventory = inventory(root.path());
    let adoption = |name| script(&inventory, name)["adoption"].to_string();
    assert_eq!(adoption("web"), r#"{"verdict":"yes"}"#);
    assert_eq!(adoption("perly"), r#"{"reasons":["its interpreter /usr/bin/perl is not installed"],"verdict":"no"}"#);
    assert_eq!(adoption("native"), r#"{"definition":"/etc/svc/services/native.toml","verdict":"served"}"#);
    assert_eq!(adoption("README"), r#"{"verdict":"none"}"#);
    assert!(adoption("user").contains("it is not executable"), "{}", adoption("user"));
    assert_eq!(script(&inventory, "lost")["missing"], serde_json::json!(["/usr/sbin/lostd"]));
    assert_eq!(script(&inventory, "web")["missing"], serde_json::json!([]));
}

#[test]
fn faults_have_their_line_and_callers_too() {
    let root = machine();
    let inventory = inventory(root.path());
    let fault = &script(&inventory, "odd")["faults"][0];
    assert_eq!((fault["file"].as_str(), fault["line"].as_u64()), (Some("/etc/init.d/odd"), Some(3)));
    let callers: Vec<String> = script(&inventory, "web")["callers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|caller| format!("{} {}:{}", caller["kind"], caller["file"].as_str().unwrap(), caller["line"]))
        .collect();
    let expected =
        ["\"cron\" /etc/cron.d/web:2", "\"script\" /etc/init.d/user:11", "\"package\" /var/lib/dpkg/info/web.prerm:2"];
    assert_eq!(callers, expected);
}

#[test]
fn nothing_is_changed_and_names_ask_for_everything() {
    let root = machine();
    let before = all_files(root.path());
    let told = migrate(root.path(), "migrate web").out;
    for line in ["web  the web of tests", "  at boot   starts (/etc/rc2.d/S01web)", "  adopt     yes, as it is"] {
        assert!(told.lines().any(|found| found == line), "{line} is not in\n{told}");
    }
    assert!(!told.contains("lost"), "{told}");
    assert_eq!(migrate(root.path(), "migrate nobody").code, 5);
    assert_eq!(migrate(root.path(), "-q migrate").out.lines().next(), Some("LOGIN"));
    assert_eq!(all_files(root.path()), before);
}

#[test]
fn what_lies_among_the_scripts_is_survived() {
    let folder = TempDir::new().unwrap();
    let root = folder.path();
    let init = root.join("etc/init.d");
    write(root, "bin/sh", "");
    write(root, "etc/init.d/good", &initd("good", "echo"));
    fs::write(init.join("latin1"), b"#!/bin/sh\n# Provides: caf\xe9\n\0\xff\n").unwrap();
    fs::write(init.join(OsStr::from_bytes(b"n\xffme")), "#!/bin/sh\n").unwrap();
    fs::File::create(init.join("huge")).unwrap().set_len(50 << 20).unwrap();
    fs::write(init.join("empty"), "").unwrap();
    fs::create_dir(init.join("directory")).unwrap();
    symlink("nowhere", init.join("dangling")).unwrap();
    symlink("round", init.join("round")).unwrap();
    assert!(Command::new("mkfifo").arg(init.join("pipe")).status().unwrap().success());
    let inventory = inventory(root);
    assert_eq!(script(&inventory, "good")["adoption"]["verdict"], "yes");
    for (name, reason) in [
        ("huge", "more than the"),
        ("pipe", "not a regular file"),
        ("dangling", "leads nowhere"),
        ("round", "leads nowhere"),
        ("n\u{fffd}me", "its name"),
    ] {
        let reasons = script(&inventory, name)["adoption"]["reasons"].to_string();
        assert!(reasons.contains(reason), "{name}: {reasons}");
    }
    assert_eq!(script(&inventory, "empty")["what"], "no-service");
    let order = migrate(root, "order");
    assert!(order.out.lines().any(|line| line == "good"), "{order:?}");
    let order = migrate(root, "order --insserv --force");
    assert!(order.out.contains("S:01:2:good\n"), "{order:?}");
}

#[test]
fn a_root_that_is_not_there_is_an_error() {
    for verb in ["migrate", "order"] {
        let answer = migrate(Path::new("/nowhere/at/all"), verb);
        assert_eq!((answer.out.as_str(), answer.code), ("", 1));
        assert!(answer.err.contains("no such directory"), "{}", answer.err);
    }
}

fn all_files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(all_files(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap_or_default()));
        }
    }
    all.sort();
    all
}

#[test]
fn the_page_stands_alone_and_no_script_can_write_into_it() {
    let root = machine();
    write(root.path(), "etc/init.d/evil", &initd("evil", "").replace("the evil", "<script>alert(1)</script> &"));
    let page = root.path().join("page.html");
    let answer = migrate(root.path(), &format!("migrate --html {}", page.display()));
    assert_eq!((answer.err.as_str(), answer.code), ("", 0));
    let text = fs::read_to_string(page).unwrap();
    assert!(!text.contains("<script") && text.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp;"));
    for loads in ["src=", "<link", "@import", "url("] {
        assert!(!text.contains(loads), "{loads}");
    }
    assert!(text.contains("<svg ") && text.contains("id=\"s-web\""));
    let (opened, closed) = (text.matches("<g ").count(), text.matches("</g>").count());
    assert_eq!(opened, closed);
}
