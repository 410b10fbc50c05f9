//! `svc up`: a directory of services in the foreground, without root and without set-up.

mod feed;
mod view;

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder};
use std::io::{self, IsTerminal};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, process};

use svc_platform::signals::{Incoming, Signals};

use super::client::Client;
use super::code;
use super::common::Common;
use super::out::{fail, say};
use super::show::{self, Look};
use crate::daemon::{self, Arguments, Options};
use crate::wire::{Checked, Finding, LogLine, StateName, Summary};
use feed::{Ending, Feed, News};
use view::{Form, View, is_live};

/// Two interrupts closer than this are one: some senders hit both a process and its group.
const SAME_INTERRUPT: Duration = Duration::from_millis(300);
/// How long svcd may take until it answers.
const DAEMON_START_MAX: Duration = Duration::from_secs(90);
/// At least this often the loop looks up.
const LOOK_UP: Duration = Duration::from_millis(200);

/// Runs the services of this directory until Ctrl-C, or until nothing of them is left to run.
pub(crate) fn run(dir: &Path, common: &Common) -> u8 {
    match Up::start(dir, common) {
        Ok(up) => up.watch(),
        Err(error) => fail(common.json, &error, code::FAILED),
    }
}

/// One call of `svc up`.
struct Up {
    feed: Feed,
    view: View,
    look: Look,
    json: bool,
    scratch: Scratch,
    started: Instant,
    /// Since when the person wants an end.
    interrupted: Option<Instant>,
    rows: Vec<Summary>,
    /// What svcd said itself.
    said: BTreeSet<String>,
    /// Lines that came before the first states.
    early: Vec<LogLine>,
    /// Something ran or was to run.
    has_run: bool,
    /// A definition has a fault, or a service failed.
    unwell: bool,
}

impl Up {
    fn start(dir: &Path, common: &Common) -> Result<Self, String> {
        let typed = dir.display();
        let dir = fs::canonicalize(dir).map_err(|error| format!("{typed}: {error}"))?;
        if !dir.is_dir() {
            return Err(format!("{typed} is no directory; name one that has definitions of services"));
        }
        let interrupts = [Incoming::Int, Incoming::Term, Incoming::Hup, Incoming::Quit];
        // Before any thread is made, so that all of them hold these back.
        let signals = Signals::hold(&interrupts).map_err(|error| format!("holding signals back: {error}"))?;
        let scratch = Scratch::new(common.runtime_dir.as_deref())?;
        let options = options(&dir, &scratch.path, common);
        let client = Client { socket: options.socket.clone(), timeout: None };
        let feed = Feed::new(client);
        let mut child = launch(&options).map_err(|error| format!("starting svcd: {error}"))?;
        let stderr = child.stderr.take();
        feed.daemon(child, stderr);
        feed.signals(signals).map_err(|error| format!("waiting for signals: {error}"))?;
        let look = Look::new(false);
        let form = form(common.json);
        let mut up = Self {
            feed,
            view: View::new(look, form),
            look,
            json: common.json,
            scratch,
            started: Instant::now(),
            interrupted: None,
            rows: Vec::new(),
            said: BTreeSet::new(),
            early: Vec::new(),
            has_run: false,
            unwell: false,
        };
        up.feed.states();
        up.feed.lines();
        let socket = options.socket.display();
        up.remark(&format!("services of {typed}; Ctrl-C stops them; ask with: svc --socket {socket} list"));
        Ok(up)
    }

    /// Shows what happens until svcd has ended.
    fn watch(mut self) -> u8 {
        loop {
            match self.feed.next(LOOK_UP) {
                Some(News::Found(all)) => self.found(&all),
                Some(News::States(rows)) => self.states(rows),
                // The width of the names is known with the first states.
                Some(News::Wrote(line)) if self.rows.is_empty() => self.early.push(line),
                Some(News::Wrote(line)) => say(&self.view.line(&line)),
                Some(News::Remark(text)) => {
                    self.remark(&text);
                    self.said.insert(text);
                }
                Some(News::Interrupt) => self.interrupt(),
                Some(News::Ended(status)) => return self.end(status),
                None => {}
            }
            if self.rows.is_empty() && self.interrupted.is_none() && self.started.elapsed() > DAEMON_START_MAX {
                self.remark("svcd does not answer");
                self.unwell = true;
                self.interrupt();
            }
        }
    }

    fn remark(&mut self, text: &str) {
        say(&self.view.remark(text));
    }

