//! `service` in FreeBSD's grammar.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use svc_compat::order::rcorder::{File, Options, rcorder};

use super::rcconf;

const BASE: &str = "/etc/rc.d";
const DIVIDER: &str = "========= Early/Late Divider =========";
/// What of the caller's environment reaches a script: the marks by which it knows that it is run by svc.
const KEPT: [&str; 4] = ["SVC_ROOT", "SVC_RUN", "SVC_SOCKET", "SVC_SKIP_REDIRECT"];
/// What the login class `daemon` sets.
const CLASS: [(&str, &str); 3] = [("BLOCKSIZE", "K"), ("LANG", "C.UTF-8"), ("MM_CHARSET", "UTF-8")];
const SEARCH: &str = "/sbin:/bin:/usr/sbin:/usr/bin";

const USAGE: &str = "
Usage:
service [-j <jail name or id>] -e
service [-j <jail name or id>] [-q] -R
service [-j <jail name or id>] [-v] -l
service [-j <jail name or id>] [-v] -r
service [-j <jail name or id>] [-dqv] [-E var=value] <rc.d script> start|stop|etc.
service -h

-d\t\tEnable debugging of rc.d scripts
-j\t\tPerform actions within the named jail
-E n=val\tSet variable n to val before executing the rc.d script
-e\t\tShow services that are enabled
-R\t\tStop and start enabled /usr/local/etc/rc.d services
-l\t\tList all scripts in /etc/rc.d and /usr/local/etc/rc.d
-r\t\tShow the results of boot time rcorder
-q\t\tquiet
-v\t\tVerbose

";

/// The command line.
#[derive(Debug, Default)]
struct Call {
    enabled: bool,
    restart: bool,
    list: bool,
    order: bool,
    quiet: bool,
    verbose: bool,
    debug: bool,
    jail: Option<String>,
    /// As they were given: the original splits them again.
    variables: Vec<String>,
    words: Vec<String>,
}

/// What comes of a command line that is no call.
enum Odd {
    Help,
    Fault(String),
}

pub(super) fn run(words: &[String]) -> ExitCode {
    let call = match read(words) {
        Ok(call) => call,
        Err(Odd::Help) => {
            say(USAGE);
            return ExitCode::SUCCESS;
        }
        Err(Odd::Fault(fault)) => {
            eprint!("{fault}");
            say(USAGE);
            return ExitCode::FAILURE;
        }
    };
    let answer = match &call {
        Call { jail: Some(jail), .. } => {
            eprintln!("jexec: jail \"{jail}\" not found");
            Ok(ExitCode::FAILURE)
        }
        Call { enabled: true, .. } => enabled().map(|files| {
            files.iter().for_each(|file| say(&format!("{file}\n")));
            ExitCode::SUCCESS
        }),
        Call { restart: true, .. } => restart(&call),
        Call { list: true, .. } => list(&call),
        Call { order: true, .. } => order(&call),
        _ => script(&call),
    };
    answer.unwrap_or_else(|code| code)
}

fn read(words: &[String]) -> Result<Call, Odd> {
    let mut call = Call::default();
    let mut words = words.iter();
    while let Some(word) = words.clone().next().filter(|word| word.len() > 1 && word.starts_with('-')) {
        words.next();
        if word == "--" {
            break;
        }
        for (at, letter) in word.char_indices().skip(1) {
            let mut value = || {
                let joined = &word[at + 1..];
                let given = if joined.is_empty() { words.next().cloned() } else { Some(joined.to_owned()) };
                given.ok_or_else(|| Odd::Fault(format!("No arg for -{letter} option\n")))
            };
            match letter {
                'e' => call.enabled = true,
                'R' => call.restart = true,
                'l' => call.list = true,
                'r' => call.order = true,
                'q' => call.quiet = true,
                'v' => call.verbose = true,
                'd' => call.debug = true,
                'h' => return Err(Odd::Help),
                'j' => call.jail = Some(value()?),
                'E' => call.variables.push(value()?),
                _ => return Err(Odd::Fault(format!("Illegal option -{letter}\n"))),
            }
            if matches!(letter, 'j' | 'E') {
                break;
            }
        }
    }
    call.words = words.cloned().collect();
    let lists = call.enabled || call.restart || call.list || call.order;
    if call.words.is_empty() && !lists {
        return Err(Odd::Fault(String::new()));
    }
    Ok(call)
}

/// The scripts as rc(8) would run them, and the place of the divider among them.
fn ordered() -> Result<(Vec<String>, String), ExitCode> {
    let (local, divider) = rcconf::places()?;
    let mut files = scripts(BASE, |name, _| !name.ends_with(".pkgsave"));
    for directory in &local {
        files.extend(scripts(directory, |name, text| {
            !name.ends_with(".sample")
                && !name.ends_with(".pkgsave")
                && text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"# PROVIDE:"))
        }));
    }
    let given: Vec<File<'_>> =
        files.iter().map(|(name, text)| File { name: name.as_bytes(), text: text.as_slice() }).collect();
    let answer = rcorder(&given, &Options { skip: vec!["nostart".to_owned()], ..Options::default() });
    let names = answer.groups.concat().into_iter().map(|index| files[index].0.clone()).collect();
    Ok((names, divider))
}

