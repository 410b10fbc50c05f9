//! Making a process that shares our memory until it executes a program: rfork(2) with `RFSPAWN`.

use std::io;

use crate::stack::Stack;

/// What runs in the child, on a stack of its own. It never returns.
pub(super) type Entry = extern "C" fn(*mut libc::c_void) -> !;

/// The number of rfork(2). In no header of the libc crate.
const RFORK: i64 = 251;

/// Makes a process that runs `entry(argument)`; returns when it has executed a program or has ended. Handlers of ours
/// are the default action in it, and its table of descriptors is a copy.
///
/// Errors are the kernel's own; `ENOSYS` on processors for which the few instructions are not written.
///
/// Source: rfork(2), `RFSPAWN` (FreeBSD 12.1).
pub(super) fn spawn(stack: &mut Stack, entry: Entry, argument: *mut libc::c_void) -> io::Result<i32> {
    let result = rfork(stack.top(), entry, argument);
    if result < 0 {
        return Err(io::Error::from_raw_os_error(i32::try_from(-result).unwrap_or(libc::EINVAL)));
    }
    Ok(i32::try_from(result).unwrap_or(0))
}

/// The system call. In the child it goes on at `entry`, on the new stack, and never comes back here.
#[cfg(target_arch = "x86_64")]
fn rfork(top: *mut libc::c_void, entry: Entry, argument: *mut libc::c_void) -> i64 {
    let result: i64;
    // SAFETY: the child leaves this code at once for `entry`, which does not return, on a stack that nobody else uses,
    // aligned as the ABI wants it. The parent is held until then and goes on here, with everything a call may change
    // declared as changed, memory included.
    unsafe {
        std::arch::asm!(
            "syscall",
            "jc 3f",
            "test eax, eax",
            "jnz 2f",
            "mov rsp, r14",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "3:",
            "neg rax",
            "2:",
            inlateout("rax") RFORK => result,
            inlateout("rdi") i64::from(libc::RFSPAWN.cast_unsigned()) => _,
            in("r12") argument,
            in("r13") entry,
            in("r14") top,
            clobber_abi("C"),
        );
    }
    result
}

/// The system call. In the child it goes on at `entry`, on the new stack, and never comes back here.
#[cfg(target_arch = "aarch64")]
fn rfork(top: *mut libc::c_void, entry: Entry, argument: *mut libc::c_void) -> i64 {
    let result: i64;
    // SAFETY: as for the other processor: a stack of its own, no way back, everything declared as changed.
    unsafe {
        std::arch::asm!(
            "svc 0",
            "b.cs 3f",
            "cbnz x0, 2f",
            "mov sp, x22",
            "mov x29, xzr",
            "mov x30, xzr",
            "mov x0, x20",
            "blr x21",
            "brk 1",
            "3:",
            "neg x0, x0",
            "2:",
            inlateout("x8") RFORK => _,
            inlateout("x0") i64::from(libc::RFSPAWN.cast_unsigned()) => result,
            in("x20") argument,
            in("x21") entry,
            in("x22") top,
            clobber_abi("C"),
        );
    }
    result
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn rfork(_top: *mut libc::c_void, _entry: Entry, _argument: *mut libc::c_void) -> i64 {
    -i64::from(libc::ENOSYS)
}
