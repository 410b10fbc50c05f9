//! A service's ordinary life.

use svc::wire::{Refusal, Reply, Request, StateName, Target};
use svc_core::Answer;

use crate::harness::{Daemon, has, is_root, lives, shell, target, until};

#[test]
fn a_service_starts_restarts_with_another_process_and_stops_leaving_none() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"")]);
    assert_eq!(daemon.summary("web").state, StateName::Down);
    daemon.up("web");
    let first = daemon.pid("web");
    assert!(lives(first));
    let outcome = daemon.outcome(&Request::Start(target("web")));
    assert_eq!(outcome.answer, Answer::Done { changed: false, note: None });
    assert_eq!(daemon.pid("web"), first, "a start of what runs changes nothing");
    daemon.outcome(&Request::Restart(target("web")));
    let second = daemon.pid("web");
    assert!(second != first && lives(second) && !lives(first));
    daemon.down("web");
    assert!(!lives(second));
    assert_eq!(daemon.summary("web").state, StateName::Down);
    daemon.down("web");
}

#[test]
fn what_is_required_starts_first_and_stops_last() {
    let mut daemon = Daemon::new(&[]);
    let script = |name: &str| {
        let tells = format!("trap 'echo {name} down >> {{dir}}/order; exit 0' TERM");
        shell(&format!("{tells}\necho {name} up >> {{dir}}/order\nwhile :; do sleep 0.05; done"))
    };
    daemon.define("db", &script("db"));
    daemon.define("web", &format!("requires = [\"db\"]\n{}", script("web")));
    daemon.start();
    daemon.up("web");
    until("both have begun", || (daemon.read("order")?.lines().count() == 2).then_some(()));
    daemon.down("db");
    let order = daemon.read("order").unwrap();
    let last: Vec<&str> = order.lines().skip(2).collect();
    assert_eq!(last, ["web down", "db down"]);
    assert_eq!(daemon.summary("web").state, StateName::Waiting, "it returns with what it requires");
}

