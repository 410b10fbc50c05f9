//! What counts as the same in a definition and a unit.
//!
//! * program: the same file, links followed; `/bin` and `/usr/bin` are one place. A shell, `env` or another starter
//!   is the program that it starts, and so is a shell's text that ends by executing or running one; an interpreter
//!   that the program names itself, whatever its version, is the program. Of two paths with one file name in the
//!   usual places of which only one is there, the other is the same.
//! * arguments: the same words in any order, without those that say foreground or background, without those that only
//!   name the pid file; an option's long and short name are one, `-fP` is `-f -P`, a slash at the end of a path says
//!   nothing; where Go's own library reads the options, one dash is two, and `-E x` in one word is an option with its
//!   value. That no process group or session is made, or which supervisor starts the daemon, belongs to the foreground
//!   switch. What a side spells out and the other leaves to the program is the same where the program has it so anyway:
//!   a path that is built into it or that its manual has among its files (`~` is the home of the account), a value that
//!   the manual calls the default, the directory that both start it in where the manual calls that the default, a value
//!   that the configuration file shows as the default, a value that the configuration file has, too, or that a file of
//!   settings shows in a comment for the variable that stands there. What one side says by an option and the other by a
//!   variable that the program's own text names beside that option is one. An option with one value said twice is said
//!   once, and one whose value is an empty variable says nothing; a pattern of file names is one, whether a shell fills
//!   it in or the program, by an option for that; a word that is no option says nothing to a program whose usage, with
//!   options alone, has no place for it. Options that by the manual only say where messages go, how they look, or that
//!   nothing is printed are up to the foreground switch: a daemon in the background has to be told a file or syslog and
//!   must not write over a console; in the foreground its supervisor takes what it prints.
//! * user, group: the same names in the end (see user.rs); nobody said is root; a group that is named like the user is
//!   the user's own.
//! * runtime directory: each that the unit names is made. One more that the script makes is what the unit leaves to the
//!   daemon, to tmpfiles.d or to the package.
//! * reload: the same signal to the main process, or the same command, an option by any of its names, without the one
//!   that only tells it the main process; a command that by the manual does what the signal does, or of which it says
//!   as of the signal that the configuration is read again, the daemon's own word that by the manual sends it, or a
//!   shell's text that sends it in the end, is the signal. A unit without any says nothing of it, and one whose signal
//!   the daemon ignores (by its code, or seen in a trial) has none either: nothing happens with it as without.
//! * pid file: the same, where both are of a kind that has one and the unit names one.
//! * kind: `forking` is forking; every other type is a process in the foreground. A unit of type forking agrees with a
//!   definition in the foreground, since there the daemon's own option keeps it: that is what conversion is for. A
//!   definition of kind forking agrees with nothing but a unit of type forking.

mod beside;
mod defaults;
mod options;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use svc::convert::handled::Hangup;
use svc::convert::proof::Usage;
use svc::convert::unit::Unit;
use svc::convert::{Draft, Tree, addressed, hangup, manual, words};
use svc_compat::Style;
use svc_compat::daemons::Table;
use svc_compat::play::{self, Machine, Piece};
use svc_core::definition::join;
use svc_core::service::Kind;

use crate::user::Users;
use crate::wrapper::{is_shells, unwrapped};
use beside::{Beside, Whose};
pub(crate) use defaults::Defaults;
use defaults::Known;
use options::Options;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Program,
    Arguments,
    User,
    Group,
    RuntimeDirectory,
    Reload,
    PidFile,
    Kind,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Program => "program",
            Self::Arguments => "arguments",
            Self::User => "user",
            Self::Group => "group",
            Self::RuntimeDirectory => "runtime directory",
            Self::Reload => "reload",
            Self::PidFile => "pid file",
            Self::Kind => "kind",
        })
    }
}

