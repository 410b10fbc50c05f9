//! `chkconfig`: in which runlevels a script starts.

use std::process::{Command, ExitCode};

use super::super::asker::say;
use super::super::manager::Manager;
use super::super::rcconf::below;
use super::super::{called_as, script};
use super::order::{arrange, is_open};
use super::scripts::{self, End, No, Script, links, read, remove, set};
use super::xinetd;

/// The version whose answers these are.
const VERSION: &str = "1.33";
/// Levels 2 to 5, and all of them.
const NORMAL: u32 = 0b011_1100;
const ALL: u32 = 0b111_1111;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    List,
    Add,
    Delete,
    Override,
}

/// Which services are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    All,
    Sysv,
    Xinetd,
}

#[derive(Debug, Default)]
struct Call {
    deeds: Vec<Deed>,
    levels: Option<String>,
    kind: Option<String>,
    help: bool,
    version: bool,
    words: Vec<String>,
}

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    ExitCode::from(answer(words).unwrap_or_else(|End(code)| code))
}

fn usage() -> End {
    let name = called_as("chkconfig");
    eprint!(
        "\
usage:   {name} [--list] [--type <type>] [name]
         {name} --add <name>
         {name} --del <name>
         {name} --override <name>
         {name} [--level <levels>] [--type <type>] <name> <on|off|reset|resetpriorities>
"
    );
    End(1)
}

fn fault(text: &str) -> End {
    eprintln!("{text}");
    End(1)
}

fn read_line(line: &[String]) -> Result<Call, End> {
    let mut call = Call::default();
    let mut left = line.iter();
    while let Some(word) = left.next() {
        if word == "--" {
            call.words.extend(left.cloned());
            break;
        }
        let Some(long) = word.strip_prefix("--") else {
            match word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                Some(letters) => {
                    read_letters(&mut call, letters).map_err(|()| fault(&format!("{word}: unknown option")))?
                }
                None => call.words.push(word.clone()),
            }
            continue;
        };
        let (name, joined) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
        let mut value = || joined.clone().or_else(|| left.next().cloned());
        match name {
            "list" => call.deeds.push(Deed::List),
            "add" => call.deeds.push(Deed::Add),
            "del" => call.deeds.push(Deed::Delete),
            "override" => call.deeds.push(Deed::Override),
            "no-redirect" => {}
            "help" => call.help = true,
            "version" => call.version = true,
            "level" | "levels" => {
                call.levels = Some(value().ok_or_else(|| fault(&format!("--{name}: missing argument")))?);
            }
            "type" => call.kind = Some(value().ok_or_else(|| fault("--type: missing argument"))?),
            _ => return Err(fault(&format!("{word}: unknown option"))),
        }
    }
    Ok(call)
}

fn read_letters(call: &mut Call, letters: &str) -> Result<(), ()> {
    for letter in letters.chars() {
        match letter {
            'h' => call.help = true,
            'v' => call.version = true,
            _ => return Err(()),
        }
    }
    Ok(())
}

fn answer(line: &[String]) -> Result<u8, End> {
    let mut call = read_line(line)?;
    if call.version {
        println!("{} version {VERSION}", called_as("chkconfig"));
        return Ok(0);
    }
    if call.help {
        return Err(usage());
    }
    let kinds = match call.kind.as_deref() {
        None => Kinds::All,
        Some("sysv") => Kinds::Sysv,
        Some("xinetd") => Kinds::Xinetd,
        Some(_) => return Err(fault("--type must be 'sysv' or 'xinetd'")),
    };
    call.deeds.dedup();
    if call.deeds.len() > 1 {
        return Err(fault("only one of --list, --add, --del, or --override may be specified"));
    }
    let deed = call.deeds.first().copied().or_else(|| line.is_empty().then_some(Deed::List));
    let code = match (deed, call.words.as_slice()) {
        (Some(Deed::List), []) => return list(kinds),
        (Some(Deed::List), [name]) => return show_one(name, kinds),
        (Some(deed), [path]) if !path.is_empty() => {
            let name = path.rsplit('/').next().unwrap_or(path);
            match deed {
                // Whether xinetd has a service is said by its file alone.
                _ if of_xinetd(name, kinds)?.is_some() => 0,
                Deed::Add => add(name)?,
                Deed::Delete => delete(name)?,
                Deed::Override | Deed::List => instead(name)?,
            }
        }
        (Some(_), _) | (None, []) => return Err(usage()),
        (None, [name, rest @ ..]) => {
            return one(name, rest.first().map(String::as_str), call.levels.as_deref(), kinds);
        }
    };
    look_again();
    Ok(code)
}

fn look_again() {
    if let Some(manager) = Manager::find() {
        manager.reload();
    }
}

