//! What trees use and how far they may go.

use std::time::Duration;

/// What a tree uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory: what the controller counts, else the resident pages of each process, shared ones in each.
    pub memory: Option<u64>,
    /// CPU time; without cgroups only of processes that live.
    pub cpu: Option<Duration>,
}

/// A limit for a whole tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// Bytes of memory.
    Memory(u64),
    /// Processes and threads.
    Tasks(u64),
    /// Hundredths of one processor.
    Cpu(u32),
}
