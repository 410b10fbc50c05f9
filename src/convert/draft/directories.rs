//! Whose runtime directories are: as the script makes them, as tmpfiles.d says, or of the daemon's namesake.

use std::collections::BTreeSet;

use svc_compat::play::{Launch, Machine, is_unknown};

use super::{Draft, quoted};
use crate::convert::Tree;
use crate::convert::evidence::Evidence;

/// Where packages and administrators say which directories there are after a boot.
const PLACES: [&str; 3] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"];

/// Configuration files that are longer are not looked through.
const FILE_BYTES_MAX: usize = 1 << 18;

/// What is known of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Whose {
    owner: Option<String>,
    group: Option<String>,
    mode: Option<u32>,
    origin: String,
}

impl Draft {
    /// Owner and permissions, where these are not those of the user.
    pub(super) fn whose_directories(&mut self, tree: &Tree, evidence: &Evidence, launch: &Launch) {
        let names = self.runtime_directories.clone();
        let all: Vec<Whose> = names.iter().map(|name| self.whose(tree, evidence, launch, name)).collect();
        let Some(first) = all.first() else { return };
        let wanted = |one: &Whose| (one.owner.clone(), one.group.clone(), one.mode);
        if all.iter().map(wanted).collect::<BTreeSet<_>>().len() > 1 {
            let text = |(name, one): (&String, &Whose)| {
                let owner = one.owner.as_deref().unwrap_or("the user");
                let origin = Some(&one.origin).filter(|origin| !origin.is_empty());
                format!("{name} is of {owner}{}", origin.map_or_else(String::new, |origin| format!(" ({origin})")))
            };
            let each: Vec<String> = names.iter().zip(&all).map(text).collect();
            return self.open.push(format!("not all runtime directories are alike: {}", each.join(", ")));
        }
        let user = self.user.clone().unwrap_or_else(|| "root".to_owned());
        let groups = self.group.clone().or_else(|| self.user.clone()).unwrap_or_else(|| "root".to_owned());
        let owner = first.owner.clone().unwrap_or_else(|| user.clone());
        let group = first.group.clone().filter(|group| *group != owner);
        if owner != user || group.as_ref().is_some_and(|group| *group != groups) {
            self.key("", "runtime-directory-owner", quoted(&owner), first.origin.clone());
            if let Some(group) = group {
                self.key("", "runtime-directory-group", quoted(&group), first.origin.clone());
            }
        }
        if let Some(mode) = first.mode.filter(|mode| *mode != 0o755) {
            self.key("", "runtime-directory-mode", quoted(&format!("{mode:04o}")), first.origin.clone());
        }
    }

    fn whose(&mut self, tree: &Tree, evidence: &Evidence, launch: &Launch, name: &str) -> Whose {
        let is_it = |path: &str| {
            let below = ["/run/", "/var/run/"].iter().find_map(|top| path.strip_prefix(top));
            below.is_some_and(|below| below.trim_end_matches('/') == name)
        };
        let known = |word: &Option<String>| word.clone().filter(|word| !word.contains(is_unknown));
        let made = evidence
            .start
            .made
            .iter()
            .find(|made| made.directory && is_it(&made.path.replacen("/var/lock/", "/run/lock/", 1)));
        let noted = noted(tree, is_it);
        if let Some(made) = made {
            let mode = known(&made.mode).and_then(|mode| u32::from_str_radix(&mode, 8).ok());
            let is_unsure = [&made.owner, &made.group].into_iter().flatten().any(|word| word.contains(is_unknown));
            if !is_unsure {
                let origin = made.spot.to_string();
                return Whose { owner: known(&made.owner), group: known(&made.group), mode, origin };
            }
            if let Some(noted) = noted {
                // Who it is given to is computed; the package says the same in a file.
                return Whose { mode, ..noted };
            }
            let text = format!("{}: {} is given to somebody whom only running it tells", made.spot, made.path);
            self.open.push(format!("{text}: the daemon itself must be able to take it over"));
            return Whose { mode, origin: made.spot.to_string(), ..Whose::default() };
        }
        // Where the daemon writes its pid file itself, it does so as whoever it is then.
        noted.or_else(|| launch.makes_pid_file.then(|| self.namesake(tree))?).unwrap_or_default()
    }