/// A question about a script, or a change of where it starts.
fn one(name: &str, state: Option<&str>, levels: Option<&str>, kinds: Kinds) -> Result<u8, End> {
    let levels = levels.map(|text| parse(text).ok_or_else(usage)).transpose()?.unwrap_or(0);
    if let Some(service) = of_xinetd(name, kinds)? {
        return one_of_xinetd(name, state, levels, service);
    }
    if let (Some(verb @ ("on" | "off")), true) = (state, is_native(name)) {
        return Ok(of_manager(name, verb));
    }
    match state {
        None => asked(name, levels),
        Some("on") => change(name, levels, State::On),
        Some("off") => change(name, levels, State::Off),
        Some("reset") => change(name, levels, State::Reset),
        Some("resetpriorities") => change(name, levels, State::Keep),
        Some(_) => Err(usage()),
    }
}

/// The service of xinetd that is meant: where there is a script of this name, only if somebody says so.
fn of_xinetd(name: &str, kinds: Kinds) -> Result<Option<xinetd::Service>, End> {
    let is_meant = match kinds {
        Kinds::All => !script::path(name).is_some_and(|path| path.exists()),
        Kinds::Sysv => false,
        Kinds::Xinetd => true,
    };
    match xinetd::read(name).filter(|_| is_meant) {
        None if kinds == Kinds::Xinetd => {
            let missing = script::plain(&std::io::ErrorKind::NotFound.into());
            Err(fault(&format!("error reading information on service {name}: {missing}")))
        }
        found => Ok(found),
    }
}

fn one_of_xinetd(name: &str, state: Option<&str>, levels: u32, service: xinetd::Service) -> Result<u8, End> {
    let on = match state {
        None if levels.count_ones() > 1 => {
            return Err(fault("only one runlevel may be specified for a chkconfig query"));
        }
        None => return Ok(u8::from(!(service.on && runs_xinetd()?))),
        Some("on") => true,
        Some("off") => false,
        Some("reset") => service.default,
        Some("resetpriorities") => return Ok(0),
        Some(_) => return Err(usage()),
    };
    // The original ends with this code and no word; a word helps.
    xinetd::set(name, on).map(|()| 0).map_err(|error| fault(&format!("service {name}: {}", script::plain(&error))))
}

/// Whether xinetd itself is on anywhere.
fn runs_xinetd() -> Result<bool, End> {
    Ok(read("xinetd")?.is_ok_and(|script| script.current != 0))
}

fn parse(text: &str) -> Option<u32> {
    let digits = text.chars().map(|digit| digit.to_digit(7).map(|level| 1 << level));
    digits.into_iter().try_fold(0, |bits, bit| bit.map(|bit| bits | bit)).filter(|_| !text.is_empty())
}

/// A service that svcd knows and that has no script.
fn is_native(name: &str) -> bool {
    let has_script = script::path(name).is_some_and(|path| path.exists());
    !has_script && Manager::find().is_some_and(|manager| manager.service(name).is_some())
}

fn of_manager(name: &str, verb: &str) -> u8 {
    let Some(manager) = Manager::find() else { return 1 };
    let word = if verb == "on" { "enable" } else { "disable" };
    manager.service(name).map_or(1, |known| known.act(&[word.to_owned()]))
}

/// 0 if it is on in the level that is meant, or in the current one.
fn asked(name: &str, levels: u32) -> Result<u8, End> {
    if levels.count_ones() > 1 {
        return Err(fault("only one runlevel may be specified for a chkconfig query"));
    }
    let Ok(script) = read(name)? else {
        let manager = Manager::find();
        let known = manager.as_ref().and_then(|manager| manager.service(name));
        return Ok(u8::from(!known.is_some_and(|known| known.is_enabled())));
    };
    let level = if levels == 0 { current_level() } else { Some(levels.trailing_zeros()) };
    Ok(u8::from(level.is_none_or(|level| script.current >> level & 1 == 0)))
}

fn current_level() -> Option<u32> {
    let output = Command::new(below("/sbin/runlevel")).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    match text.lines().next()?.as_bytes() {
        [_, b' ', digit @ b'0'..=b'9'] => Some(u32::from(digit - b'0')),
        _ => None,
    }
}

/// Tells why there is no such script, and ends.
fn must(name: &str) -> Result<Script, End> {
    read(name)?.map_err(|no| {
        fault(&match no {
            No::Unsupported => format!("service {name} does not support chkconfig"),
            No::Fault(error) => format!("error reading information on service {name}: {}", script::plain(&error)),
        })
    })
}

fn check_root() -> Result<(), End> {
    let may = svc_platform::users::is_root() && below("/etc/rc3.d").exists();
    if may { Ok(()) } else { Err(fault("You do not have enough privileges to perform this operation.")) }
}

