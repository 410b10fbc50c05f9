//! What a package has around it once it is installed: what it depends on, and the accounts that it makes.
//!
//! Everything is unpacked or written into directories of its own, to be laid over this machine in a sandbox.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use svc::convert::accounts;

use crate::packages::{archive, fetch, unpack};

/// What is fetched for one package beside it, in bytes and in packages; it is left alone where it takes more.
const BYTES_MAX: u64 = 60 * 1024 * 1024;
const PACKAGES_MAX: usize = 100;
/// The first of the numbers that accounts get here.
const FIRST_NUMBER: u32 = 700;

/// The trees to be laid over this machine so that what is in a package can run; the package itself is the first.
pub(crate) fn layers(package: &str, root: &Path) -> Vec<PathBuf> {
    let base = root.parent().and_then(Path::parent).map_or_else(|| root.to_path_buf(), Path::to_path_buf);
    let mut all = vec![root.to_path_buf()];
    all.extend(people(package, &base));
    all.extend(needs(package, &base));
    all
}

/// The trees that were fetched for the package before; the package itself is the first.
pub(crate) fn fetched(package: &str, root: &Path) -> Vec<PathBuf> {
    let base = root.parent().and_then(Path::parent).map_or_else(|| root.to_path_buf(), Path::to_path_buf);
    let people = base.join("people").join(package);
    let mut all = vec![root.to_path_buf()];
    if people.exists() {
        all.push(people);
        let names = needed(package).unwrap_or_default();
        all.extend(names.into_iter().map(|name| base.join("needs").join(name)).filter(|tree| tree.exists()));
    }
    all
}

/// Fetches and unpacks what the package depends on and this machine lacks.
fn needs(package: &str, base: &Path) -> Vec<PathBuf> {
    let names = match needed(package) {
        Some(names) => names,
        None => return Vec::new(),
    };
    let (debs, needs) = (base.join("debs"), base.join("needs"));
    if fs::create_dir_all(&needs).is_err() {
        return Vec::new();
    }
    let lacks = |name: &&String| !needs.join(name).exists() && archive(&debs, name).is_none();
    fetch(&debs, &names.iter().filter(lacks).collect::<Vec<_>>());
    let mut all = Vec::new();
    for name in names {
        let tree = needs.join(&name);
        let is_there = tree.exists() || archive(&debs, &name).is_some_and(|deb| unpack(&deb, &tree).is_ok());
        // What could not be had is missed by who needs it, and then nothing is known.
        if is_there {
            all.push(tree);
        }
    }
    all
}

/// The packages that the machine's client would install with this one, as it says without doing it.
fn needed(package: &str) -> Option<Vec<String>> {
    let plan = ["-qq", "--no-install-recommends", "-o", "Debug::NoLocking=1", "--print-uris", "install", package];
    let shown = Command::new("apt-get").args(plan).output().ok().filter(|shown| shown.status.success())?;
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    let (mut names, mut bytes) = (Vec::new(), 0);
    for line in text.lines().filter(|line| line.starts_with('\'')) {
        let mut words = line.split_whitespace().skip(1);
        let name = words.next()?.split('_').next()?.to_string();
        if name != package {
            bytes += words.next()?.parse::<u64>().ok()?;
            names.push(name);
        }
    }
    (bytes <= BYTES_MAX && names.len() <= PACKAGES_MAX).then_some(names)
}

/// A tree with the machine's accounts and those that the package's own scripts would make.
fn people(package: &str, base: &Path) -> Option<PathBuf> {
    let tree = base.join("people").join(package);
    if tree.exists() {
        return Some(tree);
    }
    let deb = archive(&base.join("debs"), package)?;
    let control = Command::new("dpkg-deb").args(["-I"]).arg(&deb).arg("postinst").output().ok()?;
    let names = accounts::made(&String::from_utf8_lossy(&control.stdout));
    let half = tree.with_file_name(format!("{package} half"));
    let etc = half.join("etc");
    fs::create_dir_all(&etc).ok()?;
    for (file, rest) in [("passwd", ":/nonexistent:/usr/sbin/nologin"), ("group", "")] {
        let mut text = fs::read_to_string(Path::new("/etc").join(file)).ok()?;
        let known: BTreeSet<String> =
            text.lines().filter_map(|line| Some(line.split(':').next()?.to_string())).collect();
        for (number, name) in (FIRST_NUMBER..).zip(names.iter().filter(|name| !known.contains(*name))) {
            let between = if file == "passwd" { format!("{number}:{number}:") } else { format!("{number}:") };
            text += &format!("{name}:x:{between}{rest}\n");
        }
        fs::write(etc.join(file), text).ok()?;
    }
    fs::rename(&half, &tree).ok()?;
    Some(tree)
}
