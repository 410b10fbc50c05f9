//! What is known of a script: its facts, what its verbs do on paper, and which of its programs is the daemon.

use std::collections::BTreeSet;

use svc_compat::play::{self, Assumed, How, Launch, Machine, Piece, Record, Spot, is_unknown};
use svc_compat::script::{self, Script};

use super::Tree;
use super::elf::Program;
use super::manual::{self, Described, Effect};

/// Verbs that every service has, or that say nothing of this one.
const USUAL: &[&str] = &[
    "start",
    "stop",
    "restart",
    "reload",
    "force-reload",
    "force-restart",
    "status",
    "try-restart",
    "condrestart",
    "probe",
    "rcvar",
    "enable",
    "disable",
    "delete",
    "enabled",
    "describe",
    "extracommands",
    "poll",
    "ineed",
    "iuse",
    "iwant",
    "needsme",
    "usesme",
    "wantsme",
    "iafter",
    "ibefore",
    "iprovide",
    "zap",
    "pause",
    "force-stop",
    "help",
    "usage",
    "systemd-start",
    "systemd-stop",
    "cond-restart",
    "reload-or-restart",
    "restart-if-running",
    "try-reload",
];

/// Said where nothing that stays was found.
const NO_DAEMON: &str = "it starts no daemon: it does something once";
/// Said where a part of the script's text is missing.
const MISSING: &str = "which is not there: what that does is not known";
/// Said where words are known only to a shell.
const UNSURE: &str = "only running it tells";

/// Said where the value of a variable is one with which the script does not start.
const UNSET: &str = "it starts once that has a value for this machine";

/// Whether running it may tell more than reading did.
pub(super) fn may_be_told(why: &str) -> bool {
    why == NO_DAEMON || why.ends_with(MISSING) || why.contains(UNSURE)
}

/// What is known of a script.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The script's path on its machine.
    pub path: String,
    /// What reading tells.
    pub facts: Script,
    /// Its start on paper.
    pub start: Record,
    /// Its stop.
    pub stop: Record,
    /// Its reload, where it has one that is no restart.
    pub reload: Option<Record>,
    /// Its own verbs.
    pub verbs: Vec<(String, Record)>,
    /// The launch of the daemon, or why there is none to convert.
    pub main: Result<Launch, String>,
}

/// Gathers what is known of a script.
pub fn gather(tree: &Tree, path: &str, text: &[u8]) -> Evidence {
    let name = path.rsplit('/').next().unwrap_or(path);
    let facts = script::read_sourcing(name, text, &mut |file| tree.read(file).filter(|_| file.contains("default")));
    let piece = |verb, running, granted| Piece { path, text, style: facts.style, verb, running, granted };
    let start = play::play(tree, piece("start", false, &[]));
    let granted: Vec<Spot> =
        start.assumed.iter().filter(|assumed| assumed.against).map(|assumed| assumed.spot.clone()).collect();
    let played = |verb| play::play(tree, piece(verb, true, &granted));
    let has = |verb: &str| facts.verbs.iter().any(|known| known == verb);
    let reload = ["reload", "force-reload"].into_iter().filter(|verb| has(verb)).map(played);
    let reload = reload.into_iter().find(|record| reads_again(record, name));
    let reload = reload.or_else(|| named_for_reload(&facts.verbs).map(played).filter(|it| reads_again(it, name)));
    let own = facts.verbs.iter().filter(|verb| !USUAL.contains(&verb.as_str()));
    let verbs = own.map(|verb| (verb.clone(), played(verb))).collect();
    let stop = played("stop");
    let may_go = |program: &str| Program::read(tree, program).is_some_and(|program| program.may_go());
    let leaves = |launch: &Launch| leaves_itself(tree, launch);
    let main = main_of(&start, &stop, &facts, (&may_go, &leaves));
    Evidence { path: path.to_string(), stop, facts, start, reload, verbs, main }
}

/// The only verb that says what is read again, where none is called just so: `reload-config`, `reload-database`.
fn named_for_reload(verbs: &[String]) -> Option<&str> {
    let plain = verbs.iter().any(|verb| verb == "reload");
    let mut named = verbs.iter().filter(|verb| verb.starts_with("reload-") && !verb.contains("log"));
    let verb = named.next().filter(|_| named.next().is_none() && !plain)?;
    (verb != "reload-or-restart").then_some(verb)
}

