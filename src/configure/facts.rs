//! What the machine says of itself.

use std::collections::BTreeMap;
use std::env;
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
