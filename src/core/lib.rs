//! The decisions of `svc`: which service should run, and what to do next.
//!
//! Invariant: nothing here reads a clock, a file, a socket or a process table. `no_std` makes the compiler keep that
//! promise. Events and the time go in, actions come out.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod definition;
pub mod event;
pub mod graph;
pub mod lifecycle;
pub mod name;
mod order;
pub mod plan;
mod resolve;
pub mod run;
pub mod service;
pub mod supervisor;
pub mod time;

pub use event::{Action, Answer, Event, Request, Ticket, Who};
pub use name::{Name, NameError};
pub use run::{Exit, Job, Reach, RunId, Signal};
pub use service::{Service, ServiceId};
pub use supervisor::Supervisor;
pub use time::Time;