fn scripts(directory: &str, wanted: impl Fn(&str, &[u8]) -> bool) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for name in rcconf::names(&rcconf::below(directory)) {
        let path = format!("{directory}/{name}");
        let place = rcconf::below(&path);
        if !is_executable(&place) {
            continue;
        }
        let Ok(text) = fs::read(&place) else { continue };
        if wanted(&name, &text) {
            found.push((path, text));
        }
    }
    found
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The scripts whose variable says yes. Only what stands in the script as a line of its own is known, as the original
/// has it: a default that the script sets later is not.
fn enabled() -> Result<Vec<String>, ExitCode> {
    let (files, _) = ordered()?;
    let lines = r#"
for file do
	(
		name= rcvar=
		grep -q '^rcvar' "${SVC_ROOT-}$file" || exit 0
		eval "$(grep '^name=' "${SVC_ROOT-}$file")"
		eval "$(grep '^rcvar' "${SVC_ROOT-}$file")"
		[ -n "$rcvar" ] || exit 0
		load_rc_config_var "$name" "$rcvar"
		checkyesno "$rcvar" 2>/dev/null && printf '%s\n' "$file"
	)
done
:"#;
    Ok(rcconf::ask(lines, &files)?.lines().map(str::to_owned).collect())
}

fn restart(call: &Call) -> Result<ExitCode, ExitCode> {
    let local = rcconf::places()?.0;
    let mut files = enabled()?;
    files.retain(|file| local.iter().any(|directory| file.starts_with(directory.as_str())));
    let starts = files.iter().map(|file| (file, "start"));
    for (file, verb) in files.iter().rev().map(|file| (file, "stop")).chain(starts) {
        let mut command = command(file, call);
        // What one service answers is no reason to leave out the next.
        let _ = command.arg(verb).status();
    }
    Ok(ExitCode::SUCCESS)
}

fn list(call: &Call) -> Result<ExitCode, ExitCode> {
    let (local, _) = rcconf::places()?;
    for directory in std::iter::once(BASE).chain(local.iter().map(String::as_str)) {
        if call.verbose {
            say(&format!("From {directory}:\n"));
        }
        for name in rcconf::names(&rcconf::below(directory)) {
            say(&format!("{name}\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn order(call: &Call) -> Result<ExitCode, ExitCode> {
    let (files, divider) = ordered()?;
    for file in files {
        say(&format!("{file}\n"));
        if call.verbose && file == format!("{BASE}/{divider}") {
            say(&format!("{DIVIDER}\n"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn script(call: &Call) -> Result<ExitCode, ExitCode> {
    let (local, _) = rcconf::places()?;
    let (name, rest) = call.words.split_first().expect("a call without a list names a script");
    let places = || std::iter::once(BASE).chain(local.iter().map(String::as_str));
    let Some(directory) = places().find(|place| is_executable(&rcconf::below(&format!("{place}/{name}")))) else {
        let directories = local.join(" ");
        say(&format!(
            "{name} does not exist in {BASE} or the local startup\ndirectories ({directories}), or is not executable\n"
        ));
        return Err(ExitCode::FAILURE);
    };
    if call.verbose {
        say(&format!("{name} is located in {directory}\n"));
    }
    // Words are split again, so that a value with a blank in it becomes a command that env(1) does not find.
    if let Some(word) = words_of(&call.variables).find(|word| !word.contains('=')) {
        if !call.quiet {
            eprintln!("env: {word}: No such file or directory");
        }
        return Err(ExitCode::from(127));
    }
    let path = format!("{directory}/{name}");
    let mut command = command(&path, call);
    let joined = rest.join(" ");
    if joined.contains(['*', '?', '[']) {
        let script = command.get_program().to_owned();
        command = dressed(Command::new("/bin/sh"), call);
        command.args(["-c", "exec \"$0\" $1"]).arg(script).arg(joined);
    } else {
        command.args(joined.split_whitespace());
    }
    let error = command.exec();
    eprintln!("env: {path}: {}", plain(&error));
    Err(ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 }))
}

/// A script, to be run as the original runs it.
fn command(path: &str, call: &Call) -> Command {
    dressed(Command::new(rcconf::below(path)), call)
}

fn dressed(mut command: Command, call: &Call) -> Command {
    command.env_clear().current_dir("/").env("HOME", "/").env("PATH", SEARCH).envs(CLASS);
    for name in KEPT {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    if call.debug {
        command.env("rc_debug", "yes");
    }
    for (name, value) in words_of(&call.variables).filter_map(|word| word.split_once('=')) {
        command.env(name, value);
    }
    if call.quiet {
        command.stdout(Stdio::null()).stderr(Stdio::null());
    }
    command
}

fn words_of(variables: &[String]) -> impl Iterator<Item = &str> {
    variables.iter().flat_map(|given| given.split_whitespace())
}

/// The system's sentence without Rust's number behind it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn say(text: &str) {
    // A reader who went away is no error of ours.
    let _ = io::stdout().write_all(text.as_bytes());
}
