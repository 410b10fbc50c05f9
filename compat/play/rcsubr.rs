//! FreeBSD's and NetBSD's rc.subr: a service that variables describe.

use super::flow::Flow;
use super::launch::who;
use super::record::{How, Launch};
use super::syntax::Spot;
use super::{PID, Player};

impl Player<'_> {
    pub(super) fn rc_subr(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        Some(match name {
            "load_rc_config" => {
                let service = words.get(1).cloned().unwrap_or_default();
                for file in ["/etc/defaults/rc.conf", "/etc/rc.conf", "/etc/rc.conf.local"] {
                    self.source_if_there(file, spot);
                }
                self.source_if_there(&format!("/etc/rc.conf.d/{service}"), spot);
                self.source_if_there(&format!("/usr/local/etc/rc.conf.d/{service}"), spot);
                self.ends(0)
            }
            "run_rc_command" | "run_rc_command_" => self.run_rc_command(words.get(1).cloned(), spot),
            "check_pidfile" | "check_process" => {
                if self.running {
                    self.print(&PID.to_string());
                }
                self.ends(i32::from(!self.running))
            }
            "wait_for_pids" | "required_dirs" | "force_depend" | "set_rcvar" | "rc_usage" | "limits" => self.ends(0),
            _ => return None,
        })
    }

    fn source_if_there(&mut self, file: &str, spot: &Spot) {
        if self.tree.has(file) {
            self.command(&[".".to_string(), file.to_string()], spot);
        }
    }

    /// A variable that is filled.
    fn filled(&mut self, name: &str) -> Option<String> {
        self.known(name).filter(|value| !value.is_empty())
    }

    fn run_rc_command(&mut self, verb: Option<String>, spot: &Spot) -> Flow {
        let verb = verb.unwrap_or_default();
        let verb = verb.trim_start_matches(
            ["fast", "force", "one", "quiet"].iter().find(|p| verb.starts_with(**p)).unwrap_or(&""),
        );
        let own = self.filled(&format!("{verb}_cmd"));
        for hook in [format!("{verb}_precmd")] {
            if let Some(text) = self.filled(&hook) {
                self.evaluate(&text, spot);
            }
        }
        match (verb, own) {
            (_, Some(text)) => {
                self.evaluate(&text, spot);
            }
            ("start", None) => self.rc_start(spot),
            ("stop", None) => {
                let signal = self.filled("sig_stop").unwrap_or_else(|| "TERM".to_string());
                self.sends(&signal, None, spot);
            }
            ("reload", None) => {
                let signal = self.filled("sig_reload").unwrap_or_else(|| "HUP".to_string());
                self.sends(&signal, None, spot);
            }
            _ => {}
        }
        if let Some(text) = self.filled(&format!("{verb}_postcmd")) {
            self.evaluate(&text, spot);
        }
        self.ends(0)
    }

    fn rc_start(&mut self, spot: &Spot) {
        self.used.clear();
        let name = self.filled("name").unwrap_or_default();
        let Some(command) = self.filled("command") else { return };
        let own = |player: &mut Self, what: &str| player.filled(&format!("{name}_{what}"));
        let flags = own(self, "flags").or_else(|| self.filled("flags")).or_else(|| self.filled("rc_flags"));
        let arguments = self.filled("command_args");
        let line = [Some(command), flags, arguments].into_iter().flatten().collect::<Vec<_>>().join(" ");
        let words = self.words_of(&line, spot);
        if words.is_empty() {
            return;
        }
        let kept = self.context.clone();
        let (user, group) = (own(self, "user"), own(self, "group"));
        let mut context = kept.clone();
        who(&mut context, user.as_deref(), group);
        context.chroot = own(self, "chroot").or(context.chroot);
        context.directory = own(self, "chdir").or(context.directory);
        context.nice = own(self, "nice").or(context.nice);
        context.umask = own(self, "umask").or(context.umask);
        let is_yes = |word: &String| ["YES", "TRUE", "ON", "1"].iter().any(|yes| word.eq_ignore_ascii_case(yes));
        if own(self, "svcj").as_ref().is_some_and(is_yes) {
            let mut text = |what: &str| own(self, what).unwrap_or_default();
            context.service_jail = Some((text("svcj_options"), text("svcj_ipaddrs")));
        }
        for pair in own(self, "env").unwrap_or_default().split_whitespace() {
            if let Some((name, value)) = pair.split_once('=') {
                context.environment.insert(name.to_string(), value.to_string());
            }
        }
        if words[0].ends_with("/daemon") {
            // The wrapper says the rest itself.
            self.context = context;
            self.daemon_program(&words, spot);
            self.context = kept;
            return;
        }
        let pid_file = self.filled("pidfile");
        self.record.pid_files.extend(pid_file.clone());
        let background = words.last().is_some_and(|word| word == "&");
        let words = words.into_iter().filter(|word| word != "&").collect();
        let launch = self.launch(How::RcSubr, words, spot);
        self.launched(Launch { context, pid_file, background, ..launch });
        self.running = true;
    }
}