/// Whether this verb makes the daemon read its configuration again: it is neither stopped nor started anew.
fn reads_again(record: &Record, name: &str) -> bool {
    let ends = record.sent.iter().any(|sent| matches!(sent.signal.as_str(), "TERM" | "KILL" | "QUIT" | "INT" | "STOP"));
    let itself = |word: &String| word.rsplit('/').next() == Some(name);
    let calls_itself = |ran: &&play::Ran| {
        let script = ran.command.first().is_some_and(|program| program.contains("init.d/") && itself(program));
        let tool = ran.command.first().is_some_and(|program| program == "invoke-rc.d" || program == "service");
        script || tool
    };
    let starts = record.launches.iter().any(|launch| launch.how > How::Direct && !takes_over(launch));
    let does = !record.sent.is_empty() || record.ran.iter().any(|ran| !ran.asked && is_own(&ran.command));
    // `webd stop`, and then `webd start`.
    let has_word = |wanted: &str| {
        let own = record.ran.iter().filter(|ran| !ran.asked && is_own(&ran.command));
        own.flat_map(|ran| ran.command.iter().skip(1)).any(|word| word.trim_start_matches('-') == wanted)
    };
    let again = has_word("stop") && has_word("start");
    !ends && !starts && !again && does && !record.ran.iter().any(|ran| calls_itself(&ran))
}

/// haproxy's way: a new process takes over from the old one.
fn takes_over(launch: &Launch) -> bool {
    launch.command.iter().any(|word| word == "-sf" || word == "-st")
}

/// Whether a program that was run is more than housekeeping.
pub(super) fn is_own(command: &[String]) -> bool {
    let Some(program) = command.first() else { return false };
    program.starts_with('/') && !program.starts_with("/bin/") && !program.contains(is_unknown)
}

/// Whether a program may go into the background at all, and whether it does where it is launched like this.
type Known<'k> = (&'k dyn Fn(&str) -> bool, &'k dyn Fn(&Launch) -> bool);

/// Whether a program goes into the background by itself: its manual knows an option by which it does not, and none of
/// those that it is given makes it end.
fn leaves_itself(tree: &Tree, launch: &Launch) -> bool {
    let described = manual::described(tree, &launch.command);
    let is_given = |known: &&Described| known.names.iter().any(|name| launch.command.contains(name));
    let ends = |known: &Described| {
        let text = known.text.to_lowercase();
        ["exit", "quit", "terminat", "and stop", "running"].iter().any(|word| text.contains(word))
    };
    let stays = |known: &Described| known.effect() == Effect::Stays && manual::is_about_background(&known.text);
    described.iter().any(stays) && !described.iter().filter(is_given).any(|known| ends(known) || stays(known))
}

/// The launch of the daemon.
fn main_of(start: &Record, stop: &Record, facts: &Script, known: Known<'_>) -> Result<Launch, String> {
    if let Some((file, spot)) = start.missing.first() {
        return Err(format!("{spot}: it sources {file}, {MISSING}"));
    }
    let explicit: Vec<&Launch> = start.launches.iter().filter(|launch| launch.how > How::Background).collect();
    let background: Vec<&Launch> = start.launches.iter().filter(|launch| launch.how == How::Background).collect();
    let direct: Vec<&Launch> = start.launches.iter().filter(|launch| launch.how == How::Direct).collect();
    // What the stop runs in the same words, before it tells the program to end, asks whether the daemon is there.
    let asks = |launch: &Launch| {
        let others = |ran: &&play::Ran| ran.command[0] == launch.command[0] && ran.command != launch.command;
        stop.ran.iter().any(|ran| ran.command == launch.command) && stop.ran.iter().any(|ran| others(&ran))
    };
    let stays = |launch: &&Launch| play::looks_like_daemon(launch) && !is_tool(launch) && !asks(launch);
    let direct: Vec<&Launch> = direct.into_iter().filter(stays).collect();
    let launches = match (explicit.is_empty(), background.is_empty()) {
        (false, _) => explicit,
        (true, false) => background,
        (true, true) => likely(direct, start, stop, facts, known),
    };
    let Some(last) = launches.last() else {
        return Err(NO_DAEMON.to_string());
    };
    if let Some(launch) = launches.iter().find(|launch| launch.repeated) {
        let program = &launch.command[0];
        return Err(format!("{}: it starts {program} once for each of several things", launch.spot));
    }
    let programs: BTreeSet<&[String]> = launches.iter().map(|launch| launch.command.as_slice()).collect();
    if programs.len() > 1 {
        let mut names: Vec<&str> = launches.iter().map(|launch| launch.command[0].as_str()).collect();
        names.dedup();
        let (count, names) = (programs.len(), names.join(", "));
        return Err(format!("it starts {count} daemons ({names}): each wants a definition of its own"));
    }
    let shown = play::shown(&last.command.join(" "));
    if let Some(file) = made_before(last) {
        let why = "is made anew after each boot, and which daemon that is";
        return Err(format!("{}: {file} {why} {UNSURE}", last.spot));
    }
    if let Some((assumed, name)) = refused(start, last) {
        let (spot, asked) = (&assumed.spot, assumed.command.replace('\n', " "));
        let holds = if assumed.holds { "does not hold" } else { "holds" };
        let why = format!("as things are `{asked}` {holds}, and the command is made of {name}");
        return Err(format!("{spot}: {why}: {UNSET}"));
    }
    if last.is_unsure() {
        return Err(format!("{}: {UNSURE} how it starts `{shown}`", last.spot));
    }
    // `--chuid ":group"` is refused: only others than start-stop-daemon take no name for no change.
    let is_named = |user: &&String| !(user.starts_with('-') || (user.is_empty() && last.how == How::StartStopDaemon));
    if let Some(user) = last.context.user.as_ref().filter(|user| !is_named(user)) {
        let why = "a variable there has no value, and the script starts nothing";
        return Err(format!("{}: its starter takes `{user}` for a user: {why}", last.spot));
    }
    if last.command[0].is_empty()
        || !last.command[0].starts_with('/') && last.command[0].contains('/')
        || last.command[0].starts_with('-')
    {
        return Err(format!("{}: `{shown}` names no program", last.spot));
    }
    Ok((*last).clone())
}

