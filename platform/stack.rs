//! Memory for a child that runs in ours until it executes.

use std::io;

use crate::sys::check;

/// Memory for the stack of a child, with a page below it that may not be touched.
#[derive(Debug)]
pub(crate) struct Stack {
    base: *mut libc::c_void,
}

pub(crate) const STACK_BYTES: usize = 64 * 1024;
const GUARD_BYTES: usize = 64 * 1024;

// SAFETY: the mapping belongs to this value alone and is not tied to a thread.
unsafe impl Send for Stack {}

impl Stack {
    pub(crate) fn new() -> io::Result<Self> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        let size = STACK_BYTES + GUARD_BYTES;
        // SAFETY: a fresh anonymous mapping at a place of the kernel's choice overlays nothing.
        let base = unsafe { libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base };
        // SAFETY: the range is the lower part of the mapping made above, which nobody uses yet.
        check(unsafe { libc::mprotect(base, GUARD_BYTES, libc::PROT_NONE) })?;
        Ok(stack)
    }

    pub(crate) fn bottom(&self) -> *mut libc::c_void {
        self.base.wrapping_byte_add(GUARD_BYTES)
    }

    pub(crate) fn top(&self) -> *mut libc::c_void {
        self.bottom().wrapping_byte_add(STACK_BYTES)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `new` with this size, and no child runs on it: every clone here returns only
        // when the child has left this memory.
        unsafe { libc::munmap(self.base, STACK_BYTES + GUARD_BYTES) };
    }
}
