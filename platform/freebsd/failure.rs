//! Why a launch failed: the step at which its child stopped, and the stage by which an operator knows it.

use std::ffi::CStr;
use std::io;

use super::child::Step;
use crate::freebsd_pure::order::Complaint;
use crate::launch::{Jail, Launch, SpawnError, Stage};

/// Why a launch failed, before it has a name.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) step: Step,
    pub(super) part: u32,
    pub(super) source: io::Error,
    pub(super) pid: Option<i32>,
}

impl Failure {
    pub(super) fn process(source: io::Error) -> Self {
        Self { step: Step::Process, part: 0, source, pid: None }
    }

    pub(super) fn jail(source: io::Error) -> Self {
        Self { step: Step::Jail, part: 0, source, pid: None }
    }

    pub(super) fn named(self, launch: &Launch<'_>) -> SpawnError {
        let text = |path: Option<&CStr>| path.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        let (uid, gid) = launch.identity.as_ref().map_or((0, 0), |identity| (identity.uid, identity.gid));
        let stage = match self.step {
            Step::Done | Step::Process => Stage::Process,
            Step::Session => Stage::Session,
            Step::Terminal => Stage::Terminal,
            Step::Limit => Stage::Limit(launch.limits.get(self.part as usize).map_or("", |limit| limit.0.name())),
            Step::Nice => Stage::Nice,
            Step::Processors => Stage::Processors,
            Step::Login => Stage::Login,
            Step::LoginClass => Stage::LoginClass(text(launch.placement.login_class.as_deref())),
            Step::Fib => Stage::Fib(launch.placement.fib.unwrap_or(0)),
            Step::Protect => Stage::Protect,
            Step::Jail => Stage::Jail(launch.jail.as_ref().map_or("", Jail::name).to_owned()),
            Step::Chroot => Stage::Chroot(text(launch.chroot.as_deref())),
            Step::Directory => Stage::Directory(text(launch.directory.as_deref())),
            // Who may not set groups may not become anybody else; that is what an operator wants to hear.
            Step::Groups if self.source.kind() == io::ErrorKind::PermissionDenied => Stage::User(uid),
            Step::Groups => Stage::Groups,
            Step::Group => Stage::Group(gid),
            Step::User => Stage::User(uid),
            Step::Descriptors => Stage::Descriptors,
            Step::Program => Stage::Program(text(Some(&launch.program))),
        };
        SpawnError { stage, source: self.source, pid: self.pid }
    }
}

/// An error of the system's, with what else it said.
pub(super) fn with_complaint(errno: i32, complaint: &Complaint) -> io::Error {
    let error = io::Error::from_raw_os_error(errno);
    let end = complaint.iter().position(|byte| *byte == 0).unwrap_or(complaint.len());
    match &complaint[..end] {
        [] => error,
        said => io::Error::new(error.kind(), format!("{}: {error}", String::from_utf8_lossy(said))),
    }
}
