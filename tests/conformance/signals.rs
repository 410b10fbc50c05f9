//! Signals: few may stand for many, none stands for nothing, and none of ours is another's.

use svc_core::Exit;
use svc_platform::poll::{Interest, Poller};
use svc_platform::reap;
use svc_platform::signals::{Incoming, Signals};

use crate::{PATIENCE, end, line, shell, until};

/// Waits for a signal that is held back.
fn next(signals: &Signals) -> Incoming {
    let mut poller = Poller::new().unwrap();
    poller.add(signals, 0, Interest::READ).unwrap();
    until("a signal", || {
        poller.wait(Some(PATIENCE), &mut Vec::new()).unwrap();
        signals.next().unwrap()
    })
}

pub(crate) fn signals_may_coalesce() {
    let signals = Signals::hold(&[Incoming::Usr1]).unwrap();
    while signals.next().unwrap().is_some() {}
    let us = std::process::id();
    for round in 0..2 {
        let script = format!("for n in 1 2 3 4 5 6 7 8 9 10; do kill -USR1 {us}; done");
        let (teller, _output) = shell(&script, None);
        assert_eq!(end(&teller), Exit::Code(0));
        assert_eq!(next(&signals), Incoming::Usr1, "round {round}");
        let more = std::iter::from_fn(|| signals.next().unwrap()).count();
        assert!(more <= 9, "ten signals became {}", more + 1);
        assert_eq!(signals.next().unwrap(), None);
    }
}

pub(crate) fn many_ends_become_few_signals() {
    const CHILDREN: usize = 100;
    let signals = Signals::hold(&[Incoming::Child]).unwrap();
    let children: Vec<_> = (0..CHILDREN).map(|_| shell("read line <&-; exit 0", None)).collect();
    let mut collected = 0;
    // Whoever collects all that there are at each signal has all in the end.
    until("every child", || {
        if collected == CHILDREN {
            return Some(());
        }
        assert_eq!(next(&signals), Incoming::Child);
        while reap::reap().unwrap().is_some() {
            collected += 1;
        }
        None
    });
    drop(children);
}

pub(crate) fn a_child_has_no_signal_of_ours() {
    let _held = Signals::hold(&[Incoming::Term, Incoming::Hup]).unwrap();
    let (child, mut output) = shell("echo here; exec sleep 1000", None);
    assert_eq!(line(&mut output), "here");
    child.signal(15).unwrap();
    assert_eq!(end(&child), Exit::Signal(15), "what we hold back reaches it");
}
