//! The systemd units beside scripts, and what becomes of a script that has none.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use svc_compat::header::systemd;
use svc_compat::text::decode;
use svc_platform::root::Root;

use super::scripts::Found;
use super::{Boot, Systemd};

/// Where units are, the first that has one wins. What generators write is no unit of its own.
const DIRECTORIES: [&str; 7] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
];

const UNIT_BYTES_MAX: u64 = 256 * 1024;

/// Every service unit of a machine.
#[derive(Debug, Default)]
pub(super) struct Units {
    /// The file of each name and whether that is masked.
    files: BTreeMap<String, (String, bool)>,
    /// Which unit says that it has this other name.
    aliases: BTreeMap<String, String>,
}

impl Units {
    pub(super) fn read(root: &Root) -> Self {
        let mut units = Self::default();
        for directory in DIRECTORIES {
            let Ok(entries) = fs::read_dir(root.below(directory)) else { continue };
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                if !name.ends_with(".service") {
                    continue;
                }
                let file = format!("{directory}/{name}");
                let masked = is_masked(&entry.path(), &file, root);
                if !masked {
                    units.note_aliases(&file, root);
                }
                units.files.entry(name).or_insert((file, masked));
            }
        }
        units
    }

    fn note_aliases(&mut self, file: &str, root: &Root) {
        let Some(text) = root.text(file, UNIT_BYTES_MAX) else { return };
        for line in decode(&text).lines() {
            for alias in line.strip_prefix("Alias=").unwrap_or_default().split_whitespace() {
                self.aliases.entry(alias.to_owned()).or_insert_with(|| file.to_owned());
            }
        }
    }

    /// What systemd makes of a script.
    pub(super) fn fate(&self, found: &Found) -> Systemd {
        if !found.directory.ends_with("init.d") {
            return Systemd::None;
        }
        let unit = systemd::read(&found.entry.name, &found.text).name;
        match (self.files.get(&unit), self.aliases.get(&unit)) {
            (Some((file, true)), _) => Systemd::Masked { file: file.clone() },
            (Some((file, false)), _) | (None, Some(file)) => Systemd::Unit { file: file.clone() },
            (None, None) => Systemd::Dropped { was_started: was_started(&found.entry.boot) },
        }
    }
}

/// A link to /dev/null, or an empty file.
fn is_masked(path: &Path, file: &str, root: &Root) -> bool {
    match fs::read_link(path) {
        Ok(target) => target == Path::new("/dev/null") || is_empty(file, root),
        Err(_) => is_empty(file, root),
    }
}

fn is_empty(file: &str, root: &Root) -> bool {
    root.resolve(file).and_then(|path| fs::metadata(path).ok()).is_some_and(|meta| meta.is_file() && meta.len() == 0)
}

/// The generator of release 259 and before looked at the start links of runlevels 2 to 5 only.
fn was_started(boot: &Boot) -> bool {
    let level = |file: &str| ["/rc2.d/", "/rc3.d/", "/rc4.d/", "/rc5.d/"].iter().any(|level| file.contains(level));
    boot.at.iter().any(|spot| level(&spot.file))
}
