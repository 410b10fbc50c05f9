//! Debian's commands around /etc/init.d and the links in /etc/rcN.d.

pub(super) mod invoke;
mod links;
mod policy;
pub(super) mod service;
pub(super) mod update;
