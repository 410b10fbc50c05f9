//! What a child does between its birth and its program: system calls only, on data made before.
//!
//! The child runs in the memory of its parent, whose thread is held until the program is executed. So nothing here
//! allocates, locks, formats or can panic, and the wrappers of the thread library (`sigaction` and its like) are passed
//! by.

use std::os::fd::RawFd;
use std::ptr;

use crate::freebsd_pure::jail::{self, PARAMETERS_MAX};
use crate::freebsd_pure::order::Complaint;
use crate::launch::{Mask, NUMBER_MAX, PASSED_MAX};
use crate::prepared::LIMITS_MAX;

/// Descriptors a launch can place, the standard three included.
pub(super) const MOVES_MAX: usize = PASSED_MAX + 3;
/// Groups a process can be given, its own included (`NGROUPS_MAX` and one).
pub(super) const GROUPS_MAX: usize = 1024;

const _: () = assert!(size_of::<libc::rlimit>() == 16);
// The kernel's `struct sigaction` and set of signals, which are written as zeros here.
const _: () = assert!(size_of::<libc::sigaction>() == 32 && size_of::<libc::sigset_t>() == 16);

/// Names and values of parameters that a jail is made with, the place for the system's complaint among them.
pub(super) const JAIL_WORDS_MAX: usize = 2 * PARAMETERS_MAX + 2;

/// Numbers of system calls. In no header of the libc crate.
const SETLOGIN: i32 = 50;
const SETFIB: i32 = 175;
const SETLOGINCLASS: i32 = 524;
const SIGACTION: i32 = 416;
const SIGPROCMASK: i32 = 340;
/// The highest number of a signal (`_SIG_MAXSIG`).
const SIGNAL_MAX: i32 = 128;

/// How far the child came. The numbers go over a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Step {
    /// Nothing failed.
    #[default]
    Done = 0,
    Process,
    Session,
    Limit,
    Nice,
    Processors,
    Login,
    LoginClass,
    Fib,
    Protect,
    Jail,
    Chroot,
    Directory,
    Groups,
    Group,
    User,
    Descriptors,
    Program,
    Terminal,
}

impl Step {
    const ALL: [Self; 19] = [
        Self::Done,
        Self::Process,
        Self::Session,
        Self::Limit,
        Self::Nice,
        Self::Processors,
        Self::Login,
        Self::LoginClass,
        Self::Fib,
        Self::Protect,
        Self::Jail,
        Self::Chroot,
        Self::Directory,
        Self::Groups,
        Self::Group,
        Self::User,
        Self::Descriptors,
        Self::Program,
        Self::Terminal,
    ];

    /// The step of this number; what is none cannot be told more exactly than that the process was not made.
    pub(super) fn of(number: u32) -> Self {
        Self::ALL.into_iter().find(|step| *step as u32 == number).unwrap_or(Self::Process)
    }
}

/// A resource limit to be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitPlan {
    pub(super) resource: i32,
    pub(super) value: libc::rlimit,
}

/// A descriptor to be placed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Move {
    pub(super) source: RawFd,
    pub(super) target: RawFd,
}

/// Its place at the terminal of its parent's session. Process groups by number; 0: none yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Front {
    None,
    /// Comes to the front of this terminal, with this group if there still is one.
    Brings {
        terminal: RawFd,
        group: i32,
    },
    /// Joins this group.
    Shares {
        group: i32,
    },
}

/// Everything the child does, as plain data. Pointers are to strings and tables that outlive the launch.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) new_session: bool,
    pub(super) front: Front,
    pub(super) limits: [LimitPlan; LIMITS_MAX],
    pub(super) limit_count: usize,
    pub(super) nice: Option<i32>,
    pub(super) umask: Option<u32>,
    pub(super) processors: Option<Mask>,
    pub(super) login: *const libc::c_char,
    pub(super) login_class: *const libc::c_char,
    pub(super) fib: Option<i32>,
    pub(super) protect: bool,
    /// 0: none that is there already.
    pub(super) enter_jail: i32,
    /// Names and values in turn; none: no jail is made.
    pub(super) jail: [libc::iovec; JAIL_WORDS_MAX],
    pub(super) jail_words: u32,
    pub(super) chroot: *const libc::c_char,
    pub(super) directory: *const libc::c_char,
    pub(super) become_other: bool,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The own group first, then the others.
    pub(super) gids: [u32; GROUPS_MAX],
    pub(super) gid_count: usize,
    /// `source` changes on the way.
    pub(super) moves: [Move; MOVES_MAX],
    pub(super) move_count: usize,
    pub(super) program: *const libc::c_char,
    pub(super) arguments: *const *const libc::c_char,
    pub(super) environment: *const *const libc::c_char,
    /// Written by the child, read by the parent: the step, and which of its parts.
    pub(super) failed: (Step, u32),
    /// Written by the child, read by the parent.
    pub(super) errno: i32,
    /// What the system said of a jail, written by it in the child.
    pub(super) complaint: Complaint,
}

/// The system said nothing.
pub(super) const NO_COMPLAINT: Complaint = [0; size_of::<Complaint>()];

