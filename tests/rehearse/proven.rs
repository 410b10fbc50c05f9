//! Conversions with what running told: words that only a shell knows, and a daemon tried in the foreground.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::play::can_play;

/// A directory that a sandbox shows as it is.
fn shown() -> Option<TempDir> {
    if !can_play() {
        return None;
    }
    let below = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let hidden = ["/tmp", "/run", "/dev", "/proc", "/sys"].iter().any(|hidden| below.starts_with(hidden));
    if hidden {
        let mut terminal = std::io::stderr();
        writeln!(terminal, "skipped: {} is not seen in a sandbox", below.display()).unwrap();
        return None;
    }
    TempDir::new_in(below).ok()
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// What `svc convert` says of a script with this text, in which DAEMON stands for the path of a program with that one.
fn converted(script: &str, daemon: &str, more: &[&str]) -> Option<Value> {
    let dir = shown()?;
    let program = dir.path().join("backd");
    put(&program, daemon);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = dir.path().join("back");
    put(&path, &script.replace("DAEMON", program.to_str().unwrap()));
    let output = Command::new(env!("CARGO_BIN_EXE_svc")).args(["convert", "--json"]).args(more).arg(&path).output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    Some(value["convert"].clone())
}

fn origin(told: &Value, key: &str) -> String {
    let origins = told["origins"].as_array().unwrap_or_else(|| panic!("{told}"));
    let found = origins.iter().find(|origin| origin["key"] == key).unwrap_or_else(|| panic!("{key}: {told}"));
    found["origin"].as_str().unwrap().to_string()
}

/// It forks unless it is told `-F`, and says so nowhere.
const FORKING: &str = "#!/bin/sh\ncd /\nif [ \"$1\" = -F ]; then exec tail -f /dev/null; fi\n\
                       if [ $# -gt 0 ]; then exit 64; fi\ntail -f /dev/null >/dev/null 2>&1 &\n";

const PLAIN: &str = "#!/bin/sh\ncase \"$1\" in\nstart) start-stop-daemon --start --exec DAEMON ;;\n\
                     stop) start-stop-daemon --stop --exec DAEMON ;;\nesac\n";

#[test]
fn a_daemon_of_which_nothing_is_said_is_tried_in_the_foreground() {
    let Some(told) = converted(PLAIN, FORKING, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("/backd -F\"") && !definition.contains("forking"), "{told}");
    let origin = origin(&told, "command");
    assert!(origin.contains("trial: with -F it stays") && origin.contains("the same words when rehearsed"), "{origin}");
}

/// It forks whatever it is told, after more work than a daemon mostly has; all the time it is two processes.
const SLOW: &str = "#!/bin/sh\ncd /\nif [ $# -gt 0 ]; then exit 64; fi\nsleep 2.5\n\
                    (tail -f /dev/null; exit 1) >/dev/null 2>&1 &\n";

#[test]
fn a_daemon_that_works_long_before_it_forks_does_not_stay_in_the_foreground() {
    let Some(told) = converted(PLAIN, SLOW, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("kind = \"forking\""), "{told}");
    assert!(told.to_string().contains("into the background whatever option was tried"), "{told}");
}

#[test]
fn on_paper_nothing_is_run_and_the_daemon_stays_of_the_kind_that_forks() {
    let Some(told) = converted(PLAIN, FORKING, &["--on-paper"]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("kind = \"forking\""), "{told}");
    assert!(!told.to_string().contains("rehears"), "{told}");
}

#[test]
fn words_that_only_running_tells_come_from_the_rehearsal() {
    let script = "#!/bin/sh\nPORT=$(awk 'BEGIN { print 4000 + 2 }')\nmkdir -p /run/back-$PORT\ncase \"$1\" in\n\
                  start) start-stop-daemon --start --background --exec DAEMON -- --port $PORT ;;\n\
                  stop) start-stop-daemon --stop --exec DAEMON ;;\nesac\n";
    let Some(told) = converted(script, FORKING, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("--port 4002"), "{told}");
    assert!(definition.contains("runtime-directory = [\"back-4002\"]"), "{told}");
    assert!(origin(&told, "command").contains("rehearsal: these words were executed"), "{told}");
    let Some(told) = converted(script, FORKING, &["--on-paper"]) else { return };
    assert!(told["kept"].as_str().is_some_and(|why| why.contains("only running it tells")), "{told}");
}

#[test]
fn stop_and_reload_and_variables_are_what_the_stand_in_heard() {
    let script = "#!/bin/sh\nexport MODE=$(sh -c 'echo fast')\nSIGNAL=$(sh -c 'echo USR')1\n\
                  F=/run/back.pid\ncase \"$1\" in\n\
                  start) start-stop-daemon --start --background --make-pidfile --pidfile $F --exec DAEMON ;;\n\
                  reload) start-stop-daemon --stop --signal $SIGNAL --pidfile $F ;;\n\
                  stop) start-stop-daemon --stop --retry INT/7/KILL/1 --pidfile $F ;;\nesac\n";
    let Some(told) = converted(script, FORKING, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("MODE = \"fast\""), "{told}");
    assert!(definition.contains("reload = \"signal USR1\""), "{told}");
    assert!(definition.contains("timeout = \"7s\"") && definition.contains("signal = \"INT\""), "{told}");
    let heard = told.to_string();
    assert!(heard.contains("rehearsal: INT, --retry INT/7/KILL/1"), "{told}");
}

#[test]
fn a_daemon_that_its_own_program_leaves_behind_is_seen_where_reading_finds_none() {
    let script = "#!/bin/sh\ncase \"$1\" in\nstart) for word in $(sh -c 'echo DAEMON'); do $word; done ;;\nesac\n";
    let Some(told) = converted(script, FORKING, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("tail"), "{told}");
    let Some(told) = converted(script, FORKING, &["--on-paper"]) else { return };
    assert!(told["kept"].is_string(), "{told}");
}

/// It never starts, as one that lacks its hardware, and only says how it would stay.
const UNABLE: &str = "#!/bin/sh\nif [ \"$1\" = --help ]; then\n\
                      for half in 'v  say more' 'x  stay in the foreground'; do printf '  -%s\\n' \"$half\"; done\n\
                      exit 0\nfi\nexit 1\n";

#[test]
fn what_does_not_start_is_asked_for_its_usage_and_that_nothing_proved_it_is_said() {
    let Some(told) = converted(PLAIN, UNABLE, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("/backd -x\"") && !definition.contains("forking"), "{told}");
    assert!(origin(&told, "command").contains("what it prints of its options"), "{told}");
    assert!(told["open"].to_string().contains("only what it says of itself"), "{told}");
    let silent = UNABLE.replace("stay in the foreground", "mark each line");
    let Some(told) = converted(PLAIN, &silent, &[]) else { return };
    assert!(told["definition"].as_str().is_some_and(|text| text.contains("forking")), "{told}");
}

/// It reads its configuration at its start, and does something when the signal comes, which its text calls by no name.
const HANDLING: &str = "#!/bin/sh\nlook() { cat /etc/profile >/dev/null; }\nother() { cat /etc/shells >/dev/null; }\n\
                        look\ntrap look HUP\nwhile :; do tail -f /dev/null & wait $!; done\n";

#[test]
fn a_daemon_that_reads_its_configuration_when_the_signal_comes_has_a_reload() {
    let script = PLAIN.replace("--start --exec DAEMON", "--start --background --exec DAEMON -- -c /etc/profile");
    let Some(told) = converted(&script, HANDLING, &[]) else { return };
    let definition = told["definition"].as_str().unwrap_or_else(|| panic!("{told}"));
    assert!(definition.contains("reload = \"signal HUP\""), "{told}");
    assert!(origin(&told, "reload").contains("it goes on, and reads /etc/profile again"), "{told}");
    let definition = |daemon: &str| {
        let told = converted(&script, daemon, &[])?;
        Some(told["definition"].as_str().unwrap_or_else(|| panic!("{told}")).to_string())
    };
    let Some(deaf) = definition(&HANDLING.replace("trap look", "trap other")) else { return };
    assert!(!deaf.contains("reload"), "{deaf}");
    // As one that looks by itself every minute and did so just then.
    let chance = HANDLING.replace("look\ntrap look", "look\nonce() { [ -n \"$n\" ] || look; n=1; }\ntrap once");
    let Some(chance) = definition(&chance) else { return };
    assert!(!chance.contains("reload"), "{chance}");
    let Some(ended) =
        definition(&HANDLING.replace("look() {", "look() { [ -z $1 ] || exit;").replace("trap look", "trap 'look x'"))
    else {
        return;
    };
    assert!(!ended.contains("reload"), "{ended}");
}

#[test]
fn a_daemon_that_has_a_handler_and_goes_on_has_a_reload_that_is_open() {
    let script = PLAIN.replace("--start --exec DAEMON", "--start --background --exec DAEMON");
    let daemon = "#!/bin/sh\nother() { :; }\ntrap other HUP\nwhile :; do tail -f /dev/null & wait $!; done\n";
    let Some(told) = converted(&script, daemon, &[]) else { return };
    let definition = |told: &Value| told["definition"].as_str().unwrap_or_else(|| panic!("{told}")).to_string();
    assert!(definition(&told).contains("reload = \"signal HUP\""), "{told}");
    assert!(origin(&told, "reload").contains("sent SIGHUP it goes on"), "{told}");
    assert!(told["open"].to_string().contains("nobody says what it does"), "{told}");
    // It is only read: the handler is not the one by which it ends.
    let both = daemon.replace("trap other HUP", "trap other HUP\ntrap bye TERM");
    let Some(told) = converted(&script, &both, &["--on-paper"]) else { return };
    assert!(origin(&told, "reload").contains("not the one by which it ends"), "{told}");
    assert!(told["open"].to_string().contains("has to be tried"), "{told}");
    // What reading takes for one is taken back where it ends.
    let Some(told) = converted(&script, &both.replace("{ :; }", "{ kill -KILL $$; }"), &[]) else { return };
    assert!(!definition(&told).contains("reload") && !told["open"].to_string().contains("SIGHUP"), "{told}");
    assert!(told.to_string().contains("sent SIGHUP it ends"), "{told}");
    let Some(told) = converted(&script, &daemon.replace("trap other", "trap ''"), &[]) else { return };
    assert!(!definition(&told).contains("reload"), "{told}");
}
