//! Completion in the shells themselves: what is typed, and what the shell makes of it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs};

use svc::wire::{Line, Reply, Request, Snapshot, StateName, Summary};
use svc_core::service::{Kind, Verb};
use svc_core::{Event, Name, Service, Supervisor, Time};
use svc_platform::host;
use tempfile::TempDir;

use super::Terminal;
use super::terminal::{PATIENCE, have};
use crate::fake::{Act, Fake, called, svc};

fn summary(name: &str) -> Summary {
    Summary {
        name: Name::new(name).unwrap(),
        kind: "process".into(),
        state: StateName::Up,
        wanted: true,
        reason: String::new(),
        since: Duration::from_secs(1),
        pid: Some(7),
        enabled: true,
        description: format!("serves: {name}"),
    }
}

fn daemon() -> Fake {
    let mut web = Service::new(Name::new("web").unwrap(), Kind::Process);
    web.verbs.insert("frobnicate".into(), Verb { command: vec!["true".into()], ..Verb::default() });
    let mut core = Supervisor::new(1);
    core.handle(Time::default(), Event::Loaded(vec![Arc::new(web)]), &mut Vec::new());
    Fake::new(move |request| {
        let reply = match request {
            Request::Snapshot => Reply::Snapshot(Box::new(Snapshot { now: Time::default(), core: core.snapshot() })),
            _ => Reply::List(["database", "getty@tty1", "getty@tty2", "web"].map(summary).into()),
        };
        Act::Say(vec![Line::Final(reply)])
    })
}

/// A root with a template.
fn root() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let services = root.path().join(host::PLACES.definitions[0]);
    fs::create_dir_all(&services).unwrap();
    fs::write(services.join("work@.toml"), "").unwrap();
    root
}

/// Types each line into this shell, and says what stands there once the shell has done what it can.
fn typed(shell: &str, prepare: &str, lines: &[(&str, &str)]) {
    let daemon = daemon();
    let socket = daemon.socket().to_str().unwrap();
    let terminal = Terminal::open(100, 30, &[("SVC_SOCKET", socket), ("PS1", "$ "), ("PROMPT", "$ ")], shell);
    terminal.keys(&[prepare, "Enter"]);
    terminal.keys(&["echo prepa''red", "Enter"]);
    terminal.until("the shell is ready", |text| text.contains("\nprepared"));
    for (typed, meant) in lines {
        terminal.keys(&["C-u", typed, "Tab"]);
        let is_so = |text: &str| text.lines().any(|line| line.trim_end() == format!("$ {meant}"));
        terminal.until(&format!("{shell}: {typed} becomes {meant}"), is_so);
    }
    // Where a user's own definitions are is not below another root.
    if svc_platform::users::is_root() {
        let root = root();
        let line = format!("svc --root {} stop wor", root.path().display());
        terminal.keys(&["C-u", &line, "Tab"]);
        terminal.until("the template is there", |text| text.trim_end().ends_with(" work@"));
        terminal.keys(&["x"]);
        terminal.until("the instance follows without a blank", |text| text.trim_end().ends_with(" work@x"));
    }
    terminal.keys(&["C-u", "svc stop getty@", "Tab", "Tab", "Tab"]);
    terminal.until("both names are offered", |text| {
        text.lines().any(|line| line.contains("tty1") && !line.starts_with('$'))
            && text.lines().any(|line| line.contains("tty2") && !line.starts_with('$'))
    });
}

const LINES: [(&str, &str); 10] = [
    ("svc da", "svc database"),
    ("svc web resta", "svc web restart"),
    ("svc restart we", "svc restart web"),
    ("svc stop --on", "svc stop --only"),
    ("svc shutdown pow", "svc shutdown poweroff"),
    ("svc log getty@tty1 da", "svc log getty@tty1 database"),
    ("svc web frob", "svc web frobnicate"),
    ("svc plan resta", "svc plan restart"),
    ("svc plan restart we", "svc plan restart web"),
    ("svc web plan sta", "svc web plan start"),
];

#[test]
fn bash_completes_verbs_options_values_and_living_names() {
    if have("completion in bash", &["tmux", "bash"]) {
        typed("bash --norc --noprofile", "source <(svc completions bash)", &LINES);
    }
}

#[test]
fn zsh_completes_the_same() {
    if have("completion in zsh", &["tmux", "zsh"]) {
        let prepare = "PS1='$ '; autoload -U compinit; compinit -u -D; source <(svc completions zsh)";
        typed("zsh -f", prepare, &LINES);
    }
}

#[test]
fn fish_completes_the_same() {
    if have("completion in fish", &["fish"]) {
        let daemon = daemon();
        let offered = |line: &str| {
            let script = format!("{} completions fish | source; complete -C '{line}'", env!("CARGO_BIN_EXE_svc"));
            let own = Path::new(env!("CARGO_BIN_EXE_svc")).parent().unwrap();
            let path = format!("{}:{}", own.display(), env::var("PATH").unwrap());
            let mut fish = Command::new("fish");
            fish.args(["--no-config", "-c", &script]).env("PATH", path).env("SVC_SOCKET", daemon.socket());
            let home = tempfile::tempdir().unwrap();
            let output = fish.env("HOME", home.path()).output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };
        for (typed, meant) in LINES {
            let word = meant.rsplit(' ').next().unwrap();
            let words: Vec<String> =
                offered(typed).lines().map(|line| line.split('\t').next().unwrap().into()).collect();
            assert_eq!(words, [word], "{typed}");
        }
        assert_eq!(
            offered("svc stop getty@t"),
            "getty@tty1\tup: serves: getty@tty1\ngetty@tty2\tup: serves: getty@tty2\n"
        );
    }
}

#[test]
fn without_a_daemon_names_are_those_of_files_and_nobody_waits() {
    let root = tempfile::tempdir().unwrap();
    let services = root.path().join(host::PLACES.definitions[0]);
    fs::create_dir_all(services.join("webdav.d")).unwrap();
    fs::write(services.join("webmail.toml"), "").unwrap();
    fs::write(services.join("work@.toml"), "").unwrap();
    fs::create_dir(services.join("work@one.d")).unwrap();
    let completed = |option: &str, place: &Path, word: &str| {
        let begun = Instant::now();
        let call = called(svc().args(["/complete", option]).arg(place).arg(word).output().unwrap());
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
        (call.code, call.out, call.err)
    };
    let (none, nothing) = (String::new(), String::new());
    // Where a user's own definitions are is not below another root.
    if svc_platform::users::is_root() {
        assert_eq!(completed("--root", root.path(), "webm"), (0, "webmail\t\n".into(), none.clone()));
        let both = "work@\ta template: what follows names an instance\nwork@one\t\n";
        assert_eq!(completed("--root", root.path(), "wor"), (0, both.into(), none.clone()));
    }
    let silent = Fake::new(|_| Act::Silence);
    assert_eq!(completed("--socket", silent.socket(), "no-such-thing"), (0, none, nothing));
}
