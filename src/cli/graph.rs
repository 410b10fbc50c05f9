//! `svc graph`: who has to do with whom, as dot(1) reads it or as a picture. Read from the files; svcd need not run.

mod layout;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};
use svc_core::{Name, Service};

use super::code;
use super::out::{fail, say};
use crate::daemon::{self, glob};

/// What a graph shows.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// Names or patterns: these and all they need; none: all
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Draw it as SVG
    #[arg(long)]
    pub(crate) svg: bool,
}

/// How one service has to do with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Bond {
    Requires,
    Wants,
    After,
    Conflicts,
}

/// The services that are shown, and the bonds between them: who starts later, who starts first.
#[derive(Debug, Default)]
struct Picture {
    names: Vec<String>,
    bonds: BTreeSet<(usize, usize, Bond)>,
}

/// Carries the verb out and returns the exit code.
pub(crate) fn run(asked: &Words, places: &daemon::Options, json: bool) -> u8 {
    let plain: Vec<String> = asked.names.iter().filter(|name| !glob::is_glob(name)).cloned().collect();
    let image = daemon::loader::read(places, &plain);
    let world = World::new(&image.services);
    if let Some(unknown) = plain.iter().find(|name| world.named(name).is_empty()) {
        return fail(json, &format!("no service is called {unknown}"), code::NOT_INSTALLED);
    }
    let picture = world.picture(&asked.names);
    say(&match (asked.svg, json) {
        (true, _) => layout::svg(&picture),
        (false, true) => super::json::value("graph", as_json(&picture)),
        (false, false) => dot(&picture),
    });
    code::GOOD
}

/// All services by every name they answer to.
struct World<'a> {
    services: BTreeMap<&'a str, &'a Service>,
    provided: BTreeMap<&'a str, Vec<&'a Name>>,
}

impl<'a> World<'a> {
    fn new(services: &'a [Arc<Service>]) -> Self {
        let mut provided: BTreeMap<&str, Vec<&Name>> = BTreeMap::new();
        for service in services {
            service
                .links
                .provides
                .iter()
                .for_each(|name| provided.entry(name.as_str()).or_default().push(&service.name));
        }
        Self { services: services.iter().map(|service| (service.name.as_str(), &**service)).collect(), provided }
    }

    /// The services that a name or a pattern stands for.
    fn named(&self, name: &str) -> Vec<&'a Name> {
        if glob::is_glob(name) {
            let found = self.services.values().filter(|one| glob::matches(name, one.name.as_str()));
            return found.map(|one| &one.name).collect();
        }
        match self.services.get(name) {
            Some(service) => vec![&service.name],
            None => self.provided.get(name).cloned().unwrap_or_default(),
        }
    }

    /// These services and all that they need; without a name everything.
    fn picture(&self, asked: &[String]) -> Picture {
        let mut shown: BTreeSet<&Name> = BTreeSet::new();
        let mut open: Vec<&Name> = match asked {
            [] => self.services.values().map(|service| &service.name).collect(),
            names => names.iter().flat_map(|name| self.named(name)).collect(),
        };
        while let Some(name) = open.pop() {
            if shown.insert(name) {
                let links = &self.services[name.as_str()].links;
                open.extend(links.requires.iter().chain(&links.wants).flat_map(|name| self.named(name.as_str())));
            }
        }
        let number: BTreeMap<&Name, usize> = shown.iter().enumerate().map(|(at, name)| (*name, at)).collect();
        let mut picture = Picture { names: shown.iter().map(ToString::to_string).collect(), ..Picture::default() };
        for (name, &at) in &number {
            let links = &self.services[name.as_str()].links;
            let listed = [
                (&links.requires, Bond::Requires),
                (&links.wants, Bond::Wants),
                (&links.after, Bond::After),
                (&links.before, Bond::After),
                (&links.conflicts, Bond::Conflicts),
            ];
            for (index, (others, bond)) in listed.into_iter().enumerate() {
                let is_before = index == 3;
                for other in others.iter().flat_map(|other| self.named(other.as_str())) {
                    let Some(&other) = number.get(other).filter(|&&other| other != at) else { continue };
                    picture.bonds.insert(if is_before { (other, at, bond) } else { (at, other, bond) });
                }
            }
        }
        picture.tidy();
        picture
    }
}

