//! Who a daemon becomes.

use std::io;

use svc_platform::{replace, users};

use super::Problem;
use super::matching::not_found;
use super::options::Options;
use super::words::number;

/// Who it becomes.
pub(super) struct Identity {
    pub(super) user: Option<(String, u32)>,
    pub(super) group: Option<(String, u32)>,
    pub(super) home: Option<String>,
}

impl Identity {
    pub(super) fn of(options: &Options) -> Result<Self, Problem> {
        let group = options.change_group.as_deref().map(|name| match number(name) {
            Some(gid) => Ok((name.to_owned(), gid.unsigned_abs())),
            None => users::group(name).map(|gid| (name.to_owned(), gid)).map_err(|_| not_found("group", name)),
        });
        let mut made = Self { user: None, group: group.transpose()?, home: None };
        if let Some(name) = &options.change_user {
            let account = users::user(name).map_err(|_| not_found("user", name))?;
            if users::name_of(account.uid).ok().flatten().is_none() {
                return Err(not_found("user", name));
            }
            made.user = Some((account.name, account.uid));
            made.home = Some(account.home);
            // The user's own group, without a name.
            made.group = made.group.or(Some((String::new(), account.gid)));
        }
        Ok(made)
    }

    /// The numbers that files for it are given to.
    pub(super) fn owner(&self) -> (Option<u32>, Option<u32>) {
        (self.user.as_ref().map(|user| user.1), self.group.as_ref().map(|group| group.1))
    }
}

/// The supplementary groups to get, unless all is as it should be.
pub(super) fn groups(identity: &Identity) -> Result<Option<Vec<u32>>, Problem> {
    let (Some((name, uid)), Some((_, gid))) = (&identity.user, &identity.group) else { return Ok(None) };
    if replace::real_ids() == (*uid, *gid) {
        return Ok(None);
    }
    let fault = |error: io::Error| Problem::system(format!("unable to set initgroups() with gid {gid}"), &error);
    users::groups_of(name, *gid).map(Some).map_err(fault)
}

/// Becomes who it is to be: the groups first, while that is allowed.
pub(super) fn become_identity(identity: &Identity, groups: Option<Vec<u32>>) -> Result<(), Problem> {
    let (uid, gid) = replace::real_ids();
    if let Some((_, wanted)) = identity.group
        && wanted != gid
    {
        let fault = |error: io::Error| Problem::system(format!("unable to set gid to {wanted}"), &error);
        replace::become_group(wanted).map_err(fault)?;
    }
    if let Some(groups) = groups {
        let fault = |error: io::Error| {
            let gid = identity.owner().1.unwrap_or(gid);
            Problem::system(format!("unable to set initgroups() with gid {gid}"), &error)
        };
        replace::set_groups(&groups).map_err(fault)?;
    }
    if let Some((name, wanted)) = &identity.user
        && *wanted != uid
    {
        let fault = |error: io::Error| Problem::system(format!("unable to set uid to {name}"), &error);
        replace::become_user(*wanted).map_err(fault)?;
    }
    Ok(())
}
