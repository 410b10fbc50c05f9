//! Who calls a script: files that run it by its path, by service(8) and the like, or by a package's helpers.

use std::collections::BTreeMap;

use svc_compat::text::decode;
use svc_platform::root::Root;

use super::scripts::Found;
use super::{Caller, CallerKind, Spot};

/// Longer files call nothing.
const FILE_BYTES_MAX: u64 = 512 * 1024;
/// Of a longer line only the start is shown.
const TEXT_CHARS_MAX: usize = 160;

/// Where callers are looked for, how deep, and what they are.
const PLACES: [(&str, usize, CallerKind); 32] = [
    ("/etc/crontab", 0, CallerKind::Cron),
    ("/etc/anacrontab", 0, CallerKind::Cron),
    ("/etc/cron.d", 1, CallerKind::Cron),
    ("/etc/cron.hourly", 1, CallerKind::Cron),
    ("/etc/cron.daily", 1, CallerKind::Cron),
    ("/etc/cron.weekly", 1, CallerKind::Cron),
    ("/etc/cron.monthly", 1, CallerKind::Cron),
    ("/var/spool/cron", 2, CallerKind::Cron),
    ("/var/cron/tabs", 1, CallerKind::Cron),
    ("/etc/periodic", 2, CallerKind::Cron),
    ("/usr/local/etc/periodic", 2, CallerKind::Cron),
    ("/etc/logrotate.conf", 0, CallerKind::Logs),
    ("/etc/logrotate.d", 1, CallerKind::Logs),
    ("/etc/newsyslog.conf", 0, CallerKind::Logs),
    ("/etc/newsyslog.conf.d", 1, CallerKind::Logs),
    ("/etc/network", 2, CallerKind::Network),
    ("/etc/ppp", 2, CallerKind::Network),
    ("/etc/dhcp", 2, CallerKind::Network),
    ("/etc/resolvconf", 2, CallerKind::Network),
    ("/etc/NetworkManager/dispatcher.d", 1, CallerKind::Network),
    ("/etc/init.d", 0, CallerKind::Script),
    ("/etc/rc.d", 0, CallerKind::Script),
    ("/usr/local/etc/rc.d", 0, CallerKind::Script),
    ("/etc/rc.local", 0, CallerKind::Script),
    ("/etc/acpi", 2, CallerKind::Other),
    ("/etc/apt/apt.conf.d", 1, CallerKind::Other),
    ("/etc/devd", 1, CallerKind::Other),
    ("/etc/letsencrypt", 3, CallerKind::Other),
    ("/etc/monit", 2, CallerKind::Other),
    ("/usr/local/bin", 1, CallerKind::Other),
    ("/usr/local/sbin", 1, CallerKind::Other),
    ("/var/lib/dpkg/info", 0, CallerKind::Package),
];

/// What a package runs when it comes or goes.
const MAINTAINER: [&str; 5] = [".preinst", ".postinst", ".prerm", ".postrm", ".config"];

/// Programs that take the name of a script as an argument, and how many words stand before it.
const PROGRAMS: [(&str, usize); 9] = [
    ("service", 0),
    ("invoke-rc.d", 0),
    ("update-rc.d", 0),
    ("rc-service", 0),
    ("chkconfig", 0),
    ("rc-update", 1),
    ("rcctl", 1),
    ("systemctl", 1),
    ("deb-systemd-invoke", 1),
];

/// Directories whose files are scripts.
const DIRECTORIES: [&str; 5] =
    ["/etc/init.d/", "/etc/rc.d/init.d/", "/etc/rc.d/", "/usr/local/etc/rc.d/", "/etc/rc.d/rc."];