impl Plan {
    /// A plan that does nothing but execute.
    pub(super) const fn empty() -> Self {
        let limit = LimitPlan { resource: 0, value: libc::rlimit { rlim_cur: 0, rlim_max: 0 } };
        Self {
            new_session: false,
            front: Front::None,
            limits: [limit; LIMITS_MAX],
            limit_count: 0,
            nice: None,
            umask: None,
            processors: None,
            login: ptr::null(),
            login_class: ptr::null(),
            fib: None,
            protect: false,
            enter_jail: 0,
            jail: [libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 }; JAIL_WORDS_MAX],
            jail_words: 0,
            chroot: ptr::null(),
            directory: ptr::null(),
            become_other: false,
            uid: 0,
            gid: 0,
            gids: [0; GROUPS_MAX],
            gid_count: 0,
            moves: [Move { source: -1, target: -1 }; MOVES_MAX],
            move_count: 0,
            program: ptr::null(),
            arguments: ptr::null(),
            environment: ptr::null(),
            failed: (Step::Done, 0),
            errno: 0,
            complaint: NO_COMPLAINT,
        }
    }

    /// A jail is to be made with these parameters, which must live as long as the plan is used.
    pub(super) fn make_jail(&mut self, parameters: &[u8]) {
        let word = |bytes: &[u8]| libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let words = jail::read(parameters).flat_map(|(name, value)| [word(name), word(value)]);
        // The last two are for the complaint, whose place is known when the plan is where it stays.
        for (place, word) in self.jail.iter_mut().take(2 * PARAMETERS_MAX).zip(words) {
            *place = word;
            self.jail_words += 1;
        }
    }
}

/// A system call; `Err` is its step and the error number.
macro_rules! call {
    ($step:expr, $call:ident($($argument:expr),*)) => {{
        // SAFETY: every argument is a number, or an address in the plan or on this stack that the call named here
        // reads within the size that goes with it.
        let result = unsafe { libc::$call($($argument),*) };
        if result < 0 { Err(($step, 0, errno())) } else { Ok(result) }
    }};
}

/// What went wrong: the step, which of its parts, the error number.
type Failed = (Step, u32, i32);

/// Where the child begins. `plan` points to a [`Plan`] that nobody else touches until the child is done with it.
pub(super) extern "C" fn begin(plan: *mut libc::c_void) -> ! {
    // SAFETY: the parent passes a `Plan` that it holds exclusively, and is itself stopped while the child uses it.
    let plan = unsafe { &mut *plan.cast::<Plan>() };
    if let Err((step, part, errno)) = become_program(plan) {
        plan.failed = (step, part);
        plan.errno = errno;
    }
    // SAFETY: ends this process only; handlers and buffers of the memory we share are left alone.
    unsafe { libc::_exit(127) }
}

/// All steps in order; returns only if one failed.
fn become_program(plan: &mut Plan) -> Result<(), Failed> {
    lift(plan)?;
    if plan.new_session {
        call!(Step::Session, setsid())?;
    }
    default_signals();
    come_to_front(plan.front)?;
    for (part, limit) in plan.limits.iter().take(plan.limit_count).enumerate() {
        let set = call!(Step::Limit, setrlimit(limit.resource, &raw const limit.value));
        set.map_err(|(step, _, errno)| (step, part as u32, errno))?;
    }
    if let Some(nice) = plan.nice {
        call!(Step::Nice, setpriority(libc::PRIO_PROCESS, 0, nice))?;
    }
    if let Some(umask) = plan.umask {
        // SAFETY: takes a number and cannot fail.
        unsafe { libc::umask(umask as libc::mode_t) };
    }
    // All this comes before the jail, in which nobody may do most of it.
    place_on_machine(plan)?;
    if plan.enter_jail != 0 {
        call!(Step::Jail, jail_attach(plan.enter_jail))?;
    }
    if plan.jail_words != 0 {
        enter_new_jail(plan)?;
    }
    if !plan.chroot.is_null() {
        call!(Step::Chroot, chroot(plan.chroot))?;
        call!(Step::Chroot, chdir(c"/".as_ptr()))?;
    }
    if !plan.directory.is_null() {
        call!(Step::Directory, chdir(plan.directory))?;
    }
    if plan.become_other {
        // Before FreeBSD 15 the first group of the set is the effective one; since then it is one of the others, where
        // it may stand, too.
        call!(Step::Groups, setgroups(plan.gid_count as i32, plan.gids.as_ptr()))?;
        call!(Step::Group, setresgid(plan.gid, plan.gid, plan.gid))?;
        call!(Step::User, setresuid(plan.uid, plan.uid, plan.uid))?;
    }
    place(plan)?;
    open_mask();
    call!(Step::Program, execve(plan.program, plan.arguments, plan.environment))?;
    Ok(())
}

