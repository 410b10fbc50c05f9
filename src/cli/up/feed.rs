//! Where the news of `svc up` come from: each source has a thread that waits for it, all write to one channel.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ExitStatus};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use svc_platform::poll::{Interest, Poller};
use svc_platform::signals::Signals;

use crate::cli::client::{AskError, Client};
use crate::wire::{Checked, Line, LogLine, Reply, Request, Summary, Then};

/// How often states are asked for: what a person takes for at once.
const STATES_EVERY: Duration = Duration::from_millis(150);
/// How many of its first lines are shown of a service that wrote before anyone listened.
const FIRST_LINES: u32 = 1000;

/// Something for the person at `svc up`.
#[derive(Debug)]
pub(crate) enum News {
    /// What svcd found in the directory.
    Found(Vec<Checked>),
    /// All services as they are.
    States(Vec<Summary>),
    /// A service wrote this.
    Wrote(LogLine),
    /// svcd has to say this.
    Remark(String),
    /// The person, or the system, wants an end.
    Interrupt,
    /// svcd ended.
    Ended(Option<ExitStatus>),
}

/// How services are ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Each after those that require it, with the time it has for that.
    Orderly,
    /// At once.
    Kill,
}

/// Everything that news come from.
#[derive(Debug)]
pub(crate) struct Feed {
    client: Client,
    tell: Sender<News>,
    news: Receiver<News>,
}

impl Feed {
    pub(crate) fn new(client: Client) -> Self {
        let (tell, news) = channel();
        Self { client, tell, news }
    }

    /// The next news; nothing if none came in this time.
    pub(crate) fn next(&self, patience: Duration) -> Option<News> {
        // This side holds a sender, too, so the only fault is that time passed.
        self.news.recv_timeout(patience).ok()
    }

    pub(crate) fn signals(&self, signals: Signals) -> std::io::Result<()> {
        let mut poller = Poller::new()?;
        poller.add(&signals, 0, Interest::READ)?;
        self.spawn(move |tell| {
            let mut ready = Vec::new();
            while poller.wait(None, &mut ready).is_ok() {
                while let Ok(Some(_)) = signals.next() {
                    if tell.send(News::Interrupt).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(())
    }

    /// What svcd itself prints, and its end.
    pub(crate) fn daemon(&self, mut child: Child, stderr: Option<ChildStderr>) {
        let tell = self.tell.clone();
        let reader = stderr.map(|stderr| {
            thread::spawn(move || {
                for line in BufReader::new(stderr).split(b'\n').map_while(Result::ok) {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    // The view says whose words they are.
                    let text = text.strip_prefix("svcd: ").map(str::to_owned).unwrap_or(text);
                    let _ = tell.send(News::Remark(text));
                }
            })
        });
        self.spawn(move |tell| {
            let status = child.wait().ok();
            drop(reader);
            let _ = tell.send(News::Ended(status));
        });
    }

    /// First what is wrong with the definitions, then states again and again.
    pub(crate) fn states(&self) {
        let client = self.client.clone();
        self.spawn(move |tell| {
            // Until svcd listens there is no answer.
            let check = Request::Check { names: Vec::new() };
            loop {
                match client.ask(&check, &mut |_| {}) {
                    Ok(Reply::Check(all)) => break drop(tell.send(News::Found(all))),
                    Ok(_) | Err(_) => thread::sleep(STATES_EVERY),
                }
            }
            loop {
                if let Ok(Reply::List(rows)) = client.ask(&Request::List { names: Vec::new() }, &mut |_| {})
                    && tell.send(News::States(rows)).is_err()
                {
                    return;
                }
                thread::sleep(STATES_EVERY);
            }
        });
    }

    /// What services write.
    pub(crate) fn lines(&self) {
        let client = self.client.clone();
        self.spawn(move |tell| {
            let mut lines = FIRST_LINES;
            loop {
                let request = Request::Log { names: Vec::new(), lines, follow: true };
                let ended = client.ask(&request, &mut |line| {
                    if let Line::Log(line) = line {
                        let _ = tell.send(News::Wrote(line));
                    }
                });
                // A manager that was replaced: what it said already is not shown twice.
                if !matches!(ended, Err(AskError::NoDaemon { .. })) {
                    lines = 0;
                }
                thread::sleep(STATES_EVERY);
            }
        });
    }

    /// Has svcd end all services, and then itself.
    pub(crate) fn shutdown(&self, ending: Ending) {
        let client = self.client.clone();
        self.spawn(move |tell| {
            let request = Request::Shutdown { then: Then::Exit, kill: ending == Ending::Kill };
            if let Err(error) = client.ask(&request, &mut |_| {}) {
                let _ = tell.send(News::Remark(error.to_string()));
            }
        });
    }

    fn spawn(&self, work: impl FnOnce(Sender<News>) + Send + 'static) {
        let tell = self.tell.clone();
        // Nobody waits for these threads: they end with the process.
        thread::spawn(move || work(tell));
    }
}
