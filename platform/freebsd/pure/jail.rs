//! A jail as jail_set(2) wants it: names and values, each as bytes, one after the other in one piece.

use std::net::{Ipv4Addr, Ipv6Addr};

use svc_core::service::{Jail, Network};

/// No jail is made with more parameters.
pub(crate) const PARAMETERS_MAX: usize = 64;

/// Words for what a jail has of its own, of the host's, or not at all (`JAIL_SYS_DISABLE` and its like).
const MODES: [(&str, i32); 3] = [("disable", 0), ("new", 1), ("inherit", 2)];
const DISABLE: i32 = 0;
const NEW: i32 = 1;
const INHERIT: i32 = 2;

/// Everything this jail is made with; the text tells what cannot be said to the system.
pub(crate) fn parameters(name: &str, jail: &Jail) -> Result<Vec<u8>, String> {
    let mut to = Parameters::default();
    to.text("name", name)?;
    to.text("path", if jail.path.is_empty() { "/" } else { &jail.path })?;
    match jail.hostname.as_str() {
        "" => to.number("host", INHERIT),
        hostname => to.text("host.hostname", hostname)?,
    }
    if jail.vnet {
        to.number("vnet", NEW);
    } else {
        to.network("ip4", &jail.ip4, |text| text.parse().map(|address: Ipv4Addr| address.octets().to_vec()).ok())?;
        to.network("ip6", &jail.ip6, |text| text.parse().map(|address: Ipv6Addr| address.octets().to_vec()).ok())?;
    }
    for option in &jail.options {
        to.option(option)?;
    }
    let numbers = [("devfs_ruleset", jail.devfs_ruleset), ("securelevel", jail.securelevel)];
    numbers
        .into_iter()
        .filter_map(|(name, number)| Some((name, number?)))
        .for_each(|(name, to_be)| to.number(name, to_be));
    if jail.children > 0 {
        to.number("children.max", jail.children);
    }
    if to.count > PARAMETERS_MAX {
        return Err(format!("its jail has {} parameters, more than {PARAMETERS_MAX}", to.count));
    }
    Ok(to.bytes)
}

#[derive(Default)]
struct Parameters {
    bytes: Vec<u8>,
    count: usize,
}

impl Parameters {
    fn add(&mut self, name: &str, value: &[u8]) {
        let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_ne_bytes();
        self.bytes.extend(length(name.len() + 1));
        self.bytes.extend(length(value.len()));
        self.bytes.extend(name.as_bytes());
        self.bytes.push(0);
        self.bytes.extend(value);
        self.count += 1;
    }

    fn number(&mut self, name: &str, value: i32) {
        self.add(name, &value.to_ne_bytes());
    }

    fn text(&mut self, name: &str, value: &str) -> Result<(), String> {
        if value.contains('\0') {
            return Err(format!("`{name}` of its jail has a zero byte in it"));
        }
        self.add(name, &[value.as_bytes(), &[0]].concat());
        Ok(())
    }

    /// Addresses stand one after the other; that there are some says that they are its own.
    fn network(
        &mut self,
        name: &str,
        network: &Network,
        parse: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<(), String> {
        match network {
            Network::Disable => self.number(name, DISABLE),
            Network::Inherit => self.number(name, INHERIT),
            Network::Own(addresses) => {
                let parsed = addresses.iter().map(|text| parse(text).ok_or_else(|| format!("`{text}` is no address")));
                let all: Vec<Vec<u8>> = parsed.collect::<Result<_, _>>()?;
                self.number(name, NEW);
                self.add(&format!("{name}.addr"), &all.concat());
            }
        }
        Ok(())
    }

    /// A flag has no value; `allow.noraw_sockets` is a flag of its own.
    fn option(&mut self, option: &str) -> Result<(), String> {
        let Some((name, value)) = option.split_once('=') else {
            self.add(option, &[]);
            return Ok(());
        };
        let mode = MODES.iter().find(|mode| mode.0 == value).map(|mode| mode.1);
        match mode.or_else(|| value.parse().ok()) {
            Some(number) => self.number(name, number),
            None => self.text(name, value)?,
        }
        Ok(())
    }
}

/// Name (with its zero) and value of each parameter that [`parameters`] wrote, up to where the bytes are none.
pub(crate) fn read(bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (name, value, after) = split(rest)?;
        rest = after;
        Some((name, value))
    })
}

