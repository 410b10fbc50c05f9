//! The process that writes what services print.

pub(crate) mod file;
