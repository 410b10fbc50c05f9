//! Commands that run another command: as another user, in the background, with another priority.

use super::Player;
use super::flow::Flow;
use super::launch::who;
use super::syntax::Spot;

/// Options that take a value, by the wrapper.
const VALUES: &[(&str, &[&str])] = &[
    ("env", &["-u", "--unset", "-C"]),
    ("nice", &["-n", "--adjustment"]),
    ("ionice", &["-c", "-n", "-p"]),
    ("setsid", &[]),
    ("nohup", &[]),
    ("timeout", &["-s", "-k", "--signal"]),
    ("chroot", &["--userspec", "--groups"]),
    ("runuser", &["-u", "-g", "-G", "-s", "-c", "--user", "--shell", "--command", "--session-command"]),
    ("su", &["-s", "-c", "-g", "-G", "--shell", "--command", "--session-command"]),
    ("sudo", &["-u", "-g", "-C", "-h", "-p", "--user", "--group", "--chdir", "-D"]),
    ("doas", &["-u", "-C"]),
    ("gosu", &[]),
    ("s6-setuidgid", &[]),
    ("setuidgid", &[]),
    ("envuidgid", &[]),
    ("chpst", &["-u", "-U", "-b", "-e", "-/", "-n", "-l", "-L", "-m", "-d", "-o", "-p", "-f", "-c"]),
    ("schedtool", &["-e"]),
    ("taskset", &["-c", "-p", "--cpu-list", "--pid"]),
    (
        "numactl",
        &["-i", "-w", "-p", "-P", "-m", "-N", "-C", "--interleave", "--membind", "--cpunodebind", "--preferred"],
    ),
    ("chrt", &["-p", "-T", "-P", "-D"]),
    ("prlimit", &["-p", "--pid", "-n", "-u", "-c", "-f", "-l", "-s", "-v", "-d"]),
    ("capsh", &[]),
    ("choom", &["-n"]),
    ("setpriv", &["--reuid", "--regid", "--groups", "--securebits", "--inh-caps", "--ambient-caps", "--bounding-set"]),
    ("stdbuf", &["-i", "-o", "-e"]),
    ("time", &[]),
    ("limits", &["-C", "-U"]),
    ("supervise-daemon", &["-p", "-u", "-d", "-r", "-D", "-m", "-1", "-2", "--pidfile", "--user"]),
];

/// What they do to a daemon is said by no key of a definition.
const UNSAID: &[&str] = &["ionice", "schedtool", "taskset", "numactl", "chrt", "choom", "capsh"];

/// Limits as prlimit calls them, and as ulimit does.
const LIMITS: &[(&str, &str)] = &[
    ("nofile", "n"),
    ("nproc", "u"),
    ("core", "c"),
    ("fsize", "f"),
    ("memlock", "l"),
    ("stack", "s"),
    ("as", "v"),
    ("data", "d"),
];

/// `taskset -c 0 PROGRAM`, `taskset -p ...`: no mask stands before the program.
fn places_only(name: &str, wrapped: &Wrapped) -> bool {
    let is_list = |option: &str| matches!(option, "-c" | "--cpu-list" | "-p" | "--pid");
    name == "taskset" && wrapped.options.iter().any(|(option, _)| is_list(option))
}

/// The text of `-c TEXT`.
fn shell_text(words: &[String]) -> Option<String> {
    let at = words.iter().position(|word| word.starts_with('-') && word.contains('c'))?;
    words.get(at + 1).cloned()
}

struct Wrapped {
    options: Vec<(String, String)>,
    flags: Vec<String>,
    rest: Vec<String>,
}

fn read(name: &str, words: &[String]) -> Option<Wrapped> {
    let (_, valued) = VALUES.iter().find(|(known, _)| *known == name)?;
    let mut out = Wrapped { options: Vec::new(), flags: Vec::new(), rest: Vec::new() };
    let mut words = words.iter();
    // su takes options after the user, too.
    let permutes = matches!(name, "su" | "runuser");
    while let Some(word) = words.next() {
        if word == "--" {
            out.rest.extend(words.cloned());
            break;
        }
        let long = word.split_once('=').filter(|(option, _)| valued.contains(option));
        if let Some((option, value)) = long {
            out.options.push((option.to_string(), value.to_string()));
        } else if valued.contains(&word.as_str()) {
            out.options.push((word.clone(), words.next().cloned().unwrap_or_default()));
        } else if let Some(option) = valued.iter().find(|option| option.len() == 2 && word.starts_with(**option)) {
            out.options.push(((*option).to_string(), word[2..].to_string()));
        } else if word.starts_with('-') && word.len() > 1 {
            out.flags.push(word.clone());
        } else {
            out.rest.push(word.clone());
            let named = out.options.iter().any(|(option, _)| option == "-u" || option == "--user");
            if !permutes || (name == "runuser" && named) {
                out.rest.extend(words.cloned());
                break;
            }
        }
    }
    Some(out)
}

