//! Packages fetched by the machine's own client, and unpacked.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Fetches and unpacks packages below `target/agreement`; what is there already is taken as it is.
///
/// # Errors
///
/// What could not be had, and what the client says.
pub(crate) fn unpacked(names: &[String]) -> Result<Vec<(String, PathBuf)>, String> {
    let base = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let base = base.join("agreement");
    let (debs, roots) = (base.join("debs"), base.join("roots"));
    for directory in [&debs, &roots] {
        fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    let missing: Vec<&String> = names.iter().filter(|name| !roots.join(name).exists()).collect();
    let missing: Vec<&String> = missing.into_iter().filter(|name| archive(&debs, name).is_none()).collect();
    fetch(&debs, &missing);
    let mut out = Vec::new();
    for name in names {
        let root = roots.join(name);
        if !root.exists() {
            let deb = archive(&debs, name).ok_or(format!("{name}: the package client has no such package"))?;
            unpack(&deb, &root)?;
        }
        if let Some(deb) = archive(&debs, name) {
            keep_script(&deb, &root, name);
        }
        out.push((name.clone(), root));
    }
    Ok(out)
}

/// Puts what the package runs after its installation where a machine has it: it says whose accounts are made.
fn keep_script(deb: &Path, root: &Path, name: &str) {
    let place = root.join("var/lib/dpkg/info");
    let file = |end: &str| place.join(format!("{name}.{end}"));
    if file("control").exists() {
        return;
    }
    let parts = place.join(format!("{name} control"));
    let status =
        fs::create_dir_all(&place).and_then(|()| Command::new("dpkg-deb").arg("-e").args([deb, &parts]).status());
    if status.is_ok_and(|status| status.success()) {
        for end in ["preinst", "postinst", "config", "templates", "control"] {
            // Not every package has every one of them.
            let _absent = fs::rename(parts.join(end), file(end));
        }
    }
    let _gone = fs::remove_dir_all(&parts);
}

/// Unpacks over a package what it depends on and comes of the same source: the program or the functions of its script
/// may be there.
pub(crate) fn complete(name: &str, root: &Path) {
    let done = root.with_file_name(format!("{name} whole"));
    if done.exists() {
        return;
    }
    let Ok(shown) = Command::new("apt-cache").args(["depends", "--important", name]).output() else { return };
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let names = text.lines().filter_map(|line| line.trim().trim_start_matches('|').strip_prefix("Depends: "));
    let names = names.filter(|name| !name.starts_with('<'));
    let sources = sources(std::iter::once(name).chain(names.clone()));
    let Some(wanted) = sources.get(name) else { return };
    let names: Vec<String> = names.filter(|name| sources.get(*name) == Some(wanted)).map(String::from).collect();
    let Some(debs) = root.parent().and_then(Path::parent).map(|base| base.join("debs")) else { return };
    fetch(&debs, &names.iter().filter(|name| archive(&debs, name).is_none()).collect::<Vec<_>>());
    for (name, deb) in names.iter().filter_map(|name| Some((name, archive(&debs, name)?))) {
        // What cannot be unpacked is missing still, which the conversion says.
        let _unpacked = Command::new("dpkg-deb").arg("-x").arg(&deb).arg(root).status();
        keep_script(&deb, root, name);
    }
    // Asked once: what is not there now comes no other time.
    let _ = fs::write(done, "");
}

/// The source that each package comes of.
fn sources<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, String> {
    let shown = Command::new("apt-cache").args(["show", "--no-all-versions"]).args(names).output();
    let text = shown.map(|shown| String::from_utf8_lossy(&shown.stdout).into_owned()).unwrap_or_default();
    let mut out = BTreeMap::new();
    for paragraph in text.split("\n\n") {
        let field = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key));
        let Some(package) = field("Package: ") else { continue };
        let source = field("Source: ").and_then(|source| source.split(' ').next()).unwrap_or(package);
        out.insert(package.to_string(), source.to_string());
    }
    out
}

/// The archive of a package, if it was fetched.
pub(crate) fn archive(debs: &Path, name: &str) -> Option<PathBuf> {
    let start = format!("{name}_");
    let entries = fs::read_dir(debs).ok()?.flatten();
    entries.map(|entry| entry.path()).find(|path| {
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        file.starts_with(&start) && file.ends_with(".deb")
    })
}

/// All in one call; one by one where that fails, so that one name that is not known spoils no other.
pub(crate) fn fetch(debs: &Path, names: &[&String]) {
    let get = |names: &[&String]| {
        let mut command = Command::new("apt-get");
        command.current_dir(debs).args(["-q=2", "-o", "APT::Sandbox::User=root", "download"]).args(names);
        command.status().is_ok_and(|status| status.success())
    };
    for part in names.chunks(50) {
        if !get(part) {
            part.iter().filter(|name| archive(debs, name).is_none()).for_each(|name| {
                get(&[*name]);
            });
        }
    }
}

pub(crate) fn unpack(deb: &Path, root: &Path) -> Result<(), String> {
    // Unpacked whole or not there at all.
    let half = root.with_file_name(format!("{} half", root.file_name().unwrap_or_default().display()));
    let _ = fs::remove_dir_all(&half);
    let status = Command::new("dpkg-deb").arg("-x").arg(deb).arg(&half).status();
    match status {
        Ok(status) if status.success() => {
            fs::rename(&half, root).map_err(|error| format!("{}: {error}", root.display()))
        }
        Ok(status) => Err(format!("dpkg-deb -x {}: {status}", deb.display())),
        Err(error) => Err(format!("dpkg-deb: {error}")),
    }
}
