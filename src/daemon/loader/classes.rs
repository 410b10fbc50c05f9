//! The order between classes: the system first, then the network, then the rest; what is written goes before that.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::Name;
use svc_core::service::Service;

/// Who starts after whom.
pub(super) type Order = BTreeMap<Name, BTreeSet<Name>>;

/// Lets services whose definitions name a class start after those of an earlier one, unless that contradicts what is
/// written: then the class gives way.
pub(super) fn order(services: &mut BTreeMap<Name, Service>) {
    let tiers: Vec<(Name, u8)> = services
        .values()
        .filter(|service| service.origins.contains_key("class"))
        .filter_map(|service| Some((service.name.clone(), service.class.tier()?)))
        .collect();
    if tiers.is_empty() {
        return;
    }
    let mut order = written(services);
    for (name, tier) in &tiers {
        for (earlier, _) in tiers.iter().filter(|(_, other)| other < tier) {
            if !comes_after(&order, earlier, name) && order.entry(name.clone()).or_default().insert(earlier.clone()) {
                let links = services.get_mut(name).map(|service| &mut service.links);
                links.into_iter().for_each(|links| links.after.push(earlier.clone()));
            }
        }
    }
}

/// The order that definitions write down.
pub(super) fn written(services: &BTreeMap<Name, Service>) -> Order {
    let mut provided: BTreeMap<&Name, Vec<&Name>> = BTreeMap::new();
    for service in services.values() {
        super::names_of(service).for_each(|name| provided.entry(name).or_default().push(&service.name));
    }
    let mut order = Order::new();
    let meant = |name: &Name| provided.get(name).into_iter().flatten().map(|name| (*name).clone()).collect::<Vec<_>>();
    for service in services.values() {
        let links = &service.links;
        for earlier in links.after.iter().chain(&links.requires).flat_map(meant) {
            order.entry(service.name.clone()).or_default().insert(earlier);
        }
        for later in links.before.iter().flat_map(meant) {
            order.entry(later).or_default().insert(service.name.clone());
        }
    }
    order
}

/// Whether one starts after another, all the way down.
pub(super) fn comes_after(order: &Order, one: &Name, other: &Name) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![one];
    while let Some(next) = open.pop() {
        if next == other {
            return true;
        }
        if seen.insert(next) {
            open.extend(order.get(next).into_iter().flatten());
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::service::{Class, Kind};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn service(text: &str, class: Option<Class>, after: &[&str]) -> (Name, Service) {
        let mut service = Service::new(name(text), Kind::Process);
        service.links.after = after.iter().map(|text| name(text)).collect();
        if let Some(class) = class {
            service.class = class;
            service.origins.insert("class", "x:1");
        }
        (name(text), service)
    }

    fn after(services: &BTreeMap<Name, Service>, of: &str) -> String {
        services[of].links.after.iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_class_comes_after_the_earlier_ones_and_gives_way_to_what_is_written() {
        let mut all = BTreeMap::from([
            service("udev", Some(Class::System), &[]),
            service("clock", Some(Class::System), &["dhcp"]),
            service("dhcp", Some(Class::Network), &[]),
            service("web", Some(Class::Service), &[]),
            service("mail", Some(Class::User), &[]),
            service("agent", Some(Class::Helper), &[]),
            service("plain", None, &[]),
        ]);
        order(&mut all);
        assert_eq!(after(&all, "udev"), "");
        assert_eq!(after(&all, "dhcp"), "udev", "the clock says that it comes after");
        assert_eq!(after(&all, "web"), "clock dhcp udev");
        assert_eq!(after(&all, "mail"), "clock dhcp udev");
        assert_eq!((after(&all, "agent"), after(&all, "plain")), (String::new(), String::new()));
    }

    #[test]
    fn two_that_give_way_make_no_circle() {
        let mut all = BTreeMap::from([
            service("a", Some(Class::System), &["m"]),
            service("b", Some(Class::System), &["n"]),
            service("m", Some(Class::Network), &[]),
            service("n", Some(Class::Network), &[]),
        ]);
        order(&mut all);
        let order = written(&all);
        let mut pairs = order.iter().flat_map(|(one, earlier)| earlier.iter().map(move |earlier| (one, earlier)));
        assert!(pairs.all(|(one, earlier)| !comes_after(&order, earlier, one)), "{order:?}");
        assert_eq!((after(&all, "m"), after(&all, "n")), ("b".into(), String::new()));
    }
}
