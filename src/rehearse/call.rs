//! What the words of a launcher mean: each knows its options, all become the same launch.

use super::report::{By, Launch, Redirection, Stop};

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// A program is to be started.
    Start(Box<Start>),
    /// Something is to be told or ended.
    Stop(StopWish),
    /// It is only asked whether something runs.
    Look(Target),
    /// Nothing that we know: help, a version, a fault in the words.
    Nothing,
}

/// A start, and how the launcher answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) launch: Launch,
    /// It is a success if that runs already.
    pub(super) oknodo: bool,
    /// Nothing is started, only the answer is wanted.
    pub(super) test: bool,
    /// What tells whether it runs already.
    pub(super) target: Target,
}

/// An end or a signal, and how the launcher answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StopWish {
    pub(super) stop: Stop,
    pub(super) oknodo: bool,
    pub(super) test: bool,
    pub(super) target: Target,
}

/// What tells a process from others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) pid_file: Option<String>,
    pub(super) program: Option<String>,
    pub(super) name: Option<String>,
    pub(super) pid: Option<String>,
}

/// Reads the words of a call; the first is the name of whom it asks.
pub(super) fn read(name: &str, words: &[String]) -> Wish {
    let call: Vec<String> = std::iter::once(name.to_owned()).chain(words.iter().cloned()).collect();
    let start = |by: By, launch: Launch| {
        let target = Target { pid_file: launch.pid_file.clone(), program: program(&launch), ..Target::default() };
        Wish::Start(Box::new(Start {
            launch: Launch { by, call: call.clone(), ..launch },
            oknodo: true,
            target,
            ..Start::default()
        }))
    };
    match name {
        "start-stop-daemon" => start_stop_daemon(words, call),
        "start_daemon" | "startproc" => start(By::StartDaemon, start_daemon(words)),
        "daemon-function" => start(By::DaemonFunction, daemon_function(words)),
        "rc-subr" => start(By::RcSubr, rc_subr(words)),
        "daemon" => start(By::Daemon, daemon(words)),
        "killproc" => killproc(words, call),
        _ => match super::wrapper::peel(&call) {
            Some((by, launch)) => start(by, launch),
            None => Wish::Nothing,
        },
    }
}

fn program(launch: &Launch) -> Option<String> {
    Some(launch.program.clone()).filter(|program| !program.is_empty())
}

/// Options as getopt_long(3) reads them: values joined or as the next word, long names cut short, operands anywhere.
pub(super) struct Words<'a> {
    rest: std::slice::Iter<'a, String>,
    /// Short options of the word that is being read.
    cluster: String,
    /// Short options that take a value.
    valued: &'static str,
    /// Long names and the short option that each is.
    long: &'static [(&'static str, char)],
    /// What is no option ends the options.
    strict: bool,
    pub(super) operands: Vec<String>,
}

impl<'a> Words<'a> {
    pub(super) fn new(
        words: &'a [String],
        valued: &'static str,
        long: &'static [(&'static str, char)],
        strict: bool,
    ) -> Self {
        Self { rest: words.iter(), cluster: String::new(), valued, long, strict, operands: Vec::new() }
    }

    /// The next option with its value, which is empty where it takes none. `?` is one that is not known.
    pub(super) fn next(&mut self) -> Option<(char, String)> {
        loop {
            if let Some(option) = self.cluster.chars().next() {
                let joined = self.cluster.split_off(option.len_utf8());
                self.cluster = joined;
                if !self.valued.contains(option) {
                    return Some((option, String::new()));
                }
                let joined = std::mem::take(&mut self.cluster);
                return Some((option, if joined.is_empty() { self.value() } else { joined }));
            }
            let word = self.rest.next()?;
            match word.as_str() {
                "--" => {
                    self.operands.extend(self.rest.by_ref().cloned());
                    return None;
                }
                long if long.starts_with("--") => return Some(self.long(&long[2..])),
                short if short.len() > 1 && short.starts_with('-') => self.cluster = short[1..].to_owned(),
                operand => {
                    self.operands.push(operand.to_owned());
                    if self.strict {
                        self.operands.extend(self.rest.by_ref().cloned());
                        return None;
                    }
                }
            }
        }
    }

    fn value(&mut self) -> String {
        self.rest.next().cloned().unwrap_or_default()
    }

    fn long(&mut self, word: &str) -> (char, String) {
        let (name, joined) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value.to_owned())));
        let exact = self.long.iter().find(|(known, _)| *known == name);
        let found = exact.or_else(|| self.long.iter().find(|(known, _)| known.starts_with(name)));
        let Some((_, option)) = found else { return ('?', word.to_owned()) };
        let value = match joined {
            Some(value) => value,
            None if self.valued.contains(*option) => self.value(),
            None => String::new(),
        };
        (*option, value)
    }
}

