//! What svc makes of a copy of svcd's decisions, against what then happens.

use std::process::Command;

use serde_json::Value;
use svc::wire::{Request, StateName};

use crate::harness::{Daemon, lives, shell, target, until};

/// What `svc` answers as JSON, and its exit code.
fn json(daemon: &Daemon, words: &[&str]) -> (Value, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    let output = command.arg("--socket").arg(daemon.path("control")).arg("--json").args(words).output().unwrap();
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{words:?}: {error}: {output:?}"));
    (value, output.status.code().unwrap())
}

/// A service that takes a while to be ready, and writes down when it begins and when it is told to end.
fn slow(name: &str) -> String {
    let writes = |what: &str| format!("echo {name} {what} >> {{dir}}/order");
    let told = format!("trap '{}; exit 0' TERM\n{}", writes("stop"), writes("start"));
    let waits = "sleep 0.2\necho >&3\nwhile :; do sleep 0.02; done";
    format!("ready = \"notify-fd 3\"\n{}", shell(&format!("{told}\n{waits}")))
}

/// The starts and stops of a plan, as the services write them down.
fn steps(plan: &Value) -> Vec<String> {
    let steps = plan["plan"]["steps"].as_array().unwrap().iter();
    let told = steps.filter(|step| ["start", "stop"].contains(&step["step"].as_str().unwrap()));
    told.map(|step| format!("{} {}", step["name"].as_str().unwrap(), step["step"].as_str().unwrap())).collect()
}

fn shop() -> Daemon {
    let mut daemon = Daemon::new(&["--boot"]);
    daemon.define("db", &slow("db"));
    daemon.define("app", &format!("requires = [\"db\"]\n{}", slow("app")));
    daemon.define("web", &format!("enabled = true\nrequires = [\"app\"]\n{}", slow("web")));
    daemon.start();
    daemon.until_state("web", StateName::Up);
    daemon
}

#[test]
fn a_plan_touches_nothing_and_comes_true() {
    let daemon = shop();
    let begun = daemon.read("order").unwrap();
    let pids = ["db", "app", "web"].map(|name| daemon.pid(name));
    let (plan, code) = json(&daemon, &["plan", "restart", "app"]);
    assert_eq!(code, 0, "{plan}");
    let planned = steps(&plan);
    assert_eq!(planned, ["web stop", "app stop", "app start", "web start"]);
    assert!(pids.iter().all(|pid| lives(*pid)) && daemon.read("order").unwrap() == begun, "a plan touches nothing");
    daemon.outcome(&Request::Restart(target("app")));
    daemon.until_state("web", StateName::Up);
    let order = daemon.read("order").unwrap();
    assert_eq!(order.lines().skip(begun.lines().count()).collect::<Vec<_>>(), planned);
}

#[test]
fn how_long_things_took_outlives_the_manager() {
    let daemon = shop();
    daemon.outcome(&Request::Restart(target("db")));
    daemon.until_state("web", StateName::Up);
    let takes = |plan: &Value| -> Vec<(String, f64)> {
        let steps = plan["plan"]["steps"].as_array().unwrap().iter();
        let known = steps.filter(|step| ["start", "stop"].contains(&step["step"].as_str().unwrap()));
        known.map(|step| (step["name"].to_string(), step["takes"].as_f64().expect("it happened before"))).collect()
    };
    let before = json(&daemon, &["plan", "restart", "db"]).0;
    assert_eq!(takes(&before).len(), 6, "{before}");
    for step in before["plan"]["steps"].as_array().unwrap().iter().filter(|step| step["step"] == "start") {
        assert!(step["takes"].as_f64().unwrap() >= 0.2, "{step}");
    }
    let over = before["plan"]["over"].as_f64().unwrap();
    assert!(over >= 0.6, "three starts, one after another: {before}");
    daemon.replace_manager();
    let after =
        until("a plan", || Some(json(&daemon, &["plan", "restart", "db"]).0).filter(|plan| plan["plan"].is_object()));
    assert_eq!(takes(&after), takes(&before));
}

#[test]
fn what_cannot_be_is_planned_with_its_reason_and_code() {
    let daemon = Daemon::with(&[("web", "command = \"sleep 1000\"\nrequires = [\"nobody\"]")]);
    let (plan, code) = json(&daemon, &["plan", "start", "web"]);
    let answer = plan["plan"]["outcomes"][0]["answer"]["failed"].as_str().unwrap().to_owned();
    assert!(code == 1 && answer.contains("there is no such service"), "{plan}");
    let (refused, code) = json(&daemon, &["plan", "start", "wed"]);
    assert_eq!((refused["refused"]["near"].as_str(), code), (Some("web"), 5), "{refused}");
}

