//! `svc`.
fn main() {}
