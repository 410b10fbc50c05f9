//! Red Hat's `chkconfig` and `service`. Debian has neither: `SVC_ORACLE_REDHAT` names a directory with both.

use std::fmt::Write;

use super::{Call, Put, Topic, words};
use crate::random::Random;
use crate::roots::Answer;

const NAMES: [&str; 7] = ["web", "db", "cron", "net", "old.rpmsave", "plain", "late"];
const XINETD: [&str; 4] = ["echo", "time", "web", "echo.rpmsave"];
const STRANGE: [&str; 6] = ["nothere", "-rf", "we b", "", "../web", "functions"];

pub(crate) const CHKCONFIG: Topic = Topic {
    name: "chkconfig",
    program: "/usr/sbin/chkconfig",
    watched: &[
        "/etc/init.d",
        "/etc/chkconfig.d",
        "/etc/xinetd.d",
        "/var/log",
        "/usr/sbin/runlevel",
        "/usr/libexec/initscripts",
        "/usr/bin/systemctl",
        "/usr/bin/systemd-escape",
        "/etc/rc0.d",
        "/etc/rc1.d",
        "/etc/rc2.d",
        "/etc/rc3.d",
        "/etc/rc4.d",
        "/etc/rc5.d",
        "/etc/rc6.d",
    ],
    seed: 8,
    worlds: 40,
    calls: 10,
    world,
    call: chkconfig,
    exempt,
    missing,
};

pub(crate) const SERVICE: Topic =
    Topic { name: "redhat-service", program: "/usr/sbin/redhat-service", seed: 9, call: service, ..CHKCONFIG };

fn missing() -> Option<String> {
    std::env::var_os("SVC_ORACLE_REDHAT")
        .is_none()
        .then(|| "SVC_ORACLE_REDHAT names no directory with the originals".to_owned())
}

fn world(random: &mut Random) -> Vec<Put> {
    let mut puts = vec![Put::directory("/etc/init.d"), Put::directory("/var/log")];
    let level = random.pick(&["N 3", "N 5", "3 2", "unknown"]);
    puts.push(Put::file("/usr/sbin/runlevel", &format!("#!/bin/sh\necho {level}\n"), 0o755));
    puts.push(Put::file("/usr/libexec/initscripts/legacy-actions/db/dump", "#!/bin/sh\necho dump \"$@\"\n", 0o755));
    let noted = "#!/bin/sh\n[ \"$1\" = show ] || echo \"systemctl $*\" >>/var/log/calls\n";
    puts.push(Put::file("/usr/bin/systemctl", noted, 0o755));
    let mangle = "#!/bin/sh\nshift\ncase $1 in *.*) echo \"$1\" ;; *) echo \"$1.service\" ;; esac\n";
    puts.push(Put::file("/usr/bin/systemd-escape", mangle, 0o755));
    for level in 0..7 {
        puts.push(Put::directory(&format!("/etc/rc{level}.d")));
    }
    if random.once_in(2) {
        puts.push(Put::file("/etc/init.d/xinetd", "#!/bin/sh\n# chkconfig: 345 50 50\n# description: x\n", 0o755));
        if !random.once_in(4) {
            puts.push(Put::link("/etc/rc3.d/S50xinetd", "../init.d/xinetd"));
        }
    }
    for name in XINETD {
        let said = random.pick(&["", "# default: off\n", "# description: a service\n"]);
        let line = random.pick(&["\tdisable = yes\n", "\tdisable\t= no\n", "  disable=yes\n", ""]);
        let text = format!("{said}\nservice {name}\n{{\n{line}\tid = x\n}}\n");
        puts.push(Put::file(&format!("/etc/xinetd.d/{name}"), &text, 0o600));
    }
    for name in NAMES {
        if random.once_in(7) {
            continue;
        }
        let mode = if random.once_in(8) { 0o644 } else { 0o755 };
        puts.push(Put::file(&format!("/etc/init.d/{name}"), &script(random, name), mode));
        if random.once_in(2) {
            for level in 0..7 {
                if random.once_in(3) {
                    let kind = random.pick(&["S", "K"]);
                    let number = random.pick(&["10", "50", "85"]);
                    let path = format!("/etc/rc{level}.d/{kind}{number}{name}");
                    puts.push(Put::link(&path, &format!("../init.d/{name}")));
                }
            }
        }
        if random.once_in(5) {
            let levels = random.pick(&["345", "-", "2"]);
            let text = format!("# chkconfig: {levels} 33 66\n# description: other\n");
            puts.push(Put::file(&format!("/etc/chkconfig.d/{name}"), &text, 0o644));
        }
    }
    puts
}

