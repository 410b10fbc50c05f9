//! The small languages of the table `[jail]`: addresses, and parameters as jail(8) has them.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::net::{Ipv4Addr, Ipv6Addr};

use super::fault::{Complaint, shown};
use super::takes::Version;
use crate::service::Network;

/// Parameters that have a key of their own here, or are not for a service to say.
const TAKEN: &[(&str, &str)] = &[
    ("path", "write `path`"),
    ("host.hostname", "write `hostname`"),
    ("host", "write `hostname`"),
    ("ip4", "write `ip4`"),
    ("ip4.addr", "write `ip4`"),
    ("ip6", "write `ip6`"),
    ("ip6.addr", "write `ip6`"),
    ("vnet", "write vnet = true"),
    ("devfs_ruleset", "write `devfs-ruleset`"),
    ("securelevel", "write `securelevel`"),
    ("children.max", "write `children`"),
    ("name", "it is called svc- and the name of the service"),
    ("jid", "the system gives it a number"),
    ("persist", "it ends with its service"),
    ("nopersist", "it ends with its service in any case"),
];

/// What jail(8) does itself, and the system knows nothing of.
const OF_THE_TOOL: &[&str] =
    &["exec.", "mount.", "vnet.", "command", "depend", "interface", "allow.dying", "stop.timeout"];

/// Words of parameters that take one of three.
const MODES: [&str; 3] = ["disable", "new", "inherit"];

/// The words that stand for no addresses, or for all.
pub(super) fn all_or_nothing(text: &str) -> Option<Network> {
    match text {
        "inherit" => Some(Network::Inherit),
        "disable" => Some(Network::Disable),
        _ => None,
    }
}

/// Reads one address.
pub(super) fn address(version: Version, text: &str) -> Result<String, Complaint> {
    let (parsed, example) = match version {
        Version::V4 => (text.parse::<Ipv4Addr>().map(|address| address.to_string()), "192.0.2.1"),
        Version::V6 => (text.parse::<Ipv6Addr>().map(|address| address.to_string()), "2001:db8::1"),
    };
    parsed.map_err(|_| {
        let complaint = Complaint::new(format!("`{}` is no such address", shown(text)));
        complaint.help(format!("write \"inherit\", \"disable\" or numeric addresses of the host: \"{example}\""))
    })
}

/// Reads one parameter.
pub(super) fn option(text: &str) -> Result<String, Complaint> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let bad = || Complaint::new(format!("`{}` is no parameter of a jail", shown(text)));
    let good = |found: char| found.is_ascii_lowercase() || found.is_ascii_digit() || "._".contains(found);
    if name.is_empty() || !name.chars().all(good) {
        return Err(bad().help("write it as jail(8) has it: \"allow.raw_sockets\", \"sysvshm=new\""));
    }
    if let Some((_, instead)) = TAKEN.iter().find(|row| row.0 == name) {
        return Err(bad().help(*instead));
    }
    if OF_THE_TOOL.iter().any(|start| name.starts_with(start)) {
        return Err(bad().help("jail(8) does this, and svc does not run it"));
    }
    match (name, value) {
        ("sysvmsg" | "sysvsem" | "sysvshm", value) if !value.is_some_and(|value| MODES.contains(&value)) => {
            Err(bad().help(format!("write \"{name}=new\", \"{name}=inherit\" or \"{name}=disable\"")))
        }
        ("enforce_statfs", value) if !matches!(value, Some("0" | "1" | "2")) => {
            Err(bad().help("write \"enforce_statfs=0\", 1 or 2"))
        }
        (name, Some(_)) if name.starts_with("allow.") => Err(bad().help(format!("write \"{name}\" alone"))),
        (_, Some("")) => Err(bad().help("write a value after the =")),
        _ => Ok(text.to_owned()),
    }
}
