//! Which rc.d scripts a boot runs, in which order: two passes with the divider between them, and the way back.

use std::collections::BTreeSet;

use super::rcorder::{File, Options, rcorder};

/// What kind of machine boots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// No jail.
    #[default]
    Machine,
    /// A jail with the network of its host: `nojail` and `nojailvnet` are left out.
    Jail,
    /// A jail with a network of its own: only `nojail` is left out.
    VnetJail,
}

/// Whether this is the machine's first boot: whether `/firstboot` is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// It is not: `firstboot` is left out.
    #[default]
    Later,
    /// It is.
    First,
}

/// The scripts of a boot, by place in the base directory followed by the local ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// Run before the local directories are known, the divider last.
    pub early: Vec<usize>,
    /// Run after that.
    pub late: Vec<usize>,
}

/// The script after which the local directories are looked at, if rc.conf names no other.
pub const DIVIDER: &str = "FILESYSTEMS";

/// Whether a file of a local directory takes part in a boot, by its text: it has a PROVIDE line.
pub fn takes_part(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"# PROVIDE:"))
}

/// Orders a boot as rc(8) does. Keywords are whole words: `nojailvnet` is not `nojail`.
pub fn boot(base: &[File<'_>], local: &[File<'_>], divider: &str, host: Host, turn: Turn) -> Boot {
    let options = Options { skip: skipped(host, turn, &["nostart"]), ..Options::default() };
    let ends_with = |file: &File<'_>| base_name(file.name) == divider.as_bytes();
    let mut early = order(base, &options);
    if let Some(at) = early.iter().position(|file| ends_with(&base[*file])) {
        early.truncate(at + 1);
    }
    let done: BTreeSet<&[u8]> = early.iter().map(|file| base[*file].name).collect();
    let all: Vec<File<'_>> = base.iter().chain(local).copied().collect();
    let late = order(&all, &options).into_iter().filter(|file| !done.contains(all[*file].name)).collect();
    Boot { early, late }
}

/// Orders a shutdown as rc.shutdown does: what has the keyword `shutdown`, last started first, also what `nostart` or
/// `firstboot` kept from starting.
pub fn shutdown(base: &[File<'_>], local: &[File<'_>], host: Host) -> Vec<usize> {
    let all: Vec<File<'_>> = base.iter().chain(local).copied().collect();
    let skip = skipped(host, Turn::First, &[]);
    let mut out = order(&all, &Options { keep: vec!["shutdown".into()], skip, ..Options::default() });
    out.reverse();
    out
}

fn skipped(host: Host, turn: Turn, always: &[&str]) -> Vec<String> {
    let mut out: Vec<String> = always.iter().map(ToString::to_string).collect();
    match host {
        Host::Machine => {}
        Host::Jail => out.extend(["nojail".into(), "nojailvnet".into()]),
        Host::VnetJail => out.push("nojail".into()),
    }
    if turn == Turn::Later {
        out.push("firstboot".into());
    }
    out
}

fn order(files: &[File<'_>], options: &Options) -> Vec<usize> {
    rcorder(files, options).groups.concat()
}

fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: [(&str, &str); 6] = [
        ("/etc/rc.d/FILESYSTEMS", "# PROVIDE: FILESYSTEMS\n# REQUIRE: root\n"),
        ("/etc/rc.d/root", "# PROVIDE: root\n"),
        ("/etc/rc.d/growfs", "# PROVIDE: growfs\n# REQUIRE: FILESYSTEMS\n# KEYWORD: firstboot shutdown\n"),
        ("/etc/rc.d/netif", "# PROVIDE: netif\n# REQUIRE: FILESYSTEMS\n# KEYWORD: nojailvnet\n"),
        ("/etc/rc.d/DAEMON", "# PROVIDE: DAEMON\n# REQUIRE: netif\n"),
        ("/etc/rc.d/natd", "# PROVIDE: natd\n# REQUIRE: DAEMON\n# KEYWORD: nostart nojail shutdown\n"),
    ];
    const LOCAL: [(&str, &str); 2] = [
        ("/usr/local/etc/rc.d/web", "# PROVIDE: web\n# REQUIRE: DAEMON\n# KEYWORD: shutdown\n"),
        ("/usr/local/etc/rc.d/early", "# PROVIDE: early\n# BEFORE: FILESYSTEMS\n"),
    ];

    fn files<'a>(texts: &[(&'a str, &'a str)]) -> Vec<File<'a>> {
        texts.iter().map(|(name, text)| File { name: name.as_bytes(), text: text.as_bytes() }).collect()
    }

    fn names(places: &[usize]) -> Vec<&'static str> {
        let all: Vec<&str> = BASE.iter().chain(&LOCAL).map(|(path, _)| *path).collect();
        places.iter().map(|at| all[*at].rsplit('/').next().unwrap()).collect()
    }

    fn booted(host: Host, turn: Turn) -> (Vec<&'static str>, Vec<&'static str>) {
        let boot = boot(&files(&BASE), &files(&LOCAL), DIVIDER, host, turn);
        (names(&boot.early), names(&boot.late))
    }

    #[test]
    fn local_scripts_are_unknown_until_the_divider() {
        let (early, late) = booted(Host::Machine, Turn::Later);
        assert_eq!(early, ["root", "FILESYSTEMS"]);
        assert_eq!(late, ["early", "netif", "DAEMON", "web"]);
    }

    #[test]
    fn keywords_are_whole_words() {
        let (_, late) = booted(Host::VnetJail, Turn::First);
        assert_eq!(late, ["early", "growfs", "netif", "DAEMON", "web"]);
        let (_, late) = booted(Host::Jail, Turn::Later);
        assert!(!late.contains(&"netif") && late.contains(&"web"));
    }

    #[test]
    fn a_shutdown_goes_back_also_over_what_was_never_started() {
        let back = |host| names(&shutdown(&files(&BASE), &files(&LOCAL), host));
        assert_eq!(back(Host::Machine), ["web", "natd", "growfs"]);
        assert_eq!(back(Host::Jail), ["web", "growfs"]);
    }

    #[test]
    fn without_a_divider_there_is_one_pass() {
        let boot = boot(&files(&BASE), &files(&LOCAL), "NETWORKING", Host::Machine, Turn::Later);
        assert_eq!(names(&boot.early).len(), 4);
        assert_eq!(names(&boot.late), ["early", "web"]);
    }

    #[test]
    fn a_local_file_without_provide_takes_no_part() {
        assert!(takes_part(b"#!/bin/sh\n# PROVIDE: x\n"));
        assert!(!takes_part(b"#!/bin/sh\n#PROVIDE: x\n  # PROVIDE: x\n"));
    }
}
