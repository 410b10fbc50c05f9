//! What the machine says of itself.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;

use minijinja::Value;
use svc_core::Service;
use svc_platform::host;
use sysinfo::{Networks, System};

/// The facts of one machine, looked at once.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// Its name.
    pub(crate) name: String,
    all: BTreeMap<String, Value>,
}

impl Facts {
    /// Looks at this machine.
    ///
    /// # Errors
    ///
    /// It has no name.
    pub(crate) fn look() -> io::Result<Self> {
        let name = host::name()?;
        let mut system = System::new();
        system.refresh_memory();
        system.refresh_cpu_list(sysinfo::CpuRefreshKind::nothing());
        let all = [
            ("name", Value::from(name.as_str())),
            ("fqdn", Value::from(full_name(&name, &fs::read_to_string(HOSTS).unwrap_or_default()))),
            ("system", Value::from(env::consts::OS)),
            ("os", Value::from(System::distribution_id())),
            ("version", Value::from(System::os_version().unwrap_or_default())),
            ("kernel", Value::from(System::kernel_version().unwrap_or_default())),
            ("machine", Value::from(env::consts::ARCH)),
            ("memory", Value::from(system.total_memory())),
            ("processors", Value::from(system.cpus().len().max(1) as u64)),
            ("addresses", Value::from(addresses())),
        ];
        Ok(Self { name, all: all.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() })
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Value> {
        self.all.clone()
    }
}

/// Where a machine keeps names with their domains without asking anybody.
const HOSTS: &str = "/etc/hosts";

/// A name with its domain: as it is, or as the first line of hosts(5) has it that knows the name. No name server is
/// asked: files are made at boot, before there is a network, and must not wait for one.
fn full_name(name: &str, hosts: &str) -> String {
    if name.contains('.') {
        return name.to_owned();
    }
    let lines = hosts.lines().map(|line| line.split('#').next().unwrap_or_default());
    let mut names = lines.map(|line| line.split_whitespace().skip(1));
    let is_ours = |found: &&str| found.split_once('.').is_some_and(|(host, _)| host.eq_ignore_ascii_case(name));
    let found = names.find_map(|mut line| line.find(is_ours));
    found.unwrap_or(name).to_owned()
}

/// The addresses of each interface, in an order that stays.
fn addresses() -> BTreeMap<String, Vec<String>> {
    let networks = Networks::new_with_refreshed_list();
    let of = |data: &sysinfo::NetworkData| {
        let mut found: Vec<_> = data.ip_networks().iter().map(|network| network.addr).collect();
        found.sort();
        found.dedup();
        found.iter().map(ToString::to_string).collect()
    };
    networks.iter().map(|(name, data)| (name.clone(), of(data))).collect()
}

/// The variables of this process that are text.
pub(crate) fn environment() -> BTreeMap<String, Value> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, Value::from(value.into_string().ok()?)))
    };
    env::vars_os().filter_map(text).collect()
}

/// What templates may want to know of the service they are for.
pub(crate) fn service(service: &Service) -> BTreeMap<String, Value> {
    let identity = service.exec.identity.as_ref();
    let user = identity.map_or("root", |identity| identity.user.as_str());
    let instance = service.name.instance().map_or("", |(_, instance)| instance);
    let pairs = [
        ("name", Value::from(service.name.as_str())),
        ("instance", Value::from(instance)),
        ("user", Value::from(user)),
        ("environment", Value::from(service.exec.environment.clone())),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_found_where_the_machine_says_it() {
        let hosts = "127.0.0.1 localhost localhost.localdomain\n# 10.0.0.9 www.old.example\n\
                     127.0.1.1\tWWW.example.org www # www.late.example\n10.0.0.2 www.other.example\n";
        assert_eq!(full_name("www", hosts), "WWW.example.org");
        assert_eq!(full_name("www.site.test", hosts), "www.site.test");
        assert_eq!(full_name("db", hosts), "db");
    }
}
