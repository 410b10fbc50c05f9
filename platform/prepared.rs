//! What a launch needs made beforehand, the same on every system.

use std::ffi::CString;
use std::{io, ptr};

use nix::sys::signal::{SigSet, SigmaskHow};
use svc_core::service::Limit;

use crate::launch::{Launch, NUMBER_MAX, PASSED_MAX, Passed, SpawnError};
use crate::os::limits;
use crate::os::spawn::RESOURCES;

/// Limits a launch can set.
pub(crate) const LIMITS_MAX: usize = 16;

const _: () = assert!(RESOURCES.len() <= LIMITS_MAX);

/// Whose child a new process becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kin {
    /// Ours: we collect it.
    Child,
    /// Our parent's: it outlives us and is collected there. Not to be had for process 1.
    Sibling,
}

/// A resource that can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    pub(crate) name: &'static str,
    pub(crate) number: i32,
}

impl Resource {
    /// The resource of this name; `None`: this system has none.
    pub fn named(name: &str) -> Option<Self> {
        RESOURCES.into_iter().find(|resource| resource.name == name)
    }

    /// Every name, for messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RESOURCES.iter().map(|resource| resource.name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.name
    }
}

/// Addresses of arguments and of environment entries.
pub(crate) type Tables<'a> = (&'a [*const libc::c_char], &'a [*const libc::c_char]);

/// A launch with nothing left to be made.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) launch: Launch<'static>,
    pub(crate) arguments: Vec<*const libc::c_char>,
    pub(crate) environment: Vec<*const libc::c_char>,
}

impl Prepared {
    /// Prepares it.
    ///
    /// # Errors
    ///
    /// Where it cannot be asked for.
    pub fn new(launch: Launch<'static>) -> Result<Self, SpawnError> {
        make_sense(&launch, &launch.pass)?;
        // Moving the launch does not move what its strings point to.
        let (arguments, environment) = (pointers(&launch.arguments), pointers(&launch.environment));
        Ok(Self { launch, arguments, environment })
    }
}

/// The addresses of these strings, with a null at the end, as execve(2) takes them.
pub(crate) fn pointers(strings: &[CString]) -> Vec<*const libc::c_char> {
    strings.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
}

pub(crate) fn make_sense(launch: &Launch<'_>, pass: &[Passed<'_>]) -> Result<(), SpawnError> {
    if launch.arguments.is_empty() {
        return Err(SpawnError::preparing("its arguments", "not even the program's own name is among them"));
    }
    if launch.limits.len() > LIMITS_MAX {
        return Err(SpawnError::preparing("its limits", "a resource is limited twice"));
    }
    if pass.len() > PASSED_MAX {
        return Err(SpawnError::preparing("its descriptors", "more than 16 are to be passed"));
    }
    if launch.oom_score.is_some_and(|score| !(-1000..=1000).contains(&score)) {
        return Err(SpawnError::preparing("its oom score", "not within -1000 and 1000"));
    }
    for (place, passed) in pass.iter().enumerate() {
        if !(3..=NUMBER_MAX).contains(&passed.number) {
            return Err(SpawnError::preparing(format!("descriptor {}", passed.number), "not within 3 and 31"));
        }
        if pass.iter().take(place).any(|earlier| earlier.number == passed.number) {
            return Err(SpawnError::preparing(format!("descriptor {}", passed.number), "given twice"));
        }
    }
    Ok(())
}

/// Without a number it is unlimited; the soft one never lies above the hard one.
pub(crate) fn limit_of(limit: Limit) -> libc::rlimit {
    let hard = limits::to_system(limit.hard);
    libc::rlimit { rlim_cur: limits::to_system(limit.soft).min(hard), rlim_max: hard }
}

/// Holds every signal back, so that no handler runs in a child that shares our memory. Gives the mask before.
pub(crate) fn hold_signals() -> io::Result<SigSet> {
    let all = SigSet::all();
    Ok(all.thread_swap_mask(SigmaskHow::SIG_SETMASK)?)
}

pub(crate) fn release_signals(before: &SigSet) {
    // Fails for a wrong `how` only.
    let _restored = before.thread_set_mask();
}
