//! Commands on files: what they would make is written down.

use super::flow::Flow;
use super::record::Made;
use super::syntax::Spot;
use super::{Player, UNKNOWN, is_unknown};

impl Player<'_> {
    /// Writes down that something is made.
    pub(super) fn makes(&mut self, path: &str, directory: bool, spot: &Spot) {
        let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
        if path.is_empty() || self.record.made.iter().any(|made| made.path == path) {
            return;
        }
        let spot = spot.clone();
        let made = Made { path: path.to_string(), directory, owner: None, group: None, mode: None, spot };
        self.record.made.push(made);
    }

    fn made(&mut self, path: &str) -> Option<&mut Made> {
        let path = path.trim_end_matches('/');
        self.record.made.iter_mut().find(|made| made.path == path)
    }

    pub(super) fn on_files(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        Some(match name {
            "mkdir" => self.make_directories(words, spot),
            "install" => self.install(words, spot),
            "mktemp" => {
                self.print(&UNKNOWN.to_string());
                self.ends(0)
            }
            "touch" => {
                for path in words.iter().filter(|word| !word.starts_with('-')) {
                    self.makes(path, false, spot);
                }
                self.ends(0)
            }
            "chown" | "chmod" | "chgrp" => self.owns(name, words, spot),
            "rm" | "rmdir" | "unlink" => {
                self.record.made.retain(|made| !words.contains(&made.path));
                self.ends(0)
            }
            "ln" | "cp" | "mv" | "dd" | "setfacl" | "mount" | "umount" | "mknod" | "mkfifo" | "modprobe" | "sysctl"
            | "ifconfig" | "ip" | "route" | "iptables" | "ldconfig" | "savelog" | "find" | "dpkg-statoverride"
            | "adduser" | "addgroup" | "useradd" | "groupadd" | "deluser" | "invoke-rc.d" | "service" | "systemctl"
            | "run-parts" | "openssl" | "dpkg" | "apt-get" | "initctl" | "telinit" => {
                let command = [name.to_string()].into_iter().chain(words.iter().cloned()).collect();
                let asked = self.asking > 0;
                self.record.ran.push(super::Ran { command, user: None, spot: spot.clone(), asked });
                let asks_network = matches!(name, "ip" | "ifconfig" | "route") && self.outputs.len() > 1;
                self.record.asks_network |= asks_network && self.context.output.is_none();
                if asks_network
                    || matches!(name, "find" | "openssl" | "dpkg" | "ip" | "dpkg-statoverride" | "systemctl")
                {
                    self.print(&UNKNOWN.to_string());
                }
                if matches!(name, "initctl" | "systemctl") { self.may_end(1) } else { self.may_end(0) }
            }
            "xargs" => self.arguments_of_input(words),
            "mountpoint" => self.may_end(1),
            _ => return None,
        })
    }

    /// `xargs [-n COUNT] [echo]` prints the words of its input; what else it runs only running would tell.
    fn arguments_of_input(&mut self, words: &[String]) -> Flow {
        let count = match words {
            [option, count, ..] if option == "-n" => count.parse().ok(),
            [option, ..] => option.strip_prefix("-n").and_then(|count| count.parse().ok()),
            [] => None,
        };
        let command = words.last().filter(|word| !word.starts_with('-') && word.parse::<usize>().is_err());
        let input = self.input.clone().filter(|input| !input.contains(is_unknown));
        match (command.map_or("echo", String::as_str), input) {
            ("echo", Some(input)) => {
                let words: Vec<&str> = input.split_whitespace().collect();
                for line in words.chunks(count.unwrap_or(usize::MAX).max(1)) {
                    self.print(&format!("{}\n", line.join(" ")));
                }
                self.ends(0)
            }
            _ => {
                self.print(&UNKNOWN.to_string());
                self.may_end(0)
            }
        }
    }

    fn make_directories(&mut self, words: &[String], spot: &Spot) -> Flow {
        let (mut mode, mut words) = (None, words.iter());
        let mut paths = Vec::new();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-m" | "--mode" => mode = words.next().cloned(),
                option if option.starts_with("--mode=") => mode = Some(option[7..].to_string()),
                option if option.starts_with("-m") => mode = Some(option[2..].to_string()),
                "-pm" => mode = words.next().cloned(),
                option if option.starts_with('-') => {}
                path => paths.push(path.to_string()),
            }
        }
        for path in paths {
            self.makes(&path, true, spot);
            if let (Some(mode), Some(made)) = (&mode, self.made(&path)) {
                made.mode = Some(mode.clone());
            }
        }
        self.ends(0)
    }

    fn install(&mut self, words: &[String], spot: &Spot) -> Flow {
        let (mut mode, mut owner, mut group, mut directory) = (None, None, None, false);
        let (mut paths, mut words) = (Vec::new(), words.iter());
        while let Some(word) = words.next() {
            let (option, joined) = match word.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(value.to_string())),
                _ if word.starts_with('-') && !word.starts_with("--") && word.len() > 2 => {
                    directory |= word.contains('d') && !word.contains(|digit: char| digit.is_ascii_digit());
                    let at = word.find(['m', 'o', 'g']).unwrap_or(word.len() - 1);
                    let value = &word[at + 1..];
                    let option = ["-m", "-o", "-g"].into_iter().find(|option| word[at..].starts_with(&option[1..]));
                    (option.unwrap_or("-d"), Some(value.to_string()).filter(|value| !value.is_empty()))
                }
                _ => (word.as_str(), None),
            };
            match option {
                "-d" | "--directory" => directory = true,
                "-m" | "--mode" => mode = joined.or_else(|| words.next().cloned()),
                "-o" | "--owner" => owner = joined.or_else(|| words.next().cloned()),
                "-g" | "--group" => group = joined.or_else(|| words.next().cloned()),
                option if option.starts_with('-') => {}
                path => paths.push(path.to_string()),
            }
        }
        if !directory {
            paths = paths.split_off(paths.len().saturating_sub(1));
        }
        for path in paths {
            self.makes(&path, directory, spot);
            if let Some(made) = self.made(&path) {
                (made.mode, made.owner, made.group) = (mode.clone(), owner.clone(), group.clone());
            }
        }
        self.ends(0)
    }

    fn owns(&mut self, name: &str, words: &[String], spot: &Spot) -> Flow {
        let mut words = words.iter().filter(|word| !word.starts_with('-'));
        let Some(value) = words.next() else { return self.ends(0) };
        let (user, group) = value.split_once([':', '.']).map_or((value.as_str(), None), |(user, group)| {
            (user, Some(group.to_string()).filter(|group| !group.is_empty()))
        });
        for path in words {
            if super::question::volatile(path) && !path.contains(['*', '?']) {
                // What is chowned in an empty directory has been made by something.
                self.makes(path, !path.contains("pid"), spot);
            }
            let Some(made) = self.made(path) else { continue };
            match name {
                "chmod" => made.mode = Some(value.clone()),
                "chgrp" => made.group = Some(value.clone()),
                _ => {
                    made.owner = Some(user.to_string()).filter(|user| !user.is_empty()).or(made.owner.take());
                    made.group = group.clone().or(made.group.take());
                }
            }
        }
        self.ends(0)
    }
}
