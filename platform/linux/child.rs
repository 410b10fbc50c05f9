//! What a child does between its birth and its program: system calls only, on data made before.
//!
//! The child runs in the memory of its parent, which is held until the program is executed. So nothing here allocates,
//! locks, formats or can panic, and the wrappers of libc that tell other threads (`setuid` and its like) are passed by.

use std::os::fd::RawFd;
use std::ptr;

use crate::launch::{Mask, PASSED_MAX};
use crate::prepared::LIMITS_MAX;

// The numbers of system calls used here are those of 64-bit systems; elsewhere some stand for older calls.
const _: () = assert!(size_of::<usize>() == 8);
// The kernel's prlimit64(2) takes this as libc has it.
const _: () = assert!(size_of::<libc::rlimit>() == 16);

/// Descriptors a launch can place, the standard three included.
pub(super) const MOVES_MAX: usize = PASSED_MAX + 3;

/// How far the child came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing failed.
    #[default]
    Done,
    Table,
    Cgroup,
    Session,
    Limit(usize),
    Nice,
    Processors,
    OomScore,
    Chroot,
    Directory,
    Groups,
    Group,
    User,
    Descriptors,
    Program,
}

/// A resource limit to be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitPlan {
    pub(super) resource: i32,
    pub(super) value: libc::rlimit,
}

/// A descriptor to be placed. `source` is above every target, so that no target can fall on a source.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Move {
    pub(super) source: RawFd,
    pub(super) target: RawFd,
}

/// Everything the child does, as plain data. Pointers are to strings and tables that outlive the launch.
#[derive(Debug)]
pub(super) struct Plan {
    /// With a shared table: the first descriptor that is not copied.
    pub(super) leave_table_at: Option<u32>,
    /// `cgroup.procs` of the cgroup to enter by itself.
    pub(super) cgroup_procs: Option<RawFd>,
    pub(super) new_session: bool,
    pub(super) limits: [LimitPlan; LIMITS_MAX],
    pub(super) limit_count: usize,
    pub(super) nice: Option<i32>,
    pub(super) processors: Option<Mask>,
    /// The number as text.
    pub(super) oom_score: [u8; 8],
    pub(super) oom_score_length: usize,
    pub(super) umask: Option<u32>,
    pub(super) chroot: *const libc::c_char,
    pub(super) directory: *const libc::c_char,
    pub(super) become_other: bool,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) gids: *const u32,
    pub(super) gid_count: usize,
    pub(super) moves: [Move; MOVES_MAX],
    pub(super) move_count: usize,
    pub(super) program: *const libc::c_char,
    pub(super) arguments: *const *const libc::c_char,
    pub(super) environment: *const *const libc::c_char,
    /// Written by the child, read by the parent.
    pub(super) failed: Step,
    /// Written by the child, read by the parent.
    pub(super) errno: i32,
}

impl Plan {
    /// A plan that does nothing but execute.
    pub(super) const fn empty() -> Self {
        let limit = LimitPlan { resource: 0, value: libc::rlimit { rlim_cur: 0, rlim_max: 0 } };
        Self {
            leave_table_at: None,
            cgroup_procs: None,
            new_session: false,
            limits: [limit; LIMITS_MAX],
            limit_count: 0,
            nice: None,
            processors: None,
            oom_score: [0; 8],
            oom_score_length: 0,
            umask: None,
            chroot: ptr::null(),
            directory: ptr::null(),
            become_other: false,
            uid: 0,
            gid: 0,
            gids: ptr::null(),
            gid_count: 0,
            moves: [Move { source: -1, target: -1 }; MOVES_MAX],
            move_count: 0,
            program: ptr::null(),
            arguments: ptr::null(),
            environment: ptr::null(),
            failed: Step::Done,
            errno: 0,
        }
    }
}

/// A system call, past every wrapper; `Err` is the error number.
macro_rules! call {
    ($number:expr $(, $argument:expr)*) => {{
        // SAFETY: every argument is a number, or an address in the plan or on this stack that the call named here
        // reads or writes within the size that goes with it.
        let result = unsafe { libc::syscall($number $(, $argument)*) };
        if result < 0 { Err(errno()) } else { Ok(result) }
    }};
}

/// Where the child begins. `plan` points to a [`Plan`] that nobody else touches until the child is done with it.
pub(super) extern "C" fn begin(plan: *mut libc::c_void) -> ! {
    // SAFETY: the parent passes a `Plan` that it holds exclusively, and is itself stopped while the child uses it.
    let plan = unsafe { &mut *plan.cast::<Plan>() };
    if let Err((step, errno)) = become_program(plan) {
        plan.failed = step;
        plan.errno = errno;
    }
    // SAFETY: ends this process only; handlers and buffers of the memory we share are left alone.
    unsafe { libc::_exit(127) }
}

