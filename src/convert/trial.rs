//! A daemon tried out in a sandbox: whether it can be kept in the foreground, and by which words.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use svc_core::service::Kind;

use super::draft::{Draft, command_value};
use super::manual::{self, Described, Effect};
use super::stay::{self, Stay};
use super::{Tree, asked};
use crate::rehearse::Why;
use crate::rehearse::compare::{self, Alone};

/// How long a daemon may take until it has gone into the background.
const TRIAL_TIME: Duration = Duration::from_secs(10);
/// So long nothing changes where a daemon stays, at least.
const CALM: Duration = Duration::from_secs(1);
/// Who took a while to go into the background is watched so many times longer before it is believed to stay.
const PATIENCE: u32 = 3;
/// All trials of one daemon take no longer.
const ALL_TRIALS: Duration = Duration::from_secs(60);
/// Options that are tried where nothing is said of any: what daemons call their foreground.
const CANDIDATES: &[&[&str]] = &[
    &["--foreground"],
    &["--no-daemon"],
    &["--nodaemon"],
    &["--nofork"],
    &["--no-detach"],
    &["--daemonize", "no"],
    &["-f"],
    &["-F"],
    &["-n"],
    &["-D"],
    &["-N"],
];
/// Options by which daemons are mostly sent into the background, where their manual says nothing else of them.
const SENDING: &[&str] = &["-d", "-D", "-b", "-B"];

/// What is done to the words of a daemon so that it stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Change {
    without: Vec<String>,
    with: Vec<String>,
}

/// Tries the daemon in the foreground: as it is, without what may send it away, and with options by which daemons stay.
/// Says what came of it.
pub(super) fn tried(tree: &Tree, lowers: &[PathBuf], draft: &mut Draft) -> String {
    let begun = Instant::now();
    let forking = match run(draft, lowers, CALM) {
        Ok(seen) => seen,
        Err(why) => return format!("not tried in the foreground: {why}"),
    };
    let asked = asked::usage(lowers, &draft.command);
    let said = stay::by_usage(&draft.command, &asked);
    if !forking.stays {
        // What has not gone anywhere by now never does: it stays as it is.
        let never_goes = !forking.returned && forking.processes.len() == 1;
        if never_goes && begun.elapsed() >= TRIAL_TIME {
            draft.stay_by(&Change::default(), "trial: it stays in the foreground as it is");
            return "tried in a sandbox: it does not go into the background by itself".to_string();
        }
        if let Some(said) = said {
            draft.stay_by(&Change::by(&said), &said.source);
            let how =
                "it does not start in a sandbox, and that it stays in the foreground like this is only what it says";
            draft.open.push(format!("{how} of itself: {}", said.source));
            return "tried in a sandbox: it does not start there; how it stays in the foreground it says itself"
                .to_string();
        }
        return "tried in a sandbox: it does not start there, so nothing is known of its foreground".to_string();
    }
    // All that a daemon does before it goes has been done once this long, with more to spare.
    let calm = CALM + forking.took * PATIENCE;
    let described = [manual::described(tree, &draft.command), asked].concat();
    for change in said.iter().map(Change::by).chain(changes(&described, &draft.command)) {
        if begun.elapsed() > ALL_TRIALS {
            return "tried in a sandbox: nothing kept it in the foreground in the time there is for that".to_string();
        }
        let mut candidate = draft.clone();
        let how = change.shown();
        candidate.stay_by(&change, &format!("trial: {how} it stays in the foreground and listens where it did"));
        if run(&candidate, lowers, calm).is_ok_and(|seen| is_like(&seen, &forking)) {
            *draft = candidate;
            return format!(
                "tried in a sandbox: {} it stays in the foreground, and listens where it did",
                change.shown()
            );
        }
    }
    "tried in a sandbox: it goes into the background whatever option was tried".to_string()
}

fn run(draft: &Draft, lowers: &[PathBuf], calm: Duration) -> Result<Alone, Why> {
    let text = format!("{}\n[restart]\nwhen = \"never\"\n", draft.text());
    compare::alone(draft.name.as_ref(), &text, lowers, TRIAL_TIME + calm, calm)
}

/// It stays, as the same users, and listens at the same places.
fn is_like(seen: &Alone, forking: &Alone) -> bool {
    let users = |seen: &Alone| seen.processes.iter().map(|(user, _)| user.clone()).collect::<Vec<_>>();
    seen.stays && seen.sockets == forking.sockets && users(seen) == users(forking)
}

/// What is tried, the least change first.
fn changes(described: &[Described], command: &[String]) -> Vec<Change> {
    let may_mean = |option: &str, effect: Effect| {
        let mut known = described.iter().filter(|known| known.names.iter().any(|name| name == option)).peekable();
        known.peek().is_none() || known.any(|known| known.effect() == effect)
    };
    let sends = |word: &&String| SENDING.contains(&word.as_str()) && may_mean(word, Effect::Goes);
    let without: Vec<String> = command.iter().skip(1).filter(sends).cloned().collect();
    let with = |without: &[String], words: &[&str]| Change {
        without: without.to_vec(),
        with: words.iter().map(|word| (*word).to_string()).collect(),
    };
    let options = || {
        let is_new = |words: &&&[&str]| !command.iter().any(|known| known == words[0]);
        CANDIDATES.iter().filter(|words| may_mean(words[0], Effect::Stays)).filter(is_new)
    };
    let mut all = vec![Change::default()];
    if !without.is_empty() {
        all.push(with(&without, &[]));
    }
    all.extend(options().map(|words| with(&[], words)));
    if !without.is_empty() {
        all.extend(options().map(|words| with(&without, words)));
    }
    all
}

impl Change {
    /// The change that is said to keep it.
    fn by(said: &Stay) -> Self {
        Self { without: said.removed.clone(), with: said.added.clone() }
    }

    fn shown(&self) -> String {
        let part = |what: &str, words: &[String]| match words.is_empty() {
            true => None,
            false => Some(format!("{what} {}", words.join(" "))),
        };
        let parts: Vec<String> =
            [part("without", &self.without), part("with", &self.with)].into_iter().flatten().collect();
        if parts.is_empty() { "as it is".to_string() } else { parts.join(" and ") }
    }
}

impl Draft {
    /// Makes it one of the foreground, by what was found out.
    fn stay_by(&mut self, change: &Change, source: &str) {
        self.command.retain(|word| !change.without.contains(word));
        stay::add(&mut self.command, &change.with);
        self.stay = Stay {
            command: self.command.clone(),
            foreground: true,
            added: change.with.clone(),
            removed: [self.stay.removed.as_slice(), change.without.as_slice()].concat(),
            source: source.to_string(),
            ..self.stay.clone()
        };
        self.kind = Kind::Process;
        self.keys.retain(|key| !(key.table.is_empty() && matches!(key.name.as_str(), "kind" | "pid-file")));
        let command = command_value(&self.command);
        if let Some(key) = self.keys.iter_mut().find(|key| key.table.is_empty() && key.name == "command") {
            key.value = command;
            key.origin = format!("{}; in the foreground: {source}", key.origin);
        }
        self.open.retain(|open| !open.starts_with("no pid file is known"));
    }
}
