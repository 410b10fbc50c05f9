//! Who a daemon runs as in the end.
//!
//! A daemon that one side starts as root may become the user or the group of the other by itself: told by its own
//! option, by a line of its configuration file (among its arguments, built into it, or named in its manual), or because
//! the name is built in: it is in the program's text, and the program looks users up and changes to them, or the source
//! of a script sets it as its user and changes. A unit with
//! `DynamicUser=` wants some user without privileges that is made up at its start, also where it gives it a name: any
//! but root is one, also the `nobody` that a daemon becomes by itself. A group that the account has anyway is no other:
//! by the machine's accounts, by sysusers.d(5), or by what the package does after its installation. Nor is a group with
//! which one side starts the daemon, and which the other tells it by its own option.

use svc::convert::elf::Program;
use svc::convert::unit::Unit;
use svc::convert::{Draft, Tree};
use svc_compat::play::Machine;

use crate::compare::Defaults;

/// Who has no privileges on any system.
const NOBODY: &str = "nobody";

/// Who each side names, and whether these are the same in the end.
pub(crate) struct Users {
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// The group of each side; empty for the user's own.
    pub(crate) our_group: String,
    pub(crate) their_group: String,
    /// One side leaves it to the daemon to become the user of the other.
    pub(crate) becomes: bool,
    /// The unit's user is made up.
    pub(crate) made_up: bool,
}

impl Users {
    /// Looks at both; options that only say the user are taken from the commands.
    pub(crate) fn of(
        tree: &Tree,
        defaults: &Defaults,
        (draft, ours): (&Draft, &mut Vec<String>),
        (unit, theirs): (&Unit, &mut Vec<String>),
    ) -> Self {
        let root = |who: Option<&str>| who.filter(|who| *who != "0").unwrap_or("root").to_string();
        let (user, wanted) = (root(draft.user.as_deref()), root(unit.value("User")));
        let named = |group: Option<&str>| group.map(|group| root(Some(group)));
        let (group, wanted_group) = (named(draft.group.as_deref()), named(unit.value("Group")));
        let own = |group: &Option<String>, user: &str| {
            let group = group.clone().filter(|group| *group != user);
            group.filter(|group| primary_group(tree, user).as_ref() != Some(group)).unwrap_or_default()
        };
        let mut out = Self {
            our_group: own(&group, &user),
            their_group: own(&wanted_group, &wanted),
            ours: user.clone(),
            theirs: wanted.clone(),
            becomes: false,
            made_up: false,
        };
        let by_itself = |command: &[String], name: &str, keys: &'static [&'static str]| {
            let built_in = command.first().and_then(|program| Program::read(tree, program));
            built_in.is_some_and(|program| program.becomes(name))
                || defaults.values(keys, command.first().map_or("", String::as_str)).any(|value| value == name)
                || command.first().is_some_and(|program| is_written(tree, program, name))
        };
        if unit.is_user_made_up() {
            // What is left of root is told by the daemon's own option, whoever that is, or nobody is built in.
            let leaves = takes_options(ours, None, None) || by_itself(ours, NOBODY, USER_KEYS);
            out.made_up = user != "root" || leaves;
            out.theirs = "(made up)".into();
            return out;
        }
        for command in [(&user, &mut *ours), (&wanted, &mut *theirs)].into_iter().filter(|(user, _)| *user == "root") {
            // Who is root already is told nothing by `-u root`.
            take_option(command.1, USERS, |value| value.split(':').next() == Some("root"));
            take_option(command.1, GROUPS, |value| value == "root");
        }
        for (user, group, command) in [(&user, &group, &mut *ours), (&wanted, &wanted_group, &mut *theirs)] {
            // Nor is whoever is somebody else already.
            take_option(command, USERS, |value| *user != "root" && value.split(':').next() == Some(user));
            let is_own = |value: &str| value == user || group.as_deref() == Some(value);
            take_option(command, GROUPS, |value| *user != "root" && is_own(value));
        }
        out.becomes = match (user == "root", wanted == "root") {
            (true, false) => {
                takes_options(ours, Some(&wanted), wanted_group.as_deref()) || by_itself(ours, &wanted, USER_KEYS)
            }
            (false, true) => {
                takes_options(theirs, Some(&user), group.as_deref()) || by_itself(theirs, &user, USER_KEYS)
            }
            _ => false,
        };
        if user == "root" && wanted == "root" {
            // A group alone, which the other side leaves to the daemon.
            let (has, leaves, group) = match (out.our_group.is_empty(), out.their_group.is_empty()) {
                (true, false) => (theirs, ours, out.their_group.clone()),
                (false, true) => (ours, theirs, out.our_group.clone()),
                _ => return out,
            };
            if takes_group(has, leaves, &group) || by_itself(leaves, &group, GROUP_KEYS) {
                (out.our_group, out.their_group) = (String::new(), String::new());
            }
        }
        out
    }
}

/// Whether the text of a program has the name as the user that it becomes, and the means to do so.
fn is_written(tree: &Tree, program: &str, name: &str) -> bool {
    let Some(text) = tree.read(program).filter(|text| text.starts_with(b"#!")) else { return false };
    let text = String::from_utf8_lossy(&text);
    let means = ["setuid", "seteuid", "setresuid", "set_uid", "Net::Server", "change_privilege", "initgroups"];
    let is_meant = |line: &str| {
        let bare: String = line.chars().filter(|found| !found.is_whitespace()).collect();
        let ends = ["'", "\""].map(|quote| format!("{quote}{name}{quote}"));
        let sets = ["user}=", "user=>", "user=", "'user':", "\"user\":", "getpwnam(", "daemon_user="];
        let has = |set: &str, end: &String| {
            bare.match_indices(&format!("{set}{end}")).any(|(at, _)| {
                // `db_user` is another's.
                !bare[..at].chars().next_back().is_some_and(|found| found == '_' || found.is_ascii_alphanumeric())
            })
        };
        !bare.starts_with('#') && sets.iter().any(|set| ends.iter().any(|end| has(set, end)))
    };
    means.iter().any(|means| text.contains(means)) && text.lines().any(is_meant)
}

