//! Where a place is listened to, as /proc/net tells.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sandbox::Listening;

/// The state of a TCP socket that takes connections.
const LISTENS: &str = "0A";
/// The state of a UDP socket that has no peer.
const UNCONNECTED: &str = "07";

type Protocol = (&'static str, &'static str, fn(SocketAddr) -> Listening);

const PROTOCOLS: [Protocol; 4] = [
    ("tcp", LISTENS, Listening::Tcp),
    ("tcp6", LISTENS, Listening::Tcp),
    ("udp", UNCONNECTED, Listening::Udp),
    ("udp6", UNCONNECTED, Listening::Udp),
];

/// Every address and path that is listened to in this place; of what the kernel was built without there is none.
///
/// # Errors
///
/// The kernel's own: `/proc` is not mounted.
///
/// Source: proc_pid_net(5).
pub fn listening() -> io::Result<Vec<Listening>> {
    let read = |name: &str| match fs::read_to_string(format!("/proc/net/{name}")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && name != "unix" => Ok(String::new()),
        other => other,
    };
    let mut all = Vec::new();
    for (name, state, make) in PROTOCOLS {
        all.extend(read(name)?.lines().filter_map(|line| internet(line, state)).map(make));
    }
    all.extend(read("unix")?.lines().filter_map(unix));
    Ok(all)
}

fn internet(line: &str, wanted: &str) -> Option<SocketAddr> {
    let mut words = line.split_whitespace().skip(1);
    let (local, _, state) = (words.next()?, words.next()?, words.next()?);
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    Some(SocketAddr::new(host(address)?, port)).filter(|_| state == wanted)
}

/// Words of 32 bits, each as the processor has it.
fn host(text: &str) -> Option<IpAddr> {
    let words: Vec<u32> =
        (0..text.len() / 8).filter_map(|at| u32::from_str_radix(text.get(at * 8..at * 8 + 8)?, 16).ok()).collect();
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

fn unix(line: &str) -> Option<Listening> {
    // Num RefCount Protocol Flags Type St Inode Path
    let words: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, flags, kind, _, _, path] = words.as_slice() else { return None };
    // Listening, or bound for messages.
    (*flags == "00010000" || *kind == "0002").then(|| Listening::Unix((*path).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::UnixListener;

    #[test]
    fn lines_of_the_kernel_are_read_as_addresses() {
        let line = "   0: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1";
        let address = if cfg!(target_endian = "little") { "127.0.0.1:80" } else { "1.0.0.127:80" };
        assert_eq!(internet(line, LISTENS), address.parse().ok());
        assert_eq!(internet(line, UNCONNECTED), None);
        let line = "ffff: 00000002 00000000 00010000 0001 01 12345 /run/dbus/socket";
        assert_eq!(unix(line), Some(Listening::Unix("/run/dbus/socket".into())));
        assert_eq!(unix("ffff: 00000003 00000000 00000000 0001 03 12345 /run/dbus/socket"), None);
    }

    #[test]
    fn what_we_listen_to_is_found_until_we_stop() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let (four, six) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("[::1]:0"));
        let unix = UnixListener::bind(&path).unwrap();
        let own = Listening::Unix(path.display().to_string());
        let found = listening().unwrap();
        assert!(found.contains(&Listening::Tcp(four.local_addr().unwrap())) && found.contains(&own), "{found:?}");
        if let Ok(six) = six {
            assert!(found.contains(&Listening::Tcp(six.local_addr().unwrap())), "{found:?}");
        }
        drop(unix);
        assert!(!listening().unwrap().contains(&own));
    }
}
