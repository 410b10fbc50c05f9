//! Whether svcd can run a script in place, and what is in the way.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use svc_compat::script::Style;
use svc_compat::text::decode;
use svc_core::Name;
use svc_platform::files::{self, Mistrust};
use svc_platform::root::Root;

use super::Adoption;
use super::scripts::Found;
use crate::daemon::Options;

/// Libraries without which a script that sources them does nothing. rc.subr is not among them: svc has its own.
const LIBRARIES: [&str; 5] = [
    "/lib/lsb/init-functions",
    "/etc/init.d/functions",
    "/etc/rc.d/init.d/functions",
    "/etc/rc.status",
    "/etc/init.d/functions.sh",
];

pub(super) fn verdict(found: &Found, options: &Options, root: &Root) -> Adoption {
    let mut reasons = Vec::new();
    reasons.extend(found.unreadable.clone());
    if let Err(error) = Name::new(&found.entry.name) {
        reasons.push(format!("its name: {error}"));
    }
    if found.unreadable.is_none() {
        file(found, root, &mut reasons);
        needs(found, root, &mut reasons);
    }
    let definition = options.definitions.iter().map(|dir| dir.join(format!("{}.toml", found.entry.name)));
    let definition = definition.into_iter().find(|path| path.exists());
    match (definition, reasons.is_empty()) {
        (Some(path), _) => Adoption::Served { definition: root.within(&path) },
        (None, true) => Adoption::Yes,
        (None, false) => Adoption::No { reasons },
    }
}

/// Mode and owner.
fn file(found: &Found, root: &Root, reasons: &mut Vec<String>) {
    let executable = fs::metadata(&found.path).is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0);
    if !executable {
        reasons.push("it is not executable: its own system passes over it, too".to_owned());
    }
    match files::check_owner(&found.path) {
        Ok(Ok(())) | Err(_) => {}
        // An unpacked image may belong to whoever unpacked it.
        Ok(Err(Mistrust::Owner { .. })) if !root.is_machine() => {}
        Ok(Err(mistrust)) => reasons.push(mistrust.to_string()),
    }
}

/// What it cannot do without.
fn needs(found: &Found, root: &Root, reasons: &mut Vec<String>) {
    let first = found.text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let first = decode(first);
    if first.ends_with('\r') && first.starts_with("#!") {
        reasons
            .push("its first line ends in a carriage return: the kernel finds no interpreter of that name".to_owned());
    } else if let Some(line) = first.strip_prefix("#!") {
        let mut words = line.split_whitespace();
        let interpreter = words.next().unwrap_or_default();
        if !root.has(interpreter) {
            reasons.push(format!("its interpreter {interpreter} is not installed"));
        } else if interpreter.ends_with("/env")
            && let Some(program) = words.find(|word| !word.starts_with('-') && !word.contains('='))
            && program.starts_with('/')
            && !root.has(program)
        {
            reasons.push(format!("its interpreter {program} is not installed"));
        }
    } else if found.script.style == Style::Foreign && !found.text.starts_with(b"\x7fELF") {
        reasons.push("it is neither a script nor a program".to_owned());
    }
    // Where a script knows several, any of them will do.
    let libraries: Vec<&str> =
        found.script.sources.iter().map(String::as_str).filter(|path| LIBRARIES.contains(path)).collect();
    if !libraries.is_empty() && !libraries.iter().any(|library| root.has(library)) {
        reasons.push(format!("it sources {}, which is not there", libraries.join(" or ")));
    }
}

/// Whether a program that a script names is not installed. A path with a variable in it could not be read.
pub(super) fn is_missing(program: &str, root: &Root) -> bool {
    program.starts_with('/') && !program.contains(['$', '*']) && !root.has(program)
}