#[test]
fn a_failed_launch_names_its_stage() {
    let daemon = Daemon::with(&[
        ("gone", "command = \"/nonexistent/program\""),
        ("lost", "command = \"sleep 1\"\ndirectory = \"/nonexistent\""),
    ]);
    for (name, words) in [
        ("gone", "executing /nonexistent/program: No such file"),
        ("lost", "changing directory to /nonexistent: No such file"),
    ] {
        match daemon.outcome(&Request::Start(target(name))).answer {
            Answer::Failed(text) => assert!(text.contains(words), "{text}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_failure_comes_with_what_the_program_printed() {
    let daemon = Daemon::with(&[("bad", "kind = \"oneshot\"\ncommand = \"sh -c 'echo no such thing >&2; exit 3'\"")]);
    let outcome = daemon.outcome(&Request::Start(target("bad")));
    assert!(matches!(&outcome.answer, Answer::Failed(text) if text.contains("exited with code 3")), "{outcome:?}");
    assert_eq!(outcome.output, ["no such thing"]);
}

#[test]
fn a_one_shot_is_up_when_it_is_done_and_a_group_with_its_members() {
    let daemon = Daemon::with(&[
        ("once", "kind = \"oneshot\"\ncommand = \"touch {dir}/done\""),
        ("all", "kind = \"group\"\nrequires = [\"once\"]"),
    ]);
    daemon.define("once", "kind = \"oneshot\"\ncommand = \"touch {dir}/done\"");
    daemon.up("all");
    assert!(daemon.path("done").exists());
    let once = daemon.summary("once");
    assert_eq!((once.state, once.pid), (StateName::Up, None));
    assert_eq!(daemon.summary("all").state, StateName::Up);
}

#[test]
fn a_condition_that_does_not_hold_skips() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"\n[conditions]\npath = \"/nonexistent\"")]);
    match daemon.outcome(&Request::Start(target("web"))).answer {
        Answer::Done { changed: false, note: Some(note) } => {
            assert!(note.contains("path /nonexistent exists"), "{note}")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(daemon.summary("web").state, StateName::Skipped);
}

#[test]
fn globs_and_several_names_are_one_request() {
    let daemon = Daemon::with(&[
        ("web1", "command = \"sleep 1000\""),
        ("web2", "command = \"sleep 1000\""),
        ("db", "command = \"sleep 1000\""),
    ]);
    let names = vec!["web*".into(), "db".into()];
    match daemon.ask(&Request::Start(Target { names, ..Target::default() })) {
        Reply::Outcomes(outcomes) => assert_eq!(outcomes.len(), 3),
        other => panic!("{other:?}"),
    }
    for name in ["web1", "web2", "db"] {
        assert!(lives(daemon.pid(name)));
    }
}

#[test]
fn an_instance_that_somebody_asked_for_is_known_to_the_next_manager_and_its_loads() {
    let daemon = Daemon::with(&[("work@", &shell("exec sleep 1000"))]);
    daemon.up("work@one");
    let pid = daemon.pid("work@one");
    for _ in 0..2 {
        daemon.replace_manager();
        match daemon.ask(&Request::Load { names: Vec::new() }) {
            Reply::Load(report) => assert!(report.removed.is_empty() && report.faults.is_empty(), "{report:?}"),
            other => panic!("no report: {other:?}"),
        }
        let status = daemon.status("work@one");
        assert_eq!((status.summary.state, status.summary.pid), (StateName::Up, Some(pid)));
        assert!(!status.notes.iter().any(|note| note.contains("definition is gone")), "{:?}", status.notes);
    }
    assert!(matches!(daemon.outcome(&Request::Restart(target("work@one"))).answer, Answer::Done { .. }));
    assert_ne!(daemon.pid("work@one"), pid);
}

#[test]
fn a_template_has_an_instance_as_soon_as_somebody_asks_for_it() {
    let daemon = Daemon::with(&[("at@", "command = \"sh -c 'echo %i > {dir}/%i; sleep 1000'\"")]);
    daemon.up("at@home");
    until("it has begun", || daemon.read("home").filter(|text| text == "home\n"));
    daemon.replace_manager();
    assert_eq!(daemon.summary("at@home").state, StateName::Up);
    daemon.down("at@home");
    match daemon.ask(&Request::Start(target("at@"))) {
        Reply::Refused(Refusal::Unknown { fault: Some(fault), .. }) => {
            assert_eq!(fault, "at@ is a template: a service is an instance of it, such as at@one");
        }
        other => panic!("no refusal: {other:?}"),
    }
}

#[test]
fn enabled_services_start_at_boot_and_others_do_not() {
    let mut daemon = Daemon::new(&["--boot"]);
    daemon.define("on", "command = \"sleep 1000\"\nenabled = true");
    daemon.define("off", "command = \"sleep 1000\"");
    daemon.start();
    daemon.until_state("on", StateName::Up);
    assert_eq!(daemon.summary("off").state, StateName::Down);
    let answer = daemon.outcome(&Request::Enable(target("off"))).answer;
    assert!(matches!(answer, Answer::Done { .. }), "{answer:?}");
    assert!(daemon.summary("off").enabled);
    assert!(daemon.status("off").enabled_by.contains("off.d/enabled.toml"));
    daemon.outcome(&Request::Disable(target("on")));
    assert!(!daemon.summary("on").enabled);
    assert_eq!(daemon.summary("on").state, StateName::Up, "disabling stops nothing");
}

#[test]
fn a_shutdown_stops_everything_in_order_and_the_daemon_ends() {
    let daemon =
        Daemon::with(&[("db", "command = \"sleep 1000\""), ("web", "command = \"sleep 1000\"\nrequires = [\"db\"]")]);
    daemon.up("web");
    let (web, db) = (daemon.pid("web"), daemon.pid("db"));
    let (manager, keeper) = daemon.pids();
    assert_eq!(daemon.ask(&Request::Shutdown { then: svc::wire::Then::Exit, kill: false }), Reply::ShuttingDown);
    until("all is gone", || [web, db, manager, keeper].into_iter().all(|pid| !lives(pid)).then_some(()));
}

#[test]
fn as_process_1_it_boots_reaps_and_outlives_its_manager() {
    if !is_root("a process namespace of its own") || !has("unshare", "a process namespace of its own") {
        return;
    }
    let mut daemon = Daemon::new(&[]);
    daemon.surround("exec unshare --pid --fork --kill-child --mount-proc \"$0\" \"$@\"");
    let script = "cat /proc/1/comm > {dir}/first\n(sh -c 'exit 3' &)\nexec sleep 1000";
    daemon.define("web", &format!("enabled = true\n{}", shell(script)));
    daemon.start();
    let summary = daemon.until_state("web", StateName::Up);
    assert_eq!(until("the name of process 1", || daemon.read("first").filter(|text| !text.is_empty())), "init\n");
    let (manager, keeper) = daemon.pids();
    assert_eq!(keeper, 1);
    let killer = format!("kind = \"oneshot\"\n{}", shell(&format!("kill -9 {manager}")));
    daemon.define("killer", &killer);
    daemon.ask(&Request::Load { names: Vec::new() });
    daemon.ask(&Request::Start(target("killer")));
    until("another manager", || Some(daemon.pids()).filter(|(pid, _)| *pid != manager));
    assert_eq!(daemon.summary("web").pid, summary.pid);
    daemon.down("web");
}
