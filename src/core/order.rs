//! Loops in the graph: found with their whole path, broken where that is safe, reported where it is not.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::graph::{Graph, Names};
use crate::service::{Service, ServiceId};

/// Why one service comes after another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bond {
    Requires,
    /// Wanted, or ordered by a definition.
    Written,
    /// Ordered by a legacy script, whose own world passes over loops.
    Legacy,
}

/// One service whose neighbours are being looked through.
struct Visit {
    id: ServiceId,
    next: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Closed,
}

/// Takes edges away until nothing comes after itself. An edge of a script's order goes first, with a note; a loop
/// without one breaks the services on it.
pub(crate) fn break_loops(graph: &mut Graph, names: &impl Names) {
    let mut services: Vec<Option<&Service>> = vec![None; names.bound()];
    for (id, service) in names.each() {
        services[id.0 as usize] = Some(service);
    }
    let mut marks = vec![Mark::New; services.len()];
    for start in 0..services.len() {
        // Each turn either closes everything that can be reached from here, or takes one edge away.
        while marks[start] == Mark::New {
            if let Some(path) = walk(graph, &mut marks, ServiceId(start as u32)) {
                cut(graph, &services, &path);
                for mark in marks.iter_mut().filter(|mark| **mark == Mark::Open) {
                    *mark = Mark::New;
                }
            }
        }
    }
}

/// Walks down from `start`; a loop that it meets is returned as its services, each after the next.
fn walk(graph: &Graph, marks: &mut [Mark], start: ServiceId) -> Option<Vec<ServiceId>> {
    let mut path = vec![Visit { id: start, next: 0 }];
    marks[start.0 as usize] = Mark::Open;
    while let Some(visit) = path.last_mut() {
        let edges = graph.of(visit.id);
        let at = visit.next;
        visit.next += 1;
        let next = match edges.requires.get(at) {
            Some(&next) => Some(next),
            None => edges.after.get(at - edges.requires.len()).copied(),
        };
        let Some(next) = next else {
            marks[visit.id.0 as usize] = Mark::Closed;
            path.pop();
            continue;
        };
        match marks[next.0 as usize] {
            Mark::Closed => {}
            Mark::New => {
                marks[next.0 as usize] = Mark::Open;
                path.push(Visit { id: next, next: 0 });
            }
            Mark::Open => {
                let from = path.iter().position(|visit| visit.id == next).expect("an open service is on the path");
                return Some(path[from..].iter().map(|visit| visit.id).collect());
            }
        }
    }
    None
}

fn cut(graph: &mut Graph, services: &[Option<&Service>], path: &[ServiceId]) {
    let service = |id: ServiceId| services[id.0 as usize].expect("an edge joins services");
    let pairs: Vec<_> = (0..path.len()).map(|at| (path[at], path[(at + 1) % path.len()])).collect();
    let bonds: Vec<_> = pairs.iter().map(|&(from, to)| bond(graph, service(from), from, service(to), to)).collect();
    let weakest = bonds.iter().position(|&bond| bond == Bond::Legacy);
    let text = sentence(&pairs, &bonds, &service);
    let (from, to) = pairs[weakest.unwrap_or(pairs.len() - 1)];
    if weakest.is_some() {
        graph.notes.push((
            from,
            format!("order goes in a circle: {text}; that it comes after {} is passed over", service(to).name),
        ));
    } else {
        for &id in path {
            graph.broken.entry(id).or_insert_with(|| format!("goes in a circle: {text}"));
        }
    }
    let edges = &mut graph.edges[from.0 as usize];
    edges.requires.retain(|&found| found != to);
    edges.wants.retain(|&found| found != to);
    edges.after.retain(|&found| found != to);
}

fn bond(graph: &Graph, from: &Service, id: ServiceId, to: &Service, target: ServiceId) -> Bond {
    if graph.of(id).requires.contains(&target) {
        return Bond::Requires;
    }
    let says = |list: &[crate::Name], other: &Service| {
        list.iter().any(|name| *name == other.name || other.links.provides.contains(name))
    };
    let written = |service: &Service| !service.is_script();
    let native = (written(from) && (says(&from.links.after, to) || says(&from.links.wants, to)))
        || (written(to) && says(&to.links.before, from));
    if native { Bond::Written } else { Bond::Legacy }
}

fn sentence<'a>(
    pairs: &[(ServiceId, ServiceId)],
    bonds: &[Bond],
    service: &impl Fn(ServiceId) -> &'a Service,
) -> String {
    let parts: Vec<String> = pairs
        .iter()
        .zip(bonds)
        .map(|(&(from, to), bond)| {
            let verb = match bond {
                Bond::Requires => "requires",
                Bond::Written | Bond::Legacy => "comes after",
            };
            format!("{} {verb} {}", service(from).name, service(to).name)
        })
        .collect();
    parts.join(", ")
}
