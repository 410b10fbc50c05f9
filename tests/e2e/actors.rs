//! This test program as a service: with `ACTOR` in its environment one "test" plays a role that no shell can.

use std::env;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::process::Command;

#[test]
fn act() {
    match env::var("ACTOR").as_deref() {
        Ok("sd-notify") => sd_notify(),
        Ok("sd-notify-flood") => sd_notify_flood(),
        Ok("tcp") => drop(forever(TcpListener::bind(env::var("ADDRESS").unwrap()).unwrap())),
        Ok("unix") => drop(forever(UnixListener::bind(env::var("ADDRESS").unwrap()).unwrap())),
        Ok("crowd") => crowd(),
        Ok("setsid") => lead_session(),
        Ok(other) => panic!("no role {other}"),
        Err(_) => {}
    }
}

/// Leads a session of its own and becomes the program whose words are in the environment.
fn lead_session() {
    let words: Vec<String> = (1..).map_while(|n| env::var(format!("ACTOR_WORD_{n}")).ok()).collect();
    let output = std::fs::File::from(svc_platform::roles::inherited(9).unwrap());
    svc_platform::replace::set_standard(None, Some(&output)).unwrap();
    // One that leads a group already cannot; whoever asks for a session from such a place has one.
    let _leads = svc_platform::replace::lead_session();
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_remove("ACTOR");
    for n in 1..=words.len() {
        command.env_remove(format!("ACTOR_WORD_{n}"));
    }
    panic!("{}: {}", words[0], command.exec());
}

fn forever<T>(held: T) -> T {
    loop {
        std::thread::park();
        std::hint::black_box(&held);
    }
}

/// Connects as often as it can, says so, and stays.
fn crowd() {
    let socket = env::var("SOCKET").unwrap();
    let held: Vec<UnixStream> = (0..600).filter_map(|_| UnixStream::connect(&socket).ok()).collect();
    println!("crowded");
    forever(held);
}

/// Says that it is ready, and goes on saying so as fast as it can, from several threads.
fn sd_notify_flood() {
    let path = env::var("NOTIFY_SOCKET").unwrap();
    let tell = || {
        let socket = UnixDatagram::unbound().unwrap();
        // The manager may be replaced, and with it who listens.
        loop {
            socket.send_to(b"READY=1\nSTATUS=as busy as can be", &path).ok();
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(tell))));
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