fn is_configured(name: &str) -> Result<bool, End> {
    for level in 0..7 {
        if !links(name, level)?.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn list(kinds: Kinds) -> Result<u8, End> {
    if kinds != Kinds::Xinetd {
        let mut all = scripts::all()?;
        all.sort_by(|one, other| one.name.cmp(&other.name));
        for script in all {
            if is_configured(&script.name)? {
                show(&script.name)?;
            }
        }
    }
    if kinds != Kinds::Sysv && runs_xinetd()? {
        say("\nxinetd based services:\n");
        let all = xinetd::all()
            .map_err(|error| fault(&format!("failed to open directory /etc/xinetd.d: {}", script::plain(&error))))?;
        for (name, service) in all {
            say(&format!("\t{:<15}\t{}\n", format!("{name}:"), word(service.on)));
        }
    }
    Ok(0)
}

fn word(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}

fn show_one(name: &str, kinds: Kinds) -> Result<u8, End> {
    if let Some(service) = of_xinetd(name, kinds)? {
        say(&format!("{name:<15}\t{}\n", word(service.on)));
        return Ok(0);
    }
    must(name)?;
    if !is_configured(name)? {
        return Err(fault(&format!(
            "service {name} supports chkconfig, but is not referenced in any runlevel (run 'chkconfig --add {name}')"
        )));
    }
    show(name)?;
    Ok(0)
}

fn show(name: &str) -> Result<(), End> {
    let mut row = format!("{name:<15}");
    for level in 0..7 {
        row += &format!("\t{level}:{}", word(scripts::is_on(name, level)?));
    }
    say(&format!("{row}\n"));
    Ok(())
}

fn add(name: &str) -> Result<u8, End> {
    let mut script = must(name)?;
    check_root()?;
    if script.reading.lsb {
        if !is_configured(name)? {
            script.current = script.reading.levels;
        }
        arrange(&mut script)?;
        return Ok(0);
    }
    for level in 0..7 {
        if links(name, level)?.is_empty() {
            set(&script, level, script.reading.levels >> level & 1 == 1)?;
        }
    }
    Ok(0)
}

fn delete(name: &str) -> Result<u8, End> {
    must(name)?;
    check_root()?;
    for level in 0..7 {
        remove(name, level)?;
    }
    Ok(0)
}

/// Puts the administrator's file in force, if nobody has changed the links since the script was added.
fn instead(name: &str) -> Result<u8, End> {
    let (Ok(own), Some(other)) = (scripts::own(name), scripts::instead(name)) else { return Ok(0) };
    check_root()?;
    let mut theirs = own.clone();
    scripts::overlay(&mut theirs, other);
    let of = |reading: &svc_compat::header::redhat::Reading| (reading.levels, reading.start, reading.stop);
    if of(&own) == of(&theirs) {
        return Ok(0);
    }
    let mut before = Script { name: name.to_owned(), reading: own, current: 0 };
    let mut after = Script { name: name.to_owned(), reading: theirs, current: 0 };
    for script in [&mut before, &mut after] {
        if script.reading.lsb && is_open(script.reading.start, script.reading.stop) {
            arrange(script)?;
        }
    }
    let mut configured = false;
    for level in 0..7 {
        let Some(link) = links(name, level)?.into_iter().next() else { continue };
        configured = true;
        let on = before.reading.levels >> level & 1 == 1;
        let number = if on { before.reading.start } else { before.reading.stop };
        if (link.kind == 'S') != on || link.number != number {
            return Ok(0);
        }
    }
    if configured {
        for level in 0..7 {
            set(&after, level, after.reading.levels >> level & 1 == 1)?;
        }
    }
    Ok(0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    On,
    Off,
    /// As the header has it.
    Reset,
    /// As it is, with the numbers of the header.
    Keep,
}

fn change(name: &str, levels: u32, state: State) -> Result<u8, End> {
    let is_switch = matches!(state, State::On | State::Off);
    let levels = if levels != 0 {
        levels
    } else if is_switch {
        NORMAL
    } else {
        ALL
    };
    let mut script = must(name)?;
    check_root()?;
    let each = (0..7).filter(|level| levels >> level & 1 == 1);
    match state {
        State::On => script.current |= levels,
        // As the original computes it: all but one level, for each of them.
        State::Off => each.clone().for_each(|level| script.current |= !(1 << level)),
        State::Reset => script.current = script.reading.levels,
        State::Keep => {}
    }
    if script.reading.lsb {
        arrange(&mut script)?;
    }
    let mut code = 0;
    for level in each {
        let on = match state {
            State::On => true,
            State::Off => false,
            State::Reset => script.reading.levels >> level & 1 == 1,
            State::Keep => scripts::is_on(name, level)?,
        };
        code |= set(&script, level, on)?;
    }
    look_again();
    Ok(code)
}
