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

/// All of them.
pub const ALL: [Library; 5] = [RC_SUBR, INIT_FUNCTIONS, FUNCTIONS, INIT_D_SCRIPT, HOOK];
