//! The graph of a load: links resolved from names, once, and without loops.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use crate::graph::{Edges, Graph, Names};
use crate::name::Name;
use crate::order::break_loops;
use crate::service::{Service, ServiceId};

impl Graph {
    /// Resolves the links of all services. A name stands for the service of that name, or else for those that provide
    /// it: a requirement for the first of them (enabled ones first), an order for all.
    pub fn new(names: &impl Names) -> Self {
        let mut graph = Self { edges: vec![Edges::default(); names.bound()], ..Self::default() };
        let provided = providers(names);
        for (id, service) in names.each() {
            graph.resolve(names, &provided, id, service);
        }
        graph.tidy();
        break_loops(&mut graph, names);
        graph.turn_round();
        graph
    }

    fn resolve(&mut self, names: &impl Names, provided: &Providers, id: ServiceId, service: &Service) {
        let all = |name: &Name| match names.named(name.as_str()) {
            Some(found) => vec![found],
            None => provided.get(name).cloned().unwrap_or_default(),
        };
        for name in &service.links.requires {
            match all(name).first() {
                Some(&found) if found != id => self.edges[id.0 as usize].requires.push(found),
                Some(_) => {}
                None => {
                    let place = service.origins.get("requires").map(|at| format!(" ({at})")).unwrap_or_default();
                    let text = format!("{} requires {name}, and there is no such service{place}", service.name);
                    self.broken.entry(id).or_insert(text);
                }
            }
        }
        for name in &service.links.wants {
            self.edges[id.0 as usize].wants.extend(all(name).first().filter(|&&found| found != id));
        }
        for name in service.links.after.iter().chain(&service.links.wants) {
            self.edges[id.0 as usize].after.extend(all(name).into_iter().filter(|&found| found != id));
        }
        for found in service.links.before.iter().flat_map(all).filter(|&found| found != id) {
            self.edges[found.0 as usize].after.push(id);
        }
        for found in service.links.conflicts.iter().flat_map(all).filter(|&found| found != id) {
            self.edges[id.0 as usize].conflicts.push(found);
            self.edges[found.0 as usize].conflicts.push(id);
        }
    }

    /// Sorts, and drops an order that a requirement says already.
    fn tidy(&mut self) {
        for edges in &mut self.edges {
            for list in [&mut edges.requires, &mut edges.wants, &mut edges.after, &mut edges.conflicts] {
                list.sort_unstable();
                list.dedup();
            }
            let Edges { requires, after, .. } = edges;
            after.retain(|found| requires.binary_search(found).is_err());
        }
    }

    fn turn_round(&mut self) {
        for at in 0..self.edges.len() {
            let id = ServiceId(at as u32);
            for required in self.edges[at].requires.clone() {
                self.edges[required.0 as usize].dependents.push(id);
            }
            for earlier in self.edges[at].after.clone() {
                self.edges[earlier.0 as usize].followers.push(id);
            }
        }
    }
}

type Providers = BTreeMap<Name, Vec<ServiceId>>;

fn providers(names: &impl Names) -> Providers {
    let mut provided: BTreeMap<Name, Vec<(bool, &Name, ServiceId)>> = BTreeMap::new();
    for (id, service) in names.each() {
        for name in &service.links.provides {
            provided.entry(name.clone()).or_default().push((!service.enabled.on, &service.name, id));
        }
    }
    let in_order = |mut found: Vec<(bool, &Name, ServiceId)>| {
        found.sort_unstable();
        found.into_iter().map(|(_, _, id)| id).collect()
    };
    provided.into_iter().map(|(name, found)| (name, in_order(found))).collect()
}
