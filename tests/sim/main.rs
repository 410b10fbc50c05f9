//! The simulator: random worlds, virtual time, real decisions.
//!
//! Each world is a machine with a few services, a storm of requests, failures, reloads and manager crashes, then calm
//! weather, then the end. `SVC_SEED=n` plays world n alone and says what happens in it; `SVC_WORLDS=n` plays so many.

mod calm;
mod clients;
mod dice;
mod machine;
mod plans;
mod reasons;
mod safety;
mod services;
mod settled;
mod storm;
mod world;

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use world::{Totals, World};

/// How many worlds the gate plays.
const WORLDS: u64 = 10_000;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} must be a number: {text}")))
}

fn play(seed: u64, loud: bool) -> Totals {
    let mut world = World::new(seed, loud);
    world.storm();
    world.calm();
    world.end();
    world.totals
}

/// Plays every `step`th world from `first`; the first that breaks a promise is named.
fn play_some(first: u64, step: u64, worlds: u64) -> (Totals, Option<u64>) {
    let mut totals = Totals::default();
    for seed in (first..worlds).step_by(step as usize) {
        match std::panic::catch_unwind(AssertUnwindSafe(|| play(seed, false))) {
            Ok(one) => totals.add(&one),
            Err(_) => {
                println!("world {seed} broke a promise");
                return (totals, Some(seed));
            }
        }
    }
    (totals, None)
}

#[test]
fn every_world_keeps_its_promises() {
    if let Some(seed) = number("SVC_SEED") {
        println!("world {seed}: {:?}", play(seed, true));
        return;
    }
    let worlds = number("SVC_WORLDS").unwrap_or(WORLDS);
    let begin = Instant::now();
    let hands = std::thread::available_parallelism().map_or(1, |found| found.get() as u64);
    let players: Vec<_> = (0..hands).map(|first| std::thread::spawn(move || play_some(first, hands, worlds))).collect();
    let mut totals = Totals::default();
    let mut failed = None;
    for player in players {
        let (some, broken) = player.join().expect("a player returns what it saw");
        totals.add(&some);
        failed = failed.into_iter().chain(broken).min();
    }
    println!("{worlds} worlds in {:.1} s: {totals:?}", begin.elapsed().as_secs_f64());
    if let Some(seed) = failed {
        panic!("a promise was broken; replay with SVC_SEED={seed} cargo test --test sim -- --nocapture");
    }
}

/// How many worlds are planned in.
const PLANS: u64 = 1_000;

#[test]
fn what_was_planned_is_what_happens() {
    if let Some(seed) = number("SVC_SEED") {
        println!("world {seed}: {} deeds, as planned", plans::play(seed, true));
        return;
    }
    let worlds = number("SVC_WORLDS").unwrap_or(PLANS);
    let begin = Instant::now();
    let mut deeds = Vec::new();
    for seed in 0..worlds {
        match std::panic::catch_unwind(|| plans::play(seed, false)) {
            Ok(count) => deeds.push(count),
            Err(_) => {
                panic!("a plan was wrong; replay with SVC_SEED={seed} cargo test --test sim -- --nocapture planned")
            }
        }
    }
    let (all, idle) = (deeds.iter().sum::<u64>(), deeds.iter().filter(|&&count| count < 2).count());
    println!("{worlds} plans in {:.1} s: {all} deeds, {idle} plans of an answer alone", begin.elapsed().as_secs_f64());
    assert!(all > worlds * 3, "the plans were empty");
}
