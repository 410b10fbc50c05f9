//! Scripts of /etc/init.d and their links, of all kinds that packages and people leave.

use std::fmt::Write;

use super::Put;
use crate::random::Random;

/// The scripts that a world may have.
pub(crate) const NAMES: [&str; 10] =
    ["web", "db", "mail.sh", "cron", "skeleton", "halt", "net-tools", "x11", "README", "old.dpkg-old"];
/// What is asked for beside them.
pub(crate) const STRANGE: [&str; 7] = ["nothere", "-rf", "we b", "we\nb", "", "../web", "functions"];

/// Directories of links, scripts, and what a script does when it is called: it notes how.
pub(crate) fn scripts(random: &mut Random) -> Vec<Put> {
    let mut puts = vec![Put::directory("/etc/init.d"), Put::directory("/var/log")];
    for name in NAMES {
        if random.once_in(5) {
            continue;
        }
        let mode = if random.once_in(6) { 0o644 } else { 0o755 };
        puts.push(Put::file(&format!("/etc/init.d/{name}"), &script(random, name), mode));
    }
    puts
}

/// A script with a header that may lack something, in a circle of requirements or not.
fn script(random: &mut Random, name: &str) -> String {
    let mut text = String::from("#!/bin/sh\n");
    if !random.once_in(8) {
        text.push_str(&header(random, name));
    }
    let code = random.pick(&["0", "1", "3", "5", "104"]);
    let says = random.pick(&["is running", "", "Usage: me {start|stop}", "is not running", "USAGE: none"]);
    let _ = write!(
        text,
        "{{ echo \"{name} $# $*\"; env | sort | grep -v '^_=\\|^SHLVL='; pwd; }} >>/var/log/calls\n\
         case ${{1-}} in\nstatus) echo \"{says}\"; exit {code} ;;\nstart) echo starting {name}; exit 0 ;;\n\
         stop) echo stopping {name} >&2; exit {code} ;;\nrestart | reload | force-reload) exit {code} ;;\n\
         *) echo \"usage of {name}: $*\" >&2; exit 2 ;;\nesac\n"
    );
    text
}

fn header(random: &mut Random, name: &str) -> String {
    const OTHERS: [&str; 5] = ["web", "db", "cron", "$remote_fs", "$syslog"];
    let base = name.trim_end_matches(".sh");
    let mut text = String::from("### BEGIN INIT INFO\n");
    let start = random.pick(&["2 3 4 5", "2 3 4 5", "2 3 4 5", "S", "3 5", ""]);
    let stop = match start {
        "S" => random.pick(&["", "0 6"]),
        _ => random.pick(&["0 1 6", "0 1 6", "0 6", "0 1 6 2", ""]),
    };
    let others = |random: &mut Random| {
        let found: Vec<&str> = random.some(&OTHERS).into_iter().filter(|other| *other != base).take(2).collect();
        found.join(" ")
    };
    let lines = [
        format!("# Provides:          {base}\n"),
        format!("# Required-Start:    {}\n", others(random)),
        format!("# Required-Stop:     {}\n", others(random)),
        format!("# Default-Start:     {start}\n"),
        format!("# Default-Stop:      {stop}\n"),
        format!("# Short-Description: the service {name}\n"),
    ];
    for line in lines {
        if !random.once_in(25) {
            text.push_str(&line);
        }
    }
    if !random.once_in(30) {
        text.push_str("### END INIT INFO\n");
    }
    text
}

/// The directories of links.
pub(crate) const LEVELS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "S"];

/// Links as they may have come to be: in order or not, some dangling, some no links at all.
pub(crate) fn links(random: &mut Random) -> Vec<Put> {
    let mut puts = Vec::new();
    for level in LEVELS {
        if random.once_in(20) {
            continue;
        }
        puts.push(Put::directory(&format!("/etc/rc{level}.d")));
        for name in ["web", "db", "cron", "x11", "net-tools", "gone"] {
            if random.once_in(2) {
                continue;
            }
            let kind = random.pick(&["S", "S", "K"]);
            let number = random.pick(&["01", "02", "20", "99"]);
            let path = format!("/etc/rc{level}.d/{kind}{number}{name}");
            if random.once_in(40) {
                puts.push(Put::file(&path, "#!/bin/sh\n", 0o755));
            } else {
                puts.push(Put::link(&path, &format!("../init.d/{name}")));
            }
        }
    }
    puts
}
