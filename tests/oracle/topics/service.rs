//! `service` of Debian.

use super::initd::{NAMES, STRANGE, scripts};
use super::{Call, Put, Topic, never_missing, words};
use crate::random::Random;
use crate::roots::Answer;

pub(crate) const TOPIC: Topic = Topic {
    name: "service",
    program: "/usr/sbin/service",
    watched: &["/etc/init.d", "/etc/web", "/var/log", "/run/openrc"],
    seed: 1,
    worlds: 40,
    calls: 8,
    world,
    call,
    exempt,
    missing: never_missing,
};

fn world(random: &mut Random) -> Vec<Put> {
    let mut puts = scripts(random);
    puts.push(Put::file("/etc/web", "#!/bin/sh\necho no script of ours\n", 0o755));
    if random.once_in(4) {
        puts.push(Put::directory("/run/openrc/started"));
        if random.once_in(2) {
            puts.push(Put::link("/run/openrc/started/web", "/etc/init.d/web"));
        }
    }
    puts
}

fn call(random: &mut Random) -> Call {
    let name = if random.once_in(5) { random.pick(&STRANGE) } else { random.pick(&NAMES) };
    let verb = random.pick(&["start", "stop", "restart", "status", "reload", "force-reload", "configtest", ""]);
    let mut call = Call::new(match random.below(12) {
        0 => words(&["--status-all"]),
        1 => words(&[name, "--full-restart"]),
        2 => words(&[name]),
        3 => words(&[name, verb, "a b", "c"]),
        4 => words(&[name, verb, "*", "/et*"]),
        5 => words(random.pick::<[&str]>(&[
            &[][..],
            &["--help"],
            &["-h"],
            &["--version"],
            &["-V"],
            &["--hello"],
            &["--status-all", "web"],
            &["web", "--status-all"],
            &["a", "web", "--full-restart"],
            &["web", "stop", "--help"],
            &["web", "start", "x", "--full-restart"],
        ])),
        _ => words(&[name, verb]),
    });
    for name in random.some(&["LANG", "LC_ALL", "HOME", "TERM", "LC_PAPER", "DEBIAN_FRONTEND"]) {
        call.environment.push((name.to_owned(), "C".to_owned()));
    }
    call
}

fn exempt(call: &Call, original: &Answer, _: &Answer) -> Option<&'static str> {
    if call.words.iter().any(|word| word.contains("../")) {
        return Some("service-path");
    }
    original.err.contains("rm: cannot remove 'b'").then_some("service-note-blanks")
}
