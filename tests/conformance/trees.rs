//! Trees: everything a launch leads to, found again and ended whole.

use std::io::{BufReader, PipeReader};

use svc_platform::process::{self, Handle};
use svc_platform::reap;
use svc_platform::tree::{Forest, Tree};

use crate::{line, shell, skipped, until};

/// Forks twice, leaves its session and cleans its environment, beside a plain child.
const ESCAPER: &str = include_str!("../../platform/tests/escaper.sh");

fn instance(name: &str) -> String {
    format!("conformance-{name}-{}", std::process::id())
}

/// The forest of this system; `None`, said aloud, where the kernel does not know which processes are whose.
fn forest(name: &str) -> Option<Forest> {
    let forest = Forest::open(&instance(name)).unwrap();
    if !forest.is_tight() {
        skipped(name, forest.tracking());
        return None;
    }
    Some(forest)
}

fn plant(tree: &mut Tree, script: &str) -> (Handle, BufReader<PipeReader>) {
    let planted = shell(script, Some(tree));
    tree.led_by(planted.0.pid(), process::start_time(planted.0.pid()).unwrap());
    planted
}

/// Collects who has ended until the tree is empty.
fn emptied(tree: &Tree) {
    until(&format!("the end of {}", tree.name()), || {
        while reap::reap().unwrap().is_some() {}
        tree.is_empty().unwrap().then_some(())
    });
}

/// Waits for what was launched first, and collects it.
fn returned(leader: &Handle) {
    until("the first process returns", || reap::reap_one(leader.pid()).unwrap());
}

pub(crate) fn a_double_forker_is_killed() {
    let Some(mut forest) = forest("double") else { return };
    let mut tree = forest.grow("web.1").unwrap();
    let (leader, mut output) = plant(&mut tree, ESCAPER);
    let mut said = [line(&mut output), line(&mut output)];
    said.sort();
    assert_eq!(said, ["child", "free"]);
    returned(&leader);
    until("two are left", || (tree.pids().unwrap().len() == 2).then_some(()));
    assert!(tree.remove().is_err(), "it is not empty");
    tree.kill().unwrap();
    emptied(&tree);
    assert_eq!(line(&mut output), "", "nobody holds the pipe any more");
    tree.remove().unwrap();
    forest.clear().unwrap();
}

pub(crate) fn a_fork_storm_is_killed() {
    let Some(mut forest) = forest("storm") else { return };
    let mut tree = forest.grow("bomb.1").unwrap();
    let script = "i=0; while [ $i -lt 1000 ]; do (sleep 1000 &); i=$((i+1)); [ $i != 20 ] || echo going; done";
    let (_leader, mut output) = plant(&mut tree, script);
    assert_eq!(line(&mut output), "going");
    tree.kill().unwrap();
    emptied(&tree);
    assert_eq!(line(&mut output), "", "nobody holds the pipe any more");
    tree.remove().unwrap();
    forest.clear().unwrap();
}

pub(crate) fn the_next_manager_knows_a_tree() {
    let Some(mut first) = forest("next") else { return };
    let mut tree = first.grow("db.7").unwrap();
    // One of those that are left bears the mark by which the next manager knows them where there is no directory.
    let (leader, mut output) = plant(&mut tree, ESCAPER);
    let _both = [line(&mut output), line(&mut output)];
    returned(&leader);
    let started = process::start_time(leader.pid()).unwrap_or_default();
    let pids = until("two are left", || Some(tree.pids().unwrap()).filter(|pids| pids.len() == 2));
    drop((tree, first));
    let mut second = forest("next").expect("it was tight before");
    assert_eq!(second.standing().unwrap(), ["db.7"]);
    let mut found = second.find("db.7").unwrap().expect("it stands");
    found.led_by(leader.pid(), started);
    assert_eq!(found.pids().unwrap(), pids, "also the one that cleaned its environment");
    assert!(!found.is_empty().unwrap());
    found.kill().unwrap();
    emptied(&found);
    assert_eq!(line(&mut output), "", "nobody holds the pipe any more");
    found.remove().unwrap();
    assert!(second.standing().unwrap().is_empty());
    second.clear().unwrap();
}

pub(crate) fn a_tree_is_empty_at_its_end() {
    let Some(mut forest) = forest("end") else { return };
    let mut tree = forest.grow("job.1").unwrap();
    let (leader, mut output) = plant(&mut tree, "(sh -c 'echo $$; exec sleep 1000' &) ; exit 0");
    let child = Handle::open(line(&mut output).parse().unwrap()).unwrap();
    returned(&leader);
    assert!(!tree.is_empty().unwrap(), "one is left");
    assert_eq!(tree.pids().unwrap(), [child.pid()]);
    child.signal(15).unwrap();
    emptied(&tree);
    assert!(tree.pids().unwrap().is_empty());
    tree.remove().unwrap();
    forest.clear().unwrap();
}

pub(crate) fn trees_are_apart() {
    let Some(mut forest) = forest("apart") else { return };
    let mut trees: Vec<Tree> = ["one.1", "one.2"].map(|name| forest.grow(name).unwrap()).into();
    let planted: Vec<_> = trees
        .iter_mut()
        .map(|tree| {
            let (leader, mut output) = plant(tree, "(sh -c 'echo here; exec sleep 1000' &) ; exec sleep 1000");
            assert_eq!(line(&mut output), "here");
            (leader, output)
        })
        .collect();
    assert_eq!(trees[0].signal(15).unwrap(), 2);
    emptied(&trees[0]);
    assert_eq!(trees[1].pids().unwrap().len(), 2);
    let empty: Vec<_> = forest.empty_among(&trees).unwrap().into_iter().map(Tree::name).collect();
    assert_eq!(empty, ["one.1"]);
    trees[1].kill().unwrap();
    emptied(&trees[1]);
    drop(planted);
    trees.iter().for_each(|tree| tree.remove().unwrap());
    forest.clear().unwrap();
}