/// The program, or the text for a shell, that lies where nothing outlives a boot: somebody writes it before it is run.
fn made_before(launch: &Launch) -> Option<&String> {
    let is_shell = |word: &&String| ["sh", "bash", "dash"].contains(&word.rsplit('/').next().unwrap_or_default());
    let mut words = launch.command.iter().skip_while(is_shell);
    words.next().filter(|word| ["/run/", "/var/run/"].iter().any(|top| word.starts_with(top)))
}

/// The condition by which the script refuses to start with a value that the command is made of.
fn refused<'r>(start: &'r Record, launch: &'r Launch) -> Option<(&'r Assumed, &'r String)> {
    let against = start.assumed.iter().filter(|assumed| assumed.against && !start.sourced_unknown);
    against
        .flat_map(|assumed| assumed.about.iter().map(move |name| (assumed, name)))
        .find(|(_, name)| launch.roots.contains(*name))
}

/// Whether what it prints goes to a file that is no log: the script makes use of it.
fn is_tool(launch: &Launch) -> bool {
    let file = launch.context.output.as_deref().unwrap_or("/dev/null");
    !file.starts_with("/dev/") && !file.contains("/log/") && !file.ends_with(".log")
}

/// Of programs that are only run by their path the one that is most likely the daemon.
fn likely<'l>(
    launches: Vec<&'l Launch>,
    start: &Record,
    stop: &Record,
    facts: &Script,
    (may_go, leaves): Known<'_>,
) -> Vec<&'l Launch> {
    // What is never signalled, nor told to end by its own word, does not stay.
    let told = |program: &str| {
        let ends = ["stop", "--stop", "-stop", "quit", "kill", "shutdown", "down"];
        let own = stop.ran.iter().filter(|ran| !ran.asked && ran.command.first().is_some_and(|first| first == program));
        own.flat_map(|ran| ran.command.iter().skip(1)).any(|word| ends.contains(&word.as_str()))
    };
    let has_pid_file = !start.pid_files.is_empty() || !stop.pid_files.is_empty();
    if let Some(launch) = launches.iter().find(|launch| has_pid_file && told(&launch.command[0])) {
        return vec![launch];
    }
    // `webd start`, and `webd stop` at the end: a compiled program that can leave itself behind.
    let by_words = |launch: &&&Launch| {
        let starts = launch.command.iter().skip(1).any(|word| word == "start");
        starts && told(&launch.command[0]) && may_go(&launch.command[0])
    };
    if let Some(launch) = launches.iter().find(by_words) {
        return vec![launch];
    }
    if !facts.daemon && stop.sent.is_empty() {
        // Nobody ends it, but by its manual it goes into the background.
        return launches.into_iter().filter(|launch| leaves(launch)).collect();
    }
    // Each has a pid file that it is told, or one of its name into which the stop looks: they are several.
    let its_pid_file = |launch: &&Launch| -> Option<String> {
        let name = launch.command[0].rsplit('/').next().unwrap_or_default();
        let told =
            launch.command.iter().skip(1).map(|word| word.rsplit_once('=').map_or(word.as_str(), |(_, file)| file));
        let is_it = |file: &&str| file.ends_with(".pid") || stop.pid_files.iter().any(|known| known == file);
        let named = |file: &&String| file.rsplit('/').next().and_then(|file| file.strip_suffix(".pid")) == Some(name);
        told.into_iter().find(is_it).map(String::from).or_else(|| stop.pid_files.iter().find(named).cloned())
    };
    let own: Vec<(&Launch, String)> =
        launches.iter().filter_map(|launch| Some((*launch, its_pid_file(launch)?))).collect();
    if own.windows(2).any(|two| two[0].0.command[0] != two[1].0.command[0] && two[0].1 != two[1].1) {
        let several: Vec<&Launch> = own.into_iter().map(|(launch, _)| launch).collect();
        return several;
    }
    let daemon = start.values.get("DAEMON").map(|(value, ..)| value.as_str());
    let name = facts.name.trim_end_matches('d');
    // What is called before may only ask whether it runs.
    let by_variable = launches.iter().rev().filter(|launch| Some(launch.command[0].as_str()) == daemon);
    let by_name = launches.iter().filter(|launch| launch.command[0].rsplit('/').next().unwrap_or("").starts_with(name));
    let starts = launches.iter().filter(|launch| launch.command.iter().any(|word| word == "start"));
    let chosen = by_variable.chain(by_name).chain(starts).chain(launches.last()).next();
    chosen.map(|launch| vec![*launch]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main_of(text: &str) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let evidence = gather(&Tree::partial(folder.path()), "/etc/init.d/web", text.as_bytes());
        evidence.main.map(|launch| launch.command.join(" "))
    }

    #[test]
    fn two_daemons_with_a_pid_file_each_are_two() {
        let script = |start: &str| {
            let stop = "stop) kill `cat /run/one.pid`; kill `cat /run/two.pid`;;";
            format!("#!/bin/sh\n# description: web daemon\ncase $1 in\nstart) {start};;\n{stop}\nesac\n")
        };
        let told = main_of(&script("/usr/sbin/webd -p /run/one.pid; /usr/sbin/otherd --pid=/run/two.pid"));
        assert!(told.unwrap_err().starts_with("it starts 2 daemons"));
        let named = main_of(&script("/usr/sbin/one -d; /usr/sbin/two -d"));
        assert!(named.unwrap_err().starts_with("it starts 2 daemons"));
        let one = main_of(&script("/usr/sbin/prepare -p /run/one.pid; /usr/sbin/webd -p /run/one.pid"));
        assert_eq!(one.as_deref(), Ok("/usr/sbin/webd -p /run/one.pid"));
    }

    #[test]
    fn what_is_written_at_each_boot_is_no_command_of_a_definition() {
        let script = |start: &str| format!("#!/bin/sh\n# description: web daemon\ncase $1 in start) {start};; esac\n");
        for start in ["start-stop-daemon -S -x /run/web/start", "start-stop-daemon -S -x /bin/sh -- /run/web/start.cmd"]
        {
            assert!(main_of(&script(start)).unwrap_err().contains("/run/web/start"), "{start}");
        }
        assert!(main_of(&script("start-stop-daemon -S -x /usr/sbin/webd -- /run/web/socket")).is_ok());
    }

    #[test]
    fn what_asks_whether_the_daemon_is_there_is_none() {
        let script = "#!/bin/sh\ncase $1 in\nstart) /usr/sbin/webd -s && exit 0; /usr/sbin/webd -d;;\n\
                      stop) /usr/sbin/webd -s || exit 0; /usr/sbin/webd -k;;\nesac\n# kill\n";
        let with_signal = script.replace("/usr/sbin/webd -k", "/usr/sbin/webd -k; kill `cat /run/web.pid`");
        assert_eq!(main_of(&with_signal).as_deref(), Ok("/usr/sbin/webd -d"));
    }

    #[test]
    fn what_nobody_ends_is_a_daemon_where_its_manual_says_how_it_does_not_become_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("usr/share/man/man8");
        std::fs::create_dir_all(&place).unwrap();
        let main = |page: &str| {
            std::fs::write(place.join("webd.8"), page).unwrap();
            let text =
                "#!/bin/sh\ncase $1 in start) /usr/sbin/webd -r; /usr/sbin/webd -e; /usr/sbin/webctl -l;; esac\n";
            let evidence = gather(&Tree::partial(folder.path()), "/etc/init.d/web", text.as_bytes());
            evidence.main.map(|launch| launch.command.join(" "))
        };
        let page = ".TP\n.B -r\nRecord.\n.TP\n.B -e\nEnable and exit.\n.TP\n.B -f\nRun in the foreground.\n";
        assert_eq!(main(page).as_deref(), Ok("/usr/sbin/webd -r"));
        assert!(main(&page.replace("in the foreground", "on port 80")).is_err());
        assert!(main(&page.replace("Record", "Record in the foreground")).is_err());
    }
}
