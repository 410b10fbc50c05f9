//! Ends of processes: told once, to the right one, whoever's child it was.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::time::Duration;

use svc_core::Exit;
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::{self, Handle};
use svc_platform::spawn::{Kin, Spawner};
use svc_platform::{Launch, reap};

use crate::{PATIENCE, end, line, shell, until};

/// Waits until the poller tells of this token.
fn told(poller: &mut Poller, token: u64) {
    let mut ready = Vec::new();
    until("news", || {
        poller.wait(Some(PATIENCE), &mut ready).unwrap();
        ready.iter().any(|(found, _)| *found == token).then_some(())
    });
}

pub(crate) fn an_exit_is_seen_once() {
    let (child, _output) = shell("exit 7", None);
    let mut poller = Poller::new().unwrap();
    poller.add(&child, 1, Interest::READ).unwrap();
    told(&mut poller, 1);
    assert!(child.has_ended().unwrap());
    assert_eq!(reap::reap_one(child.pid()).unwrap(), Some(Exit::Code(7)));
    assert_eq!(reap::reap().unwrap(), None, "nobody is collected twice");
    assert!(child.has_ended().unwrap(), "an end is for good");
    poller.remove(&child).unwrap();
    let mut ready = Vec::new();
    poller.wait(Some(Duration::ZERO), &mut ready).unwrap();
    assert!(ready.is_empty(), "{ready:?}");

    let (child, _output) = shell("kill -TERM $$", None);
    assert_eq!(end(&child), Exit::Signal(15));
}

pub(crate) fn the_exit_of_a_non_child_is_seen() {
    let (parent, mut output) = shell("sh -c 'echo $$; exec sleep 1000' & wait; echo over; exec sleep 1000", None);
    let pid: i32 = line(&mut output).parse().unwrap();
    assert_eq!(process::facts(pid).unwrap().parent, parent.pid());
    let other = Handle::open(pid).unwrap();
    let mut poller = Poller::new().unwrap();
    poller.add(&other, 2, Interest::READ).unwrap();
    assert!(!other.has_ended().unwrap());
    other.signal(9).unwrap();
    told(&mut poller, 2);
    assert!(other.has_ended().unwrap());
    assert_eq!(line(&mut output), "over", "its parent was told as well");
    parent.signal(9).unwrap();
    assert_eq!(end(&parent), Exit::Signal(9));
}

pub(crate) fn who_ended_before_is_told() {
    let (child, mut output) = shell("exit 5", None);
    assert_eq!(line(&mut output), "");
    until("a child that has ended and is not collected", || {
        process::facts(child.pid()).unwrap().is_zombie().then_some(())
    });
    let later = Handle::open(child.pid()).unwrap();
    let mut poller = Poller::new().unwrap();
    poller.add(&later, 3, Interest::READ).unwrap();
    told(&mut poller, 3);
    assert!(later.has_ended().unwrap());
    assert_eq!(end(&child), Exit::Code(5));
    assert!(Handle::open(child.pid()).is_err(), "a collected child has no number any more");
}

pub(crate) fn a_fork_storm_loses_no_exit() {
    const CHILDREN: i32 = 300;
    let mut spawner = Spawner::new().unwrap();
    let mut wanted = BTreeMap::new();
    for n in 0..CHILDREN {
        let script = CString::new(format!("exit {}", n % 200)).unwrap();
        let launch = Launch::new(c"/bin/sh".to_owned(), vec![c"sh".to_owned(), c"-c".to_owned(), script]);
        let handle = spawner.spawn(&launch, Kin::Child).unwrap();
        wanted.insert(handle.pid(), (handle, Exit::Code(n % 200)));
    }
    let mut collected = 0;
    until("every end", || {
        while let Some(ended) = reap::reap().unwrap() {
            let (handle, exit) = wanted.remove(&ended.pid).expect("nobody is collected twice");
            assert_eq!(ended.exit, exit, "process {}", ended.pid);
            assert!(handle.has_ended().unwrap());
            collected += 1;
        }
        (collected == CHILDREN).then_some(())
    });
}

pub(crate) fn a_handle_is_for_one_process() {
    let (child, mut output) = shell("echo here; exec sleep 1000", None);
    assert_eq!(line(&mut output), "here");
    let started = process::start_time(child.pid()).unwrap();
    let same = Handle::open_exactly(child.pid(), started).unwrap();
    let another = started + Duration::from_secs(1);
    assert!(Handle::open_exactly(child.pid(), another).is_err(), "one that started at another time is another");
    same.signal(9).unwrap();
    end(&child);
    assert!(same.signal(0).is_err(), "the dead are not told anything");
    assert!(Handle::open_exactly(child.pid(), started).is_err());
}

pub(crate) fn a_failed_launch_leaves_no_child() {
    let launch = Launch::new(c"/nonexistent/program".to_owned(), vec![c"program".to_owned()]);
    let error = Spawner::new().unwrap().spawn(&launch, Kin::Child).unwrap_err();
    assert!(error.to_string().starts_with("executing /nonexistent/program: "), "{error}");
    assert_eq!(reap::reap().unwrap(), None, "what failed to begin is nobody's to collect");
}
