//! What process 1 has written down for who(1) and last(1): that the machine came up, that it goes down, and who waits
//! for people on its terminals.

use std::collections::{BTreeSet, VecDeque};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::SystemTime;

use svc_core::lifecycle::State;
use svc_core::service::Service;
use svc_core::supervisor::Because;
use svc_core::{Job, RunId, ServiceId};
use svc_platform::logins::{self, Entry};
use svc_platform::{clock, host};

use super::Manager;
use super::helpers::{self, Purpose};
use crate::daemon::logins::Word;
use crate::daemon::say;

/// The script of FreeBSD that writes down the same of the machine.
const UTX: &str = "utx";
/// The levels of work before the machine came up, while it is up, and when it goes down or begins again.
const NONE: char = 'N';
const WORKING: char = '2';
const DOWN: char = '0';
const AGAIN: char = '6';

/// What is still to be written.
#[derive(Debug, Default)]
pub(super) struct Logins {
    /// The services that come up with the machine, until they have or will not; `None`: it is up.
    coming: Option<BTreeSet<ServiceId>>,
    /// Some service is another than it was.
    has_changed: bool,
    /// That it came up was written down, or tried for the last time.
    booted: bool,
    queue: VecDeque<Entry>,
    has_complained: bool,
    /// That the machine goes down was written down.
    is_down: bool,
    /// The end waits for what is still to be written.
    ends: bool,
}

impl Manager {
    /// The machine comes up, and these services with it.
    pub(super) fn comes_up(&mut self, starts: &[ServiceId]) {
        self.logins.coming = Some(starts.iter().copied().collect());
        self.logins.has_changed = true;
    }

    /// A service is another than it was.
    pub(super) fn note_for_logins(&mut self) {
        self.logins.has_changed = true;
    }

    /// Writes down that the machine came up as soon as that can be, and once more when all is up: what makes the files
    /// anew while it comes up has made away with it.
    pub(super) fn look_at_logins(&mut self) {
        if !std::mem::take(&mut self.logins.has_changed) {
            return;
        }
        let Some(mut coming) = self.logins.coming.take() else { return };
        let at = SystemTime::now().checked_sub(clock::now().since_boot()).unwrap_or(SystemTime::UNIX_EPOCH);
        if !self.logins.booted && logins::is_ready() {
            self.logins.booted = true;
            self.write_machine(Entry::Boot { at, again: false });
        }
        let known: BTreeSet<ServiceId> = self.core.ids().collect();
        coming.retain(|id| known.contains(id) && self.is_coming(*id));
        if !coming.is_empty() {
            self.logins.coming = Some(coming);
            return;
        }
        let again = std::mem::replace(&mut self.logins.booted, true);
        self.write_machine(Entry::Boot { at, again });
        self.write_machine(Entry::Level { now: WORKING, before: NONE });
    }

    /// Whether a service is on its way up, and nothing that may never come is in its way.
    fn is_coming(&self, id: ServiceId) -> bool {
        match self.core.view(id).state {
            State::Starting { .. } => true,
            State::Waiting => !matches!(
                self.core.because(id),
                Because::Absent(_) | Because::Broken(_) | Because::Gone | Because::Requires { stuck: true, .. }
            ),
            State::Down
            | State::Up { .. }
            | State::Stopping { .. }
            | State::BackingOff { .. }
            | State::Ended { .. } => false,
        }
    }

    /// The machine goes down.
    pub(super) fn goes_down(&mut self, how: Option<host::End>) {
        if !self.options.first || std::mem::replace(&mut self.logins.is_down, true) {
            return;
        }
        self.logins.coming = None;
        let now = if matches!(how, Some(host::End::Reboot | host::End::Cycle)) { AGAIN } else { DOWN };
        self.write_machine(Entry::Level { now, before: WORKING });
        self.write_machine(Entry::Shutdown);
    }

    /// The manager before has written that down.
    pub(super) fn is_down_already(&mut self) {
        self.logins.is_down = true;
        self.logins.coming = None;
    }

    /// Whether the end has to wait for what is still to be written.
    pub(super) fn still_writes(&mut self) -> bool {
        self.logins.ends = self.is_at_work(Purpose::Logins);
        self.logins.ends
    }

