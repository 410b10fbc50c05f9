//! The daemon's processes as a library: keeper, manager, logger and loader, all the same program in other roles.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{panic, thread};

use clap::Parser;
use svc_core::Exit;
use svc_platform::channel::Channel;
use svc_platform::{files, host, memory, reap, roles, signals, users};

use crate::{configure, rehearse};

mod attendant;
mod framing;
pub(crate) mod glob;
pub(crate) mod image;
mod journal;
mod keeper;
mod lend;
mod link;
pub(crate) mod loader;
mod logger;
mod logins;
mod logread;
mod manager;
mod notify;
mod options;
mod parent;
mod saying;
mod single;

pub(crate) use image::Image;
pub(crate) use manager::{state_name, verbs};
pub use options::{Arguments, Options};
use saying::say;

/// The descriptor on which a role speaks with the keeper.
const CHANNEL: i32 = 3;
/// The descriptor on which the manager has the keeper launch, where the system needs that.
const LAUNCHES_CHANNEL: i32 = 4;

/// Nothing came for so long: what was much is over, and what it took can be given back.
const REST: Duration = Duration::from_millis(100);

/// How long processes that belong to no service may take to end before the machine does.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What comes after a manager, or after all of the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// Everything was stopped: the daemon ends.
    Exit,
    /// Everything was stopped: the machine ends.
    End(host::End),
    /// Everything was stopped: one person works on the machine, then it boots again.
    Single,
    /// The keeper is gone, and this process takes its place.
    BecomeKeeper,
    /// The manager goes so that another can take over.
    MakeWay,
    /// The manager could not begin, and another would fare no better.
    CannotBegin,
}

impl After {
    /// What the manager's exit code says to the keeper. None of them is 101, with which a panic ends.
    fn code(self) -> u8 {
        match self {
            Self::Exit => 0,
            Self::End(host::End::Halt) => 81,
            Self::End(host::End::Poweroff) => 82,
            Self::End(host::End::Reboot) => 83,
            Self::End(host::End::Cycle) => 88,
            Self::BecomeKeeper => 84,
            Self::CannotBegin => 85,
            Self::MakeWay => 86,
            Self::Single => 87,
        }
    }

    /// What a manager that ended so wanted; `None`: it was not asked to end.
    fn of_manager(exit: Exit) -> Option<Self> {
        let all = [
            Self::Exit,
            Self::End(host::End::Halt),
            Self::End(host::End::Poweroff),
            Self::End(host::End::Reboot),
            Self::End(host::End::Cycle),
            Self::CannotBegin,
            Self::MakeWay,
            Self::Single,
        ];
        all.into_iter().find(|after| exit == Exit::Code(i32::from(after.code())))
    }
}

/// Which of the daemon's processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Keeper,
    Manager,
    Parent,
    Logger,
    Loader,
    Configurer,
    Lender,
    Registrar,
    Single,
    Attendant,
}

impl Role {
    const ALL: [Self; 10] = [
        Self::Keeper,
        Self::Manager,
        Self::Parent,
        Self::Logger,
        Self::Loader,
        Self::Configurer,
        Self::Lender,
        Self::Registrar,
        Self::Single,
        Self::Attendant,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Keeper => "keeper",
            Self::Manager => "manager",
            Self::Parent => "parent",
            Self::Logger => "logger",
            Self::Loader => "loader",
            Self::Configurer => "configurer",
            Self::Lender => "lender",
            Self::Registrar => "registrar",
            Self::Single => "single",
            Self::Attendant => "attendant",
        }
    }
}

/// If this process was started in a role of the daemon, plays it and ends. Every program of ours calls this first.
pub fn role_entry() {
    rehearse::role_entry();
    let mut words = env::args_os().skip(1);
    if words.next().as_deref() != Some("--role".as_ref()) {
        return;
    }
    let Ok(arguments) = Arguments::try_parse() else { std::process::exit(2) };
    let role = Role::ALL.into_iter().find(|role| arguments.role.as_deref() == Some(role.name()));
    let Some(role) = role else { std::process::exit(2) };
    let options = Options::new(&arguments, users::is_root(), host::is_process_1());
    std::process::exit(i32::from(play(role, options, &arguments.names)));
}

