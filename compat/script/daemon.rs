//! Whether a script's start is meant to leave a daemon, and which program and pid file that has.

use super::{Script, Style};
use crate::policy::ONE_SHOT;
use crate::shell::{Command, Shell, Values, WordSpan, literal};

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) daemon: bool,
    pub(super) programs: Vec<String>,
    pub(super) pid_files: Vec<String>,
}

pub(super) fn look(script: &Script, shell: &Shell<'_>, values: &Values) -> Found {
    let mut found = Found::default();
    let daemon = match script.style {
        Style::Own | Style::Foreign => {
            let started = launches(shell, values, &mut found);
            let pid_file_used = named(shell, values, &mut found);
            started
                || pid_file_used
                || !script.pid_files.is_empty()
                || in_background(shell)
                || goes_into_background(shell, values, &found.programs)
        }
        Style::InitDScript => init_d_script(script, shell, values, &mut found),
        Style::RcSubr => rc_subr(shell, values, &mut found),
        Style::OpenBsd => {
            path(&mut found.programs, values.first("daemon"));
            !found.programs.is_empty() && !shell.defines("rc_start")
        }
        Style::OpenrcRun => openrc_run(shell, values, &mut found),
    };
    found.daemon = daemon && !ONE_SHOT.contains(&script.name.as_str());
    found
}

fn path(list: &mut Vec<String>, found: Option<&str>) {
    let Some(found) = found else { return };
    let plain = found.starts_with('/')
        && found.len() > 1
        && !found.contains(|odd: char| odd.is_whitespace() || "*?[".contains(odd));
    if plain && !list.iter().any(|old| old == found) {
        list.push(found.to_string());
    }
}

/// Calls of the tools that leave daemons behind.
fn launches(shell: &Shell<'_>, values: &Values, found: &mut Found) -> bool {
    let mut started = false;
    for (_, words) in shell.calls("start-stop-daemon", values) {
        let call = Options::of(shell, words, values);
        path(&mut found.pid_files, call.pid_file.as_deref());
        if call.starts && !call.tests {
            started = true;
            path(&mut found.programs, call.program.as_deref());
        }
    }
    for (name, defined) in [("start_daemon", false), ("startproc", false), ("daemon", shell.defines("daemon"))] {
        for (command, words) in shell.calls(name, values) {
            // `log_msg "starting daemon"` is no call; a function of the script's own is read where it calls others.
            if defined || !leads(command, words) {
                continue;
            }
            started = true;
            launcher(words[1..].iter().flat_map(|word| values.expand(shell.bytes(*word)).into_iter().next()), found);
        }
    }
    started || shell.calls("supervise-daemon", values).iter().any(|(command, words)| leads(command, words))
}

/// Whether one of these programs is told to become a daemon by itself: `$DAEMON -D`.
fn goes_into_background(shell: &Shell<'_>, values: &Values, programs: &[String]) -> bool {
    let is_told = |command: &Command| {
        let mut words = command.words.iter().map(|word| values.expand(shell.bytes(*word)));
        let program = words.next().into_iter().flatten().next();
        program.is_some_and(|program| programs.contains(&program))
            && words.flatten().any(|word| matches!(word.as_str(), "-D" | "--daemon" | "--daemonize"))
    };
    shell.commands.iter().any(is_told)
}

/// What `start_daemon -n 5 -p FILE PROGRAM` and `daemon --user=WHO --pidfile FILE PROGRAM` say.
fn launcher(mut arguments: impl Iterator<Item = String>, found: &mut Found) {
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-p" | "--pidfile" => path(&mut found.pid_files, arguments.next().as_deref()),
            "-n" | "-u" | "-g" | "-l" | "-t" | "--user" | "--check" => drop(arguments.next()),
            other if other.starts_with('/') => return path(&mut found.programs, other.split_whitespace().next()),
            other => path(&mut found.pid_files, other.strip_prefix("--pidfile=")),
        }
    }
}

/// Whether these words begin the command, but for words that run another command.
fn leads(command: &Command, words: &[WordSpan]) -> bool {
    command.words.len() - words.len() <= 1
}

/// The arguments as the program gets them; `None` for one that only running the script would tell. A variable without
/// quotes is split at blanks, as a shell does.
fn arguments(shell: &Shell<'_>, words: &[WordSpan], values: &Values) -> Vec<Option<String>> {
    let mut out = Vec::new();
    for word in words {
        let bytes = shell.bytes(*word);
        match values.expand(bytes).into_iter().next() {
            Some(value) if bytes.starts_with(b"$") => {
                out.extend(value.split_whitespace().map(|part| Some(part.to_string())))
            }
            other => out.push(other),
        }
    }
    out
}

/// What a call of start-stop-daemon says.
#[derive(Default)]
struct Options {
    starts: bool,
    tests: bool,
    program: Option<String>,
    pid_file: Option<String>,
}