/// Every field in which the definition and the unit differ, with both values.
///
/// The program is asked for its usage only where its arguments seem to differ.
pub(crate) fn compare(
    tree: &Tree,
    table: &Table,
    draft: &Draft,
    unit: &Unit,
    ask: &dyn Fn(&[String]) -> Usage,
) -> Vec<(Field, String)> {
    let mut out = Vec::new();
    let mut differ = |field: Field, ours: String, theirs: String| {
        if ours != theirs {
            out.push((field, format!("`{ours}`, the unit has `{theirs}`")));
        }
    };
    let (mut ours, mut theirs) = (interpreted(tree, &draft.command), interpreted(tree, &unit.command));
    (ours, theirs) = (unwrapped(tree, &ours, &BTreeMap::new()), unwrapped(tree, &theirs, &unit.environment));
    let (program, wanted) = (one_place(tree, &ours), one_place(tree, &theirs));
    if !is_only_one_there(tree, &program, &wanted) {
        differ(Field::Program, program, wanted);
    }

    let defaults = Defaults::of(tree, &[draft.user.as_deref(), unit.value("User")], &ours, &theirs);
    let users = Users::of(tree, &defaults, (draft, &mut ours), (unit, &mut theirs));
    if !users.becomes && !users.made_up {
        differ(Field::User, users.ours, users.theirs);
        differ(Field::Group, users.our_group, users.their_group);
    }
    let beside = Beside::of(tree, draft, unit);
    let left = |asked: &Usage| {
        let mut options = Options::of(tree, table, draft, &ours, asked);
        options.from_root =
            unit.value("WorkingDirectory").is_none() && !draft.keys.iter().any(|key| key.name == "directory");
        let known = Known { options: &options, beside: &beside };
        let files: Vec<String> = draft.pid_file.iter().map(|file| file.replace("/var/run/", "/run/")).collect();
        let (ours, theirs) = (options.that_count(&ours, &files), options.that_count(&theirs, &files));
        let left = (
            defaults.left_out(&ours, &theirs, Whose::Ours, known),
            defaults.left_out(&theirs, &ours, Whose::Theirs, known),
        );
        (sorted(left.0), sorted(left.1))
    };
    let (mut our_words, mut their_words) = left(&Usage::default());
    if our_words != their_words {
        let again = left(&ask(&ours));
        if again.0 == again.1 {
            (our_words, their_words) = again;
        }
    }
    differ(Field::Arguments, our_words, their_words);

    let made: BTreeSet<&String> = draft.runtime_directories.iter().collect();
    let wanted = unit.runtime_directories();
    if wanted.iter().any(|name| !made.contains(name)) {
        differ(Field::RuntimeDirectory, draft.runtime_directories.join(" "), wanted.join(" "));
    }
    let theirs = unit.reload().unwrap_or_default();
    let ours = draft.reload.clone().unwrap_or_default();
    let does_nothing = ours.is_empty() && theirs == "signal HUP" && draft.hangup == Some(Hangup::Ignored);
    if !theirs.is_empty() && ours != theirs && !does_nothing && !is_the_same_reload(tree, table, draft, &ours, unit) {
        differ(Field::Reload, ours, theirs);
    }
    let forks = matches!(draft.kind, Kind::Forking { .. });
    if forks && let Some(theirs) = unit.pid_file().filter(|_| unit.kind() == "forking") {
        let file = |file: &str| file.replace("/var/run/", "/run/");
        differ(Field::PidFile, draft.pid_file.as_deref().map(file).unwrap_or_default(), file(&theirs));
    }
    if forks && unit.kind() != "forking" {
        differ(Field::Kind, "forking".to_string(), unit.kind().to_string());
    }
    out
}

fn sorted(mut words: Vec<String>) -> String {
    words.sort();
    words.join(" ")
}

