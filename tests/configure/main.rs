//! `svc configure` on machines in directories: real configuration, broken templates, full disks, two at once.

mod broken;
mod files;
mod full;
mod machine;
mod running;
