//! Services of xinetd, which `chkconfig` switches by a line of their files.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use svc_platform::files;

use super::super::rcconf::below;

const PLACE: &str = "/etc/xinetd.d";
/// Longer files are not read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// What a file says of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// It is not disabled.
    pub(super) on: bool,
    /// Whether it is to be on where nobody has said anything.
    pub(super) default: bool,
}

fn path(name: &str) -> Option<PathBuf> {
    let is_name = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    is_name.then(|| below(&format!("{PLACE}/{name}")))
}

/// The service of this name, if there is one.
pub(super) fn read(name: &str) -> Option<Service> {
    let text = files::read_regular(&path(name)?, FILE_BYTES_MAX).ok()?;
    Some(said(&String::from_utf8_lossy(&text)))
}

/// Every service, by name.
///
/// # Errors
///
/// Where the directory cannot be read.
pub(super) fn all() -> io::Result<Vec<(String, Service)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(below(PLACE))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let left_over = [".rpmsave", ".rpmnew", ".rpmorig", ".swp", "~", ","].iter().any(|end| name.ends_with(end));
        if name.starts_with('.') || left_over {
            continue;
        }
        if let Some(service) = read(&name) {
            all.push((name, service));
        }
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(all)
}

/// Switches a service, and has xinetd look again.
///
/// # Errors
///
/// Where its file cannot be written.
pub(super) fn set(name: &str, on: bool) -> io::Result<()> {
    let path = path(name).ok_or(io::ErrorKind::InvalidInput)?;
    let old = files::read_regular(&path, FILE_BYTES_MAX)?;
    let mode = fs::metadata(&path)?.permissions().mode() & 0o7777;
    files::replace(&path, &switched(&old, on), mode)?;
    let mut command = Command::new(below("/sbin/service"));
    command.args(["xinetd", "reload"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // Where it does not run it need not look.
    command.status().map(drop).or(Ok(()))
}

fn said(text: &str) -> Service {
    let (mut on, mut default) = (true, None);
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            if let Some(word) = comment.trim_start().strip_prefix("default:") {
                default = Some(word.trim_start().starts_with("on"));
            }
            continue;
        }
        if let Some(rest) = line.trim_start().strip_prefix("disable") {
            on = rest.split_once('=').is_some_and(|(_, value)| !value.trim_start().starts_with("yes"));
            default = default.or(Some(on));
        }
    }
    Service { on, default: default.unwrap_or(false) }
}

/// The text with a new line behind each bracket, and no other that says the same; empty lines go, too.
fn switched(text: &[u8], on: bool) -> Vec<u8> {
    let word: &[u8] = if on { b"\tdisable\t= no\n" } else { b"\tdisable\t= yes\n" };
    let mut out = Vec::with_capacity(text.len() + word.len());
    for line in text.split(|byte| *byte == b'\n') {
        let bare = line.trim_ascii_start();
        if bare.is_empty() || bare.starts_with(b"disable") {
            continue;
        }
        out.extend_from_slice(line);
        out.push(b'\n');
        if bare.starts_with(b"{") {
            out.extend_from_slice(word);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: &str = "# default: on\n# description: says it again\n\nservice echo\n{\n\tdisable = yes\n\tid = x\n}\n";

    #[test]
    fn a_service_is_on_unless_a_line_disables_it() {
        assert_eq!(said(ECHO), Service { on: false, default: true });
        assert_eq!(said("service x\n{\n}\n"), Service { on: true, default: false });
        assert_eq!(said("service x\n{\ndisable=no\n}\n"), Service { on: true, default: true });
        assert_eq!(said("#disable = yes\n"), Service { on: true, default: false });
    }

    #[test]
    fn a_switched_file_says_it_once_and_keeps_the_rest() {
        let on = String::from_utf8(switched(ECHO.as_bytes(), true)).unwrap();
        let wanted = "# default: on\n# description: says it again\nservice echo\n{\n\tdisable\t= no\n\tid = x\n}\n";
        assert_eq!(on, wanted);
        assert_eq!(switched(on.as_bytes(), true), on.as_bytes(), "a second time changes nothing");
        assert!(said(&on).on && !said(&String::from_utf8(switched(on.as_bytes(), false)).unwrap()).on);
    }
}
