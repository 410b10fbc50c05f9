//! Scripts as they should not be: each is taken for what it is, said so, and hurts only itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use svc::wire::{Checked, Reply, Request, StateName};
use svc_core::Answer;

use crate::harness::{Daemon, lives, target};

const ARMS: &str = r#"
case "$1" in
  start) {setsid} sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > {dir}/NAME.pid ;;
  stop) kill "$(cat {dir}/NAME.pid)"; rm {dir}/NAME.pid ;;
  *) echo "Usage: $0 {start|stop}"; exit 2 ;;
esac
"#;

fn arms(name: &str) -> String {
    ARMS.replace("NAME", name)
}

fn check(daemon: &Daemon, name: &str) -> Checked {
    match daemon.ask(&Request::Check { names: vec![name.into()] }) {
        Reply::Check(mut all) => all.remove(0),
        other => panic!("{other:?}"),
    }
}

fn told(checked: &Checked) -> String {
    checked.findings.iter().map(|finding| finding.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_script_without_a_header_or_with_half_a_one_works_and_is_remarked_upon() {
    let mut daemon = Daemon::new(&[]);
    daemon.script("bare", &format!("#!/bin/sh{}", arms("bare")));
    let half = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: half\n# Required-Start: $nowhere\n";
    daemon.script("half", &format!("{half}{}", arms("half")));
    daemon.start();
    for name in ["bare", "half"] {
        daemon.up(name);
        let pid = daemon.status(name).tree[0].pid;
        daemon.down(name);
        assert!(!lives(pid), "{name}");
    }
    assert!(told(&check(&daemon, "bare")).contains("header"), "{}", told(&check(&daemon, "bare")));
    assert!(told(&check(&daemon, "half")).contains("END INIT INFO"), "{}", told(&check(&daemon, "half")));
}

#[test]
fn a_script_that_may_not_be_executed_is_told_so() {
    let mut daemon = Daemon::new(&[]);
    daemon.script("still", &format!("#!/bin/sh{}", arms("still")));
    daemon.script("other", &format!("#!/bin/sh{}", arms("other")));
    fs::set_permissions(daemon.path("init.d/still"), fs::Permissions::from_mode(0o644)).unwrap();
    daemon.start();
    let Reply::Check(checked) = daemon.ask(&Request::Check { names: vec!["still".into()] }) else { panic!("no check") };
    assert!(!checked[0].ok && told(&checked[0]).contains("execut"), "{}", told(&checked[0]));
    daemon.up("other");
}

#[test]
fn a_script_that_asks_for_what_it_is_doing_is_told_that_it_goes_in_circles() {
    let mut daemon = Daemon::new(&[]);
    let svc = env!("CARGO_BIN_EXE_svc");
    let text = format!("#!/bin/sh\n[ \"$1\" = start ] || exit 3\nexec {svc} --socket {{dir}}/control circle start\n");
    daemon.script("circle", &text);
    daemon.start();
    let outcome = daemon.outcome(&Request::Start(target("circle")));
    assert!(matches!(&outcome.answer, Answer::Failed(text) if text.contains("exited with code 1")), "{outcome:?}");
    assert!(outcome.output.join("\n").contains("would wait for itself"), "{outcome:?}");
    assert_eq!(daemon.summary("circle").state, StateName::Failed);
}
