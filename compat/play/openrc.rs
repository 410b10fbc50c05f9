//! openrc-run: functions and variables that describe a service, and what is done where a script says nothing.

use super::Player;
use super::flow::Flow;
use super::record::Made;
use super::syntax::Spot;

/// What openrc-run does for a start, by the variables that openrc-run(8) names.
const START: &str = r#"eval start-stop-daemon --start --exec "$command" ${chroot:+--chroot "$chroot"} \
${directory:+--chdir "$directory"} ${pidfile:+--pidfile "$pidfile"} ${command_user:+--user "$command_user"} \
${umask:+--umask "$umask"} ${procname:+--name "$procname"} ${output_log:+--stdout "$output_log"} \
$_svc_background $start_stop_daemon_args -- $command_args $_svc_more"#;
const STOP: &str = r#"start-stop-daemon --stop ${command:+--exec "$command"} ${pidfile:+--pidfile "$pidfile"} \
${stopsig:+--signal "$stopsig"} ${retry:+--retry "$retry"}"#;

impl Player<'_> {
    /// Plays the script's verb as openrc-run would.
    pub(super) fn openrc_run(&mut self) {
        let nowhere = Spot { file: self.script.path.into(), line: 0 };
        let service = self.script.path.rsplit('/').next().unwrap_or_default().to_string();
        for name in ["RC_SVCNAME", "SVCNAME"] {
            self.set(name, service.clone(), &nowhere);
        }
        let base = service.split('.').next().unwrap_or_default().to_string();
        for file in ["/etc/rc.conf".to_string(), format!("/etc/conf.d/{base}"), format!("/etc/conf.d/{service}")] {
            if self.tree.has(&file) {
                self.command(&[".".to_string(), file], &nowhere);
            }
        }
        self.play(self.script.path, self.script.text);
        self.record.launches.clear();
        let verb = self.script.verb.to_string();
        for function in [format!("{verb}_pre"), verb.clone(), format!("{verb}_post")] {
            if self.functions.contains_key(&function) {
                if self.call(&[function], &nowhere) == Flow::Exit {
                    break;
                }
            } else if function == verb {
                self.openrc_default(&verb);
            }
        }
    }

    /// What is done for a verb that the script does not define: `default_start` and the like.
    fn openrc_default(&mut self, verb: &str) -> Flow {
        let spot = |player: &Self, name: &str| player.variables.get(name).map(|variable| variable.spot.clone());
        let here = spot(self, "command").or(spot(self, "pidfile"));
        let here = here.unwrap_or(Spot { file: self.script.path.into(), line: 0 });
        let filled = |player: &mut Self, name: &str| player.known(name).filter(|value| !value.is_empty());
        match verb {
            "start" => {
                if filled(self, "command").is_none() {
                    return self.ends(0);
                }
                let yes = |value: Option<String>| value.is_some_and(|value| is_yes(&value));
                let supervised = filled(self, "supervisor").is_some();
                let background = yes(filled(self, "command_background")) || supervised;
                let more = if supervised { "command_args_foreground" } else { "command_args_background" };
                let where_more = spot(self, more).unwrap_or_else(|| here.clone());
                let more = filled(self, more).unwrap_or_default();
                let options = if background { "--background --make-pidfile" } else { "" };
                self.set("_svc_more", more, &where_more);
                self.set("_svc_background", options.to_string(), &here);
                self.evaluate(START, &here)
            }
            "stop" => self.evaluate(STOP, &here),
            _ => self.ends(0),
        }
    }

    /// The functions that openrc-run brings along.
    pub(super) fn openrc(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        Some(match name {
            "default_start" | "default_stop" => self.openrc_default(&name["default_".len()..]),
            "checkpath" => self.check_path(&words[1..], spot),
            "yesno" => {
                let said = words.get(1).cloned().unwrap_or_default();
                let value = self.known(&said).unwrap_or(said);
                self.ends(i32::from(!is_yes(&value)))
            }
            "service_started" | "service_starting" | "service_inactive" | "service_stopped" | "service_crashed" => {
                self.may_end(1)
            }
            "mark_service_inactive"
            | "mark_service_started"
            | "mark_service_stopped"
            | "service_set_value"
            | "need_if_exists"
            | "veinfo"
            | "vebegin"
            | "veend"
            | "vewarn"
            | "eindent"
            | "eoutdent"
            | "elog" => self.ends(0),
            "service_get_value" | "get_bootparam" => self.may_end(1),
            _ => return None,
        })
    }

    /// `checkpath -d -m 0750 -o web:web /run/web`.
    fn check_path(&mut self, words: &[String], spot: &Spot) -> Flow {
        let (mut mode, mut owner, mut directory, mut paths) = (None, None, false, Vec::new());
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-m" | "--mode" => mode = words.next().cloned(),
                "-o" | "--owner" => owner = words.next().cloned(),
                "--directory" | "--directory-truncate" => directory = true,
                option if option.starts_with("--") => {}
                option if option.starts_with('-') => {
                    directory |= option.contains(['d', 'D']);
                    let last = option.chars().last();
                    match last {
                        Some('m') => mode = words.next().cloned(),
                        Some('o') => owner = words.next().cloned(),
                        _ => {}
                    }
                }
                path => paths.push(path.to_string()),
            }
        }
        for path in paths {
            self.makes(&path, directory, spot);
            let Some(made) = self.record.made.iter_mut().find(|made| made.path == path.trim_end_matches('/')) else {
                continue;
            };
            *made = Made { mode: mode.clone(), ..made.clone() };
            if let Some(owner) = &owner {
                let (user, group) = owner.split_once(':').map_or((owner.as_str(), None), |(user, group)| {
                    (user, Some(group.to_string()).filter(|group| !group.is_empty()))
                });
                made.owner = Some(user.to_string()).filter(|user| !user.is_empty());
                made.group = group;
            }
        }
        self.ends(0)
    }
}

fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "on" | "1" | "y")
}
