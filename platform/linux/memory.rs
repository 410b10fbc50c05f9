//! What this process holds of the machine's memory, and gives back once it is not needed.

use std::ffi::c_void;

/// Makes the allocator ask the system for each large piece on its own, always: such a piece goes back as soon as it is
/// free. Left to itself it takes them from the heap once one was freed, and what lies above one stays ours.
///
/// Source: mallopt(3), `M_MMAP_THRESHOLD`; glibc.
pub fn keep_heap_small() {
    #[cfg(target_env = "gnu")]
    {
        const LARGE_BYTES: libc::c_int = 128 * 1024;
        // SAFETY: takes two numbers, and changes how later calls of the allocator work.
        unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BYTES) };
    }
}

/// Gives memory back that was used at a moment and is not any more: what the allocator holds free, and the pages of our
/// own program, of which those that are needed again come from its file. Where the C library has no such call, what is
/// free stays ours.
///
/// Source: malloc_trim(3), glibc; madvise(2), `MADV_DONTNEED`; dl_iterate_phdr(3).
pub fn give_back() {
    // SAFETY: takes a number, and touches only memory that the allocator holds free.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
    // SAFETY: the function has the type that is asked for, and needs no data.
    unsafe { libc::dl_iterate_phdr(Some(let_go), std::ptr::null_mut()) };
}

/// Lets go of what is only read of one program or library. The first is our own; more are not asked for.
extern "C" fn let_go(info: *mut libc::dl_phdr_info, _size: usize, _data: *mut c_void) -> libc::c_int {
    // SAFETY: the caller passes a description that is valid during this call.
    let info = unsafe { &*info };
    // SAFETY: there are so many headers in a row, and they are those of a program that is loaded.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    for header in headers {
        // What may be written to may have been, with addresses of this process.
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = (info.dlpi_addr + header.p_vaddr) as usize;
        let page = super::process::page_bytes() as usize;
        let first = start & !(page - 1);
        let length = start + header.p_memsz as usize - first;
        // SAFETY: these pages are mapped from the program's file and cannot have been changed, so they come back the
        // same when they are touched next.
        unsafe { libc::madvise(first as *mut c_void, length, libc::MADV_DONTNEED) };
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_back_comes_again() {
        let text = vec![7u8; 1 << 20];
        keep_heap_small();
        give_back();
        assert!(text.iter().all(|byte| *byte == 7));
        assert_eq!(format!("{:?}", text.len()), "1048576");
    }
}
