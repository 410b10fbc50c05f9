//! The everyday verbs of `systemctl`, for scripts and fingers that know no other: its words, streams and exit codes,
//! with services in the place of units.

mod act;
mod show;

use std::process::ExitCode;

use super::asker::{Asker, Trouble, say};
use super::getopt::{self, Known, Takes, option};
use crate::wire::{Reply, Request, StateName, Then};

const FAILED: u8 = 1;
const NOT_RUNNING: u8 = 3;
const NO_SUCH_UNIT: u8 = 4;
const NOT_LOADED: u8 = 5;

/// Options that mean something here, then those that change nothing.
const OPTIONS: [Known; 35] = [
    option("quiet", 'q', Takes::Nothing),
    option("now", '\0', Takes::Nothing),
    option("no-block", '\0', Takes::Nothing),
    option("all", 'a', Takes::Nothing),
    option("property", 'p', Takes::Value),
    option("value", '\0', Takes::Nothing),
    option("type", 't', Takes::Value),
    option("state", '\0', Takes::Value),
    option("failed", '\0', Takes::Nothing),
    option("signal", 's', Takes::Value),
    option("lines", 'n', Takes::Value),
    option("no-legend", '\0', Takes::Nothing),
    option("help", 'h', Takes::Nothing),
    option("version", '\0', Takes::Nothing),
    option("user", '\0', Takes::Nothing),
    option("host", 'H', Takes::Value),
    option("machine", 'M', Takes::Value),
    option("root", '\0', Takes::Value),
    option("", 'P', Takes::Value),
    option("system", '\0', Takes::Nothing),
    option("no-pager", '\0', Takes::Nothing),
    option("full", 'l', Takes::Nothing),
    option("plain", '\0', Takes::Nothing),
    option("legend", '\0', Takes::Value),
    option("no-reload", '\0', Takes::Nothing),
    option("no-ask-password", '\0', Takes::Nothing),
    option("no-wall", '\0', Takes::Nothing),
    option("force", 'f', Takes::Nothing),
    option("job-mode", '\0', Takes::Value),
    option("output", 'o', Takes::Value),
    option("show-types", '\0', Takes::Nothing),
    option("runtime", '\0', Takes::Nothing),
    option("no-warn", '\0', Takes::Nothing),
    option("kill-who", '\0', Takes::Value),
    option("wait", '\0', Takes::Nothing),
];

/// What was asked for, beside verb and units.
#[derive(Debug, Default)]
struct Options {
    quiet: bool,
    now: bool,
    no_wait: bool,
    all: bool,
    properties: Vec<String>,
    bare: bool,
    types: Vec<String>,
    states: Vec<String>,
    signal: Option<String>,
    lines: u32,
    no_legend: bool,
}

/// One call: whom to ask, how, about what.
struct Call {
    asker: Asker,
    options: Options,
    units: Vec<String>,
}

pub(super) fn run(words: &[String]) -> ExitCode {
    ExitCode::from(read(words).map_or_else(|code| code, |(verb, call)| serve(&verb, &call)))
}

