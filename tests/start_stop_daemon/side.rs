//! One of two equal worlds: a directory with pid files, a program that reports what it became, and processes that run.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use svc_platform::process;

use crate::calls::Call;

/// How long a program in the background may take to say what it became.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came of a call, with everything that names this side masked.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    code: Option<i32>,
    out: String,
    err: String,
    files: BTreeMap<String, String>,
    /// How many of those that ran before run still.
    alive: usize,
}

pub(crate) struct Side {
    dir: PathBuf,
    name: String,
    victims: Vec<i32>,
}

/// Says who and where it is and how it runs, and leaves a file when it has.
const REPORT: &str = r#"#!/bin/sh
{
	printf '<%s>' "$@"
	echo
	umask
	pwd
	id -u; id -g; id -G
	echo "$HOME"
	set -- $(cut -d ' ' -f 18,19,40,41 /proc/$$/stat)
	echo "$*"
	ionice -p $$
	readlink /proc/$$/fd/0 /proc/$$/fd/1
} >"DIR/report.new" 2>&1
echo printed
mv "DIR/report.new" "DIR/report"
"#;

impl Side {
    pub(crate) fn new(dir: &Path, call: &Call) -> Self {
        fs::create_dir_all(dir.join("bin")).unwrap();
        for path in [dir, &dir.join("bin"), dir.parent().unwrap()] {
            fs::set_permissions(path, Permissions::from_mode(0o777)).unwrap();
        }
        let name = format!("v{}", dir.file_name().unwrap().to_string_lossy());
        let victim = dir.join("bin").join(&name);
        fs::copy("/bin/sleep", &victim).unwrap();
        let report = dir.join("bin/report");
        fs::write(&report, REPORT.replace("DIR", &dir.to_string_lossy())).unwrap();
        fs::set_permissions(&report, Permissions::from_mode(0o755)).unwrap();
        let mut side = Self { dir: dir.to_owned(), name, victims: Vec::new() };
        for _ in 0..call.running {
            let mut child = Command::new(&victim).arg("60").stdin(Stdio::null()).spawn().unwrap();
            side.victims.push(child.id() as i32);
            // Whoever is killed is to be gone, not to be collected some time later.
            thread::spawn(move || child.wait());
        }
        let first = side.victims.first().copied().unwrap_or_else(vacant);
        for (name, text) in [
            ("good", format!("{first}\n")),
            ("stale", format!("{}\n", vacant())),
            ("garbage", "what?\n".to_owned()),
            ("open", format!("{first}\n")),
            ("other", format!("{first}\n")),
            ("zero", "0\n".to_owned()),
            ("minus", "-1\n".to_owned()),
        ] {
            fs::write(dir.join(format!("{name}.pid")), text).unwrap();
        }
        fs::set_permissions(dir.join("open.pid"), Permissions::from_mode(0o666)).unwrap();
        chown(dir.join("other.pid"), Some(1), Some(1)).unwrap();
        side
    }

    pub(crate) fn run(&mut self, program: &Path, call: &Call) -> Told {
        let words: Vec<String> = call.words.iter().map(|word| self.filled(word)).collect();
        // Files, not pipes: what stays in the background would hold a pipe open.
        let (out, err) = (self.dir.join("stdout"), self.dir.join("stderr"));
        let mut child = Command::new(program)
            .arg0("start-stop-daemon")
            .args(&words)
            .current_dir(&self.dir)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(File::create(&out).unwrap())
            .stderr(File::create(&err).unwrap())
            .spawn()
            .unwrap();
        let code = ended(&mut child, call);
        if code == Some(0) && call.has(&["-b", "--background"]) && !call.has(&["--test"]) {
            self.wait_for_report();
        }
        self.wait_for_deaths();
        let alive = self.victims.iter().filter(|pid| self.is_victim(**pid)).count();
        let text = |path: &Path| self.masked(&String::from_utf8_lossy(&fs::read(path).unwrap()));
        let told = Told { code, out: text(&out), err: text(&err), files: self.files(), alive };
        self.end();
        told
    }

