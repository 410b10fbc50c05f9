//! What is asked, and what becomes of answers that are late, torn, endless or no answers at all.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use svc::wire::{LINE_BYTES_MAX, Line, LogLine, Outcome, Progress, Refusal, Reply, Request, Target, Then};
use svc_core::{Answer, Name};

use crate::fake::{Act, Fake, called, svc};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn done() -> Reply {
    Reply::Outcomes(vec![Outcome {
        name: name("web"),
        answer: Answer::Done { changed: true, note: None },
        output: Vec::new(),
    }])
}

fn asked(line: &str) -> Request {
    let fake = Fake::replying(done());
    fake.call(line);
    fake.asked()
}

fn target(names: &[&str]) -> Target {
    Target { names: names.iter().map(|name| (*name).to_owned()).collect(), ..Target::default() }
}

#[test]
fn both_orders_of_words_ask_the_same() {
    assert_eq!(asked("web db start"), Request::Start(target(&["web", "db"])));
    assert_eq!(asked("start web db"), Request::Start(target(&["web", "db"])));
    assert_eq!(
        asked("getty@* stop --only --all"),
        Request::Stop(Target { only: true, all: true, ..target(&["getty@*"]) })
    );
    assert_eq!(asked("--no-wait web restart"), Request::Restart(Target { no_wait: true, ..target(&["web"]) }));
    assert_eq!(asked("web log -n3"), Request::Log { names: vec!["web".into()], lines: 3, follow: false });
    assert_eq!(asked("web status --lines 9"), Request::Status { names: vec!["web".into()], lines: 9 });
    assert_eq!(asked("shutdown poweroff"), Request::Shutdown { then: Then::Poweroff, kill: false });
    assert_eq!(asked("shutdown --kill"), Request::Shutdown { then: Then::Exit, kill: true });
    assert_eq!(asked("tree"), Request::Snapshot);
    assert_eq!(asked("tree -p"), Request::Status { names: vec!["*".into()], lines: 0 });
    assert_eq!(asked("check"), Request::Check { names: Vec::new() });
}