impl Options {
    fn of(shell: &Shell<'_>, words: &[WordSpan], values: &Values) -> Self {
        let mut out = Self::default();
        let mut startas = None;
        let mut name_next: Option<char> = None;
        for value in arguments(shell, &words[1..], values) {
            if let Some(option) = name_next.take() {
                match option {
                    'p' => out.pid_file = value,
                    'x' => out.program = value,
                    'a' => startas = value,
                    _ => {}
                }
                continue;
            }
            let Some(text) = value else { continue };
            match text.as_str() {
                "--" => break,
                "--start" => out.starts = true,
                "--test" => out.tests = true,
                "--pidfile" => name_next = Some('p'),
                "--exec" => name_next = Some('x'),
                "--startas" => name_next = Some('a'),
                "--name" | "--user" | "--chuid" | "--chdir" | "--group" | "--nicelevel" | "--signal" | "--retry" => {
                    name_next = Some('-');
                }
                long if long.starts_with("--") => {
                    if let Some(file) = long.strip_prefix("--pidfile=") {
                        out.pid_file = Some(file.to_string());
                    } else if let Some(file) = long.strip_prefix("--exec=") {
                        out.program = Some(file.to_string());
                    } else if let Some(file) = long.strip_prefix("--startas=") {
                        startas = Some(file.to_string());
                    }
                }
                cluster if cluster.starts_with('-') => name_next = out.cluster(&cluster[1..]),
                _ => {}
            }
        }
        out.program = startas.or(out.program);
        out
    }

    /// One word of short options; the last of them may want the next word.
    fn cluster(&mut self, options: &str) -> Option<char> {
        for (at, option) in options.char_indices() {
            let rest = &options[at + option.len_utf8()..];
            match option {
                'S' => self.starts = true,
                't' => self.tests = true,
                'p' | 'x' | 'a' | 'n' | 'u' | 'c' | 'd' | 'g' | 'N' | 's' | 'R' | 'r' | 'k' | 'P' | 'I' | 'O'
                    if rest.is_empty() =>
                {
                    return Some(option);
                }
                'p' => self.pid_file = Some(rest.to_string()),
                'x' | 'a' => self.program = Some(rest.to_string()),
                _ => continue,
            }
            if matches!(option, 'p' | 'x' | 'a') {
                return None;
            }
        }
        None
    }
}

/// Whether starting leaves a command in the background.
fn in_background(shell: &Shell<'_>) -> bool {
    shell.commands.iter().filter(|command| command.background).any(|command| {
        let function = command.place.function.is_some_and(|at| shell.functions[at].name.contains("start"));
        let arm = command.place.arm.is_some_and(|(case, arm)| {
            shell.cases[case].arms[arm]
                .patterns
                .iter()
                .any(|pattern| literal(shell.bytes(*pattern)).is_some_and(|text| text == "start"))
        });
        function || arm
    })
}

/// Whether a variable is used in a command.
fn used(shell: &Shell<'_>, name: &str) -> bool {
    let (plain, braced) = (format!("${name}"), format!("${{{name}"));
    let mut words = shell.commands.iter().flat_map(|command| &command.words);
    words.any(|word| {
        let text = crate::text::decode(shell.bytes(*word));
        text.contains(&plain) || text.contains(&braced)
    })
}

/// So many variables that name a pid file are looked for.
const NAMES_MAX: usize = 32;

/// Variables by whose names daemons and pid files are known. True if one that names a pid file is used.
fn named(shell: &Shell<'_>, values: &Values, found: &mut Found) -> bool {
    let (mut pid_file_used, mut looked) = (false, 0);
    for (name, known) in values.iter() {
        let lower = name.to_ascii_lowercase();
        if lower.ends_with("pidfile") || lower.ends_with("pid_file") || lower == "pid" {
            path(&mut found.pid_files, known.first().map(String::as_str).filter(|file| file.contains("pid")));
            if looked < NAMES_MAX {
                looked += 1;
                pid_file_used = pid_file_used || used(shell, name);
            }
        }
        if lower == "daemon" || lower == "daemon_bin" {
            path(&mut found.programs, known.first().map(String::as_str));
        }
    }
    pid_file_used
}

fn init_d_script(script: &Script, shell: &Shell<'_>, values: &Values, found: &mut Found) -> bool {
    let program = values.first("DAEMON");
    path(&mut found.programs, program);
    let own_start =
        shell.defines("do_start_cmd_override") || shell.defines("do_start_override") || shell.defines("do_start_cmd");
    if own_start {
        let started = launches(shell, values, found);
        named(shell, values, found);
        return started || in_background(shell);
    }
    let Some(program) = program.filter(|program| *program != "none" && !program.is_empty()) else { return false };
    match values.first("PIDFILE") {
        Some("none") => {}
        Some(file) => path(&mut found.pid_files, Some(file)),
        None => {
            let name = values.first("NAME").unwrap_or_else(|| program.rsplit('/').next().unwrap_or(&script.name));
            path(&mut found.pid_files, Some(&format!("/var/run/{name}.pid")));
        }
    }
    true
}

fn rc_subr(shell: &Shell<'_>, values: &Values, found: &mut Found) -> bool {
    path(&mut found.pid_files, values.first("pidfile"));
    let command = values.first("procname").or_else(|| values.first("command"));
    path(&mut found.programs, command);
    let own_start = values.first("start_cmd").is_some_and(|start| !start.is_empty());
    if !own_start {
        return values.first("command").is_some_and(|command| !command.is_empty()) || has(shell, "command");
    }
    !found.pid_files.is_empty() || has(shell, "pidfile") || launches(shell, values, found)
}

/// Whether a variable is set to something, known or not.
fn has(shell: &Shell<'_>, name: &str) -> bool {
    shell.assignments().iter().any(|assignment| {
        let value = shell.bytes(assignment.value);
        assignment.name == name && !value.is_empty() && value != b"\"\""
    })
}

fn openrc_run(shell: &Shell<'_>, values: &Values, found: &mut Found) -> bool {
    path(&mut found.programs, values.first("command"));
    path(&mut found.pid_files, values.first("pidfile"));
    if shell.defines("start") {
        return launches(shell, values, found);
    }
    has(shell, "command")
}
