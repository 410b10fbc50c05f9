//! What is written down of a machine's life and of its terminals, the same on both systems.

use std::time::SystemTime;

/// One thing to write down, now if it names no other time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The machine came up.
    Boot {
        /// When.
        at: SystemTime,
        /// It was written down before: only where that is lost, for who makes the file anew while the machine comes up.
        again: bool,
    },
    /// It is in this level of work now, and was in that one before; `N`: in none.
    Level {
        /// Now.
        now: char,
        /// Before.
        before: char,
    },
    /// It goes down.
    Shutdown,
    /// A program waits for people on a terminal.
    Init {
        /// The terminal without `/dev/`.
        line: String,
        /// The program.
        pid: i32,
    },
    /// That program, or whoever it became, ended.
    Dead {
        /// Its process.
        pid: i32,
    },
}
