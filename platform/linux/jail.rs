//! Jails, of which this system has none.

use std::io;

use crate::Unsupported;

const MISSING: Unsupported = Unsupported { what: "a jail" };

/// The number of the jail of this name.
///
/// # Errors
///
/// Always [`Unsupported`].
pub fn find(_name: &str) -> io::Result<i32> {
    Err(MISSING.into())
}

/// What the jail of this number is called.
///
/// # Errors
///
/// Always [`Unsupported`].
pub fn name(_number: i32) -> io::Result<String> {
    Err(MISSING.into())
}

/// The number of the jail that a process is in: every process is in none.
///
/// # Errors
///
/// None here.
pub fn of_process(_pid: i32) -> io::Result<Option<i32>> {
    Ok(None)
}

/// Puts the calling process into a jail.
///
/// # Errors
///
/// Always [`Unsupported`].
pub fn enter(_number: i32) -> io::Result<()> {
    Err(MISSING.into())
}

/// Ends every process in a jail, and the jail.
///
/// # Errors
///
/// Always [`Unsupported`].
pub fn remove(_number: i32) -> io::Result<()> {
    Err(MISSING.into())
}
