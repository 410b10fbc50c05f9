//! Who a daemon runs as in the end.
//!
//! A daemon that one side starts as root may become the user of the other by itself: told by its own option, by a line
//! of a configuration file that is among its arguments, or because the name is built in: it is in the program's text,
//! and the program looks users up and changes to them. A unit with `DynamicUser=` wants some user without privileges
//! that is made up at its start: any but root is one.

use svc::convert::elf::Program;
use svc::convert::unit::Unit;
use svc::convert::{Draft, Tree};
use svc_compat::play::Machine;

/// Who each side names, and whether these are the same in the end.
pub(crate) struct Users {
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// One side leaves it to the daemon to become the user of the other.
    pub(crate) becomes: bool,
    /// The unit's user is made up.
    pub(crate) made_up: bool,
}

impl Users {
    /// Looks at both; options that only say the user are taken from the commands.
    pub(crate) fn of(
        tree: &Tree,
        (draft, ours): (&Draft, &mut Vec<String>),
        (unit, theirs): (&Unit, &mut Vec<String>),
    ) -> Self {
        let root = |who: Option<&str>| who.filter(|who| *who != "0").unwrap_or("root").to_string();
        let (user, wanted) = (root(draft.user.as_deref()), root(unit.value("User")));
        let (group, wanted_group) = (draft.group.as_deref(), unit.value("Group"));
        if unit.is_user_made_up() {
            // What is left of root is told by the daemon's own option, whoever that is.
            let told = user == "root" && takes_options(ours, None, None);
            return Self { made_up: user != "root" || told, ours: user, theirs: "(made up)".into(), becomes: false };
        }
        for command in [(&user, &mut *ours), (&wanted, &mut *theirs)].into_iter().filter(|(user, _)| *user == "root") {
            // Who is root already is told nothing by `-u root`.
            take_option(command.1, USERS, |value| value.split(':').next() == Some("root"));
            take_option(command.1, GROUPS, |value| value == "root");
        }
        let becomes = match (user == "root", wanted == "root") {
            (true, false) => takes_options(ours, Some(&wanted), wanted_group) || by_itself(tree, ours, &wanted),
            (false, true) => takes_options(theirs, Some(&user), group) || by_itself(tree, theirs, &user),
            _ => false,
        };
        Self { ours: user, theirs: wanted, becomes, made_up: false }
    }
}

fn by_itself(tree: &Tree, command: &[String], user: &str) -> bool {
    let built_in = command.first().and_then(|program| Program::read(tree, program));
    built_in.is_some_and(|program| program.becomes(user)) || configured(tree, command, user)
}

/// Whether a configuration file among the arguments says so: `user NAME`, `User = "NAME"`.
fn configured(tree: &Tree, command: &[String], user: &str) -> bool {
    let files = command.iter().skip(1).map(|word| word.rsplit_once('=').map_or(word.as_str(), |(_, value)| value));
    files.filter(|file| file.starts_with("/etc/")).filter_map(|file| tree.read(file)).any(|text| {
        String::from_utf8_lossy(&text).lines().any(|line| {
            let mut words = line.split([' ', '\t', '=', ':', '"', '\'', ';', ',']).filter(|word| !word.is_empty());
            let key = words.next().unwrap_or_default().to_ascii_lowercase();
            let keys = ["user", "username", "run-as-user", "runas", "uid", "setuid", "run_as_user", "user_name"];
            keys.contains(&key.as_str()) && words.next() == Some(user)
        })
    })
}

const USERS: &[&str] = &["u", "user", "daemon-user", "setuid", "username", "runas", "U", "uid", "run-as"];
const GROUPS: &[&str] = &["g", "group", "setgid", "G", "groupname", "gid"];

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
