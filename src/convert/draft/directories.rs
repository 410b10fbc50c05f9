//! Whose runtime directories are: as the script makes them, as tmpfiles.d says, or of the daemon's namesake.

use std::collections::BTreeSet;

use svc_compat::play::{Launch, Machine, is_unknown};

use super::{Draft, quoted};
use crate::convert::Tree;
use crate::convert::evidence::Evidence;

/// Where packages and administrators say which directories there are after a boot.
const PLACES: [&str; 3] = ["/etc/tmpfiles.d", "/run/tmpfiles.d", "/usr/lib/tmpfiles.d"];

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
                format!("{name} is of {owner} ({})", one.origin)
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

/// What tmpfiles.d(5) has of a directory: `d PATH MODE USER GROUP`.
fn noted(tree: &Tree, is_it: impl Fn(&str) -> bool) -> Option<Whose> {
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
                return Some(Whose {
                    owner: word(1).map(str::to_owned),
                    group: word(2).map(str::to_owned),
                    mode: word(0).and_then(|mode| u32::from_str_radix(mode.trim_start_matches('~'), 8).ok()),
                    origin: format!("{path}:{}", number + 1),
                });
            }
        }
    }
    None
}
