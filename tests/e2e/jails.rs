//! Jails of services: made for a run, shared by what belongs to it, gone with it. Where there are none, a definition
//! that wants one is refused with its line.

use std::io;

use svc::wire::{Checked, Level, Reply, Request};
use svc_platform::jail;

use crate::harness::{Daemon, is_root, lives, shell, signal, skipped, until};

/// A name that no other run of these tests has at the same time.
fn name(stem: &str) -> String {
    format!("{stem}{}", std::process::id())
}

/// Whether jails can be made here; says so where not.
fn has_jails(what: &str) -> bool {
    match jail::find("svc-e2e-none").map_err(|error| error.kind()) {
        Err(io::ErrorKind::Unsupported) => {
            skipped(what, "there are no jails here");
            false
        }
        Ok(_) | Err(_) => is_root(what),
    }
}

/// The jail that a process is in, by name.
fn jail_of(pid: i32) -> Option<String> {
    jail::of_process(pid).ok().flatten().and_then(|number| jail::name(number).ok())
}

/// Prints whether it is in a jail, and has a child in a session of its own.
const IN_JAIL: &str = "sysctl -n security.jail.jailed > {dir}/jailed
    sh -c 'echo $$ > {dir}/child; exec sleep 1000' &
    exec sleep 1000";

#[test]
fn where_there_are_no_jails_a_definition_that_wants_one_is_refused_with_its_line() {
    if jail::find("svc-e2e-none").map_err(|error| error.kind()) != Err(io::ErrorKind::Unsupported) {
        return skipped("a refusal of jails", "they are to be had here");
    }
    let daemon = Daemon::with(&[("web", "command = \"/bin/sleep 1000\"\n\n[jail]\nvnet = true\n")]);
    let Reply::Check(checked) = daemon.ask(&Request::Check { names: vec!["web".into()] }) else { panic!("no check") };
    let bad = |checked: &Checked| {
        let findings = checked.findings.iter().filter(|finding| finding.level == Level::Bad);
        findings.map(|finding| finding.text.clone()).collect::<Vec<_>>().join("\n")
    };
    let text = bad(&checked[0]);
    assert!(!checked[0].ok && text.contains("web.toml:4:1") && text.contains("`vnet` of [jail]"), "{text}");
}

#[test]
fn a_jail_lasts_as_long_as_its_service_and_everything_of_it_is_inside() {
    if !has_jails("a_jail_lasts_as_long_as_its_service") {
        return;
    }
    let name = name("jailed");
    let reload = "reload = [\"sh\", \"-c\", \"sysctl -n security.jail.jailed > {dir}/reloaded\"]\n";
    let text = format!("{}{reload}[jail]\nip4 = \"inherit\"\n", shell(IN_JAIL));
    let daemon = Daemon::with(&[(&name, &text)]);
    daemon.up(&name);
    let (main, child) = (daemon.pid(&name), daemon.pid_in("child"));
    assert_eq!(jail_of(main), Some(format!("svc-{name}")));
    assert_eq!(jail_of(child), jail_of(main));
    until("it sees that it is in a jail", || daemon.read("jailed").filter(|text| text == "1\n"));
    let first = jail::find(&format!("svc-{name}")).unwrap();
    assert!(daemon.status(&name).notes.iter().any(|note| note.contains(&format!("svc-{name} ({first})"))));

    daemon.ask(&Request::Reload(crate::harness::target(&name)));
    until("its reload ran inside", || daemon.read("reloaded").filter(|text| text == "1\n"));

    daemon.replace_manager();
    assert_eq!(daemon.pid(&name), main);
    daemon.down(&name);
    assert!(!lives(main) && !lives(child));
    assert_eq!(jail::find(&format!("svc-{name}")).unwrap_err().kind(), io::ErrorKind::NotFound);

    daemon.up(&name);
    assert_ne!(jail::find(&format!("svc-{name}")).unwrap(), first);
    signal(daemon.pid(&name), 9);
    until("a crash brings another jail", || {
        let found = jail::find(&format!("svc-{name}")).ok()?;
        (daemon.summary(&name).pid.is_some_and(|pid| jail::of_process(pid).ok().flatten() == Some(found))).then_some(())
    });
}

