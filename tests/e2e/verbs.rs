//! Verbs of a definition: own ones, and what is run in place of the common ones, before and after them.

use std::process::Command;

use svc::wire::{Level, Reply, Request, StateName};
use svc_core::{Answer, Exit};

use crate::harness::{Daemon, lives, shell, target, until};

/// What `svc` answers: code, standard output, standard error.
fn svc(daemon: &Daemon, words: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    let output = command.arg("--socket").arg(daemon.path("control")).args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

const WEB: &str = "\
command = \"sleep 1000\"
[environment]
COLOUR = \"green\"
[verbs]
show = [\"sh\", \"-c\", 'echo \"$SVC_VERB of $SVC_NAME is $COLOUR, $MAINPID, $*\"; exit 7', \"sh\"]
slow = [\"sh\", \"-c\", \"echo first; while ! [ -e {dir}/go ]; do sleep 0.02; done; echo second\"]
status = \"sh -c 'echo all green; exit 0'\"
check = [\"sh\", \"-c\", \"[ -e {dir}/fine ] || { echo no file fine; exit 1; }\"]
reload = \"sh -c 'echo $MAINPID > {dir}/reloaded'\"
restart = \"touch {dir}/restarted\"
configure = \"touch {dir}/configured\"
";

#[test]
fn an_own_verb_has_the_environment_of_its_service_and_its_code_is_that_of_svc() {
    let daemon = Daemon::with(&[("web", WEB)]);
    daemon.up("web");
    let pid = daemon.pid("web");
    let (code, out, err) = svc(&daemon, &["web", "show", "a", "b"]);
    assert_eq!((code, out, err), (7, format!("show of web is green, {pid}, a b\n"), String::new()));
    let (code, _, err) = svc(&daemon, &["web", "shwo"]);
    assert!(code == 3 && err.contains("did you mean `show`?"), "{code}: {err}");
    let (code, _, err) = svc(&daemon, &["web"]);
    assert!(code == 2 && err.contains("its own verbs: show, slow\n"), "{code}: {err}");
    assert_eq!(daemon.pid("web"), pid);
}

#[test]
fn what_a_verb_prints_comes_while_it_runs() {
    let daemon = Daemon::with(&[("web", WEB)]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    command.arg("--socket").arg(daemon.path("control")).args(["web", "slow"]);
    let out = daemon.path("out");
    let mut child = command.stdout(std::fs::File::create(&out).unwrap()).spawn().unwrap();
    until("the first line", || (daemon.read("out")? == "first\n").then_some(()));
    std::fs::write(daemon.path("go"), "").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(daemon.read("out").unwrap(), "first\nsecond\n");
}

#[test]
fn an_own_status_is_shown_beside_what_is_known() {
    let daemon = Daemon::with(&[("web", WEB)]);
    let status = daemon.status("web");
    assert_eq!((status.summary.state, status.own), (StateName::Down, vec!["all green".to_owned()]));
    assert_eq!(status.notes, ["its own status says: running (exit 0)"]);
    let (code, out, _) = svc(&daemon, &["web", "status"]);
    assert!(code == 3 && out.contains("reports   all green\n"), "what is known decides: {code}: {out}");
}

#[test]
fn cat_says_of_every_value_where_it_was_written() {
    let mut daemon = Daemon::new(&[]);
    daemon.define("web", WEB);
    std::fs::create_dir(daemon.path("services/web.d")).unwrap();
    std::fs::write(daemon.path("services/web.d/slow.toml"), "verbs.reload.before = \"true\"\nnice = 5\n").unwrap();
    daemon.start();
    let (code, out, _) = svc(&daemon, &["--json", "cat", "web"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    let of = |key: &str| {
        let all = answer["values"].as_array().unwrap();
        let found = all.iter().find(|value| value["key"] == key).unwrap_or_else(|| panic!("{key}: {out}"));
        let text = |name: &str| found[name].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        (text("value"), text("origin"))
    };
    let pair = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!((code, &answer["schema"]), (0, &serde_json::json!(1)));
    assert_eq!(of("command"), pair("sleep 1000", "web.toml:1"));
    assert_eq!(of("nice"), pair("5", "slow.toml:2"));
    assert_eq!(of("verbs.reload.before"), pair("true", "slow.toml:1"));
    assert_eq!(of("environment.COLOUR"), pair("green", "web.toml:3"));
    assert_eq!(of("stop.timeout"), pair("1m 30s", "default"));
}

#[test]
fn an_own_check_counts_with_the_others() {
    let daemon = Daemon::with(&[("web", WEB)]);
    let check = || match daemon.ask(&Request::Check { names: vec!["web".into()] }) {
        Reply::Check(mut all) => all.remove(0),
        other => panic!("{other:?}"),
    };
    let checked = check();
    let said = checked.findings.iter().find(|finding| finding.text.starts_with("its own check")).unwrap();
    assert!(!checked.ok && said.level == Level::Bad, "{checked:?}");
    assert_eq!(said.text, "its own check exited with code 1\nno file fine");
    std::fs::write(daemon.path("fine"), "").unwrap();
    assert!(check().ok);
}

#[test]
fn commands_in_place_of_verbs_leave_the_service_running() {
    let daemon = Daemon::with(&[("web", WEB)]);
    daemon.up("web");
    let pid = daemon.pid("web");
    assert_eq!(svc(&daemon, &["web", "reload"]).0, 0);
    // No shell is run for the definition itself: the variable is the command's.
    assert_eq!(daemon.pid_in("reloaded"), pid);
    assert_eq!(svc(&daemon, &["web", "restart"]).0, 0);
    assert!(daemon.path("restarted").exists());
    assert_eq!(daemon.pid("web"), pid);
}

#[test]
fn what_goes_before_and_after_a_life_is_in_order() {
    let log = |word: &str| format!("\"sh -c 'echo {word} >> {{dir}}/order'\"");
    let text = format!(
        "{}[verbs]\nstart.before = {}\nstart.after = {}\nstop.before = {}\nstop.after = {}\n",
        shell("echo run >> {dir}/order; trap 'echo end >> {dir}/order; exit 0' TERM; while :; do sleep 0.02; done"),
        log("before-start"),
        log("after-start"),
        log("before-stop"),
        log("after-stop")
    );
    let daemon = Daemon::with(&[]);
    daemon.define("web", &text);
    daemon.ask(&Request::Load { names: Vec::new() });
    daemon.up("web");
    let order = || daemon.read("order").unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    until("all of the start", || (order().contains("after-start") && order().contains("run")).then_some(()));
    daemon.down("web");
    until("all of the stop", || order().ends_with("after-stop").then_some(()));
    let order = order();
    assert!(order.starts_with("before-start ") && order.ends_with(" before-stop end after-stop"), "{order}");
}

#[test]
fn a_start_whose_command_before_it_fails_says_so_with_what_it_printed() {
    let daemon = Daemon::with(&[(
        "web",
        "command = \"sleep 1000\"\n[restart]\nwhen = \"never\"\n\
         [verbs.start]\nbefore = \"sh -c 'echo no disk; exit 3'\"\n",
    )]);
    let outcome = daemon.outcome(&Request::Start(target("web")));
    let text = "its command before start exited with code 3";
    assert_eq!((outcome.answer, outcome.output), (Answer::Failed(text.into()), vec!["no disk".to_owned()]));
    assert_eq!(daemon.summary("web").state, StateName::Failed);
}

#[test]
fn the_next_manager_begins_a_start_again_that_waited_for_its_command() {
    let daemon = Daemon::with(&[]);
    daemon.define(
        "web",
        "command = \"sleep 1000\"\n[verbs.start]\nbefore = [\"sh\", \"-c\", \
         \"echo $$ > {dir}/before; while ! [ -e {dir}/go ]; do sleep 0.02; done\"]\n",
    );
    daemon.ask(&Request::Load { names: Vec::new() });
    let mut asked = target("web");
    asked.no_wait = true;
    daemon.outcome(&Request::Start(asked));
    let first = daemon.pid_in("before");
    daemon.replace_manager();
    until("it runs anew", || Some(daemon.pid_in("before")).filter(|pid| *pid != first));
    until("the first has ended", || (!lives(first)).then_some(()));
    std::fs::write(daemon.path("go"), "").unwrap();
    daemon.until_state("web", StateName::Up);
}

#[test]
fn a_script_gets_verbs_by_a_drop_in_and_keeps_its_own() {
    let mut daemon = Daemon::new(&[]);
    daemon.script("old", "#!/bin/sh\ncase \"$1\" in start|stop) ;; hello) echo script ;; *) exit 2 ;; esac\n");
    std::fs::create_dir(daemon.path("services/old.d")).unwrap();
    let text = "[verbs]\nhello = \"echo drop-in\"\nstart = \"touch {dir}/started\"\n";
    std::fs::write(daemon.path("services/old.d/verbs.toml"), daemon.filled(text)).unwrap();
    daemon.start();
    let words = vec!["hello".to_owned()];
    let outcome = daemon.outcome(&Request::Verb { name: "old".into(), words, stream: false });
    assert_eq!((outcome.answer, outcome.output), (Answer::Exited(Exit::Code(0)), vec!["drop-in".to_owned()]));
    daemon.up("old");
    assert!(daemon.path("started").exists());
}
