//! Who talks without end, or goes away in the middle, costs the others nothing.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use svc::wire::{Request, StateName};
use svc_platform::process;

use crate::harness::{Daemon, PATIENCE, actor, lives, read_final, shell, target, until};

/// Asks on a connection of its own and does not wait for the answer.
fn ask_and_leave_open(daemon: &Daemon, request: &Request) -> UnixStream {
    let mut stream = daemon.connect().unwrap();
    let mut line = serde_json::to_vec(request).unwrap();
    line.push(b'\n');
    stream.write_all(&line).unwrap();
    stream
}

/// Answers come while something goes on without end, several times and soon.
fn answers(daemon: &Daemon) {
    for _ in 0..5 {
        let asked = Instant::now();
        let reply = read_final(ask_and_leave_open(daemon, &Request::Hello));
        assert!(reply.is_some(), "no answer within {PATIENCE:?}; asked {:?} ago", asked.elapsed());
    }
}

/// A process has next to nothing to do while this is done again and again: less than a tenth of the time, in which a
/// single look that a slow machine takes long for must have its place.
fn rests(pid: i32, mut done: impl FnMut()) {
    let used = || process::facts(pid).unwrap().cpu;
    let (before, begun) = (used(), Instant::now());
    until("most of the time it rests", || {
        done();
        let (used, passed) = (used() - before, begun.elapsed());
        (passed > Duration::from_secs(2) && used < passed / 10).then_some(())
    });
}

#[test]
fn a_program_that_is_read_again_and_again_is_looked_for_now_and_then() {
    let mut daemon = Daemon::new(&[]);
    std::fs::copy("/bin/sleep", daemon.path("napperd")).unwrap();
    let arms = "case \"$1\" in start) {setsid} $DAEMON 1000 </dev/null >/dev/null 2>&1 & ;; esac";
    daemon.script("napper", &format!("#!/bin/sh\nDAEMON={{dir}}/napperd\n{arms}\n"));
    daemon.start();
    let (manager, _) = daemon.pids();
    let program = daemon.path("napperd");
    rests(manager, || (0..2000).for_each(|_| drop(std::fs::File::open(&program).unwrap())));
    let mut own = std::process::Command::new(daemon.filled("{setsid}")).args([&program]).arg("1000").spawn().unwrap();
    daemon.until_state("napper", StateName::Up);
    own.kill().unwrap();
    own.wait().unwrap();
}

#[test]
fn a_client_that_went_away_before_its_answer_keeps_the_manager_from_no_rest() {
    let daemon = Daemon::with(&[("slow", "ready = \"notify-fd 3\"\ncommand = \"sleep 1000\"")]);
    let stream = ask_and_leave_open(&daemon, &Request::Start(target("slow")));
    daemon.until_state("slow", StateName::Starting);
    let (manager, _) = daemon.pids();
    drop(stream);
    rests(manager, || {});
    assert_eq!(daemon.summary("slow").state, StateName::Starting, "nothing is cancelled by it");
}

#[test]
fn a_command_that_prints_without_end_holds_nobody_up() {
    let daemon = Daemon::with(&[("web", "ready = \"command yes\"\ncommand = \"sleep 1000\"")]);
    let stream = ask_and_leave_open(&daemon, &Request::Start(target("web")));
    daemon.until_state("web", StateName::Starting);
    answers(&daemon);
    daemon.down("web");
    drop(stream);
}

#[test]
fn a_service_that_tells_without_end_holds_nobody_up() {
    let daemon = Daemon::with(&[("teller", &format!("ready = \"sd-notify\"\n{}", actor("sd-notify-flood")))]);
    daemon.up("teller");
    answers(&daemon);
    daemon.down("teller");
}

