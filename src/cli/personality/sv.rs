//! `sv` of runit: its verbs, its lines, its exit code, which counts the services for which it did not work.

use std::process::ExitCode;

use svc_platform::process::Handle;
use svc_platform::signals;

use super::asker::{Asker, Trouble, say, target, went_well};
use super::getopt::{self, Known, Takes, option};
use crate::wire::{Request, StateName, Status};

const USAGE_CODE: u8 = 100;
const FAILURES_MAX: usize = 99;
const OPTIONS: [Known; 2] = [option("", 'v', Takes::Nothing), option("", 'w', Takes::Value)];
const USAGE: &str = "usage: sv [-v] [-w sec] command service ...\n";

/// What a verb asks for.
enum Deed {
    Status,
    /// A request, and whether the service is up when it worked.
    Ask(fn(&str) -> Request),
    /// Nothing, unless it is up.
    AskIfUp(fn(&str) -> Request),
    /// A signal to its main process, by its name.
    Signal(&'static str),
    /// Whether it is as it should be.
    Check,
}

fn deed(verb: &str) -> Option<Deed> {
    let start = |name: &str| Request::Start(target(name));
    let stop = |name: &str| Request::Stop(target(name));
    let restart = |name: &str| Request::Restart(target(name));
    let reload = |name: &str| Request::Reload(target(name));
    // The first letter is enough for the verbs of one word.
    Some(match verb {
        "status" | "s" => Deed::Status,
        "up" | "u" | "start" | "once" | "o" => Deed::Ask(start),
        "down" | "d" | "stop" | "shutdown" | "force-stop" | "force-shutdown" | "exit" | "e" => Deed::Ask(stop),
        "restart" | "force-restart" => Deed::Ask(restart),
        "try-restart" => Deed::AskIfUp(restart),
        "reload" | "force-reload" => Deed::AskIfUp(reload),
        "check" => Deed::Check,
        "pause" | "p" => Deed::Signal("STOP"),
        "cont" | "c" => Deed::Signal("CONT"),
        "hup" | "h" => Deed::Signal("HUP"),
        "alarm" | "a" => Deed::Signal("ALRM"),
        "interrupt" | "i" => Deed::Signal("INT"),
        "quit" | "q" => Deed::Signal("QUIT"),
        "1" => Deed::Signal("USR1"),
        "2" => Deed::Signal("USR2"),
        "term" | "t" => Deed::Signal("TERM"),
        "kill" | "k" => Deed::Signal("KILL"),
        _ => return None,
    })
}

pub(super) fn run(words: &[String]) -> ExitCode {
    let mut options = getopt::Options::new(&OPTIONS, words);
    let mut verbose = false;
    loop {
        match options.next() {
            Ok(Some((0, _))) => verbose = true,
            // svcd has limits of its own for each service.
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(_) => return usage(),
        }
    }
    let words = options.words();
    let Some((verb, names)) = words.split_first().filter(|(_, names)| !names.is_empty()) else { return usage() };
    let Some(deed) = deed(verb) else { return usage() };
    let asker = Asker::new();
    let failures = names.iter().filter(|name| !serve(&asker, &deed, name, verbose)).count();
    ExitCode::from(u8::try_from(failures.min(FAILURES_MAX)).expect("99 at most"))
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(USAGE_CODE)
}

/// Does it for one service; whether that worked.
fn serve(asker: &Asker, deed: &Deed, given: &str, verbose: bool) -> bool {
    // A path to the directory of the service names it, too.
    let name = given.trim_end_matches('/').rsplit('/').next().unwrap_or(given);
    let status = match status(asker, name) {
        Ok(status) => status,
        Err(why) => {
            say(&format!("fail: {given}: {why}\n"));
            return false;
        }
    };
    let is_up = status.summary.state == StateName::Up;
    let done = match deed {
        Deed::Status => {
            say(&format!("{}\n", line(given, &status)));
            return true;
        }
        Deed::Check if status.summary.wanted == is_up => Ok(()),
        Deed::Check => Err(line(given, &status)),
        Deed::AskIfUp(_) if !is_up => Ok(()),
        Deed::Ask(request) | Deed::AskIfUp(request) => match asker.act(&request(name)) {
            Ok(outcomes) => went_well(&outcomes),
            Err(Trouble::Unknown(text) | Trouble::Other(text)) => Err(text),
        },
        Deed::Signal(signal) => {
            let told = tell(asker, name, &status, signal);
            if told.is_ok() && !verbose {
                return true;
            }
            told
        }
    };
    match (done, self::status(asker, name)) {
        (Ok(()), Ok(now)) => say(&format!("ok: {}\n", line(given, &now))),
        (Ok(()), Err(why)) | (Err(why), _) => {
            say(&format!("fail: {given}: {why}\n"));
            return false;
        }
    }
    true
}

fn status(asker: &Asker, name: &str) -> Result<Status, String> {
    match asker.status(name, 0) {
        Ok(mut all) if all.len() == 1 => Ok(all.remove(0)),
        Ok(_) => Err("name one service".to_owned()),
        Err(Trouble::Unknown(_)) => Err("unable to change to service directory: file does not exist".to_owned()),
        Err(Trouble::Other(text)) => Err(text),
    }
}

/// What `sv status` says of a service.
fn line(given: &str, status: &Status) -> String {
    let row = &status.summary;
    let seconds = row.since.as_secs();
    let is_up = row.state == StateName::Up;
    let mut text = match (row.state, row.pid) {
        (StateName::Up | StateName::Starting | StateName::Stopping, Some(pid)) => {
            format!("run: {given}: (pid {pid}) {seconds}s")
        }
        (StateName::Stopping, None) => format!("finish: {given}: {seconds}s"),
        (StateName::Up, None) => format!("run: {given}: {seconds}s"),
        (_, _) => format!("down: {given}: {seconds}s"),
    };
    match (is_up, row.enabled) {
        (true, false) => text += ", normally down",
        (false, true) => text += ", normally up",
        (true, true) | (false, false) => {}
    }
    match (is_up, row.wanted) {
        (true, false) => text += ", want down",
        (false, true) => text += ", want up",
        (true, true) | (false, false) => {}
    }
    text
}

/// To the main process that svcd named, if it still names that one once we have hold of it.
fn tell(asker: &Asker, name: &str, status: &Status, signal: &str) -> Result<(), String> {
    let pid = status.summary.pid.ok_or("it has no main process")?;
    let number = (1..=31).find(|number| signals::name(*number) == Some(signal)).ok_or("no such signal here")?;
    let handle = Handle::open(pid).map_err(|error| error.to_string())?;
    if self::status(asker, name)?.summary.pid != Some(pid) {
        return Err("it has got another main process meanwhile".to_owned());
    }
    handle.signal(number).map_err(|error| error.to_string())
}
