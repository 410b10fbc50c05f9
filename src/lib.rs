//! The manager as a library, so that `svc up`, tests and examples can take its roles without a second program.

pub mod cli;
pub mod configure;
pub mod convert;
pub mod daemon;
mod migrate;
pub mod rehearse;
pub mod shim;
pub mod wire;