    /// What cannot be started in the background never reports; then the words it leaves end the wait.
    fn wait_for_report(&self) {
        let until = Instant::now() + PATIENCE;
        let is_there = |name: &str| fs::metadata(self.dir.join(name)).is_ok_and(|found| found.len() > 0);
        while !is_there("report") && !is_there("stderr") && Instant::now() < until {
            thread::park_timeout(Duration::from_millis(2));
            // Nobody is left who could report.
            if Instant::now() + PATIENCE > until + Duration::from_millis(1000) && !self.works() {
                return;
            }
        }
    }

    /// A signal that was sent may not have been seen yet.
    fn wait_for_deaths(&self) {
        let is_still = |pid: i32| {
            let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let zero =
                |line: &str| line.split_whitespace().nth(1).is_some_and(|set| set.bytes().all(|byte| byte == b'0'));
            let pending = |line: &&str| line.starts_with("SigPnd:") || line.starts_with("ShdPnd:");
            let sleeps = text.lines().any(|line| line.starts_with("State:\tS"));
            text.is_empty() || !self.is_victim(pid) || (sleeps && text.lines().filter(pending).all(zero))
        };
        let until = Instant::now() + PATIENCE;
        while !self.victims.iter().all(|pid| is_still(*pid)) && Instant::now() < until {
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Whether any process has to do with this side.
    fn works(&self) -> bool {
        let dir = self.dir.to_string_lossy();
        process::list()
            .unwrap()
            .into_iter()
            .filter_map(|pid| process::facts(pid).ok())
            .any(|facts| !self.victims.contains(&facts.pid) && facts.arguments.iter().any(|word| word.contains(&*dir)))
    }

    fn filled(&self, word: &str) -> String {
        let dir = self.dir.to_string_lossy();
        let pid = self.victims.first().copied().unwrap_or_else(vacant);
        word.replace("{victim}", &format!("{dir}/bin/{}", self.name))
            .replace("{dir}", &dir)
            .replace("{name}", &self.name)
            .replace("{pid}", &pid.to_string())
            .replace("{parent}", &std::process::id().to_string())
    }

    fn masked(&self, text: &str) -> String {
        let text = text.replace(&*self.dir.to_string_lossy(), "DIR").replace(&self.name, "NAME");
        let mut pids = self.victims.clone();
        pids.sort_unstable();
        let mut masked = String::new();
        let mut rest = text.as_str();
        while let Some(at) = rest.find(|letter: char| letter.is_ascii_digit()) {
            let (before, number) = rest.split_at(at);
            let length = number.bytes().take_while(u8::is_ascii_digit).count();
            let (number, behind) = number.split_at(length);
            masked += before;
            match number.parse::<i32>() {
                Ok(pid) if pid == vacant() => masked += "VACANT",
                Ok(pid) => match pids.iter().position(|known| *known == pid) {
                    Some(place) => masked += &format!("PID{place}"),
                    None => masked += number,
                },
                Err(_) => masked += number,
            }
            rest = behind;
        }
        masked + rest
    }

    fn files(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(&self.dir).unwrap().map(Result::unwrap) {
            let name = entry.file_name().to_string_lossy().into_owned();
            let meta = entry.metadata().unwrap();
            if ["stdout", "stderr", "bin"].contains(&name.as_str()) {
                continue;
            }
            let text = self.masked(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap_or_default()));
            // The pid of what was started is known to nobody before.
            let text = if name == "new.pid" { text.replace(|letter: char| letter.is_ascii_digit(), "") } else { text };
            found.insert(name, format!("{:o} {text}", meta.permissions().mode()));
        }
        found
    }

    fn is_victim(&self, pid: i32) -> bool {
        let is_it = |path: PathBuf| path.starts_with(&self.dir);
        process::program(pid).is_ok_and(is_it) && process::facts(pid).is_ok_and(|facts| !facts.is_zombie())
    }

    fn end(&mut self) {
        for pid in process::list().unwrap() {
            if self.is_victim(pid)
                && let Ok(handle) = process::Handle::open(pid)
                && self.is_victim(pid)
            {
                handle.signal(9).ok();
            }
        }
        fs::remove_dir_all(&self.dir).ok();
    }
}

fn ended(child: &mut Child, call: &Call) -> Option<i32> {
    let until = Instant::now() + 6 * PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > until {
            child.kill().unwrap();
            panic!("no end: {}", call.words.join(" "));
        }
        thread::park_timeout(Duration::from_millis(1));
    }
}

/// A pid that nobody can have: above every bound of the kernel's.
fn vacant() -> i32 {
    4_194_399
}
