//! `svc top`: all services on one screen as they are, and keys to act on them.

mod draw;
mod keys;
mod model;

use clap::Args;
use std::io::{self, IsTerminal, Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use svc_core::Name;
use svc_platform::poll::{Interest, Poller};
use svc_platform::signals::{Incoming, Signals};
use svc_platform::terminal::Screen;

use super::client::{AskError, Client};
use super::code;
use super::common::Common;
use super::copy::Stop;
use super::json;
use super::out::{say, say_error};
use super::session::{Session, unexpected};
use super::show::{self, Look, Machine};
use crate::wire::{Reply, Request, Target, Usage};
use keys::Key;
use model::{Deed, Model, SortKey, Wish};

/// What the live screen shows.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// Names or patterns; none: all
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// How often to look
    #[arg(short, long, value_name = "TIME", default_value = "2s", value_parser = svc_core::definition::duration)]
    pub(crate) interval: Duration,
    /// What comes first: name, state, cpu, memory, restarts or for
    #[arg(long, value_name = "KEY", default_value = "name", hide_possible_values = true)]
    pub(crate) sort: SortKey,
    /// Print so many tables in place of a live screen; without a terminal one
    #[arg(long, value_name = "COUNT")]
    pub(crate) count: Option<u32>,
}

/// Between the two looks that a single table needs to say how busy services are.
const FIRST_LOOK: Duration = Duration::from_millis(300);
/// How many of its last lines a service shows.
const LOG_LINES: u32 = 500;

/// Something for the screen.
enum News {
    Key(Key),
    Seen(Vec<Usage>, Instant),
    Fault(String),
    Message(String),
    Page(String),
    Signal(Incoming),
}

impl Session {
    /// Carries the verb out and returns the exit code.
    pub(super) fn top(&self, asked: &Words, common: &Common) -> u8 {
        let is_screen = io::stdin().is_terminal() && io::stdout().is_terminal();
        if common.json || asked.count.is_some() || !is_screen {
            return self.tables(asked, common);
        }
        // Somebody who may not ask should hear it before the screen is taken.
        if let Err(error) = self.usage(&asked.names) {
            return self.stopped(&error);
        }
        match Live::new(self.client().clone(), asked).and_then(Live::run) {
            Ok(code) => code,
            Err(error) => {
                say_error(&format!("the terminal: {error}"));
                code::FAILED
            }
        }
    }

    fn usage(&self, names: &[String]) -> Result<Vec<Usage>, Stop> {
        match self.ask(&Request::Usage { names: names.to_vec() }).map_err(Stop::Unanswered)? {
            Reply::Usage(all) => Ok(all),
            Reply::Refused(refusal) => Err(Stop::Refused(refusal)),
            other => Err(Stop::Unanswered(unexpected(&other))),
        }
    }

    /// So many tables, one after the other, for whoever reads them later.
    fn tables(&self, asked: &Words, common: &Common) -> u8 {
        let mut model = Model::new(asked.sort);
        let look = Look::new(common.quiet);
        if !common.json {
            match self.usage(&asked.names) {
                Ok(all) => model.take(all, Instant::now()),
                Err(stop) => return self.stopped(&stop),
            }
            thread::sleep(asked.interval.min(FIRST_LOOK));
        }
        for turn in 0..asked.count.unwrap_or(1) {
            if turn > 0 {
                thread::sleep(asked.interval);
                say(if common.json { "" } else { "\n" });
            }
            match self.usage(&asked.names) {
                Ok(all) if common.json => say(&json::reply(&Reply::Usage(all))),
                Ok(all) => {
                    model.take(all, Instant::now());
                    draw::table(&model.shown(), None, &look, 0, usize::MAX)
                        .iter()
                        .for_each(|line| say(&format!("{line}\n")));
                }
                Err(stop) => return self.stopped(&stop),
            }
        }
        code::GOOD
    }
}

/// The screen while it is shown.
struct Live {
    client: Client,
    model: Model,
    screen: Screen,
    tell: Sender<News>,
    news: Receiver<News>,
    styled: bool,
}

impl Live {
    fn new(client: Client, asked: &Words) -> io::Result<Self> {
        let wanted = [Incoming::Int, Incoming::Term, Incoming::Hup, Incoming::Quit, Incoming::Winch];
        // Before any thread is made, so that all of them hold these back.
        let signals = Signals::hold(&wanted)?;
        let styled = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
        let (tell, news) = channel();
        let screen = Screen::enter()?;
        let live = Self { client, model: Model::new(asked.sort), screen, tell, news, styled };
        live.watch(asked.names.clone(), asked.interval);
        live.listen(signals)?;
        Ok(live)
    }

