//! The headers of legacy scripts, one file per kind.

pub mod chkconfig;
pub mod insserv;
pub mod lsb;
pub mod openrc;
pub mod rcd;
pub mod redhat;
pub mod systemd;
