//! `svc up` with a real svcd and real processes.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use svc_core::Signal;
use svc_platform::process::Handle;
use tempfile::TempDir;

use crate::fake::svc;

const PATIENCE: Duration = Duration::from_secs(30);

/// A running `svc up` and all it said.
struct Up {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    scratch: TempDir,
    _services: TempDir,
}

impl Up {
    fn new(services: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in services {
            fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
        }
        let scratch = tempfile::tempdir().unwrap();
        let mut child = svc()
            .arg("up")
            .arg(folder.path())
            .env("TMPDIR", scratch.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let stdout: ChildStdout = child.stdout.take().unwrap();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        Self { child, lines, said: Vec::new(), scratch, _services: folder }
    }

    /// Waits until a line has this in it.
    fn wait_for(&mut self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.said.iter().any(|line| line.contains(text)) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => self.said.push(line),
                Err(_) => panic!("never said: {text}\n{}", self.said.join("\n")),
            }
        }
    }

    fn interrupt(&self) {
        let handle = Handle::open(i32::try_from(self.child.id()).unwrap()).unwrap();
        handle.signal(svc_platform::signals::number(Signal::Int)).unwrap();
    }

    /// Waits for its end, and returns its exit code and all that it said.
    fn end(mut self) -> (i32, Vec<String>) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.said.push(line);
        }
        let code = self.child.wait().unwrap().code().unwrap();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        assert_eq!(errors, "", "{}", self.said.join("\n"));
        if code == 0 {
            let left: Vec<_> = fs::read_dir(self.scratch.path()).unwrap().collect();
            assert!(left.is_empty(), "{left:?}");
        }
        (code, std::mem::take(&mut self.said))
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            // A test failed halfway: its services must not stay. The first signal stops them, the second kills.
            self.interrupt();
            let _ = self.lines.recv_timeout(Duration::from_millis(500));
            self.interrupt();
            while self.lines.recv_timeout(PATIENCE).is_ok() {}
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn place(said: &[String], text: &str) -> usize {
    said.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("no {text} in\n{}", said.join("\n")))
}

/// A daemon that says when it is ready, and on its way out leaves its name in `$ORDER`.
const DB: &str = r#"
    ready = "notify-fd 3"
    command = ["sh", "-c", '''
        trap 'echo saved; echo db >> "$ORDER"; exit 0' TERM
        echo hello
        echo >&3
        while :; do sleep 1 & wait $!; done
    ''']
    [environment]
"#;

const WEB: &str = r#"
    requires = "db"
    command = ["sh", "-c", '''
        trap 'echo closed; echo web >> "$ORDER"; exit 0' TERM
        echo serving
        while :; do sleep 1 & wait $!; done
    ''']
    [environment]
"#;

#[test]
fn services_come_up_in_order_and_ctrl_c_stops_them_in_the_opposite_one() {
    let folder = tempfile::tempdir().unwrap();
    let order = folder.path().join("order");
    let with_order = |text: &str| format!("{text}ORDER = \"{}\"\n", order.display());
    let mut up = Up::new(&[("web", &with_order(WEB)), ("db", &with_order(DB))]);
    for text in ["web: up", "db: up", "web  | serving"] {
        up.wait_for(text);
    }
    up.interrupt();
    let (code, said) = up.end();
    assert_eq!(code, 0, "{}", said.join("\n"));
    for (first, then) in [
        ("db   | hello", "web  | serving"),
        ("db: up", "web: up"),
        ("stopping all services", "web  | closed"),
        ("stopping all services", "db   | saved"),
        ("stopping all services", "web: down"),
        ("stopping all services", "db: down"),
    ] {
        assert!(place(&said, first) < place(&said, then), "{first} before {then}:\n{}", said.join("\n"));
    }
    assert_eq!(fs::read_to_string(order).unwrap(), "web\ndb\n");
}

#[test]
fn a_second_ctrl_c_kills_what_is_deaf() {
    let deaf = r#"command = ["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 1; done"]"#;
    let mut up = Up::new(&[("deaf", deaf)]);
    up.wait_for("deaf | deaf");
    up.interrupt();
    up.wait_for("deaf: stopping");
    // Two interrupts at the same moment would count as one.
    let _ = up.lines.recv_timeout(Duration::from_millis(400)).map(|line| up.said.push(line));
    let started = Instant::now();
    up.interrupt();
    let (code, said) = up.end();
    assert!(started.elapsed() < PATIENCE, "{}", said.join("\n"));
    assert_eq!(code, 1, "{}", said.join("\n"));
    place(&said, "killing all services");
}

#[test]
fn a_faulty_definition_is_shown_with_its_caret_and_hurts_only_itself() {
    let mut up = Up::new(&[("web", "comand = \"x\"\n"), ("db", &format!("{DB}ORDER = \"/dev/null\"\n"))]);
    up.wait_for("did you mean `command`?");
    up.wait_for("db: up");
    up.interrupt();
    let (code, said) = up.end();
    assert_eq!(code, 1, "{}", said.join("\n"));
    place(&said, "^^^^^^");
}

#[test]
fn it_ends_when_nothing_is_left_to_run() {
    let up = Up::new(&[("once", "kind = \"oneshot\"\ncommand = \"echo done\"\n")]);
    let (code, said) = up.end();
    assert_eq!(code, 0, "{}", said.join("\n"));
    assert!(place(&said, "once | done") < said.len());
    place(&said, "nothing is left to run");
}

#[test]
fn a_service_that_fails_for_good_is_an_end_that_is_not_well() {
    let sick = "command = \"false\"\n[restart]\nwhen = \"never\"\n";
    let (code, said) = Up::new(&[("sick", sick)]).end();
    assert_eq!(code, 1, "{}", said.join("\n"));
    place(&said, "sick: failed");
}

#[test]
fn a_directory_without_definitions_says_what_to_put_there() {
    let (code, said) = Up::new(&[]).end();
    assert_eq!(code, 1, "{}", said.join("\n"));
    place(&said, "a file NAME.toml makes a service");
}

#[test]
fn a_directory_that_is_none_is_told_at_once() {
    let output = svc().args(["up", "/nonexistent"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "svc: /nonexistent: No such file or directory (os error 2)\n"
    );
}
