//! `rc-service`: finds a script and runs it.

use std::process::{Command, ExitCode};

use super::super::getopt::{Known, Options, Takes, option};
use super::super::manager::{Known as Service, Manager};
use super::super::{called_as, script};
use super::state::{Main, States};
use super::{Given, Manner, next, place, resolve, services, with_common};

const KNOWN: [Known; 17] = with_common([
    option("debug", 'd', Takes::Nothing),
    option("nodeps", 'D', Takes::Nothing),
    option("exists", 'e', Takes::Value),
    option("ifcrashed", 'c', Takes::Nothing),
    option("ifexists", 'i', Takes::Nothing),
    option("ifinactive", 'I', Takes::Nothing),
    option("ifnotstarted", 'N', Takes::Nothing),
    option("ifstarted", 's', Takes::Nothing),
    option("ifstopped", 'S', Takes::Nothing),
    option("list", 'l', Takes::Nothing),
    option("resolve", 'r', Takes::Value),
    option("dry-run", 'Z', Takes::Nothing),
]);

const HELP: &str = "\
usage: rc-service [OPTION...] SERVICE COMMAND...
       rc-service -e SERVICE | -l | -r SERVICE

  -d, --debug          show every line of the script as it is run
  -D, --nodeps         leave dependencies alone
  -e, --exists NAME    whether there is such a service
  -c, --ifcrashed      run the command if it has crashed
  -i, --ifexists       run the command if there is such a service
  -I, --ifinactive     run the command if it is inactive
  -N, --ifnotstarted   run the command if it is not started
  -s, --ifstarted      run the command if it is started
  -S, --ifstopped      run the command if it is stopped
  -l, --list           every service
  -r, --resolve NAME   the script of a service
  -Z, --dry-run        only say what would be done
  -h, --help  -C, --nocolor  -V, --version  -v, --verbose  -q, --quiet
";

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    ExitCode::from(answer(words))
}

fn answer(line: &[String]) -> u8 {
    let mut manner = Manner::inherited();
    // Quiet only where this call says so.
    manner.quiet = 0;
    let mut options = Options::new(&KNOWN, line);
    let (mut conditions, mut environment) = (Vec::new(), Vec::new());
    while let Some(given) = next(&mut options, &KNOWN, HELP, &mut manner, line.len()) {
        match given {
            Given::End(code) => return code,
            Given::Done => {}
            Given::Own('e', Some(name)) => return u8::from(resolve(name).is_none()),
            Given::Own('r', Some(name)) => {
                let Some(path) = resolve(name) else { return 1 };
                println!("{}", path.display());
                return 0;
            }
            Given::Own('l', _) => return print_list(),
            Given::Own('d', _) => environment.push(("RC_DEBUG", "yes")),
            Given::Own('D', _) => environment.push(("RC_NODEPS", "yes")),
            Given::Own('Z', _) => environment.push(("IN_DRYRUN", "yes")),
            Given::Own(letter, _) => conditions.push(letter),
        }
    }
    environment.extend(manner.environment());
    let words = options.words();
    let name = called_as("rc-service");
    let Some((service, words)) = words.split_first() else {
        manner.error(&format!("{name}: you need to specify a service"));
        return 1;
    };
    let manager = Manager::find();
    let known = manager.as_ref().and_then(|manager| manager.service(service));
    let Some(path) = resolve(service).filter(|_| !service.contains("..")) else {
        if let Some(known) = known {
            return of_manager(&known, words, &conditions);
        }
        if conditions.contains(&'i') {
            return 0;
        }
        manner.error(&format!("{name}: service `{service}' does not exist"));
        return 1;
    };
    if !hold(&conditions, service) {
        return 0;
    }
    if let Some(known) = known.filter(|known| is_for_manager(known, words)) {
        return known.act(words);
    }
    let mut command = Command::new(place(&path));
    command.args(words).env_remove("EINFO_QUIET").envs(environment);
    let error = std::os::unix::process::CommandExt::exec(&mut command);
    manner.error(&format!("{name}: {}", script::plain(&error)));
    1
}

/// A script says itself how its service is.
fn is_for_manager(known: &Service<'_>, words: &[String]) -> bool {
    words.first().is_some_and(|verb| verb != "status" || !known.is_script())
}

fn print_list() -> u8 {
    let mut all = services();
    all.sort();
    all.iter().for_each(|name| println!("{name}"));
    u8::from(all.is_empty())
}

/// Whether a service is as the options want it.
fn hold(conditions: &[char], service: &str) -> bool {
    let state = States::look().of(service);
    conditions.iter().all(|condition| match condition {
        'c' => super::state::has_crashed(super::base(service)),
        'I' => state.main == Main::Inactive,
        'N' => state.main != Main::Started,
        's' => state.main == Main::Started,
        'S' => state.main == Main::Stopped,
        _ => true,
    })
}

/// A service without a script: its state is told as OpenRC's scripts tell theirs.
fn of_manager(known: &Service<'_>, words: &[String], conditions: &[char]) -> u8 {
    let wanted = conditions.iter().all(|condition| match condition {
        's' => known.is_up(),
        'S' | 'N' => !known.is_up(),
        'c' | 'I' => false,
        _ => true,
    });
    if !wanted {
        return 0;
    }
    match words.first().map(String::as_str) {
        Some("status") if known.is_up() => {
            println!(" * status: started");
            0
        }
        Some("status") => {
            println!(" * status: stopped");
            3
        }
        _ => known.act(words),
    }
}
