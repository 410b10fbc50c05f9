//! How the processes of a service are set up.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Identity, Jail};

/// How the processes of a service are set up. What is `None` stays as the daemon has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// User, groups and home, resolved by the loader. Keys: `user`, `group`, `groups`.
    pub identity: Option<Identity>,
    /// Key: `chroot`.
    pub chroot: Option<String>,
    /// Working directory. Default `/`. Key: `directory`.
    pub directory: Option<String>,
    /// Default 022. Key: `umask`.
    pub umask: Option<u32>,
    /// -20 to 19. Key: `nice`.
    pub nice: Option<i32>,
    /// -1000 to 1000; Linux only. Key: `oom-score`.
    pub oom_score: Option<i32>,
    /// The processors it runs on; empty: as svcd has it. Key: `cpuset`.
    #[serde(default)]
    pub cpuset: Vec<u32>,
    /// Empty: that of svcd; FreeBSD only. Key: `login-class`.
    #[serde(default)]
    pub login_class: String,
    /// The routing table it uses; FreeBSD only. Key: `fib`.
    #[serde(default)]
    pub fib: Option<i32>,
    /// It is not killed for want of memory; FreeBSD only. Key: `protect`.
    #[serde(default)]
    pub protect: bool,
    /// Resource limits, by the names of svc.toml(5). Table: `[limits]`.
    pub limits: BTreeMap<String, Limit>,
    /// Variables, after those of `environment_files`. Table: `[environment]`.
    pub environment: BTreeMap<String, String>,
    /// Files of `NAME=value` lines, read at each start; one with a leading `-` may be missing. Key: `environment-file`.
    pub environment_files: Vec<String>,
    /// The jail that is made for it; FreeBSD only. Table: `[jail]`.
    #[serde(default)]
    pub jail: Option<Jail>,
    /// Directories made below the system's runtime directory before start, owned by the user. Key: `runtime-directory`.
    pub runtime_directories: Vec<String>,
    /// Whose these are, if not the user's. Keys: `runtime-directory-owner`, `runtime-directory-group`.
    #[serde(default)]
    pub runtime_owner: Option<Identity>,
    /// Their permissions. Default 0755 for new ones. Key: `runtime-directory-mode`.
    #[serde(default)]
    pub runtime_mode: Option<u32>,
}

/// A resource limit; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is in force.
    pub soft: Option<u64>,
    /// Up to where the process may raise it.
    pub hard: Option<u64>,
}
