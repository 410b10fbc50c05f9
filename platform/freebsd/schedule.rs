//! Whose requests to a disk come first: nobody's, here.

use std::io;

use crate::Unsupported;
use crate::replace::IoClass;

/// There is no such thing here.
///
/// # Errors
///
/// Always [`Unsupported`].
pub fn set_io_class(_class: IoClass, _priority: i32) -> io::Result<()> {
    Err(Unsupported { what: "a priority for requests to disks" }.into())
}
