//! What svcd builds on, asked of the system it runs on: one test for each promise that platform makes, the same on
//! every system. There is one thread, so that signals can be held back. `conformance WORD` runs the promises whose
//! names have that word.

mod boots;
mod events;
mod facts;
mod processes;
mod signals;
#[path = "../aloud/skipped.rs"]
mod skipped;
mod trees;

use std::ffi::CString;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::fd::AsFd;
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use skipped::skipped;
use svc_core::Exit;
use svc_platform::process::Handle;
use svc_platform::spawn::{Kin, Spawner};
use svc_platform::tree::Tree;
use svc_platform::{Launch, reap};

/// How long a fact is waited for; a system that keeps its promises takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// A promise and what holds the system to it.
type Promise = (&'static str, fn());

const PROMISES: &[Promise] = &[
    ("the exit of a child is told once and collected once", processes::an_exit_is_seen_once),
    ("the exit of another's child is told, too", processes::the_exit_of_a_non_child_is_seen),
    ("who has ended before he is watched is told all the same", processes::who_ended_before_is_told),
    ("a storm of forks loses no exit and mixes up none", processes::a_fork_storm_loses_no_exit),
    ("a handle is for one process, not for its number", processes::a_handle_is_for_one_process),
    ("a launch that fails leaves no child and names its step", processes::a_failed_launch_leaves_no_child),
    ("signals that come at once are told at least once, and later ones again", signals::signals_may_coalesce),
    ("many children that end at once are all collected", signals::many_ends_become_few_signals),
    ("held signals do not reach what is launched", signals::a_child_has_no_signal_of_ours),
    ("the number of a closed descriptor brings no old news", events::a_reused_number_brings_no_old_news),
    ("what is not read is told again", events::what_is_not_read_is_told_again),
    ("a wait lasts as long as it was told and ends with news", events::a_wait_lasts_as_told),
    ("the clock does not go back", events::the_clock_does_not_go_back),
    ("a directory tells what comes into it", events::a_directory_tells_what_comes),
    ("a lock ends with its holder", events::a_lock_ends_with_its_holder),
    ("a daemon that forked twice is of its tree and is killed with it", trees::a_double_forker_is_killed),
    ("who forks while he is killed is killed", trees::a_fork_storm_is_killed),
    ("the next manager knows a tree, and kills it whole", trees::the_next_manager_knows_a_tree),
    ("a tree is empty when its last process has ended, not before", trees::a_tree_is_empty_at_its_end),
    ("two trees do not touch each other", trees::trees_are_apart),
    ("a boot that differs from what was recorded is told", boots::a_boot_that_differs_is_told),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if words.first().is_some_and(|word| word == "facts") {
        return facts::replay(&words[1..]);
    }
    if words.first().is_some_and(|word| word == "place") {
        return facts::place(&words[1..]);
    }
    reap::adopt_orphans().expect("orphans can be adopted");
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let mut broken = 0;
    for (name, hold) in PROMISES.iter().filter(|(name, _)| wanted(name)) {
        let begun = Instant::now();
        let kept = catch_unwind(hold).is_ok();
        broken += u32::from(!kept);
        println!("promise: {name} ... {} ({} ms)", if kept { "kept" } else { "BROKEN" }, begun.elapsed().as_millis());
    }
    println!("conformance: {} promises, {broken} broken", PROMISES.len());
    if broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// `/bin/sh -c SCRIPT`, launched as our child, as the first process of a tree if one is given; what it prints can be
/// read.
fn shell(script: &str, tree: Option<&Tree>) -> (Handle, BufReader<PipeReader>) {
    let (reader, writer) = pipe().unwrap();
    let arguments = ["sh", "-c", script].map(|word| CString::new(word).unwrap()).to_vec();
    let mut launch = Launch::new(c"/bin/sh".to_owned(), arguments);
    launch.environment = vec![c"PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned()];
    launch.stdout = Some(writer.as_fd());
    if let Some(tree) = tree {
        launch.environment.push(CString::new(tree.environment()).unwrap());
        launch.tree = tree.door();
    }
    let handle = Spawner::new().unwrap().spawn(&launch, Kin::Child).unwrap();
    (handle, BufReader::new(reader))
}

fn line(reader: &mut BufReader<PipeReader>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Looks again until there is an answer.
fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} in vain: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// Waits for the end of a child of ours and collects it.
fn end(handle: &Handle) -> Exit {
    until(&format!("the end of {}", handle.pid()), || reap::reap_one(handle.pid()).unwrap())
}
