//! `svcd` with real processes: started, told, killed, replaced; every fact is waited for, none is slept for.

mod access;
mod actors;
mod classes;
mod commands;
mod crashes;
mod deaths;
mod doors;
mod ends;
mod files;
mod foresight;
mod harness;
mod initd;
mod jails;
mod lent;
mod lives;
mod odd_scripts;
mod options;
mod placement;
mod rc_conf;
mod readiness;
mod scripts;
mod shim;
mod socket;
mod switched;
mod trees;
mod verbs;
