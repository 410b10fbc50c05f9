//! rc.d scripts where rc.conf says what starts at boot: enabled, disabled and started as that says.

use std::fs;

use svc::wire::{Reply, Request, StateName};
use svc_core::Answer;
use tempfile::TempDir;

use crate::harness::{Daemon, is_root, target, until};

const WEB: &str = "#!/bin/sh
# PROVIDE: web
# KEYWORD: shutdown
# What it sources elsewhere is of no use here.
#. /etc/rc.subr
name=web
rcvar=web_enable
case $1 in
*start) echo called with $1 >>{dir}/calls ;;
esac
";

/// A root with an rc.conf of its own, and a daemon over it that is not started yet.
fn world(settings: &str, flags: &[&'static str]) -> (TempDir, Daemon) {
    let root = tempfile::tempdir().unwrap();
    let etc = root.path().join("etc");
    fs::create_dir(&etc).unwrap();
    fs::write(etc.join("rc.subr"), "").unwrap();
    fs::write(etc.join("rc.conf"), settings).unwrap();
    // It has to live as long as the daemon's command line.
    let path: &'static str = Box::leak(root.path().display().to_string().into_boxed_str());
    let daemon = Daemon::new(&[&["--root", path], flags].concat());
    (root, daemon)
}

#[test]
fn rc_conf_says_what_starts_and_is_edited_line_by_line() {
    if !is_root("rc.conf, which only root may have written") {
        return;
    }
    let (root, mut daemon) = world("# mine\nother=1\nweb_enable=\"NO\"", &["--boot"]);
    daemon.script("web", WEB);
    daemon.script("always", &WEB.replace("rcvar=web_enable", "").replace("web", "always"));
    daemon.script("never", &WEB.replace("rcvar=web_enable", "").replace("shutdown", "nostart").replace("web", "never"));
    daemon.start();
    daemon.until_state("always", StateName::Up);
    for name in ["web", "never"] {
        assert_eq!(daemon.summary(name).state, StateName::Down, "{name}");
    }
    let place = root.path().join("etc/rc.conf");
    let status = daemon.status("web");
    assert_eq!(status.enabled_by, format!("{}:3", place.display()));
    assert!(!status.summary.enabled && daemon.summary("always").enabled && !daemon.summary("never").enabled);

    let answer = daemon.outcome(&Request::Enable(target("web"))).answer;
    assert!(matches!(answer, Answer::Done { changed: true, .. }), "{answer:?}");
    assert_eq!(fs::read_to_string(&place).unwrap(), "# mine\nother=1\nweb_enable=\"YES\"\n");
    assert!(daemon.summary("web").enabled);
    let answer = daemon.outcome(&Request::Disable(target("web"))).answer;
    assert!(matches!(answer, Answer::Done { changed: true, .. }), "{answer:?}");
    assert_eq!(fs::read_to_string(&place).unwrap(), "# mine\nother=1\nweb_enable=\"NO\"\n");
    match daemon.ask(&Request::Disable(target("always"))) {
        Reply::Refused(refusal) => assert!(format!("{refusal:?}").contains("no variable of rc.conf"), "{refusal:?}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_another_program_writes_into_rc_conf_counts_for_the_next_who_asks() {
    if !is_root("rc.conf, which only root may have written") {
        return;
    }
    let (root, mut daemon) = world("web_enable=NO\n", &[]);
    daemon.script("web", WEB);
    daemon.start();
    assert!(!daemon.summary("web").enabled);
    fs::write(root.path().join("etc/rc.conf"), "web_enable=NO\neval web_enable=ON\n").unwrap();
    until("the new settings are in force", || {
        // Reading anew is what every verb does; a list alone shows what is in force.
        daemon.ask(&Request::Load { names: Vec::new() });
        daemon.summary("web").enabled.then_some(())
    });
}
