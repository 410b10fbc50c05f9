//! The table `[jail]`: where its values go, and what contradicts itself in it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use super::fault::{Complaint, Faults, shown};
use super::value::Value;
use super::written::Written;
use crate::service::{Jail, Network, Service};

/// Puts one value in its place.
pub(super) fn put(service: &mut Service, path: &str, value: Value) {
    let jail = service.exec.jail.get_or_insert_default();
    let number = |number: i64| i32::try_from(number).unwrap_or(0);
    match (path, value) {
        ("jail.path", Value::Text(path)) => jail.path = if path == "/" { String::new() } else { path },
        ("jail.hostname", Value::Text(name)) => jail.hostname = name,
        ("jail.ip4", Value::Network(network)) => jail.ip4 = network,
        ("jail.ip6", Value::Network(network)) => jail.ip6 = network,
        ("jail.vnet", Value::Flag(on)) => jail.vnet = on,
        ("jail.options", Value::Texts(options)) => jail.options = options,
        ("jail.devfs-ruleset", Value::Number(ruleset)) => jail.devfs_ruleset = Some(number(ruleset)),
        ("jail.securelevel", Value::Number(level)) => jail.securelevel = Some(number(level)),
        ("jail.children", Value::Number(most)) => jail.children = number(most),
        (path, value) => debug_assert!(false, "{path} has no place for {value:?}"),
    }
}

/// What a jail of its own network cannot have; names that are none.
pub(super) fn check(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    let Some(jail) = &service.exec.jail else { return };
    for (key, network) in [("jail.ip4", &jail.ip4), ("jail.ip6", &jail.ip6)] {
        if let (Some(entry), true, true) = (written.entries.get(key), jail.vnet, *network != Network::Disable) {
            let complaint = Complaint::new("a jail with network interfaces of its own has no addresses of the host's");
            faults.error(&entry.name_at, complaint.help("leave it out, or `vnet`"));
        }
    }
    if let (Some(entry), true) = (written.entries.get("jail.hostname"), jail.hostname.contains(char::is_whitespace)) {
        faults.error(&entry.at, Complaint::new(format!("`{}` is no name of a host", shown(&jail.hostname))));
    }
}

/// The value of one key as a file would have it; nothing where the default holds.
pub(super) fn told(jail: &Jail, path: &str) -> Option<String> {
    let network = |network: &Network| match network {
        Network::Disable => None,
        Network::Inherit => Some("inherit".to_owned()),
        Network::Own(addresses) => Some(addresses.join(" ")),
    };
    match path {
        "jail.path" => Some(jail.path.clone()),
        "jail.hostname" => Some(jail.hostname.clone()),
        "jail.ip4" => network(&jail.ip4),
        "jail.ip6" => network(&jail.ip6),
        "jail.vnet" => Some(jail.vnet.to_string()),
        "jail.options" => Some(jail.options.join(" ")),
        "jail.devfs-ruleset" => jail.devfs_ruleset.map(|ruleset| ruleset.to_string()),
        "jail.securelevel" => jail.securelevel.map(|level| level.to_string()),
        "jail.children" => Some(jail.children.to_string()),
        _ => None,
    }
}
