//! Accounts: whether one is there, and which a package makes for itself.

use std::collections::BTreeSet;

use svc_compat::play::Machine;
use svc_platform::users::{self, LookupError};

use super::Tree;

/// What the package manager knows of what is installed.
const INFO: &str = "/var/lib/dpkg/info";
/// Where packages say which accounts there are to be.
const SYSUSERS: &str = "/usr/lib/sysusers.d";
/// Numbers below are those of accounts that every machine has.
const FIRST_MADE: u32 = 100;

/// Whether there is certainly no such account.
pub(super) fn is_missing(tree: &Tree, user: &str) -> bool {
    let is_number = user.chars().all(|found| found.is_ascii_digit());
    if is_number || !tree.is_file("/etc/passwd") || number(tree, user).is_some() {
        return false;
    }
    // Elsewhere than in the file it may be known, too.
    !tree.is_machine() || matches!(users::user(user), Err(LookupError::NoUser(_)))
}

/// The only account that the package of a script makes, where it is there.
pub(super) fn only_one(tree: &Tree, script: &str) -> Option<String> {
    let is_its = |package: &str| match tree.read(&format!("{INFO}/{package}.list")) {
        Some(list) => svc_compat::text::decode(&list).lines().any(|line| line == script),
        // Of a package that is only unpacked there is no list.
        None => tree.is_partial(),
    };
    let files = tree.list(INFO);
    let packages: BTreeSet<&str> = files.iter().filter_map(|file| file.strip_suffix(".postinst")).collect();
    // Most scripts are called as their package.
    let name = script.rsplit('/').next().unwrap_or_default();
    let named = packages.get(name).copied().filter(|package| is_its(package) && !tree.is_partial());
    let packages = named.map_or(packages, |named| BTreeSet::from([named]));
    let ends = ["preinst", "postinst"];
    let mut names = BTreeSet::new();
    for package in packages.into_iter().filter(|package| is_its(package)) {
        let texts = ends.iter().filter_map(|end| tree.read(&format!("{INFO}/{package}.{end}")));
        names.extend(texts.flat_map(|text| made(&svc_compat::text::decode(&text))));
        let noted = tree.read(&format!("{SYSUSERS}/{package}.conf")).unwrap_or_default();
        names.extend(noted_in(&svc_compat::text::decode(&noted)));
    }
    let mut there = names.into_iter().filter(|name| number(tree, name).is_some_and(|number| number >= FIRST_MADE));
    let first = there.next()?;
    there.next().is_none().then_some(first)
}

/// The number of an account in the machine's own file.
fn number(tree: &Tree, user: &str) -> Option<u32> {
    let text = svc_compat::text::decode(&tree.read("/etc/passwd")?);
    let mut lines = text.lines().map(|line| line.split(':'));
    let mut line = lines.find(|line| line.clone().next() == Some(user))?;
    line.nth(2)?.parse().ok()
}

/// The accounts in a file of sysusers.d(5).
fn noted_in(text: &str) -> BTreeSet<String> {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let users = lines.filter(|words| words.first().is_some_and(|kind| kind.trim_end_matches('!') == "u"));
    users.filter_map(|words| words.get(1).map(|name| (*name).to_string())).collect()
}

/// The names in the lines of a text that make an account, those of groups and a word too many among them.
pub fn made(script: &str) -> BTreeSet<String> {
    let script = script.replace("\\\n", " ");
    let bare = |word: &str| word.trim_matches(['"', '\'', ';', '`', ')']).to_string();
    let set: Vec<(String, String)> = script
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .filter(|(name, _)| name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_'))
        .map(|(name, value)| (name.to_string(), bare(value)))
        .collect();
    let value = |word: String| {
        let name = word.trim_start_matches('$').trim_start_matches('{').trim_end_matches('}').to_string();
        let known = set.iter().find(|(known, _)| word.starts_with('$') && *known == name);
        known.map_or(word, |(_, value)| value.clone())
    };
    let makes = |line: &&str| {
        let makers = ["adduser", "addgroup", "useradd", "groupadd", "sysusers", "createuser"];
        makers.iter().any(|maker| line.contains(maker)) && !line.trim_start().starts_with('#')
    };
    let is_name = |word: &String| {
        let mut letters = word.chars();
        letters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
            && word.len() < 32
            && letters.all(|found| found.is_ascii_alphanumeric() || "_-".contains(found))
    };
    let words = script.lines().filter(makes).flat_map(str::split_whitespace).map(|word| value(bare(word)));
    words.filter(is_name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::written::put;

    #[test]
    fn the_only_account_that_a_package_makes_is_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| put(folder.path(), path, text);
        let tree = Tree::partial(folder.path());
        let one = || only_one(&tree, "/etc/init.d/web");
        put("var/lib/dpkg/info/web.postinst", "NAME=_web\nadduser --system --home /var/lib/web \\\n  $NAME\n");
        assert!(one().is_none() && !is_missing(&tree, "_web"), "which accounts there are is not known");
        put("etc/passwd", "root:x:0:0::/:/bin/sh\nmail:x:8:8::/:/bin/sh\n_web:x:105:105::/:/bin/sh\n");
        assert_eq!(one().as_deref(), Some("_web"));
        assert!(is_missing(&tree, "web") && !is_missing(&tree, "mail") && !is_missing(&tree, "33"));
        put("var/lib/dpkg/info/web.list", "/etc/init.d/other\n");
        assert_eq!(one(), None, "another package's script");
        put("var/lib/dpkg/info/web.list", "/etc/init.d/web\n");
        put("usr/lib/sysusers.d/web.conf", "#Type Name\nu! mail - -\ng group -\n");
        assert_eq!(one().as_deref(), Some("_web"), "every machine has the other");
        put("etc/passwd", "_web:x:105:105::/:/bin/sh\nmail:x:800:8::/:/bin/sh\n");
        assert_eq!(one(), None, "which of them");
    }
}
