//! Making a process that shares our memory until it executes a program: clone3(2), and clone(2) where that is refused.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use crate::stack::STACK_BYTES;
pub(super) use crate::stack::Stack;
use crate::sys::check;

/// What runs in the child, on a stack of its own. It never returns.
pub(super) type Entry = extern "C" fn(*mut libc::c_void) -> !;

/// clone(2): handlers of ours become the default action again. In no header of the libc crate for every target.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
/// clone(2): be born into the cgroup of `ClArgs::cgroup`.
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
/// Memory shared, and this thread held until the child has executed or ended.
const BORROW: u64 = (libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD) as u64;

/// The argument of clone3(2), third version (Linux 5.7).
#[repr(C)]
#[derive(Default)]
struct ClArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

const _: () = assert!(size_of::<ClArgs>() == 88 && align_of::<ClArgs>() == 8);

/// Whose child it becomes, what it shares, and where it is born.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Birth {
    /// Child of our parent, not of us.
    pub(super) sibling: bool,
    /// The table of descriptors is shared; the child must leave it first of all.
    pub(super) share_table: bool,
    /// The cgroup it is born into.
    pub(super) cgroup: Option<RawFd>,
}

impl Birth {
    fn flags(self) -> u64 {
        let sibling = if self.sibling { libc::CLONE_PARENT as u64 } else { 0 };
        let files = if self.share_table { libc::CLONE_FILES as u64 } else { 0 };
        BORROW | sibling | files
    }

    /// With `CLONE_PARENT` the signal is that of our own parent's choice, and none may be named.
    fn exit_signal(self) -> i32 {
        if self.sibling { 0 } else { libc::SIGCHLD }
    }
}

/// A process just made. It has executed its program, or has ended.
#[derive(Debug)]
pub(super) struct Born {
    pub(super) pid: i32,
    pub(super) pidfd: OwnedFd,
}

/// Makes a process with clone3(2) that runs `entry(argument)`; returns when it has executed a program or has ended.
///
/// Errors are the kernel's own; `ENOSYS` and `EPERM` where a container does not allow it, `ENOSYS` on processors for
/// which the few instructions are not written.
pub(super) fn modern(birth: Birth, stack: &mut Stack, entry: Entry, argument: *mut libc::c_void) -> io::Result<Born> {
    let mut pidfd: RawFd = -1;
    let into = if birth.cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
    let args = ClArgs {
        flags: birth.flags() | CLONE_CLEAR_SIGHAND | into,
        pidfd: (&raw mut pidfd) as u64,
        exit_signal: birth.exit_signal() as u64,
        stack: stack.bottom() as u64,
        stack_size: STACK_BYTES as u64,
        cgroup: birth.cgroup.map_or(0, |fd| fd as u64),
        ..ClArgs::default()
    };
    let result = clone3(&args, entry, argument);
    if result < 0 {
        return Err(io::Error::from_raw_os_error(i32::try_from(-result).unwrap_or(libc::EINVAL)));
    }
    // SAFETY: the call succeeded, so the kernel has put a descriptor there that is ours alone.
    let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
    Ok(Born { pid: i32::try_from(result).unwrap_or(0), pidfd })
}

/// The system call. In the child it goes on at `entry`, on the new stack, and never comes back here.
#[cfg(target_arch = "x86_64")]
fn clone3(args: &ClArgs, entry: Entry, argument: *mut libc::c_void) -> i64 {
    let result: i64;
    // SAFETY: the system call reads `args`, which describes a stack that nobody else uses; the child leaves this code
    // at once for `entry`, which does not return, with the stack aligned as the ABI wants it. The parent goes on here
    // with what the system call is known to change declared as changed, memory included.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") args,
            in("rsi") size_of::<ClArgs>(),
            in("r12") argument,
            in("r13") entry,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    result
}

/// The system call. In the child it goes on at `entry`, on the new stack, and never comes back here.
#[cfg(target_arch = "aarch64")]
fn clone3(args: &ClArgs, entry: Entry, argument: *mut libc::c_void) -> i64 {
    let result: i64;
    // SAFETY: as for the other processor: a stack of its own, no way back, memory declared as changed.
    unsafe {
        std::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "blr x21",
            "brk 1",
            "2:",
            in("x8") libc::SYS_clone3,
            inlateout("x0") args => result,
            in("x1") size_of::<ClArgs>(),
            in("x20") argument,
            in("x21") entry,
        );
    }
    result
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn clone3(_args: &ClArgs, _entry: Entry, _argument: *mut libc::c_void) -> i64 {
    -i64::from(libc::ENOSYS)
}

/// The same with clone(2): the child must enter its cgroup and reset its signals by itself.
pub(super) fn classic(birth: Birth, stack: &mut Stack, entry: Entry, argument: *mut libc::c_void) -> io::Result<Born> {
    debug_assert!(birth.cgroup.is_none(), "clone(2) knows no cgroups");
    let flags = i32::try_from(birth.flags()).expect("the flags of clone(2) fit in an int") | birth.exit_signal();
    // SAFETY: the two differ in what they return only, and this function never returns.
    let entry = unsafe { std::mem::transmute::<Entry, extern "C" fn(*mut libc::c_void) -> libc::c_int>(entry) };
    let mut pidfd: RawFd = -1;
    // SAFETY: the stack is used by nobody else, `entry` never returns, and `pidfd` outlives the call, which writes one
    // descriptor to it.
    let pid = check(unsafe { libc::clone(entry, stack.top(), flags, argument, &raw mut pidfd) })?;
    if pidfd < 0 {
        // Before Linux 5.2 the flag is taken for another that means nothing.
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this kernel has no pidfds; Linux 5.3 is needed"));
    }
    // SAFETY: the call succeeded, so the kernel has put a descriptor there that is ours alone.
    Ok(Born { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}
