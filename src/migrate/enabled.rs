//! What starts a script at boot, and which link or line says so.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svc_compat::Style;
use svc_compat::shell::{How, Shell, Values};
use svc_compat::text::decode;
use svc_core::service::Dialect;
use svc_platform::root::Root;

use super::scripts::Found;
use super::{Boot, Spot};
use crate::daemon::Options;
use crate::daemon::loader::links;
use crate::daemon::loader::runlevels::Runlevels;

/// Longer files of configuration are not read.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// The files that set variables of rc.d scripts; later ones have the last word.
const RC_CONF: [&str; 4] = ["/etc/defaults/rc.conf", "/etc/defaults/vendor.conf", "/etc/rc.conf", "/etc/rc.conf.local"];
/// Beside them, a file or a directory for each script.
const RC_CONF_D: [&str; 2] = ["/etc/rc.conf.d", "/usr/local/etc/rc.conf.d"];

/// The rcN.d links beside each directory of scripts, by the names of the scripts.
pub(super) type Links = BTreeMap<PathBuf, BTreeMap<String, Vec<links::Link>>>;

/// What starts a script at boot. Links are read once for all scripts of a directory.
pub(super) fn boot(found: &Found, root: &Root, links: &mut Links) -> Boot {
    match found.script.dialect {
        Dialect::Initd => by_links(found, root, links),
        Dialect::Openrc => by_runlevels(found, root),
        Dialect::Rcd => by_variable(found, root),
    }
}

fn by_links(found: &Found, root: &Root, links: &mut Links) -> Boot {
    let etc = Options::links_of(&found.directory);
    let all = links.entry(etc).or_insert_with_key(|etc| links::read(etc));
    let all = all.get(&found.entry.name).map(Vec::as_slice).unwrap_or_default();
    let spot = |link: &links::Link| Spot { file: root.within(Path::new(&link.path)), line: 0 };
    let starting: Vec<Spot> = links::enabling(all).map(spot).collect();
    if starting.is_empty() { Boot { on: Some(false), at: Vec::new() } } else { Boot { on: Some(true), at: starting } }
}

fn by_runlevels(found: &Found, root: &Root) -> Boot {
    let levels = Runlevels::read(&root.below("/"));
    let links = levels.as_ref().map(|levels| levels.of(&found.entry.name)).unwrap_or_default();
    let at: Vec<Spot> = links.iter().map(|(_, link)| Spot { file: root.within(link), line: 0 }).collect();
    Boot { on: Some(!at.is_empty()), at }
}

/// A value with the place where it is written.
struct Written {
    /// `None` where only a shell can say it.
    value: Option<String>,
    spot: Spot,
}

fn by_variable(found: &Found, root: &Root) -> Boot {
    let own = Spot { file: found.entry.file.clone(), line: 0 };
    if found.script.keywords.iter().any(|word| word == "nostart") {
        return Boot { on: Some(false), at: vec![own] };
    }
    let Some(variable) = variable(found) else {
        return Boot { on: Some(true), at: vec![own] };
    };
    let mut last = default(found, &variable);
    for file in files(found, root) {
        let Some(text) = root.text(&file, FILE_BYTES_MAX) else { continue };
        if let Some(written) = assigned(&file, &text, &variable) {
            last = Some(written);
        }
    }
    match last {
        None => Boot { on: Some(false), at: Vec::new() },
        Some(written) => {
            // OpenBSD's variable holds flags: anything but NO says yes.
            let is_yes = match found.script.style {
                Style::OpenBsd => |value: &str| value != "NO",
                _ => is_yes,
            };
            Boot { on: written.value.as_deref().map(is_yes), at: vec![written.spot] }
        }
    }
}

/// The variable that decides: that of the script, or for OpenBSD's the one that holds its flags.
fn variable(found: &Found) -> Option<String> {
    match found.script.style {
        Style::OpenBsd => Some(format!("{}_flags", found.entry.name)),
        _ => found.script.rcvar.clone(),
    }
}

/// What the script itself sets if nobody else does.
fn default(found: &Found, variable: &str) -> Option<Written> {
    let file = &found.entry.file;
    let shell = Shell::read(&found.text);
    let values = Values::of(&shell, &found.entry.name);
    let assignment = shell.assignments().into_iter().rfind(|one| one.name == *variable && one.how == How::Default);
    match assignment {
        Some(one) => {
            let spot = Spot { file: file.clone(), line: shell.line(one.value.start) };
            Some(Written { value: values.expand(shell.bytes(one.value)).into_iter().next(), spot })
        }
        // `eval` and the like: the value is known without its line.
        None => values
            .first(variable)
            .map(|value| Written { value: Some(value.to_owned()), spot: Spot { file: file.clone(), line: 0 } }),
    }
}

/// The files that may set a variable of this script, in the order in which they are read.
fn files(found: &Found, root: &Root) -> Vec<String> {
    let shell = Shell::read(&found.text);
    let values = Values::of(&shell, &found.entry.name);
    let name = values.first("name").unwrap_or(&found.entry.name);
    let mut files: Vec<String> = RC_CONF.iter().map(ToString::to_string).collect();
    for directory in RC_CONF_D {
        let path = format!("{directory}/{name}");
        match root.resolve(&path) {
            Some(place) if place.is_dir() => files.extend(root.files(&path, 0)),
            Some(_) => files.push(path),
            None => {}
        }
    }
    files
}

/// The last assignment of a variable in a file.
fn assigned(file: &str, text: &[u8], variable: &str) -> Option<Written> {
    let shell = Shell::read(text);
    let values = Values::of(&shell, file);
    let mut all = shell.assignments();
    all.retain(|one| one.name == variable && one.how != How::Default);
    let one = all.pop()?;
    let spot = Spot { file: file.to_owned(), line: shell.line(one.value.start) };
    // Under a condition only a shell knows.
    let known = !one.place.conditional && one.how == How::Set;
    let value = values.expand(shell.bytes(one.value)).into_iter().next();
    let literal = decode(shell.bytes(one.value));
    let plain = literal.trim_matches(['"', '\'']);
    let value = if known { value.or_else(|| (!plain.contains(['$', '`'])).then(|| plain.to_owned())) } else { None };
    Some(Written { value, spot })
}

/// As rc.subr's checkyesno: what it does not know is no.
fn is_yes(value: &str) -> bool {
    ["yes", "true", "on", "1"].iter().any(|known| value.eq_ignore_ascii_case(known))
}
