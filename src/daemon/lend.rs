//! Libraries that a script names and the machine lacks are lent to it: the script runs below a process of ours that
//! shows them to it, and takes them away when it has ended. What it leaves running sees the machine as it is.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svc_compat::library;
use svc_core::service::{Kind, Service};
use svc_core::{Exit, Signal};
use svc_platform::launch::{NUMBER_MAX, SpawnError, c_string};
use svc_platform::lend::{Lent, Wanted, lend};
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::Handle;
use svc_platform::signals::{self, Incoming, Signals};
use svc_platform::spawn::{Kin, Spawner};
use svc_platform::{Launch, Passed, files, host, reap, roles};

use super::say;

/// What a script gives back that may not do what it was asked for (LSB).
const NOT_PERMITTED: u8 = 4;
/// What a shell gives back for a program that it cannot execute.
const NOT_EXECUTED: u8 = 126;
/// What parts the names of libraries.
const BETWEEN: &str = ":";

/// The libraries of a script that this machine lacks.
pub(crate) fn lacking(service: &Service) -> Vec<&str> {
    match &service.kind {
        // What is in its own root is its own affair.
        Kind::Script(script) if service.exec.chroot.is_none() => library::lacking(&script.libraries, is_there),
        Kind::Script(_) | Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => Vec::new(),
    }
}

/// Why a library that is lacking has to be lent.
pub(crate) fn why(path: &str) -> String {
    match library::works_with(path).filter(|_| Path::new(path).exists()) {
        Some(beside) => format!("which refuses here, as there is no {beside}"),
        None => "which this machine lacks".to_owned(),
    }
}

/// Whether the machine has a library, and what that needs to work.
fn is_there(path: &str) -> bool {
    let exists = |path: &str| Path::new(path).exists();
    exists(path) && library::works_with(path).is_none_or(exists)
}

/// The words that run a script's words with all it needs: the same, where it lacks nothing.
pub(crate) fn around(words: Vec<String>, service: &Service, runtime: &Path) -> Result<Vec<String>, String> {
    let is_script = !service.command.is_empty() && words.starts_with(&service.command);
    let lacking = if is_script { lacking(service) } else { Vec::new() };
    if lacking.is_empty() {
        return Ok(words);
    }
    let program = host::own_program().map_err(|error| format!("finding our own program: {error}"))?;
    let text = |path: &Path| path.to_str().map(str::to_owned).ok_or_else(|| format!("{path:?} is not UTF-8"));
    let before = [text(&program)?, "--role".into(), "lender".into(), "--runtime-dir".into(), text(runtime)?];
    let named = ["--".to_owned(), lacking.join(BETWEEN)];
    Ok(before.into_iter().chain(named).chain(words).collect())
}

/// Lends libraries to a program and waits for it: the names of the libraries, then the program's words.
pub(super) fn run(runtime: &Path, names: &[String]) -> u8 {
    let Some((named, words)) = names.split_first() else { return 2 };
    // From the first on: whatever ends us before it is all given back loses what was written.
    let signals = match hold() {
        Ok(signals) => signals,
        Err(error) => {
            say(format!("holding signals: {error}"));
            return NOT_EXECUTED;
        }
    };
    let libraries: Vec<_> = named.split(BETWEEN).filter_map(|path| Some((path, library::at(path)?.text))).collect();
    let (lent, words) = match prepare(runtime, &libraries, words) {
        Ok(prepared) => prepared,
        Err(error) => {
            let paths: Vec<&str> = libraries.iter().map(|(path, _)| *path).collect();
            say(format!(
                "lending {}, which this machine lacks: {error}; put it there, or run svcd as root",
                paths.join(" and ")
            ));
            return NOT_PERMITTED;
        }
    };
    let ended = launch(&words).and_then(|handle| wait(&handle, &signals));
    for fault in lent.map(Lent::give_back).into_iter().flatten() {
        say(fault);
    }
    match ended {
        Ok(Exit::Code(code)) => u8::try_from(code).unwrap_or(1),
        Ok(Exit::Signal(number)) => code_of(number),
        Ok(Exit::Unknown) => 1,
        Err(error) => {
            say(error);
            NOT_EXECUTED
        }
    }
}

/// What was lent, and the words that run the program.
type Prepared = (Option<Lent>, Vec<String>);

