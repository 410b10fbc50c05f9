//! A script that asks us for what it is itself doing would wait for itself: it is told so at once.

use std::collections::BTreeSet;

use svc_core::event::Request as Ask;
use svc_core::{Answer, ServiceId};

use super::Manager;

impl Manager {
    /// Why this client cannot have this of that service: it is a process of a script of that service which has not
    /// returned. `None`: it can.
    pub(super) fn circle(&self, client: u64, id: ServiceId, ask: &Ask) -> Option<Answer> {
        let waits = match ask {
            Ask::Start | Ask::Stop { .. } | Ask::Restart { .. } | Ask::Reload => true,
            Ask::Verb(_) | Ask::Pin | Ask::Unpin | Ask::Reset => false,
        };
        let service = self.core.service(id);
        if !waits || !service.is_script() {
            return None;
        }
        let pid = self.peer(client).map(|peer| peer.pid).filter(|pid| *pid > 0)?;
        let of_script = self.runs.iter().filter(|(_, run)| run.service == id && run.leader.is_some() && !run.returned);
        let (_, run) = of_script.into_iter().find(|(_, run)| run.trunk.has(pid))?;
        let (name, job) = (&service.name, &run.job);
        let text = format!(
            "its own script asks for this while its `{job}` runs, and would wait for itself; where {name} is meant to \
             do the work itself, it must not hand it to svc"
        );
        Some(Answer::Failed(text))
    }

    /// Whether this service, told to start or to stop, would wait for another's script which is asking for it and has
    /// not returned. Then the asker must not wait for it.
    pub(super) fn waits_for_asker(&self, client: u64, id: ServiceId) -> bool {
        let Some(pid) = self.peer(client).map(|peer| peer.pid).filter(|pid| *pid > 0) else { return false };
        let at_work = self.runs.iter().find(|(_, run)| {
            let is_script = run.leader.is_some() && !run.returned && self.core.service(run.service).is_script();
            is_script && run.service != id && run.trunk.has(pid)
        });
        let Some(asker) = at_work.map(|(_, run)| run.service) else { return false };
        let edges = |id: ServiceId| self.core.graph().edges.get(id.0 as usize);
        let earlier = |id| edges(id).map(|edges| [&edges.requires, &edges.wants, &edges.after]);
        let later = |id| edges(id).map(|edges| [&edges.dependents, &edges.followers, &edges.followers]);
        reaches(id, asker, earlier) || reaches(id, asker, later)
    }
}

/// Whether one can go from a service to another along these edges.
fn reaches<'a>(from: ServiceId, to: ServiceId, edges: impl Fn(ServiceId) -> Option<[&'a Vec<ServiceId>; 3]>) -> bool {
    let mut seen = BTreeSet::from([from]);
    let mut left = vec![from];
    while let Some(at) = left.pop() {
        for next in edges(at).into_iter().flatten().flatten() {
            if *next == to {
                return true;
            }
            if seen.insert(*next) {
                left.push(*next);
            }
        }
    }
    false
}