fn script(random: &mut Random, name: &str) -> String {
    let mut text = String::from("#!/bin/sh\n");
    if random.once_in(2) {
        let levels = random.pick(&["345", "-", "2345", "35", "x"]);
        let numbers = random.pick(&["10 90", "85 15", "50 50", "100 1"]);
        let _ = write!(text, "# chkconfig: {levels} {numbers}\n# description: the service {name}\n");
    } else if !random.once_in(6) {
        let others = ["web", "db", "cron", "net", "$network"];
        let pick = |random: &mut Random| {
            let found: Vec<&str> = random.some(&others).into_iter().filter(|other| *other != name).take(2).collect();
            found.join(" ")
        };
        let (start, stop) = (pick(random), pick(random));
        let levels = random.pick(&["2 3 4 5", "3 5", "5"]);
        let _ = write!(
            text,
            "### BEGIN INIT INFO\n# Provides: {name}\n# Required-Start: {start}\n# Should-Stop: {stop}\n\
             # Default-Start: {levels}\n# Default-Stop: 0 1 6\n# Short-Description: x\n### END INIT INFO\n"
        );
    }
    let code = random.pick(&["0", "1", "3"]);
    let _ = write!(
        text,
        "{{ echo \"{name} $# $*\"; env | sort | grep -v '^_=\\|^SHLVL='; pwd; }} >>/var/log/calls\necho {name} \"$@\"\n\
         exit {code}\n"
    );
    text
}

fn chkconfig(random: &mut Random) -> Call {
    let name = match random.below(9) {
        0 => random.pick(&STRANGE),
        1 => random.pick(&XINETD),
        _ => random.pick(&NAMES),
    };
    let levels = random.pick(&["3", "35", "2345", "016", "8", ""]);
    let state = random.pick(&["on", "off", "on", "off", "on", "off", "reset", "reset", "resetpriorities", "nonsense"]);
    Call::new(match random.below(16) {
        0 => words(&["--list"]),
        1 => words(&["--list", name]),
        2 | 3 => words(&["--add", name]),
        4 => words(&["--del", name]),
        5 => words(&["--override", name]),
        6 | 7 => words(&["--level", levels, name, state]),
        8 => words(&[name]),
        9 => words(&["--level", levels, name]),
        10 => words(random.pick::<[&str]>(&[
            &[][..],
            &["--add"],
            &["--add", "--del", "web"],
            &["--nonsense"],
            &["-x"],
            &["--level"],
            &["--type", "odd", "web"],
            &["--list", "web", "db"],
            &["--version"],
            &["-h"],
        ])),
        11 => words(&[&format!("--levels={levels}"), name, state]),
        12 => match random.below(4) {
            0 => words(&["--list", "--type", random.pick(&["xinetd", "sysv"])]),
            1 => words(&["--type", "xinetd", "--list", random.pick(&XINETD)]),
            2 => words(&["--type", "xinetd", random.pick(&XINETD)]),
            _ => words(&["--type", "xinetd", random.pick(&XINETD), random.pick(&["on", "off", "reset"])]),
        },
        _ => words(&[name, state]),
    })
}

fn service(random: &mut Random) -> Call {
    let name = if random.once_in(7) { random.pick(&STRANGE) } else { random.pick(&NAMES) };
    let verb = random.pick(&["start", "stop", "restart", "status", "dump", "configtest", ""]);
    let mut call = Call::new(match random.below(12) {
        0 => words(&["--status-all"]),
        1 => words(&[name, "--full-restart"]),
        2 => words(&["--skip-redirect", name, verb, "a b", "*"]),
        3 => words(&["--ignore-dependencies", name, verb]),
        4 => words(&[name]),
        5 => words(random.pick::<[&str]>(&[&[][..], &["-h"], &["--version"], &["--help"], &["--status-all", "web"]])),
        _ => words(&[name, verb]),
    });
    for name in random.some(&["LANG", "HOME", "SYSTEMCTL_SKIP_REDIRECT"]) {
        call.environment.push((name.to_owned(), "C".to_owned()));
    }
    call
}

fn exempt(call: &Call, original: &Answer, ours: &Answer) -> Option<&'static str> {
    if ours.err.starts_with("usage:") && original.err.ends_with(&ours.err) && original.code == ours.code {
        return Some("chkconfig-help");
    }
    call.words.iter().any(|word| word.contains(['/', ' '])).then_some("redhat-path")
}