/// A signal, and the command that by the daemon's manual does the same; or one command in other words.
fn is_the_same_reload(tree: &Tree, table: &Table, draft: &Draft, ours: &str, unit: &Unit) -> bool {
    let theirs = unit.reload().unwrap_or_default();
    let known = draft.command.first().and_then(|program| table.row(program));
    let words = |command: &str| svc_core::definition::words(command).unwrap_or_default();
    let base = |word: &str| word.rsplit('/').next().unwrap_or_default().to_string();
    let is_it = |said: &str| {
        let said = words(said);
        let has_all = |command: &String| {
            let mut wanted = command.split(' ').peekable();
            for word in said.iter().enumerate().map(|(at, word)| if at == 0 { base(word) } else { word.clone() }) {
                wanted.next_if_eq(&word.as_str());
            }
            wanted.peek().is_none()
        };
        known.is_some_and(|row| row.reload_commands.iter().any(has_all)) || sends_it(tree, draft, &said)
    };
    let place = |command: &str| {
        let mut command = executed(words(command));
        let program = one_place(tree, &command);
        // `-H` and `--hotplug` are one option by the manual.
        let described = manual::described(tree, &command);
        // Both mean the service's own daemon: one tells the command who that is, the other lets it look.
        let is_told =
            |word: &String| described.iter().any(|known| known.names.contains(word) && addressed::is_address(known));
        command.retain(|word| !is_told(word));
        for word in command.iter_mut().skip(1).filter(|word| word.starts_with('-')) {
            if let Some(known) = described.iter().find(|known| known.names.contains(word)) {
                word.clone_from(&known.names[0]);
            }
        }
        command.iter_mut().take(1).for_each(|first| *first = program.clone());
        command.sort();
        command
    };
    match (ours.strip_prefix("signal "), theirs.strip_prefix("signal ")) {
        (Some(signal), None) => {
            let command = words(&theirs);
            is_it(&theirs)
                || sent(tree, &command, unit).as_deref() == Some(signal)
                || (reads_again(tree, &command) && is_told_so(tree, table, draft, ours))
        }
        (None, Some(_)) => is_it(ours) || (reads_again(tree, &words(ours)) && is_told_so(tree, table, draft, &theirs)),
        (None, None) => place(ours) == place(&theirs),
        (Some(_), Some(_)) => false,
    }
}

/// What a shell's text is that only fills in who the main process is, which a unit leaves to systemd.
fn executed(command: Vec<String>) -> Vec<String> {
    let [shell, option, text] = command.as_slice() else { return command };
    let inner = text.strip_prefix("exec ").filter(|_| shell.ends_with("/sh") && option == "-c");
    let inner = inner.and_then(|text| svc_core::definition::words(text).ok());
    inner.map_or(command, |words| words.into_iter().filter(|word| word != "$MAINPID").collect())
}

/// Whether the daemon's own manual says of a signal that it reads its configuration again on it.
fn is_told_so(tree: &Tree, table: &Table, draft: &Draft, signal: &str) -> bool {
    let said = hangup::documented(tree, table, draft.name.as_ref(), &draft.command);
    said.is_some_and(|(value, _)| value == signal)
}

/// Whether the manual of a command says of its last word or option that the daemon reads its configuration again.
fn reads_again(tree: &Tree, command: &[String]) -> bool {
    let [program, .., word] = command else { return false };
    let described = manual::described(tree, command);
    let option = described.iter().find(|known| known.names.contains(word)).map(|known| known.text.clone());
    let said = option.or_else(|| words::said_of(tree, program, word)).unwrap_or_default().to_lowercase();
    let again = ["reload", "re-read", "reread", "reconfigur", "read its configuration again"];
    said.contains("conf") && again.iter().any(|deed| said.contains(deed))
}

/// The daemon's own program with a word that by its manual sends the running one a signal to read its configuration.
fn sends_it(tree: &Tree, draft: &Draft, command: &[String]) -> bool {
    if draft.command.is_empty() || one_place(tree, &draft.command) != one_place(tree, command) {
        return false;
    }
    let said = command.last().and_then(|word| words::said_of(tree, &command[0], word)).unwrap_or_default();
    let said = said.to_lowercase();
    said.contains("signal") && ["reload", "re-read", "reread"].iter().any(|deed| said.contains(deed))
}

