//! The command line of daemon(8).

use super::Fault;

const USAGE: &str = "usage: daemon [-cfHrS] [-p child_pidfile] [-P supervisor_pidfile]
              [-u user] [-o output_file] [-M output_file_mode] [-t title]
              [-l syslog_facility] [-s syslog_priority]
              [-T syslog_tag] [-m output_mask] [-R restart_delay_secs]
              [-C restart_count]
              command arguments ...";
/// In seconds.
const DELAY: u64 = 1;
const COUNT_MAX: u32 = 128;

/// Long options and their letters.
const LONG: [(&str, char); 18] = [
    ("change-dir", 'c'),
    ("close-fds", 'f'),
    ("sighup", 'H'),
    ("syslog", 'S'),
    ("output-file", 'o'),
    ("output-file-mode", 'M'),
    ("output-mask", 'm'),
    ("child-pidfile", 'p'),
    ("supervisor-pidfile", 'P'),
    ("restart", 'r'),
    ("restart-count", 'C'),
    ("restart-delay", 'R'),
    ("title", 't'),
    ("user", 'u'),
    ("syslog-priority", 's'),
    ("syslog-facility", 'l'),
    ("syslog-tag", 'T'),
    ("help", 'h'),
];

/// What is asked.
#[derive(Debug, Default)]
pub(super) struct Options {
    /// `-c`
    pub(super) to_root: bool,
    /// `-f`
    pub(super) to_null: bool,
    /// `-H`
    pub(super) reopens: bool,
    /// `-S`, and what it is said as.
    pub(super) syslog: bool,
    pub(super) facility: Option<String>,
    pub(super) priority: Option<String>,
    pub(super) tag: Option<String>,
    /// `-r`: seconds between an end and the next start.
    pub(super) restart: Option<u64>,
    /// `-C`
    pub(super) restarts: Option<u32>,
    /// `-p`
    pub(super) child_pid_file: Option<String>,
    /// `-P`
    pub(super) pid_file: Option<String>,
    /// `-o`, `-M`, `-m`
    pub(super) output: Option<String>,
    pub(super) output_mode: Option<u32>,
    pub(super) mask: Option<u32>,
    /// `-t`
    title: Option<String>,
    /// `-u`
    pub(super) user: Option<String>,
    pub(super) command: Vec<String>,
}

impl Options {
    pub(super) fn read(words: &[String]) -> Result<Self, Fault> {
        let mut options = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.clone().next().filter(|word| word.len() > 1 && word.starts_with('-')) {
            words.next();
            if word == "--" {
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value.to_owned())));
                let letter = LONG.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
                let letter = letter.ok_or_else(|| usage(&format!("daemon: unrecognized option `{word}'\n")))?;
                if !options.flag(letter) {
                    options.value(letter, value.or_else(|| words.next().cloned()))?;
                }
                continue;
            }
            for (at, letter) in word.char_indices().skip(1) {
                if options.flag(letter) {
                    continue;
                }
                let joined = &word[at + 1..];
                let given = if joined.is_empty() { words.next().cloned() } else { Some(joined.to_owned()) };
                options.value(letter, given)?;
                break;
            }
        }
        options.command = words.cloned().collect();
        if options.command.is_empty() {
            return Err(usage(""));
        }
        Ok(options)
    }

    fn flag(&mut self, letter: char) -> bool {
        match letter {
            'c' => self.to_root = true,
            'f' => self.to_null = true,
            'H' => self.reopens = true,
            'S' => self.syslog = true,
            'r' => self.restart = self.restart.or(Some(DELAY)),
            _ => return false,
        }
        true
    }

    fn value(&mut self, letter: char, given: Option<String>) -> Result<(), Fault> {
        if !"lsTCRpPoMmtu".contains(letter) {
            return Err(usage(if letter == 'h' { "" } else { "daemon: illegal option\n" }));
        }
        let given = given.ok_or_else(|| usage(&format!("daemon: option requires an argument -- {letter}\n")))?;
        let number = |least: u64, most: u64, code: u8, what: &str| {
            let found = given.parse::<u64>().ok().filter(|found| (least..=most).contains(found));
            found.ok_or_else(|| Fault::new(code, format!("daemon: invalid {what}: {given}")))
        };
        match letter {
            'l' => (self.syslog, self.facility) = (true, Some(given)),
            's' => (self.syslog, self.priority) = (true, Some(given)),
            'T' => (self.syslog, self.tag) = (true, Some(given)),
            'C' => {
                let count = number(0, u64::from(COUNT_MAX), 6, "restart count")?;
                (self.restarts, self.restart) = (u32::try_from(count).ok(), self.restart.or(Some(DELAY)));
            }
            'R' => self.restart = Some(number(1, 31_536_000, 6, "restart delay")?),
            'p' => self.child_pid_file = Some(given),
            'P' => self.pid_file = Some(given),
            'o' => self.output = Some(given),
            'M' => {
                let mode = u32::from_str_radix(&given, 8).ok().filter(|mode| *mode <= 0o7777);
                self.output_mode =
                    Some(mode.ok_or_else(|| Fault::new(6, format!("daemon: unrecognized mode: {given}")))?);
            }
            'm' => self.mask = u32::try_from(number(0, 3, 6, "listening mask")?).ok(),
            't' => self.title = Some(given),
            _ => self.user = Some(given),
        }
        Ok(())
    }

    /// Whether somebody has to stay.
    pub(super) fn wants_supervisor(&self) -> bool {
        self.child_pid_file.is_some()
            || self.pid_file.is_some()
            || self.restart.is_some()
            || self.output.is_some()
            || self.syslog
    }

    /// What the supervisor calls itself.
    pub(super) fn title(&self) -> &str {
        self.title.as_deref().unwrap_or(&self.command[0])
    }

    /// Whether the output of this descriptor is collected.
    pub(super) fn collects(&self, descriptor: u32) -> bool {
        (self.output.is_some() || self.syslog) && self.mask.unwrap_or(3) & descriptor != 0
    }
}

fn usage(before: &str) -> Fault {
    Fault::new(1, format!("{before}{USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Options, Fault> {
        Options::read(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_end_where_the_command_begins() {
        let options = read("-r -R 5 -f -P /x.pid -t me sleep -r 1").expect("a good line");
        assert_eq!((options.restart, options.pid_file.as_deref()), (Some(5), Some("/x.pid")));
        assert_eq!((options.title(), options.command.as_slice()), ("me", &["sleep", "-r", "1"].map(str::to_owned)[..]));
        assert!(options.wants_supervisor() && options.to_null);
        let long = read("--supervisor-pidfile=/y --restart true").expect("a good line");
        assert_eq!((long.pid_file.as_deref(), long.restart), (Some("/y"), Some(1)));
        assert!(!read("-f true").expect("a good line").wants_supervisor());
    }

    #[test]
    fn what_makes_no_sense_is_told_by_the_code() {
        assert_eq!(read("-R 0 true").expect_err("no delay").code, 6);
        assert_eq!(read("-m 9 true").expect_err("no mask").code, 6);
        assert_eq!(read("-r").expect_err("no command").code, 1);
        assert_eq!(read("-Z true").expect_err("no option").code, 1);
    }
}