    /// A daemon that is started as root, and of whose name there is an account, becomes that before it writes there.
    fn namesake(&mut self, tree: &Tree) -> Option<Whose> {
        if self.user.is_some() {
            return None;
        }
        let program = self.command.first()?.rsplit('/').next()?.to_owned();
        let users = tree.read("/etc/passwd")?;
        let users = String::from_utf8_lossy(&users);
        let user = users.lines().filter_map(|line| line.split(':').next()).find(|user| **user == *program)?;
        self.open
            .push(format!("its runtime directory belongs to {user}, since there is an account of the daemon's name"));
        let origin = format!("/etc/passwd: an account is called {user}, and the daemon is started as root");
        Some(Whose { owner: Some(user.to_owned()), origin, ..Whose::default() })
    }
}

impl Draft {
    /// Directories of the daemon's own name that nobody makes who starts it: those of tmpfiles.d, which is for another
    /// program to read, and those in which its configuration has its sockets.
    pub(super) fn own_directories(&self, tree: &Tree) -> Vec<(String, String)> {
        let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        let program = self.command.first().map(|program| base(program)).unwrap_or_default();
        let files: Vec<&String> = self.command.iter().skip(1).filter(|word| word.starts_with("/etc/")).collect();
        let places = files.iter().filter_map(|file| file.rsplit_once('/')).map(|(place, _)| base(place));
        let places: BTreeSet<String> = places.filter(|place| place != "etc").collect();
        let is_own = |name: &str| name == program || name == self.name.as_ref() || places.contains(name);
        let mut out = Vec::new();
        let is_below = |path: &str| below(path).is_some_and(is_own);
        if let Some((path, noted)) = first_noted(tree, is_below) {
            out.extend(below(&path).map(|name| (name.to_owned(), noted.origin)));
        }
        // Whoever starts as root makes it, and gives it to whom it becomes.
        for file in files.into_iter().filter(|_| self.user.is_some()) {
            let text = tree.read(file).filter(|text| text.len() < FILE_BYTES_MAX).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            let lines = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with(['#', ';', '/']));
            for (at, line) in lines {
                let is_inside = |found: char| found.is_ascii_alphanumeric() || "/._-".contains(found);
                let paths = line.split(|found| !is_inside(found)).filter_map(|word| word.rsplit_once('/'));
                let names = paths.filter_map(|(place, _)| below(place)).filter(|name| is_own(name));
                out.extend(names.map(|name| (name.to_owned(), format!("{file}:{}: it has a file there", at + 1))));
            }
        }
        out
    }
}

/// The name of a directory right below the runtime directory.
fn below(path: &str) -> Option<&str> {
    let name = ["/run/", "/var/run/"].iter().find_map(|top| path.strip_prefix(top))?.trim_end_matches('/');
    (!name.is_empty() && !name.contains('/') && !name.starts_with('.')).then_some(name)
}

/// What tmpfiles.d(5) has of a directory: `d PATH MODE USER GROUP`.
fn noted(tree: &Tree, is_it: impl Fn(&str) -> bool) -> Option<Whose> {
    first_noted(tree, is_it).map(|(_, whose)| whose)
}

/// The owner that tmpfiles.d(5) has of a directory, and where.
pub(super) fn noted_owner(tree: &Tree, is_it: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let whose = noted(tree, is_it)?;
    Some((whose.owner?, whose.origin))
}

/// The first directory that is meant, and whose it is.
fn first_noted(tree: &Tree, is_it: impl Fn(&str) -> bool) -> Option<(String, Whose)> {
    for place in PLACES {
        for file in tree.list(place).iter().filter(|name| name.ends_with(".conf")) {
            let path = format!("{place}/{file}");
            let text = tree.read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text).into_owned();
            for (number, line) in text.lines().enumerate() {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [kind, at, rest @ ..] = words.as_slice() else { continue };
                if !matches!(kind.trim_end_matches(['!', '+', '-']), "d" | "D") || !is_it(at) {
                    continue;
                }
                let word = |at: usize| rest.get(at).copied().filter(|word| *word != "-");
                let whose = Whose {
                    owner: word(1).map(str::to_owned),
                    group: word(2).map(str::to_owned),
                    mode: word(0).and_then(|mode| u32::from_str_radix(mode.trim_start_matches('~'), 8).ok()),
                    origin: format!("{path}:{}", number + 1),
                };
                return Some(((*at).to_owned(), whose));
            }
        }
    }
    None
}
