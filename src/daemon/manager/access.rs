//! Who may do what: root and the user who runs svcd everything, others what definitions grant them.

use svc_core::service::{Asker, Refused, Service};
use svc_core::{ServiceId, Who};

use super::Manager;
use super::audit;
use crate::wire::{Refusal, Request};

/// What would be needed for what concerns all services.
const OWNER: &str = "it needs root, or the user who runs this svcd";

impl Manager {
    /// Who may not ask this of svcd as a whole; `None`: may, or the services that it is about decide.
    pub(super) fn denied(&self, client: u64, request: &Request) -> Option<Refusal> {
        let of_all =
            matches!(request, Request::Load { .. } | Request::Shutdown { .. } | Request::Renew | Request::Audit { .. });
        (of_all && !self.is_trusted(client)).then(|| self.owner_only(client))
    }

    /// Only who runs svcd may do it.
    pub(super) fn owner_only(&self, client: u64) -> Refusal {
        Refusal::Denied { text: format!("{} may not do this; {OWNER}", self.who(client).0) }
    }

    /// Why this client may not do this to one of these services, and what would allow it.
    pub(super) fn refused(&self, client: u64, request: &Request, ids: &[ServiceId]) -> Option<Refusal> {
        let (verb, false) = (verb_of(request)?, self.is_trusted(client)) else { return None };
        ids.iter().find_map(|id| {
            let service = self.core.service(*id);
            let refused = self.granted(client, service, verb).err()?;
            let name = &service.name;
            let place = service.files.first().cloned().unwrap_or_else(|| format!("{name}.toml"));
            let place = if service.is_script() { format!("a drop-in to {name}") } else { place };
            let way = match refused {
                Refused::Stranger => format!("{OWNER}, or that `users` or `groups` in [access] of {place} name them"),
                Refused::Verb => {
                    let at = service.origins.get("access.verbs").unwrap_or(&place);
                    format!("{OWNER}, or that `verbs` in [access] have \"{verb}\" ({at})")
                }
            };
            Some(Refusal::Denied { text: format!("{} may not {verb} {name}; {way}", self.who(client).0) })
        })
    }

    /// Whether this client may do this to a service.
    pub(super) fn may(&self, client: u64, id: ServiceId, verb: &str) -> bool {
        self.is_trusted(client) || self.granted(client, self.core.service(id), verb).is_ok()
    }

    pub(super) fn granted(&self, client: u64, service: &Service, verb: &str) -> Result<(), Refused> {
        let peer = self.peer(client).ok_or(Refused::Stranger)?;
        service.grants(Asker { uid: peer.uid, gid: peer.gid, groups: &peer.groups }, verb)
    }

    pub(super) fn who(&self, client: u64) -> Who {
        match self.peer(client).map(|peer| peer.uid) {
            Some(0) | None => Who("root".into()),
            Some(uid) => match audit::name_of(uid) {
                Some(name) => Who(format!("user {name}")),
                None => Who(format!("user {uid}")),
            },
        }
    }
}

/// What is asked of a service, where not everybody may.
fn verb_of(request: &Request) -> Option<&str> {
    Some(match request {
        Request::Start(_) => "start",
        Request::Stop(_) => "stop",
        Request::Restart(_) => "restart",
        Request::Reload(_) => "reload",
        Request::Enable(_) => "enable",
        Request::Disable(_) => "disable",
        Request::Pin(_) => "pin",
        Request::Unpin(_) => "unpin",
        Request::Reset(_) => "reset",
        Request::Log { .. } => "log",
        Request::Cat { .. } => "cat",
        Request::Verb { words, .. } => words.first()?.split_whitespace().next()?,
        Request::Hello
        | Request::Snapshot
        | Request::List { .. }
        | Request::Usage { .. }
        | Request::Status { .. }
        | Request::Check { .. }
        | Request::Load { .. }
        | Request::Shutdown { .. }
        | Request::Audit { .. }
        | Request::Renew => return None,
    })
}
