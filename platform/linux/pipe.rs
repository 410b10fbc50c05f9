//! How much a pipe takes before its writer has to wait.

use std::io;
use std::os::fd::BorrowedFd;

use nix::fcntl::{FcntlArg, fcntl};

/// Makes room for this many bytes in a pipe.
///
/// # Errors
///
/// `PermissionDenied` above the system's limit for ordinary users; `ResourceBusy` where there is more in it already.
///
/// Source: fcntl(2), `F_SETPIPE_SZ`; pipe(7).
pub fn widen(fd: BorrowedFd<'_>, bytes: i32) -> io::Result<()> {
    fcntl(fd, FcntlArg::F_SETPIPE_SZ(bytes))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;

    #[test]
    fn a_wide_pipe_takes_more_at_once() {
        let (reader, mut writer) = io::pipe().unwrap();
        widen(reader.as_fd(), 256 * 1024).unwrap();
        crate::files::set_nonblocking(writer.as_fd()).unwrap();
        assert_eq!(writer.write(&[0; 256 * 1024]).unwrap(), 256 * 1024);
    }
}
