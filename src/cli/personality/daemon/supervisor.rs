//! The process that stays: starts the program, starts it again, collects what it prints, ends with it.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use svc_core::Signal;
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::Handle;
use svc_platform::signals::{self, Incoming, Signals};
use svc_platform::spawn::{Kin, Spawner};

use super::options::Options;
use super::{FAILED, Fault, LOCKS, launch, open_output, passed, plain, remove, set_mode};

const SIGNALS: u64 = 0;
const CHILD: u64 = 1;
const OUTPUT: u64 = 2;
const CHUNK_BYTES: usize = 16 * 1024;

/// Where the program's words go.
enum Sink {
    /// A file, by its path.
    File(File),
    /// logger(1), which knows syslog.
    Logger(Child),
}

struct Supervisor<'a> {
    options: &'a Options,
    spawner: Spawner,
    signals: Signals,
    poller: Poller,
    sink: Option<Sink>,
    child: Option<Handle>,
    output: Option<PipeReader>,
    /// Somebody asked for the end.
    ending: bool,
}

pub(super) fn run(options: &Options) -> Result<(), Fault> {
    let fault = |error: io::Error| Fault::new(FAILED, format!("daemon: {}", plain(&error)));
    let done = Supervisor::new(options).and_then(|mut supervisor| supervisor.serve());
    for path in [&options.child_pid_file, &options.pid_file].into_iter().flatten() {
        remove(path);
    }
    done.map_err(fault)
}

impl<'a> Supervisor<'a> {
    fn new(options: &'a Options) -> io::Result<Self> {
        let signals = Signals::hold(&[Incoming::Term, Incoming::Hup])?;
        let poller = Poller::new()?;
        poller.add(&signals, SIGNALS, Interest::READ)?;
        let sink = sink(options)?;
        let spawner = Spawner::new()?;
        Ok(Self { options, spawner, signals, poller, sink, child: None, output: None, ending: false })
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut restarts = 0;
        loop {
            self.start()?;
            self.wait(None)?;
            let Some(delay) = self.options.restart.filter(|_| !self.ending) else { return Ok(()) };
            restarts += 1;
            if self.options.restarts.is_some_and(|most| restarts > most) {
                return Ok(());
            }
            self.note_child("")?;
            self.wait(Some(Duration::from_secs(delay)))?;
            if self.ending {
                return Ok(());
            }
        }
    }

    fn start(&mut self) -> io::Result<()> {
        let mut launch = launch(self.options)?;
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        let writer = self.collect()?;
        launch.stdin = Some(stdin.as_fd());
        let to = |descriptor: u32| writer.as_ref().filter(|_| self.options.collects(descriptor)).map(AsFd::as_fd);
        launch.stdout = Some(to(1).unwrap_or_else(|| stdout.as_fd()));
        launch.stderr = Some(to(2).unwrap_or_else(|| stderr.as_fd()));
        let child = self.spawner.spawn(&launch, Kin::Child).map_err(io::Error::from)?;
        self.poller.add(&child, CHILD, Interest::READ)?;
        self.note_child(&child.pid().to_string())?;
        self.child = Some(child);
        Ok(())
    }

    /// A pipe for what the program prints, if that is collected here.
    fn collect(&mut self) -> io::Result<Option<PipeWriter>> {
        if self.sink.is_none() {
            return Ok(None);
        }
        let (reader, writer) = pipe()?;
        self.poller.add(&reader, OUTPUT, Interest::READ)?;
        self.output = Some(reader);
        Ok(Some(writer))
    }

    fn note_child(&self, text: &str) -> io::Result<()> {
        if self.options.child_pid_file.is_some() {
            let mut file = passed(LOCKS[1])?;
            file.set_len(0)?;
            file.write_all(text.as_bytes())?;
        }
        Ok(())
    }

    /// Until the program has ended and its output with it; or, when there is none, for so long.
    fn wait(&mut self, limit: Option<Duration>) -> io::Result<()> {
        let deadline = limit.map(|limit| Instant::now() + limit);
        let mut ready = Vec::new();
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let is_over = match left {
                Some(left) => left.is_zero() || self.ending,
                None => self.child.is_none() && self.output.is_none(),
            };
            if is_over {
                return Ok(());
            }
            self.poller.wait(left, &mut ready)?;
            for (token, _) in &ready {
                match *token {
                    SIGNALS => self.hear()?,
                    CHILD => self.bury()?,
                    _ => self.pass_on()?,
                }
            }
        }
    }

    fn hear(&mut self) -> io::Result<()> {
        while let Some(signal) = self.signals.next()? {
            match signal {
                Incoming::Term => {
                    self.ending = true;
                    if let Some(child) = &self.child {
                        // It may have ended this moment.
                        let _ = child.signal(signals::number(Signal::Term));
                    }
                }
                _ if self.options.reopens => self.sink = sink(self.options)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn bury(&mut self) -> io::Result<()> {
        if let Some(child) = self.child.take() {
            self.poller.remove(&child)?;
            svc_platform::reap::reap_one(child.pid())?;
        }
        Ok(())
    }

    fn pass_on(&mut self) -> io::Result<()> {
        let Some(reader) = &mut self.output else { return Ok(()) };
        let mut chunk = [0; CHUNK_BYTES];
        let count = reader.read(&mut chunk)?;
        if count == 0 {
            self.poller.remove(&*reader)?;
            self.output = None;
            return Ok(());
        }
        match &mut self.sink {
            Some(Sink::File(file)) => file.write_all(&chunk[..count]),
            Some(Sink::Logger(logger)) => {
                logger.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(&chunk[..count]))
            }
            None => Ok(()),
        }
    }
}

fn sink(options: &Options) -> io::Result<Option<Sink>> {
    if let Some(path) = &options.output {
        let file = open_output(Path::new(path))?;
        if let Some(mode) = options.output_mode {
            set_mode(&file, mode)?;
        }
        return Ok(Some(Sink::File(file)));
    }
    if !options.syslog {
        return Ok(None);
    }
    let facility = options.facility.as_deref().unwrap_or("daemon");
    let priority = options.priority.as_deref().unwrap_or("notice");
    let mut logger = Command::new("logger");
    logger.arg("-p").arg(format!("{facility}.{priority}")).arg("-t").arg(options.tag.as_deref().unwrap_or("daemon"));
    let logger = logger.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    Ok(Some(Sink::Logger(logger)))
}
