//! sysctl(3): what the kernel knows, by number or by name.

use std::ffi::CStr;
use std::io;
use std::ptr;

use crate::sys::check;

/// No answer asked for here is longer.
const BYTES_MAX: usize = 64 << 20;

/// What stands under these numbers, however long it is.
pub(super) fn by_numbers(numbers: &[i32]) -> io::Result<Vec<u8>> {
    let mut room = 0;
    ask(numbers, ptr::null_mut(), &mut room)?;
    loop {
        // What is asked for may grow before it is asked for again.
        let mut bytes = vec![0; room + room / 8 + 64];
        let mut length = bytes.len();
        match ask(numbers, bytes.as_mut_ptr().cast(), &mut length) {
            Ok(()) => {
                bytes.truncate(length);
                return Ok(bytes);
            }
            Err(error) if error.raw_os_error() == Some(libc::ENOMEM) && bytes.len() < BYTES_MAX => {
                room = bytes.len() * 2;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The same of a process's own memory, which the kernel reads piece by piece: where it cannot go on it says `ENOMEM`,
/// as where there is no room for more, and what it has read until then is the answer.
pub(super) fn by_numbers_as_far(numbers: &[i32]) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4096];
    loop {
        let mut length = bytes.len();
        let answer = ask(numbers, bytes.as_mut_ptr().cast(), &mut length);
        match answer {
            Err(error) if error.raw_os_error() != Some(libc::ENOMEM) => return Err(error),
            Err(_) if length == bytes.len() && length < BYTES_MAX => bytes.resize(length * 2, 0),
            Ok(()) | Err(_) => {
                bytes.truncate(length);
                return Ok(bytes);
            }
        }
    }
}

/// What stands there and has a form of its own; `None`: nothing does, or it is shorter than that form.
///
/// # Safety
///
/// Any bytes must make a valid `T`.
pub(super) unsafe fn value<T>(numbers: &[i32]) -> io::Result<Option<T>> {
    let mut value = std::mem::MaybeUninit::<T>::zeroed();
    let mut length = size_of::<T>();
    ask(numbers, value.as_mut_ptr().cast(), &mut length)?;
    // SAFETY: it was zeroed and then written to by the kernel, and by the caller's word any bytes make one.
    Ok((length >= size_of::<T>()).then(|| unsafe { value.assume_init() }))
}

fn ask(numbers: &[i32], to: *mut libc::c_void, length: &mut usize) -> io::Result<()> {
    let count = u32::try_from(numbers.len()).unwrap_or(0);
    // SAFETY: `numbers` has `count` of them; `to` has room for `length` bytes, or is null; nothing is set.
    check(unsafe { libc::sysctl(numbers.as_ptr(), count, to, length, ptr::null(), 0) })?;
    Ok(())
}

/// What stands under this name, at most so many bytes.
pub(super) fn by_name(name: &CStr, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; bytes_max];
    let mut length = bytes.len();
    let to = bytes.as_mut_ptr().cast();
    // SAFETY: the name ends with a zero, `to` has room for `length` bytes; nothing is set.
    check(unsafe { libc::sysctlbyname(name.as_ptr(), to, &raw mut length, ptr::null(), 0) })?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The text that stands under this name.
pub(super) fn text(name: &CStr) -> io::Result<String> {
    let bytes = by_name(name, 256)?;
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    Ok(String::from_utf8_lossy(&bytes[..end]).into_owned())
}

/// The number that stands under this name.
pub(super) fn number(name: &CStr) -> io::Result<i32> {
    let bytes = by_name(name, 4)?;
    let word = bytes.try_into().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(i32::from_ne_bytes(word))
}
