//! `svcd`.
fn main() {}