/// start-stop-daemon(8) of Debian, with what OpenRC's has besides.
const LONG: &[(&str, char)] = &[
    ("start", 'S'),
    ("stop", 'K'),
    ("status", 'T'),
    ("help", 'H'),
    ("version", 'V'),
    ("pid", '#'),
    ("ppid", '%'),
    ("pidfile", 'p'),
    ("exec", 'x'),
    ("name", 'n'),
    ("user", 'u'),
    ("group", 'g'),
    ("chuid", 'c'),
    ("signal", 's'),
    ("startas", 'a'),
    ("chroot", 'r'),
    ("chdir", 'd'),
    ("nicelevel", 'N'),
    ("procsched", 'P'),
    ("iosched", 'I'),
    ("umask", 'k'),
    ("background", 'b'),
    ("no-close", 'C'),
    ("output", 'O'),
    ("stdout", '1'),
    ("stderr", '2'),
    ("env", 'e'),
    ("notify-await", '!'),
    ("notify-timeout", '^'),
    ("make-pidfile", 'm'),
    ("remove-pidfile", '~'),
    ("retry", 'R'),
    ("test", 't'),
    ("oknodo", 'o'),
    ("quiet", 'q'),
    ("verbose", 'v'),
    ("wait", 'w'),
    ("interpreted", 'i'),
];

fn start_stop_daemon(words: &[String], call: Vec<String>) -> Wish {
    let mut read = Words::new(words, "#%pxnugcsardNPIkO12e^Rw", LONG, false);
    let mut launch = Launch { by: By::StartStopDaemon, call: call.clone(), ..Launch::default() };
    let mut stop = Stop { by: "start-stop-daemon".into(), call, signal: "TERM".into(), ..Stop::default() };
    let (mut target, mut command, mut startas) = (Target::default(), ' ', None);
    let (mut oknodo, mut test) = (false, false);
    while let Some((option, value)) = read.next() {
        match option {
            'S' | 'K' | 'T' | 'H' | 'V' => command = option,
            'p' => target.pid_file = Some(value),
            'x' => target.program = Some(value),
            'n' => target.name = Some(value),
            '#' => target.pid = Some(value),
            'a' => startas = Some(value),
            'c' => {
                let (user, group) = owner(&value);
                (launch.user, launch.group) = (user, group.or(launch.group));
            }
            'g' => launch.group = Some(value),
            's' => stop.signal = signal(&value),
            'r' => launch.chroot = Some(value),
            'd' => launch.directory = Some(value),
            'N' => launch.nice = value.parse().ok(),
            'P' | 'I' => {
                launch.scheduling = Some(launch.scheduling.map_or(value.clone(), |had| format!("{had} {value}")))
            }
            'k' => launch.umask = u32::from_str_radix(&value, 8).ok(),
            'b' => launch.background = true,
            'O' => launch.redirections.extend([1, 2].map(|fd| Redirection { fd, to: value.clone() })),
            '1' => launch.redirections.push(Redirection { fd: 1, to: value }),
            '2' => launch.redirections.push(Redirection { fd: 2, to: value }),
            'e' => {
                if let Some((name, value)) = value.split_once('=') {
                    launch.environment.insert(name.to_owned(), Some(value.to_owned()));
                }
            }
            'm' => launch.makes_pid_file = true,
            'R' => {
                stop.signal = first_signal(&value).unwrap_or(stop.signal);
                stop.retry = Some(value);
            }
            't' => test = true,
            'o' => oknodo = true,
            _ => {}
        }
    }
    match command {
        'S' => {
            launch.program = startas.or_else(|| target.program.clone()).unwrap_or_default();
            launch.argv = std::iter::once(launch.program.clone()).chain(read.operands).collect();
            launch.pid_file.clone_from(&target.pid_file);
            launch.name.clone_from(&target.name);
            super::wrapper::unwrap(&mut launch);
            Wish::Start(Box::new(Start { launch, oknodo, test, target }))
        }
        'K' => {
            stop.pid_file.clone_from(&target.pid_file);
            stop.program = target.program.clone().or_else(|| target.name.clone());
            Wish::Stop(StopWish { stop, oknodo, test, target })
        }
        'T' => Wish::Look(target),
        _ => Wish::Nothing,
    }
}

/// `user:group`, `user.group`, `:group`.
pub(super) fn owner(text: &str) -> (Option<String>, Option<String>) {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    // A dot may be part of a name; only the colon is sure.
    match text.split_once(':') {
        Some((user, group)) => (some(user), some(group)),
        None => (some(text), None),
    }
}

/// A signal by its name without `SIG`, or what its number means.
pub(super) fn signal(text: &str) -> String {
    let text = text.trim_start_matches('-');
    match text.parse::<i32>() {
        Ok(number) => svc_platform::signals::name(number).map_or_else(|| text.to_owned(), str::to_owned),
        Err(_) => text.to_ascii_uppercase().trim_start_matches("SIG").to_owned(),
    }
}