    /// What is wrong is worth a line before anything runs; what is right shows by running.
    fn found(&mut self, all: &[Checked]) {
        for checked in all.iter().filter(|checked| !checked.ok) {
            self.unwell = true;
            let first_line =
                |finding: &Finding| finding.text.lines().next().is_some_and(|line| self.said.contains(line));
            // svcd has told a fault of a file already, as every daemon should.
            if !checked.findings.iter().any(first_line) {
                let text = show::check(checked, &Look { quiet: true, ..self.look });
                self.remark(&anstream::adapter::strip_str(&text).to_string());
            }
        }
        if all.is_empty() {
            self.unwell = true;
            self.remark("there is no definition in this directory; a file NAME.toml makes a service, see svc.toml(5)");
            self.interrupt();
        }
    }

    fn states(&mut self, rows: Vec<Summary>) {
        // The terminal may have another size by now.
        self.view.fit(Look::new(false).width, form(self.json));
        say(&self.view.states(rows.clone()));
        self.rows = rows;
        self.early.drain(..).for_each(|line| say(&self.view.line(&line)));
        self.has_run |= self.rows.iter().any(|row| row.state != StateName::Down);
        if self.interrupted.is_none() {
            let is_running = |row: &Summary| is_live(row.state) && !(row.state == StateName::Up && row.pid.is_none());
            if self.has_run && !self.rows.iter().any(is_running) {
                self.remark("nothing is left to run");
                self.interrupt();
            }
        }
    }

    /// The first stops everything in order; the next ends it at once.
    fn interrupt(&mut self) {
        match self.interrupted {
            None => {
                self.interrupted = Some(Instant::now());
                self.unwell |= self.rows.iter().any(|row| row.state == StateName::Failed);
                self.remark("stopping all services in order; Ctrl-C again kills them");
                self.feed.shutdown(Ending::Orderly);
            }
            Some(first) if first.elapsed() < SAME_INTERRUPT => {}
            Some(_) => {
                self.unwell = true;
                self.remark("killing all services");
                self.feed.shutdown(Ending::Kill);
            }
        }
    }

    fn end(mut self, status: Option<ExitStatus>) -> u8 {
        self.early.drain(..).for_each(|line| say(&self.view.line(&line)));
        // What was written just before the end may still be on its way.
        while let Some(news) = self.feed.next(Duration::ZERO) {
            match news {
                News::Wrote(line) => say(&self.view.line(&line)),
                News::Remark(text) => self.remark(&text),
                News::States(rows) => say(&self.view.states(rows)),
                News::Found(_) | News::Interrupt | News::Ended(_) => {}
            }
        }
        let well = status.is_some_and(|status| status.success());
        if well {
            say(&self.view.end());
        } else {
            let how = status.map_or_else(|| "nobody saw how".to_owned(), |status| status.to_string());
            self.remark(&format!("svcd ended: {how}"));
            self.scratch.keep = true;
            let kept = self.scratch.path.display().to_string();
            self.remark(&format!("what it wrote is kept in {kept}"));
        }
        if !self.json && self.unwell && well {
            self.remark("not all was well");
        }
        if well && !self.unwell { code::GOOD } else { code::FAILED }
    }
}

fn form(json: bool) -> Form {
    let height = terminal_size::terminal_size().map(|(_, height)| usize::from(height.0));
    match height.filter(|_| io::stdout().is_terminal()) {
        _ if json => Form::Json,
        Some(height) => Form::Table(height),
        None => Form::Lines,
    }
}

fn options(dir: &Path, scratch: &Path, common: &Common) -> Options {
    let arguments = Arguments {
        runtime_dir: Some(scratch.to_path_buf()),
        log_dir: Some(scratch.join("log")),
        definitions: vec![dir.to_path_buf()],
        no_legacy: true,
        socket: common.socket.clone(),
        all: true,
        ..Arguments::default()
    };
    Options::new(&arguments, false, false)
}

/// Starts svcd, which is this program in another role, away from the terminal's signals.
fn launch(options: &Options) -> io::Result<Child> {
    daemon::command(options)?.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0).spawn()
}

/// A directory of our own for the socket, the journal and the logs; gone with us if all went well.
struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    fn new(wanted: Option<&Path>) -> Result<Self, String> {
        if let Some(path) = wanted {
            fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))?;
            return Ok(Self { path: path.to_path_buf(), keep: true });
        }
        let base = env::temp_dir();
        for attempt in 0..100 {
            let path = base.join(format!("svc-up-{}-{attempt}", process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path, keep: false }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
        Err(format!("{}: no name is left for a directory of our own", base.display()))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // It is in the temporary directory; what cannot be removed goes with that.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
