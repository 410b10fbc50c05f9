//! Commands that look for processes and send them signals.

use super::flow::Flow;
use super::syntax::Spot;
use super::{PID, Player, UNKNOWN, is_unknown};

impl Player<'_> {
    pub(super) fn signalling(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        let arguments = &words[1..];
        Some(match name {
            "kill" => self.kill(arguments, spot),
            "killproc" => self.killproc(arguments, spot),
            "killall" | "pkill" | "skill" => {
                let signal = arguments.iter().find_map(|word| signal_of(word));
                let named = arguments.iter().position(|word| word == "-s" || word == "--signal");
                let signal = named.and_then(|at| arguments.get(at + 1).cloned()).or(signal);
                self.sends(signal.as_deref().unwrap_or("TERM"), None, spot);
                self.ends(0)
            }
            "pidofproc" | "pidof" | "pgrep" | "checkproc" | "checkpid" | "check_pidfile" | "check_process" => {
                self.notes_pid_file(arguments);
                if self.running {
                    self.print(&format!("{PID}\n"));
                }
                self.ends(if self.running { 0 } else { 3 })
            }
            "status_of_proc" | "status" | "rc_status_of" => {
                self.notes_pid_file(arguments);
                self.ends(if self.running { 0 } else { 3 })
            }
            "ps" => {
                let asks = arguments.iter().any(|word| word.contains(&PID.to_string()) || word.contains(is_unknown));
                if !asks {
                    self.print(&UNKNOWN.to_string());
                    return Some(self.may_end(if self.running { 0 } else { 1 }));
                }
                if self.running {
                    self.print(&format!("{PID} {UNKNOWN}\n"));
                }
                self.ends(i32::from(!self.running))
            }
            _ => return None,
        })
    }

    fn notes_pid_file(&mut self, arguments: &[String]) {
        if let Some(at) = arguments.iter().position(|word| word == "-p")
            && let Some(file) = arguments.get(at + 1).filter(|file| file.starts_with('/'))
        {
            self.record.pid_files.push(file.clone());
        }
    }

    fn kill(&mut self, arguments: &[String], spot: &Spot) -> Flow {
        let (mut signal, mut to_daemon, mut words) = ("TERM".to_string(), false, arguments.iter());
        while let Some(word) = words.next() {
            match word.as_str() {
                "-s" | "-n" => signal = words.next().cloned().unwrap_or_default(),
                "-l" => return self.ends(0),
                "--" => {}
                word => match signal_of(word) {
                    Some(found) if !to_daemon => signal = found,
                    _ => to_daemon |= word.contains(&PID.to_string()) || word.contains(is_unknown),
                },
            }
        }
        if !to_daemon {
            return self.ends(1);
        }
        if signal == "0" {
            return self.ends(i32::from(!self.running));
        }
        let there = self.running;
        self.sends(&signal, None, spot);
        self.ends(i32::from(!there))
    }

    /// `killproc [-p FILE] PROGRAM [-SIGNAL|SIGNAL]`.
    fn killproc(&mut self, arguments: &[String], spot: &Spot) -> Flow {
        self.notes_pid_file(arguments);
        let mut words = arguments.iter();
        let mut signal = "TERM".to_string();
        let mut program = false;
        while let Some(word) = words.next() {
            match word.as_str() {
                "-p" | "-d" | "-b" | "-t" => drop(words.next()),
                word => match signal_of(word) {
                    Some(found) => signal = found,
                    None if program => signal = word.to_string(),
                    None => program = true,
                },
            }
        }
        if signal == "0" {
            return self.ends(i32::from(!self.running));
        }
        let there = self.running;
        self.sends(&signal, None, spot);
        self.ends(i32::from(!there && signal == "HUP"))
    }
}

/// `-HUP`, `-1`, `-SIGHUP`.
fn signal_of(word: &str) -> Option<String> {
    let name = word.strip_prefix('-')?;
    let bare = name.strip_prefix("SIG").unwrap_or(name);
    let number = bare.parse::<u8>().is_ok();
    let known = svc_core::Signal::parse(bare).is_some() || matches!(bare, "KILL" | "CONT" | "STOP");
    (number || known).then(|| bare.to_string())
}
