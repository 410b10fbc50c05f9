//! Jails: which there are, who is in which, entering and removing them.

use std::io;

use crate::launch::c_string;
use crate::sys::check;

/// As long as the name of a host, with the zero behind it.
const NAME_BYTES: usize = 257;

/// The number of the jail of this name, or that has this number, if it lives.
///
/// # Errors
///
/// `NotFound` where there is none; the kernel's own.
///
/// Source: jail_get(2).
pub fn find(name: &str) -> io::Result<i32> {
    match name.parse::<i32>() {
        Ok(number) if number > 0 => self::name(number).map(|_| number),
        Ok(_) | Err(_) => {
            let name = c_string(name)?;
            get(&mut [word(c"name"), word(&name)])
        }
    }
}

/// What the jail of this number is called.
///
/// # Errors
///
/// `NotFound` where there is none that lives; the kernel's own.
///
/// Source: jail_get(2).
pub fn name(number: i32) -> io::Result<String> {
    let mut number = number.to_ne_bytes();
    let mut name = [0; NAME_BYTES];
    let value = |bytes: &mut [u8]| libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    get(&mut [word(c"jid"), value(&mut number), word(c"name"), value(&mut name)])?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    Ok(String::from_utf8_lossy(&name[..end]).into_owned())
}

/// The number of the jail that a process is in; `None`: it is in none.
///
/// # Errors
///
/// `NotFound` where there is no such process.
///
/// Source: sysctl(3), `KERN_PROC_PID`.
pub fn of_process(pid: i32) -> io::Result<Option<i32>> {
    let number = super::process::jail_of(pid)?;
    let ours = super::process::jail_of(i32::try_from(std::process::id()).unwrap_or(0))?;
    Ok((number != ours).then_some(number))
}

/// Puts the calling process into a jail, for good.
///
/// # Errors
///
/// The kernel's own: there is none of this number; only root may.
///
/// Source: jail_attach(2).
pub fn enter(number: i32) -> io::Result<()> {
    // SAFETY: takes a number and touches no memory.
    check(unsafe { libc::jail_attach(number) })?;
    Ok(())
}

/// Ends every process in a jail, and the jail.
///
/// # Errors
///
/// The kernel's own: there is none of this number; only root may.
///
/// Source: jail_remove(2).
pub fn remove(number: i32) -> io::Result<()> {
    // SAFETY: takes a number and touches no memory.
    check(unsafe { libc::jail_remove(number) })?;
    Ok(())
}

fn word(text: &std::ffi::CStr) -> libc::iovec {
    libc::iovec { iov_base: text.as_ptr().cast_mut().cast(), iov_len: text.count_bytes() + 1 }
}

fn get(words: &mut [libc::iovec]) -> io::Result<i32> {
    let count = libc::c_uint::try_from(words.len()).unwrap_or(0);
    // SAFETY: there are `count` words, names and values in turn, each with its length in memory that lives through the
    // call; the kernel writes to values only, within their lengths.
    check(unsafe { libc::jail_get(words.as_mut_ptr(), count, 0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_in_no_jail_of_ours_is_said_to_be_in_none() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(of_process(me).unwrap(), None);
        assert_eq!(find("svc-no-such-jail").unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(name(i32::MAX).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