impl Picture {
    /// Leaves out an order that a stronger bond says already.
    fn tidy(&mut self) {
        let strong: BTreeSet<(usize, usize)> = self
            .bonds
            .iter()
            .filter(|(_, _, bond)| matches!(bond, Bond::Requires | Bond::Wants))
            .map(|(from, to, _)| (*from, *to))
            .collect();
        self.bonds.retain(|(from, to, bond)| *bond != Bond::After || !strong.contains(&(*from, *to)));
    }
}

fn as_json(picture: &Picture) -> Value {
    let bond = |(from, to, bond): &(usize, usize, Bond)| {
        let word = match bond {
            Bond::Requires => "requires",
            Bond::Wants => "wants",
            Bond::After => "after",
            Bond::Conflicts => "conflicts",
        };
        json!({ "from": picture.names[*from], "to": picture.names[*to], "bond": word })
    };
    json!({ "services": picture.names, "bonds": picture.bonds.iter().map(bond).collect::<Vec<_>>() })
}

fn dot(picture: &Picture) -> String {
    let mut text =
        String::from("digraph services {\n    rankdir = BT;\n    node [shape = box, fontname = \"sans-serif\"];\n");
    for name in &picture.names {
        let _ = writeln!(text, "    \"{name}\";");
    }
    for (from, to, bond) in &picture.bonds {
        let style = match bond {
            Bond::Requires => "",
            Bond::Wants => " [style = dashed]",
            Bond::After => " [style = dotted]",
            Bond::Conflicts => " [color = red, dir = none, constraint = false]",
        };
        let _ = writeln!(text, "    \"{}\" -> \"{}\"{style};", picture.names[*from], picture.names[*to]);
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use svc_core::service::Kind;

    use super::*;

    fn service(name: &str, change: impl Fn(&mut Service)) -> Arc<Service> {
        let mut service = Service::new(Name::new(name).unwrap(), Kind::Process);
        change(&mut service);
        Arc::new(service)
    }

    fn names(list: &[&str]) -> Vec<Name> {
        list.iter().map(|name| Name::new(name).unwrap()).collect()
    }

    fn world() -> Vec<Arc<Service>> {
        vec![
            service("web", |web| {
                web.links.requires = names(&["sql", "none"]);
                web.links.after = names(&["db", "log"]);
                web.links.conflicts = names(&["other"]);
            }),
            service("db", |db| {
                db.links.provides = names(&["sql"]);
                db.links.wants = names(&["log"]);
            }),
            service("log", |log| log.links.before = names(&["other"])),
            service("other", |_| {}),
        ]
    }

    #[test]
    fn a_graph_has_what_is_asked_for_and_what_it_needs() {
        let services = world();
        let picture = World::new(&services).picture(&["web".to_owned()]);
        assert_eq!(
            dot(&picture).lines().filter(|line| line.contains('"')).map(str::trim).skip(1).collect::<Vec<_>>(),
            [
                "\"db\";",
                "\"log\";",
                "\"web\";",
                "\"db\" -> \"log\" [style = dashed];",
                "\"web\" -> \"db\";",
                "\"web\" -> \"log\" [style = dotted];"
            ]
        );
        let all = World::new(&services).picture(&[]);
        assert_eq!((all.names.len(), all.bonds.len()), (4, 5));
        assert!(all.bonds.contains(&(2, 1, Bond::After)), "before turned round: {:?}", all.bonds);
    }

    #[test]
    fn a_picture_has_each_service_once_and_none_over_another_also_in_a_circle() {
        let mut services = world();
        services.push(service("a", |a| a.links.requires = names(&["b"])));
        services.push(service("b", |b| b.links.requires = names(&["a"])));
        let text = layout::svg(&World::new(&services).picture(&[]));
        for one in &services {
            assert_eq!(text.matches(&format!(">{}</text>", one.name)).count(), 1, "{text}");
        }
        let boxes: BTreeSet<&str> = text.lines().filter(|line| line.starts_with("<rect x")).collect();
        assert_eq!(boxes.len(), 6);
    }
}
