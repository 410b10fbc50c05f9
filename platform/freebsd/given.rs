//! What a launch gives its child, whoever makes that: its jail, its identity, its descriptors.

use std::io;
use std::os::fd::BorrowedFd;

use crate::freebsd_pure::jail;
use crate::launch::{Identity, Jail, Launch, Passed};

/// The number of the jail to be entered, and what one is made with; 0 and nothing: no jail.
pub(super) fn jail_of(launch: &Launch<'_>) -> io::Result<(i32, Vec<u8>)> {
    match &launch.jail {
        None => Ok((0, Vec::new())),
        Some(Jail::Enter(_, number)) => Ok((*number, Vec::new())),
        Some(Jail::Make(name, jail)) => {
            let made = jail::parameters(name, jail);
            made.map(|bytes| (0, bytes)).map_err(|text| io::Error::new(io::ErrorKind::InvalidInput, text))
        }
    }
}

/// Whether somebody else is to be become. Who is not root may still be asked to be what it is already.
pub(super) fn changes(identity: &Identity) -> bool {
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    uid.is_root() || uid.as_raw() != identity.uid || gid.as_raw() != identity.gid
}

/// Every descriptor that the program gets, with its number there.
pub(super) fn descriptors<'a>(
    launch: &'a Launch<'_>,
    pass: &'a [Passed<'_>],
    null: BorrowedFd<'a>,
) -> impl Iterator<Item = (BorrowedFd<'a>, i32)> {
    let standard = [(launch.stdin, 0), (launch.stdout, 1), (launch.stderr, 2)];
    let standard = standard.into_iter().map(move |(fd, number)| (fd.unwrap_or(null), number));
    standard.chain(pass.iter().map(|passed| (passed.fd, passed.number)))
}