#[test]
fn a_plan_and_a_tree_show_the_fault_of_a_file_as_a_start_does_and_know_an_instance_by_its_template() {
    let daemon =
        Daemon::with(&[("worse", "comand = \"true\"\n"), ("work@", &shell("exec sleep 1000")), ("web", "comand = 1")]);
    let told = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
        let output = command.arg("--socket").arg(daemon.path("control")).args(words).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, start) = told(&["start", "worse"]);
    let place = daemon.path("services/worse.toml:1:1: unknown key `comand`");
    assert!(code == 5 && start.contains(place.to_str().unwrap()), "{code}: {start}");
    for words in [&["plan", "start", "worse"][..], &["tree", "worse"], &["bootchart", "worse"]] {
        assert_eq!(told(words), (code, start.clone()), "{words:?}");
    }
    assert_eq!(told(&["plan", "start", "work@one"]).0, 0);
}

#[test]
fn a_tree_has_every_service_with_its_neighbours_and_state() {
    let daemon = shop();
    let (tree, _) = json(&daemon, &["tree", "app"]);
    let rows = tree["tree"].as_array().unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["app", "db", "web"]);
    assert!(rows.iter().all(|row| row["state"] == "up"), "{tree}");
    assert_eq!(rows[0]["needs"][0]["name"], "db");
    assert_eq!(rows[0]["needed_by"][0]["name"], "web");
}

#[test]
fn a_chart_of_the_boot_outlives_the_manager_and_later_restarts() {
    let daemon = shop();
    let (before, _) = json(&daemon, &["bootchart"]);
    assert_eq!(before["bootchart"]["chain"], serde_json::json!(["web", "app", "db"]), "{before}");
    for bar in before["bootchart"]["services"].as_array().unwrap() {
        let moment = |key: &str| bar[key].as_f64().unwrap();
        assert!(moment("wanted") <= moment("launched") && moment("launched") + 0.2 <= moment("ready"), "{bar}");
    }
    daemon.outcome(&Request::Restart(target("db")));
    daemon.until_state("web", StateName::Up);
    daemon.replace_manager();
    let after =
        until("a chart", || Some(json(&daemon, &["bootchart"]).0).filter(|chart| chart["bootchart"].is_object()));
    assert_eq!(after, before);
}

#[test]
fn a_copy_shows_no_command_and_no_environment() {
    let secret = "command = \"sleep 1000 --password=geheim\"\n[environment]\nTOKEN = \"geheim\"\n";
    let daemon = Daemon::with(&[("web", secret)]);
    daemon.up("web");
    let copy = serde_json::to_string(&daemon.ask(&Request::Snapshot)).unwrap();
    assert!(copy.contains("\"web\"") && !copy.contains("geheim") && !copy.contains("sleep"), "{copy}");
}

#[test]
fn a_file_that_defines_nothing_is_on_every_screen_and_why_says_what_is_wrong_with_it() {
    let daemon = Daemon::with(&[("web", &shell("exec sleep 1000")), ("worse", "comand = \"true\"\n")]);
    let told = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
        let output = command.arg("--socket").arg(daemon.path("control")).args(words).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), output.stderr.is_empty())
    };
    let fault = "worse is faulty, and nothing was in force before: ";
    for names in [&["why", "worse"][..], &["why", "wors?"]] {
        let (code, out, quiet) = told(names);
        assert!(code == 0 && quiet && out.starts_with(fault), "{names:?}: {code}: {out}");
        assert!(out.lines().count() == 1 && out.contains("unknown key `comand`"), "{out}");
    }
    let (code, out, quiet) = told(&["why", "w*"]);
    assert!(code == 0 && quiet && out.starts_with("web is down: nobody asked for it\n"), "{code}: {out}");
    assert!(out.contains(fault), "{out}");
    let (code, out, quiet) = told(&["why", "worse", "nosuch"]);
    assert!(code == 5 && !quiet && out.starts_with(fault), "{code}: {out}");
    for verb in [&["list"][..], &["top", "--count", "1"]] {
        let (_, out, _) = told(verb);
        let line = out.lines().find(|line| line.starts_with("worse")).unwrap_or_else(|| panic!("{verb:?}: {out}"));
        assert!(line.contains("faulty") && line.contains("unknown key") && !line.contains("ms"), "{line}");
    }
}

#[test]
fn a_graph_is_of_the_files_that_the_answering_svcd_reads() {
    let daemon = Daemon::with(&[
        ("db", &shell("exec sleep 1000")),
        ("web", &format!("requires = \"db\"\n{}", shell("exec sleep 1000"))),
    ]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    let output = command.arg("--socket").arg(daemon.path("control")).args(["graph", "web"]).output().unwrap();
    let drawn = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && drawn.contains("\"web\" -> \"db\""), "{drawn}");
    let (told, code) = json(&daemon, &["graph", "nosuch"]);
    assert_eq!((told["error"]["text"].as_str(), code), (Some("no service is called nosuch"), 5));
}
