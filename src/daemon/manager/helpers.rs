//! Processes beside the services: the loader, probes, a script's own status. Each has a limit of time and of output.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use svc_core::{Exit, RunId, Service};
use svc_platform::launch::c_string;
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::Handle;
use svc_platform::socket::Answered;
use svc_platform::spawn::Kin;
use svc_platform::tree::Tree;
use svc_platform::{Launch, Terminal, clock, files, host};

use super::environment;
use super::{Manager, Timer, Token};
use crate::daemon::image::IMAGE_BYTES_MAX;

/// As much output of a helper is kept, beside a loader's.
const OUTPUT_BYTES_MAX: usize = 64 * 1024;

/// So much is read at once, and so often in one turn: more than a pipe holds, and nobody is waited for who goes on
/// printing.
const READ_BYTES: usize = 16 * 1024;
const READS_MAX: usize = 16;

/// How long the end waits for what helpers leave, and how often it looks.
const CLEAR_MAX: Duration = Duration::from_secs(1);
const CLEAR_STEP: Duration = Duration::from_millis(10);

/// What a helper is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reads definitions.
    Load,
    /// Makes the files of the service that this run starts.
    Configure(RunId),
    /// Tells whether this run is ready.
    Ready(RunId),
    /// Asks a script for its own word; the number names who wants to know.
    Status(u64),
    /// A definition's own check; the number names it.
    Check(u64),
    /// Writes down who is logged in.
    Logins,
    /// Does what is left to do after a first boot.
    FirstBoot,
    /// Listens to who sits at the console while the machine boots.
    Attend,
}

impl Purpose {
    pub(super) fn limit(self) -> Duration {
        match self {
            // Hundreds of scripts on a small machine that boots; nobody but who asked for a load waits for it.
            Self::Load => Duration::from_secs(300),
            Self::Ready(_) => Duration::from_secs(10),
            Self::Status(_) | Self::Logins => Duration::from_secs(5),
            Self::Check(_) | Self::FirstBoot => Duration::from_secs(60),
            // No boot takes longer that anybody waits for.
            Self::Attend => Duration::from_secs(24 * 3600),
            // Its own waits have limits; this is longer than all of them.
            Self::Configure(_) => Duration::from_secs(300),
        }
    }

    fn bytes_max(self) -> usize {
        match self {
            Self::Load => IMAGE_BYTES_MAX,
            Self::Configure(_) | Self::Ready(_) | Self::Status(_) | Self::Check(_) => OUTPUT_BYTES_MAX,
            Self::Logins | Self::FirstBoot | Self::Attend => OUTPUT_BYTES_MAX,
        }
    }
}

/// How a helper ended, and what it printed.
pub(super) struct Result {
    pub(super) exit: Exit,
    pub(super) output: Vec<u8>,
    /// It took too long, and was killed.
    pub(super) overdue: bool,
}

#[derive(Debug)]
struct Helper {
    purpose: Purpose,
    handle: Handle,
    /// Its own tree, so that nothing it starts outlives it.
    tree: Option<Tree>,
    reader: File,
    output: Vec<u8>,
    overdue: bool,
}

/// The helpers at work.
#[derive(Debug, Default)]
pub(super) struct Helpers {
    all: BTreeMap<u64, Helper>,
    /// Trees of helpers that have ended and of launches that failed, until they are empty.
    retired: Vec<Tree>,
}

impl Manager {
    /// Runs a program beside the services; [`Manager::helper_ended`] hands on what becomes of it.
    pub(super) fn run_helper(&mut self, words: &[String], purpose: Purpose, of: Option<&Service>) -> io::Result<()> {
        let id = self.mint();
        let arguments = words.iter().map(c_string).collect::<io::Result<Vec<_>>>()?;
        let program = arguments.first().cloned().ok_or(io::ErrorKind::InvalidInput)?;
        let mut launch = Launch::new(program, arguments);
        let variables = match of {
            Some(service) if service.is_script() => environment::of_script(service, &self.options.root),
            Some(service) => environment::of_program(service, self.is_root),
            None => Ok(std::env::vars().collect()),
        };
        for (name, value) in variables.map_err(io::Error::other)? {
            launch.environment.push(c_string(format!("{name}={value}"))?);
        }
        let tree = match (purpose, of) {
            (Purpose::Load, _) => None,
            (_, Some(service)) => {
                if let Some(identity) = &service.exec.identity {
                    let unknown = || io::Error::other(format!("becoming its user: no such user `{}`", identity.user));
                    let who = identity.resolved.as_ref().ok_or_else(unknown)?;
                    launch.identity =
                        Some(svc_platform::Identity { uid: who.uid, gid: who.gid, gids: who.gids.clone() });
                }
                Some(self.forest.grow(&format!("helper-{}.{id}", std::process::id()))?)
            }
            (_, None) => None,
        };
        if let Some(tree) = &tree {
            launch.environment.push(c_string(tree.environment())?);
            launch.tree = tree.door();
        }
        let (handle, reader) = match self.launch_helper(id, launch, purpose) {
            Ok(launched) => launched,
            Err(error) => {
                tree.into_iter().for_each(|tree| self.retire(tree));
                return Err(error);
            }
        };
        let helper = Helper { purpose, handle, tree, reader, output: Vec::new(), overdue: false };
        self.helpers.all.insert(id, helper);
        self.set_timer(purpose.limit(), Timer::Helper(id));
        Ok(())
    }