    /// Shows what comes until somebody has seen enough.
    fn run(mut self) -> io::Result<u8> {
        loop {
            self.draw()?;
            // This side holds a sender, too, so news always come again.
            let Ok(mut news) = self.news.recv() else { return Ok(code::GOOD) };
            loop {
                match news {
                    News::Key(key) => match self.model.key(key) {
                        Wish::Nothing => {}
                        Wish::Quit => return Ok(code::GOOD),
                        Wish::Suspend => self.screen = self.screen.suspend()?,
                        Wish::Do(deed, name) => self.act(deed, name),
                    },
                    News::Seen(all, at) => self.model.take(all, at),
                    News::Fault(text) | News::Message(text) => self.model.message = text,
                    News::Page(text) => self.model.page(&text),
                    News::Signal(Incoming::Winch) => {}
                    News::Signal(signal) => return Ok(ended_by(signal)),
                }
                // One picture for all that has come.
                match self.news.try_recv() {
                    Ok(more) => news = more,
                    Err(_) => break,
                }
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let size = terminal_size::terminal_size();
        let (width, height) = size.map_or((80, 24), |(width, height)| (usize::from(width.0), usize::from(height.0)));
        let look = Look { width: Some(width), ..Look::new(false) };
        let lines = draw::screen(&mut self.model, &Machine::look().line(Some(width)), &look, height);
        let mut text = String::from("\u{1b}[H");
        for (at, line) in lines.iter().enumerate() {
            text += if at > 0 { "\r\n" } else { "" };
            text += &if self.styled { line.clone() } else { anstream::adapter::strip_str(line).to_string() };
            // What an earlier picture had further to the right goes.
            text += "\u{1b}[K";
        }
        text += "\u{1b}[J";
        io::stdout().write_all(text.as_bytes())?;
        io::stdout().flush()
    }

    /// Looks again and again.
    fn watch(&self, names: Vec<String>, interval: Duration) {
        let (client, tell) = (self.client.clone(), self.tell.clone());
        thread::spawn(move || {
            loop {
                let news = match client.ask(&Request::Usage { names: names.clone() }, &mut |_| {}) {
                    Ok(Reply::Usage(all)) => News::Seen(all, Instant::now()),
                    Ok(other) => News::Fault(show::refused(&other)),
                    Err(error) => News::Fault(error.to_string()),
                };
                if tell.send(news).is_err() {
                    return;
                }
                thread::sleep(interval);
            }
        });
    }

    /// Keys and signals.
    fn listen(&self, signals: Signals) -> io::Result<()> {
        let poller = Poller::new()?;
        poller.add(&signals, 0, Interest::READ)?;
        let tell = self.tell.clone();
        thread::spawn(move || {
            let (mut poller, mut ready) = (poller, Vec::new());
            while poller.wait(None, &mut ready).is_ok() {
                while let Ok(Some(signal)) = signals.next() {
                    let _ = tell.send(News::Signal(signal));
                }
            }
        });
        let tell = self.tell.clone();
        thread::spawn(move || {
            let mut bytes = [0; 256];
            // A terminal that is gone reads as its end.
            while let Ok(length @ 1..) = io::stdin().lock().read(&mut bytes) {
                for key in keys::keys(&bytes[..length]) {
                    let _ = tell.send(News::Key(key));
                }
            }
            let _ = tell.send(News::Signal(Incoming::Hup));
        });
        Ok(())
    }

    /// Does something to a service, while the screen goes on.
    fn act(&mut self, deed: Deed, name: Name) {
        let target = || Target { names: vec![name.to_string()], ..Target::default() };
        let names = vec![name.to_string()];
        let request = match deed {
            Deed::Start => Request::Start(target()),
            Deed::Stop => Request::Stop(target()),
            Deed::Restart => Request::Restart(target()),
            Deed::Status | Deed::Why => Request::Status { names, lines: if deed == Deed::Status { 20 } else { 0 } },
            Deed::Log => Request::Log { names, lines: LOG_LINES, follow: false },
        };
        self.model.message = format!("{} {name} ...", deed.verb());
        let (client, tell) = (self.client.clone(), self.tell.clone());
        thread::spawn(move || {
            let reply = client.ask(&request, &mut |_| {});
            let _ = tell.send(answered(deed, &name, reply));
        });
    }
}

/// What the screen shows of an answer.
fn answered(deed: Deed, name: &Name, reply: Result<Reply, AskError>) -> News {
    let look = Look::new(false);
    let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
    match reply {
        Ok(Reply::Status(all)) if deed == Deed::Why => News::Page(plain(all.iter().map(show::why).collect())),
        Ok(Reply::Status(all)) => News::Page(plain(all.iter().map(|one| show::status(one, &look)).collect())),
        Ok(Reply::Log(lines)) if lines.is_empty() => News::Message(format!("{name} wrote nothing yet")),
        Ok(Reply::Log(lines)) => News::Page(plain(show::log(&lines))),
        Ok(Reply::Outcomes(all)) => {
            let told: Vec<_> = all.iter().map(|one| show::outcome(one, &look)).collect();
            let faults: String = told.iter().map(|told| told.err.as_str()).collect();
            let remarks: String = told.iter().map(|told| told.out.as_str()).collect();
            News::Message(match (faults.as_str(), remarks.as_str()) {
                ("", "") => format!("{} {name}: done", deed.verb()),
                ("", remarks) => plain(remarks.to_owned()),
                (faults, _) => plain(faults.to_owned()),
            })
        }
        Ok(other) => News::Message(show::refused(&other)),
        Err(error) => News::Message(error.to_string()),
    }
}

/// As a shell tells the end by a signal.
fn ended_by(signal: Incoming) -> u8 {
    match signal {
        Incoming::Hup => 129,
        Incoming::Int => 130,
        Incoming::Quit => 131,
        _ => 143,
    }
}

#[cfg(test)]
mod tests;
