//! `test` and `[`: what can be told of files and texts on paper.

use super::flow::Flow;
use super::{PID, Player, is_unknown};
use crate::shell::glob;
use crate::text::base_name;

/// An answer; `None` where only running would tell.
type Answer = Option<bool>;

impl Player<'_> {
    /// `[ ... ]` and `test ...`, without the closing bracket.
    pub(super) fn question(&mut self, words: &[String]) -> Flow {
        self.presumed = false;
        let (answer, _) = self.either(words, 0);
        match answer {
            Some(holds) if self.presumed => self.may_end(i32::from(!holds)),
            Some(holds) => self.ends(i32::from(!holds)),
            None => self.may_end(0),
        }
    }

    fn either(&mut self, words: &[String], at: usize) -> (Answer, usize) {
        let (mut answer, mut at) = self.both(words, at);
        while words.get(at).is_some_and(|word| word == "-o" || word == "||") {
            let (right, next) = self.both(words, at + 1);
            answer = match (answer, right) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), right) => right,
                (None, _) => None,
            };
            at = next;
        }
        (answer, at)
    }

    fn both(&mut self, words: &[String], at: usize) -> (Answer, usize) {
        let (mut answer, mut at) = self.single(words, at);
        while words.get(at).is_some_and(|word| word == "-a" || word == "&&") {
            let (right, next) = self.single(words, at + 1);
            answer = match (answer, right) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), right) => right,
                (None, _) => None,
            };
            at = next;
        }
        (answer, at)
    }

    fn single(&mut self, words: &[String], at: usize) -> (Answer, usize) {
        let word = |offset: usize| words.get(at + offset).map(String::as_str);
        let binary = |operator: &str| {
            let known =
                ["=", "==", "!=", "-eq", "-ne", "-gt", "-ge", "-lt", "-le", "-nt", "-ot", "-ef", "<", ">", "=~"];
            known.contains(&operator)
        };
        match (word(0), word(1), word(2)) {
            (None, ..) => (Some(false), at + 1),
            (Some(left), Some(operator), Some(right)) if binary(operator) => (compared(left, operator, right), at + 3),
            (Some("!"), ..) if word(1).is_some() => {
                let (answer, next) = self.single(words, at + 1);
                (answer.map(|holds| !holds), next)
            }
            (Some("("), ..) => {
                let (answer, next) = self.either(words, at + 1);
                (answer, next + 1)
            }
            (Some(operator), Some(subject), _) if operator.len() == 2 && operator.starts_with('-') => {
                (self.one(operator, subject), at + 2)
            }
            (Some(text), ..) => (filled(text), at + 1),
        }
    }

    fn one(&mut self, operator: &str, subject: &str) -> Answer {
        match operator {
            "-n" => filled(subject),
            "-z" => filled(subject).map(|filled| !filled),
            "-t" => Some(false),
            "-v" => Some(self.variables.contains_key(subject)),
            "-x" | "-f" | "-e" | "-d" | "-r" | "-w" | "-s" | "-L" | "-h" | "-S" | "-p" | "-c" | "-b" | "-a" | "-O" => {
                self.file(operator, subject)
            }
            _ => None,
        }
    }

    /// What can be said of a file.
    fn file(&mut self, operator: &str, path: &str) -> Answer {
        if path.contains(is_unknown) {
            return None;
        }
        if path.is_empty() {
            return Some(false);
        }
        if path.starts_with("/proc/") {
            return if path.contains(&PID.to_string()) { Some(self.running) } else { None };
        }
        if let Some(made) = self.record.made.iter().find(|made| made.path == path) {
            return Some(match operator {
                "-d" => made.directory,
                "-f" | "-s" => !made.directory,
                _ => true,
            });
        }
        if volatile(path) {
            let is_pid_file = path.contains("pid") || self.record.pid_files.iter().any(|known| known == path);
            let is_top = matches!(path, "/run" | "/var/run" | "/tmp" | "/var/lock" | "/run/lock");
            return Some(match operator {
                "-d" | "-w" | "-e" if is_top => true,
                "-f" | "-e" | "-s" | "-r" | "-w" => is_pid_file && self.running,
                _ => false,
            });
        }
        if path.starts_with("/dev/") || path.starts_with("/sys/") {
            return if path == "/dev/null" { Some(true) } else { None };
        }
        let found = match operator {
            "-x" => self.tree.is_program(path) || self.tree.is_directory(path) || is_tool(path),
            "-d" => self.tree.is_directory(path) || is_usual(path),
            "-f" => self.tree.is_file(path) || is_tool(path),
            "-s" => self.tree.has_text(path),
            "-S" | "-p" | "-c" | "-b" => false,
            "-L" | "-h" => false,
            _ => self.tree.has(path) || is_tool(path) || is_usual(path),
        };
        // Of packages that are only unpacked, what maintainer scripts make is not there yet.
        // `/etc/web/.conf` comes of an empty variable and is nowhere.
        let is_rest = path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
        // A pattern is there still because nothing matched it.
        let may_be = !is_rest
            && !path.contains(['*', '?', '['])
            && !path.starts_with("/etc/default/")
            && !matches!(operator, "-L" | "-h" | "-S" | "-p" | "-c" | "-b");
        if !found && self.tree.is_partial() && may_be {
            self.presumed = true;
            self.presumed_files.insert(path.to_string());
            return Some(true);
        }
        Some(found)
    }
}

