//! Who a daemon can only be where the script starts it as somebody else, or as root, and so cannot work.

use std::sync::LazyLock;

use regex::Regex;
use svc_compat::play::{Launch, Machine, is_unknown};

use super::Draft;
use crate::convert::elf::Program;
use crate::convert::evidence::Evidence;
use crate::convert::handled::with_modules;
use crate::convert::manual::{self, own_texts};
use crate::convert::{Tree, accounts};

/// Where it is written who may have a name on the system's bus.
const POLICIES: [&str; 2] = ["/etc/dbus-1/system.d", "/usr/share/dbus-1/system.d"];
/// A message is no longer than this.
const MESSAGE_BYTES_MAX: usize = 120;
/// A text of fewer lines is not all there is of a program.
const WHOLE_LINES_MIN: usize = 60;

/// A program that says so ends where it is root, whatever it is asked to do.
static REFUSES: LazyLock<Regex> = LazyLock::new(|| {
    let never =
        "refus(?:e|es|ed|ing) to (?:be )?(?:run|start)|(?:must not|cannot|can't|can not|may not) be (?:run|started)";
    manual::pattern(&format!(r"\b(?:{never}) as (?:the )?root\b"))
});
static POLICY: LazyLock<Regex> =
    LazyLock::new(|| manual::pattern(r#"(?s)<policy\s+user\s*=\s*"([^"]+)"\s*>(.*?)</policy>"#));
static OWNED: LazyLock<Regex> = LazyLock::new(|| manual::pattern(r#"<allow\s+own\s*=\s*"([^"]+)""#));

/// An account, and why it is this one.
pub(super) struct Instead {
    pub(super) user: String,
    /// It takes the place of one, with its group; else root's.
    pub(super) replaces: bool,
    pub(super) why: String,
    /// What is said of it to who looks at the definition.
    pub(super) open: String,
}

impl Draft {
    /// Who it has to be in place of the one that the script makes it, where with that it cannot work.
    pub(super) fn instead(&self, tree: &Tree, evidence: &Evidence, launch: &Launch) -> Option<Instead> {
        let spot = &launch.spot;
        if let Some(user) = self.user.as_deref() {
            let is_missing = accounts::is_missing(tree, user);
            let (other, why) = is_missing.then(|| self.in_its_place(tree, evidence))??;
            let open =
                format!("{spot}: there is no account {user}, and so the script starts nothing: it is {other} here");
            return Some(Instead {
                user: other,
                replaces: true,
                why: format!("no account is called {user}; {why}"),
                open,
            });
        }
        let program = self.command.first()?;
        if let Some(user) = launch.context.looked_for.as_ref().filter(|user| is_plain(user)) {
            let can_be = stays_who_it_is(tree, program) && !accounts::is_missing(tree, user);
            let why =
                format!("its starter looks for a process of {user}, and {program} does not become that by itself");
            let open = format!(
                "{spot}: as root the script would not find it again: its starter looks for a process of {user}"
            );
            return can_be.then(|| Instead { user: user.clone(), replaces: false, why, open });
        }
        let said = refuses_root(tree, &self.command)?;
        let (user, file) = owner_of_name(tree, program)?;
        let why = format!("{program} says `{said}`; {file} gives its name on the bus to {user}");
        let open = format!("{spot}: started as root, as the script does, it ends: {program} says `{said}`");
        Some(Instead { user, replaces: false, why, open })
    }

    /// The account that the script's package makes, of which neither the daemon nor its arguments and their files
    /// speak.
    pub(super) fn unspoken_account(&self, tree: &Tree, evidence: &Evidence) -> Option<String> {
        let program = self.command.first().filter(|_| self.user.is_none() && self.group.is_none())?;
        let account = accounts::only_one(tree, &evidence.path)?;
        let has = |text: &str| text.contains(&account);
        let files = self.command.iter().skip(1).filter(|word| word.starts_with("/etc/"));
        let mut files = files.filter_map(|file| tree.read(file)).map(|text| svc_compat::text::decode(&text));
        let names_it = |text: &[u8]| text.len() < MESSAGE_BYTES_MAX && has(&String::from_utf8_lossy(text));
        let speaks = self.command.iter().skip(1).any(|word| has(word))
            || files.any(|text| has(&text))
            || !own_texts(tree, program, names_it).is_empty()
            || with_modules(tree, program).iter().any(|(_, text)| has(text));
        (!speaks).then_some(account)
    }

    /// The owner of the directory where its pid file is, else the only account that its package makes.
    fn in_its_place(&self, tree: &Tree, evidence: &Evidence) -> Option<(String, String)> {
        let file = self.pid_file.clone().or_else(|| super::pid_file::looked_into(evidence));
        let directory =
            file.as_deref().and_then(|file| file.rsplit_once('/')).map(|(directory, _)| one_place(directory));
        let is_it = |path: &str| Some(one_place(path)) == directory;
        let made = evidence.start.made.iter().find(|made| made.directory && is_it(&made.path));
        let made = made.and_then(|made| Some((made.owner.clone()?, made.spot.to_string())));
        let noted = || super::directories::noted_owner(tree, is_it);
        let can_be =
            |(owner, _): &(String, String)| is_plain(owner) && owner != "root" && !accounts::is_missing(tree, owner);
        let owner = made.filter(can_be).or_else(noted).filter(can_be);
        let owner = owner.map(|(owner, source)| (owner, format!("{source}: the directory of its pid file is its")));
        owner.or_else(|| {
            let only = accounts::only_one(tree, &evidence.path)?;
            Some((only, "it is the only account that the package makes".to_string()))
        })
    }
}

fn is_plain(user: &str) -> bool {
    !user.is_empty() && user != "root" && !user.contains(is_unknown)
}

fn one_place(path: &str) -> String {
    path.trim_end_matches('/').replacen("/var/run/", "/run/", 1)
}

/// Whether nothing in a program could make it another user.
fn stays_who_it_is(tree: &Tree, program: &str) -> bool {
    if let Some(compiled) = Program::read(tree, program) {
        return !compiled.may_become_another();
    }
    const MEANS: [&str; 12] = [
        "setuid",
        "seteuid",
        "setresuid",
        "setreuid",
        "set_uid",
        "initgroups",
        "net::server",
        "privil",
        "change_user",
        "daemoncontext",
        "$>",
        "$<",
    ];
    let texts = with_modules(tree, program);
    let is_whole = texts.first().is_some_and(|(_, text)| text.lines().count() >= WHOLE_LINES_MIN);
    let has_means = |text: &String| MEANS.iter().any(|means| text.to_ascii_lowercase().contains(means));
    is_whole && !texts.iter().any(|(_, text)| has_means(text))
}

/// What a program says where it is root, unless it is told by an option that it may be.
fn refuses_root(tree: &Tree, command: &[String]) -> Option<String> {
    let program = command.first()?;
    let compiled = Program::read(tree, program)?;
    let may_be = command.iter().skip(1).any(|word| word.starts_with('-') && word.contains("root"));
    if compiled.may_become_another() || !compiled.asks_who_it_is() || may_be {
        return None;
    }
    let is_it = |text: &[u8]| text.len() < MESSAGE_BYTES_MAX;
    let texts = own_texts(tree, program, is_it).into_iter();
    let mut said = texts.filter(|text| REFUSES.is_match(&text.to_ascii_lowercase()));
    said.next().map(|text| text.trim().split(". ").next().unwrap_or_default().to_string())
}

/// The only one but root who may have a name on the bus that the program has built in, and where that is written.
fn owner_of_name(tree: &Tree, program: &str) -> Option<(String, String)> {
    let names = own_texts(tree, program, |text| text.len() < MESSAGE_BYTES_MAX && text.contains(&b'.'));
    let mut found: Vec<(String, String)> = Vec::new();
    for place in POLICIES {
        for file in tree.list(place).iter().filter(|name| name.ends_with(".conf")) {
            let path = format!("{place}/{file}");
            let text = svc_compat::text::decode(&tree.read(&path).unwrap_or_default());
            let policies = POLICY.captures_iter(&text).filter(|policy| &policy[1] != "root");
            let is_meant = |policy: &regex::Captures<'_>| {
                OWNED.captures_iter(&policy[2]).any(|owned| names.iter().any(|name| **name == owned[1]))
            };
            let users = policies.filter(is_meant).map(|policy| policy[1].to_string());
            found.extend(users.map(|user| (user, path.clone())));
        }
    }
    found.dedup_by(|one, other| one.0 == other.0);
    let mut found = found.into_iter();
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::{Verdict, convert};
    use std::fs;
    use std::path::Path;
    use svc_compat::daemons::Table;

    const ACCOUNTS: &str = "root:x:0:0::/:/bin/sh\n_web:x:105:105::/:/bin/sh\nother:x:106:106::/:/bin/sh\n";

    fn put(root: &Path, path: &str, text: &[u8]) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// User and group of the definition, and whether something is said of it.
    fn who(root: &Path, start: &str) -> (String, String, bool) {
        let script = format!("#!/bin/sh\ncase $1 in start) {start} ;; esac\n");
        let (_, verdict) = convert(&Tree::partial(root), &Table::default(), "/etc/init.d/web", script.as_bytes());
        let Verdict::Converted(draft) = verdict else { panic!("{verdict:?}") };
        let is_said = draft.open.iter().any(|open| open.contains("account") || open.contains("looks for"));
        (draft.user.clone().unwrap_or_default(), draft.group.clone().unwrap_or_default(), is_said)
    }

    #[test]
    fn in_the_place_of_an_account_that_is_not_there_comes_the_owner_of_its_directory_or_the_packages_own() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "usr/sbin/webd", b"#!/bin/sh\n");
        let start = |before: &str, who: &str| {
            format!("{before} start-stop-daemon --start -b -p /run/web/pid -c {who} -x /usr/sbin/webd")
        };
        let made = "mkdir -p /run/web; chown other /run/web;";
        assert_eq!(
            who(root, &start(made, "web:web")),
            ("web".into(), "web".into(), false),
            "nothing is known of accounts"
        );
        put(root, "etc/passwd", ACCOUNTS.as_bytes());
        assert_eq!(who(root, &start(made, "web:web")), ("other".into(), String::new(), true));
        assert_eq!(who(root, &start(made, "_web")), ("_web".into(), String::new(), false), "it is there");
        assert_eq!(who(root, &start("", "web")), ("web".into(), String::new(), false), "nobody else is known");
        put(root, "var/lib/dpkg/info/web.postinst", b"adduser --system _web\n");
        assert_eq!(who(root, &start("", "web")), ("_web".into(), String::new(), true));
        put(root, "usr/lib/tmpfiles.d/web.conf", b"d /run/web 755 other other\n");
        assert_eq!(who(root, &start("", "web")), ("other".into(), String::new(), true));
    }

    #[test]
    fn an_account_of_the_package_of_which_nobody_speaks_is_an_open_point() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "etc/passwd", ACCOUNTS.as_bytes());
        put(root, "var/lib/dpkg/info/web.postinst", b"adduser --system _web\n");
        put(root, "usr/sbin/webd", b"#!/usr/bin/perl\nWeb::run();\n");
        let start = "start-stop-daemon --start -b -x /usr/sbin/webd";
        assert_eq!(who(root, start), (String::new(), String::new(), true));
        assert!(!who(root, &format!("{start} -- --as _web")).2, "its own option says it");
        put(root, "etc/web.conf", b"user _web\n");
        assert!(!who(root, &format!("{start} -- /etc/web.conf")).2, "its configuration says it");
        put(root, "usr/sbin/webd", b"#!/usr/bin/perl\nbecome('_web');\n");
        assert!(!who(root, start).2, "it says it itself");
    }

    #[test]
    fn whom_the_starter_looks_for_it_has_to_be_unless_it_becomes_that_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "etc/passwd", ACCOUNTS.as_bytes());
        let text = format!("#!/usr/bin/perl\n{}", "work();\n".repeat(WHOLE_LINES_MIN));
        put(root, "usr/sbin/webd", text.as_bytes());
        let start = "start-stop-daemon --start -b --user _web --group _web -x /usr/sbin/webd";
        assert_eq!(who(root, start), ("_web".into(), "_web".into(), true));
        assert_eq!(who(root, &start.replace("_web", "web")).0, "", "there is no such account");
        put(root, "usr/sbin/webd", text.replacen("work", "POSIX::setuid", 1).as_bytes());
        assert_eq!(who(root, start).0, "");
        put(root, "usr/sbin/webd", b"#!/usr/bin/perl\nWeb::run();\n");
        assert_eq!(who(root, start).0, "", "the rest of it is elsewhere");
    }

    #[test]
    fn who_may_have_a_name_on_the_bus_is_read_from_its_policy() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        put(root, "usr/sbin/webd", b"\x7fELF\x02\x01\0org.example.Web\0");
        let owner = || owner_of_name(&Tree::partial(root), "/usr/sbin/webd").map(|(user, _)| user);
        let policy =
            |user: &str, name: &str| format!("<policy user=\"{user}\">\n  <allow own=\"{name}\"/>\n</policy>\n");
        let both = policy("root", "org.example.Web") + &policy("_web", "org.example.Web");
        put(root, "usr/share/dbus-1/system.d/web.conf", both.as_bytes());
        assert_eq!(owner().as_deref(), Some("_web"));
        put(root, "etc/dbus-1/system.d/more.conf", policy("other", "org.example.Web").as_bytes());
        assert_eq!(owner(), None, "which of them");
        put(root, "etc/dbus-1/system.d/more.conf", policy("other", "org.example.More").as_bytes());
        assert_eq!(owner().as_deref(), Some("_web"));
    }

    #[test]
    fn a_program_may_say_that_it_is_not_for_root() {
        for text in
            ["refusing to run as root. pass --allow-root", "webd: must not be run as root", "cannot be started as root"]
        {
            assert!(REFUSES.is_match(text), "{text}");
        }
        for text in ["should be run as root", "must be run as root", "refusing to serve as root", "running as root"] {
            assert!(!REFUSES.is_match(text), "{text}");
        }
    }
}
