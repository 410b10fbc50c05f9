//! Rehearsals over a root that is an overlay itself, as containers have it.

use std::io::Write;
use std::process::Command;

use serde_json::Value;
use svc::rehearse::compare::Comparison;
use svc::rehearse::{End, Rehearsal};

use crate::play::can_play;

/// Makes an overlay over this machine the root of a mount namespace, and calls svc in it. A package is unpacked inside,
/// where it is part of the root that it is to be laid over.
const STACKED: &str = r#"
set -e
room=$1 svc=$2; shift 2
mount --make-rprivate /
mount -t tmpfs room "$room"
mkdir "$room/upper" "$room/work" "$room/root"
mount -t overlay stacked -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/root"
cp "$svc" "$room/root/srv/svc"
mkdir -p "$room/root/srv/layer/etc/init.d" "$room/root/srv/layer/usr/sbin" "$room/root/srv/layer/sbin"
cat >"$room/root/srv/layer/etc/init.d/stackd" <<'END'
#!/bin/sh
. /usr/sbin/stackd-words
case "$1" in
start) start-stop-daemon --start --exec /usr/sbin/stackd -- $WORDS ;;
stop) start-stop-daemon --stop --exec /usr/sbin/stackd ;;
esac
END
echo 'WORDS="--port $(expr 4000 + 3)"' >"$room/root/srv/layer/usr/sbin/stackd-words"
cat >"$room/root/srv/layer/usr/sbin/stackd" <<'END'
#!/bin/sh
cd /
case "$*" in *--foreground*) exec tail -f /dev/null ;; esac
tail -f /dev/null >/dev/null 2>&1 &
END
chmod 755 "$room/root/srv/layer/etc/init.d/stackd" "$room/root/srv/layer/usr/sbin/stackd"
mkdir -p "$room/root/etc/init.d"
cp "$room/root/srv/layer/etc/init.d/stackd" "$room/root/etc/init.d"
cp "$room/root/srv/layer/usr/sbin/stackd" "$room/root/srv/layer/usr/sbin/stackd-words" "$room/root/usr/sbin"
cat >"$room/root/srv/napper" <<'END'
#!/bin/sh
case $1 in
start) cd / && /usr/bin/sleep $(expr 12000 + 345) >/dev/null 2>&1 & echo $! >/run/napper.pid ;;
stop) kill "$(cat /run/napper.pid)"; rm /run/napper.pid ;;
esac
END
chmod 755 "$room/root/srv/napper"
echo 'command = "/usr/bin/sleep 12345"' >"$room/root/srv/napper.toml"
for place in proc sys dev; do mount --rbind "/$place" "$room/root/$place"; done
mount -t tmpfs run "$room/root/run"
mount -t tmpfs tmp "$room/root/tmp"
cd "$room/root"
mkdir -p srv/old
pivot_root . srv/old
cd /
umount -l /srv/old
exec /srv/svc "$@"
"#;

/// What svc says with these words, over such a root; `None` where there can be none, which is said out loud.
fn stacked(words: &[&str]) -> Option<Value> {
    if !can_play() {
        return None;
    }
    let nested = Command::new("stat").args(["-f", "-c", "%T", "/"]).output().ok()?;
    let nested = String::from_utf8_lossy(&nested.stdout).contains("overlay");
    if nested {
        let mut terminal = std::io::stderr();
        writeln!(terminal, "skipped: this root is an overlay itself, and one more cannot be laid over it").unwrap();
        return None;
    }
    let room = tempfile::tempdir().unwrap();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", STACKED, "stacked"])
        .arg(room.path())
        .arg(env!("CARGO_BIN_EXE_svc"))
        .args(words)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}{said}")))
}

#[test]
fn over_an_overlay_a_package_is_laid_by_a_copy_and_that_is_said() {
    let words = ["rehearse", "--json", "--layer", "/srv/layer", "/srv/layer/etc/init.d/stackd", "start"];
    let Some(value) = stacked(&words) else { return };
    let told: Rehearsal = serde_json::from_value(value["rehearsal"].clone()).unwrap_or_else(|_| panic!("{value}"));
    assert_eq!(told.end, End::Code(0), "{told:?}");
    let launches: Vec<_> = told.launches.iter().map(|launch| launch.argv.clone()).collect();
    assert_eq!(launches, [["/usr/sbin/stackd", "--port", "4003"]], "{told:?}");
    assert!(
        told.notes.iter().any(|note| note.contains("copied into memory") && note.contains("/srv/layer")),
        "{told:?}"
    );
    // What came with the copy is nothing that the script made.
    assert!(!told.made.iter().any(|made| made.path.contains("stackd")), "{told:?}");
}

#[test]
fn over_an_overlay_without_a_layer_nothing_is_copied() {
    let Some(value) = stacked(&["rehearse", "--json", "/srv/layer/etc/init.d/stackd", "start"]) else { return };
    let told: Rehearsal = serde_json::from_value(value["rehearsal"].clone()).unwrap_or_else(|_| panic!("{value}"));
    assert!(!told.notes.iter().any(|note| note.contains("copied")), "{told:?}");
    assert!(told.executed.iter().any(|run| run.program.contains("stackd")), "{told:?}");
}

#[test]
fn over_an_overlay_a_script_is_converted_by_what_running_tells() {
    let Some(value) = stacked(&["convert", "--json", "/etc/init.d/stackd"]) else { return };
    let definition = value["convert"]["definition"].as_str().unwrap_or_else(|| panic!("{value}"));
    assert!(definition.contains("command = \"/usr/sbin/stackd --port 4003 --foreground\""), "{value}");
    assert!(!definition.contains("forking"), "{value}");
    let said = value.to_string();
    assert!(said.contains("trial: with --foreground it stays") && said.contains("when rehearsed"), "{value}");
}

#[test]
fn over_an_overlay_a_script_and_its_definition_are_compared() {
    let Some(value) = stacked(&["compare", "--json", "/srv/napper", "/srv/napper.toml"]) else { return };
    let found: Comparison = serde_json::from_value(value["comparison"].clone()).unwrap_or_else(|_| panic!("{value}"));
    assert!(found.is_equivalent() && found.script_fails.is_none(), "{found:?}");
    assert!(found.rows.iter().any(|row| row.what == "command line" && row.script.contains("12345")), "{found:?}");
}
