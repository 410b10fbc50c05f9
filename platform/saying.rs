//! Words to somebody who may not be listening: said as far as there is room, and never waited for long.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// As much is written at once as a pipe that says it has room takes without waiting, on every system.
const PIECE_BYTES: usize = 512;

/// Writes to a descriptor as long as there is room, waiting at most `patience` in all for it; gives how many bytes were
/// taken. A terminal on which the output was stopped, and a pipe that nobody reads, have none.
///
/// # Errors
///
/// The kernel's own, where nothing was taken: `EPIPE` when nobody can read any more, `EIO` of a terminal that is gone.
///
/// Source: poll(2), write(2), pipe(7).
pub fn say(to: BorrowedFd<'_>, bytes: &[u8], patience: Duration) -> io::Result<usize> {
    let begun = Instant::now();
    let mut said = 0;
    while said < bytes.len() {
        let rest = patience.saturating_sub(begun.elapsed());
        let mut fds = [PollFd::new(to, PollFlags::POLLOUT)];
        let room = poll(&mut fds, PollTimeout::try_from(rest).unwrap_or(PollTimeout::MAX));
        let piece = &bytes[said..bytes.len().min(said + PIECE_BYTES)];
        let taken = match room {
            Ok(0) => return Ok(said),
            Ok(_) => nix::unistd::write(to, piece),
            Err(error) => Err(error),
        };
        match taken {
            Ok(length) => said += length,
            Err(Errno::EINTR) => {}
            // Somebody else was quicker to fill it.
            Err(Errno::EAGAIN) if begun.elapsed() < patience => {}
            Err(Errno::EAGAIN) => return Ok(said),
            Err(_) if said > 0 => return Ok(said),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_pipe_that_nobody_reads_takes_what_it_has_room_for_and_holds_nobody_up() {
        let (mut reader, writer) = io::pipe().unwrap();
        let much = vec![b'x'; 4 << 20];
        let said = say(writer.as_fd(), &much, Duration::from_millis(1)).unwrap();
        assert!(said > 0 && said < much.len(), "{said}");
        assert_eq!(say(writer.as_fd(), b"more", Duration::ZERO).unwrap(), 0);
        let mut taken = vec![0; said];
        reader.read_exact(&mut taken).unwrap();
        assert_eq!(say(writer.as_fd(), b"more", Duration::ZERO).unwrap(), 4);
        drop(reader);
        let gone = say(writer.as_fd(), b"more", Duration::ZERO).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_file_has_always_room() {
        let file = tempfile::tempfile().unwrap();
        let much = vec![b'x'; 100_000];
        assert_eq!(say(file.as_fd(), &much, Duration::ZERO).unwrap(), much.len());
    }
}
