//! The commands that a shell has itself, and where each other one is done.

use std::rc::Rc;

use super::flow::Flow;
use super::inner;
use super::record::{How, Launch, Ran};
use super::syntax::{self, Spot, Word, assigned};
use super::{Player, UNKNOWN, is_unknown};
use crate::library::{INIT_D_SCRIPT, INIT_FUNCTIONS};
use crate::text::base_name;

/// Sourced files in one another.
const SOURCED_DEPTH_MAX: usize = 12;

/// Commands that only say something, or change nothing that matters here.
const SILENT: &[&str] = &[
    "true",
    ":",
    "wait",
    "trap",
    "hash",
    "sleep",
    "usleep",
    "logger",
    "stty",
    "tput",
    "sync",
    "renice",
    "vlog_daemon_msg",
    "vlog_progress_msg",
    "log_daemon_msg",
    "log_progress_msg",
    "log_success_msg",
    "log_failure_msg",
    "log_warning_msg",
    "log_action_msg",
    "log_action_begin_msg",
    "log_action_cont_msg",
    "log_begin_msg",
    "init_is_upstart_off",
    "log_warn_msg",
    "log_info_msg",
    "log_error_msg",
    "log_debug_msg",
    "success",
    "failure",
    "warning",
    "passed",
    "rc_status",
    "rc_reset",
    "einfo",
    "ebegin",
    "ewarn",
    "eerror",
    "startmsg",
    "info",
    "debug",
    "warn",
    "chcon",
    "restorecon",
    "setterm",
    "clear",
    "bind",
    "disown",
    "unalias",
    "shopt",
    "fg",
    "bg",
    "times",
    "debconf-set-selections",
    "update-rc.d",
    "run_rc_script",
    "load_rc_config_var",
    "systemd-tmpfiles",
];

/// Libraries whose functions are known here.
const LIBRARIES: &[&str] = &[
    "init-functions",
    "functions",
    "rc.subr",
    "vars.sh",
    "functions.sh",
    "network.subr",
    "rc.status",
    "splash-functions-base",
];

