//! A script that asks us for what it is itself doing would wait for itself: it is told so at once.

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
}