/// The signal that a shell's text sends in the end, after it has looked at the configuration.
fn sent(tree: &Tree, command: &[String], unit: &Unit) -> Option<String> {
    let program = command.first()?;
    let (text, words) = match command {
        [shell, option, inside, words @ ..] if shell.ends_with("sh") && option == "-c" => {
            (inside.clone().into_bytes(), words.get(1..).unwrap_or_default())
        }
        [_, words @ ..] => (tree.read(program).filter(|text| text.starts_with(b"#!") && is_shells(text))?, words),
        [] => return None,
    };
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let before = unit.environment.iter().map(|(name, value)| format!("{name}={}\n", quoted(value)));
    let before: String = before.chain([format!("MAINPID=$(cat /run/main.pid)\nset -- {}\n", join(words))]).collect();
    let whole = [before.as_bytes(), &text].concat();
    let piece = Piece { path: program, text: &whole, style: Style::Own, verb: "reload", running: true, granted: &[] };
    play::play(tree, piece).sent.last().map(|sent| sent.signal.clone())
}

/// The command without the interpreter that its program names itself: `python3 /usr/bin/x` is `/usr/bin/x`.
fn interpreted(tree: &Tree, command: &[String]) -> Vec<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_string();
    let first_line = |path: &String| {
        let text = tree.read(path).filter(|text| path.starts_with('/') && text.starts_with(b"#!"))?;
        let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Some(String::from_utf8_lossy(&line[2..]).into_owned())
    };
    let named = command.get(1).and_then(first_line);
    let Some((line, first)) = named.zip(command.first()) else { return command.to_vec() };
    // `python` is a link to the one that there is.
    let plain =
        |path: &str| base(path).trim_end_matches(|found: char| found.is_ascii_digit() || found == '.').to_string();
    let is_its = line.split_whitespace().any(|word| plain(word) == plain(first));
    if is_its { command[1..].to_vec() } else { command.to_vec() }
}

/// Two paths of one file name where only one is there: the other cannot be meant.
fn is_only_one_there(tree: &Tree, ours: &str, theirs: &str) -> bool {
    let place = |path: &str| path.rsplit_once('/').map(|(place, name)| (place.to_string(), name.to_string()));
    let is_usual = |place: &str| matches!(place, "/usr/bin" | "/usr/sbin");
    match (place(ours), place(theirs)) {
        (Some((first, name)), Some((second, other))) if is_usual(&first) && is_usual(&second) && name == other => {
            tree.find(ours).is_some() != tree.find(theirs).is_some()
        }
        _ => false,
    }
}

fn one_place(tree: &Tree, command: &[String]) -> String {
    let Some(path) = command.first() else { return String::new() };
    let path = match path.contains('/') {
        true => tree.find(path).map_or_else(|| path.to_string(), |found| tree.within(&found)),
        false => tree.program(path).unwrap_or_else(|| path.to_string()),
    };
    if path.starts_with("/bin/") || path.starts_with("/sbin/") { format!("/usr{path}") } else { path }
}

#[cfg(test)]
mod tests {
    use super::executed;

    #[test]
    fn a_text_that_executes_a_command_for_the_main_process_is_that_command() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_string()).collect::<Vec<_>>();
        let told = words(&["/bin/sh", "-c", "exec /sbin/webd -c reload -P \"$MAINPID\""]);
        assert_eq!(executed(told), ["/sbin/webd", "-c", "reload", "-P"]);
        for other in [words(&["/sbin/webd", "-c", "reload"]), words(&["/bin/sh", "-c", "webd -c reload"])] {
            assert_eq!(executed(other.clone()), other);
        }
    }
}
