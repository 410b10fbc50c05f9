//! What a person sees, without its colours.

use std::time::Duration;

use svc_core::{Answer, Exit, Name};

use super::*;
use crate::wire::{
    Change, Checked, Finding, Hello, Level, LoadReport, LogLine, Outcome, Process, Refusal, Reply, StateName, Status,
    Summary, Value,
};

const WIDE: Look = Look { width: None, utf8: true, quiet: false, memory: Some(1 << 30) };

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn summary(of: &str, state: StateName, reason: &str) -> Summary {
    Summary {
        name: name(of),
        kind: "process".into(),
        state,
        wanted: state == StateName::Up,
        reason: reason.into(),
        since: Duration::from_secs(185),
        pid: (state == StateName::Up).then_some(411),
        enabled: true,
        description: format!("the {of} of this machine"),
    }
}

fn process(pid: i32, parent: i32, command: &str) -> Process {
    Process { pid, parent, command: command.into() }
}

fn full_status() -> Status {
    Status {
        summary: summary("web", StateName::Up, ""),
        why: Vec::new(),
        tree: vec![
            process(411, 1, "nginx: master"),
            process(412, 411, "nginx: worker"),
            process(414, 412, "helper"),
            process(413, 411, "nginx: \u{1b}[2Jworker"),
        ],
        left_behind: vec![process(90, 1, "old")],
        memory: Some(12 << 20),
        cpu: Some(Duration::from_millis(1200)),
        last_exit: Some("exited with code 1".into()),
        restarts: 2,
        said: Some("serving".into()),
        notes: vec!["its own status says: not running (exit 3)".into()],
        log: vec![LogLine { name: name("web"), time: "2026-01-01T00:00:00Z".into(), text: "hello".into() }],
        files: vec!["/etc/init.d/web".into()],
        enabled_by: "/etc/rc2.d/S01web".into(),
        stale_pid_file: false,
        verbs: Vec::new(),
        own: Vec::new(),
    }
}

#[test]
fn of_a_fault_that_is_cut_what_is_wrong_is_left_and_not_where() {
    let reason = "/usr/local/etc/svc/services/bad.toml:1:1: unknown key `comand`; try: svc bad check";
    let faulty = summary("bad", StateName::Faulty, reason);
    let narrow = Look { width: Some(80), ..WIDE };
    let shown = plain(&list(std::slice::from_ref(&faulty), &narrow));
    assert!(shown.contains("  unknown key `comand`; try: svc bad"), "{shown}");
    assert!(plain(&list(&[faulty], &WIDE)).contains("/usr/local/etc/svc/services/bad.toml:1:1: unknown"));
}

#[test]
fn a_list_is_a_table_whose_last_column_gives_way() {
    let rows = [summary("web", StateName::Up, ""), summary("database", StateName::Failed, "exited with code 1")];
    assert_eq!(
        plain(&list(&rows, &WIDE)),
        "NAME      STATE   FOR        PID  BOOT  REMARK\n\
         web       up      3 min 5 s  411  yes   the web of this machine\n\
         database  failed  3 min 5 s  -    yes   exited with code 1\n"
    );
    let narrow = Look { width: Some(58), ..WIDE };
    for line in plain(&list(&rows, &narrow)).lines() {
        assert!(columns(line) <= 58, "{line}");
    }
    assert!(plain(&list(&rows, &narrow)).contains("the web of this m…"));
    assert_eq!(list(&rows, &Look { quiet: true, ..WIDE }), "web\ndatabase\n");
}

#[test]
fn a_status_shows_the_tree_and_lets_no_escape_sequence_through() {
    assert_eq!(
        plain(&status(&full_status(), &WIDE)),
        "web (process): the web of this machine\n  \
           state     up for 3 min 5 s\n  \
           at boot   starts (/etc/rc2.d/S01web)\n  \
           says      serving\n  \
           main      411\n  \
           tree      411 nginx: master\n            \
                     ├─ 412 nginx: worker\n            \
                     │  └─ 414 helper\n            \
                     └─ 413 nginx: \u{fffd}[2Jworker\n  \
           left      90 old\n  \
           memory    12 MiB (1.2 % of 1.0 GiB)\n  \
           cpu       1 s\n  \
           restarts  2\n  \
           last exit exited with code 1\n  \
           note      its own status says: not running (exit 3)\n  \
           file      /etc/init.d/web\n  \
           log       2026-01-01T00:00:00Z hello\n"
    );
    let ascii = Look { utf8: false, ..WIDE };
    assert!(plain(&tree(&full_status(), &ascii)).contains("|  `- 414 helper"));
}

