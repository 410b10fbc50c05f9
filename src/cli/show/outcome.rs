//! What became of a verb: nothing to say when all went well, otherwise the whole reason and what to try next.

use std::fmt::Write;

use svc_core::{Answer, Exit};

use super::{BAD, Look, ODD, paint};
use crate::cli::human;
use crate::daemon::glob;
use crate::wire::{Outcome, Refusal, Reply};

/// What goes to stdout and what to stderr.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// What a script printed, and remarks.
    pub(crate) out: String,
    /// What went wrong.
    pub(crate) err: String,
}

/// One service's part.
pub(crate) fn outcome(outcome: &Outcome, look: &Look) -> Told {
    let mut told = Told::default();
    for line in &outcome.output {
        let _ = writeln!(told.out, "{}", human::clean(line));
    }
    let name = &outcome.name;
    match &outcome.answer {
        Answer::Done { note: Some(note), .. } if !look.quiet => {
            let _ = writeln!(told.out, "{name}: {}", paint(ODD, &human::clean(note)));
        }
        Answer::Done { .. } | Answer::Exited(Exit::Code(0)) => {}
        Answer::Failed(why) => told.fault(&format!("{name}: {why}"), Some(&format!("svc {} status", culprit(outcome)))),
        Answer::Exited(exit) if outcome.output.is_empty() => told.fault(&format!("{name}: {exit}"), None),
        // The script has said itself what is wrong; its exit code is ours.
        Answer::Exited(_) => {}
        Answer::Superseded(who) => {
            told.fault(
                &format!("{name}: superseded by a newer request of {}", who.0),
                Some(&format!("svc {name} status")),
            );
        }
        Answer::Unsupported(what) => told.fault(&format!("{name}: {what}"), None),
    }
    told
}

/// The service to look at: in a chain (`requires db: requires storage: mount failed`) the last that is named.
fn culprit(outcome: &Outcome) -> &str {
    let Answer::Failed(why) = &outcome.answer else { return outcome.name.as_str() };
    let mut name = outcome.name.as_str();
    let mut rest = why.as_str();
    while let Some((next, more)) = rest.strip_prefix("requires ").and_then(|rest| rest.split_once(": ")) {
        if svc_core::Name::new(next).is_err() {
            break;
        }
        name = next;
        rest = more;
    }
    name
}

/// The whole request was refused.
pub(crate) fn refusal(refusal: &Refusal) -> String {
    let mut told = Told::default();
    match refusal {
        Refusal::BadRequest { text } => told.fault(&format!("svcd does not understand this: {text}"), None),
        Refusal::Unknown { name, near, fault } => {
            let next = match (fault, near) {
                (Some(_), _) => format!("svc {name} check"),
                _ if glob::is_glob(name) => "svc list".to_owned(),
                (None, Some(near)) => format!("svc {near} status"),
                (None, None) => "svc list".to_owned(),
            };
            let meant = near.as_ref().map(|near| format!("; did you mean {near}?")).unwrap_or_default();
            let fault = fault.as_ref().map(|fault| format!("\n{fault}")).unwrap_or_default();
            let (none, meant) = if glob::is_glob(name) { ("matches", String::new()) } else { ("is called", meant) };
            told.fault(&format!("no service {none} {name}{meant}{fault}"), Some(&next));
        }
        Refusal::Denied { text } => told.fault(text, None),
        Refusal::Failed { text } => told.fault(text, None),
    }
    told.err
}

/// A whole request that was not served as hoped, in one sentence without colours.
pub(crate) fn refused(reply: &Reply) -> String {
    match reply {
        // There is a row for it all the same, so what is wrong with its file says more than its absence.
        Reply::Refused(Refusal::Unknown { fault: Some(fault), .. }) => {
            human::clean(fault.lines().next().unwrap_or_default()).into_owned()
        }
        Reply::Refused(refused) => {
            let text = anstream::adapter::strip_str(&refusal(refused)).to_string();
            text.lines().next().unwrap_or_default().trim_start_matches("svc: ").to_owned()
        }
        _ => "svcd answered another question".to_owned(),
    }
}

impl Told {
    fn fault(&mut self, text: &str, next: Option<&str>) {
        for (at, line) in human::clean_lines(text).enumerate() {
            let lead = if at == 0 { format!("{} ", paint(BAD, "svc:")) } else { "  ".to_owned() };
            let _ = writeln!(self.err, "{lead}{line}");
        }
        if let Some(next) = next {
            let _ = writeln!(self.err, "     try: {next}");
        }
    }
}
