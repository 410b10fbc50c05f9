//! `daemon`: FreeBSD's daemon(8), which rc.d scripts put before a program that stays in the foreground.
//!
//! With a pid file, a log or `-r` a supervisor stays: this program again, called `daemon: TITLE`.

mod options;
mod supervisor;

use std::env;
use std::ffi::{CString, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use svc_platform::launch::c_string;
use svc_platform::spawn::{Kin, Spawner};
use svc_platform::{Identity, Launch, Passed, users};

use self::options::Options;

/// What the supervisor is called, before its title.
pub(super) const SUPERVISOR: &str = "daemon: ";
/// The numbers under which the supervisor holds the locks of its pid files.
const LOCKS: [i32; 2] = [3, 4];

const FAILED: u8 = 1;
const NO_PID_FILE: u8 = 2;
const RUNS_ALREADY: u8 = 3;

pub(super) fn run(words: &[String]) -> ExitCode {
    let done = Options::read(words).and_then(|options| start(&options, words));
    ended(done)
}

/// What the supervisor does; it was started with the same words.
pub(super) fn supervise(words: &[String]) -> ExitCode {
    let done = Options::read(words).and_then(|options| supervisor::run(&options));
    ended(done)
}

/// Why it ends, and with which code.
#[derive(Debug)]
struct Fault {
    code: u8,
    text: String,
}

impl Fault {
    fn new(code: u8, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

fn ended(done: Result<(), Fault>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{}", fault.text);
            ExitCode::from(fault.code)
        }
    }
}

fn start(options: &Options, words: &[String]) -> Result<(), Fault> {
    let mut spawner = Spawner::new().map_err(|error| Fault::new(FAILED, format!("daemon: {error}")))?;
    if !options.wants_supervisor() {
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let launched = launch(options).and_then(|mut launch| {
            launch.new_session = true;
            if !options.to_null {
                (launch.stdin, launch.stdout) = (Some(stdin.as_fd()), Some(stdout.as_fd()));
                launch.stderr = Some(stderr.as_fd());
            }
            spawner.spawn(&launch, Kin::Child).map_err(io::Error::from)
        });
        // The original is gone before the program is looked for, and cannot tell.
        if let Err(error) = launched {
            eprintln!("daemon: {}: {}", options.command[0], plain(&error));
        }
        return Ok(());
    }
    let own = options.pid_file.as_deref().map(lock).transpose()?;
    let child = options.child_pid_file.as_deref().map(lock).transpose()?;
    let broken = |error: io::Error| Fault::new(FAILED, format!("daemon: {}", plain(&error)));
    let launched = (|| {
        let program = c_string(env::current_exe()?)?;
        let called = format!("{SUPERVISOR}{}", options.title());
        let mut arguments = vec![c_string(called)?];
        for word in words {
            arguments.push(c_string(word)?);
        }
        let mut launch = Launch::new(program, arguments);
        launch.environment = environment(env::vars_os())?;
        launch.directory = options.to_root.then(|| c"/".to_owned());
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        if !options.to_null {
            (launch.stdin, launch.stdout) = (Some(stdin.as_fd()), Some(stdout.as_fd()));
            launch.stderr = Some(stderr.as_fd());
        }
        let locks = [own.as_ref(), child.as_ref()].into_iter().zip(LOCKS);
        launch.pass = locks.filter_map(|(file, number)| Some(Passed { fd: file?.as_fd(), number })).collect();
        spawner.spawn(&launch, Kin::Child).map_err(io::Error::from)
    })();
    let supervisor = launched.map_err(broken)?;
    // Written here, so that it is there when the caller goes on.
    if let Some(mut file) = own {
        write!(file, "{}", supervisor.pid()).map_err(broken)?;
    }
    Ok(())
}

/// A pid file that is ours: made, locked and emptied.
fn lock(path: &str) -> Result<File, Fault> {
    let fault = |error: &io::Error| Fault::new(NO_PID_FILE, format!("daemon: pidfile ``{path}'': {}", plain(error)));
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let mut file = opened.map_err(|error| fault(&error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(|error| fault(&error))?;
            return Err(Fault::new(RUNS_ALREADY, format!("daemon: process already running, pid: {}", pid.trim())));
        }
        Err(TryLockError::Error(error)) => return Err(fault(&error)),
    }
    file.set_len(0).map_err(|error| fault(&error))?;
    Ok(file)
}

/// The program itself: as the options say, and everything else as the caller has it.
fn launch<'a>(options: &Options) -> io::Result<Launch<'a>> {
    let words = options.command.iter().map(c_string).collect::<io::Result<Vec<CString>>>()?;
    let program = c_string(find(&options.command[0])?)?;
    let mut launch = Launch::new(program, words);
    launch.new_session = false;
    launch.directory = options.to_root.then(|| c"/".to_owned());
    let mut variables: Vec<(OsString, OsString)> = env::vars_os().collect();
    if let Some(name) = &options.user {
        let account = users::user(name).map_err(|error| io::Error::other(error.to_string()))?;
        let gids = users::groups_of(&account.name, account.gid)?;
        for (name, value) in [("HOME", &account.home), ("USER", &account.name), ("SHELL", &account.shell)] {
            variables.retain(|(known, _)| known != name);
            variables.push((name.into(), value.into()));
        }
        launch.identity = Some(Identity { uid: account.uid, gid: account.gid, gids });
    }
    launch.environment = environment(variables.into_iter())?;
    Ok(launch)
}

fn environment(variables: impl Iterator<Item = (OsString, OsString)>) -> io::Result<Vec<CString>> {
    variables
        .map(|(mut variable, value)| {
            variable.push("=");
            variable.push(value);
            c_string(variable)
        })
        .collect()
}

/// A program by its path, or found where programs are.
fn find(name: &str) -> io::Result<PathBuf> {
    if name.contains('/') {
        return Ok(PathBuf::from(name));
    }
    let search = env::var_os("PATH").unwrap_or_else(|| "/sbin:/bin:/usr/sbin:/usr/bin".into());
    let is_program =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.is_file() && found.mode() & 0o111 != 0);
    let mut places = env::split_paths(&search).map(|directory| directory.join(name));
    places.find(is_program).ok_or_else(|| io::Error::from_raw_os_error(2))
}

/// The file behind a number that was passed on. The number itself stays open and keeps the lock.
fn passed(number: i32) -> io::Result<File> {
    OpenOptions::new().write(true).open(format!("/dev/fd/{number}"))
}

/// Removes a pid file, unless another has made it anew.
fn remove(path: &str) {
    // Gone already is as good.
    let _ = fs::remove_file(path);
}

/// Opens what the output goes to.
fn open_output(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    debug_assert!(!path.as_os_str().as_bytes().is_empty());
    Ok(file)
}

fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// The system's sentence without Rust's number behind it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
