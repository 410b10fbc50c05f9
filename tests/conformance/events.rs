//! News of descriptors, time, directories and locks.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use svc_platform::clock;
use svc_platform::files::Lock;
use svc_platform::poll::{Interest, Poller};
use svc_platform::watch::Watcher;

use crate::{PATIENCE, end, line, shell};

fn tokens(poller: &mut Poller, timeout: Duration) -> Vec<u64> {
    let mut ready = Vec::new();
    poller.wait(Some(timeout), &mut ready).unwrap();
    ready.into_iter().map(|(token, _)| token).collect()
}

pub(crate) fn a_reused_number_brings_no_old_news() {
    let mut poller = Poller::new().unwrap();
    let (mut near, far) = UnixStream::pair().unwrap();
    poller.add(&far, 1, Interest::READ).unwrap();
    near.write_all(b"x").unwrap();
    poller.remove(&far).unwrap();
    let number = far.as_fd().as_raw_fd();
    drop(far);
    let mut held = Vec::new();
    let (mut near, far) = loop {
        let (near, far) = UnixStream::pair().unwrap();
        if far.as_raw_fd() == number {
            break (near, far);
        }
        if near.as_raw_fd() == number {
            break (far, near);
        }
        held.push((near, far));
        assert!(held.len() < 100, "the number {number} is not given again");
    };
    poller.add(&far, 2, Interest::READ).unwrap();
    assert_eq!(tokens(&mut poller, Duration::ZERO), [] as [u64; 0]);
    near.write_all(b"y").unwrap();
    assert_eq!(tokens(&mut poller, PATIENCE), [2]);
}

pub(crate) fn what_is_not_read_is_told_again() {
    let mut poller = Poller::new().unwrap();
    let (mut near, mut far) = UnixStream::pair().unwrap();
    poller.add(&far, 4, Interest::READ).unwrap();
    near.write_all(b"two").unwrap();
    for _ in 0..3 {
        assert_eq!(tokens(&mut poller, PATIENCE), [4]);
    }
    far.read_exact(&mut [0; 3]).unwrap();
    assert_eq!(tokens(&mut poller, Duration::ZERO), [] as [u64; 0]);
}

pub(crate) fn a_wait_lasts_as_told() {
    let mut poller = Poller::new().unwrap();
    for wanted in [0, 1, 20, 200].map(Duration::from_millis) {
        let begun = Instant::now();
        assert!(tokens(&mut poller, wanted).is_empty());
        assert!(begun.elapsed() >= wanted, "{:?} of {wanted:?}", begun.elapsed());
        assert!(begun.elapsed() < wanted + PATIENCE);
    }
    let (mut near, far) = UnixStream::pair().unwrap();
    poller.add(&far, 5, Interest::READ).unwrap();
    near.write_all(b"x").unwrap();
    let begun = Instant::now();
    assert_eq!(tokens(&mut poller, PATIENCE), [5]);
    assert!(begun.elapsed() < PATIENCE, "news do not wait for the end of the time");
}

pub(crate) fn the_clock_does_not_go_back() {
    let mut last = clock::now();
    for _ in 0..100_000 {
        let now = clock::now();
        assert!(now >= last);
        last = now;
    }
    assert_eq!(clock::boot_id().unwrap(), clock::boot_id().unwrap());
}

pub(crate) fn a_directory_tells_what_comes() {
    let dir = tempfile::tempdir().unwrap();
    let mut watcher = Watcher::new().unwrap();
    watcher.watch(dir.path()).unwrap();
    let mut poller = Poller::new().unwrap();
    poller.add(&watcher, 6, Interest::READ).unwrap();
    assert!(tokens(&mut poller, Duration::ZERO).is_empty());
    let file = dir.path().join("web.pid");
    for text in ["1", "2"] {
        // The second is the same file written anew.
        fs::write(&file, text).unwrap();
        assert_eq!(tokens(&mut poller, PATIENCE), [6], "{text}");
        watcher.drain().unwrap();
        watcher.watch(dir.path()).unwrap();
        watcher.watch_file(&file).unwrap();
        assert!(tokens(&mut poller, Duration::ZERO).is_empty(), "{text}");
    }
    fs::write(dir.path().join("new"), "3").unwrap();
    fs::rename(dir.path().join("new"), &file).unwrap();
    assert_eq!(tokens(&mut poller, PATIENCE), [6]);
}

pub(crate) fn a_lock_ends_with_its_holder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lock");
    let lock = Lock::take(&path).unwrap();
    assert!(Lock::take(&path).is_err(), "one holds it");
    // A child inherits nothing of it.
    let (child, mut output) = shell("echo here; exec sleep 1000", None);
    assert_eq!(line(&mut output), "here");
    drop(lock);
    let again = Lock::take(&path);
    assert!(again.is_ok(), "{:?}", again.err().map(|error| error.to_string()));
    child.signal(9).unwrap();
    end(&child);
}
