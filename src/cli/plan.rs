//! `svc plan`: what would happen, in order and with the times of the past, played on a copy in this process.

use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use svc_core::plan::{Deed, Outcome, Plan, Question, Step};
use svc_core::{Answer, Request};

use super::copy::resolve;
use super::out::say;
use super::session::Session;
use super::show::{BAD, BOLD, DIM, Look, columns, cut, pad, paint};
use super::{code, human, json};
use crate::wire::{Refusal, Snapshot};

/// What is planned.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// start, stop, restart or reload, and names or patterns; or shutdown
    #[arg(value_name = "VERB NAME", required = true)]
    pub(crate) words: Vec<String>,
    /// Leave what requires them alone
    #[arg(long)]
    pub(crate) only: bool,
    /// Kill what a script's own stop leaves behind
    #[arg(long)]
    pub(crate) all: bool,
}

/// The least the last column gets, however narrow the screen.
const WHY_COLUMNS_MIN: usize = 20;

/// What can be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Planned {
    Start,
    Stop,
    Restart,
    Reload,
    Shutdown,
}

impl Planned {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Start, "start"),
        (Self::Stop, "stop"),
        (Self::Restart, "restart"),
        (Self::Reload, "reload"),
        (Self::Shutdown, "shutdown"),
    ];

    fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name)| *name == word).map(|(verb, _)| *verb)
    }

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(verb, _)| *verb == self).map_or("?", |(_, name)| name)
    }
}

/// Every verb that can be planned.
pub(super) fn verbs() -> impl Iterator<Item = &'static str> {
    Planned::ALL.iter().map(|(_, word)| *word)
}

/// What is asked: as everywhere the first word that is a verb is the verb, wherever it stands.
#[derive(Debug)]
struct Asked {
    verb: Planned,
    names: Vec<String>,
    only: bool,
    all: bool,
}

impl Asked {
    fn new(asked: &Words) -> Result<Self, String> {
        let verb = asked.words.iter().enumerate().find_map(|(at, word)| Some((at, Planned::of(word)?)));
        let Some((at, verb)) = verb else {
            let known: Vec<&str> = verbs().collect();
            return Err(format!("nothing to plan: none of {} is among the words", known.join(", ")));
        };
        let mut names = asked.words.clone();
        names.remove(at);
        match (verb, names.is_empty()) {
            (Planned::Shutdown, false) => Err("a shutdown is of all services: it takes no name".into()),
            (Planned::Start | Planned::Stop | Planned::Restart | Planned::Reload, true) => {
                Err(format!("to plan a {} it needs the name of a service", verb.word()))
            }
            _ => Ok(Self { verb, names, only: asked.only, all: asked.all }),
        }
    }
}

impl Session {
    /// Shows what would happen; the exit code is that of the verb itself, in calm weather.
    pub(super) fn plan(&self, asked: &Words) -> u8 {
        let words = match Asked::new(asked) {
            Ok(words) => words,
            Err(text) => return self.misunderstood(&text),
        };
        self.with_copy(|session, snapshot| {
            let plan = planned(&words, snapshot)?;
            if session.json() {
                say(&json::value("plan", as_json(&words, &plan)));
            } else {
                say(&text(&words, &plan, session.look()));
            }
            Ok(plan.outcomes.iter().map(outcome_code).max().unwrap_or(code::GOOD))
        })
    }
}

fn planned(words: &Asked, snapshot: &Snapshot) -> Result<Plan, Refusal> {
    let (only, all) = (words.only, words.all);
    let request = match words.verb {
        Planned::Start => Request::Start,
        Planned::Stop => Request::Stop { only, all },
        Planned::Restart => Request::Restart { only },
        Planned::Reload => Request::Reload,
        Planned::Shutdown => return Ok(Plan::make(&snapshot.core, snapshot.now, &Question::Shutdown)),
    };
    let ids = resolve(&snapshot.core, &words.names)?;
    let requests = ids.into_iter().map(|id| (id, request.clone())).collect();
    Ok(Plan::make(&snapshot.core, snapshot.now, &Question::Requests(requests)))
}

fn outcome_code(outcome: &Outcome) -> u8 {
    outcome.answer.as_ref().map_or(code::FAILED, |(_, answer)| code::answer(answer))
}

/// What a step does, in a word or two.
fn word(deed: &Deed) -> String {
    match deed {
        Deed::Wait => "waits".into(),
        Deed::Start => "start".into(),
        Deed::Up => "up".into(),
        Deed::Stop(Some(signal)) => format!("stop ({signal})"),
        Deed::Stop(None) => "stop (command)".into(),
        Deed::Kill => "kill".into(),
        Deed::Down => "down".into(),
        Deed::Run(job) => format!("run its {job}"),
        Deed::Signal(signal) => format!("signal {signal}"),
    }
}