#[test]
fn a_tree_of_processes_that_are_each_others_parents_ends() {
    let mut odd = full_status();
    odd.tree = vec![process(1, 2, "a"), process(2, 1, "b"), process(3, 3, "c")];
    assert!(plain(&tree(&odd, &WIDE)).contains("3 c"));
}

#[test]
fn a_chain_of_reasons_is_told_once_and_from_the_nearest() {
    let mut waiting = full_status();
    waiting.summary = summary("web", StateName::Waiting, "requires db");
    waiting.summary.wanted = true;
    waiting.why = vec!["requires db".into(), "requires storage".into(), "mount failed (exit 32)".into()];
    let text = plain(&status(&waiting, &WIDE));
    assert!(text.contains("  state     waiting for 3 min 5 s, wanted up\n"), "{text}");
    assert!(
        text.contains("  because   requires db\n            requires storage\n            mount failed (exit 32)\n"),
        "{text}"
    );
}

#[test]
fn findings_keep_their_carets() {
    let caret = "/etc/svc/services/web.toml:3:1: unknown key\n  3 | requries = 1\n    | ^^^^^^^^";
    let checked = Checked {
        name: "web".into(),
        ok: false,
        enabled: "starts at boot".into(),
        findings: vec![
            Finding { level: Level::Good, text: "user root".into() },
            Finding { level: Level::Bad, text: caret.into() },
        ],
    };
    assert_eq!(
        plain(&check(&checked, &WIDE)),
        "web: would not run; starts at boot\n  \
           ok   user root\n  \
           bad  /etc/svc/services/web.toml:3:1: unknown key\n         \
                  3 | requries = 1\n           \
                    | ^^^^^^^^\n"
    );
}

#[test]
fn a_load_says_what_changed_and_where_values_come_from() {
    let change = |live| Change { name: name("web"), key: "nice".into(), old: String::new(), new: "5".into(), live };
    let value = Value { name: name("web"), key: "user".into(), value: "www".into(), origin: "default".into() };
    let report = LoadReport {
        added: vec![name("new")],
        removed: vec![name("old")],
        changed: vec![change(true), change(false)],
        faults: vec!["bad.toml:1:1: oh\n  1 | x".into()],
        values: vec![value],
    };
    assert_eq!(
        plain(&load(&report, &WIDE)),
        "bad.toml:1:1: oh\n  1 | x\na faulty file changes nothing: what it defined before stays in force\n\
         new: new\nold: its file is gone\n\
         web: nice was not set, is 5 (in force now)\n\
         web: nice was not set, is 5 (in force when it is started again)\n\
         web\n  user  www (default)\n"
    );
    assert_eq!(plain(&load(&LoadReport::default(), &WIDE)), "nothing changed\n");
}

fn told(answer: Answer, output: &[&str]) -> (String, String) {
    let output = output.iter().map(|line| (*line).to_owned()).collect();
    let told = outcome(&Outcome { name: name("web"), answer, output }, &WIDE);
    (plain(&told.out), plain(&told.err))
}

#[test]
fn success_is_silent_and_failure_says_where_to_look() {
    let done = |note: Option<&str>| Answer::Done { changed: true, note: note.map(str::to_owned) };
    assert_eq!(told(done(None), &[]), (String::new(), String::new()));
    assert_eq!(told(done(Some("2 processes left behind")), &[]).0, "web: 2 processes left behind\n");
    assert_eq!(told(Answer::Exited(Exit::Code(3)), &["usage: web"]), ("usage: web\n".into(), String::new()));
    assert_eq!(told(Answer::Exited(Exit::Code(3)), &[]).1, "svc: web: exited with code 3\n");
    let chain = "requires db: requires storage: mount failed (exit 32)";
    assert_eq!(told(Answer::Failed(chain.into()), &[]).1, format!("svc: web: {chain}\n     try: svc storage status\n"));
    assert_eq!(
        told(Answer::Failed("exited with code 1".into()), &[]).1,
        "svc: web: exited with code 1\n     try: svc web status\n"
    );
}

