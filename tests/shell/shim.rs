//! Shims: their text letter for letter, and what they do in every shell with an svc that notes how it was called.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use svc::shim::{self, Form};
use svc_compat::header::rcd;
use svc_compat::script;
use svc_compat::shim::is_shim;
use svc_core::service::{Kind, Verb};
use svc_core::{Name, Service};

use crate::{SHELLS, is_there, skipped};

/// Notes its words, and answers as its files say.
const SVC: &str = r#"#!/bin/sh
echo "$*" >>"$SCRATCH/calls"
case $* in
"--json list "*) cat "$SCRATCH/list" ;;
*) exit "$(cat "$SCRATCH/code")" ;;
esac
"#;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn web() -> Service {
    let mut web = Service::new(name("web@one"), Kind::Process);
    web.description = "somebody's $web\n`server`".into();
    web.command = vec!["/usr/sbin/webd".into()];
    web.links.requires = vec![name("db"), name("cache")];
    web.links.wants = vec![name("mail")];
    web.links.after = vec![name("mail"), name("db"), name("disk")];
    web.links.before = vec![name("proxy")];
    web.links.provides = vec![name("httpd")];
    web
}

fn texts() -> [(&'static str, String); 2] {
    let scripts = BTreeSet::from(["db".to_owned()]);
    [(Form::Initd, "initd"), (Form::Rcd, "rcd")].map(|(form, file)| (file, shim::text(&web(), form, &scripts)))
}

#[test]
fn a_shim_is_this_text() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/shim");
    for (file, text) in texts() {
        let path = golden.join(file);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let wanted = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(text, wanted, "{}; if this is meant: UPDATE=1", path.display());
        assert!(is_shim(text.as_bytes()) && shim::is_untouched(&text));
        assert!(!shim::is_untouched(&text.replace("start", "stop")), "an edit is seen");
        // No word of a header gets lost on the way to those who read it.
        assert!(text.lines().all(|line| !line.ends_with(' ')));
    }
}

#[test]
fn headers_are_read_as_they_are_meant() {
    let [(_, initd), (_, rc_d)] = texts();
    let read = script::read("web@one", initd.as_bytes());
    assert_eq!(read.provides, ["web@one", "httpd"]);
    assert_eq!(read.required_start, ["$remote_fs", "$syslog", "db"]);
    assert_eq!(read.should_start, ["cache", "mail", "disk"]);
    assert_eq!(read.x_start_before, ["proxy"]);
    assert_eq!(read.description, "somebody's $web `server`");
    let read = rcd::strict(rc_d.as_bytes());
    assert_eq!(read.provide, ["web@one", "httpd"]);
    assert_eq!(read.require, ["LOGIN", "db", "cache", "mail", "disk"]);
    assert_eq!((read.before, read.keyword), (vec!["proxy".to_owned()], vec!["nostart".to_owned()]));
}

#[test]
fn a_definition_that_runs_the_script_in_its_place_is_seen() {
    let mut web = web();
    assert!(!shim::is_run_by(&web, "/etc/init.d/web"));
    web.files = vec!["/etc/init.d/web".into()];
    web.command = vec!["/etc/init.d/web-helper".into(), "/opt/etc/init.d/web".into()];
    assert!(!shim::is_run_by(&web, "/etc/init.d/web"));
    let command = vec!["sh".into(), "-c".into(), "exec /etc/init.d/web configtest".into()];
    web.verbs.insert("configtest".into(), Verb { command, ..Verb::default() });
    assert!(shim::is_run_by(&web, "/etc/init.d/web"));
}

/// A machine with a shim on it.
struct Machine<'a> {
    shell: &'a [&'a str],
    form: &'a str,
    scratch: tempfile::TempDir,
}

impl<'a> Machine<'a> {
    fn new(shell: &'a [&'a str], form: &'a str, text: &str, list: &str) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| fs::write(scratch.path().join(file), text).unwrap();
        put("svc", SVC);
        put("shim", text);
        put("list", list);
        fs::set_permissions(scratch.path().join("svc"), fs::Permissions::from_mode(0o755)).unwrap();
        Self { shell, form, scratch }
    }

    /// What it answers, what it prints, what it asked for beside what svcd knows of the service.
    fn call(&self, line: &str, answer: u8, run: &str, wanted: (i32, &str, &str)) {
        let at = self.scratch.path();
        fs::write(at.join("code"), answer.to_string()).unwrap();
        fs::write(at.join("calls"), "").unwrap();
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", at.display());
        let mut command = Command::new(self.shell[0]);
        command.args(&self.shell[1..]).arg(at.join("shim")).args(line.split_whitespace());
        let told = command.env("PATH", path).env("SCRATCH", at).env("SVC_RUN", run).output().unwrap();
        let calls = fs::read_to_string(at.join("calls")).unwrap();
        let calls: Vec<&str> = calls.lines().filter(|call| !call.starts_with("--json list")).collect();
        let found = (told.status.code().unwrap(), String::from_utf8_lossy(&told.stdout), calls.join("; "));
        let about = format!("{} {}: {line} ({answer}): {told:?}", self.shell.join(" "), self.form);
        assert_eq!((found.0, &*found.1, &*found.2), wanted, "{about}");
    }
}

