//! The order of services as their own systems compute it.

pub mod boot;
pub mod insserv;
pub mod qsort;
pub mod rcorder;
