//! What a definition names, looked up on this machine: accounts and programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use svc_core::service::{Credentials, Identity};
use svc_platform::users;

use crate::daemon::manager::environment::PATH;

/// The numbers that an identity stands for.
pub(super) fn credentials(identity: &Identity) -> Result<Credentials, String> {
    let user = users::user(&identity.user).map_err(|error| error.to_string())?;
    let number = |group: &String| users::group(group).map_err(|error| error.to_string());
    let gid = if identity.group.is_empty() { user.gid } else { number(&identity.group)? };
    let gids = if identity.groups.is_empty() {
        users::groups_of(&user.name, gid).map_err(|error| error.to_string())?
    } else {
        identity.groups.iter().map(number).collect::<Result<_, _>>()?
    };
    Ok(Credentials { uid: user.uid, gid, gids, home: user.home, shell: user.shell, login: user.name })
}

/// Puts the path of a program in place of its bare name, if it is found.
pub(super) fn look_up(words: &mut [String]) {
    let Some(program) = words.first_mut().filter(|program| !program.contains('/')) else { return };
    let path = std::env::var("PATH").unwrap_or_default();
    let dirs = PATH.split(':').chain(path.split(':')).filter(|dir| dir.starts_with('/'));
    let found = dirs.map(|dir| Path::new(dir).join(&*program)).find(|path| is_program(path));
    if let Some(found) = found {
        *program = found.to_string_lossy().into_owned();
    }
}

/// Whether this is a file that can be executed.
pub(super) fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
