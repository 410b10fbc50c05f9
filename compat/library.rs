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