    /// A program was launched; if it waits for people on a terminal, that is written down.
    pub(super) fn began(&mut self, service: &Service, job: &Job, pid: i32) {
        if let (true, Job::Start, Some(line)) = (self.options.first, job, terminal(service)) {
            self.write(Entry::Init { line, pid });
        }
    }

    /// The main process of a run ended.
    pub(super) fn left(&mut self, run: RunId, pid: i32) {
        let Some(run) = self.runs.get(run).filter(|run| self.options.first && run.job == Job::Start) else { return };
        if terminal(self.core.service(run.service)).is_some() {
            self.write(Entry::Dead { pid });
        }
    }

    fn write_machine(&mut self, entry: Entry) {
        let by_script = self.core.id(UTX).is_some_and(|id| self.core.service(id).enabled.on);
        if !by_script {
            self.write(entry);
        }
    }

    fn write(&mut self, entry: Entry) {
        self.logins.queue.push_back(entry);
        self.write_next();
    }

    /// Hands on what is to be written, in order: one writer at a time.
    fn write_next(&mut self) {
        if self.logins.queue.is_empty() || self.is_at_work(Purpose::Logins) {
            return;
        }
        let program = host::own_program().map(|path| path.to_string_lossy().into_owned());
        let words = self.logins.queue.drain(..).map(|entry| Word(&entry).to_string());
        let words: Vec<String> = ["--role".to_owned(), "registrar".to_owned()].into_iter().chain(words).collect();
        let started = program.and_then(|program| {
            let words: Vec<String> = [program].into_iter().chain(words).collect();
            self.run_helper(&words, Purpose::Logins, None)
        });
        if let Err(error) = started {
            self.complain(&error.to_string());
        }
    }

    /// A writer has ended.
    pub(super) fn logins_written(&mut self, result: &helpers::Result) {
        if result.overdue {
            let limit = Purpose::Logins.limit().as_secs();
            self.complain(&format!("they could not be written within {limit} s"));
        } else if !result.exit.is_success() {
            let text = String::from_utf8_lossy(&result.output).trim().replace("svcd: registrar: ", "");
            self.complain(text.lines().next().unwrap_or("nobody says why"));
        }
        self.write_next();
        if std::mem::take(&mut self.logins.ends) {
            self.end();
        }
    }

    fn complain(&mut self, why: &str) {
        if !std::mem::replace(&mut self.logins.has_complained, true) {
            say(format!("records of logins: {why}; who(1) and last(1) will not tell all of this machine"));
        }
    }
}

/// The terminal on which a service waits for people: its program is a getty, and one of its words names a node.
fn terminal(service: &Service) -> Option<String> {
    let (program, words) = service.command.split_first()?;
    if !Path::new(program).file_name()?.to_str()?.ends_with("getty") {
        return None;
    }
    let names = words.iter().map(|word| word.strip_prefix("/dev/").unwrap_or(word));
    let is_node = |name: &&str| {
        let plain = !name.is_empty() && !name.starts_with(['-', '/', '.']);
        plain && Path::new("/dev").join(name).metadata().is_ok_and(|found| found.file_type().is_char_device())
    };
    names.rev().find(is_node).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use svc_core::Name;
    use svc_core::service::Kind;

    use super::*;

    #[test]
    fn a_getty_is_known_by_its_program_and_its_terminal() {
        let of = |words: &[&str]| {
            let mut service = Service::new(Name::new("x").unwrap(), Kind::Process);
            service.command = words.iter().map(ToString::to_string).collect();
            terminal(&service)
        };
        assert_eq!(of(&["/sbin/agetty", "--noclear", "null", "linux"]).as_deref(), Some("null"));
        assert_eq!(of(&["/sbin/agetty", "-L", "115200", "/dev/null"]).as_deref(), Some("null"));
        assert_eq!(of(&["/usr/libexec/getty", "Pc", "zero"]).as_deref(), Some("zero"));
        for other in
            [&["/sbin/agetty"][..], &["/sbin/agetty", "none"], &["/bin/cat", "null"], &["agetty", "../null"], &[]]
        {
            assert_eq!(of(other), None, "{other:?}");
        }
    }
}
