//! What would happen.

mod weather;

pub use weather::Weather;
