//! Service jails: what `NAME_svcj_options` and `NAME_svcj_ipaddrs` of rc.conf(5) make of a jail.

use svc_core::service::{Jail, Network};

/// The jail that the system's rc.subr makes of these, and a sentence for each word that it would pass over.
///
/// # Errors
///
/// Where rc.subr makes none: two words that contradict each other.
pub fn jail(options: &str, addresses: &str) -> Result<(Jail, Vec<String>), String> {
    let (v6, v4): (Vec<&str>, Vec<&str>) = addresses.split_whitespace().partition(|address| address.contains(':'));
    let mut made = Jail::default();
    let mut notes = Vec::new();
    let own = |list: &[&str]| Network::Own(list.iter().map(|address| (*address).to_owned()).collect());
    // Without a word for it a version that has no address of its own stays closed, as all of it does without addresses.
    let asked = |list: &[&str]| match (addresses.trim().is_empty(), list.is_empty()) {
        (true, _) => Network::Inherit,
        (false, true) => Network::Disable,
        (false, false) => own(list),
    };
    if !v4.is_empty() {
        made.ip4 = own(&v4);
    }
    if !v6.is_empty() {
        made.ip6 = own(&v6);
    }
    let mut shared: Option<&str> = None;
    for word in options.split_whitespace() {
        let parameters: &[&str] = match word {
            "mlock" => &["allow.mlock"],
            "netv4" | "netv6" | "net_basic" => &["allow.reserved_ports"],
            "net_raw" => &["allow.raw_sockets"],
            "net_all" => &["allow.socket_af", "allow.raw_sockets", "allow.reserved_ports"],
            "nfsd" => &["allow.nfsd", "enforce_statfs=1"],
            "routing" => &["allow.routing"],
            "settime" => &["allow.settime"],
            "sysvipc" => &["sysvmsg=inherit", "sysvsem=inherit", "sysvshm=inherit"],
            "sysvipcnew" => &["sysvmsg=new", "sysvsem=new", "sysvshm=new"],
            "vmm" => &["allow.vmm"],
            _ => {
                notes.push(format!("unknown service jail option: {word}"));
                continue;
            }
        };
        if matches!(word, "netv4" | "net_basic" | "net_all") {
            made.ip4 = asked(&v4);
        }
        if matches!(word, "netv6" | "net_basic" | "net_all") {
            made.ip6 = asked(&v6);
        }
        if word.starts_with("sysvipc")
            && let Some(other) = shared.replace(word)
        {
            return Err(format!("more than one sysvipc option: {other}, {word}"));
        }
        let fresh = parameters.iter().map(|parameter| (*parameter).to_owned());
        fresh.for_each(|parameter| {
            if !made.options.contains(&parameter) {
                made.options.push(parameter);
            }
        });
    }
    Ok((made, notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(options: &str, addresses: &str) -> String {
        let (jail, notes) = jail(options, addresses).unwrap();
        let network = |network: &Network| match network {
            Network::Disable => "disable".to_owned(),
            Network::Inherit => "inherit".to_owned(),
            Network::Own(list) => list.join(","),
        };
        let parts = [network(&jail.ip4), network(&jail.ip6), jail.options.join(" "), notes.join("; ")];
        parts.join(" | ").trim_end_matches([' ', '|']).to_owned()
    }

    #[test]
    fn a_service_jail_has_what_the_systems_own_was_seen_to_have() {
        for (options, addresses, wanted) in [
            ("", "", "disable | disable"),
            ("mlock", "", "disable | disable | allow.mlock"),
            ("netv4", "", "inherit | disable | allow.reserved_ports"),
            ("net_basic", "", "inherit | inherit | allow.reserved_ports"),
            ("net_basic", "127.0.0.1 ::1", "127.0.0.1 | ::1 | allow.reserved_ports"),
            ("net_basic", "127.0.0.1", "127.0.0.1 | disable | allow.reserved_ports"),
            ("nfsd", "", "disable | disable | allow.nfsd enforce_statfs=1"),
            (
                "net_basic sysvipc settime",
                "",
                "inherit | inherit | allow.reserved_ports sysvmsg=inherit sysvsem=inherit sysvshm=inherit \
                 allow.settime",
            ),
            ("nosuchopt", "", "disable | disable |  | unknown service jail option: nosuchopt"),
        ] {
            assert_eq!(told(options, addresses), wanted, "{options} {addresses}");
        }
        assert!(jail("sysvipc sysvipcnew", "").is_err(), "no jail was made");
    }
}