const ON: &str = r#"{"list":[{"name":"web@one","enabled":true,"pid":71,"state":"up"}],"schema":1}"#;
const OFF: &str = r#"{"list":[{"name":"web@one","enabled":false,"pid":null,"state":"down"}],"schema":1}"#;

fn both(machine: &Machine<'_>) {
    let asks = "-q status web@one";
    // rc.d says the same with a stop at the end, and has one code for what does not succeed.
    let rc_d = machine.form == "rc.d";
    let stop = if rc_d { "." } else { "" };
    let of = |code: i32| if rc_d { code.min(1) } else { code };
    machine.call("status", 0, "", (0, &format!("web@one is running as pid 71{stop}\n"), asks));
    let is_down = format!("web@one is not running{stop}\n");
    machine.call("status", 3, "", (of(3), &is_down, asks));
    machine.call("status", 1, "", (1, &format!("web@one is dead, and its pid file is left{stop}\n"), asks));
    machine.call("status", 4, "", (of(4), "", asks));
    machine.call("status", 3, "svc/web@one.3", (of(3), &is_down, asks));
    machine.call("start", 0, "", (0, "", "-q start web@one"));
    machine.call("stop", 1, "svc/cron.9", (1, "", "-q stop web@one"));
    machine.call("restart", 4, "", (of(4), "", "-q restart web@one"));
    machine.call("restart", 0, "svc/web@one.3", (1, "", ""));
    machine.call("configtest a -b", 0, "svc/web@one.3", (1, "", ""));
    machine.call("configtest a -b", 7, "", (7, "", "-q web@one -- configtest a -b"));
    machine.call("enabled", 0, "", (0, "", ""));
    machine.call("disable", 0, "", (0, "", "-q disable web@one"));
    machine.call("describe", 0, "", (0, "somebody's $web `server`\n", ""));
    let rcvar = "# web@one : somebody's $web `server`\n#\nweb_one_enable=\"YES\"\n#   (default: \"NO\")\n\n";
    machine.call("rcvar", 0, "", (0, rcvar, ""));
}

#[test]
fn verbs_go_to_svc_in_every_shell() {
    for shell in SHELLS {
        if !is_there(shell[0]) {
            skipped("shims", format_args!("{} is not installed", shell[0]));
            continue;
        }
        let [(_, initd), (_, rc_d)] = texts();
        let machine = Machine::new(shell, "init.d", &initd, ON);
        both(&machine);
        machine.call("", 0, "", (2, "", ""));
        machine.call("force-reload", 0, "", (0, "", "-q reload web@one"));
        machine.call("force-reload", 3, "", (3, "", "-q reload web@one; -q restart web@one"));
        machine.call("force-reload", 1, "", (1, "", "-q reload web@one"));
        machine.call("try-restart", 3, "", (0, "", "-q status web@one"));
        machine.call("try-restart", 0, "", (0, "", "-q status web@one; -q restart web@one"));
        let machine = Machine::new(shell, "init.d", &initd, OFF);
        machine.call("start", 0, "", (0, "", "-q start web@one"));
        machine.call("enabled", 0, "", (1, "", ""));

        let machine = Machine::new(shell, "rc.d", &rc_d, ON);
        both(&machine);
        machine.call("", 0, "", (1, "", ""));
        machine.call("faststart", 0, "", (0, "", "-q start web@one"));
        machine.call("onestatus", 3, "", (1, "web@one is not running.\n", "-q status web@one"));
        let machine = Machine::new(shell, "rc.d", &rc_d, OFF);
        let shim = machine.scratch.path().join("shim");
        let hint = format!("Enable it with '{} enable' or use 'onestart' instead of 'start'.", shim.display());
        machine.call("start", 0, "", (0, &format!("Cannot 'start' web@one. {hint}\n"), ""));
        machine.call("faststart", 0, "", (0, "", ""));
        machine.call("onestart", 0, "", (0, "", "-q start web@one"));
        machine.call("forcerestart", 0, "", (0, "", "-q restart web@one"));
        machine.call("stop", 0, "", (0, "", "-q stop web@one"));
    }
}

#[test]
fn shellcheck_finds_nothing_in_a_shim() {
    if Command::new("shellcheck").arg("--version").output().is_err() {
        skipped("a look at the shims", "shellcheck is not installed");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    for (file, text) in texts() {
        let path = scratch.path().join(file);
        fs::write(&path, text).unwrap();
        let output = Command::new("shellcheck").args(["-S", "style"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
