//! `svc` against a daemon that says what it was told to: requests, exit codes, what is shown where.

mod codes;
mod copies;
mod edit;
mod fake;
mod initd;
mod json;
mod machine;
mod migrate;
mod order;
mod requests;
mod screen;
mod up;