fn read(words: &[String]) -> Result<(String, Call), u8> {
    let mut given = getopt::Options::new(&OPTIONS, words);
    let mut options = Options { lines: 10, ..Options::default() };
    loop {
        let (place, value) = match given.next() {
            Ok(Some(option)) => option,
            Ok(None) => break,
            Err(fault) => return Err(complain(&format!("systemctl: {fault}"))),
        };
        let value = value.unwrap_or_default();
        let list = || value.split(',').map(str::to_owned).collect::<Vec<_>>();
        match (OPTIONS[place].long, OPTIONS[place].letter) {
            ("quiet", _) => options.quiet = true,
            ("now", _) => options.now = true,
            ("no-block", _) => options.no_wait = true,
            ("all", _) => options.all = true,
            ("property", _) => options.properties.extend(list()),
            ("value", _) => options.bare = true,
            (_, 'P') => {
                options.properties.extend(list());
                options.bare = true;
            }
            ("type", _) => options.types.extend(list()),
            ("state", _) => options.states.extend(list()),
            ("failed", _) => options.states.push("failed".to_owned()),
            ("signal", _) => options.signal = Some(value.to_owned()),
            ("lines", _) => options.lines = value.parse().unwrap_or(options.lines),
            ("no-legend", _) => options.no_legend = true,
            ("help", _) => {
                say(HELP);
                return Err(0);
            }
            ("version", _) => {
                say(&format!("svc {} (as systemctl)\n", env!("CARGO_PKG_VERSION")));
                return Err(0);
            }
            (other @ ("user" | "host" | "machine" | "root"), _) => {
                return Err(complain(&format!("systemctl: --{other} is not to be had here; svcd serves this machine")));
            }
            _ => {}
        }
    }
    let mut words = given.words().into_iter();
    let verb = words.next().unwrap_or_else(|| "list-units".to_owned());
    Ok((verb, Call { asker: Asker::new(), options, units: words.collect() }))
}

fn serve(verb: &str, call: &Call) -> u8 {
    match verb {
        "start" => call.act("start", Request::Start, act::Only::Always),
        "stop" => call.act("stop", Request::Stop, act::Only::Always),
        "restart" => call.act("restart", Request::Restart, act::Only::Always),
        "try-restart" | "condrestart" => call.act("restart", Request::Restart, act::Only::IfUp),
        "reload" => call.act("reload", Request::Reload, act::Only::Always),
        "reload-or-restart" => call.reload_or_restart(act::Only::Always),
        "try-reload-or-restart" | "reload-or-try-restart" | "force-reload" => call.reload_or_restart(act::Only::IfUp),
        "reset-failed" => call.reset(),
        "kill" => call.kill(),
        "enable" | "reenable" => call.switch(true),
        "disable" => call.switch(false),
        "preset" | "is-system-running" | "daemon-reload" | "daemon-reexec" => call.machine(verb),
        "mask" | "unmask" | "edit" | "isolate" | "set-property" | "list-timers" | "list-sockets" | "list-jobs"
        | "list-dependencies" => refuse(verb),
        "is-active" => call.is_active(),
        "is-failed" => call.is_failed(),
        "is-enabled" => call.is_enabled(),
        "status" => call.status(),
        "show" => call.show(),
        "cat" => call.cat(),
        "list-units" => call.list_units(),
        "list-unit-files" => call.list_unit_files(),
        "get-default" => {
            say("multi-user.target\n");
            0
        }
        "poweroff" => call.end(Then::Poweroff),
        "reboot" => call.end(Then::Reboot),
        "halt" => call.end(Then::Halt),
        other => complain(&format!("Unknown command verb '{other}'.")),
    }
}

fn refuse(verb: &str) -> u8 {
    let instead = match verb {
        "mask" | "unmask" => "; see: svc NAME disable, svc NAME pin",
        "list-dependencies" => "; see: svc graph",
        _ => "",
    };
    complain(&format!("systemctl: {verb} is not to be had here{instead}"))
}

fn complain(text: &str) -> u8 {
    eprintln!("{text}");
    FAILED
}

/// The service behind the name of a unit; `None` for units of other kinds, which are not to be had.
fn service_of(unit: &str) -> Option<&str> {
    const KINDS: [&str; 10] =
        [".target", ".socket", ".timer", ".mount", ".automount", ".path", ".slice", ".scope", ".swap", ".device"];
    // A script may be called `x.sh`, but nothing is called as another kind of unit.
    match unit.strip_suffix(".service") {
        Some(name) => Some(name),
        None => (!KINDS.iter().any(|kind| unit.ends_with(kind))).then_some(unit),
    }
}

