//! What descriptors are watched for and what they are ready for.

/// What a descriptor is watched for. An end of the other side is reported in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interest {
    /// Something to read.
    pub read: bool,
    /// Room to write.
    pub write: bool,
    /// Out-of-band news: what sysfs and cgroup files report.
    pub priority: bool,
}

impl Interest {
    /// Something to read, nothing else.
    pub const READ: Self = Self { read: true, write: false, priority: false };
    /// Room to write, nothing else.
    pub const WRITE: Self = Self { read: false, write: true, priority: false };
}

/// What a descriptor is ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A read will not block; it may report the end.
    pub readable: bool,
    /// A write will not block; it may report an error.
    pub writable: bool,
    /// The other side is gone, or the descriptor is in error.
    pub hangup: bool,
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::*;
    use crate::poll::Poller;

    #[test]
    fn what_is_ready_is_told_by_its_token_and_again_until_it_is_read() {
        let mut poller = Poller::new().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        poller.add(&far, 7, Interest::READ).unwrap();
        let mut ready = Vec::new();
        poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert!(ready.is_empty());
        near.write_all(b"x").unwrap();
        for _ in 0..2 {
            poller.wait(Some(Duration::from_secs(60)), &mut ready).unwrap();
            assert_eq!(ready, [(7, Readiness { readable: true, writable: false, hangup: false })]);
        }
        near.shutdown(Shutdown::Write).unwrap();
        poller.wait(Some(Duration::from_secs(60)), &mut ready).unwrap();
        assert!(!ready[0].1.hangup, "it can still be written to");
        drop(near);
        poller.wait(Some(Duration::from_secs(60)), &mut ready).unwrap();
        assert!(ready[0].1.hangup);
        poller.remove(&far).unwrap();
        assert!(poller.remove(&far).is_err());
    }

    #[test]
    fn both_directions_are_one_piece_of_news_and_the_end_is_told_to_who_wants_neither() {
        let mut poller = Poller::new().unwrap();
        let (mut near, far) = UnixStream::pair().unwrap();
        near.write_all(b"x").unwrap();
        poller.add(&far, 7, Interest { read: true, write: true, priority: false }).unwrap();
        let mut ready = Vec::new();
        poller.wait(Some(Duration::from_secs(60)), &mut ready).unwrap();
        assert_eq!(ready, [(7, Readiness { readable: true, writable: true, hangup: false })]);
        poller.modify(&far, 7, Interest::default()).unwrap();
        poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
        assert!(ready.is_empty(), "{ready:?}");
        drop(near);
        poller.wait(Some(Duration::from_secs(60)), &mut ready).unwrap();
        assert!(ready[0].1.hangup);
    }
}
