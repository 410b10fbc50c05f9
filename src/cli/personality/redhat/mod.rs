//! Red Hat's commands: `service`, and `chkconfig` with its own idea of an order.

pub(super) mod chkconfig;
mod order;
mod scripts;
pub(super) mod service;
mod xinetd;
