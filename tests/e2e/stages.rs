//! A boot in stages: what one stage starts waits for all that the stage before it starts.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use svc::wire::{Request, StateName};
use svc_core::Answer;

use crate::harness::{Daemon, skipped, target, until};

/// A script without a daemon, whose start waits for a file of its own name.
fn script(name: &str) -> String {
    format!(
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {name}\n# Required-Start:\n# Required-Stop:\n# Default-Start: S\n\
         # Default-Stop:\n### END INIT INFO\ncase $1 in\nstart)\nuntil [ -e {{dir}}/go-{name} ]; do sleep 0.05; done\n\
         echo {name} >>{{dir}}/calls ;;\nesac\n"
    )
}

fn calls(daemon: &Daemon) -> Vec<String> {
    let text = fs::read_to_string(daemon.path("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn scripts_of_a_runlevel_wait_for_all_of_rc_s() {
    let mut daemon = Daemon::new(&["--boot"]);
    for (name, link) in [("mounts", "rcS.d/S02mounts"), ("clock", "rcS.d/S01clock"), ("web", "rc2.d/S01web")] {
        daemon.script(name, &script(name));
        let link = daemon.path(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(format!("../init.d/{name}"), link).unwrap();
    }
    fs::write(daemon.path("go-web"), "").unwrap();
    fs::write(daemon.path("go-clock"), "").unwrap();
    daemon.start();
    daemon.until_state("clock", StateName::Up);
    assert_eq!(daemon.summary("web").state, StateName::Waiting);
    fs::write(daemon.path("go-mounts"), "").unwrap();
    daemon.until_state("web", StateName::Up);
    assert_eq!(calls(&daemon), ["clock", "mounts", "web"]);
}

#[test]
fn openrc_goes_through_its_runlevels_and_takes_along_what_is_needed() {
    if Path::new("/sbin/openrc-run").exists() {
        return skipped("a boot through lent runlevels", "OpenRC itself is there");
    }
    let root = tempfile::tempdir().unwrap();
    let levels = root.path().join("etc/runlevels");
    // It has to live as long as the daemon's command line.
    let path: &'static str = Box::leak(root.path().display().to_string().into_boxed_str());
    let mut daemon = Daemon::new(&["--root", path, "--boot"]);
    for (name, level, depend) in [
        ("web", "default", "need base"),
        ("hostname", "boot", "before *"),
        ("devfs", "sysinit", ""),
        ("base", "", ""),
        ("killprocs", "shutdown", ""),
        ("other", "", ""),
        ("late", "default", "after *"),
    ] {
        let text = format!(
            "#!/sbin/openrc-run\ndepend() {{ {}; }}\nstart() {{ echo {name} >>{{dir}}/calls; }}\nstop() {{ :; }}\n",
            if depend.is_empty() { ":" } else { depend }
        );
        daemon.script(name, &text);
        if !level.is_empty() {
            fs::create_dir_all(levels.join(level)).unwrap();
            symlink(format!("/etc/init.d/{name}"), levels.join(level).join(name)).unwrap();
        }
    }
    daemon.start();
    daemon.until_state("late", StateName::Up);
    assert_eq!(calls(&daemon), ["devfs", "hostname", "base", "web", "late"]);
    assert!(daemon.summary("web").enabled && !daemon.summary("base").enabled);

    let answer = daemon.outcome(&Request::Enable(target("other"))).answer;
    assert!(matches!(answer, Answer::Done { changed: true, .. }), "{answer:?}");
    assert!(levels.join("default/other").is_symlink());
    let answer = daemon.outcome(&Request::Disable(target("hostname"))).answer;
    assert!(matches!(answer, Answer::Done { changed: true, .. }), "{answer:?}");
    assert!(!levels.join("boot/hostname").is_symlink());
    // What rc-update does is known at the next look.
    fs::remove_file(levels.join("default/other")).unwrap();
    until("the link is gone", || {
        daemon.ask(&Request::Load { names: Vec::new() });
        (!daemon.summary("other").enabled).then_some(())
    });
}
