//! The daemon's processes as a library: keeper, manager, logger and loader.

mod framing;
mod journal;
mod link;
mod logger;
mod logread;
mod notify;
mod options;

pub use options::{Arguments, Options};