/// The command that starts a daemon with these options: our own program in the keeper's role.
///
/// # Errors
///
/// Where our own program cannot be found.
pub fn command(options: &Options) -> io::Result<Command> {
    let mut command = Command::new(host::own_program()?);
    command.args(["--role", Role::Keeper.name()]).args(options.arguments());
    Ok(command)
}

/// The command line of a process 1 that must not end for one that is wrong: that is said, and passed over.
pub fn arguments_of_init(words: env::ArgsOs) -> Arguments {
    let (arguments, fault) = Arguments::of_init(words);
    if let Some(fault) = fault {
        hear_and_be_heard().ok();
        say(format!("the command line of process 1 is passed over: {fault}"));
    }
    arguments
}

/// Runs the daemon with these options until it is told to end.
pub fn run(options: Options) -> ExitCode {
    ExitCode::from(play(Role::Keeper, options, &[]))
}

fn play(role: Role, options: Options, names: &[String]) -> u8 {
    // What ps shows; process 1 must not look like svc, which tools take for daemontools.
    saying::has_console(host::is_process_1() || (options.first && reap::parent() == 1));
    reap::set_name(if host::is_process_1() { "init" } else { "svcd" }, role.name()).ok();
    let result = match role {
        Role::Keeper if host::is_process_1() => Ok(be_first(&options)),
        Role::Keeper => be_keeper(&options).map(|turn| if let Turn::Over(code) = turn { code } else { 0 }),
        Role::Manager => be_manager(options),
        Role::Parent => channel().and_then(parent::run).map(|()| 0),
        Role::Logger => channel().and_then(|keeper| logger::run(options.logs, options.first, keeper)).map(|()| 0),
        Role::Loader => loader::run(&options, names).map(|()| 0),
        Role::Configurer => Ok(configure::at_start(options, names)),
        Role::Single => single::run().map(|()| 0),
        Role::Attendant => attendant::run().map(|()| 0),
        Role::Lender => Ok(lend::run(&options.runtime, names)),
        Role::Registrar => logins::run(names).map(|()| 0),
    };
    result.unwrap_or_else(|error| {
        say(format!("{}: {error}", role.name()));
        match role {
            // The same number says the same of a shell in single-user mode.
            Role::Manager | Role::Single => After::CannotBegin.code(),
            _ => 1,
        }
    })
}

fn channel() -> io::Result<Channel> {
    roles::inherited(CHANNEL).map(Channel::from)
}

/// Process 1 must not end but on request: whatever befalls it, it goes on reaping, and tries again.
fn be_first(options: &Options) -> u8 {
    const AGAIN: Duration = Duration::from_secs(1);
    let mut options = options.clone();
    let mut stays = options.single;
    signals::hold_back().ok();
    loop {
        let turn = panic::catch_unwind(|| if stays { be_single() } else { be_keeper(&options) });
        match turn {
            Ok(Ok(Turn::Stay)) => {
                stays = true;
                continue;
            }
            Ok(Ok(Turn::Boot)) => {
                (stays, options.again) = (false, true);
                continue;
            }
            // There is no machine without a process 1.
            Ok(Ok(Turn::Over(_))) if !host::FIRST_MAY_END => say("process 1 does not end; beginning again"),
            Ok(Ok(Turn::Over(code))) => return code,
            Ok(Err(error)) => say(format!("keeper: {error}; trying again")),
            Err(_) => say("keeper: a fault of svcd itself; beginning again"),
        }
        thread::sleep(AGAIN);
        while let Ok(Some(_)) = reap::reap() {}
    }
}

/// What a process that may have several parts one after the other goes on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Nothing: it ends with this code.
    Over(u8),
    /// Single-user mode.
    Stay,
    /// As the keeper, which boots.
    Boot,
}

fn be_single() -> io::Result<Turn> {
    hear_and_be_heard()?;
    match single::stay()? {
        single::Next::Boot => Ok(Turn::Boot),
        single::Next::End(how) => Ok(end_machine(how)),
    }
}

