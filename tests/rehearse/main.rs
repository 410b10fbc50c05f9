//! Rehearsals of real scripts: what they ask for is written down, and nothing of it happens to the machine.

mod compared;
mod harmless;
mod play;
mod proven;
mod recorded;
mod stacked;
mod world;
