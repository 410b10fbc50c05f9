//! The files that rc.conf names in `rc_conf_files`: seen before any shell of ours reads them.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::super::{Trust, answer, text_of};
use super::{COMMON, MARK, PATH, Places};

/// What names further files.
const VARIABLE: &str = "rc_conf_files";
/// A file that was named may name others. So often is looked.
const ROUNDS_MAX: usize = 8;

/// Reads the files for all services in their order, then those in the arguments, and tells which are named now.
const QUESTION: &str = r#"
: "${rc_conf_files=/etc/rc.conf /etc/rc.conf.local}"
for _svc_file in "$SVC_ROOT/etc/defaults/rc.conf" "$SVC_ROOT/etc/defaults/vendor.conf" "$@"; do
	if [ -f "$_svc_file" ] && [ -r "$_svc_file" ]; then . "$_svc_file" >/dev/null; fi
done
for _svc_file in $rc_conf_files; do printf '\001%s' "$_svc_file"; done
printf '\001end'
"#;

/// Checks every file that a shell would read because another names it, as rc.conf itself is checked. Nothing is run
/// where no file speaks of others.
///
/// # Errors
///
/// A file that others may have written, by its name; a shell that does not say which there are.
pub(super) fn check(places: &Places, wait: &mut answer::Wait) -> io::Result<()> {
    let common: Vec<PathBuf> = COMMON.iter().map(|path| places.root.join(path)).collect();
    let speaks_of_it = |path: &PathBuf| {
        let text = text_of(path, Trust::Anyone).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && line.contains(VARIABLE));
        lines.any(|line| !is_usual(line))
    };
    if !common.iter().any(speaks_of_it) {
        return Ok(());
    }
    let mut known: Vec<PathBuf> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let before = known.len();
        for path in named(places, &known, wait)? {
            if known.contains(&path) {
                continue;
            }
            if path.exists() {
                seen(&path).map_err(|error| io::Error::other(format!("{VARIABLE} names {error}")))?;
            }
            known.push(path);
        }
        if known.len() == before {
            return Ok(());
        }
    }
    Err(io::Error::other(format!("{VARIABLE} names other files each time it is read; name all of them at once")))
}

/// The line with which systems come, and what only looks at it.
fn is_usual(line: &str) -> bool {
    let value =
        line.strip_prefix(VARIABLE).and_then(|rest| rest.strip_prefix('=')).map(|rest| rest.trim_matches(['"', '\'']));
    value == Some("/etc/rc.conf /etc/rc.conf.local")
}

fn seen(path: &Path) -> Result<(), String> {
    text_of(path, Trust::Owners).map(drop)
}

/// What is named once these were read.
fn named(places: &Places, read: &[PathBuf], wait: &mut answer::Wait) -> io::Result<Vec<PathBuf>> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("ulimit -t {}\n{QUESTION}", places.patience.1), "svcd"]).args(read);
    let root = if places.root == Path::new("/") { Path::new("") } else { &places.root };
    command.env_clear().env("PATH", PATH).env("SVC_ROOT", root);
    let output = answer::of(&mut command, wait)?;
    let text = String::from_utf8_lossy(&output.text);
    let mut names: Vec<&str> = text.split(MARK).skip(1).collect();
    if names.pop() != Some("end") {
        return Err(io::Error::other(format!("its shell said nothing and ended: {}", output.end)));
    }
    let below = |name: &str| {
        let path = Path::new(name);
        if !path.is_absolute() {
            return Err(io::Error::other(format!("{VARIABLE} names `{name}`; write its whole path")));
        }
        let is_below = root != Path::new("") && path.starts_with(root);
        Ok(if is_below { path.to_owned() } else { Path::new("/").join(root).join(name.trim_start_matches('/')) })
    };
    names.into_iter().map(below).collect()
}
