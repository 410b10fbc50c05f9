//! The tools that start daemons: start-stop-daemon and the functions of the libraries.

use super::flow::Flow;
use super::record::{Context, How, Launch, Sent};
use super::syntax::Spot;
use super::{PID, Player, is_unknown};

/// Long options of start-stop-daemon: name, letter, whether it takes a value.
const OPTIONS: &[(&str, char, bool)] = &[
    ("start", 'S', false),
    ("stop", 'K', false),
    ("status", 'T', false),
    ("help", 'H', false),
    ("version", 'V', false),
    ("pid", 'i', true),
    ("ppid", 'j', true),
    ("pidfile", 'p', true),
    ("exec", 'x', true),
    ("name", 'n', true),
    ("user", 'u', true),
    ("group", 'g', true),
    ("chuid", 'c', true),
    ("signal", 's', true),
    ("retry", 'R', true),
    ("startas", 'a', true),
    ("chroot", 'r', true),
    ("chdir", 'd', true),
    ("nicelevel", 'N', true),
    ("procsched", 'P', true),
    ("iosched", 'I', true),
    ("umask", 'k', true),
    ("make-pidfile", 'm', false),
    ("remove-pidfile", 'M', false),
    ("background", 'b', false),
    ("no-close", 'C', false),
    ("output", 'O', true),
    ("notify-await", 'W', false),
    ("notify-timeout", 'w', true),
    ("oknodo", 'o', false),
    ("quiet", 'q', false),
    ("verbose", 'v', false),
    ("test", 't', false),
    ("interpreter", 'e', true),
    ("env", 'E', true),
    ("stdout", '1', true),
    ("stderr", '2', true),
];

/// What a call of start-stop-daemon says.
#[derive(Default)]
struct Call {
    flags: String,
    values: Vec<(char, String)>,
    arguments: Vec<String>,
}

impl Call {
    fn of(words: &[String]) -> Self {
        let mut call = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                call.arguments.extend(words.cloned());
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let exact = OPTIONS.iter().find(|option| option.0 == name);
                let option = exact.or_else(|| OPTIONS.iter().find(|option| option.0.starts_with(name)));
                match option {
                    Some((_, letter, true)) => {
                        let value = value.map(String::from).or_else(|| words.next().cloned()).unwrap_or_default();
                        call.values.push((*letter, value));
                    }
                    Some((_, letter, false)) => call.flags.push(*letter),
                    None => call.arguments.push(word.clone()),
                }
                continue;
            }
            match word.strip_prefix('-').filter(|cluster| !cluster.is_empty()) {
                None => call.arguments.push(word.clone()),
                Some(cluster) => call.cluster(word, cluster, &mut words),
            }
        }
        call
    }

    fn cluster<'w>(&mut self, word: &str, cluster: &str, words: &mut impl Iterator<Item = &'w String>) {
        for (at, letter) in cluster.char_indices() {
            let rest = &cluster[at + letter.len_utf8()..];
            match OPTIONS.iter().find(|option| option.1 == letter) {
                Some((.., true)) => {
                    let value = if rest.is_empty() { words.next().cloned().unwrap_or_default() } else { rest.into() };
                    return self.values.push((letter, value));
                }
                Some((.., false)) => self.flags.push(letter),
                None => return self.arguments.push(word.to_string()),
            }
        }
    }

    fn has(&self, letter: char) -> bool {
        self.flags.contains(letter)
    }

    fn value(&self, letter: char) -> Option<String> {
        self.values.iter().rev().find(|(known, _)| *known == letter).map(|(_, value)| value.clone())
    }
}

