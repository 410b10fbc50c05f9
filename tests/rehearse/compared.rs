//! A script and a definition run side by side.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use svc::rehearse::compare::{Comparison, Verdict};
use tempfile::TempDir;

use crate::play::can_play;

/// What is said of them, and the exit code.
fn compare(script: &str, definition: &str) -> (Comparison, Option<i32>) {
    let dir = TempDir::new().unwrap();
    let (one, other) = (dir.path().join("napper"), dir.path().join("napper.toml"));
    fs::write(&one, script).unwrap();
    fs::set_permissions(&one, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&other, definition).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_svc")).args(["compare", "--json"]).arg(&one).arg(&other).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let found = serde_json::from_value(value["comparison"].clone()).unwrap_or_else(|_| panic!("{text}"));
    (found, output.status.code())
}

fn differing(found: &Comparison) -> Vec<&str> {
    let differs = found.rows.iter().filter(|row| row.verdict == Verdict::Different);
    differs.map(|row| row.what.as_str()).collect()
}

/// A daemon without start-stop-daemon, which not every machine has.
const SCRIPT: &str = r#"#!/bin/sh
case $1 in
start) cd / && /usr/bin/sleep 12345 >/dev/null 2>&1 & echo $! >/run/napper.pid ;;
stop) kill "$(cat /run/napper.pid)"; rm /run/napper.pid ;;
*) echo "usage: $0 start|stop"; exit 2 ;;
esac
"#;

#[test]
fn the_same_daemon_from_a_script_and_a_definition_is_equivalent() {
    if !can_play() {
        return;
    }

    let (found, code) = compare(SCRIPT, "command = \"/usr/bin/sleep 12345\"\n");
    assert_eq!((differing(&found), code), (Vec::new(), Some(0)), "{found:?}");
    assert_eq!(found.script_fails, None);
    assert!(found.rows.iter().any(|row| row.what == "command line" && row.verdict == Verdict::Same), "{found:?}");
}

#[test]
fn what_the_definition_does_otherwise_is_named() {
    if !can_play() {
        return;
    }

    let definition = "command = \"/usr/bin/sleep 54321\"\nuser = \"nobody\"\ndirectory = \"/var\"\n";
    let (found, code) = compare(SCRIPT, definition);
    let differing = differing(&found);
    assert_eq!(code, Some(1));
    for what in ["command line", "user", "directory"] {
        assert!(differing.contains(&what), "{what}: {found:?}");
    }
}

#[test]
fn a_definition_is_judged_alone_where_the_script_does_not_work() {
    if !can_play() {
        return;
    }
    let script = "#!/bin/sh\necho 'nothing to start with' >&2\nexit 6\n";
    let (found, code) = compare(script, "command = \"/usr/bin/sleep 12345\"\n");
    assert_eq!(found.script_fails.as_deref(), Some("its start ends with exit code 6: nothing to start with"));
    assert_eq!(code, Some(0), "{found:?}");
    let (found, code) = compare(script, "command = \"/nonexistent/program\"\n");
    assert!(!differing(&found).is_empty());
    assert_eq!(code, Some(1));
}

/// Looks what a process of another user runs, as start-stop-daemon does; then tries to reach the machine by what the
/// sandbox itself has open.
const CURIOUS: &str = r#"#!/bin/sh
[ "$1" = start ] || exit 3
setpriv --reuid 65534 --regid 65534 --clear-groups sleep 12345 </dev/null >/dev/null 2>&1 &
until [ "$(cat /proc/$!/comm)" = sleep ]; do :; done
echo "another runs $(readlink /proc/$!/exe)"
for fd in /proc/1/fd/*; do
    at=DIRECTORY
    while :; do
        if [ -e "$fd$at/there" ]; then
            echo "seen"
            if echo taken >"$fd$at/there" || touch "$fd$at/reached" || mkdir "$fd$at/made"; then echo "harmed"; fi
        fi 2>/dev/null
        case $at in /*/*) at=/${at#/*/} ;; *) break ;; esac
    done
done
if echo x >/proc/1/mem; then echo "harmed"; fi 2>/dev/null
exit 9
"#;

#[test]
fn who_may_see_what_others_run_reaches_nothing_by_it() {
    if !can_play() {
        return;
    }
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    fs::write(dir.path().join("there"), "as it was").unwrap();
    let (found, _) = compare(&CURIOUS.replace("DIRECTORY", dir.path().to_str().unwrap()), "command = \"/bin/true\"\n");
    let start = &found.rows.iter().find(|row| row.what == "start").unwrap().script;
    assert!(start.contains("another runs /usr/bin/sleep"), "{start}");
    assert!(start.contains("seen") && !start.contains("harmed"), "{start}");
    let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["there"]);
    assert_eq!(fs::read_to_string(dir.path().join("there")).unwrap(), "as it was");
}