#[test]
fn an_unknown_name_brings_the_one_that_was_meant_and_the_fault_of_its_file() {
    let refused =
        Refusal::Unknown { name: "wbe".into(), near: Some("web".into()), fault: Some("web.toml:1:1: oh".into()) };
    assert_eq!(
        plain(&refusal(&refused)),
        "svc: no service is called wbe; did you mean web?\n  web.toml:1:1: oh\n     try: svc wbe check\n"
    );
    assert_eq!(super::refused(&Reply::Refused(refused)), "web.toml:1:1: oh");
    let refused = Refusal::Unknown { name: "wbe".into(), near: None, fault: None };
    assert_eq!(super::refused(&Reply::Refused(refused)), "no service is called wbe");
}

#[test]
fn text_is_cut_by_columns_not_by_bytes() {
    assert_eq!(cut("世界世界", 5, true), "世界…");
    assert_eq!(cut("abcdef", 4, false), "abc~");
    assert_eq!(cut("abcd", 4, false), "abcd");
}

#[test]
fn an_overview_counts_states_and_lists_what_is_not_well() {
    let machine = Machine {
        name: "host".into(),
        system: "Debian".into(),
        up: Duration::from_secs(7200),
        load: 0.5,
        memory_used: 1 << 20,
        memory: 1 << 30,
    };
    let hello = Hello {
        schema: 1,
        version: "0.1.0".into(),
        manager: 7,
        keeper: None,
        tracking: "cgroup".into(),
        runtime: "/run/svc".into(),
        definitions: Vec::new(),
        legacy: Vec::new(),
    };
    let rows = [
        summary("web", StateName::Up, ""),
        summary("db", StateName::Failed, "exited with code 1"),
        summary("log", StateName::Up, ""),
    ];
    let text = plain(&overview(&machine, &hello, &rows, &WIDE));
    assert!(
        text.starts_with(
            "host: Debian, up 2 h, load 0.50, memory 1.0 MiB of 1.0 GiB\n\
             svcd 0.1.0, manager 7, trees by cgroup\n\
             3 services: 2 up, 1 failed\n\nNAME"
        ),
        "{text}"
    );
    assert!(text.contains("db ") && !text.contains("web"), "{text}");
    assert!(Machine::look().memory > 0);
}

#[test]
fn text_is_filled_line_by_line_and_nothing_of_it_is_lost() {
    assert_eq!(fill("a bb ccc dddd", 0, 6), ["a bb", "ccc", "dddd"]);
    assert_eq!(fill("  a bb", 3, 6), ["  a", "bb"]);
    assert_eq!(fill("abcdefgh", 0, 3), ["abc", "def", "gh"]);
    assert_eq!(fill("世界世界", 0, 5), ["世界", "世界"]);
    assert_eq!(fill("", 0, 5), [""]);
    assert_eq!(fill("世界", 0, 1), ["世", "界"]);
    assert_eq!(fill("a bcdefgh i", 0, 3), ["a", "bcd", "efg", "h i"]);
}

#[test]
fn what_is_said_of_a_place_stays_below_its_caret() {
    let text =
        "f.toml:1:9: no\n  1 | ready = \"x\"\n    |         ^^^ write a numeric address or localhost, with a port";
    let checked = Checked {
        name: "web".into(),
        ok: false,
        enabled: String::new(),
        findings: vec![Finding { level: Level::Bad, text: text.into() }],
    };
    let narrow = Look { width: Some(52), ..WIDE };
    assert_eq!(
        plain(&check(&checked, &narrow)).lines().skip(3).collect::<Vec<_>>(),
        ["           |         ^^^ write a numeric address or", "           |             localhost, with a port",]
    );
}
