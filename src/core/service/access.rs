//! Who, beside root and the user who runs svcd, may operate one service.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{COMMON, Service};

/// What those may do who are named, where no verbs are: keep it running and see what it does. Its own verbs, too.
pub const OPERATING: [&str; 7] = ["cat", "log", "reload", "reset", "restart", "start", "stop"];

/// Table `[access]`. As written it has names; the loader fills in the numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Users by name or number. Key: `users`.
    pub users: Vec<String>,
    /// Groups by name or number. Key: `groups`.
    pub groups: Vec<String>,
    /// What they may do; empty: [`OPERATING`], and its own verbs. Key: `verbs`.
    pub verbs: Vec<String>,
    /// The users' numbers, as far as there are such users.
    pub uids: Vec<u32>,
    /// The groups' numbers.
    pub gids: Vec<u32>,
}

/// Somebody who asks.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Supplementary group ids.
    pub groups: &'a [u32],
}

/// Why somebody may not do something to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing names them.
    Stranger,
    /// They are named, and this verb is not.
    Verb,
}

impl Service {
    /// Whether somebody who is neither root nor runs svcd may do this to the service: who it runs as may operate it,
    /// and whom `[access]` names may do what that says.
    ///
    /// # Errors
    ///
    /// What is missing.
    pub fn grants(&self, asker: Asker<'_>, verb: &str) -> Result<(), Refused> {
        let runs_as = self.exec.identity.as_ref().and_then(|identity| identity.resolved.as_ref());
        let is_own = runs_as.is_some_and(|who| who.uid == asker.uid);
        let access = &self.access;
        let is_member = |gid: &u32| *gid == asker.gid || asker.groups.contains(gid);
        let is_named = access.uids.contains(&asker.uid) || access.gids.iter().any(is_member);
        let operates = OPERATING.contains(&verb) || (self.is_own_verb(verb) && !COMMON.contains(&verb));
        let is_allowed = match access.verbs.as_slice() {
            [] => operates,
            verbs => verbs.iter().any(|allowed| allowed == verb),
        };
        match (is_own && operates, is_named, is_allowed) {
            (true, ..) | (_, true, true) => Ok(()),
            (false, true, false) => Err(Refused::Verb),
            (false, false, _) => Err(if is_own { Refused::Verb } else { Refused::Stranger }),
        }
    }

    /// Whether it has this verb beside those of svc.
    fn is_own_verb(&self, verb: &str) -> bool {
        let of_script = matches!(&self.kind, super::Kind::Script(script) if script.verbs.iter().any(|own| own == verb));
        of_script || self.own_verbs().any(|own| own == verb)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Credentials, Identity, Kind, Verb};
    use super::*;
    use crate::Name;
    use alloc::vec;

    fn web() -> Service {
        let mut service = Service::new(Name::new("web").unwrap(), Kind::Process);
        service.access = Access { uids: vec![7], gids: vec![70], ..Access::default() }.into();
        service.verbs.insert("test".into(), Verb { command: vec!["x".into()], ..Verb::default() });
        service
    }

    fn may(service: &Service, uid: u32, groups: &[u32], verb: &str) -> Result<(), Refused> {
        service.grants(Asker { uid, gid: 1, groups }, verb)
    }

    #[test]
    fn who_is_named_may_operate_and_no_more_unless_it_is_said() {
        let mut service = web();
        for verb in ["start", "log", "test"] {
            assert_eq!(may(&service, 7, &[], verb), Ok(()), "{verb}");
            assert_eq!(may(&service, 8, &[3, 70], verb), Ok(()), "{verb}");
            assert_eq!(may(&service, 8, &[3], verb), Err(Refused::Stranger), "{verb}");
        }
        for verb in ["enable", "pin", "anything"] {
            assert_eq!(may(&service, 7, &[], verb), Err(Refused::Verb), "{verb}");
        }
        service.access.verbs = vec!["enable".into()];
        assert_eq!(may(&service, 7, &[], "enable"), Ok(()));
        assert_eq!(may(&service, 7, &[], "start"), Err(Refused::Verb));
    }

    #[test]
    fn who_it_runs_as_may_operate_it() {
        let mut service = web();
        let who = Credentials {
            uid: 33,
            gid: 33,
            gids: vec![],
            home: "/".into(),
            shell: "/bin/sh".into(),
            login: "www".into(),
        };
        service.exec.identity = Some(Identity { user: "www".into(), resolved: Some(who), ..Identity::default() });
        assert_eq!(may(&service, 33, &[], "restart"), Ok(()));
        assert_eq!(may(&service, 33, &[], "disable"), Err(Refused::Verb));
        assert_eq!(may(&service, 34, &[33], "restart"), Err(Refused::Stranger), "its group is nobody's right");
    }
}
