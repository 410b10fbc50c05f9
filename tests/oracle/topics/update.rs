//! `update-rc.d`, with insserv and without.

use super::initd::{NAMES, STRANGE, links, scripts};
use super::{Call, Put, Topic, never_missing, words};
use crate::random::Random;
use crate::roots::Answer;

const WATCHED: &[&str] = &[
    "/etc/init.d",
    "/etc/insserv.conf",
    "/etc/insserv",
    "/etc/systemd",
    "/var/log",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rc4.d",
    "/etc/rc5.d",
    "/etc/rc6.d",
    "/etc/rcS.d",
];

/// Every link has the number 01.
pub(crate) const PLAIN: Topic = Topic {
    name: "update-rc.d",
    program: "/usr/sbin/update-rc.d",
    watched: WATCHED,
    seed: 3,
    worlds: 30,
    calls: 10,
    world: plain,
    call,
    exempt,
    missing: never_missing,
};

/// insserv finds the numbers.
pub(crate) const SORTED: Topic =
    Topic { name: "update-rc.d-insserv", seed: 4, worlds: 40, calls: 10, world: sorted, ..PLAIN };

fn plain(random: &mut Random) -> Vec<Put> {
    let mut puts = scripts(random);
    if random.once_in(2) {
        puts.extend(links(random));
    }
    if random.once_in(3) {
        let unit = "[Unit]\nDescription=web\n[Install]\n WantedBy=multi-user.target\nWantedBy=other.target\n";
        puts.push(Put::file("/etc/systemd/system/web.service", unit, 0o644));
    }
    if random.once_in(6) {
        let header = "### BEGIN INIT INFO\n# Default-Start: 3\n# Default-Stop: 0\n### END INIT INFO\n";
        puts.push(Put::file("/etc/insserv/overrides/db", header, 0o644));
    }
    puts
}

fn sorted(random: &mut Random) -> Vec<Put> {
    const MAP: &str = "$local_fs +mountall\n$network +net-tools\n$remote_fs $local_fs +nfs\n$syslog +cron +rsyslog\n\
                       <interactive> x11\n";
    let mut puts = plain(random);
    puts.push(Put::file("/etc/insserv.conf", MAP, 0o644));
    puts
}

fn call(random: &mut Random) -> Call {
    let name = match random.below(12) {
        0 => random.pick(&STRANGE),
        1 => "gone",
        _ => random.pick(&NAMES),
    };
    let verb = random.pick(&["defaults", "defaults", "remove", "enable", "disable", "defaults-disabled"]);
    let level = random.pick(&["2", "S", "3", "0", "7", "2345"]);
    Call::new(match random.below(14) {
        0 => words(&["-f", name, "remove"]),
        1 => words(&[name, "enable", level, "4"]),
        2 => words(&[name, "disable", level]),
        3 => words(&[name, "start", "20", "2", "3", "4", "5", ".", "stop", "20", "0", "1", "6", "."]),
        4 => words(&[name, "stop", "20", "0", level, "6", "."]),
        5 => words(random.pick::<[&str]>(&[
            &[][..],
            &["-h"],
            &["--help"],
            &["-x", "web", "remove"],
            &["web"],
            &["web", "nonsense"],
            &["-f"],
        ])),
        _ => words(&[name, verb]),
    })
}

fn exempt(call: &Call, _: &Answer, _: &Answer) -> Option<&'static str> {
    let is_odd = |word: &String| word.is_empty() || word.contains(['/', ' ', '\n', '*']);
    call.words.iter().any(is_odd).then_some("update-names")
}
