//! Clients of every kind: curious, rude, gone, without rights, too many.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use svc::wire::{LINE_BYTES_MAX, Refusal, Reply, Request, StateName, Target};
use svc_core::Answer;

use crate::harness::{Daemon, is_root, lives, read_final, until};

fn sleeping() -> Daemon {
    Daemon::with(&[("web", "command = \"sleep 1000\"")])
}

fn say(daemon: &Daemon, bytes: &[u8]) -> Option<Reply> {
    let mut stream = daemon.connect().unwrap();
    stream.write_all(bytes).ok();
    read_final(stream)
}

#[test]
fn garbage_is_refused_with_words_and_hurts_nobody() {
    let daemon = sleeping();
    for garbage in [
        &b"\n"[..],
        b"hello\n",
        b"{}\n",
        b"{\"request\":\"explode\"}\n",
        b"\xff\xfe\0\0\n",
        b"{\"request\":\"start\"}\n",
    ] {
        match say(&daemon, garbage) {
            Some(Reply::Refused(Refusal::BadRequest { text })) => assert!(!text.is_empty()),
            other => panic!("{garbage:?}: {other:?}"),
        }
    }
    assert_eq!(daemon.summary("web").state, StateName::Down);
}

#[test]
fn a_line_that_never_ends_is_cut_off() {
    let daemon = sleeping();
    let reply = say(&daemon, &vec![b'x'; LINE_BYTES_MAX + 2]);
    assert!(matches!(reply, Some(Reply::Refused(Refusal::BadRequest { .. })) | None), "{reply:?}");
    assert_eq!(daemon.summary("web").state, StateName::Down);
}

#[test]
fn half_a_line_and_silence_hold_nobody_up() {
    let daemon = sleeping();
    let mut silent: Vec<_> = (0..300).filter_map(|_| daemon.connect()).collect();
    silent.iter_mut().for_each(|stream| drop(stream.write_all(b"{\"request\":")));
    assert_eq!(daemon.summary("web").state, StateName::Down);
    drop(silent);
    daemon.up("web");
}

#[test]
fn a_client_that_goes_away_cancels_nothing() {
    let daemon = Daemon::with(&[(
        "slow",
        "ready = \"notify-fd 3\"\ncommand = \"sh -c 'sleep 0.3; echo >&3; exec sleep 1000'\"",
    )]);
    let mut stream = daemon.connect().unwrap();
    stream.write_all(b"{\"request\":\"start\",\"names\":[\"slow\"]}\n").unwrap();
    until("it was taken", || (daemon.summary("slow").state == StateName::Starting).then_some(()));
    drop(stream);
    daemon.until_state("slow", StateName::Up);
}

#[test]
fn a_client_may_close_its_writing_side_and_still_get_its_answer() {
    let daemon = sleeping();
    let mut stream = daemon.connect().unwrap();
    stream.write_all(b"{\"request\":\"start\",\"names\":[\"web\"]}\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(matches!(read_final(stream), Some(Reply::Outcomes(_))));
}

#[test]
fn without_descriptors_the_daemon_refuses_and_goes_on() {
    let mut daemon = Daemon::new(&[]);
    daemon.surround("ulimit -n 64");
    (0..40).for_each(|n| daemon.define(&format!("s{n}"), "command = \"sleep 1000\""));
    daemon.start();
    let all = || Target { names: vec!["s*".into()], ..Target::default() };
    let Reply::Outcomes(outcomes) = daemon.ask(&Request::Start(all())) else { panic!("no outcomes") };
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(&outcome.answer, Answer::Failed(text) if text.contains("Too many open files")));
    assert!(refused.count() > 0 && outcomes.iter().any(|outcome| matches!(outcome.answer, Answer::Done { .. })));
    let crowd: Vec<_> = (0..80).filter_map(|_| daemon.connect()).collect();
    drop(crowd);
    daemon.ask(&Request::Stop(all()));
    daemon.up("s39");
}

#[test]
fn strangers_may_look_and_not_touch() {
    if !is_root("a client of another user") {
        return;
    }
    let daemon = sleeping();
    daemon.up("web");
    std::fs::set_permissions(daemon.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    // Where a stranger can reach it.
    std::fs::copy(env!("CARGO_BIN_EXE_svc"), daemon.path("svc")).unwrap();
    let ask = |words: &[&str]| {
        let mut command = Command::new(daemon.path("svc"));
        command.arg("--socket").arg(daemon.path("control")).args(words).uid(65534).gid(65534);
        command.output().unwrap()
    };
    assert!(String::from_utf8(ask(&["list"]).stdout).unwrap().contains("web"));
    for words in [&["web", "stop"][..], &["log", "web"]] {
        assert_eq!(ask(words).status.code(), Some(4), "{words:?}");
    }
    assert!(lives(daemon.pid("web")));
}

#[test]
fn a_crowd_of_one_user_pushes_out_nobody_else() {
    if !is_root("clients of several users") {
        return;
    }
    let daemon = sleeping();
    std::fs::set_permissions(daemon.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::copy(std::env::current_exe().unwrap(), daemon.path("crowd")).unwrap();
    let mut early = daemon.connect().unwrap();
    // Connections are taken in their order: who asks later is served later.
    daemon.summary("web");
    let mut crowd = Command::new(daemon.path("crowd"))
        .args(["--exact", "actors::act", "--nocapture"])
        .env("ACTOR", "crowd")
        .env("SOCKET", daemon.path("control"))
        .uid(65534)
        .gid(65534)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(crowd.stdout.take().unwrap()).lines().map_while(Result::ok);
    let is_here = said.any(|line| line.contains("crowded"));
    daemon.summary("web");
    early.write_all(b"{\"request\":\"hello\"}\n").ok();
    let answer = read_final(early);
    crowd.kill().unwrap();
    crowd.wait().unwrap();
    assert!(is_here, "the crowd connects");
    assert!(matches!(answer, Some(Reply::Hello(_))), "{answer:?}");
}