impl Player<'_> {
    /// A command that is no function of the script.
    pub(super) fn command(&mut self, words: &[String], spot: &Spot) -> Flow {
        let name = if words[0].contains('/') && is_system(&words[0]) { base_name(&words[0]) } else { &words[0] };
        let name = name.to_string();
        if let Some(flow) = self.builtin(&name, words, spot) {
            return flow;
        }
        if let Some(flow) = self.launcher(&name, words, spot) {
            return flow;
        }
        if let Some(flow) = self.signalling(&name, words, spot) {
            return flow;
        }
        if let Some(flow) = self.wrapper(&name, words, spot) {
            return flow;
        }
        if let Some(flow) = self.rc_subr(&name, words, spot) {
            return flow;
        }
        if self.script.style == crate::Style::OpenrcRun
            && let Some(flow) = self.openrc(&name, words, spot)
        {
            return flow;
        }
        if let Some(flow) = self.on_files(&name, &words[1..], spot) {
            return flow;
        }
        if let Some(flow) = self.filter(&name, &words[1..]) {
            return flow;
        }
        self.direct(words, spot)
    }

    fn builtin(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        if SILENT.contains(&name) {
            return Some(self.ends(0));
        }
        let arguments = &words[1..];
        let first = arguments.first().map(String::as_str);
        Some(match name {
            "false" => self.ends(1),
            "echo" => self.echo(arguments),
            "printf" => self.printf(arguments),
            "[" | "[[" => self.question(&arguments[..arguments.len().saturating_sub(1)]),
            "test" => self.question(arguments),
            "cd" | "chdir" | "pushd" => {
                self.context.directory = first.map(String::from);
                self.ends(0)
            }
            "export" | "readonly" | "local" | "declare" | "typeset" => self.declare(name, arguments, spot),
            "eval" => {
                let text = arguments.join(" ");
                let node = syntax::read(&spot.file, spot.line, text.as_bytes());
                let carried = std::mem::replace(&mut self.carried, self.used.clone());
                let flow = self.run(&node);
                self.carried = carried;
                flow
            }
            "." | "source" => self.source(arguments, spot),
            "exit" | "return" => {
                let code = first.and_then(|code| code.parse().ok()).unwrap_or(self.status);
                self.ends(code);
                if name == "exit" { Flow::Exit } else { Flow::Return }
            }
            "err" => {
                self.ends(first.and_then(|code| code.parse().ok()).unwrap_or(1));
                Flow::Exit
            }
            "break" => Flow::Break(first.and_then(|count| count.parse().ok()).unwrap_or(1)),
            "continue" => Flow::Continue(first.and_then(|count| count.parse().ok()).unwrap_or(1)),
            "read" => self.read_line(arguments, spot),
            "command" | "type" | "which" | "is_call_implemented" => self.which(name, arguments, spot),
            "exec" if arguments.is_empty() => self.ends(0),
            "exec" => {
                let start = usize::from(first == Some("-a")) * 2;
                let flow = self.call(arguments.get(start..).filter(|rest| !rest.is_empty())?, spot);
                if flow == Flow::Next { Flow::Exit } else { flow }
            }
            "builtin" if first.is_some() => self.command(arguments, spot),
            "log_end_msg" | "log_action_end_msg" | "vlog_end_msg" | "eend" => {
                self.ends(first.and_then(|code| code.parse().ok()).unwrap_or(0))
            }
            "init_is_upstart" | "systemd_booted" | "is_systemd" => self.ends(1),
            "checkyesno" => {
                let value = first.and_then(|name| self.known(name)).unwrap_or_default().to_ascii_lowercase();
                self.ends(i32::from(!matches!(value.as_str(), "yes" | "true" | "on" | "1")))
            }
            _ => return self.variables(name, arguments),
        })
    }

    /// Commands about variables and arguments.
    fn variables(&mut self, name: &str, arguments: &[String]) -> Option<Flow> {
        let first = arguments.first().map(String::as_str);
        Some(match name {
            "set" => self.options(arguments),
            "shift" => {
                let count = first.and_then(|count| count.parse().ok()).unwrap_or(1).min(self.arguments.len());
                self.arguments.drain(..count);
                self.ends(0)
            }
            "unset" => {
                for name in arguments {
                    self.variables.remove(name);
                    if first == Some("-f") {
                        self.functions.remove(name);
                    }
                }
                self.ends(0)
            }
            "alias" => {
                for (name, value) in arguments.iter().filter_map(|word| word.split_once('=')) {
                    let text = format!("{value} \"$@\"");
                    let body = syntax::read(&Rc::from(self.script.path), 0, text.as_bytes());
                    self.functions.insert(name.to_string(), Rc::new(body));
                }
                self.ends(0)
            }
            "let" => self.ends(0),
            "getopts" => self.ends(1),
            "umask" => {
                if let Some(mask) = first.filter(|mask| !mask.starts_with('-')) {
                    self.context.umask = Some(mask.to_string());
                }
                self.ends(0)
            }
            "ulimit" => self.limit(arguments),
            _ => return None,
        })
    }

    fn echo(&mut self, arguments: &[String]) -> Flow {
        let options = arguments.iter().take_while(|word| matches!(word.as_str(), "-n" | "-e" | "-en" | "-ne")).count();
        let end = if arguments[..options].iter().any(|word| word.contains('n')) { "" } else { "\n" };
        let text = format!("{}{end}", arguments[options..].join(" "));
        self.print(&text);
        self.ends(0)
    }

    fn printf(&mut self, arguments: &[String]) -> Flow {
        let Some((format, values)) = arguments.split_first() else { return self.ends(0) };
        let mut values = values.iter();
        let mut pieces = format.split('%');
        let mut text = pieces.next().unwrap_or_default().to_string();
        for piece in pieces {
            match piece.chars().next() {
                Some('s' | 'd' | 'i' | 'b') => {
                    text.push_str(values.next().map_or("", String::as_str));
                    text.push_str(&piece[1..]);
                }
                _ => text.push(UNKNOWN),
            }
        }
        let text = text.replace("\\n", "\n").replace("\\t", "\t");
        self.print(&text);
        self.ends(0)
    }

    fn declare(&mut self, name: &str, arguments: &[String], spot: &Spot) -> Flow {
        for argument in arguments.iter().filter(|word| !word.starts_with('-')) {
            if let Some((variable, append, value)) = assigned(argument) {
                let before = if append { self.known(variable).unwrap_or_default() } else { String::new() };
                self.set(variable, format!("{before}{value}"), spot);
            }
            let variable = argument.split(['=', '+']).next().unwrap_or_default();
            if name == "export"
                && let Some(known) = self.variables.get_mut(variable)
            {
                known.exported = true;
            }
        }
        self.ends(0)
    }

    fn options(&mut self, arguments: &[String]) -> Flow {
        let mut rest = arguments;
        while let Some((first, after)) = rest.split_first() {
            let on = first.starts_with('-');
            match first.as_str() {
                "--" => {
                    self.arguments = after.to_vec();
                    break;
                }
                "-o" | "+o" => rest = &after[after.len().min(1)..],
                option if option.len() > 1 && (on || option.starts_with('+')) => {
                    if option.contains('e') {
                        self.stops_at_errors = on;
                    }
                    if option.contains('a') {
                        self.exports_all = on;
                    }
                    rest = after;
                }
                _ => {
                    self.arguments = rest.to_vec();
                    break;
                }
            }
        }
        self.ends(0)
    }

    fn source(&mut self, arguments: &[String], spot: &Spot) -> Flow {
        let Some(path) = arguments.first() else { return self.ends(0) };
        let library = path.ends_with("/init-d-script");
        if !library && LIBRARIES.contains(&base_name(path)) {
            if path.ends_with("vars.sh") {
                self.set("VERBOSE", "no".to_string(), spot);
            }
            return self.ends(0);
        }
        let own = path == self.script.path || *path == self.name;
        let text = match (library, own) {
            (true, _) => Some(INIT_D_SCRIPT.text.as_bytes().to_vec()),
            (_, true) => Some(self.script.text.to_vec()),
            _ if path == INIT_FUNCTIONS.path => return self.ends(0),
            _ => self.tree.read(path),
        };
        let sourced = self.record.sourced.iter().filter(|(old, _)| old == path).count();
        let Some(text) = text.filter(|_| sourced < SOURCED_DEPTH_MAX) else {
            self.record.sourced_unknown |= self.tree.is_partial() || path.contains(is_unknown);
            let guarded = self.presumed_files.contains(path);
            let asked = path.contains(is_unknown) || path.starts_with("/etc/default/") || self.asking > 0;
            if !guarded && !asked && path.starts_with('/') {
                self.record.missing.push((path.clone(), spot.clone()));
            }
            return if self.tree.is_partial() { self.may_end(0) } else { self.ends(1) };
        };
        if !library && !own {
            self.record.sourced.push((path.clone(), spot.clone()));
        }
        let node = syntax::read(&Rc::from(path.as_str()), 1, &text);
        let kept = (arguments.len() > 1).then(|| std::mem::replace(&mut self.arguments, arguments[1..].to_vec()));
        let flow = self.run(&node);
        if let Some(kept) = kept {
            self.arguments = kept;
        }
        if flow == Flow::Return { Flow::Next } else { flow }
    }

    fn read_line(&mut self, arguments: &[String], spot: &Spot) -> Flow {
        let names: Vec<&String> = arguments.iter().filter(|word| !word.starts_with('-')).collect();
        let Some(input) = self.input.clone().filter(|input| !input.is_empty()) else { return self.ends(1) };
        let (line, rest) = input.split_once('\n').unwrap_or((&input, ""));
        let mut words = line.split_whitespace();
        for (at, name) in names.iter().enumerate() {
            let value = match at + 1 == names.len() {
                _ if line.contains(is_unknown) => UNKNOWN.to_string(),
                true => words.by_ref().collect::<Vec<_>>().join(" "),
                false => words.next().unwrap_or_default().to_string(),
            };
            self.set(name, value, spot);
            if let Some(variable) = self.variables.get_mut(*name) {
                variable.made_of = Rc::clone(&self.input_of);
            }
        }
        self.input = Some(rest.to_string());
        self.ends(0)
    }

    fn limit(&mut self, arguments: &[String]) -> Flow {
        let mut resource = 'f';
        for argument in arguments {
            match argument.strip_prefix('-') {
                Some(options) => resource = options.chars().rfind(|found| !"HS".contains(*found)).unwrap_or(resource),
                None => {
                    self.context.limits.insert(resource.to_string(), argument.clone());
                }
            }
        }
        self.ends(0)
    }

    fn which(&mut self, name: &str, arguments: &[String], spot: &Spot) -> Flow {
        let looks = name != "command" || arguments.first().is_some_and(|word| word == "-v" || word == "-V");
        if !looks {
            let rest: Vec<String> = arguments.iter().filter(|word| *word != "-p").cloned().collect();
            return if rest.is_empty() { self.ends(0) } else { self.command(&rest, spot) };
        }
        let Some(wanted) = arguments.iter().find(|word| !word.starts_with('-')) else { return self.ends(1) };
        if self.functions.contains_key(wanted) {
            self.print(&format!("{wanted}\n"));
            return self.ends(0);
        }
        if name == "is_call_implemented" || wanted.ends_with("_override") || wanted.starts_with("do_") {
            return self.ends(1);
        }
        let found = if wanted.starts_with('/') { Some(wanted.clone()) } else { self.tree.program(wanted) };
        let known =
            ["start-stop-daemon", "log_daemon_msg", "pidofproc", "status_of_proc", "logger", "id", "su", "pidof"];
        match found.or_else(|| known.contains(&wanted.as_str()).then(|| format!("/usr/bin/{wanted}"))) {
            Some(path) => {
                self.print(&format!("{path}\n"));
                self.ends(0)
            }
            None if self.tree.is_partial() => {
                self.print(&format!("/usr/bin/{wanted}\n"));
                self.may_end(0)
            }
            None => self.ends(1),
        }
    }

    /// A program that is run by its name.
    fn direct(&mut self, words: &[String], spot: &Spot) -> Flow {
        if words[0].contains(is_unknown) {
            return self.may_end(0);
        }
        if words.len() == 1 && is_element(&words[0]) {
            return self.ends(0);
        }
        let asked = self.asking > self.asking_outside;
        let mut command = words.to_vec();
        if !command[0].contains('/')
            && let Some(path) = self.tree.program(&command[0])
        {
            command[0] = path;
        }
        let background = !self.context.wrappers.is_empty();
        let how = if background { How::Background } else { How::Direct };
        let captured = self.outputs.len() > 1 && self.context.output.is_none();
        // What is printed by a shell of its own: `$(sh -c '. FILE; echo $NAME')`.
        if captured && let Some((text, words)) = inner::read_by_shell(&command) {
            return self.apart(|player| player.evaluate_with(&text, &words, spot));
        }
        if !captured && (background || command[0].starts_with('/')) {
            let launch = self.launch(how, command.clone(), spot);
            self.launched(Launch { background, ..launch });
            if background {
                self.running = true;
            }
        }
        if captured {
            self.print(&UNKNOWN.to_string());
        }
        let user = self.context.user.clone();
        self.record.ran.push(Ran { command, user, spot: spot.clone(), asked });
        self.may_end(0)
    }

    /// The words that stand for arguments joined, for functions that evaluate them.
    pub(super) fn evaluate(&mut self, text: &str, spot: &Spot) -> Flow {
        let node = syntax::read(&spot.file, spot.line, text.as_bytes());
        self.run(&node)
    }

    /// The same with words of its own behind the text: the first is its name.
    pub(super) fn evaluate_with(&mut self, text: &str, words: &[String], spot: &Spot) -> Flow {
        let Some((name, arguments)) = words.split_first() else { return self.evaluate(text, spot) };
        let kept = (
            std::mem::replace(&mut self.name, name.clone()),
            std::mem::replace(&mut self.arguments, arguments.to_vec()),
        );
        let flow = self.evaluate(text, spot);
        (self.name, self.arguments) = kept;
        flow
    }

    /// The fields of a text that is expanded as unquoted words.
    pub(super) fn words_of(&mut self, text: &str, spot: &Spot) -> Vec<String> {
        let word = Word { text: text.to_string(), spot: spot.clone() };
        text_words(&word.text).iter().flat_map(|piece| self.fields(piece, spot)).collect()
    }
}

/// `NAME[0]=value`: one of an array of bash.
fn is_element(word: &str) -> bool {
    let name = word.split_once("]=").and_then(|(name, _)| name.split_once('[')).map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_'))
}

/// The words of a text as a shell cuts them.
fn text_words(text: &str) -> Vec<String> {
    let pieces = crate::shell::tokens(text.as_bytes());
    let words = pieces.iter().filter(|token| token.kind == crate::shell::TokenKind::Word);
    words.filter_map(|token| text.get(token.start..token.end)).map(String::from).collect()
}

/// Whether a path is where a system has its own programs.
fn is_system(path: &str) -> bool {
    let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
    matches!(directory, "/bin" | "/sbin" | "/usr/bin" | "/usr/sbin" | "/lib/init")
}
