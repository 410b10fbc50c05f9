//! Who has to do with whom.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::service::{Service, ServiceId};

/// The neighbours of one service, by what binds them. All lists are sorted and without repetition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edges {
    /// What it requires.
    pub requires: Vec<ServiceId>,
    /// What it wants.
    pub wants: Vec<ServiceId>,
    /// What it starts after and stops before, by order alone or because it wants it.
    pub after: Vec<ServiceId>,
    /// What it cannot run beside; the same on both sides.
    pub conflicts: Vec<ServiceId>,
    /// Who requires it.
    pub dependents: Vec<ServiceId>,
    /// Who starts after it and stops before it.
    pub followers: Vec<ServiceId>,
}

/// All edges, and what was wrong with them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// By [`ServiceId`]; empty where there is no service.
    pub edges: Vec<Edges>,
    /// Services that cannot start as they are written, and why, in one sentence.
    pub broken: BTreeMap<ServiceId, String>,
    /// What was passed over: order among scripts that went in a circle.
    pub notes: Vec<(ServiceId, String)>,
}

/// The services that the edges are made for.
pub trait Names {
    /// Every service.
    fn each(&self) -> impl Iterator<Item = (ServiceId, &Service)>;
    /// The service of this name.
    fn named(&self, name: &str) -> Option<ServiceId>;
    /// One more than the highest id.
    fn bound(&self) -> usize;
}

impl Graph {
    /// The neighbours of one service.
    pub fn of(&self, id: ServiceId) -> &Edges {
        &self.edges[id.0 as usize]
    }
}
