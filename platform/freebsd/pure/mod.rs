//! What of this system is numbers and bytes only, so that it is tested wherever the tests run.

pub(crate) mod devctl;
pub(crate) mod events;
pub(crate) mod jail;
pub(crate) mod mark;
pub(crate) mod order;
pub(crate) mod rctl;
pub(crate) mod subtree;