#[test]
fn a_scripts_own_verb_is_passed_with_all_its_arguments() {
    let verb = |words: &[&str]| Request::Verb {
        stream: true,
        name: "nginx".into(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    assert_eq!(asked("nginx configtest"), verb(&["configtest"]));
    assert_eq!(asked("nginx upgrade --force -n 3"), verb(&["upgrade", "--force", "-n", "3"]));
    assert_eq!(asked("nginx -- status -v"), verb(&["status", "-v"]));
    assert_eq!(asked("nginx -- -- x"), verb(&["--", "x"]));
}

#[test]
fn enable_now_starts_only_after_enabling_went_well() {
    let fake = Fake::replying(done());
    assert_eq!(fake.call("web enable --now").code, 0);
    assert_eq!(fake.asked(), Request::Enable(target(&["web"])));
    assert_eq!(fake.asked(), Request::Start(target(&["web"])));
}

#[test]
fn a_long_wait_says_once_what_it_is_for_where_it_cannot_be_rewritten() {
    let fake = Fake::new(|_| {
        let progress = |seconds: u32| {
            let text = format!("stopping: waiting {seconds} s of 90 s for mysqld (pid 411), asked by root");
            Line::Progress(Progress { name: name("db"), text })
        };
        // Only what still waits after a second is worth a line.
        let (_keep, never) = channel::<()>();
        assert_eq!(never.recv_timeout(Duration::from_millis(1200)), Err(RecvTimeoutError::Timeout));
        Act::Say(vec![progress(1), progress(2), Line::Final(done())])
    });
    let call = fake.call("db stop");
    assert_eq!(call.err, "db: stopping: waiting 1 s of 90 s for mysqld (pid 411), asked by root\n");
    assert_eq!(call.out, "");
}

#[test]
fn a_client_that_waits_no_longer_says_that_the_request_goes_on() {
    let fake = Fake::new(|_| Act::Silence);
    let started = Instant::now();
    let call = fake.call("web stop --timeout 200ms");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(call.code, 1);
    assert_eq!(call.err, "svc: no answer after 200 ms; the request goes on, see: svc status\n");
}

#[test]
fn a_followed_log_is_shown_line_by_line_and_as_json_one_object_a_line() {
    let follow = || {
        Fake::new(|_| {
            let line = |text: &str| Line::Log(LogLine { name: name("web"), time: String::new(), text: text.into() });
            Act::Say(vec![line("one"), line("two"), Line::Final(Reply::Log(Vec::new()))])
        })
    };
    assert_eq!(follow().call("web log -f").out, "one\ntwo\n");
    let json = follow().call("web log -f --json").out;
    let objects: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(objects[1]["log"]["text"], "two");
    assert!(objects.iter().all(|object| object["schema"] == 1));
}

#[test]
fn json_has_durations_in_seconds_and_errors_too() {
    let fake = Fake::replying(Reply::ShuttingDown);
    let json: serde_json::Value = serde_json::from_str(&fake.call("shutdown --json").out).unwrap();
    assert_eq!(json, serde_json::json!({"schema": 1, "shutting-down": null}));
    let call = Fake::new(|_| Act::Raw(Vec::new())).call("list --json");
    let json: serde_json::Value = serde_json::from_str(&call.out).unwrap();
    assert_eq!((json["schema"].as_u64(), json["error"]["code"].as_i64(), call.code), (Some(1), Some(1), 1));
}

#[test]
fn a_daemon_that_goes_away_or_talks_nonsense_is_told_from_one_that_fails() {
    for (bytes, told) in [
        (b"".to_vec(), "went away before it answered"),
        (b"{\"final\":\"shutting".to_vec(), "went away before it answered"),
        (b"hello\n".to_vec(), "no message of this version"),
        (vec![b'x'; LINE_BYTES_MAX + 10], "went away before it answered"),
    ] {
        let call = Fake::new(move |_| Act::Raw(bytes.clone())).call("list");
        assert_eq!(call.code, 1);
        assert!(call.err.contains(told), "{told}: {}", call.err);
    }
}

#[test]
fn an_answer_may_be_longer_than_a_request() {
    let line = LogLine { name: name("web"), time: String::new(), text: "x".repeat(LINE_BYTES_MAX) };
    let fake = Fake::replying(Reply::Log(vec![line.clone(), line]));
    let call = fake.call("web log");
    assert_eq!((call.code, call.out.len()), (0, 2 * (LINE_BYTES_MAX + 1)), "{}", call.err);
}

#[test]
fn colours_are_for_those_who_ask() {
    let failed =
        Reply::Outcomes(vec![Outcome { name: name("web"), answer: Answer::Failed("no".into()), output: Vec::new() }]);
    let fake = Fake::replying(failed);
    assert!(!fake.call("web start").err.contains('\u{1b}'));
    assert!(fake.call("web start --color always").err.contains('\u{1b}'));
    assert!(!fake.call("web start --color never").err.contains('\u{1b}'));
}

#[test]
fn help_is_there_for_every_verb_in_either_order() {
    for line in ["--help", "web --help", "start --help", "web start --help"] {
        let call = called(svc().args(line.split_whitespace()).output().unwrap());
        assert_eq!(call.code, 0, "{line}: {call:?}");
        assert!(call.out.contains("Usage:"), "{line}: {call:?}");
    }
}

#[test]
fn the_socket_is_where_an_option_or_the_environment_says() {
    let hello = |path: &str| Fake::at(path, |_| Act::Say(vec![Line::Final(Reply::List(Vec::new()))]));
    let fake = hello(&format!("{}/control", svc_platform::host::PLACES.runtime));
    assert_eq!(called(svc().arg("list").arg("--root").arg(fake.folder()).output().unwrap()).code, 0);
    let fake = hello("some/control");
    assert_eq!(
        called(svc().arg("list").arg("--runtime-dir").arg(fake.folder().join("some")).output().unwrap()).code,
        0
    );
    let fake = hello("any");
    assert_eq!(called(svc().arg("list").env("SVC_SOCKET", fake.socket()).output().unwrap()).code, 0);
}

#[test]
fn a_slip_in_a_verb_is_told_wherever_the_verb_stands() {
    let unknown = |name: &str| {
        Fake::replying(Reply::Refused(Refusal::Unknown { name: name.to_owned(), near: None, fault: None }))
    };
    let call = unknown("statsu").call("statsu web");
    assert_eq!((call.code, call.err.lines().last()), (5, Some("     did you mean: svc web status")), "{call:?}");
    let call = called(svc().arg("lsit").output().unwrap());
    assert_eq!((call.code, call.err.as_str()), (2, "svc: `lsit` is no verb; did you mean: svc list\n"));
    let call = unknown("nothing*").call("nothing* start");
    assert_eq!((call.code, call.err.as_str()), (5, "svc: no service matches nothing*\n     try: svc list\n"));
}

#[test]
fn of_several_services_each_name_has_its_colour_in_a_log() {
    let line = |of: &str| LogLine { name: name(of), time: String::new(), text: "x".into() };
    let fake = Fake::replying(Reply::Log(vec![line("a"), line("b"), line("a")]));
    let out = fake.call("a b log --color always").out;
    let lines: Vec<&str> = out.lines().collect();
    assert!(lines[0].starts_with('\u{1b}') && lines[0] == lines[2] && lines[0].get(..5) != lines[1].get(..5), "{out}");
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error_and_a_reader_who_went_away_is_none() {
    let daemon = Fake::replying(Reply::List(Vec::new()));
    for words in [&["list"][..], &["list", "--json"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut svc = svc();
        let call = called(svc.arg("--socket").arg(daemon.socket()).args(words).stdout(full).output().unwrap());
        assert!(call.code == 1 && call.err.starts_with("svc: writing to standard output: "), "{call:?}");
        assert_eq!(call.err.lines().count(), 1, "{call:?}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut svc = svc();
    let call = called(svc.arg("--socket").arg(daemon.socket()).arg("list").stdout(writer).output().unwrap());
    assert_eq!((call.code, call.err.as_str()), (0, ""));
}
