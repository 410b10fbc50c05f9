//! The signals that mean something to a daemon.

/// A signal that came to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A child ended; reap until nothing is left.
    Child,
    /// Read the configuration again.
    Hup,
    /// Ctrl-C, or for process 1 ctrl-alt-del.
    Int,
    /// End.
    Term,
    /// Ctrl-\.
    Quit,
    /// To process 1 of some inits: halt.
    Usr1,
    /// To process 1 of some inits: power off.
    Usr2,
    /// The power is about to fail (Linux only).
    Power,
    /// The terminal has another size; to process 1: a key was pressed that asks for attention.
    Winch,
}

impl Incoming {
    /// All of them.
    pub const ALL: [Self; 9] =
        [Self::Child, Self::Hup, Self::Int, Self::Term, Self::Quit, Self::Usr1, Self::Usr2, Self::Power, Self::Winch];
}
