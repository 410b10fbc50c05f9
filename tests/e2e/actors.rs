//! This test program as a service: with `ACTOR` in its environment one "test" plays a role that no shell can.

use std::env;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener};

#[test]
fn act() {
    match env::var("ACTOR").as_deref() {
        Ok("sd-notify") => sd_notify(),
        Ok("tcp") => drop(forever(TcpListener::bind(env::var("ADDRESS").unwrap()).unwrap())),
        Ok("unix") => drop(forever(UnixListener::bind(env::var("ADDRESS").unwrap()).unwrap())),
        Ok(other) => panic!("no role {other}"),
        Err(_) => {}
    }
}

fn forever<T>(held: T) -> T {
    loop {
        std::thread::park();
        std::hint::black_box(&held);
    }
}

/// Says that it is ready when the file `go` is there, and from then on does what the file `say` says.
fn sd_notify() {
    let socket = UnixDatagram::unbound().unwrap();
    let path = env::var("NOTIFY_SOCKET").unwrap();
    let dir = env::var("DIR").unwrap();
    let wait_for = |name: &str| loop {
        match std::fs::read_to_string(format!("{dir}/{name}")) {
            Ok(text) if text.ends_with('\n') => return text,
            _ => std::thread::park_timeout(std::time::Duration::from_millis(5)),
        }
    };
    socket.send_to(b"STATUS=warming up", &path).unwrap();
    wait_for("go");
    socket.send_to(b"READY=1\nSTATUS=serving", &path).unwrap();
    loop {
        let text = wait_for("say");
        std::fs::remove_file(format!("{dir}/say")).unwrap();
        socket.send_to(text.trim_end().as_bytes(), &path).unwrap();
        std::io::stdout().flush().unwrap();
    }
}
