//! check, status, load and configure, word by word as one golden file has them on every system; `UPDATE=1` renews it.

use std::fs;
use std::path::Path;
use std::process::Command;

use svc::wire::StateName;

use crate::harness::{Daemon, is_root, until};

/// A service with a file that is made for it, and one that it wants.
const WEB: &str = "\
description = \"what people look at\"
command = \"/bin/sleep 1000\"
reload = \"/bin/sh -c true\"
wants = \"db\"
enabled = true
[[configure]]
template = \"{dir}/web.conf\"
target = \"{dir}/made.conf\"
values = \"{dir}/values.toml\"
";

/// A legacy script with a daemon of its own.
const OLD: &str = "\
#!/bin/sh
### BEGIN INIT INFO
# Provides: old
# Required-Start:
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
# Short-Description: what was there before
### END INIT INFO
case $1 in
start) sleep 1000 & echo $! > {dir}/old.pid ;;
stop) kill $(cat {dir}/old.pid) ;;
esac
";

/// What svc was asked, and what it answered.
struct Talk {
    daemon: Daemon,
    told: String,
}

impl Talk {
    fn new() -> Self {
        let mut daemon = Daemon::new(&[]);
        daemon.define("web", WEB);
        daemon.define("db", "command = \"/bin/sleep 1000\"\n[stop]\ntimeout = \"5s\"\n");
        let crash = "command = [\"/bin/sh\", \"-c\", \"echo I go; exit 3\"]\n[restart]\nwhen = \"never\"\n";
        daemon.define("crash", crash);
        daemon.define("gone", "command = \"/nonexistent/program\"\n[restart]\nwhen = \"never\"\n");
        daemon.define("bad", "command = \"/bin/sleep 1\"\nnonsense = 1\n");
        daemon.define("ring", "command = \"/bin/sleep 1\"\nrequires = \"ring\"\n");
        daemon.define("cold", "command = \"/bin/sleep 1\"\n[conditions]\npath = \"/nonexistent/path\"\n");
        daemon.script("old", OLD);
        write(&daemon, "web.conf", "port {{ port }}\n");
        write(&daemon, "values.toml", "port = 80\n");
        daemon.start();
        Self { daemon, told: String::new() }
    }

    /// Asks, and writes down what is the same wherever and whenever it is asked.
    fn ask(&mut self, line: &str) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
        command.arg("--socket").arg(self.daemon.path("control")).args(line.split(' ')).env("NO_COLOR", "1");
        let output = command.output().unwrap();
        self.told += &format!("$ svc {line}\n");
        for bytes in [output.stdout, output.stderr] {
            let text = String::from_utf8(bytes).unwrap().replace(&*self.daemon.path("").to_string_lossy(), "{dir}/");
            self.told.extend(text.lines().filter_map(plain).map(|line| line + "\n"));
        }
        self.told += &format!("= {}\n\n", output.status.code().unwrap());
    }
}

fn write(daemon: &Daemon, name: &str, text: &str) {
    fs::write(daemon.path(name), text).unwrap();
}

/// A line without what is of the moment or the machine: numbers of processes, times, sizes, how trees are tracked.
fn plain(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    match (words.next(), words.next()) {
        (Some("note"), Some("tracked")) => return None,
        (Some("memory" | "cpu"), Some(_)) => return Some(format!("{}..", &line[..12])),
        (Some("main" | "tree" | "log"), Some(varies)) => return Some(line.replacen(varies, "..", 1)),
        _ => {}
    }
    // Every key has its value told; those that nobody wrote are many.
    if line.ends_with(" (default)") {
        return None;
    }
    let spans = [(" for ", ", wanted"), (" for ", ""), (" by root ", " ago")];
    for (before, after) in spans {
        let is_state = line.starts_with("  state ");
        if (before == " for ") != is_state {
            continue;
        }
        let Some((head, tail)) = line.split_once(before) else { continue };
        let Some(end) = tail.find(after).filter(|_| !after.is_empty()).or(after.is_empty().then_some(tail.len()))
        else {
            continue;
        };
        return Some(format!("{head}{before}..{}", &tail[end..]));
    }
    Some(line.to_owned())
}

#[test]
fn check_status_load_and_configure_say_the_same_words_on_every_system() {
    if !is_root("check_status_load_and_configure") {
        return;
    }
    let mut talk = Talk::new();
    checked(&mut talk);
    followed(&mut talk);
    loaded(&mut talk);
    configured(&mut talk);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/verbatim.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&golden, &talk.told).unwrap();
    }
    let wanted = fs::read_to_string(&golden).unwrap();
    let differs = talk.told.lines().zip(wanted.lines()).find(|(told, wanted)| told != wanted);
    assert!(talk.told == wanted, "first {differs:?} in\n{}\nif this is meant: UPDATE=1", talk.told);
}

fn checked(talk: &mut Talk) {
    for name in ["web", "db", "gone", "bad", "ring", "cold", "old", "wbe"] {
        talk.ask(&format!("{name} check"));
    }
}

/// Lives, and what is told of them.
fn followed(talk: &mut Talk) {
    talk.ask("web status");
    talk.ask("web start");
    talk.daemon.until_state("db", StateName::Up);
    talk.ask("web status");
    talk.ask("db status");
    talk.ask("web check");
    talk.ask("crash start");
    talk.daemon.until_state("crash", StateName::Failed);
    until("its words are on file", || (talk.daemon.lines("crash") == ["I go"]).then_some(()));
    talk.ask("crash status");
    talk.ask("crash check");
    talk.ask("gone start");
    talk.ask("gone status");
    talk.ask("bad status");
    talk.ask("cold start");
    talk.ask("cold status");
    talk.ask("old status");
    talk.ask("old start");
    // It is the shell of its script until it has become its program.
    until("it sleeps", || {
        talk.daemon.status("old").tree.iter().any(|process| process.command == "sleep 1000").then_some(())
    });
    talk.ask("old status");
    talk.ask("db stop");
    talk.ask("db status");
    talk.ask("wbe status");
}

fn loaded(talk: &mut Talk) {
    talk.ask("web load");
    talk.ask("old load");
    talk.daemon.define("db", "command = \"/bin/sleep 2000\"\n[stop]\ntimeout = \"7s\"\n");
    talk.daemon.define("bad", "command = \"/bin/sleep 1\"\n");
    talk.daemon.define("more", "command = \"/bin/sleep 1\"\n");
    fs::remove_file(talk.daemon.path("services/ring.toml")).unwrap();
    talk.ask("load");
    talk.ask("load");
    talk.daemon.define("more", "command = \"/bin/sleep 1\"\nnice = \"very\"\n");
    talk.ask("more load");
    talk.ask("more check");
    talk.ask("wbe load");
}

fn configured(talk: &mut Talk) {
    talk.ask("web configure --diff");
    talk.ask("web configure");
    talk.ask("web configure");
    write(&talk.daemon, "values.toml", "port = 81\n");
    talk.ask("web configure");
    talk.told += &format!("{}\n", talk.daemon.read("made.conf").unwrap());
    write(&talk.daemon, "web.conf", "port {{ prot }}\n");
    talk.ask("web configure");
    talk.ask("web configure --undo");
    talk.told += &format!("{}\n", talk.daemon.read("made.conf").unwrap());
    talk.ask("db configure");
    talk.ask("wbe configure");
}
