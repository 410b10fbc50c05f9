//! A real svcd over a directory of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::fake::svc;

const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon whose every path is below one directory.
pub(crate) struct Machine {
    root: PathBuf,
    daemon: Child,
}

impl Machine {
    /// Starts it, and waits until it answers.
    pub(crate) fn at(root: &Path) -> Self {
        let run = root.join("run");
        let daemon = Command::new(env!("CARGO_BIN_EXE_svcd"))
            .arg("--root")
            .arg(root)
            .arg("--runtime-dir")
            .arg(&run)
            .arg("--log-dir")
            .arg(root.join("log"))
            .arg("--definitions")
            .arg(root.join("etc/svc/services"))
            .args(["--no-legacy", "--no-cgroup"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let machine = Self { root: root.to_owned(), daemon };
        let begun = Instant::now();
        while !machine.svc().arg("list").output().unwrap().status.success() {
            assert!(begun.elapsed() < PATIENCE, "svcd does not answer");
            thread::park_timeout(Duration::from_millis(20));
        }
        machine
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("run/control")
    }

    /// `svc`, which asks this daemon.
    pub(crate) fn svc(&self) -> Command {
        let mut command = svc();
        command.arg("--socket").arg(self.socket());
        command
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if !self.svc().args(["shutdown", "--kill"]).output().is_ok_and(|output| output.status.success()) {
            let _ = self.daemon.kill();
        }
        let _ = self.daemon.wait();
    }
}
