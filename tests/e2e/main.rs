//! `svcd` with real processes: started, told, killed, replaced; every fact is waited for, none is slept for.

mod access;
mod actors;
mod beside;
mod classes;
mod commands;
mod crashes;
mod deaths;
mod devices;
mod doors;
mod endings;
mod ends;
mod files;
mod first;
mod floods;
mod foresight;
mod harness;
mod initd;
mod jails;
mod keys;
mod lent;
mod lives;
mod logins;
mod memory;
mod odd_scripts;
mod options;
mod placement;
#[path = "../aloud/programs.rs"]
mod programs;
mod rc_conf;
mod readiness;
mod scripts;
mod shim;
#[path = "../aloud/skipped.rs"]
mod skipped;
mod socket;
mod stages;
mod switched;
mod trees;
mod verbatim;
mod verbs;
