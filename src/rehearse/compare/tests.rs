//! Trials that differ in one thing each, and what is said of it.

use super::judge::{self, Beside};
use super::trial::{Process, Reloaded, Step, Trial};
use super::{Comparison, Verdict};
use crate::rehearse::Made;

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

fn judge(script: &Trial, definition: &Trial) -> Comparison {
    judge::judge(script, definition, Beside::default())
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

#[test]
fn a_directory_that_the_definition_declares_is_expected_and_no_other() {
    for (path, text, fits) in [
        ("/run/d", "runtime-directory = \"d\"", true),
        ("/run/d", "runtime-directory = [\"x\", \"d\"]", true),
        ("/run/e", "runtime-directory = \"d\"", false),
        ("/srv/d", "runtime-directory = \"d\"", false),
        ("/run/d", "", false),
    ] {
        let mut definition = trial();
        definition.made.push(Made { path: path.into(), kind: "directory".into(), ..Made::default() });
        let found = judge::judge(&trial(), &definition, Beside { text, ..Beside::default() });
        assert_eq!(matches!(verdict(&found, "makes"), Verdict::Expected(_)), fits, "{path} of {text}");
    }
}

#[test]
fn a_reload_that_the_definition_lacks_is_missed_only_if_it_does_something() {
    let mut definition = trial();
    definition.reload = None;
    let idle = Beside { reload_is_idle: true, ..Beside::default() };
    let judged = |script: &Trial, beside| verdict(&judge::judge(script, &definition, beside), "reload");
    assert_eq!(judged(&trial(), Beside::default()), Verdict::Different);
    assert!(matches!(judged(&trial(), idle), Verdict::Expected(_)));
    let mut script = trial();
    script.reload = Some(Reloaded { code: Some(1), ..Reloaded::default() });
    assert!(matches!(judged(&script, Beside::default()), Verdict::Expected(_)));
    script.reload = Some(Reloaded { code: Some(0), same_process: false, same_sockets: true });
    assert!(matches!(judged(&script, Beside::default()), Verdict::Expected(_)));
}

#[test]
fn the_daemon_behind_a_master_is_compared_and_the_master_is_named() {
    let mut definition = trial();
    let worker = definition.processes[0].clone();
    definition.processes[0].user = "root".into();
    definition.processes[0].worker = Some(Box::new(worker));
    let found = judge(&trial(), &definition);
    assert!(found.is_equivalent(), "{found:?}");
    assert!(matches!(verdict(&found, "master"), Verdict::Expected(_)));
    definition.processes[0].worker.as_mut().unwrap().user = "nobody".into();
    assert_eq!(verdict(&judge(&trial(), &definition), "user"), Verdict::Different);
}

#[test]
fn variables_that_a_program_sets_for_itself_are_told_from_those_of_the_definition() {
    let mut definition = trial();
    definition.processes[0].environment.insert("D_WORKERS".into(), "2".into());
    let judged = |text| judge::judge(&trial(), &definition, Beside { text, ..Beside::default() });
    assert!(matches!(verdict(&judged("command = \"d\""), "environment"), Verdict::Expected(_)));
    assert_eq!(verdict(&judged("environment.D_WORKERS = \"2\""), "environment"), Verdict::Different);
}