#[test]
fn a_service_that_prints_without_end_holds_up_no_log_of_another() {
    let noisy = "[log]\nsize = \"64k\"\nkeep = 1\n[verbs]\nhello = \"true\"\n";
    let daemon = Daemon::with(&[
        ("noisy", &format!("command = \"yes\"\n{noisy}")),
        ("quiet", &shell("while read -r line; do echo \"$line\"; done <{dir}/fifo\nexec sleep 1000")),
    ]);
    std::process::Command::new("mkfifo").arg(daemon.path("fifo")).status().unwrap();
    daemon.up("quiet");
    daemon.up("noisy");
    // The answer brings what the verb printed: everything up to now has to be on file before.
    let words = vec!["hello".to_owned()];
    let stream = ask_and_leave_open(&daemon, &Request::Verb { name: "noisy".into(), words, stream: false });
    let mut fifo = std::fs::File::options().write(true).open(daemon.path("fifo")).unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    writeln!(fifo, "still written").unwrap();
    until("the other's line is on file", || daemon.lines("quiet").contains(&"still written".to_owned()).then_some(()));
}

#[test]
fn a_command_that_cannot_be_run_leaves_no_tree_behind() {
    let daemon = Daemon::with(&[("web", "ready = \"command /nowhere/asks\"\ncommand = \"sleep 1000\"")]);
    let stream = ask_and_leave_open(&daemon, &Request::Start(target("web")));
    daemon.until_state("web", StateName::Starting);
    let svc::wire::Reply::Hello(hello) = daemon.ask(&Request::Hello) else { panic!("no hello") };
    let Some(place) = hello.tracking.strip_prefix("cgroup ") else {
        // Without directories there is nothing that could be left.
        return;
    };
    let begun = Instant::now();
    until("it was asked some times", || (begun.elapsed() > Duration::from_secs(2)).then_some(()));
    let names = std::fs::read_dir(place).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let left: Vec<String> = names.filter(|name| name.starts_with("helper-")).collect();
    assert!(left.len() <= 1, "{left:?}");
    drop(stream);
}

#[test]
fn a_command_that_still_asks_at_the_end_leaves_no_tree_behind() {
    let asks = "ready = \"command sh -c 'echo $$ >{dir}/asker; exec sleep 1000'\"\ncommand = \"sleep 1000\"";
    let daemon = Daemon::with(&[("web", asks)]);
    let stream = ask_and_leave_open(&daemon, &Request::Start(target("web")));
    let text = || std::fs::read_to_string(daemon.path("asker")).ok().filter(|text| text.ends_with('\n'));
    let asker: i32 = until("it is asked", text).trim().parse().unwrap();
    let svc::wire::Reply::Hello(hello) = daemon.ask(&Request::Hello) else { panic!("no hello") };
    let (_, keeper) = daemon.pids();
    daemon.ask(&Request::Shutdown { then: svc::wire::Then::Exit, kill: false });
    until("svcd ends", || (!lives(keeper)).then_some(()));
    drop(stream);
    until("the asker is gone", || (!lives(asker)).then_some(()));
    if let Some(place) = hello.tracking.strip_prefix("cgroup ") {
        assert!(!std::path::Path::new(place).exists(), "{:?}", std::fs::read_dir(place).unwrap().collect::<Vec<_>>());
    }
}

#[test]
fn who_does_not_read_what_svcd_says_holds_nobody_up() {
    let mut daemon = Daemon::new(&[]);
    // Nobody reads there, and it is never closed.
    daemon.surround("mkfifo {dir}/heard\nexec 2<>{dir}/heard");
    daemon.define("good", "command = \"sleep 1000\"");
    // Far more to be said than a pipe holds.
    let long = "x".repeat(90);
    (0..1000).for_each(|number| daemon.define(&format!("bad{number}"), &format!("{long} = {number}")));
    daemon.start();
    daemon.up("good");
    let heard = std::fs::File::open(daemon.path("heard")).unwrap();
    let reader = std::thread::spawn(move || {
        let mut lines = BufReader::new(heard).lines().map(Result::unwrap);
        lines.find(|line| line.contains("messages were lost here"))
    });
    let mut number = 1000;
    until("what was lost is said", || {
        number += 1;
        daemon.define(&format!("bad{number}"), "x = 1");
        daemon.ask(&Request::Load { names: Vec::new() });
        reader.is_finished().then_some(())
    });
    assert!(reader.join().unwrap().is_some());
}
