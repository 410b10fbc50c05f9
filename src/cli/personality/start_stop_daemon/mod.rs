//! `start-stop-daemon` of Debian: started in a script that svcd runs, a program stays in that script's tree, so nobody
//! needs to be asked.

mod identity;
mod matching;
mod notify;
mod options;
mod schedule;
mod start;
mod stop;
mod words;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use self::matching::{Matcher, Presence};
use self::options::{Action, Options};

/// What the process in the background is called until it is the program.
pub(super) const DETACHED: &str = "start-stop-daemon: detached";

const NAME: &str = "start-stop-daemon";
const NOTHING_DONE: u8 = 1;
const FAILED: u8 = 2;
const USAGE: u8 = 3;
const STATUS_UNKNOWN: u8 = 4;

/// Why nothing more is done.
#[derive(Debug)]
enum Problem {
    Help,
    Version,
    /// The command line makes no sense.
    Usage(String),
    /// Something is not as it must be.
    Fatal(String),
}

impl Problem {
    /// A sentence with the system's reason behind it.
    fn system(what: impl std::fmt::Display, error: &io::Error) -> Self {
        let text = error.to_string();
        Self::Fatal(format!("{what} ({})", text.split(" (os error").next().unwrap_or(&text)))
    }
}

/// The same with what was asked, as the exit code depends on it.
#[derive(Debug)]
struct Fault {
    problem: Problem,
    is_status: bool,
}

pub(super) fn run(line: &[String]) -> ExitCode {
    ended(Options::read(line).and_then(|options| {
        let is_status = options.action == Some(Action::Status);
        serve(&options, line).map_err(|problem| Fault { problem, is_status })
    }))
}

/// The second half of a start in the background; it was started with the same words.
pub(super) fn detached(line: &[String]) -> ExitCode {
    ended(Options::read(line).and_then(|options| {
        let done = start::detached(&options);
        done.map_err(|problem| Fault { problem, is_status: false })
    }))
}

fn serve(options: &Options, line: &[String]) -> Result<u8, Problem> {
    let matcher = Matcher::new(options)?;
    match options.action {
        Some(Action::Start) => start::run(options, &matcher, line),
        Some(Action::Stop) => stop::run(options, &matcher),
        Some(Action::Status) | None => Ok(match matcher.find()?.0 {
            Presence::Runs => 0,
            Presence::DeadWithFile => 1,
            Presence::Dead => 3,
            Presence::Unknown => STATUS_UNKNOWN,
        }),
    }
}

fn ended(done: Result<u8, Fault>) -> ExitCode {
    let Fault { problem, is_status } = match done {
        Ok(code) => return ExitCode::from(code),
        Err(fault) => fault,
    };
    match problem {
        Problem::Help => {
            say(HELP);
            ExitCode::SUCCESS
        }
        Problem::Version => {
            say(&format!("{NAME} of svc {}\n", env!("CARGO_PKG_VERSION")));
            ExitCode::SUCCESS
        }
        Problem::Usage(text) => {
            let called = called();
            if !text.is_empty() {
                eprintln!("{called}: {text}");
            }
            eprintln!("Try '{called} --help' for more information.");
            ExitCode::from(if is_status { STATUS_UNKNOWN } else { USAGE })
        }
        Problem::Fatal(text) => {
            eprintln!("{}: {text}", called());
            ExitCode::from(if is_status { STATUS_UNKNOWN } else { FAILED })
        }
    }
}

/// What it was called, as messages begin with it.
fn called() -> String {
    let word = std::env::args_os().next().unwrap_or_default();
    let is_it = Path::new(&word).file_name().is_some_and(|name| name == NAME);
    if is_it { word.to_string_lossy().into_owned() } else { NAME.to_owned() }
}

fn warn(text: &str) {
    eprintln!("{}: warning: {text}", called());
}

fn say(text: &str) {
    // A reader who went away is no error of ours.
    let _ = io::stdout().write_all(text.as_bytes());
    let _ = io::stdout().flush();
}

const HELP: &str = "\
Usage: start-stop-daemon [option...] command

Commands:
  -S, --start -- word...   start a program with these words, unless it runs
  -K, --stop               send it a signal
  -T, --status             tell by the exit code whether it runs
  -H, --help               this text
  -V, --version            the version

Which process is meant (all that are given must hold):
  -p, --pidfile file       the one whose pid is in the file
      --pid pid            this one
      --ppid pid           a child of this one
  -x, --exec file          one that runs this file
  -n, --name name          one of this name
  -u, --user name|uid      one of this user

How it is started:
  -a, --startas file       run this instead of the file of --exec
  -c, --chuid user[:group] as this user
  -g, --group group        as this group
  -r, --chroot directory   below this root
  -d, --chdir directory    in this directory (/)
  -N, --nicelevel number   with this much more niceness
  -P, --procsched policy[:priority]   other, fifo or rr
  -I, --iosched class[:priority]      real-time, best-effort or idle
  -k, --umask mask         with this umask
  -b, --background         in the background
  -C, --no-close           with standard files as they are
  -O, --output file        with what it prints going to this file
  -m, --make-pidfile       with its pid written to the pid file
      --notify-await       return when it says READY=1
      --notify-timeout seconds        for so long at most (60)

How it is stopped:
  -s, --signal signal      this one (TERM)
  -R, --retry schedule     seconds, or item/item/... of signals, seconds and
                           `forever`, which repeats what follows
      --remove-pidfile     remove the pid file afterwards

  -t, --test               only say what would be done
  -o, --oknodo             it is well if there is nothing to do
  -q, --quiet              say less
  -v, --verbose            say more

Exit codes: 0 done, 1 nothing done, 2 still there after --retry, or failed,
3 wrong usage. With --status: 0 runs, 1 dead with pid file, 3 dead, 4 unknown.
";
