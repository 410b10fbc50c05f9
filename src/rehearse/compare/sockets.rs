//! Where a place is listened to, in words that are the same from one run to the next.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use svc_platform::sandbox::{self, Listening};

/// Ports from here on are given to who asks for any (ip_local_port_range).
const ANY_PORT: u16 = 32_768;

/// Every address and path that is listened to, but for those of svcd itself.
pub(super) fn all() -> BTreeSet<String> {
    sandbox::listening().unwrap_or_default().into_iter().filter_map(shown).collect()
}

fn shown(listening: Listening) -> Option<String> {
    match listening {
        Listening::Tcp(address) => Some(format!("tcp {address}")),
        Listening::Udp(address) if address.port() >= ANY_PORT => {
            let any = SocketAddr::new(address.ip(), 0).to_string();
            Some(format!("udp {}any", any.strip_suffix('0').unwrap_or(&any)))
        }
        Listening::Udp(address) => Some(format!("udp {address}")),
        Listening::Unix(path) => {
            let ours = path.starts_with("/run/svc/") || path.starts_with("/var/run/svc/");
            (!ours).then(|| format!("unix {}", steady(&path)))
        }
    }
}

/// A name with a pid in it, as of what is bound beside its place and then moved there, is one name.
fn steady(path: &str) -> String {
    let parts = path.split('.').map(|part| match part.parse::<u32>() {
        Ok(_) => "(a number)",
        Err(_) => part,
    });
    parts.collect::<Vec<_>>().join(".")
}

#[test]
fn what_differs_from_run_to_run_is_not_shown() {
    let udp = |text: &str| shown(Listening::Udp(text.parse().unwrap())).unwrap();
    assert_eq!(udp("127.0.0.1:53"), "udp 127.0.0.1:53");
    assert_eq!([udp("0.0.0.0:40001"), udp("[::1]:40002")], ["udp 0.0.0.0:any", "udp [::1]:any"]);
    assert_eq!(shown(Listening::Tcp("[::]:40002".parse().unwrap())).unwrap(), "tcp [::]:40002");
    let unix = |path: &str| shown(Listening::Unix(path.into()));
    assert_eq!(unix("/run/svc/control"), None);
    assert_eq!(unix("/run/proxy/admin.sock.812.tmp").as_deref(), Some("unix /run/proxy/admin.sock.(a number).tmp"));
}