#[test]
fn what_is_deaf_in_a_jail_and_who_came_in_from_outside_end_with_it() {
    if !has_jails("what_is_deaf_in_a_jail") {
        return;
    }
    let name = name("deaf");
    let text = format!(
        "{}[stop]\ntimeout = \"300ms\"\n[jail]\npath = \"/\"\n",
        shell("trap '' TERM\necho $$ > {dir}/child\nwhile :; do sleep 0.1; done")
    );
    let daemon = Daemon::with(&[(&name, &text)]);
    daemon.up(&name);
    let deaf = daemon.pid_in("child");
    let jail = format!("svc-{name}");
    let script = daemon.filled("trap '' TERM; echo $$ > {dir}/guest; while :; do sleep 0.1; done");
    let mut guest = std::process::Command::new("jexec").args([&jail, "/bin/sh", "-c", &script]).spawn().unwrap();
    let inside = daemon.pid_in("guest");
    assert_eq!(jail_of(inside), Some(jail.clone()));
    daemon.down(&name);
    assert!(!lives(deaf));
    guest.wait().unwrap();
    assert!(!lives(inside));
    assert_eq!(jail::find(&jail).unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[test]
fn a_jail_that_cannot_be_made_is_told_with_the_systems_own_words() {
    if !has_jails("a_jail_that_cannot_be_made") {
        return;
    }
    let name = name("unmade");
    let text = "command = \"/bin/sleep 1000\"\n[restart]\nwhen = \"never\"\n[jail]\noptions = \"allow.nonsense\"\n";
    let daemon = Daemon::with(&[(&name, text)]);
    let outcome = daemon.outcome(&Request::Start(crate::harness::target(&name)));
    let told = format!("{:?}", outcome.answer);
    assert!(told.contains(&format!("entering its jail svc-{name}")) && told.contains("allow.nonsense"), "{told}");
}

#[test]
fn a_jail_that_is_not_there_is_not_asked() {
    let asked = std::process::Command::new(env!("CARGO_BIN_EXE_svc"))
        .args(["web", "start", "-j", "svc-e2e-none"])
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.code() == Some(1) && said.contains("jail svc-e2e-none"), "{:?}: {said}", asked.status);
}

#[test]
fn a_jail_is_what_each_key_says() {
    if !has_jails("a_jail_is_what_each_key_says") {
        return;
    }
    // Of the two kinds of network a jail has one.
    let shared = "hostname = \"cage.example\"\nip4 = \"127.0.0.1\"\nip6 = \"inherit\"\n";
    let own = "vnet = true\nsecurelevel = 2\nchildren = 3\ndevfs-ruleset = 4\noptions = [\"allow.raw_sockets\"]\n";
    let names = [name("shared"), name("own")];
    let text = |keys| format!("command = \"/bin/sleep 1000\"\n[jail]\npath = \"/\"\n{keys}");
    let daemon = Daemon::with(&[(&names[0], &text(shared)), (&names[1], &text(own))]);
    let found = names.map(|name| {
        daemon.up(&name);
        let parameters =
            "host.hostname ip4.addr ip6 vnet securelevel children.max devfs_ruleset allow.raw_sockets path";
        let jail = format!("svc-{name}");
        let output = std::process::Command::new("jls")
            .args(["-n", "-j", &jail])
            .args(parameters.split(' '))
            .output()
            .unwrap_or_else(|error| panic!("jls: {error}"));
        let told = String::from_utf8(output.stdout).unwrap();
        told.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    });
    let wanted = [
        ["host.hostname=cage.example", "ip4.addr=127.0.0.1", "ip6=inherit", "vnet=inherit", "path=/"].as_slice(),
        &["vnet=new", "securelevel=2", "children.max=3", "devfs_ruleset=4", "allow.raw_sockets", "path=/"],
    ];
    for (found, wanted) in found.iter().zip(wanted) {
        for one in wanted {
            assert!(found.iter().any(|word| word == one), "{one}: {found:?}");
        }
    }
}