/// Finds the callers of all scripts.
pub(super) fn find(found: &mut [Found], root: &Root) {
    let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, script) in found.iter().enumerate().filter(|(_, script)| script.entry.what.is_service()) {
        names.entry(script.entry.name.clone()).or_default().push(at);
    }
    let mut seen = std::collections::BTreeSet::new();
    for (place, depth, kind) in PLACES {
        let files = if depth == 0 && root.resolve(place).is_some_and(|path| path.is_file()) {
            vec![place.to_owned()]
        } else {
            root.files(place, depth)
        };
        for file in files {
            let counts = kind != CallerKind::Package || MAINTAINER.iter().any(|end| file.ends_with(end));
            let real = root.resolve(&file);
            if !counts || real.is_none_or(|real| !seen.insert(real)) {
                continue;
            }
            let Some(text) = root.text(&file, FILE_BYTES_MAX).filter(|text| !text.contains(&0)) else { continue };
            for (line, called, text) in calls(&decode(&text), &names) {
                for &at in &called {
                    let script = &mut found[at].entry;
                    // What a script says of itself is no call.
                    if script.file != file {
                        let spot = Spot { file: file.clone(), line };
                        script.callers.push(Caller { kind, spot, text: text.clone() });
                    }
                }
            }
        }
    }
    for script in found {
        script.entry.callers.sort();
        script.entry.callers.dedup();
    }
}

/// The lines of a text that call one of the scripts, with what they call.
fn calls(text: &str, names: &BTreeMap<String, Vec<usize>>) -> Vec<(u32, Vec<usize>, String)> {
    let mut out = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let mut called: Vec<usize> = Vec::new();
        for command in line.split(|found| ";|&(){}`".contains(found)) {
            let words: Vec<&str> = command.split(is_between).filter(|word| !word.is_empty()).collect();
            let paths = words.iter().filter_map(|word| path_of_script(word));
            let arguments = arguments(&words).map(|word| word.strip_suffix(".service").unwrap_or(word));
            called.extend(paths.chain(arguments).flat_map(|name| names.get(name).into_iter().flatten()));
        }
        called.sort_unstable();
        called.dedup();
        if !called.is_empty() {
            out.push((number, called, line.chars().take(TEXT_CHARS_MAX).collect()));
        }
    }
    out
}

/// The words of a command that may be names of scripts.
fn arguments<'a>(words: &[&'a str]) -> impl Iterator<Item = &'a str> {
    let known = |word: &&str| {
        let base = word.rsplit('/').next().unwrap_or(word);
        PROGRAMS.iter().find(|(program, _)| *program == base).map(|(_, before)| *before)
    };
    let at = words.iter().position(|word| known(word).is_some());
    let before = at.and_then(|at| known(&words[at])).unwrap_or_default();
    let rest = at.map_or(&[][..], |at| &words[at + 1..]);
    let plain: Vec<&str> = rest.iter().copied().filter(|word| !word.starts_with('-')).collect();
    // Only some take more than one name.
    let count = if before == 0 { 1 } else { usize::MAX };
    plain.into_iter().skip(before).take(count)
}

/// What stands between the words of a command.
fn is_between(found: char) -> bool {
    found.is_whitespace() || "\"'<>=".contains(found)
}

fn path_of_script(word: &str) -> Option<&str> {
    let rest = DIRECTORIES.iter().find_map(|directory| word.strip_prefix(directory))?;
    (!rest.is_empty() && !rest.contains('/')).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_found_however_it_is_spelled() {
        let names: BTreeMap<String, Vec<usize>> =
            [("web", 0), ("db", 1), ("start", 2)].map(|(name, at)| (name.to_owned(), vec![at])).into();
        let told =
            |text: &str| calls(text, &names).into_iter().map(|(line, called, _)| (line, called)).collect::<Vec<_>>();
        for line in [
            "\tinvoke-rc.d --quiet web rotate >/dev/null",
            "[ -x /etc/init.d/web ] && /etc/init.d/web reload",
            "0 3 * * * root service web restart",
            "if test -x \"/etc/init.d/web\"; then",
            "/usr/sbin/update-rc.d web defaults",
            "systemctl reload web.service || true",
            "service web start",
        ] {
            assert_eq!(told(line), [(1, vec![0])], "{line}");
        }
        assert_eq!(told("\nservice db stop; service web stop"), [(2, vec![0, 1])]);
        for line in ["# service web stop", "the web is a service", "/etc/init.d/webmail start", "echo web"] {
            assert_eq!(told(line), [], "{line}");
        }
    }
}
