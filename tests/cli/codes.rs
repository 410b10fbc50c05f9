//! One test for each exit code of the table in svc(8).

use std::time::Duration;

use svc::wire::{Checked, Line, LoadReport, Outcome, Refusal, Reply, StateName, Status, Summary};
use svc_core::{Answer, Exit, Name, Who};

use crate::fake::{Act, Fake, called, quiet, svc};

fn outcome(name: &str, answer: Answer) -> Outcome {
    Outcome { name: Name::new(name).unwrap(), answer, output: Vec::new() }
}

fn done() -> Answer {
    Answer::Done { changed: true, note: None }
}

fn after(answer: Answer) -> i32 {
    Fake::replying(Reply::Outcomes(vec![outcome("web", answer)])).call("web restart").code
}

fn status(name: &str, state: StateName, stale_pid_file: bool) -> Status {
    let summary = Summary {
        name: Name::new(name).unwrap(),
        kind: "process".into(),
        state,
        wanted: false,
        reason: String::new(),
        since: Duration::from_secs(1),
        pid: None,
        enabled: false,
        description: String::new(),
    };
    Status { stale_pid_file, ..quiet(summary) }
}

fn of_status(all: Vec<Status>) -> i32 {
    Fake::replying(Reply::Status(all)).call("web status").code
}

#[test]
fn zero_is_success() {
    assert_eq!(after(done()), 0);
    assert_eq!(after(Answer::Exited(Exit::Code(0))), 0);
    assert_eq!(Fake::replying(Reply::Load(LoadReport::default())).call("load").code, 0);
}

#[test]
fn one_is_failure() {
    assert_eq!(after(Answer::Failed("exited with code 9".into())), 1);
    assert_eq!(after(Answer::Superseded(Who("root".into()))), 1);
    assert_eq!(after(Answer::Exited(Exit::Unknown)), 1);
    let refused = Reply::Refused(Refusal::Failed { text: "no memory".into() });
    assert_eq!(Fake::replying(refused).call("list").code, 1);
    let bad = Checked { name: "web".into(), ok: false, enabled: String::new(), findings: Vec::new() };
    assert_eq!(Fake::replying(Reply::Check(vec![bad])).call("check").code, 1);
    let faulty = LoadReport { faults: vec!["x".into()], ..LoadReport::default() };
    assert_eq!(Fake::replying(Reply::Load(faulty)).call("load").code, 1);
}

#[test]
fn one_is_no_daemon_and_says_how_to_start_it() {
    let nowhere = tempfile::tempdir().unwrap();
    let socket = nowhere.path().join("control");
    let call = called(svc().args(["web", "start", "--socket"]).arg(&socket).output().unwrap());
    assert_eq!(call.code, 1);
    assert_eq!(call.err, format!("svc: svcd is not running (no socket at {}); start it: svcd &\n", socket.display()));
}

#[test]
fn two_is_a_command_line_that_makes_no_sense() {
    for line in ["web", "start", "--nonsense", "list --lines 3", "web start --timeout soon"] {
        let call = called(svc().args(line.split_whitespace()).output().unwrap());
        assert_eq!(call.code, 2, "{line}: {call:?}");
        assert!(!call.err.is_empty() && call.out.is_empty(), "{line}: {call:?}");
    }
}

#[test]
fn three_is_a_verb_the_service_does_not_have() {
    let unsupported = || outcome("web", Answer::Unsupported("it has no verb `strat`".into()));
    let call = Fake::replying(Reply::Outcomes(vec![unsupported()])).call("web strat");
    assert_eq!((call.code, call.err.lines().last()), (3, Some("     did you mean: svc web start")), "{call:?}");
    let call = Fake::replying(Reply::Outcomes(vec![unsupported()])).call("web reload");
    assert_eq!((call.code, call.err.lines().count()), (3, 1), "{call:?}");
}

#[test]
fn four_is_not_allowed() {
    let refused = Reply::Refused(Refusal::Denied { text: "user www may not start services; ask as root".into() });
    let call = Fake::replying(refused).call("web start");
    assert_eq!(call.code, 4);
    assert_eq!(call.err, "svc: user www may not start services; ask as root\n");
}

#[test]
fn five_is_no_such_service() {
    let refused = Refusal::Unknown { name: "wbe".into(), near: Some("web".into()), fault: None };
    let call = Fake::replying(Reply::Refused(refused)).call("wbe start");
    assert_eq!(call.code, 5);
    assert!(call.err.contains("did you mean web?"), "{call:?}");
}

#[test]
fn the_code_of_a_scripts_own_verb_is_passed_on() {
    assert_eq!(after(Answer::Exited(Exit::Code(77))), 77);
    assert_eq!(after(Answer::Exited(Exit::Signal(15))), 143);
}

#[test]
fn of_several_the_highest_code_counts() {
    let all = vec![
        outcome("a", done()),
        outcome("b", Answer::Unsupported("no".into())),
        outcome("c", Answer::Failed("no".into())),
    ];
    assert_eq!(Fake::replying(Reply::Outcomes(all)).call("a b c reload").code, 3);
}

#[test]
fn status_zero_is_running() {
    assert_eq!(of_status(vec![status("web", StateName::Up, false)]), 0);
}

#[test]
fn status_one_is_dead_with_its_pid_file() {
    assert_eq!(of_status(vec![status("web", StateName::Down, true)]), 1);
}

#[test]
fn status_three_is_not_running() {
    for state in [StateName::Down, StateName::Failed, StateName::Waiting, StateName::BackingOff, StateName::Skipped] {
        assert_eq!(of_status(vec![status("web", state, false)]), 3, "{state:?}");
    }
    assert_eq!(of_status(vec![status("a", StateName::Down, false), status("b", StateName::Up, false)]), 3);
}

#[test]
fn status_four_is_unknown_and_the_other_services_are_shown_all_the_same() {
    let fake = Fake::new(|request| {
        let svc::wire::Request::Status { names, .. } = request else { panic!("{request:?}") };
        let reply = if names.contains(&"nix".to_owned()) {
            Reply::Refused(Refusal::Unknown { name: "nix".into(), near: None, fault: None })
        } else {
            Reply::Status(vec![status("web", StateName::Up, false)])
        };
        Act::Say(vec![Line::Final(reply)])
    });
    let call = fake.call("web nix status");
    assert_eq!(call.code, 4);
    assert!(call.out.starts_with("web (process)"), "{call:?}");
    assert!(call.err.contains("no service is called nix"), "{call:?}");
}

#[test]
fn status_four_is_no_daemon() {
    let nowhere = tempfile::tempdir().unwrap();
    let call = called(svc().args(["web", "status", "--socket"]).arg(nowhere.path().join("x")).output().unwrap());
    assert_eq!(call.code, 4);
}