    fn launch_helper(&mut self, id: u64, launch: Launch<'_>, purpose: Purpose) -> io::Result<(Handle, File)> {
        let (reader, writer) = io::pipe()?;
        files::set_nonblocking(reader.as_fd())?;
        let reader = File::from(OwnedFd::from(reader));
        let mut launch: Launch<'_> = launch;
        let terminal = (purpose == Purpose::Attend).then(host::console_line).transpose()?;
        if let Some(terminal) = &terminal {
            launch.stdin = Some(terminal.as_fd());
            launch.terminal = Terminal::Brings;
        }
        launch.stdout = Some(writer.as_fd());
        // Complaints of our own program are svcd's own; what others say there is part of their answer.
        let complaints = io::stderr();
        let is_ours = matches!(purpose, Purpose::Load | Purpose::Attend);
        launch.stderr = Some(if is_ours { complaints.as_fd() } else { writer.as_fd() });
        self.poller.add(&reader, Token::Helper(id).number(), Interest::READ)?;
        let handle = self.spawner.spawn(&launch, Kin::Sibling).map_err(|error| io::Error::other(error.to_string()))?;
        Ok((handle, reader))
    }

    /// Whether a helper of this purpose is at work.
    pub(super) fn is_at_work(&self, purpose: Purpose) -> bool {
        self.helpers.all.values().any(|helper| helper.purpose == purpose)
    }

    /// Ends a helper whose answer nobody wants any more.
    pub(super) fn end_helper(&mut self, purpose: Purpose) {
        for helper in self.helpers.all.values().filter(|helper| helper.purpose == purpose) {
            // It may have ended already, and its end is dealt with next.
            helper.handle.signal(9).ok();
        }
    }

    pub(super) fn helper_wrote(&mut self, id: u64) {
        let Some(helper) = self.helpers.all.get_mut(&id) else { return };
        if !helper.read() {
            self.poller.remove(&helper.reader).ok();
        }
        // It is heard while it listens, word by word.
        if helper.purpose == Purpose::Attend {
            let words = std::mem::take(&mut helper.output);
            self.console_said(&words);
        }
    }

    pub(super) fn helper_overdue(&mut self, id: u64) {
        let Some(helper) = self.helpers.all.get_mut(&id) else { return };
        helper.overdue = true;
        helper.handle.signal(9).ok();
        if let Some(tree) = &helper.tree {
            tree.kill().ok();
        }
    }

    /// If it was a helper that ended, deals with what it found.
    pub(super) fn helper_ended(&mut self, pid: i32, exit: Exit) -> bool {
        let found = self.helpers.all.iter().find(|(_, helper)| helper.handle.pid() == pid);
        let Some(id) = found.map(|(id, _)| *id) else { return false };
        let mut helper = self.helpers.all.remove(&id).expect("it was found just now");
        helper.read();
        self.poller.remove(&helper.reader).ok();
        self.timers.retain(|(_, timer)| *timer != Timer::Helper(id));
        if let Some(tree) = helper.tree.take() {
            tree.kill().ok();
            self.retire(tree);
        }
        let result = Result { exit, output: helper.output, overdue: helper.overdue };
        match helper.purpose {
            Purpose::Load => self.loaded(result),
            Purpose::Configure(run) => self.configured(run, &result),
            Purpose::Ready(run) => {
                self.probed(run, if result.exit.is_success() { Answered::Yes } else { Answered::No });
            }
            Purpose::Status(asker) => self.script_said(asker, &result),
            Purpose::Check(command) => self.command_checked(command, &result),
            Purpose::Logins => self.logins_written(&result),
            Purpose::FirstBoot => self.first_boot_over(&result),
            Purpose::Attend => self.attendant_ended(result.exit),
        }
        true
    }

    /// Has a tree removed that is of no use any more, as soon as it is empty: who was to execute a program and could
    /// not has told so before the kernel has let go of it.
    pub(super) fn retire(&mut self, tree: Tree) {
        self.helpers.retired.push(tree);
        self.clear_retired();
    }

    pub(super) fn clear_retired(&mut self) {
        self.helpers.retired.retain(|tree| tree.remove().is_err());
    }

    /// Ends all helpers, and waits a moment until nothing of them is left.
    pub(super) fn end_helpers(&mut self) {
        for (_, helper) in std::mem::take(&mut self.helpers.all) {
            helper.handle.signal(9).ok();
            helper.tree.iter().for_each(|tree| drop(tree.kill()));
            self.helpers.retired.extend(helper.tree);
        }
        let end = clock::now() + CLEAR_MAX;
        let mut ready = Vec::new();
        let Ok(mut poller) = Poller::new() else { return };
        poller.add(&self.forest, Token::Forest.number(), Interest::READ).ok();
        self.clear_retired();
        while !self.helpers.retired.is_empty() && clock::now() < end {
            // A tree that has just become empty may be busy for a while yet, of which there is no news.
            poller.wait(Some(CLEAR_STEP), &mut ready).ok();
            self.forest.changes().ok();
            self.clear_retired();
        }
    }
}

impl Helper {
    /// Reads what is there; whether more may come.
    fn read(&mut self) -> bool {
        let mut bytes = [0; READ_BYTES];
        for _ in 0..READS_MAX {
            match self.reader.read(&mut bytes) {
                Ok(0) => return false,
                Ok(length) => {
                    let room = self.purpose.bytes_max().saturating_sub(self.output.len());
                    self.output.extend_from_slice(&bytes[..length.min(room)]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }
}
