//! `svc configure` on machines in directories: real configuration, broken templates, full disks, two at once.

mod broken;
mod files;
mod full;
mod machine;
#[path = "../aloud/programs.rs"]
mod programs;
mod running;
#[path = "../aloud/skipped.rs"]
mod skipped;