/// A unit's whole name.
fn unit_of(name: &str) -> String {
    if service_of(name) == Some(name) { format!("{name}.service") } else { name.to_owned() }
}

/// Its word for a state, and the one beside it.
fn words(state: StateName, pid: Option<i32>) -> (&'static str, &'static str) {
    match state {
        StateName::Up if pid.is_some() => ("active", "running"),
        StateName::Up => ("active", "exited"),
        StateName::Starting => ("activating", "start"),
        StateName::Waiting => ("inactive", "dead"),
        StateName::BackingOff => ("activating", "auto-restart"),
        StateName::Stopping => ("deactivating", "stop-sigterm"),
        StateName::Failed | StateName::Faulty => ("failed", "failed"),
        StateName::Down | StateName::Skipped => ("inactive", "dead"),
    }
}

impl Call {
    /// Verbs that are about the machine as a whole.
    fn machine(&self, verb: &str) -> u8 {
        let request = match verb {
            "daemon-reload" => Request::Load { names: Vec::new() },
            "daemon-reexec" => Request::Renew,
            "is-system-running" => return self.is_system_running(),
            // What a package enables is enabled when it is installed.
            _ => return 0,
        };
        match self.asker.ask(&request) {
            Ok(Reply::Load(report)) => {
                // As in the original, a bad file is no failure of the whole.
                report.faults.iter().for_each(|fault| eprintln!("{fault}"));
                0
            }
            Ok(_) => 0,
            Err(trouble) => no_answer(&trouble),
        }
    }

    fn is_system_running(&self) -> u8 {
        let word = match self.asker.list(Vec::new()) {
            Err(_) => "offline",
            Ok(rows) if rows.iter().any(|row| row.state == StateName::Starting && row.wanted) => "starting",
            Ok(rows) if rows.iter().any(|row| words(row.state, row.pid).0 == "failed") => "degraded",
            Ok(_) => "running",
        };
        if !self.options.quiet {
            say(&format!("{word}\n"));
        }
        u8::from(word != "running")
    }

    fn end(&self, then: Then) -> u8 {
        match self.asker.ask(&Request::Shutdown { then, kill: false }) {
            Ok(_) => 0,
            Err(trouble) => no_answer(&trouble),
        }
    }
}

/// What the original says when it cannot reach its manager.
fn no_answer(trouble: &Trouble) -> u8 {
    match trouble {
        Trouble::Unknown(name) => complain(&format!("Unit {} not found.", unit_of(name))),
        Trouble::Other(text) => complain(text),
    }
}

const HELP: &str = "\
systemctl [option...] verb [unit...]

svc answers for systemd; a unit is a service of svc, with or without .service.

  start stop restart try-restart reload reload-or-restart kill reset-failed
  enable disable [--now]      is-active is-enabled is-failed is-system-running
  status show cat             list-units list-unit-files
  daemon-reload daemon-reexec poweroff reboot halt

  -q --quiet  -a --all  -p --property  -P  --value  -t --type  --state
  -s --signal  -n --lines  --no-block  --no-legend
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_a_service_with_or_without_its_suffix() {
        assert_eq!(service_of("nginx.service"), Some("nginx"));
        assert_eq!(service_of("nginx"), Some("nginx"));
        assert_eq!(service_of("mountall.sh"), Some("mountall.sh"));
        assert_eq!(service_of("network-online.target"), None);
        assert_eq!(unit_of("a"), "a.service");
        assert_eq!(unit_of("a.service"), "a.service");
        assert_eq!(unit_of("a.socket"), "a.socket");
    }

    #[test]
    fn every_option_has_its_own_name_and_letter() {
        for (place, one) in OPTIONS.iter().enumerate() {
            for other in &OPTIONS[place + 1..] {
                assert!(one.long.is_empty() || one.long != other.long, "{}", one.long);
                assert!(one.letter == '\0' || one.letter != other.letter, "{}", one.letter);
            }
        }
    }
}
