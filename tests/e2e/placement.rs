//! Where on a machine a service runs: its processors, its login class, what its whole tree may use.

use std::io;

use svc::wire::Request;
use svc_platform::jail;

use crate::harness::{Daemon, is_root, shell, skipped, target, until};

/// The first of those that we may use: in a container the first of the machine may be another's.
fn a_processor_of_ours() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    allowed.and_then(|list| list.trim().split([',', '-']).next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_service_runs_on_its_processors_only() {
    let told = "{ taskset -cp $$ || cpuset -g -p $$; } > {dir}/told 2>&1\nexec sleep 1000";
    let ours = a_processor_of_ours();
    let text = format!("cpuset = \"{ours}\"\n{}", shell(told));
    let daemon = Daemon::with(&[("web", &text), ("lost", &format!("cpuset = \"1023\"\n{}", shell("sleep 1000")))]);
    daemon.up("web");
    until("its processors are told", || {
        daemon.read("told").filter(|text| text.trim_end().ends_with(&format!(": {ours}")))
    });
    let outcome = daemon.outcome(&Request::Start(target("lost")));
    let told = format!("{:?}", outcome.answer);
    assert!(told.contains("choosing its processors"), "{told}");
}

#[test]
fn a_tree_gets_no_more_tasks_than_it_may_or_the_service_says_that_it_cannot_be_limited() {
    if !is_root("a_tree_gets_no_more_tasks_than_it_may") {
        return;
    }
    let name = format!("narrow{}", std::process::id());
    let script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 1000 & done; echo all > {dir}/all; wait";
    let text = format!("{}[limits]\ntasks = 5\n[restart]\nwhen = \"never\"\n", shell(script));
    let daemon = Daemon::with(&[(&name, &text)]);
    let outcome = daemon.outcome(&Request::Start(target(&name)));
    let told = format!("{:?}", outcome.answer);
    if told.contains("setting its limit tasks") {
        return skipped("a limited tree", told);
    }
    // The shell ends where it cannot fork, or goes on without: either way there are never more than five.
    until("it has tried", || {
        let status = daemon.status(&name);
        assert!(status.tree.len() <= 5, "{:?}", status.tree);
        (status.tree.len() == 5 || status.summary.pid.is_none() || daemon.read("all").is_some()).then_some(())
    });
    assert!(daemon.status(&name).tree.len() <= 5);
    daemon.down(&name);
    assert!(daemon.status(&name).tree.is_empty());
}

/// What ps(1) has among its flags of a process that the system does not kill for want of memory.
const P_PROTECTED: u32 = 0x10_0000;

#[test]
fn a_service_has_its_login_class_and_its_users_session() {
    if jail::find("svc-e2e-none").map_err(|error| error.kind()) == Err(io::ErrorKind::Unsupported) {
        return skipped("login classes", "this system has none");
    }
    if !is_root("a_service_has_its_login_class") {
        return;
    }
    let told = "{ id -c; logname; ps -o flags= -p $$; } > {dir}/told 2>&1\nexec sleep 1000";
    let keys = "login-class = \"daemon\"\nfib = 0\nprotect = true\nuser = \"nobody\"\n";
    let daemon = Daemon::with(&[("web", &format!("{keys}{}", shell(told)))]);
    std::fs::set_permissions(daemon.path("."), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    daemon.up("web");
    let read = until("it has told", || daemon.read("told").filter(|text| text.lines().count() == 3));
    let lines: Vec<&str> = read.lines().collect();
    assert_eq!(lines[..2], ["daemon", "nobody"], "{read}");
    let flags = u32::from_str_radix(lines[2].trim(), 16).unwrap();
    assert!(flags & P_PROTECTED != 0, "it may be killed for want of memory: {read}");
    // Which limits the class has is the administrator's to say; that they come from it is told.
    let load = Request::Load { names: vec!["web".into()] };
    let values = format!("{:?}", daemon.ask(&load));
    assert!(values.contains("login class daemon"), "{values}");
}
