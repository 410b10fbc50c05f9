//! Where a place is listened to, as /proc/net tells.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Ports from here on are given to who asks for any (ip_local_port_range).
const ANY_PORT: u16 = 32_768;

/// Every address and path that is listened to, but for those of svcd itself.
pub(super) fn all() -> BTreeSet<String> {
    let read = |name: &str| fs::read_to_string(format!("/proc/net/{name}")).unwrap_or_default();
    let mut all = BTreeSet::new();
    for (name, state) in [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")] {
        all.extend(read(name).lines().filter_map(|line| internet(name, line, state)));
    }
    all.extend(read("unix").lines().filter_map(unix));
    all
}

fn internet(kind: &str, line: &str, wanted: &str) -> Option<String> {
    let mut words = line.split_whitespace().skip(1);
    let (local, _, state) = (words.next()?, words.next()?, words.next()?);
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    if state != wanted {
        return None;
    }
    let port = if port >= ANY_PORT && kind.starts_with("udp") { "any".to_owned() } else { port.to_string() };
    Some(format!("{} {}:{port}", kind.trim_end_matches('6'), host(address)?))
}

/// Words of 32 bits, each as the processor has it.
fn host(text: &str) -> Option<String> {
    let words: Vec<u32> =
        (0..text.len() / 8).filter_map(|at| u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()).collect();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).to_string()),
        16 => Some(format!("[{}]", Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?))),
        _ => None,
    }
}

fn unix(line: &str) -> Option<String> {
    // Num RefCount Protocol Flags Type St Inode Path
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, flags, kind, _, _, path] = words.as_slice() else { return None };
    // Listening, or bound for messages.
    let listens = *flags == "00010000" || *kind == "0002";
    let ours = path.starts_with("/run/svc/") || path.starts_with("/var/run/svc/");
    (listens && !ours).then(|| format!("unix {}", steady(path)))
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
fn lines_of_the_kernel_are_read_as_addresses() {
    let line = "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1";
    let port = if cfg!(target_endian = "little") { "tcp 127.0.0.1:80" } else { "tcp 1.0.0.127:80" };
    assert_eq!(internet("tcp", line, "0A").as_deref(), Some(port));
    assert_eq!(internet("tcp", line, "07"), None);
    let line = "ffff: 00000002 00000000 00010000 0001 01 12345 /run/dbus/socket";
    assert_eq!(unix(line).as_deref(), Some("unix /run/dbus/socket"));
    assert_eq!(unix("ffff: 00000002 00000000 00010000 0001 01 12345 /run/svc/control"), None);
    let line = "ffff: 00000002 00000000 00010000 0001 01 12345 /run/proxy/admin.sock.812.tmp";
    assert_eq!(unix(line).as_deref(), Some("unix /run/proxy/admin.sock.(a number).tmp"));
}