/// All steps in order; returns only if one failed.
fn become_program(plan: &Plan) -> Result<(), (Step, i32)> {
    if let Some(first) = plan.leave_table_at {
        let flags = libc::CLOSE_RANGE_UNSHARE;
        call!(libc::SYS_close_range, first, libc::c_uint::MAX, flags).map_err(|errno| (Step::Table, errno))?;
    }
    if let Some(procs) = plan.cgroup_procs {
        call!(libc::SYS_write, procs, c"0".as_ptr(), 1usize).map_err(|errno| (Step::Cgroup, errno))?;
    }
    if plan.new_session {
        call!(libc::SYS_setsid).map_err(|errno| (Step::Session, errno))?;
    }
    default_signals();
    // Before the limits: one on open files could leave no number for the file that is opened here.
    if plan.oom_score_length > 0 {
        oom_score(plan).map_err(|errno| (Step::OomScore, errno))?;
    }
    for (place, limit) in plan.limits.iter().take(plan.limit_count).enumerate() {
        let none = ptr::null_mut::<libc::rlimit>();
        call!(libc::SYS_prlimit64, 0, limit.resource, &raw const limit.value, none)
            .map_err(|errno| (Step::Limit(place), errno))?;
    }
    if let Some(nice) = plan.nice {
        call!(libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice).map_err(|errno| (Step::Nice, errno))?;
    }
    if let Some(mask) = &plan.processors {
        call!(libc::SYS_sched_setaffinity, 0, size_of::<Mask>(), mask.as_ptr())
            .map_err(|errno| (Step::Processors, errno))?;
    }
    if let Some(umask) = plan.umask {
        // Cannot fail; what it returns is the mask before.
        let _before = call!(libc::SYS_umask, umask);
    }
    if !plan.chroot.is_null() {
        call!(libc::SYS_chroot, plan.chroot).map_err(|errno| (Step::Chroot, errno))?;
        call!(libc::SYS_chdir, c"/".as_ptr()).map_err(|errno| (Step::Chroot, errno))?;
    }
    if !plan.directory.is_null() {
        call!(libc::SYS_chdir, plan.directory).map_err(|errno| (Step::Directory, errno))?;
    }
    if plan.become_other {
        call!(libc::SYS_setgroups, plan.gid_count, plan.gids).map_err(|errno| (Step::Groups, errno))?;
        call!(libc::SYS_setresgid, plan.gid, plan.gid, plan.gid).map_err(|errno| (Step::Group, errno))?;
        call!(libc::SYS_setresuid, plan.uid, plan.uid, plan.uid).map_err(|errno| (Step::User, errno))?;
    }
    descriptors(plan).map_err(|errno| (Step::Descriptors, errno))?;
    open_mask();
    call!(libc::SYS_execve, plan.program, plan.arguments, plan.environment).map_err(|errno| (Step::Program, errno))?;
    Ok(())
}

/// The default action for every signal: what is ignored would stay so across execve(2).
fn default_signals() {
    // The layout of the kernel's own structure differs between processors, but "default, no flags, empty mask" is all
    // zeros in each, and none is longer.
    let default = [0u64; 8];
    for signal in 1..=64 {
        // KILL and STOP are refused, which is as it should be.
        let _refused =
            call!(libc::SYS_rt_sigaction, signal, default.as_ptr(), ptr::null_mut::<u64>(), SIGNAL_SET_BYTES);
    }
}

/// The size of the kernel's set of signals.
pub(super) const SIGNAL_SET_BYTES: usize = 8;

/// Lets every signal through; held until here, so that no handler of the parent's could run in the child.
fn open_mask() {
    let empty = 0u64;
    let none = ptr::null_mut::<u64>();
    let _never_fails = call!(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const empty, none, SIGNAL_SET_BYTES);
}

fn oom_score(plan: &Plan) -> Result<(), i32> {
    let path = c"/proc/self/oom_score_adj".as_ptr();
    let file = call!(libc::SYS_openat, libc::AT_FDCWD, path, libc::O_WRONLY | libc::O_CLOEXEC, 0)?;
    let written = call!(libc::SYS_write, file, plan.oom_score.as_ptr(), plan.oom_score_length);
    let _closed = call!(libc::SYS_close, file);
    written.map(|_| ())
}

/// Closes all but the standard three at execution, then puts those to be passed in their places, which un-marks them.
fn descriptors(plan: &Plan) -> Result<(), i32> {
    let flags = libc::CLOSE_RANGE_CLOEXEC;
    match call!(libc::SYS_close_range, 3, libc::c_uint::MAX, flags) {
        Ok(_) => {}
        Err(libc::ENOSYS | libc::EINVAL) => mark_each()?,
        Err(errno) => return Err(errno),
    }
    for step in plan.moves.iter().take(plan.move_count) {
        call!(libc::SYS_dup3, step.source, step.target, 0)?;
    }
    Ok(())
}

/// What close_range(2) does, one by one, for kernels before 5.11.
fn mark_each() -> Result<(), i32> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    call!(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, ptr::null::<libc::rlimit>(), &raw mut limit)?;
    for fd in 3..limit.rlim_cur.min(65_536) as u32 {
        let _not_open = call!(libc::SYS_fcntl, fd, libc::F_SETFD, libc::FD_CLOEXEC);
    }
    Ok(())
}

fn errno() -> i32 {
    // SAFETY: gives an address; nothing is asked of us.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: it is that of this thread's error number, valid as long as the thread lives; the thread is the parent's,
    // which is stopped.
    unsafe { *place }
}
