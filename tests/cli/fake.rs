//! A daemon that answers what it was told to, so that every answer a client can get is one it was tested with.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use svc::wire::{Line, Reply, Request, Status, Summary};
use tempfile::TempDir;

/// What becomes of one connection.
pub(crate) enum Act {
    /// These lines, then the end.
    Say(Vec<Line>),
    /// These bytes, then the end.
    Raw(Vec<u8>),
    /// Nothing, until the client goes away.
    Silence,
}

/// The daemon's side.
pub(crate) struct Fake {
    folder: TempDir,
    socket: PathBuf,
    asked: Receiver<Request>,
}

/// What a call of `svc` did.
#[derive(Debug)]
pub(crate) struct Called {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Fake {
    /// Each connection is answered by `act`.
    pub(crate) fn new(act: impl FnMut(&Request) -> Act + Send + 'static) -> Self {
        Self::at("control", act)
    }

    /// The same with its socket at this path below the folder.
    pub(crate) fn at(path: &str, mut act: impl FnMut(&Request) -> Act + Send + 'static) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join(path);
        fs::create_dir_all(socket.parent().unwrap()).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let (tell, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut line = String::new();
                BufReader::new(stream.try_clone().unwrap()).read_line(&mut line).unwrap();
                let request: Request = serde_json::from_str(&line).unwrap();
                let act = act(&request);
                if tell.send(request).is_err() {
                    return;
                }
                // A client that gave up is no failure of the test's.
                let _ = match act {
                    Act::Say(lines) => lines.iter().try_for_each(|line| {
                        let text = serde_json::to_string(line).unwrap();
                        writeln!(stream, "{text}")
                    }),
                    Act::Raw(bytes) => stream.write_all(&bytes),
                    Act::Silence => BufReader::new(stream).read_line(&mut line).map(|_| ()),
                };
            }
        });
        Self { folder, socket, asked }
    }

    /// Every request gets this reply.
    pub(crate) fn replying(reply: Reply) -> Self {
        Self::new(move |_| Act::Say(vec![Line::Final(reply.clone())]))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Calls `svc` with this command line, split at blanks.
    pub(crate) fn call(&self, line: &str) -> Called {
        let socket = self.socket();
        let words = ["--socket", socket.to_str().unwrap()].into_iter().chain(line.split_whitespace());
        called(svc().args(words).output().unwrap())
    }

    /// The next request that came.
    pub(crate) fn asked(&self) -> Request {
        self.asked.try_recv().unwrap()
    }
}

/// The program, with nothing of the caller's environment that could change its answers.
pub(crate) fn svc() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
    for name in ["SVC_SOCKET", "COLUMNS", "CLICOLOR", "CLICOLOR_FORCE", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
    command
}

/// What a finished program left.
pub(crate) fn called(output: Output) -> Called {
    Called {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The status of a service of which nothing is to be told but where it is.
pub(crate) fn quiet(summary: Summary) -> Status {
    Status {
        summary,
        why: Vec::new(),
        tree: Vec::new(),
        left_behind: Vec::new(),
        memory: None,
        cpu: None,
        last_exit: None,
        restarts: 0,
        said: None,
        notes: Vec::new(),
        log: Vec::new(),
        files: Vec::new(),
        enabled_by: String::new(),
        stale_pid_file: false,
        verbs: Vec::new(),
        own: Vec::new(),
    }
}
