//! What a class stands for, at svcd itself, held against the page that lists it.

use std::collections::BTreeMap;
use std::path::Path;

use svc::wire::{Refusal, Reply, Request, StateName};

use crate::harness::{Daemon, shell, target};

/// Defaults as svc.toml(5) lists them: class, key, value.
fn listed() -> Vec<(String, String, String)> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("man/svc.toml.5")).unwrap();
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.strip_prefix(".It ")?.split(" Ta ").collect();
        let is_class = ["system", "network", "service", "user", "helper"].contains(&cells[0]);
        (is_class && cells.len() == 3).then(|| (cells[0].into(), cells[1].into(), cells[2].into()))
    });
    rows.collect()
}

/// Every key in force: its value and where that is written.
fn values(daemon: &Daemon, name: &str) -> BTreeMap<String, (String, String)> {
    match daemon.ask(&Request::Cat { names: vec![name.into()] }) {
        Reply::Values(all) => all.into_iter().map(|value| (value.key, (value.value, value.origin))).collect(),
        other => panic!("no values: {other:?}\n{}", daemon.said()),
    }
}

fn of_class(class: &str) -> String {
    let user = if class == "user" { "user = \"nobody\"\n" } else { "" };
    format!("class = \"{class}\"\n{user}{}", shell("exec sleep 1000"))
}

#[test]
fn each_class_has_the_defaults_that_the_page_lists_and_what_is_written_goes_first() {
    let rows = listed();
    assert!(rows.len() > 5, "{rows:?}");
    let mut daemon = Daemon::new(&[]);
    daemon.define("plain", &shell("exec sleep 1000"));
    for (class, key, _) in &rows {
        daemon.define(class, &of_class(class));
        let (table, key) =
            key.split_once('.').map_or((String::new(), key.as_str()), |(table, key)| (format!("[{table}]\n"), key));
        let written = match key {
            "smooth" => "smooth = false\n",
            "restart" | "limit" => "limit = 7\n",
            "max-delay" => "max-delay = \"77s\"\n",
            _ => "timeout = \"77s\"\n",
        };
        let (before, after) = if table.is_empty() { (written, String::new()) } else { ("", table + written) };
        daemon.define(&format!("{class}-{key}"), &format!("{before}{}{after}", of_class(class)));
    }
    daemon.start();
    let plain = values(&daemon, "plain");
    for (class, key, value) in &rows {
        let with = values(&daemon, class);
        assert_eq!(with[key], (value.clone(), format!("class {class}")), "{class}: {key}");
        assert_ne!(&plain[key].0, value, "{class}: {key} is no other than without a class");
        let name = format!("{class}-{}", key.rsplit('.').next().unwrap());
        let (own, origin) = &values(&daemon, &name)[key];
        assert!(own != value && origin.contains(".toml:"), "{name}: {key} = {own} ({origin})");
        // And nothing else than what is listed.
        for (other, (found, origin)) in &with {
            let is_listed = rows.iter().any(|row| row.0 == *class && row.1 == *other);
            assert!(is_listed || !origin.starts_with("class "), "{class}: {other} = {found} ({origin})");
        }
    }
}

#[test]
fn the_system_comes_before_the_network_and_that_before_the_rest() {
    let mut daemon = Daemon::new(&["--boot"]);
    // Their names would have them the other way round.
    for (name, class) in [("c", "system"), ("b", "network"), ("a", "service")] {
        let script = format!("echo {name} >> {{dir}}/order\nsleep 0.1\necho >&3\nexec sleep 1000");
        daemon
            .define(name, &format!("class = \"{class}\"\nenabled = true\nready = \"notify-fd 3\"\n{}", shell(&script)));
    }
    daemon.start();
    daemon.until_state("a", StateName::Up);
    assert_eq!(daemon.read("order").as_deref(), Some("c\nb\na\n"));
}

#[test]
fn a_helper_is_seen_by_name_is_given_up_early_and_starts_not_at_boot() {
    let mut daemon = Daemon::new(&[]);
    daemon.define("agent", &of_class("helper"));
    daemon.define(
        "crasher",
        &format!("{}[restart]\ndelay = \"10ms\"\n", of_class("helper").replace("exec sleep 1000", "exit 3")),
    );
    daemon.define("eager", &format!("enabled = true\n{}", of_class("helper")));
    daemon.define("rooted", "class = \"user\"\nuser = \"root\"\ncommand = \"sleep 1000\"");
    daemon.start();
    let listed = |names: Vec<String>| match daemon.ask(&Request::List { names }) {
        Reply::List(rows) => rows.iter().map(|row| row.name.to_string()).collect::<Vec<_>>(),
        other => panic!("no list: {other:?}"),
    };
    daemon.up("agent");
    assert_eq!(listed(Vec::new()), ["eager", "rooted"], "only what is not well, and no helper that is");
    assert_eq!(listed(vec!["agent".into()]), ["agent"]);
    for (name, why) in [("eager", "a helper is started when others need it"), ("rooted", "does not run as root")] {
        match daemon.ask(&Request::Status { names: vec![name.into()], lines: 0 }) {
            Reply::Refused(Refusal::Unknown { fault: Some(fault), .. }) => assert!(fault.contains(why), "{fault}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    let mut start = target("crasher");
    start.no_wait = true;
    daemon.ask(&Request::Start(start));
    daemon.until_state("crasher", StateName::Failed);
    let why = daemon.status("crasher").why.remove(0);
    assert!(why.contains("given up after 3 starts"), "{why}");
    assert_eq!(listed(Vec::new()), ["crasher", "eager", "rooted"]);
}
