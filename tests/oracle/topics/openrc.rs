//! OpenRC's `rc-service`, `rc-update` and `rc-status`.

use super::{Call, Put, Topic, never_missing, words};
use crate::random::Random;
use crate::roots::Answer;

const NAMES: [&str; 7] = ["web", "db", "cron", "net", "mail.sh", "log", "plain"];
const STRANGE: [&str; 6] = ["nothere", "we b", "", "../web", "/etc/init.d/web", "we\nb"];
const LEVELS: [&str; 6] = ["default", "boot", "sysinit", "shutdown", "office", "single"];

pub(crate) const UPDATE: Topic = Topic {
    name: "rc-update",
    program: "/usr/sbin/rc-update",
    watched: &["/etc/init.d", "/etc/runlevels", "/run/openrc", "/usr/local/etc/init.d", "/var/log", "/etc/conf.d"],
    seed: 5,
    worlds: 40,
    calls: 10,
    world,
    call: update,
    exempt,
    missing: never_missing,
};

pub(crate) const SERVICE: Topic =
    Topic { name: "rc-service", program: "/usr/sbin/rc-service", seed: 6, call: service, ..UPDATE };

pub(crate) const STATUS: Topic =
    Topic { name: "rc-status", program: "/usr/bin/rc-status", seed: 7, worlds: 60, calls: 5, call: status, ..UPDATE };

fn world(random: &mut Random) -> Vec<Put> {
    const STATES: [&str; 12] = [
        "starting",
        "started",
        "stopping",
        "inactive",
        "wasinactive",
        "failed",
        "hotplugged",
        "daemons",
        "options",
        "exclusive",
        "scheduled",
        "tmp",
    ];
    let mut puts = vec![Put::directory("/etc/init.d"), Put::directory("/var/log"), Put::directory("/etc/conf.d")];
    for state in STATES {
        puts.push(Put::directory(&format!("/run/openrc/{state}")));
    }
    for level in LEVELS {
        if !random.once_in(12) {
            puts.push(Put::directory(&format!("/etc/runlevels/{level}")));
        }
    }
    for name in NAMES {
        if random.once_in(7) {
            continue;
        }
        let mode = if random.once_in(8) { 0o644 } else { 0o755 };
        let text = format!(
            "#!/bin/sh\necho \"{name} $# $* $RC_DEBUG $RC_NODEPS $IN_DRYRUN $EINFO_QUIET $EINFO_VERBOSE\" \
             >>/var/log/calls\necho {name} \"$@\"\nexit {}\n",
            random.pick(&["0", "0", "3", "32"])
        );
        let place = if random.once_in(9) { "/usr/local/etc/init.d" } else { "/etc/init.d" };
        puts.push(Put::file(&format!("{place}/{name}"), &text, mode));
        for level in random.some(&LEVELS[..5]) {
            if random.once_in(2) {
                puts.push(Put::link(&format!("/etc/runlevels/{level}/{name}"), &format!("/etc/init.d/{name}")));
            }
        }
        for state in random.some(&["started", "inactive", "failed", "hotplugged", "starting"]) {
            if random.once_in(3) {
                puts.push(Put::link(&format!("/run/openrc/{state}/{name}"), &format!("/etc/init.d/{name}")));
            }
        }
        if random.once_in(5) {
            let text = format!("pidfile=/run/openrc/tmp/{}\n", random.pick(&["gone", "alive"]));
            puts.push(Put::file(&format!("/run/openrc/daemons/{name}/001"), &text, 0o644));
        }
    }
    puts.push(Put::file("/run/openrc/tmp/alive", "1\n", 0o644));
    if random.once_in(4) {
        puts.push(Put::link("/etc/runlevels/default/office", "../office"));
    }
    if !random.once_in(5) {
        puts.push(Put::file("/run/openrc/softlevel", random.pick(&["default", "boot", "office\n"]), 0o644));
    }
    puts.push(Put::file("/run/openrc/deptree", &deptree(random), 0o644));
    puts
}

/// A cache as OpenRC writes it, so that both read the same.
fn deptree(random: &mut Random) -> String {
    let mut text = String::new();
    let order = ["web", "db", "cron", "net", "log", "plain"];
    for (at, name) in order.iter().enumerate() {
        text += &format!("depinfo_{at}_service='{name}'\n");
        for kind in ["ineed", "iuse", "iafter", "needsme"] {
            for (nth, other) in random.some(&order).into_iter().filter(|other| other != name).take(2).enumerate() {
                text += &format!("depinfo_{at}_{kind}_{nth}='{other}'\n");
            }
        }
    }
    text
}

fn name(random: &mut Random) -> &'static str {
    if random.once_in(7) { random.pick(&STRANGE) } else { random.pick(&NAMES) }
}

fn level(random: &mut Random) -> &'static str {
    if random.once_in(8) { random.pick(&["nowhere", "", "..", "../init.d"]) } else { random.pick(&LEVELS) }
}

fn update(random: &mut Random) -> Call {
    let mut given: Vec<&str> = random.some(&["-q", "-q", "-v", "-C", "-a", "-s"]).into_iter().collect();
    if !random.once_in(4) {
        given.clear();
    }
    match random.below(12) {
        0 => {}
        1 => given.extend(["show"]),
        2 => given.extend(["show", level(random), level(random)]),
        3 => given.extend(["nonsense"]),
        4 => given.extend([random.pick(&["add", "del"])]),
        5 => given.extend(["-s", random.pick(&["add", "del"]), level(random), level(random)]),
        6 => given.extend(["-x"]),
        7 | 8 => given.extend([random.pick(&["add", "del", "delete"]), name(random)]),
        9 => given.extend(["-a", "del", name(random)]),
        _ => given.extend([random.pick(&["add", "del", "add"]), name(random), level(random)]),
    }
    Call::new(words(&given))
}

fn service(random: &mut Random) -> Call {
    let mut given = random.some(&["-i", "-q", "-v", "-d", "-D", "-s", "-S", "-N", "-I", "-c", "-Z"]);
    if random.once_in(3) {
        given.truncate(1);
    } else {
        given.clear();
    }
    match random.below(10) {
        0 => given.extend(["-l"]),
        1 => given.extend(["-e", name(random)]),
        2 => given.extend(["-r", name(random)]),
        3 => given.extend(["--resolve", name(random), "--exists"]),
        4 => given.extend([name(random)]),
        5 if random.once_in(2) => given.extend(["-V"]),
        6 if random.once_in(2) => given.extend(["--nonsense"]),
        _ => given.extend([name(random), random.pick(&["start", "stop", "status", "zap", "odd"]), "--", "a b"]),
    }
    Call::new(words(&given))
}

fn status(random: &mut Random) -> Call {
    let given: Vec<&str> = match random.below(12) {
        0 => vec!["-a"],
        1 => vec!["-l"],
        2 => vec!["-r"],
        3 => vec!["-s"],
        4 => vec!["-m"],
        5 => vec!["-u"],
        6 => vec!["-c"],
        7 => vec!["-f", random.pick(&["ini", "INI", "xml"]), level(random)],
        8 => vec![level(random)],
        9 => vec![level(random), level(random)],
        10 => vec!["-S"],
        _ => vec![],
    };
    let mut call = Call::new(words(&given));
    if random.once_in(4) {
        call.environment.push(("COLUMNS".into(), "50".into()));
    }
    call
}

fn exempt(call: &Call, original: &Answer, ours: &Answer) -> Option<&'static str> {
    if call.words.iter().any(|word| word.contains("..")) {
        return Some("openrc-path");
    }
    (original.out.contains("Options: [") && original.code == ours.code).then_some("openrc-help")
}
