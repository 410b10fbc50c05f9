//! `invoke-rc.d` with runlevels, links and policies of all kinds.

use super::initd::{NAMES, STRANGE, links, scripts};
use super::{Call, Put, Topic, never_missing};
use crate::random::Random;
use crate::roots::Answer;

pub(crate) const TOPIC: Topic = Topic {
    name: "invoke-rc.d",
    program: "/usr/sbin/invoke-rc.d",
    watched: &[
        "/etc/init.d",
        "/etc/web",
        "/var/log",
        "/usr/sbin/policy-rc.d",
        "/usr/sbin/runlevel",
        "/usr/sbin/init",
        "/etc/rc0.d",
        "/etc/rc1.d",
        "/etc/rc2.d",
        "/etc/rc3.d",
        "/etc/rc4.d",
        "/etc/rc5.d",
        "/etc/rc6.d",
        "/etc/rcS.d",
    ],
    seed: 2,
    worlds: 60,
    calls: 8,
    world,
    call,
    exempt,
    missing: never_missing,
};

fn world(random: &mut Random) -> Vec<Put> {
    let mut puts = scripts(random);
    puts.extend(links(random));
    puts.push(Put::file("/etc/web", "#!/bin/sh\necho no script of ours\n", 0o755));
    if !random.once_in(6) {
        puts.push(Put::file("/usr/sbin/init", "", 0o755));
    }
    if !random.once_in(6) {
        let says = random.pick(&["N 2", "N 2", "N 3", "2 S", "N 6", "unknown", "S 0"]);
        let code = if says == "unknown" { 1 } else { 0 };
        puts.push(Put::file("/usr/sbin/runlevel", &format!("#!/bin/sh\necho {says}\nexit {code}\n"), 0o755));
    }
    if !random.once_in(3) {
        let code =
            random.pick(&["0", "1", "100", "101", "101", "102", "103", "104", "104", "105", "106", "106", "106", "7"]);
        let says = random.pick(&["", "stop start", "status", "reload\\nrestart", "start"]);
        let text = format!(
            "#!/bin/sh\necho \"policy $# $*\" >>/var/log/calls\necho policy says >&2\nprintf '{says}\\n'\nexit {code}\n"
        );
        puts.push(Put::file("/usr/sbin/policy-rc.d", &text, if random.once_in(8) { 0o644 } else { 0o755 }));
    }
    puts
}

fn call(random: &mut Random) -> Call {
    let options = ["--quiet", "--force", "--try-anyway", "--disclose-deny", "--query", "--no-fallback"];
    let mut given: Vec<&str> = options.into_iter().filter(|_| random.once_in(5)).collect();
    let name = if random.once_in(8) { random.pick(&STRANGE) } else { random.pick(&NAMES) };
    let verb = random.pick(&["start", "start", "stop", "restart", "status", "reload", "try-restart", "odd"]);
    match random.below(16) {
        0 => given.push(name),
        1 => given.extend([name, "--query", verb]),
        2 => given.extend([name, verb, "--quiet", "a b"]),
        3 => given.extend(["--nonsense", name, verb]),
        4 => given.extend([name, "sta rt"]),
        5 => given.extend(["--help"]),
        6 => given.extend(["--skip-systemd-native", name, verb]),
        7 if random.once_in(3) => {}
        _ => given.extend([name, verb]),
    }
    Call::new(super::words(&given))
}

fn exempt(call: &Call, original: &Answer, ours: &Answer) -> Option<&'static str> {
    if original.out.contains("Usage:") && ours.out.contains("usage:") && original.code == ours.code {
        return Some("invoke-help");
    }
    if call.words.iter().any(|word| word.contains("../")) {
        return Some("invoke-path");
    }
    None
}