fn value(wrapped: &Wrapped, names: &[&str]) -> Option<String> {
    wrapped.options.iter().find(|(option, _)| names.contains(&option.as_str())).map(|(_, value)| value.clone())
}

impl Player<'_> {
    pub(super) fn wrapper(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        let mut wrapped = read(name, &words[1..])?;
        let kept = self.context.clone();
        let text = self.takes_on(name, &mut wrapped);
        if UNSAID.contains(&name) && (text.is_some() || !wrapped.rest.is_empty()) {
            let own = words.len() - wrapped.rest.len();
            self.context.unsaid.push(words[..own].join(" "));
        }
        let flow = match text {
            Some(text) => {
                self.evaluate_with(&text, &wrapped.rest, spot);
                Flow::Next
            }
            None if wrapped.rest.is_empty() => self.ends(0),
            None => self.call(&wrapped.rest, spot),
        };
        self.context = kept;
        Some(if flow == Flow::Exit && name != "env" { Flow::Next } else { flow })
    }

    /// Takes on what a starter does to what it starts; the text that a shell is to read, if there is one.
    fn takes_on(&mut self, name: &str, wrapped: &mut Wrapped) -> Option<String> {
        match name {
            "chpst" => {
                who(&mut self.context, value(wrapped, &["-u"]).as_deref(), None);
                self.context.nice = value(wrapped, &["-n"]).or(self.context.nice.take());
            }
            "nice" => {
                let short = wrapped.flags.iter().find_map(|flag| flag.trim_start_matches('-').parse::<i32>().ok());
                let nice = value(wrapped, &["-n", "--adjustment"]).or(short.map(|nice| nice.to_string()));
                self.context.nice = nice.or(Some("10".to_string()));
            }
            "chroot" if !wrapped.rest.is_empty() => self.context.chroot = Some(wrapped.rest.remove(0)),
            "prlimit" => self.takes_limits(wrapped),
            "taskset" | "chrt" if places_only(name, wrapped) => {}
            "timeout" | "taskset" | "chrt" if !wrapped.rest.is_empty() => drop(wrapped.rest.remove(0)),
            "env" => {
                wrapped.rest = std::mem::take(&mut wrapped.rest).into_iter().skip_while(|word| word == "-").collect();
                while let Some((name, value)) = wrapped.rest.first().and_then(|word| word.split_once('=')) {
                    self.context.environment.insert(name.to_string(), value.to_string());
                    wrapped.rest.remove(0);
                }
            }
            _ => return self.takes_user(name, wrapped),
        }
        None
    }

    /// The same for starters that are there for a user.
    fn takes_user(&mut self, name: &str, wrapped: &mut Wrapped) -> Option<String> {
        match name {
            "su" | "runuser" => {
                let user = value(wrapped, &["-u", "--user"]);
                let user = match user {
                    Some(user) => Some(user),
                    None => {
                        wrapped.rest.retain(|word| word != "-");
                        let first = (!wrapped.rest.is_empty()).then(|| wrapped.rest.remove(0));
                        first.or(Some("root".to_string()))
                    }
                };
                who(&mut self.context, user.as_deref(), value(wrapped, &["-g"]));
                return value(wrapped, &["-c", "--command", "--session-command"]);
            }
            "sudo" | "doas" => {
                let (user, group) = (value(wrapped, &["-u", "--user"]), value(wrapped, &["-g", "--group"]));
                who(&mut self.context, user.as_deref().or(Some("root")), group);
            }
            "setpriv" => who(&mut self.context, value(wrapped, &["--reuid"]).as_deref(), value(wrapped, &["--regid"])),
            "capsh" => {
                let user = wrapped.flags.iter().find_map(|flag| flag.strip_prefix("--user="));
                who(&mut self.context, user, None);
                // Behind `--` stand the words of a shell.
                let text = shell_text(&wrapped.rest);
                wrapped.rest.clear();
                return text;
            }
            "setuidgid" | "s6-setuidgid" | "gosu" if !wrapped.rest.is_empty() => {
                let user = wrapped.rest.remove(0);
                who(&mut self.context, Some(&user), None);
            }
            _ => {}
        }
        None
    }

    fn takes_limits(&mut self, wrapped: &Wrapped) {
        let long = wrapped.flags.iter().filter_map(|flag| flag.strip_prefix("--")?.split_once('='));
        let short = wrapped.options.iter().map(|(option, value)| (option.trim_start_matches('-'), value.as_str()));
        for (name, value) in long.chain(short) {
            if let Some((_, letter)) = LIMITS.iter().find(|(long, letter)| *long == name || *letter == name) {
                // `SOFT:HARD`
                let soft = value.split(':').next().unwrap_or(value);
                self.context.limits.insert((*letter).to_string(), soft.to_string());
            }
        }
    }
}

