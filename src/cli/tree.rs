//! `svc tree`: what services need, and who needs them, with their states.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::Args;
use serde_json::{Value, json};
use svc_core::{ServiceId, Supervisor};

use super::copy::resolve;
use super::out::say;
use super::session::Session;
use super::show::{BAD, BOLD, DIM, Look, columns, cut, paint, state_style};
use super::{code, json};
use crate::daemon::state_name;

/// What a tree shows.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// Names or patterns; none: all
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Show their processes instead
    #[arg(short, long)]
    pub(crate) processes: bool,
}

/// Which way a tree grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// To what a service needs.
    Needs,
    /// To who needs it.
    NeededBy,
}

/// What hangs below a service.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Twig {
    /// A service; required, or only wanted.
    Service { id: ServiceId, wanted: bool },
    /// A name that stands for nothing.
    Nobody { name: String, wanted: bool },
}

impl Session {
    /// Shows the trees of these services, or all of them from those that nobody needs.
    pub(super) fn dependencies(&self, asked: &Words) -> u8 {
        self.with_copy(|session, snapshot| {
            let core = &snapshot.core;
            let ids = resolve(core, &asked.names)?;
            if session.json() {
                say(&json::value("tree", as_json(core, &ids, !asked.names.is_empty())));
            } else if asked.names.is_empty() {
                let is_top = |id: &ServiceId| twigs(core, *id, Way::NeededBy).is_empty();
                let tops: Vec<ServiceId> = ids.into_iter().filter(is_top).collect();
                let mut seen = BTreeSet::new();
                let trees = tops.iter().map(|id| draw(core, *id, Way::Needs, &mut seen, session.look()));
                say(&trees.collect::<String>());
            } else {
                for id in ids {
                    say(&both_ways(core, id, session.look()));
                }
            }
            Ok(code::GOOD)
        })
    }
}

/// What a service needs, and then who needs it.
fn both_ways(core: &Supervisor, id: ServiceId, look: &Look) -> String {
    let mut text = draw(core, id, Way::Needs, &mut BTreeSet::new(), look);
    if !twigs(core, id, Way::NeededBy).is_empty() {
        let heading = format!("needed by {}:", core.service(id).name);
        let _ = writeln!(text, "{}", paint(DIM, &heading));
        text += &draw(core, id, Way::NeededBy, &mut BTreeSet::new(), look);
    }
    text
}

/// The neighbours of a service that way, required ones first.
fn twigs(core: &Supervisor, id: ServiceId, way: Way) -> Vec<Twig> {
    let edges = core.graph().of(id);
    let known = |ids: Vec<ServiceId>, wanted| {
        let mut ids = ids;
        ids.sort_by_key(|id| core.service(*id).name.clone());
        ids.into_iter().map(move |id| Twig::Service { id, wanted })
    };
    match way {
        Way::Needs => {
            let links = &core.service(id).links;
            let nobody = |names: &[svc_core::Name], wanted| -> Vec<Twig> {
                let lost = names.iter().filter(|name| core.id(name.as_str()).is_none());
                lost.map(|name| Twig::Nobody { name: name.to_string(), wanted }).collect()
            };
            known(edges.requires.clone(), false)
                .chain(nobody(&links.requires, false))
                .chain(known(edges.wants.clone(), true))
                .chain(nobody(&links.wants, true))
                .collect()
        }
        Way::NeededBy => {
            let wants = |other: &ServiceId| core.graph().of(*other).wants.contains(&id);
            let wanting = core.ids().filter(wants).collect();
            known(edges.dependents.clone(), false).chain(known(wanting, true)).collect()
        }
    }
}

/// One tree. What was shown with all below it is not shown so again: the size is that of the graph.
fn draw(core: &Supervisor, top: ServiceId, way: Way, seen: &mut BTreeSet<ServiceId>, look: &Look) -> String {
    let (fork, last, bar) = if look.utf8 { ("├─ ", "└─ ", "│  ") } else { ("|- ", "`- ", "|  ") };
    let again = if look.utf8 { " …" } else { " ..." };
    let mut text = String::new();
    let mut open = vec![(Twig::Service { id: top, wanted: false }, String::new(), String::new())];
    while let Some((twig, lead, below)) = open.pop() {
        let (id, line) = match twig {
            Twig::Service { id, wanted } => (Some(id), line(core, id, wanted, way, &lead, look)),
            Twig::Nobody { name, wanted } => {
                let style = if wanted { DIM } else { BAD };
                (None, format!("{lead}{name}  {}", paint(style, "no such service")))
            }
        };
        text += &line;
        let mine = id.map(|id| twigs(core, id, way)).unwrap_or_default();
        if id.is_some_and(|id| !mine.is_empty() && !seen.insert(id)) {
            text.push_str(again);
            text.push('\n');
            continue;
        }
        text.push('\n');
        for (at, child) in mine.into_iter().rev().enumerate() {
            let (joint, under) = if at == 0 { (last, "   ") } else { (fork, bar) };
            open.push((child, format!("{below}{joint}"), format!("{below}{under}")));
        }
    }
    text
}

fn line(core: &Supervisor, id: ServiceId, wanted: bool, way: Way, lead: &str, look: &Look) -> String {
    let name = core.service(id).name.as_str();
    let state = state_name(core.view(id).state);
    let bond = match (wanted, way) {
        (false, _) => "",
        (true, Way::Needs) => "  wanted",
        (true, Way::NeededBy) => "  wants it",
    };
    let used = columns(lead) + 2 + columns(state.word()) + columns(bond) + 4;
    let name = match look.width {
        Some(width) => cut(name, width.saturating_sub(used).max(8), look.utf8),
        None => name.to_owned(),
    };
    let name = if lead.is_empty() { paint(BOLD, &name) } else { name };
    format!("{lead}{name}  {}{}", paint(state_style(state), state.word()), paint(DIM, bond))
}

/// Each service on its own, with its neighbours: those asked for, all that they need and all who need them.
fn as_json(core: &Supervisor, ids: &[ServiceId], reach: bool) -> Value {
    let mut shown: BTreeSet<ServiceId> = ids.iter().copied().collect();
    for way in [Way::Needs, Way::NeededBy].into_iter().filter(|_| reach) {
        let mut open = ids.to_vec();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop().filter(|_| seen.len() <= core.graph().edges.len()) {
            if seen.insert(id) {
                shown.insert(id);
                open.extend(twigs(core, id, way).iter().filter_map(|twig| match twig {
                    Twig::Service { id, .. } => Some(*id),
                    Twig::Nobody { .. } => None,
                }));
            }
        }
    }
    let near = |id: ServiceId, way: Way| -> Vec<Value> {
        let twigs = twigs(core, id, way).into_iter();
        let told = twigs.map(|twig| match twig {
            Twig::Service { id, wanted } => json!({"name": core.service(id).name.as_str(), "wanted": wanted}),
            Twig::Nobody { name, wanted } => json!({"name": name, "wanted": wanted, "missing": true}),
        });
        told.collect()
    };
    let one = |id: ServiceId| {
        json!({
            "name": core.service(id).name.as_str(),
            "state": state_name(core.view(id).state).word(),
            "needs": near(id, Way::Needs),
            "needed_by": near(id, Way::NeededBy),
        })
    };
    core.ids().filter(|id| shown.contains(id)).map(one).collect()
}
