//! The controllers that limit trees: turned on from the cgroup we are in down to them.

use std::fs;
use std::io;
use std::path::Path;

use super::super::process;
use super::{LEAF, Place, write};

/// What limits trees.
const WANTED: [&str; 3] = ["memory", "pids", "cpu"];
/// How often processes of ours are looked for in the way; each look may meet one that is just born.
const TRIES: usize = 5;

/// Turns on what is to be had. Best effort: a service that asks for a limit that cannot be set is told so when it asks.
///
/// Only the root of the hierarchy may have processes beside cgroups with controllers. Anywhere else our own processes
/// move into the leaf that is for them; where others are in the way, or nothing is to be had, all stay where they are.
///
/// Source: cgroups(7), "no internal processes".
pub(in super::super) fn turn_on(place: &Place) {
    let Some(base) = place.base() else { return };
    if !has_any(base) {
        return;
    }
    let leaf = place.directory.join(LEAF);
    // Looked at again after each move: one may have been born there meanwhile.
    if (0..TRIES).any(|_| is_free(base) || !retreat(base, &leaf)) && is_free(base) {
        let below = place.directory.parent().into_iter().chain([place.directory.as_path()]);
        [base].into_iter().chain(below).for_each(offer);
    }
}

/// Whether nobody is in the way. Where somebody is, some controllers are not refused, but make the cgroup one of
/// threads, below which no process can be.
fn is_free(directory: &Path) -> bool {
    is_root(directory) || pids(directory).is_ok_and(|pids| pids.is_empty())
}

/// The root of the hierarchy has no type.
fn is_root(directory: &Path) -> bool {
    !directory.join("cgroup.type").exists()
}

/// Lets those of ours that are in the leaf go back to where they came from.
///
/// # Errors
///
/// `ResourceBusy` where another instance needs the controllers; the kernel's own.
pub(super) fn go_back(place: &Place) -> io::Result<()> {
    let Some(base) = place.base() else { return Ok(()) };
    let left = pids(&place.directory.join(LEAF))?;
    if left.is_empty() {
        return Ok(());
    }
    // Where a process shall be, no controller may be on for those below; the root never minds.
    if !is_root(base) {
        for directory in place.directory.ancestors().take(3) {
            for controller in WANTED {
                let _is_off = write(&directory.join("cgroup.subtree_control"), &format!("-{controller}"));
            }
        }
    }
    left.iter().try_for_each(|pid| enter(base, pid))
}

/// Whether any is to be had here.
fn has_any(directory: &Path) -> bool {
    let all = fs::read_to_string(directory.join("cgroup.controllers")).unwrap_or_default();
    all.split_whitespace().any(|controller| WANTED.contains(&controller))
}

/// Turns on what is to be had for the cgroups below.
fn offer(directory: &Path) {
    let all = fs::read_to_string(directory.join("cgroup.controllers")).unwrap_or_default();
    for controller in all.split_whitespace().filter(|controller| WANTED.contains(controller)) {
        // One by one: what one of them is refused for is nothing to the others.
        let _refused = write(&directory.join("cgroup.subtree_control"), &format!("+{controller}"));
    }
}

/// Moves our own processes into the leaf; `false` where there are none, or others beside them.
fn retreat(base: &Path, leaf: &Path) -> bool {
    let Ok(here) = pids(base) else { return false };
    !here.is_empty() && here.iter().all(|pid| is_ours(pid)) && here.iter().all(|pid| enter(leaf, pid).is_ok())
}

/// Whether it is this process, our keeper, or another of its children; all are one program.
fn is_ours(pid: &str) -> bool {
    let (own, keeper) = (std::process::id() as i32, std::os::unix::process::parent_id() as i32);
    // One of another pid namespace is shown as 0.
    let Some(pid) = pid.parse::<i32>().ok().filter(|pid| *pid > 0) else { return false };
    let is_near = pid == own || pid == keeper || process::parent_of(pid).is_ok_and(|parent| parent == keeper);
    let program = |pid| process::program(pid).ok();
    is_near && program(pid).is_some() && program(pid) == program(own)
}

fn pids(directory: &Path) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(directory.join("cgroup.procs"))?;
    Ok(text.lines().map(String::from).collect())
}

/// One that has ended meanwhile is where it should be.
fn enter(directory: &Path, pid: &str) -> io::Result<()> {
    match write(&directory.join("cgroup.procs"), pid) {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other,
    }
}