/// Ends everybody and then the machine; comes back only if that fails.
fn end_machine(how: host::End) -> Turn {
    // What scripts have left behind writes its last now.
    reap::end_everyone(LAST_WORDS);
    say(format!("the machine could not be ended: {}", host::end(how)));
    Turn::Over(0)
}

fn be_keeper(options: &Options) -> io::Result<Turn> {
    prepare(options)?;
    let lock = match files::Lock::take(&options.runtime.join("lock")) {
        Ok(lock) => lock,
        Err(error) => return Err(io::Error::other(error.to_string())),
    };
    reap::adopt_orphans()?;
    let after = keeper::run(options)?;
    drop(lock);
    match after {
        After::Exit | After::BecomeKeeper | After::MakeWay => Ok(Turn::Over(0)),
        After::CannotBegin => Ok(Turn::Over(1)),
        After::Single => {
            reap::end_everyone(LAST_WORDS);
            Ok(Turn::Stay)
        }
        After::End(how) => Ok(end_machine(how)),
    }
}

/// Has standard descriptors, on the console where there would be nobody else.
fn hear_and_be_heard() -> io::Result<()> {
    host::fill_standard_descriptors()?;
    if host::is_process_1() && host::says_to_nobody() {
        host::take_console().ok();
    }
    Ok(())
}

/// Makes the places that are needed before anything else.
fn prepare(options: &Options) -> io::Result<()> {
    hear_and_be_heard()?;
    if host::is_process_1() {
        host::mount_essentials().iter().for_each(say);
        host::hold_ctrl_alt_del().ok();
    }
    files::raise_open_files().ok();
    files::make_directory(&options.runtime, 0o755)?;
    // Services say how they are here, whoever they run as.
    files::make_directory(&options.runtime.join("notify"), 0o755)?;
    if let Err(mistrust) = files::check_owner(&options.runtime.join("notify"))? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, mistrust.to_string()));
    }
    // As process 1 the root may not be writable yet; the logger makes its places when it can.
    if let Err(error) = files::make_directory(&options.logs, 0o755) {
        if !host::is_process_1() {
            return Err(error);
        }
        say(error);
    }
    Ok(())
}

fn be_manager(options: Options) -> io::Result<u8> {
    let keeper = channel()?;
    let keeper_pid = reap::parent();
    let again = keeper_again(&options)?;
    memory::keep_heap_small();
    let (after, ends) = manager::run(options, keeper)?;
    // Process 1 is never gone; where it is the keeper it only began again, and starts another manager.
    if after == After::BecomeKeeper && keeper_pid != 1 {
        let (program, mut words) = again;
        if let Some(ends) = ends.as_ref().and_then(link::text_of_end) {
            words.extend([c"--ends".to_owned(), svc_platform::launch::c_string(ends)?]);
        }
        return Err(host::become_program(&program, &words));
    }
    Ok(after.code())
}

/// Our own program and the words that make it a keeper, ready for when nothing else is.
fn keeper_again(options: &Options) -> io::Result<(PathBuf, Vec<std::ffi::CString>)> {
    let program = host::own_program()?;
    let mut words = vec!["svcd".into(), "--role".into(), Role::Keeper.name().into()];
    words.extend(options.arguments());
    let words = words.iter().map(svc_platform::launch::c_string).collect::<io::Result<_>>()?;
    Ok((program, words))
}

/// Says on the terminal, past the test harness, that something was not tested: .ci/run looks for it.
#[cfg(test)]
fn skipped(what: &str) {
    use std::io::Write;

    // The harness may be in the middle of a line.
    let mut terminal = io::stderr();
    writeln!(terminal, "\nskipped: {what}").expect("standard error is open");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_that_panics_or_is_killed_asked_for_nothing() {
        for exit in [Exit::Code(101), Exit::Code(1), Exit::Code(2), Exit::Signal(9), Exit::Unknown] {
            assert_eq!(After::of_manager(exit), None, "{exit}");
        }
        for after in [After::Exit, After::End(host::End::Cycle), After::CannotBegin] {
            assert_eq!(After::of_manager(Exit::Code(after.code().into())), Some(after));
        }
    }
}