fn prepare(runtime: &Path, libraries: &[(&str, &str)], words: &[String]) -> io::Result<Prepared> {
    let missing: Vec<_> = libraries.iter().filter(|(path, _)| !is_there(path)).collect();
    let mut words = words.to_vec();
    let mut wanted = Vec::new();
    for (path, text) in missing {
        // An interpreter is named to the shell instead; whoever executes programs looks nowhere else for it.
        if interpreter(&words).is_some_and(|found| found == Path::new(path)) {
            let file = keep(runtime, path, text)?;
            words.splice(0..0, ["/bin/sh".to_owned(), file]);
        } else {
            wanted.push(Wanted { path: Path::new(path), text });
        }
    }
    if wanted.is_empty() {
        return Ok((None, words));
    }
    let bench = runtime.join("lend");
    files::make_directory(&bench, 0o700)?;
    let lent = lend(&bench, &wanted).map_err(|failure| io::Error::other(failure.to_string()))?;
    Ok((Some(lent), words))
}

/// What the first line of a script names.
fn interpreter(words: &[String]) -> Option<PathBuf> {
    use std::io::Read;
    const LINE_BYTES_MAX: u64 = 256;
    let mut start = Vec::new();
    fs::File::open(words.first()?).ok()?.take(LINE_BYTES_MAX).read_to_end(&mut start).ok()?;
    let line = start.split(|byte| *byte == b'\n').next()?.strip_prefix(b"#!")?;
    let word = line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty())?;
    Some(PathBuf::from(std::ffi::OsStr::from_bytes(word)))
}

/// Our text of an interpreter as a file.
fn keep(runtime: &Path, path: &str, text: &str) -> io::Result<String> {
    let shell = runtime.join("shell");
    files::make_directory(&shell, 0o755)?;
    let file = shell.join(Path::new(path).file_name().unwrap_or_default());
    if fs::read(&file).is_ok_and(|found| found == text.as_bytes()) {
        return Ok(file.to_string_lossy().into_owned());
    }
    files::replace(&file, text.as_bytes(), 0o755)?;
    Ok(file.to_string_lossy().into_owned())
}

/// Starts the program as it would have been started in our place.
fn launch(words: &[String]) -> io::Result<Handle> {
    let arguments = words.iter().map(c_string).collect::<io::Result<Vec<_>>>()?;
    let program = arguments.first().cloned().ok_or(io::ErrorKind::InvalidInput)?;
    let mut launch = Launch::new(program, arguments);
    launch.environment = env::vars_os()
        .map(|(name, value)| {
            let entry: OsString = [name.as_os_str(), "=".as_ref(), value.as_os_str()].into_iter().collect();
            c_string(entry)
        })
        .collect::<io::Result<_>>()?;
    launch.directory = None;
    launch.new_session = false;
    let (input, output, complaints) = (io::stdin(), io::stdout(), io::stderr());
    launch.stdin = Some(input.as_fd());
    launch.stdout = Some(output.as_fd());
    launch.stderr = Some(complaints.as_fd());
    let given = (3..=NUMBER_MAX).filter_map(|number| Some((number, roles::inherited(number).ok()?)));
    let given: Vec<(i32, OwnedFd)> = given.collect();
    launch.pass = given.iter().map(|(number, fd)| Passed { fd: fd.as_fd(), number: *number }).collect();
    Spawner::new()?.spawn(&launch, Kin::Child).map_err(|error: SpawnError| error.into())
}

/// Holds what is meant for the program; a program that is spawned gets none of it held.
fn hold() -> io::Result<Signals> {
    let held: Vec<Incoming> = Incoming::ALL.into_iter().filter(|signal| meant(*signal).is_some()).collect();
    Signals::hold(&held)
}

/// Waits until it has ended. What is sent to us, or was since we hold it, is meant for it.
fn wait(handle: &Handle, signals: &Signals) -> io::Result<Exit> {
    const ENDED: u64 = 0;
    const TOLD: u64 = 1;
    let mut poller = Poller::new()?;
    poller.add(handle, ENDED, Interest::READ)?;
    poller.add(signals, TOLD, Interest::READ)?;
    let mut ready = Vec::new();
    loop {
        if let Some(exit) = reap::reap_one(handle.pid())? {
            return Ok(exit);
        }
        poller.wait(None, &mut ready)?;
        while let Some(signal) = signals.next()?.and_then(meant) {
            // It may have ended just now.
            handle.signal(signals::number(signal)).ok();
        }
    }
}

fn meant(signal: Incoming) -> Option<Signal> {
    match signal {
        Incoming::Hup => Some(Signal::Hup),
        Incoming::Int => Some(Signal::Int),
        Incoming::Term => Some(Signal::Term),
        Incoming::Quit => Some(Signal::Quit),
        Incoming::Usr1 => Some(Signal::Usr1),
        Incoming::Usr2 => Some(Signal::Usr2),
        Incoming::Winch => Some(Signal::Winch),
        Incoming::Child | Incoming::Power | Incoming::Stop | Incoming::Alarm => None,
    }
}

/// The code by which shells tell a signal.
fn code_of(number: i32) -> u8 {
    const SIGNAL: i32 = 128;
    u8::try_from(SIGNAL + number).unwrap_or(1)
}
