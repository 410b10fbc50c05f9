//! Stopping: a signal to each, and again by a schedule until none is left.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use svc_platform::process::Handle;

use super::matching::Matcher;
use super::options::Options;
use super::schedule::{Schedule, Step};
use super::{FAILED, NOTHING_DONE, Problem, say, warn};

const PAUSE_MIN: Duration = Duration::from_millis(20);
/// A look takes at most this part of the time.
const RATIO_MAX: u32 = 10;

/// What a signal came to.
struct Told {
    reached: Vec<i32>,
    missed: usize,
}

pub(super) fn run(options: &Options, matcher: &Matcher<'_>) -> Result<u8, Problem> {
    let stopper = Stopper { options, matcher, what: what(options) };
    match &options.retry {
        Some(_) if options.test => {
            stopper.inform("Ignoring --retry in test mode\n");
            stopper.once()
        }
        Some(schedule) => stopper.by(schedule),
        None => stopper.once(),
    }
}

/// What it is called in messages.
fn what(options: &Options) -> String {
    let Options { name, exec, pid_file, pid, parent, user, .. } = options;
    if let Some(name) = name.as_ref() {
        return name.clone();
    }
    if let Some(exec) = exec {
        // As it is looked for.
        let directory = options.directory.as_deref().unwrap_or("/");
        return if exec.starts_with('/') { exec.clone() } else { format!("{directory}/{exec}") };
    }
    match (pid_file, pid, parent, user) {
        (Some(path), ..) => format!("process in pidfile '{path}'"),
        (None, Some(pid), ..) => format!("process with pid {pid}"),
        (None, None, Some(parent), _) => format!("process(es) with parent pid {parent}"),
        (None, None, None, user) => format!("process(es) owned by '{}'", user.as_deref().unwrap_or_default()),
    }
}

struct Stopper<'a> {
    options: &'a Options,
    matcher: &'a Matcher<'a>,
    what: String,
}

impl Stopper<'_> {
    fn once(&self) -> Result<u8, Problem> {
        let told = self.tell(self.options.signal)?;
        self.summary(&told, 0);
        if told.missed > 0 {
            self.inform(&format!("{} pids were not killed\n", told.missed));
        }
        self.finish(!told.reached.is_empty())
    }

    fn by(&self, schedule: &Schedule) -> Result<u8, Problem> {
        let (mut any, mut tries, mut left) = (false, 0, 0);
        let mut place = 0;
        loop {
            let step = match (schedule.steps.get(place), schedule.again) {
                (Some(step), _) => *step,
                (None, Some(again)) => {
                    place = again;
                    continue;
                }
                (None, None) => break,
            };
            place += 1;
            match step {
                Step::Signal(signal) => {
                    let told = self.tell(signal)?;
                    self.summary(&told, tries);
                    tries += 1;
                    left = told.reached.len();
                    if left == 0 {
                        return self.finish(any);
                    }
                    any = true;
                }
                Step::Wait(seconds) => match self.wait(Duration::from_secs(seconds))? {
                    0 => return self.finish(any),
                    still => left = still,
                },
            }
        }
        self.inform(&format!("Program {}, {left} process(es), refused to die.\n", self.what));
        Ok(FAILED)
    }

    fn tell(&self, signal: i32) -> Result<Told, Problem> {
        let mut told = Told { reached: Vec::new(), missed: 0 };
        // The last found is the first told, as in the original.
        for pid in self.matcher.find()?.1.into_iter().rev() {
            if self.options.test {
                self.inform(&format!("Would send signal {signal} to {pid}.\n"));
                told.reached.push(pid);
                continue;
            }
            match self.send(pid, signal) {
                Ok(()) => told.reached.push(pid),
                Err(error) => {
                    if signal != 0 {
                        let text = error.to_string();
                        warn(&format!("failed to kill {pid}: {}", text.split(" (os error").next().unwrap_or(&text)));
                    }
                    told.missed += 1;
                }
            }
        }
        Ok(told)
    }

    /// To the process that was found, and to no other that has got its pid since.
    fn send(&self, pid: i32, signal: i32) -> io::Result<()> {
        let handle = Handle::open(pid)?;
        if !self.matcher.is_still(pid) {
            return Err(io::Error::from_raw_os_error(3));
        }
        handle.signal(signal)
    }

    /// How many are left after this time, or as soon as there are none.
    fn wait(&self, limit: Duration) -> Result<usize, Problem> {
        let end = Instant::now() + limit;
        let mut ratio = 1;
        loop {
            let begun = Instant::now();
            let left = self.tell(0)?.reached.len();
            let now = Instant::now();
            if left == 0 || now >= end {
                return Ok(left);
            }
            ratio = (ratio + 1).min(RATIO_MAX);
            // A look at all processes may be dear: the longer it took, the longer the pause.
            let pause = (now - begun).saturating_mul(ratio).min(end - now).max(PAUSE_MIN);
            thread::sleep(pause);
        }
    }

    fn summary(&self, told: &Told, tries: u32) {
        if !self.options.verbose || self.options.test || told.reached.is_empty() {
            return;
        }
        let pids: Vec<String> = told.reached.iter().rev().map(|pid| format!(" {pid}")).collect();
        let retry = if tries > 0 { format!(", retry #{tries}") } else { String::new() };
        say(&format!("Stopped {} (pid{}){retry}.\n", self.what, pids.concat()));
    }

    fn finish(&self, any: bool) -> Result<u8, Problem> {
        if let (true, Some(path), false) = (self.options.removes_pid_file, &self.options.pid_file, self.options.test) {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Problem::system(format!("cannot remove pidfile '{path}'"), &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        if any {
            return Ok(0);
        }
        self.inform(&format!("No {} found running; none killed.\n", self.what));
        Ok(if self.options.nothing_is_well { 0 } else { NOTHING_DONE })
    }

    fn inform(&self, text: &str) {
        if !self.options.quiet {
            say(text);
        }
    }
}