impl Player<'_> {
    /// A launch of this command as things are now.
    pub(super) fn launch(&self, how: How, command: Vec<String>, spot: &Spot) -> Launch {
        let exported = self.variables.iter().filter(|(_, variable)| variable.exported);
        let exported = exported.map(|(name, variable)| (name.clone(), (variable.value.clone(), variable.spot.clone())));
        Launch {
            how,
            command,
            context: self.context.clone(),
            pid_file: None,
            makes_pid_file: false,
            background: false,
            spot: spot.clone(),
            used: self.used.clone(),
            roots: self.roots(&self.used_for_more),
            exported: exported.collect(),
            repeated: false,
            again: self.endless > 0,
        }
    }

    /// The tools that leave daemons behind.
    pub(super) fn launcher(&mut self, name: &str, words: &[String], spot: &Spot) -> Option<Flow> {
        Some(match name {
            "start-stop-daemon" => self.start_stop_daemon(&words[1..], spot),
            "start_daemon" | "startproc" => self.start_daemon(&words[1..], spot),
            "daemon" if !words[0].contains('/') => self.red_hat(&words[1..], spot),
            "daemon" => self.daemon_program(words, spot),
            _ => return None,
        })
    }

    fn start_stop_daemon(&mut self, words: &[String], spot: &Spot) -> Flow {
        let call = Call::of(words);
        let is_there = self.is_there(&call);
        if call.has('T') {
            return self.ends(if is_there { 0 } else { 3 });
        }
        if let Some(pid_file) = call.value('p') {
            self.record.pid_files.push(pid_file);
        }
        // OpenRC's tool sends a signal also where no `--stop` is said.
        if call.has('K') || (!call.has('S') && call.value('s').is_some()) {
            return self.stop(&call, spot);
        }
        if !call.has('S') {
            return self.ends(0);
        }
        if call.has('t') {
            return self.ends(if is_there && !call.has('o') { 1 } else { 0 });
        }
        let Some(program) = call.value('a').or_else(|| call.value('x')).or_else(|| call.arguments.first().cloned())
        else {
            return self.ends(2);
        };
        let named = call.value('a').is_some() || call.value('x').is_some();
        let arguments = call.arguments.iter().skip(usize::from(!named)).cloned();
        let command: Vec<String> = [program].into_iter().chain(arguments).collect();
        let mut launch = self.launch(How::StartStopDaemon, command, spot);
        let background = call.has('b') || !self.context.wrappers.is_empty();
        let context = &mut launch.context;
        let openrc = self.script.style == crate::Style::OpenrcRun;
        // There `--user` is who it runs as; Debian's tool only looks for a process of that user.
        let user = call.value('c').or_else(|| call.value('u').filter(|_| openrc));
        who(context, user.as_deref(), call.value('g'));
        context.looked_for = call.value('u').filter(|_| !openrc);
        fill(&mut context.chroot, call.value('r'));
        // The tool itself goes to / unless it is told where.
        context.directory = call.value('d');
        fill(&mut context.nice, call.value('N'));
        fill(&mut context.umask, call.value('k'));
        fill(&mut context.output, call.value('O'));
        launch.pid_file = call.value('p');
        launch.makes_pid_file = call.has('m');
        launch.background = background;
        self.launched(launch);
        let before = std::mem::replace(&mut self.running, true);
        // Where it is there already, only --oknodo makes that a success.
        if before && self.script.running && !call.has('o') { self.ends(1) } else { self.ends(0) }
    }

    /// Whether the daemon that is asked for runs: one that was started before may be another one.
    fn is_there(&self, call: &Call) -> bool {
        let program = call.value('x').or_else(|| call.value('a'));
        let pid_file = call.value('p');
        let is_it = |launch: &Launch| match (&pid_file, &launch.pid_file) {
            // One program may be there several times, each with a pid file of its own.
            (Some(asked), Some(its)) => asked == its,
            _ => program.is_some() && launch.command.first() == program.as_ref(),
        };
        let is_nameless = program.is_none() && pid_file.is_none();
        self.running && (self.script.running || is_nameless || self.record.launches.iter().any(is_it))
    }

    fn stop(&mut self, call: &Call, spot: &Spot) -> Flow {
        let signal = call.value('s').unwrap_or_else(|| "TERM".to_string());
        if call.has('t') || signal == "0" {
            return self.ends(i32::from(!self.running));
        }
        let there = self.running;
        self.sends(&signal, call.value('R'), spot);
        if there || call.has('o') { self.ends(0) } else { self.ends(1) }
    }

    /// Writes a signal down.
    pub(super) fn sends(&mut self, signal: &str, retry: Option<String>, spot: &Spot) {
        let bare = signal.trim_start_matches('-').trim_start_matches("SIG").to_ascii_uppercase();
        let named = match bare.as_str() {
            "0" => return,
            "1" => "HUP",
            "2" => "INT",
            "3" => "QUIT",
            "9" => "KILL",
            "10" => "USR1",
            "12" => "USR2",
            "15" => "TERM",
            "18" => "CONT",
            "28" => "WINCH",
            other => other,
        };
        if matches!(named, "TERM" | "KILL" | "QUIT" | "INT") && self.script.verb != "reload" {
            self.running = false;
        }
        self.record.sent.push(Sent { signal: named.to_string(), retry, spot: spot.clone() });
    }

    /// `start_daemon [-f] [-n NICE] [-p FILE] PROGRAM [ARGUMENT...]`, and startproc of the same family.
    fn start_daemon(&mut self, words: &[String], spot: &Spot) -> Flow {
        let mut context = self.context.clone();
        let (mut pid_file, mut rest) = (None, words);
        while let Some((first, after)) = rest.split_first().filter(|(first, _)| first.starts_with('-')) {
            let value = after.first().cloned();
            let mut takes = true;
            match first.as_str() {
                "-n" => context.nice = value,
                "-p" => pid_file = value,
                "-u" => context.user = value,
                "-g" => context.group = value,
                "-c" => context.chroot = value,
                "-l" => context.output = value,
                "-t" | "-T" | "-W" => {}
                "--" => {
                    rest = after;
                    break;
                }
                _ => takes = false,
            }
            rest = if takes { after.get(1..).unwrap_or_default() } else { after };
        }
        self.by_function(rest.to_vec(), context, pid_file, spot)
    }

    /// Red Hat's `daemon [--user=WHO] [--pidfile=FILE] [+N|-N] PROGRAM...`: its words are read again by a shell.
    fn red_hat(&mut self, words: &[String], spot: &Spot) -> Flow {
        let mut context = self.context.clone();
        let (mut pid_file, mut rest) = (None, words);
        while let Some((first, after)) = rest.split_first() {
            let (option, joined) = first
                .split_once('=')
                .map_or((first.as_str(), None), |(option, value)| (option, Some(value.to_string())));
            let takes = joined.is_none();
            let value = joined.or_else(|| after.first().cloned());
            match option {
                "--user" => context.user = value,
                "--pidfile" => pid_file = value,
                "--check" => {}
                "--force" => {
                    rest = after;
                    continue;
                }
                nice if nice.trim_start_matches(['-', '+']).parse::<u8>().is_ok() => {
                    context.nice = Some(nice.trim_start_matches('+').to_string());
                    rest = after;
                    continue;
                }
                _ => break,
            }
            rest = if takes { after.get(1..).unwrap_or_default() } else { after };
        }
        let command = self.words_of(&rest.join(" "), spot);
        self.by_function(command, context, pid_file, spot)
    }

    fn by_function(&mut self, command: Vec<String>, context: Context, pid_file: Option<String>, spot: &Spot) -> Flow {
        if command.is_empty() {
            return self.ends(1);
        }
        self.record.pid_files.extend(pid_file.clone());
        let background = !context.wrappers.is_empty() || command.last().is_some_and(|word| word == "&");
        let command: Vec<String> = command.into_iter().filter(|word| word != "&").collect();
        let launch = self.launch(How::Function, command, spot);
        self.launched(Launch { context, pid_file, background, ..launch });
        self.running = true;
        self.ends(0)
    }

    /// The text of a file, as the machine would have it.
    pub(super) fn contents(&mut self, path: &str) -> Option<String> {
        if path.contains(is_unknown) {
            return None;
        }
        if super::question::volatile(path) {
            let is_pid_file = path.contains("pid") || self.record.pid_files.iter().any(|known| known == path);
            if is_pid_file {
                self.record.pid_files.push(path.to_string());
            }
            return (is_pid_file && self.running).then(|| format!("{PID}\n"));
        }
        self.tree.read(path).map(|text| crate::text::decode(&text))
    }
}

fn fill(place: &mut Option<String>, value: Option<String>) {
    if value.is_some() {
        *place = value;
    }
}

/// `USER`, `USER:GROUP`.
pub(super) fn who(context: &mut Context, user: Option<&str>, group: Option<String>) {
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        let (user, its) = match user.split_once(':') {
            Some((user, group)) => (user, Some(group.to_string())),
            None => (user, None),
        };
        context.user = Some(user.to_string());
        fill(&mut context.group, its.filter(|group| !group.is_empty()));
    }
    fill(&mut context.group, group);
}
