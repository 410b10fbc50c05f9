//! Trials that differ in one thing each, and what is said of it.

use super::judge::judge;
use super::trial::{Process, Reloaded, Step, Trial};
use super::{Comparison, Verdict};

fn trial() -> Trial {
    let done = Step { code: Some(0), ..Step::default() };
    let process = Process {
        program: "/usr/sbin/d".into(),
        argv: ["/usr/sbin/d", "-c", "/etc/d.conf"].map(str::to_owned).into(),
        user: "web".into(),
        directory: "/".into(),
        count: 1,
        ..Process::default()
    };
    Trial {
        start: done.clone(),
        stop: done,
        processes: vec![process],
        sockets: ["tcp 127.0.0.1:80".to_owned()].into(),
        reload: Some(Reloaded { code: Some(0), same_process: true, same_sockets: true }),
        ..Trial::default()
    }
}

fn verdict(comparison: &Comparison, what: &str) -> Verdict {
    comparison.rows.iter().find(|row| row.what == what).unwrap_or_else(|| panic!("no row {what}")).verdict.clone()
}

/// What is said of a definition whose trial was changed so.
fn changed(what: &str, change: impl Fn(&mut Trial)) -> (Verdict, bool) {
    let mut definition = trial();
    change(&mut definition);
    let found = judge(&trial(), &definition);
    (verdict(&found, what), found.is_equivalent())
}

#[test]
fn what_is_alike_is_equivalent() {
    let found = judge(&trial(), &trial());
    assert!(found.is_equivalent() && found.script_fails.is_none());
    assert!(found.rows.iter().all(|row| row.verdict == Verdict::Same), "{found:?}");
}

#[test]
fn a_difference_that_nobody_named_is_none_that_is_expected() {
    for (what, change) in [
        ("user", (|trial: &mut Trial| trial.processes[0].user = "root".into()) as fn(&mut Trial)),
        ("command line", |trial| trial.processes[0].argv.push("--other".into())),
        ("listens", |trial| trial.sockets.extend(["tcp 0.0.0.0:81".to_owned()])),
        ("environment", |trial| drop(trial.processes[0].environment.insert("MODE".into(), "x".into()))),
        ("limits", |trial| trial.processes[0].limits.extend([("core".to_owned(), super::super::Limit::default())])),
        ("umask", |trial| trial.processes[0].umask = Some(0o77)),
        ("capabilities", |trial| trial.processes[0].capabilities = 1),
        ("directory", |trial| trial.processes[0].directory = "/srv".into()),
        ("reload", |trial| trial.reload = None),
        ("stop", |trial| trial.stop.code = Some(1)),
        ("leaves", |trial| trial.left.push("d".into())),
        ("programs", |trial| trial.processes.clear()),
        ("start", |trial| trial.start.code = None),
        ("ready", |trial| trial.ready = 60_000),
    ] {
        assert_eq!(changed(what, change), (Verdict::Different, false), "{what}");
    }
}

#[test]
fn what_supervision_brings_is_expected_and_named() {
    for (what, change) in [
        ("command line", (|trial: &mut Trial| trial.processes[0].argv.push("--foreground".into())) as fn(&mut Trial)),
        ("environment", |trial| drop(trial.processes[0].environment.insert("SVC_RUN".into(), "1".into()))),
        ("environment", |trial| drop(trial.processes[0].environment.insert("HOME".into(), "/srv".into()))),
        ("ready", |trial| trial.ready = 70),
        ("command line", |trial| trial.processes[0].argv[0] = "d".into()),
    ] {
        let (verdict, is_equivalent) = changed(what, change);
        assert!(matches!(verdict, Verdict::Expected(_)) && is_equivalent, "{what}: {verdict:?}");
    }
}

#[test]
fn a_mask_that_going_into_the_background_took_off_is_not_missed() {
    let (mut script, mut definition) = (trial(), trial());
    (script.processes[0].umask, definition.processes[0].umask) = (Some(0), Some(0o022));
    let found = judge(&script, &definition);
    assert!(matches!(verdict(&found, "umask"), Verdict::Expected(_)), "{found:?}");
}

#[test]
fn where_the_script_does_not_work_the_definition_is_judged_alone() {
    let mut script = trial();
    script.start = Step { code: Some(1), output: "no such directory\n".into(), ..Step::default() };
    script.processes.clear();
    let found = judge(&script, &trial());
    assert_eq!(found.script_fails.as_deref(), Some("its start ends with exit code 1: no such directory"));
    assert!(found.is_equivalent(), "{found:?}");
    let mut broken = trial();
    broken.start.code = Some(1);
    assert!(!judge(&script, &broken).is_equivalent());
}
