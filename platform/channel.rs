//! Messages with descriptors between our own processes: whole or not at all, never waiting.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use crate::os::framing;
use crate::sys::{check, own};

/// How many descriptors one message can carry.
pub const DESCRIPTORS_MAX: usize = 20;

/// What came with a message. A fixed array: receiving must work when there is no memory left.
pub type Descriptors = [Option<OwnedFd>; DESCRIPTORS_MAX];

/// One end of a channel between two processes. The other end reads exactly the messages written here, in order.
#[derive(Debug)]
pub struct Channel {
    fd: OwnedFd,
}

/// A message that came.
#[derive(Debug)]
pub struct Received {
    /// How many bytes of the buffer it fills; at least 1.
    pub length: usize,
    /// What came with it, from the front, already marked to be closed at execution.
    pub descriptors: Descriptors,
}

impl Channel {
    /// Both ends of a new one, neither of them inherited by programs that are executed, neither of them waiting.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: socketpair(2), `SOCK_SEQPACKET`.
    pub fn pair() -> io::Result<(Self, Self)> {
        let mut fds: [RawFd; 2] = [-1; 2];
        let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        // SAFETY: `fds` has room for the two integers that the call writes.
        check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) })?;
        Ok((Self { fd: own(fds[0]) }, Self { fd: own(fds[1]) }))
    }

    /// Sends one message. Empty ones cannot be told from the end and are refused.
    ///
    /// # Errors
    ///
    /// `WouldBlock` while the other side does not read, `BrokenPipe` when it is gone, the kernel's own.
    ///
    /// Source: sendmsg(2), unix(4), `SCM_RIGHTS`.
    pub fn send(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        if bytes.is_empty() || descriptors.len() > DESCRIPTORS_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a message of no bytes, or with over 20 descriptors",
            ));
        }
        let mut control = Control::default();
        let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let mut message = header(&mut part);
        if !descriptors.is_empty() {
            control.attach(&mut message, descriptors);
        }
        let beside = if descriptors.is_empty() { 0 } else { RIGHTS_SPACE };
        if !framing::has_room(self.fd.as_fd(), bytes.len() + beside)? {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let flags = libc::MSG_NOSIGNAL | framing::WHOLE;
        // SAFETY: `message` points to `part`, `bytes` and `control`, all alive; the call only reads them.
        let sent = unsafe { libc::sendmsg(self.fd.as_raw_fd(), &raw const message, flags) };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        // The other side went away with messages of ours unread: gone is gone.
        let gone = error.kind() == io::ErrorKind::ConnectionReset;
        Err(if gone { io::Error::from_raw_os_error(libc::EPIPE) } else { error })
    }

    /// Takes one message; `None`: the other side is gone and everything it sent was read.
    ///
    /// # Errors
    ///
    /// `WouldBlock` while there is none; `InvalidData` for one that did not fit, which is lost; the kernel's own.
    ///
    /// Source: recvmsg(2), unix(4), `SCM_RIGHTS`.
    pub fn receive(&self, bytes: &mut [u8]) -> io::Result<Option<Received>> {
        let (received, flags) = match receive_with_flags(self.as_fd(), bytes, |_, _, _| {}) {
            // So it is when the other side went away with messages of ours unread.
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
            other => other?,
        };
        if received.length == 0 {
            return Ok(None);
        }
        if framing::is_torn(flags) {
            self.pass_over_rest()?;
            return Err(too_long());
        }
        Ok(Some(received))
    }

    /// Reads on to the end of a message of which a part was taken.
    fn pass_over_rest(&self) -> io::Result<()> {
        let mut bytes = [0; 256];
        loop {
            let (received, flags) = receive_with_flags(self.as_fd(), &mut bytes, |_, _, _| {})?;
            if received.length == 0 || !framing::is_torn(flags) {
                return Ok(());
            }
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl From<OwnedFd> for Channel {
    /// For an end that came by inheritance or in a message.
    fn from(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl From<Channel> for OwnedFd {
    fn from(channel: Channel) -> Self {
        channel.fd
    }
}

/// Room for what accompanies a message.
#[derive(Default)]
#[repr(C, align(16))]
struct Control([[u8; 32]; 8]);

const CONTROL_BYTES: usize = size_of::<Control>();
const RIGHTS_BYTES: usize = DESCRIPTORS_MAX * size_of::<RawFd>();
// SAFETY: arithmetic on its argument.
const RIGHTS_SPACE: usize = unsafe { libc::CMSG_SPACE(RIGHTS_BYTES as u32) } as usize;
// Beside the descriptors there must be room for the credentials of a sender.
const _: () = assert!(RIGHTS_SPACE + 128 <= CONTROL_BYTES && align_of::<Control>() >= align_of::<libc::cmsghdr>());

impl Control {
    /// Puts these descriptors in, and the whole into the message.
    fn attach(&mut self, message: &mut libc::msghdr, descriptors: &[BorrowedFd<'_>]) {
        let (raw, count) = descriptors_raw(descriptors);
        let bytes = count * size_of::<RawFd>();
        message.msg_control = ptr::from_mut(self).cast();
        // SAFETY: arithmetic on its argument.
        message.msg_controllen = unsafe { libc::CMSG_SPACE(bytes as u32) } as _;
        // SAFETY: `message` has a control buffer of ours, zeroed and aligned, with room for one header at least.
        let head = unsafe { libc::CMSG_FIRSTHDR(message) };
        // SAFETY: arithmetic on its argument.
        let length = unsafe { libc::CMSG_LEN(bytes as u32) } as _;
        // SAFETY: a header of zeros is one; some systems have padding in it that nobody can name.
        let mut fields: libc::cmsghdr = unsafe { zeroed() };
        fields.cmsg_len = length;
        fields.cmsg_level = libc::SOL_SOCKET;
        fields.cmsg_type = libc::SCM_RIGHTS;
        // SAFETY: `head` points to room for a header in our buffer, aligned for it.
        unsafe { head.write(fields) };
        // SAFETY: `head` is the header just written; the data follow it in our buffer.
        let data = unsafe { libc::CMSG_DATA(head) };
        // SAFETY: `raw` has that many bytes, and the buffer has room for them behind the header.
        unsafe { ptr::copy_nonoverlapping(raw.as_ptr().cast::<u8>(), data, bytes) };
    }
}

/// Their numbers, and how many there are.
fn descriptors_raw(descriptors: &[BorrowedFd<'_>]) -> ([RawFd; DESCRIPTORS_MAX], usize) {
    let mut raw = [-1; DESCRIPTORS_MAX];
    for (place, fd) in raw.iter_mut().zip(descriptors) {
        *place = fd.as_raw_fd();
    }
    (raw, descriptors.len().min(DESCRIPTORS_MAX))
}

fn header(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: a msghdr of zeros is one without address, data and control.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}

/// Takes one message of any socket; `other` gets what came with it beside descriptors: level, kind, data.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    bytes: &mut [u8],
    other: impl FnMut(i32, i32, &[u8]),
) -> io::Result<Received> {
    receive_with_flags(fd, bytes, other).map(|(received, _)| received)
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a message that is longer than it may be")
}

fn receive_with_flags(
    fd: BorrowedFd<'_>,
    bytes: &mut [u8],
    mut other: impl FnMut(i32, i32, &[u8]),
) -> io::Result<(Received, i32)> {
    let mut control = Control::default();
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut message = header(&mut part);
    message.msg_control = ptr::from_mut(&mut control).cast();
    message.msg_controllen = CONTROL_BYTES as _;
    let length = loop {
        // SAFETY: `message` points to `part`, `bytes` and `control`, all alive and exclusively ours, with their sizes.
        let length = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        match usize::try_from(length) {
            Ok(length) => break length,
            Err(_) => {
                let error = io::Error::last_os_error();
                if error.kind() != io::ErrorKind::Interrupted {
                    return Err(error);
                }
            }
        }
    };
    let mut descriptors = Descriptors::default();
    let mut free = descriptors.iter_mut();
    // SAFETY: the kernel has filled in `message`, whose control buffer is alive.
    let mut head = unsafe { libc::CMSG_FIRSTHDR(&raw const message) };
    while !head.is_null() {
        // SAFETY: `head` points to a whole header in the control buffer, aligned as the macros keep it.
        let fields = unsafe { head.read() };
        let data = contents(head, &fields);
        if fields.cmsg_level == libc::SOL_SOCKET && fields.cmsg_type == libc::SCM_RIGHTS {
            for number in data.chunks_exact(size_of::<RawFd>()) {
                let fd = own(number.try_into().map_or(-1, RawFd::from_ne_bytes));
                if let Some(place) = free.next() {
                    *place = Some(fd);
                }
            }
        } else {
            other(fields.cmsg_level, fields.cmsg_type, data);
        }
        // SAFETY: `head` is a header of `message`; the macro stays within the length that the kernel has set.
        head = unsafe { libc::CMSG_NXTHDR(&raw const message, head) };
    }
    if message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0 {
        return Err(too_long());
    }
    Ok((Received { length, descriptors }, message.msg_flags))
}

/// The data behind a header in a control buffer.
fn contents<'a>(head: *const libc::cmsghdr, fields: &libc::cmsghdr) -> &'a [u8] {
    // SAFETY: arithmetic on its argument.
    let overhead = unsafe { libc::CMSG_LEN(0) } as usize;
    let length = usize::saturating_sub(fields.cmsg_len as _, overhead);
    // SAFETY: `head` is a header in a control buffer; its data follow it.
    let data = unsafe { libc::CMSG_DATA(head) };
    // SAFETY: the kernel wrote `length` bytes there, within the buffer, which outlives the one use of this slice.
    unsafe { std::slice::from_raw_parts(data, length) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Read, Write, pipe};

    #[test]
    fn messages_keep_their_bounds_and_bring_their_descriptors() {
        let (near, far) = Channel::pair().unwrap();
        let (mut reader, writer) = pipe().unwrap();
        near.send(b"first", &[]).unwrap();
        near.send(b"second", &[writer.as_fd(), writer.as_fd()]).unwrap();
        drop(writer);
        let mut bytes = [0; 64];
        let first = far.receive(&mut bytes).unwrap().unwrap();
        assert_eq!((&bytes[..first.length], first.descriptors.iter().flatten().count()), (&b"first"[..], 0));
        let second = far.receive(&mut bytes).unwrap().unwrap();
        assert_eq!((&bytes[..second.length], second.descriptors.iter().flatten().count()), (&b"second"[..], 2));
        let [Some(one), Some(two), ..] = second.descriptors else { panic!("two descriptors") };
        let flags = nix::fcntl::fcntl(&one, nix::fcntl::FcntlArg::F_GETFD).unwrap();
        assert_eq!(flags, libc::FD_CLOEXEC);
        File::from(one).write_all(b"through").unwrap();
        drop(two);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "through");
    }

    #[test]
    fn a_full_or_empty_channel_does_not_wait_and_a_lost_end_is_the_end() {
        let (near, far) = Channel::pair().unwrap();
        assert_eq!(far.receive(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let full = loop {
            if let Err(error) = near.send(&[7; 4096], &[]) {
                break error;
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        drop(far);
        assert_eq!(near.send(b"x", &[]).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert!(near.receive(&mut [0; 8]).unwrap().is_none());
    }

    #[test]
    fn a_message_too_long_for_its_reader_is_an_error_and_the_next_is_whole() {
        let (near, far) = Channel::pair().unwrap();
        near.send(b"too long", &[near.as_fd()]).unwrap();
        near.send(b"fits", &[]).unwrap();
        let mut bytes = [0; 4];
        assert_eq!(far.receive(&mut bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(far.receive(&mut bytes).unwrap().unwrap().length, 4);
        assert!(near.send(b"", &[]).is_err());
    }

    #[test]
    fn twenty_descriptors_fit_and_twenty_one_are_refused() {
        let (near, far) = Channel::pair().unwrap();
        near.send(b"x", &[near.as_fd(); DESCRIPTORS_MAX]).unwrap();
        assert!(near.send(b"x", &[near.as_fd(); DESCRIPTORS_MAX + 1]).is_err());
        let got = far.receive(&mut [0; 4]).unwrap().unwrap();
        assert_eq!(got.descriptors.iter().flatten().count(), DESCRIPTORS_MAX);
    }
}