/// Whether these bytes are parameters to the last one, and not too many.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let (mut rest, mut count) = (bytes, 0);
    while let Some((_, _, after)) = split(rest) {
        (rest, count) = (after, count + 1);
    }
    rest.is_empty() && count <= PARAMETERS_MAX
}

fn split(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name_length, rest) = bytes.split_first_chunk()?;
    let (value_length, rest) = rest.split_first_chunk()?;
    let (name, rest) = rest.split_at_checked(u32::from_ne_bytes(*name_length) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_ne_bytes(*value_length) as usize)?;
    (name.last() == Some(&0)).then_some((name, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters as a person would read them.
    fn told(jail: &Jail) -> Vec<String> {
        let bytes = parameters("svc-web", jail).unwrap();
        assert!(is_whole(&bytes));
        let text = |bytes: &[u8]| String::from_utf8(bytes.strip_suffix(b"\0").unwrap().to_vec()).unwrap();
        let each = read(&bytes).map(|(name, value)| match (text(name).as_str(), value) {
            (name, []) => name.to_owned(),
            (name @ ("name" | "path" | "host.hostname" | "linux.osname"), value) => format!("{name}={}", text(value)),
            (name, value) if name.ends_with(".addr") => format!("{name}={value:?}"),
            (name, value) => format!("{name}={}", i32::from_ne_bytes(value.try_into().unwrap())),
        });
        each.collect()
    }

    #[test]
    fn the_plainest_jail_is_that_of_a_service_jail_of_the_system() {
        // rc.subr: jail -c path=/ host=inherit, and no addresses unless options ask for some.
        assert_eq!(told(&Jail::default()), ["name=svc-web", "path=/", "host=2", "ip4=0", "ip6=0"]);
    }

    #[test]
    fn every_parameter_has_the_form_that_its_kind_has() {
        let jail = Jail {
            path: "/jails/web".into(),
            hostname: "web.example.org".into(),
            ip4: Network::Own(vec!["192.0.2.1".into(), "192.0.2.7".into()]),
            ip6: Network::Inherit,
            options: ["allow.raw_sockets", "allow.nomlock", "sysvshm=new", "enforce_statfs=1", "linux.osname=Linux"]
                .map(String::from)
                .to_vec(),
            devfs_ruleset: Some(4),
            securelevel: Some(-1),
            children: 3,
            ..Jail::default()
        };
        let wanted = [
            "name=svc-web",
            "path=/jails/web",
            "host.hostname=web.example.org",
            "ip4=1",
            "ip4.addr=[192, 0, 2, 1, 192, 0, 2, 7]",
            "ip6=2",
            "allow.raw_sockets",
            "allow.nomlock",
            "sysvshm=1",
            "enforce_statfs=1",
            "linux.osname=Linux",
            "devfs_ruleset=4",
            "securelevel=-1",
            "children.max=3",
        ];
        assert_eq!(told(&jail), wanted);
    }

    #[test]
    fn a_jail_with_its_own_network_has_no_addresses_of_the_host() {
        let jail = Jail { vnet: true, ..Jail::default() };
        assert_eq!(told(&jail), ["name=svc-web", "path=/", "host=2", "vnet=1"]);
        let own = Jail { ip6: Network::Own(vec!["::1".into()]), ..Jail::default() };
        assert_eq!(told(&own).last().unwrap(), "ip6.addr=[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]");
    }

    #[test]
    fn what_cannot_be_said_is_refused_and_what_is_cut_is_none() {
        let zero = Jail { hostname: "a\0b".into(), ..Jail::default() };
        assert!(parameters("svc-web", &zero).unwrap_err().contains("zero byte"));
        let address = Jail { ip4: Network::Own(vec!["here".into()]), ..Jail::default() };
        assert_eq!(parameters("svc-web", &address).unwrap_err(), "`here` is no address");
        let many = Jail { options: vec!["allow.mlock".into(); PARAMETERS_MAX], ..Jail::default() };
        assert!(parameters("svc-web", &many).unwrap_err().contains("more than 64"));
        let bytes = parameters("svc-web", &Jail::default()).unwrap();
        for length in 1..bytes.len() {
            let whole = read(&bytes).scan(0, |sum, (name, value)| {
                Some({
                    *sum += 8 + name.len() + value.len();
                    *sum
                })
            });
            assert_eq!(is_whole(&bytes[..length]), whole.collect::<Vec<_>>().contains(&length), "{length}");
        }
    }
}