/// Options of the programs called daemon that take a value: FreeBSD's, and the one of the package of that name.
const DAEMON_VALUES: &[&str] = &[
    "-c_",
    "-p",
    "-P",
    "-u",
    "-o",
    "-l",
    "-m",
    "-R",
    "-s",
    "-t",
    "-T",
    "-n",
    "-N",
    "-F",
    "-O",
    "-E",
    "-D",
    "-e",
    "-X",
    "--name",
    "--pidfile",
    "--user",
    "--chdir",
    "--umask",
    "--env",
    "--output",
    "--stdout",
    "--stderr",
    "--errlog",
    "--dbglog",
    "--pidfiles",
    "--delay",
    "--limit",
    "--attempts",
    "--chroot",
    "--command",
    "--signal",
];

impl Player<'_> {
    /// daemon(8) of FreeBSD, daemon(1) of libslack: what they start stays in the foreground.
    pub(super) fn daemon_program(&mut self, words: &[String], spot: &Spot) -> Flow {
        let kept = self.context.clone();
        let (mut pid_file, mut rest) = (None, &words[1..]);
        let asks = ["--running", "--stop", "--restart", "--list", "--signal"];
        if rest.iter().any(|word| asks.contains(&word.split('=').next().unwrap_or_default())) {
            if rest.iter().any(|word| word == "--stop") {
                self.sends("TERM", None, spot);
            }
            return self.ends(i32::from(!self.running));
        }
        while let Some((first, after)) = rest.split_first().filter(|(first, _)| first.starts_with('-')) {
            if first == "--" {
                rest = after;
                break;
            }
            let (option, joined) = match first.split_once('=').filter(|_| first.starts_with("--")) {
                Some((option, value)) => (option, Some(value.to_string())),
                None if first.starts_with("--") || first.len() == 2 => (first.as_str(), None),
                // `-cf`, `-rp FILE`: the last letter may take a value.
                None => match first.char_indices().last() {
                    Some((at, _)) => (&first[at..], None),
                    None => (first.as_str(), None),
                },
            };
            let option = if option.len() == 1 { format!("-{option}") } else { option.to_string() };
            let takes = DAEMON_VALUES.contains(&option.as_str());
            let value = joined.clone().or_else(|| after.first().cloned());
            match option.as_str() {
                "-p" | "--pidfile" | "-F" => pid_file = value,
                "-u" | "--user" => {
                    who(&mut self.context, value.map(|value| value.replace('.', ":")).as_deref(), None);
                }
                "-D" | "--chdir" => self.context.directory = value,
                "--umask" => self.context.umask = value,
                "--chroot" => self.context.chroot = value,
                "--env" => {
                    if let Some((name, value)) = value.as_deref().and_then(|value| value.split_once('=')) {
                        self.context.environment.insert(name.to_string(), value.to_string());
                    }
                }
                _ => {}
            }
            rest = if takes && joined.is_none() { after.get(1..).unwrap_or_default() } else { after };
        }
        let launch = self.launch(super::How::Function, rest.to_vec(), spot);
        self.context = kept;
        if launch.command.is_empty() {
            return self.ends(1);
        }
        self.record.pid_files.extend(pid_file.clone());
        let makes_pid_file = pid_file.is_some();
        self.launched(super::Launch { background: true, makes_pid_file, pid_file, ..launch });
        self.running = true;
        self.ends(0)
    }
}