/// The plan as a table, and what would be answered.
fn text(words: &Asked, plan: &Plan, look: &Look) -> String {
    let own = plan.own();
    let mut text = table(&own, look);
    let anyway: Vec<&Step> = plan.steps.iter().filter(|step| step.anyway).collect();
    if !anyway.is_empty() && !look.quiet {
        text += &format!("{}\n", paint(BOLD, "Meanwhile, whether asked for or not:"));
        text += &table(&anyway, look);
    }
    for outcome in &plan.outcomes {
        let name = &outcome.name;
        let _ = match &outcome.answer {
            Some((_, Answer::Done { changed: false, note: None })) => {
                writeln!(text, "{name}: is so already")
            }
            Some((after, Answer::Done { note: None, .. } | Answer::Exited(_))) => {
                writeln!(text, "{name}: done after {}", moment(*after))
            }
            Some((after, Answer::Done { note: Some(note), .. })) => {
                writeln!(text, "{name}: done after {}; {}", moment(*after), human::clean(note))
            }
            Some((_, Answer::Failed(why) | Answer::Unsupported(why))) => {
                writeln!(text, "{name}: {} {}", paint(BAD, "would fail:"), human::clean(why))
            }
            Some((_, Answer::Superseded(who))) => writeln!(text, "{name}: superseded by {}", who.0),
            None => writeln!(text, "{name}: {} {}", paint(BAD, "would wait:"), human::clean(&outcome.waits)),
        };
    }
    if matches!(words.verb, Planned::Shutdown) {
        let _ = writeln!(text, "all down after {}", moment(plan.over));
    }
    if !plan.is_whole {
        text.push_str("this does not come to rest; the rest is left out\n");
    }
    if own.iter().any(|step| matches!(step.deed, Deed::Start | Deed::Stop(_)) && step.takes.is_none()) && !look.quiet {
        text += &format!("{}\n", paint(DIM, "?: never seen before, counted as no time at all"));
    }
    text
}

fn table(steps: &[&Step], look: &Look) -> String {
    let rows: Vec<[String; 5]> = steps
        .iter()
        .map(|step| {
            let timed = matches!(step.deed, Deed::Start | Deed::Stop(_));
            let takes = match step.takes {
                Some(takes) => moment(takes),
                None if timed => "?".into(),
                None => String::new(),
            };
            [moment(step.after), step.name.to_string(), word(&step.deed), takes, human::clean(&step.why).into_owned()]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let heads = ["AFTER", "NAME", "STEP", "TAKES", "WHY"];
    let widths: [usize; 4] = std::array::from_fn(|at| {
        rows.iter().map(|row| columns(&row[at])).chain([columns(heads[at])]).max().unwrap_or(0)
    });
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let mut text = String::new();
    let head: Vec<String> = heads.iter().zip(widths).map(|(head, width)| pad(head, width)).collect();
    let _ = writeln!(text, "{}", paint(BOLD, &format!("{}  WHY", head.join("  "))));
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{}  ", pad(cell, width));
        }
        let why = match look.width {
            Some(width) => cut(&row[4], width.saturating_sub(used).max(WHY_COLUMNS_MIN), look.utf8),
            None => row[4].clone(),
        };
        let _ = writeln!(text, "{}", (line + &why).trim_end());
    }
    text
}

/// A time of a plan: milliseconds where they matter.
pub(super) fn moment(value: Duration) -> String {
    match value.as_millis() {
        millis @ 0..1_000 => format!("{millis} ms"),
        millis @ 1_000..100_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        _ => human::duration(value),
    }
}

fn as_json(words: &Asked, plan: &Plan) -> Value {
    let step = |step: &Step| {
        json!({
            "after": step.after.as_secs_f64(),
            "name": step.name.as_str(),
            "step": kind(&step.deed),
            "detail": detail(&step.deed),
            "takes": step.takes.map(|takes| takes.as_secs_f64()),
            "why": step.why,
            "anyway": step.anyway,
        })
    };
    let outcome = |outcome: &Outcome| {
        json!({
            "name": outcome.name.as_str(),
            "after": outcome.answer.as_ref().map(|(after, _)| after.as_secs_f64()),
            "answer": outcome.answer.as_ref().map(|(_, answer)| answer),
            "waits": outcome.waits,
        })
    };
    json!({
        "verb": words.verb.word(),
        "steps": plan.steps.iter().map(step).collect::<Vec<_>>(),
        "outcomes": plan.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "over": plan.over.as_secs_f64(),
        "whole": plan.is_whole,
    })
}

fn kind(deed: &Deed) -> &'static str {
    match deed {
        Deed::Wait => "wait",
        Deed::Start => "start",
        Deed::Up => "up",
        Deed::Stop(_) => "stop",
        Deed::Kill => "kill",
        Deed::Down => "down",
        Deed::Run(_) => "run",
        Deed::Signal(_) => "signal",
    }
}

fn detail(deed: &Deed) -> String {
    match deed {
        Deed::Stop(Some(signal)) | Deed::Signal(signal) => signal.to_string(),
        Deed::Stop(None) => "command".into(),
        Deed::Run(job) => job.to_string(),
        Deed::Wait | Deed::Start | Deed::Up | Deed::Kill | Deed::Down => String::new(),
    }
}
