//! The shell libraries that legacy scripts source, written anew for systems that lack them.

/// One library, and where a script expects to find it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Library {
    /// The absolute path that scripts name.
    pub path: &'static str,
    /// The whole text.
    pub text: &'static str,
}

/// What an rc.d script of FreeBSD sources. On FreeBSD the system's own is used.
pub const RC_SUBR: Library = Library {
    path: "/etc/rc.subr",
    text: concat!(
        include_str!("shell/rcsubr/1-messages.sh"),
        include_str!("shell/rcsubr/2-config.sh"),
        include_str!("shell/rcsubr/3-process.sh"),
        include_str!("shell/rcsubr/4-helpers.sh"),
        include_str!("shell/rcsubr/5-tune.sh"),
        include_str!("shell/rcsubr/6-run.sh"),
    ),
};

/// What the Linux Standard Base gives init.d scripts, with Debian's additions.
pub const INIT_FUNCTIONS: Library =
    Library { path: "/lib/lsb/init-functions", text: include_str!("shell/init-functions") };

/// What Red Hat gives init.d scripts.
pub const FUNCTIONS: Library = Library { path: "/etc/rc.d/init.d/functions", text: include_str!("shell/functions") };

/// The interpreter of Debian's scripts that only set variables.
pub const INIT_D_SCRIPT: Library =
    Library { path: "/lib/init/init-d-script", text: include_str!("shell/init-d-script") };

/// Leads a script that was started directly to svcd.
pub const HOOK: Library = Library { path: "/lib/lsb/init-functions.d/50-svc", text: include_str!("shell/svc-hook") };

/// What is set where nobody has said anything, for rc.d scripts that read it themselves.
pub const RC_CONF: Library = Library { path: "/etc/defaults/rc.conf", text: include_str!("shell/rc.conf") };

/// What the scripts of Debian's own boot ask of its configuration.
pub const VARS: Library = Library { path: "/lib/init/vars.sh", text: include_str!("shell/vars.sh") };

/// The interpreter of OpenRC's scripts.
pub const OPENRC_RUN: Library = Library { path: "/sbin/openrc-run", text: include_str!("shell/openrc-run") };

/// What is left to do after a first boot over rc.d, for a shell beside the system's own `rc.subr`. It ends with code
/// [`REBOOTS`] where the machine is to be started once more.
///
/// Source: rc(8), `firstboot_sentinel`.
pub const AFTER_FIRST_BOOT: &str = include_str!("shell/after-first-boot");

/// The exit code of [`AFTER_FIRST_BOOT`] that says so.
pub const REBOOTS: i32 = 10;

/// All of them.
pub const ALL: [Library; 8] = [RC_SUBR, RC_CONF, INIT_FUNCTIONS, FUNCTIONS, INIT_D_SCRIPT, VARS, OPENRC_RUN, HOOK];

/// Every path by which scripts name a library that they cannot do without, and which one that is.
const NAMED: [(&str, Library); 9] = [
    (RC_SUBR.path, RC_SUBR),
    (RC_CONF.path, RC_CONF),
    (INIT_FUNCTIONS.path, INIT_FUNCTIONS),
    (FUNCTIONS.path, FUNCTIONS),
    ("/etc/init.d/functions", FUNCTIONS),
    (INIT_D_SCRIPT.path, INIT_D_SCRIPT),
    (VARS.path, VARS),
    (OPENRC_RUN.path, OPENRC_RUN),
    ("/sbin/runscript", OPENRC_RUN),
];

/// Those of which a script that knows several systems wants one.
const ALTERNATIVES: [&str; 3] = [INIT_FUNCTIONS.path, FUNCTIONS.path, "/etc/init.d/functions"];

/// The library that scripts know by this path.
pub fn at(path: &str) -> Option<Library> {
    NAMED.into_iter().find(|(named, _)| *named == path).map(|(_, library)| library)
}

