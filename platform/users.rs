//! Users and groups by name or number. May take long and load modules (NSS): not for the manager.

use std::ffi::CString;
use std::{fmt, io};

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::sys::because;

/// A user as the system knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its name; for a number without an entry the number itself.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Its own group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
    /// Shell.
    pub shell: String,
}

/// Why a name stands for nobody.
#[derive(Debug)]
pub enum LookupError {
    /// No user of this name, and it is no number.
    NoUser(String),
    /// No group of this name, and it is no number.
    NoGroup(String),
    /// The system could not tell.
    System {
        /// What was looked for.
        name: String,
        /// What it said.
        source: io::Error,
    },
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUser(name) => write!(f, "no such user `{name}`"),
            Self::NoGroup(name) => write!(f, "no such group `{name}`"),
            Self::System { name, source } => write!(f, "looking up `{name}`: {source}"),
        }
    }
}

impl std::error::Error for LookupError {}

fn system(name: &str, errno: nix::errno::Errno) -> LookupError {
    LookupError::System { name: name.to_owned(), source: errno.into() }
}

/// The user of this name, or of this number, with or without an entry.
///
/// # Errors
///
/// [`LookupError::NoUser`]; the system's own.
///
/// Source: getpwnam_r(3), getpwuid_r(3).
pub fn user(name: &str) -> Result<Account, LookupError> {
    if let Some(user) = User::from_name(name).map_err(|errno| system(name, errno))? {
        return Ok(account(user));
    }
    let uid = number(name).ok_or_else(|| LookupError::NoUser(name.to_owned()))?;
    match User::from_uid(Uid::from_raw(uid)).map_err(|errno| system(name, errno))? {
        Some(user) => Ok(account(user)),
        None => Ok(Account { name: name.to_owned(), uid, gid: uid, home: "/".to_owned(), shell: "/bin/sh".to_owned() }),
    }
}

/// Whether this process may do what root may.
///
/// Source: geteuid(2).
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Who this process is.
///
/// Source: geteuid(2).
pub fn own_uid() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// The group we run as.
pub fn own_gid() -> u32 {
    nix::unistd::getegid().as_raw()
}

/// The name of a user id, if it has one.
///
/// # Errors
///
/// The system's own.
///
/// Source: getpwuid_r(3).
pub fn name_of(uid: u32) -> io::Result<Option<String>> {
    Ok(User::from_uid(Uid::from_raw(uid))?.map(|user| user.name))
}

/// The name of the group with this id.
///
/// # Errors
///
/// The system's own.
///
/// Source: getgrgid_r(3).
pub fn group_name_of(gid: u32) -> io::Result<Option<String>> {
    Ok(Group::from_gid(Gid::from_raw(gid))?.map(|group| group.name))
}

/// The id of the group of this name, or of this number, with or without an entry.
///
/// # Errors
///
/// [`LookupError::NoGroup`]; the system's own.
///
/// Source: getgrnam_r(3).
pub fn group(name: &str) -> Result<u32, LookupError> {
    match Group::from_name(name).map_err(|errno| system(name, errno))? {
        Some(group) => Ok(group.gid.as_raw()),
        None => number(name).ok_or_else(|| LookupError::NoGroup(name.to_owned())),
    }
}

/// All groups of this user, `gid` among them.
///
/// # Errors
///
/// The system's own.
///
/// Source: getgrouplist(3).
pub fn groups_of(name: &str, gid: u32) -> io::Result<Vec<u32>> {
    let name = CString::new(name).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    let groups = getgrouplist(&name, Gid::from_raw(gid)).map_err(|errno| because(&errno.into(), "its groups"))?;
    let mut groups: Vec<u32> = groups.into_iter().map(Gid::as_raw).collect();
    groups.sort_unstable();
    groups.dedup();
    Ok(groups)
}

/// The largest number stands for "leave as it is" in system calls, and so for nobody.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number != u32::MAX)
}

fn account(user: User) -> Account {
    Account {
        name: user.name,
        uid: user.uid.as_raw(),
        gid: user.gid.as_raw(),
        home: user.dir.to_string_lossy().into_owned(),
        shell: user.shell.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_found_by_name_and_number_and_strangers_are_named() {
        let root = user("root").unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(user("0").unwrap(), root);
        assert_eq!(group("0").unwrap(), 0);
        assert_eq!(groups_of("root", 12_345).unwrap().last(), Some(&12_345));
        assert_eq!(user("no-such-user").unwrap_err().to_string(), "no such user `no-such-user`");
        assert_eq!(group("no-such-group").unwrap_err().to_string(), "no such group `no-such-group`");
        for bad in ["", "+1", "-1", "4294967295", "99999999999"] {
            assert!(user(bad).is_err(), "{bad:?}");
        }
        assert_eq!(user("3999999999").unwrap().gid, 3_999_999_999);
        assert_eq!(name_of(0).unwrap().as_deref(), Some("root"));
    }
}
