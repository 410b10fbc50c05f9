//! Deaths at any moment: whatever is killed, one copy comes back and no stray process is left.

use std::collections::BTreeSet;

use svc::wire::StateName;
use svc_platform::process;

use crate::harness::{Daemon, rounds, shell, signal, until};

const ROUNDS: usize = 24;

/// xorshift64*: the same deaths each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides as u64) as usize
    }
}

/// Every process that carries this word in its command line.
fn marked(word: &str) -> BTreeSet<i32> {
    let mine = |pid: &i32| process::facts(*pid).is_ok_and(|facts| !facts.is_zombie() && facts.command().contains(word));
    process::list().unwrap().into_iter().filter(mine).collect()
}

fn kill_at_random(flags: &[&'static str], place: &str) {
    // The same test may be run beside this one.
    let word = &format!("marked-for-death-in-{place}-{}", std::process::id());
    let mut daemon = Daemon::new(flags);
    // A main process, a child, and one that has left the session and lost its parent.
    let child = format!("sh -c ': {word}; sleep 1000; :' &");
    let script = format!(": {word}; ({{setsid}} {child}) ; {child} while :; do sleep 1 & wait $!; done");
    daemon.define(
        "web",
        &format!(
            "{}\n[restart]\nwhen = \"always\"\nlimit = 0\ndelay = \"1ms\"\nmax-delay = \"20ms\"\n",
            shell(&script)
        ),
    );
    daemon.start();
    daemon.up("web");
    let mut dice = Dice(0x5EED);
    for round in rounds(ROUNDS) {
        // A second copy or a stray would make them more, for good.
        let tree: BTreeSet<i32> = until("three processes", || {
            let tree = marked(word);
            (tree.len() == 3 && daemon.summary("web").state == StateName::Up).then_some(tree)
        });
        let main = daemon.pid("web");
        match dice.roll(3) {
            0 => signal(main, 9),
            1 => tree.iter().for_each(|pid| signal_if_there(*pid)),
            _ => {
                // A child alone changes nothing for its service.
                let child = *tree.iter().filter(|pid| **pid != main).nth(dice.roll(2)).unwrap();
                signal_if_there(child);
                until("the child is gone", || (!marked(word).contains(&child)).then_some(()));
                assert_eq!(daemon.pid("web"), main, "round {round}");
                signal(main, 9);
            }
        }
        until("another main process", || (daemon.summary("web").pid.is_some_and(|pid| pid != main)).then_some(()));
        // A pid may be given to somebody else meanwhile: what counts is the mark.
        until("the old tree is gone", || marked(word).is_disjoint(&tree).then_some(()));
    }
    daemon.down("web");
    assert_eq!(marked(word), BTreeSet::new());
}

fn signal_if_there(pid: i32) {
    if let Ok(handle) = process::Handle::open(pid) {
        // It may go while it is looked at.
        let _gone = handle.signal(9);
    }
}

#[test]
fn whatever_is_killed_one_copy_comes_back_and_no_stray_is_left() {
    kill_at_random(&[], "a-cgroup");
}

#[test]
fn whatever_is_killed_one_copy_comes_back_also_without_cgroups() {
    kill_at_random(&["--no-cgroup"], "the-open");
}