/// Takes its place at the terminal. Every signal is held here, so that none is asked to stop for being behind.
fn come_to_front(front: Front) -> Result<(), Failed> {
    match front {
        Front::None => {}
        Front::Brings { terminal, group } => {
            if call!(Step::Terminal, setpgid(0, group)).is_err() {
                call!(Step::Terminal, setpgid(0, 0))?;
            }
            let own = call!(Step::Terminal, getpgrp())?;
            call!(Step::Terminal, ioctl(terminal, libc::TIOCSPGRP, &raw const own))?;
            ignore(&KEYS);
            ignore(&OF_BOOT);
        }
        Front::Shares { group } => {
            if call!(Step::Terminal, setpgid(0, group)).is_err() {
                call!(Step::Session, setsid())?;
            }
            ignore(&OF_BOOT);
        }
    }
    Ok(())
}

/// Processors, session's name, login class, routing table, protection.
fn place_on_machine(plan: &Plan) -> Result<(), Failed> {
    if let Some(mask) = &plan.processors {
        let (level, which) = (libc::CPU_LEVEL_WHICH, libc::CPU_WHICH_PID);
        call!(Step::Processors, cpuset_setaffinity(level, which, -1, size_of::<Mask>(), mask.as_ptr().cast()))?;
    }
    if !plan.login.is_null() {
        call!(Step::Login, syscall(SETLOGIN, plan.login))?;
    }
    if !plan.login_class.is_null() {
        call!(Step::LoginClass, syscall(SETLOGINCLASS, plan.login_class))?;
    }
    if let Some(number) = plan.fib {
        call!(Step::Fib, syscall(SETFIB, number))?;
    }
    if plan.protect {
        let mut how = libc::PPROT_SET;
        call!(Step::Protect, procctl(libc::P_PID, 0, libc::PROC_SPROTECT, (&raw mut how).cast()))?;
    }
    Ok(())
}

/// Makes a jail, which lasts as long as somebody is in it, and is the first in it.
fn enter_new_jail(plan: &mut Plan) -> Result<(), Failed> {
    let complaint = [
        libc::iovec { iov_base: c"errmsg".as_ptr().cast_mut().cast(), iov_len: c"errmsg".count_bytes() + 1 },
        libc::iovec { iov_base: plan.complaint.as_mut_ptr().cast(), iov_len: plan.complaint.len() },
    ];
    let words = plan.jail_words;
    for (place, word) in plan.jail.iter_mut().skip(words as usize).zip(complaint) {
        *place = word;
    }
    call!(Step::Jail, jail_set(plan.jail.as_mut_ptr(), words + 2, libc::JAIL_CREATE | libc::JAIL_ATTACH))?;
    Ok(())
}

/// Lifts every descriptor to be passed above all numbers that one can get, so that none falls on another's source.
/// Before the limits, which may allow no number so high.
fn lift(plan: &mut Plan) -> Result<(), Failed> {
    for step in plan.moves.iter_mut().take(plan.move_count) {
        step.source = call!(Step::Descriptors, fcntl(step.source, libc::F_DUPFD_CLOEXEC, NUMBER_MAX + 1))?;
    }
    Ok(())
}

/// Closes all but the standard three at execution, then puts those to be passed in their places, which un-marks them.
fn place(plan: &Plan) -> Result<(), Failed> {
    call!(Step::Descriptors, close_range(3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC as i32))?;
    for step in plan.moves.iter().take(plan.move_count) {
        call!(Step::Descriptors, dup2(step.source, step.target))?;
    }
    Ok(())
}

/// The default action for every signal: what is ignored would stay so across execve(2).
fn default_signals() {
    let default = [0u64; 4];
    for signal in 1..=SIGNAL_MAX {
        // SAFETY: the action of zeros is "default, no flags, empty mask"; what it was before is not asked for. KILL and
        // STOP are refused, which is as it should be.
        unsafe { libc::syscall(SIGACTION, signal, default.as_ptr(), ptr::null_mut::<u64>()) };
    }
}

/// What keys send.
const KEYS: [i32; 2] = [libc::SIGINT, libc::SIGQUIT];
/// What init(8) ignores, and with it the scripts that it runs.
const OF_BOOT: [i32; 4] = [libc::SIGHUP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

fn ignore(signals: &[i32]) {
    let ignored = [libc::SIG_IGN as u64, 0, 0, 0];
    for signal in signals {
        // SAFETY: the action has the size of the kernel's, with no flags and an empty mask; what it was before is not
        // asked for.
        unsafe { libc::syscall(SIGACTION, *signal, ignored.as_ptr(), ptr::null_mut::<u64>()) };
    }
}

/// Lets every signal through; held until here, so that no handler of the parent's could run in the child.
fn open_mask() {
    let empty = [0u64; 2];
    // SAFETY: the set has the size of the kernel's; what it was before is not asked for.
    unsafe { libc::syscall(SIGPROCMASK, libc::SIG_SETMASK, empty.as_ptr(), ptr::null_mut::<u64>()) };
}

fn errno() -> i32 {
    // SAFETY: gives an address; nothing is asked of us.
    let place = unsafe { libc::__error() };
    // SAFETY: it is that of this thread's error number, valid as long as the thread lives; the thread is the parent's,
    // which is stopped.
    unsafe { *place }
}
