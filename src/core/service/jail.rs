//! The jail of a service.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::name::Name;

/// A jail that is made for each run and removed with everything in it. Table: `[jail]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jail {
    /// What it sees as `/`; empty: the whole file system. Key: `path`.
    pub path: String,
    /// Empty: that of the host. Key: `hostname`.
    pub hostname: String,
    /// Key: `ip4`.
    pub ip4: Network,
    /// Key: `ip6`.
    pub ip6: Network,
    /// It has network interfaces of its own. Key: `vnet`.
    pub vnet: bool,
    /// Other parameters of jail(8), `NAME` or `NAME=VALUE`. Key: `options`.
    pub options: Vec<String>,
    /// Key: `devfs-ruleset`.
    pub devfs_ruleset: Option<i32>,
    /// Key: `securelevel`.
    pub securelevel: Option<i32>,
    /// How many jails it may make. Key: `children`.
    pub children: i32,
}

/// What a jail has of a version of the internet protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Nothing.
    #[default]
    Disable,
    /// All that the host has.
    Inherit,
    /// These addresses of the host's, the first one its own.
    Own(Vec<String>),
}

impl Jail {
    /// What the jail of this service is called: in the names of jails a dot stands between parent and child.
    pub fn name(service: &Name) -> String {
        let mut name = String::from("svc-");
        name.extend(service.as_str().chars().map(|found| if found == '.' { '_' } else { found }));
        name
    }

    /// Whether it sees another `/` than the host.
    pub fn has_own_root(&self) -> bool {
        !matches!(self.path.as_str(), "" | "/")
    }
}