/// Whether a condition as it is written asks for the values of variables, and for no file.
pub(super) fn is_about_values(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let tests = matches!(words.next(), Some("[" | "[[" | "test"));
    let files = ["-f", "-e", "-x", "-d", "-r", "-s", "-w", "-L", "-h", "-S", "-p", "-c", "-b", "-a", "-o", "-O"];
    tests && !words.any(|word| files.contains(&word))
}

/// What is empty when a machine starts.
pub(super) fn volatile(path: &str) -> bool {
    let dirs = ["/run", "/var/run", "/tmp", "/var/lock", "/dev/shm"];
    dirs.iter().any(|dir| path == *dir || path.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/')))
}

fn is_usual(path: &str) -> bool {
    matches!(
        path.trim_end_matches('/'),
        "/etc" | "/etc/default" | "/usr" | "/var" | "/var/log" | "/var/lib" | "/etc/init.d" | "/"
    )
}

/// What every machine with init scripts has.
fn is_tool(path: &str) -> bool {
    let place = ["/sbin/", "/bin/", "/usr/bin/", "/usr/sbin/"].iter().any(|place| path.starts_with(place));
    let tools = ["start-stop-daemon", "sh", "bash", "ps", "pidof", "su", "kill", "install", "logger", "ip", "sysctl"];
    let libraries = ["/lib/lsb/init-functions", "/lib/init/vars.sh", "/etc/rc.subr", "/etc/rc.d/init.d/functions"];
    (place && tools.contains(&base_name(path))) || libraries.contains(&path)
}

fn filled(text: &str) -> Answer {
    if text.contains(is_unknown) { None } else { Some(!text.is_empty()) }
}

fn compared(left: &str, operator: &str, right: &str) -> Answer {
    if left.contains(is_unknown) || right.contains(is_unknown) {
        return None;
    }
    let numbers = || Some((left.trim().parse::<i64>().ok()?, right.trim().parse::<i64>().ok()?));
    Some(match operator {
        "=" | "==" => left == right || glob(right, left),
        "!=" => left != right,
        "<" => left < right,
        ">" => left > right,
        "-eq" => numbers().is_some_and(|(left, right)| left == right),
        "-ne" => numbers().is_none_or(|(left, right)| left != right),
        "-gt" => numbers().is_some_and(|(left, right)| left > right),
        "-ge" => numbers().is_some_and(|(left, right)| left >= right),
        "-lt" => numbers().is_some_and(|(left, right)| left < right),
        "-le" => numbers().is_some_and(|(left, right)| left <= right),
        _ => return None,
    })
}
