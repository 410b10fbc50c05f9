//! What the class of a service says where its definition says nothing.

use alloc::format;

use super::fault::{Complaint, Faults, Place};
use super::keys;
use super::syntax;
use super::takes::Takes;
use super::value::Value;
use super::written::{Entry, Written};
use crate::service::{Class, Service};

/// Defaults of classes: the class, the key as `TABLE.KEY`, its value as a definition would have it.
pub const CLASS_DEFAULTS: &[(Class, &str, &str)] = &[
    (Class::System, "smooth", "true"),
    (Class::System, "restart.limit", "0"),
    (Class::System, "restart.max-delay", "10s"),
    (Class::Network, "smooth", "true"),
    (Class::Network, "restart.limit", "0"),
    (Class::User, "stop.timeout", "30s"),
    (Class::Helper, "restart.limit", "3"),
    (Class::Helper, "stop.timeout", "10s"),
];

/// The class that is written.
pub(super) fn of(written: &Written) -> Option<Class> {
    match written.entries.get("class").map(|entry| &entry.value) {
        Some(Value::Text(word)) => Class::named(word),
        _ => None,
    }
}

/// Puts the defaults of its class into a service, those that mean something for its kind, before what is written.
pub(super) fn apply(service: &mut Service, written: &Written, put: fn(&mut Service, &str, &Entry)) {
    let Some(class) = of(written) else { return };
    service.class = class;
    for (_, path, text) in CLASS_DEFAULTS.iter().filter(|row| row.0 == class) {
        let (table, name) = path.split_once('.').unwrap_or(("", path));
        let Some(key) = keys::find(table, name).filter(|key| key.kinds.has(&service.kind)) else { continue };
        if let Some(value) = value(key.takes, text) {
            let entry = Entry { key, value, name_at: Place::default(), at: Place::default() };
            put(service, path, &entry);
            service.origins.insert(path, &format!("class {}", class.word()));
        }
    }
}

fn value(takes: Takes, text: &str) -> Option<Value> {
    match takes {
        Takes::Flag => text.parse().ok().map(Value::Flag),
        Takes::Number(..) => text.parse().ok().map(Value::Number),
        Takes::Duration(_) => syntax::duration(text).ok().map(|span| Value::Duration(Some(span))),
        _ => None,
    }
}

/// What does not go with a class.
pub(super) fn check(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    let (Some(entry), Some(class)) = (written.entries.get("class"), of(written)) else { return };
    let is_script = service.is_script();
    match (class, &service.exec.identity) {
        (Class::User, None) if !is_script && !written.spoiled.contains("user") => {
            let complaint = Complaint::new("a service of class = \"user\" needs a `user`");
            faults.error(&entry.at, complaint.help("say who it runs as: user = \"www-data\""));
        }
        (Class::User, Some(identity)) if identity.user == "root" || identity.user == "0" => {
            let place = written.entries.get("user").map_or(&entry.at, |entry| &entry.at);
            let complaint = Complaint::new("a service of class = \"user\" does not run as root");
            faults.error(place, complaint.help("name another user, or another class"));
        }
        (Class::Helper, _) if service.enabled.on => {
            let place = written.entries.get("enabled").map_or(&entry.at, |entry| &entry.at);
            let complaint = Complaint::new("a helper is started when others need it, and not at boot");
            faults.error(place, complaint.help("leave `enabled` out, or write another class"));
        }
        (Class::System | Class::Network | Class::Service | Class::User | Class::Helper, _) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_of_a_class_is_a_value_of_its_key_and_differs_from_the_common_one() {
        for (class, path, text) in CLASS_DEFAULTS {
            let (table, name) = path.split_once('.').unwrap_or(("", path));
            let key = keys::find(table, name).unwrap_or_else(|| panic!("no key {path}"));
            assert!(value(key.takes, text).is_some(), "{class:?}: {path} = {text}");
            assert_ne!(key.default, *text, "{class:?}: {path}");
        }
        let words: alloc::vec::Vec<&str> = Class::ALL.iter().map(|row| row.1).collect();
        assert_eq!(words, keys::CLASSES);
    }
}
