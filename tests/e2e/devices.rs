//! Services that live with a device: a real one, that comes and goes while they run.

use std::process::{Command, Stdio};

use svc::wire::{Request, StateName};
use svc_core::Answer;

use crate::harness::{Daemon, has, is_root, lives, shell, signal, skipped, target, until};

/// A device that can be made and taken away, and where that hurts nobody.
struct Plug {
    device: &'static str,
    comes: &'static str,
    goes: &'static str,
    /// What makes surroundings for a daemon of its own; empty: none are to be had.
    surroundings: &'static str,
}

/// Where a process can have a network and mounts of its own that are known to no other.
fn has_spaces() -> bool {
    std::path::Path::new("/usr/bin/unshare").exists()
}

fn interface(what: &str) -> Option<Plug> {
    if !is_root(what) {
        return None;
    }
    if !has_spaces() {
        let (comes, goes) = ("ifconfig lo77 create", "ifconfig lo77 destroy");
        return has("ifconfig", what).then_some(Plug { device: "net:lo77", comes, goes, surroundings: "" });
    }
    let surroundings = r#"exec unshare --net "$0" "$@""#;
    // Which kinds there are is a matter of how the kernel was made.
    let comes = "ip link add svc77 type dummy || ip link add svc77 type veth peer name svc78 || \
        ip tuntap add svc77 mode tap";
    let goes = "ip link delete svc77";
    has("ip", what).then_some(Plug { device: "net:svc77", comes, goes, surroundings })
}

fn node(what: &str) -> Option<Plug> {
    if !is_root(what) {
        return None;
    }
    if !has_spaces() {
        let (comes, goes) = ("mdconfig -a -t malloc -s 1m -u 77", "mdconfig -d -u 77");
        return has("mdconfig", what).then_some(Plug { device: "/dev/md77", comes, goes, surroundings: "" });
    }
    let surroundings = r#"exec unshare --mount sh -c 'mount -t tmpfs none /dev/shm && exec "$0" "$@"' "$0" "$@""#;
    let (comes, goes) = ("mknod /dev/shm/gps c 1 3", "rm /dev/shm/gps");
    let is_there = std::path::Path::new("/dev/shm").is_dir();
    if !is_there {
        skipped(what, "there is no /dev/shm");
    }
    is_there.then_some(Plug { device: "/dev/shm/gps", comes, goes, surroundings })
}

impl Plug {
    /// A daemon with a service `plug` that is up while the device is there; nothing is started yet.
    fn daemon(&self, flags: &[&'static str]) -> Daemon {
        let mut daemon = Daemon::new(flags);
        if !self.surroundings.is_empty() {
            daemon.surround(self.surroundings);
        }
        let Self { comes, goes, .. } = self;
        daemon.define("plug", &format!("kind = \"oneshot\"\n{}[stop]\ncommand = \"{goes}\"\n", shell(comes)));
        daemon
    }

    /// A definition that lives with it, beside other lines.
    fn needed(&self, more: &str) -> String {
        format!("{}devices = \"{}\"\n{more}", shell("exec sleep 1000"), self.device)
    }
}

/// A device that is the whole machine's is taken away when the test ends, however it does.
impl Drop for Plug {
    fn drop(&mut self) {
        if self.surroundings.is_empty() {
            run(self.goes);
        }
    }
}

fn run(line: &str) {
    Command::new("sh").args(["-c", line]).stderr(Stdio::null()).status().unwrap();
}

#[test]
fn a_service_starts_with_its_interface_and_ends_with_it_whoever_is_manager() {
    let Some(plug) = interface("a service that lives with an interface") else { return };
    let mut daemon = plug.daemon(&[]);
    daemon.define("gps", &plug.needed(""));
    daemon.define("clock", &format!("{}requires = \"gps\"\n", shell("exec sleep 1000")));
    let away = format!("while ! [ -e {{dir}}/go ]; do sleep 0.1; done; {}; touch {{dir}}/done", plug.goes);
    daemon.define("away", &daemon.filled(&shell(&away)));
    daemon.start();
    let device = plug.device;
    let outcome = daemon.outcome(&Request::Start(target("clock")));
    let waits = format!("requires gps: waits for {device}, which is not there");
    assert_eq!(outcome.answer, Answer::Failed(waits));
    let status = daemon.status("gps");
    assert_eq!((status.summary.state, status.summary.wanted), (StateName::Waiting, true), "{status:?}");
    assert_eq!(status.why, [format!("gps waits for {device}, which is not there")]);

    daemon.up("plug");
    daemon.until_state("clock", StateName::Up);
    let (gps, clock) = (daemon.pid("gps"), daemon.pid("clock"));
    daemon.replace_manager();
    daemon.until_state("clock", StateName::Up);
    assert_eq!((daemon.pid("gps"), daemon.pid("clock")), (gps, clock), "the next manager finds it there");

    daemon.down("plug");
    daemon.until_state("gps", StateName::Waiting);
    daemon.until_state("clock", StateName::Waiting);
    assert!(!lives(gps) && !lives(clock));

    // Another interface of the same name, at once: who used the first has lost it.
    daemon.up("plug");
    daemon.until_state("clock", StateName::Up);
    let gps = daemon.pid("gps");
    let restarted = daemon.outcome(&Request::Restart(target("plug")));
    assert!(matches!(restarted.answer, Answer::Done { .. }), "{restarted:?}");
    until("it was started again", || daemon.summary("gps").pid.filter(|pid| *pid != gps));
    daemon.until_state("clock", StateName::Up);

    // It goes while nobody looks.
    daemon.up("away");
    let (manager, _) = daemon.pids();
    run(&format!("kill -STOP {manager}"));
    std::fs::write(daemon.path("go"), "").unwrap();
    until("it is gone", || daemon.read("done"));
    signal(manager, 9);
    until("a new manager", || Some(daemon.pids()).filter(|(found, _)| *found != manager));
    daemon.until_state("gps", StateName::Waiting);
}

#[test]
fn nobody_waits_for_a_node_but_who_needs_it() {
    let Some(plug) = node("a service that lives with a node") else { return };
    let mut daemon = plug.daemon(&["--boot"]);
    daemon.define("gps", &plug.needed("enabled = true\n"));
    daemon.define("web", &format!("{}after = \"gps\"\nenabled = true\n", shell("exec sleep 1000")));
    daemon.define("other", &shell("exec sleep 1000"));
    daemon.start();
    daemon.until_state("web", StateName::Up);
    let gps = daemon.until_state("gps", StateName::Waiting);
    assert!(gps.reason.contains(plug.device), "{gps:?}");
    daemon.up("plug");
    daemon.until_state("gps", StateName::Up);
    let pid = daemon.pid("gps");
    // A definition that lives with it from now on waits for nothing, one that does no more is left alone.
    daemon.define("other", &plug.needed(""));
    daemon.define("gps", &shell("exec sleep 1000"));
    daemon.ask(&Request::Load { names: Vec::new() });
    daemon.up("other");
    let other = daemon.pid("other");
    daemon.down("plug");
    daemon.until_state("other", StateName::Waiting);
    assert!(!lives(other) && lives(pid));
    let Answer::Failed(text) = daemon.outcome(&Request::Restart(target("other"))).answer else { panic!("it is up") };
    assert_eq!(text, format!("waits for {}, which is not there", plug.device));
}
