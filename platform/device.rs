//! What is heard and seen of devices, the same on both systems.

use svc_core::service::Device;

/// News of a device. It is no more than a reason to look: what counts is what is there then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It came.
    Came(Device),
    /// It went.
    Gone(Device),
    /// Something was missed, or is not told more exactly.
    Unsure,
}

/// What is seen of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It is not there.
    Absent,
    /// Its node is there, and who sets its owner and mode has not done so yet.
    Settling(Identity),
    /// It is there.
    There(Identity),
}

/// What tells a device from another that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What the kernel has for it; the same in the next manager.
    pub object: [u64; 3],
    /// How often it was heard to go, where the kernel gives the same to the next.
    pub turn: u64,
}