const USERS: &[&str] = &["u", "user", "daemon-user", "setuid", "username", "runas", "U", "uid", "run-as"];
const GROUPS: &[&str] = &["g", "group", "setgid", "G", "groupname", "gid"];

/// Keys of configuration files, in small letters and without what joins their words.
const USER_KEYS: &[&str] = &[
    "user",
    "username",
    "runasuser",
    "runas",
    "uid",
    "setuid",
    "userid",
    "runuser",
    "daemonuser",
    "serveruser",
    "effectiveuser",
    "cacheeffectiveuser",
    "droptouser",
    "switchuser",
    "databaseowner",
];
const GROUP_KEYS: &[&str] =
    &["group", "groupname", "runasgroup", "gid", "setgid", "groupid", "daemongroup", "cacheeffectivegroup"];

/// The group of an account by the accounts of the installed package, or by what makes one with a group of another name.
fn primary_group(tree: &Tree, user: &str) -> Option<String> {
    let lines = |file: &str| -> Vec<Vec<String>> {
        let text = tree.read(file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        text.lines().map(|line| line.split(':').map(String::from).collect()).collect()
    };
    let number = lines("/etc/passwd").into_iter().find(|line| line[0] == user).and_then(|line| line.get(3).cloned());
    if let Some(number) = number {
        let group = lines("/etc/group").into_iter().find(|line| line.get(2) == Some(&number));
        return group.map(|line| line[0].clone());
    }
    let said = |directory: &str, end: &str| -> Vec<String> {
        let names = tree.list(directory).into_iter().filter(|name| name.ends_with(end));
        let texts = names.filter_map(|name| tree.read(&format!("{directory}/{name}")));
        texts.map(|text| String::from_utf8_lossy(&text).replace("\\\n", " ")).collect()
    };
    let made = said("/var/lib/dpkg/info", ".postinst");
    let calls = made.iter().flat_map(|text| text.lines()).map(|line| line.split_whitespace().collect::<Vec<_>>());
    let calls = calls.filter(|words| words.iter().any(|word| ["adduser", "useradd"].contains(word)));
    let mut groups = calls.filter(|words| words.contains(&user)).filter_map(|words| {
        let at = words.iter().position(|word| ["--ingroup", "--gid", "-g"].contains(word))?;
        words.get(at + 1).map(|group| (*group).to_string())
    });
    groups.next().or_else(|| {
        let accounts = said("/usr/lib/sysusers.d", ".conf");
        accounts.iter().flat_map(|text| text.lines()).find_map(|line| {
            let mut words = line.split_whitespace();
            let is_it = words.next() == Some("u") && words.next() == Some(user);
            let id = words.next().filter(|_| is_it)?;
            id.split_once(':').map(|(_, group)| group.to_string())
        })
    })
}

/// Takes the options away by which a program is told to become this user, and says whether there were any.
fn takes_options(command: &mut Vec<String>, user: Option<&str>, group: Option<&str>) -> bool {
    let fits = |value: &str, wanted: Option<&str>| {
        value != "root" && wanted.is_none_or(|wanted| value == wanted || value.split(':').next() == Some(wanted))
    };
    let found = take_option(command, USERS, |value| fits(value, user));
    if found {
        take_option(command, GROUPS, |value| fits(value, group));
    }
    found
}

/// Takes the option away by which a program that is not started with a group is told it, and says whether there was
/// one; to who has the group already the same option says nothing.
fn takes_group(has: &mut Vec<String>, leaves: &mut Vec<String>, group: &str) -> bool {
    let is_told = take_option(leaves, GROUPS, |value| value == group);
    if is_told {
        take_option(has, GROUPS, |value| value == group);
    }
    is_told
}

/// Takes an option of one of these names away, with its value if it fits.
fn take_option(command: &mut Vec<String>, names: &[&str], fits: impl Fn(&str) -> bool) -> bool {
    let found = command.iter().enumerate().skip(1).find_map(|(at, word)| {
        let bare = word.split('=').next().unwrap_or_default().trim_start_matches('-');
        let is_option = word.starts_with('-') && names.contains(&bare);
        let joined = word.split_once('=').map(|(_, value)| value.to_string());
        let next = command.get(at + 1).filter(|next| !next.starts_with('-')).cloned();
        let (given, count) = if let Some(joined) = joined { (joined, 1) } else { (next?, 2) };
        (is_option && fits(&given)).then_some((at, count))
    });
    let Some((at, count)) = found else { return false };
    command.drain(at..at + count);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_one_side_only_tells_the_daemon_is_the_one_that_the_other_starts_it_with() {
        let words = |line: &str| line.split(' ').map(String::from).collect::<Vec<_>>();
        let taken = |has: &str, leaves: &str| {
            let (mut has, mut leaves) = (words(has), words(leaves));
            let is_told = takes_group(&mut has, &mut leaves, "web");
            (is_told, has.join(" "), leaves.join(" "))
        };
        let both = taken("/bin/webd --group=web -x", "/bin/webd -x --group=web");
        assert_eq!(both, (true, "/bin/webd -x".into(), "/bin/webd -x".into()));
        assert_eq!(taken("/bin/webd", "/bin/webd -g web"), (true, "/bin/webd".into(), "/bin/webd".into()));
        assert!(!taken("/bin/webd -g web", "/bin/webd").0 && !taken("/bin/webd", "/bin/webd -g mail").0);
    }
}