/// The signal that a schedule (`TERM/30/KILL/5`, or a time alone) begins with.
fn first_signal(schedule: &str) -> Option<String> {
    let (first, _) = schedule.split_once('/')?;
    let is_signal = first.starts_with('-') || first.parse::<u32>().is_err();
    (is_signal && first != "forever").then(|| signal(first))
}

/// `start_daemon [-f] [-n nice] [-p file] program [argument...]`.
fn start_daemon(words: &[String]) -> Launch {
    let mut read = Words::new(words, "npugl", &[], true);
    let mut launch = Launch::default();
    while let Some((option, value)) = read.next() {
        match option {
            'n' => launch.nice = value.parse().ok(),
            'p' => launch.pid_file = Some(value),
            'u' => launch.user = Some(value),
            'g' => launch.group = Some(value),
            _ => {}
        }
    }
    launch.argv = read.operands;
    super::wrapper::unwrap(&mut launch);
    launch
}

/// Red Hat's `daemon [+/-nice] [--user USER] [--pidfile FILE] [--check NAME] [--force] words`, joined for a shell.
fn daemon_function(words: &[String]) -> Launch {
    let mut launch = Launch::default();
    let mut words = words.iter();
    while let Some(word) = words.clone().next().filter(|word| word.starts_with(['-', '+'])) {
        words.next();
        let (name, joined) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
        let mut value = || joined.map_or_else(|| words.next().cloned().unwrap_or_default(), str::to_owned);
        match name {
            "--user" => launch.user = Some(value()),
            "--pidfile" => launch.pid_file = Some(value()),
            "--check" => launch.name = Some(value()),
            number => launch.nice = number.parse().ok().or(launch.nice),
        }
    }
    launch.argv = super::wrapper::shell_words(&words.cloned().collect::<Vec<_>>().join(" "));
    super::wrapper::unwrap(&mut launch);
    launch
}

/// What our rc.subr says of a start in a rehearsal.
const RC_SUBR: &[(&str, char)] =
    &[("pidfile", 'p'), ("user", 'u'), ("group", 'g'), ("groups", 'G'), ("chroot", 'r'), ("chdir", 'd'), ("nice", 'n')];

fn rc_subr(words: &[String]) -> Launch {
    let mut read = Words::new(words, "pugGrdn", RC_SUBR, true);
    let mut launch = Launch::default();
    while let Some((option, value)) = read.next() {
        match option {
            'p' => launch.pid_file = Some(value),
            'u' => launch.user = Some(value),
            'g' => launch.group = Some(value),
            'G' => launch.groups = value.split([' ', ',']).map(str::to_owned).collect(),
            'r' => launch.chroot = Some(value),
            'd' => launch.directory = Some(value),
            'n' => launch.nice = value.parse().ok(),
            _ => {}
        }
    }
    launch.argv = read.operands;
    super::wrapper::unwrap(&mut launch);
    launch
}

/// FreeBSD's daemon(8).
fn daemon(words: &[String]) -> Launch {
    const LONG: &[(&str, char)] = &[
        ("change-dir", 'c'),
        ("child-pidfile", 'p'),
        ("supervisor-pidfile", 'P'),
        ("user", 'u'),
        ("output-file", 'o'),
        ("restart", 'r'),
        ("close-fds", 'f'),
        ("syslog", 'S'),
        ("title", 't'),
    ];
    let mut read = Words::new(words, "lsTCRpPoMmtu", LONG, true);
    let mut launch = Launch { background: true, ..Launch::default() };
    while let Some((option, value)) = read.next() {
        match option {
            // The child's own is the one that tells of the program.
            'p' => launch.pid_file = Some(value),
            'P' => launch.pid_file = launch.pid_file.or(Some(value)),
            'u' => launch.user = Some(value),
            'c' => launch.directory = Some("/".into()),
            'o' => launch.redirections.extend([1, 2].map(|fd| Redirection { fd, to: value.clone() })),
            'f' => launch.redirections.extend([0, 1, 2].map(|fd| Redirection { fd, to: "/dev/null".into() })),
            _ => {}
        }
    }
    launch.makes_pid_file = launch.pid_file.is_some();
    launch.argv = read.operands;
    super::wrapper::unwrap(&mut launch);
    launch
}

/// `killproc [-p file] [-d time] program [-signal]`.
fn killproc(words: &[String], call: Vec<String>) -> Wish {
    let mut stop = Stop { by: "killproc".into(), call, signal: "TERM".into(), ..Stop::default() };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-p" => stop.pid_file = words.next().cloned(),
            "-d" | "-b" => stop.retry = words.next().cloned(),
            other if stop.program.is_none() && !other.starts_with('-') => stop.program = Some(other.to_owned()),
            other if stop.program.is_some() || other.len() > 2 => stop.signal = signal(other),
            _ => {}
        }
    }
    let target = Target { pid_file: stop.pid_file.clone(), program: stop.program.clone(), ..Target::default() };
    Wish::Stop(StopWish { stop, oknodo: true, test: false, target })
}