/// The paths of libraries that a script names outside of comments.
pub fn named_in(text: &[u8]) -> Vec<&'static str> {
    let mut lines = text.split(|byte| *byte == b'\n');
    // The first line may name the interpreter.
    let first = lines.next().unwrap_or_default();
    let code = lines.filter(|line| !line.trim_ascii_start().starts_with(b"#"));
    let lines: Vec<&[u8]> = std::iter::once(first).chain(code).collect();
    let is_named = |path: &str| lines.iter().any(|line| names(line, path.as_bytes()));
    NAMED.into_iter().map(|(path, _)| path).filter(|path| is_named(path)).collect()
}

/// Whether this path stands in a line, and not as a part of another.
fn names(line: &[u8], path: &[u8]) -> bool {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-/".contains(byte);
    let leads_on = |byte: &u8| goes_on(byte) || b"})".contains(byte);
    line.windows(path.len()).enumerate().any(|(at, found)| {
        let before = at.checked_sub(1).and_then(|at| line.get(at));
        let after = line.get(at + path.len());
        found == path && !before.is_some_and(leads_on) && !after.is_some_and(goes_on)
    })
}

/// What must be there beside a library for it to work: the interpreter of OpenRC refuses where that did not boot the
/// machine.
pub fn works_with(path: &str) -> Option<&'static str> {
    (at(path) == Some(OPENRC_RUN)).then_some("/run/openrc/softlevel")
}

/// Which of the libraries that a script names it has to be given, where only some are there.
pub fn lacking(named: &[String], is_there: impl Fn(&str) -> bool) -> Vec<&str> {
    let is_alternative = |path: &str| ALTERNATIVES.contains(&path);
    let has_one = named.iter().any(|path| is_alternative(path) && is_there(path));
    let mut lacking: Vec<&str> = named.iter().map(String::as_str).filter(|path| !is_there(path)).collect();
    lacking.retain(|path| !(has_one && is_alternative(path)));
    // The interpreter does its work with this.
    if lacking.contains(&INIT_D_SCRIPT.path) && !is_there(INIT_FUNCTIONS.path) {
        lacking.push(INIT_FUNCTIONS.path);
        lacking.dedup();
    }
    lacking
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_named_by_its_whole_path_in_code() {
        let named = |text: &str| named_in(text.as_bytes());
        assert_eq!(named("#!/bin/sh\n. /etc/rc.subr\n"), ["/etc/rc.subr"]);
        assert_eq!(named("#!/bin/sh\n. \"/etc/init.d/functions\"\n"), ["/etc/init.d/functions"]);
        assert_eq!(named("#!/lib/init/init-d-script\nDAEMON=/bin/x\n"), ["/lib/init/init-d-script"]);
        for none in ["# . /etc/rc.subr", ". /etc/init.d/functions.sh", ". /usr/local/etc/rc.subr", ". ${D}/etc/rc.subr"]
        {
            assert_eq!(named(&format!("#!/bin/sh\n{none}\n")), [""; 0], "{none}");
        }
    }

    #[test]
    fn openrcs_interpreter_works_where_it_booted_the_machine() {
        assert_eq!(works_with("/sbin/openrc-run"), Some("/run/openrc/softlevel"));
        assert_eq!(works_with("/sbin/runscript"), Some("/run/openrc/softlevel"));
        assert_eq!((works_with("/etc/rc.subr"), works_with("/etc/other")), (None, None));
    }

    #[test]
    fn of_alternatives_the_one_that_is_there_will_do() {
        let named: Vec<String> =
            ["/lib/lsb/init-functions", "/etc/init.d/functions", "/lib/init/vars.sh"].map(str::to_owned).into();
        assert_eq!(lacking(&named, |path| path == "/lib/lsb/init-functions"), ["/lib/init/vars.sh"]);
        assert_eq!(lacking(&named, |_| false).len(), 3);
        let interpreter = ["/lib/init/init-d-script".to_owned()];
        assert_eq!(lacking(&interpreter, |_| false), ["/lib/init/init-d-script", "/lib/lsb/init-functions"]);
    }
}
