//! Our own program in several roles: keeper and manager, replaced in place, as nobody, with a terminal, as process 1.

use std::ffi::CString;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, process, thread};

use svc_core::Exit;
use svc_platform::channel::Channel;
use svc_platform::delegate::Delegate;
use svc_platform::files::{self, Spare};
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::Handle;
use svc_platform::roles::{Role, inherited};
use svc_platform::socket::Listener;
use svc_platform::spawn::{Kin, Spawner};
use svc_platform::tree::Forest;
use svc_platform::{Identity, Launch, Passed, Stage, Terminal, host, reap};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(50);

fn main() {
    let arguments: Vec<String> = env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("manager") => manager(),
        Some("becoming") => becoming(),
        Some("became") => process::exit(i32::from(arguments.get(2) != Some(&process::id().to_string()))),
        Some("filled") => filled(),
        Some("nobody") => nobody(),
        Some("first") => first(),
        Some("rebooted") => rebooted(),
        Some("exhausted") => exhausted(),
        Some("leader") => leader(),
        _ => all(),
    }
}

/// A test and the claim it makes.
type Claim = (&'static str, fn());

fn all() {
    let claims: [Claim; 8] = [
        ("a sibling is the keeper's child, and the manager learns how it ended", a_sibling_is_the_keepers_child),
        ("a program replaced in place is the same process", a_program_replaced_in_place_is_the_same_process),
        ("closed standard descriptors are filled", closed_standard_descriptors_are_filled),
        ("without root everything degrades with a reason", without_root_everything_degrades_with_a_reason),
        ("process 1 of a namespace can launch and mounts what is missing", process_1_of_a_namespace_works),
        ("without descriptors a client is still answered", without_descriptors_a_client_is_still_answered),
        ("a terminal is shared while its bringer lives", a_terminal_is_shared_while_its_bringer_lives),
        ("the end of a namespace is told to its starter", the_end_of_a_namespace_is_told_to_its_starter),
    ];
    for (claim, test) in claims {
        test();
        println!("test {claim} ... ok");
    }
}

fn wait_for(fd: impl AsFd) {
    let mut poller = Poller::new().unwrap();
    poller.add(fd, 0, Interest::READ).unwrap();
    let mut ready = Vec::new();
    poller.wait(Some(PATIENCE), &mut ready).unwrap();
    assert!(!ready.is_empty(), "news within {PATIENCE:?}");
}

fn end(child: &Handle) -> Exit {
    wait_for(child);
    reap::reap_one(child.pid()).unwrap().expect("it has ended")
}

fn hear(channel: &Channel) -> String {
    wait_for(channel);
    let mut bytes = [0; 256];
    let received = channel.receive(&mut bytes).unwrap().expect("the other side is there");
    String::from_utf8_lossy(&bytes[..received.length]).into_owned()
}

fn skips_without_root(what: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        eprintln!("skipped: {what}: needs root");
    }
    !root
}

fn launch(words: &[&str]) -> Launch<'static> {
    let words: Vec<CString> = words.iter().map(|word| CString::new(*word).unwrap()).collect();
    let mut launch = Launch::new(words[0].clone(), words);
    launch.environment = vec![c"PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned()];
    launch
}

fn a_sibling_is_the_keepers_child() {
    reap::adopt_orphans().unwrap();
    let (near, far) = Channel::pair().unwrap();
    let role = Role::new("svc-test", &["manager"]).unwrap();
    let mut spawner = Spawner::new().unwrap();
    let mut delegate = Delegate::new().unwrap();
    let line = delegate.as_mut().map(|delegate| delegate.line().unwrap());
    let mut pass = vec![Passed { fd: far.as_fd(), number: 3 }];
    pass.extend(line.as_ref().map(|line| Passed { fd: line.as_fd(), number: 4 }));
    let manager = role.launch(&mut spawner, &pass).unwrap();
    drop((far, line));
    for _ in Spawner::every_way().unwrap() {
        let pid: i32 = hear_and_launch(&near, delegate.as_mut(), &mut spawner).parse().unwrap();
        let handle = Handle::open(pid).unwrap();
        assert_eq!(end(&handle), Exit::Code(7), "it is our child, not the manager's");
        near.send(b"reaped", &[]).unwrap();
    }
    assert_eq!(end(&manager), Exit::Code(0));
}

/// Hears what the manager says, and meanwhile launches what it asks for where it cannot itself.
fn hear_and_launch(channel: &Channel, mut delegate: Option<&mut Delegate>, spawner: &mut Spawner) -> String {
    let mut poller = Poller::new().unwrap();
    poller.add(channel, 0, Interest::READ).unwrap();
    if let Some(delegate) = &delegate {
        poller.add(&**delegate, 1, Interest::READ).unwrap();
    }
    let mut ready = Vec::new();
    loop {
        poller.wait(Some(PATIENCE), &mut ready).unwrap();
        assert!(!ready.is_empty(), "news within {PATIENCE:?}");
        if ready.iter().any(|(token, _)| *token == 0) {
            return hear(channel);
        }
        delegate.as_mut().expect("nobody else is watched").serve(spawner);
    }
}

/// Launches siblings, tells their pids, and hears that they were collected.
fn manager() {
    let channel = Channel::from(inherited(3).unwrap());
    assert!(inherited(3).is_err() && inherited(5).is_err());
    let script = launch(&["/bin/sh", "-c", "exit 7"]);
    let mut line = inherited(4).ok();
    for (_, mut spawner) in Spawner::every_way().unwrap() {
        if let Some(line) = line.take() {
            spawner.delegate_to(line);
        }
        let child = spawner.spawn(&script, Kin::Sibling).unwrap();
        channel.send(child.pid().to_string().as_bytes(), &[]).unwrap();
        assert_eq!(hear(&channel), "reaped");
        assert!(child.has_ended().unwrap());
        match child.exit().unwrap() {
            Some(exit) => assert_eq!(exit, Exit::Code(7)),
            None => eprintln!("skipped: how somebody else's child ended: the system does not keep it"),
        }
    }
}

fn a_program_replaced_in_place_is_the_same_process() {
    let role = Role::new("svc-test", &["becoming"]).unwrap();
    let child = role.launch(&mut Spawner::new().unwrap(), &[]).unwrap();
    assert_eq!(end(&child), Exit::Code(0));
}

fn becoming() {
    let words = ["svc-test".to_owned(), "became".to_owned(), process::id().to_string()];
    let words: Vec<CString> = words.into_iter().map(|word| CString::new(word).unwrap()).collect();
    panic!("{}", host::become_program(&host::own_program().unwrap(), &words));
}

fn closed_standard_descriptors_are_filled() {
    let program = host::own_program().unwrap();
    let script = r#"exec "$0" filled <&- >&- 2>&-"#;
    let script = launch(&["/bin/sh", "-c", script, program.to_str().unwrap()]);
    let child = Spawner::new().unwrap().spawn(&script, Kin::Child).unwrap();
    assert_eq!(end(&child), Exit::Code(42));
}

fn filled() {
    // The runtime of the language does it, too, but not before everything else that a process does.
    host::fill_standard_descriptors().unwrap();
    let (input, output, error) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let all = [input.as_fd(), output.as_fd(), error.as_fd()].iter().all(|fd| nix::sys::stat::fstat(fd).is_ok());
    process::exit(if all { 42 } else { 1 });
}

/// A copy of this program where everybody may execute it.
fn for_everybody(directory: &Path) -> String {
    let copy = directory.join("svc-test");
    fs::copy(host::own_program().unwrap(), &copy).unwrap();
    for path in [directory, copy.as_path()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy.to_str().unwrap().to_owned()
}

fn without_root_everything_degrades_with_a_reason() {
    if skips_without_root("becoming nobody") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let mut launch = launch(&[&for_everybody(directory.path()), "nobody"]);
    launch.identity = Some(Identity { uid: 65_534, gid: 65_534, gids: vec![] });
    let stderr = std::io::stderr();
    launch.stderr = Some(stderr.as_fd());
    let child = Spawner::new().unwrap().spawn(&launch, Kin::Child).unwrap();
    assert_eq!(end(&child), Exit::Code(0));
}

fn nobody() {
    reap::adopt_orphans().unwrap();
    let mut spawner = Spawner::new().unwrap();
    let mut refused = launch(&["/bin/sh", "-c", ":"]);
    refused.identity = Some(Identity { uid: 33, gid: 33, gids: vec![33] });
    let error = spawner.spawn(&refused, Kin::Child).unwrap_err();
    assert_eq!(error.to_string(), "becoming user 33: Operation not permitted (os error 1)");
    let mut forest = Forest::open("test-nobody").unwrap();
    // A reaper needs no root; a cgroup does.
    assert!(forest.tracking().contains(if forest.is_tight() { "reaper" } else { "cgroup" }), "{}", forest.tracking());
    let mut tree = forest.grow("web.1").unwrap();
    let mut same = launch(&["/bin/sleep", "1000"]);
    same.identity = Some(Identity { uid: 65_534, gid: 65_534, gids: vec![] });
    same.environment.push(CString::new(tree.environment()).unwrap());
    let child = spawner.spawn(&same, Kin::Child).unwrap();
    tree.led_by(child.pid(), svc_platform::process::start_time(child.pid()).unwrap());
    assert_eq!(tree.pids().unwrap(), [child.pid()]);
    tree.kill().unwrap();
    assert_eq!(end(&child), Exit::Signal(9));
    assert!(tree.is_empty().unwrap() && Handle::open(1).unwrap().signal(0).is_err());
}

/// Runs this program as process 1 of a pid namespace without `/proc`.
fn in_namespace(role: &str) -> Option<Exit> {
    if skips_without_root(role) {
        return None;
    }
    let program = host::own_program().unwrap();
    let script = r#"umount -l /proc; exec "$0" "$1""#;
    let words = ["/usr/bin/unshare", "-pfm", "/bin/sh", "-c", script, program.to_str().unwrap(), role];
    let mut launch = launch(&words);
    let stderr = std::io::stderr();
    launch.stderr = Some(stderr.as_fd());
    launch.environment.push(c"container=a-test".to_owned());
    match Spawner::new().unwrap().spawn(&launch, Kin::Child) {
        Ok(child) => Some(end(&child)),
        Err(error) => {
            eprintln!("skipped: {role}: {error}");
            None
        }
    }
}

fn process_1_of_a_namespace_works() {
    if let Some(exit) = in_namespace("first") {
        assert_eq!(exit, Exit::Code(0));
    }
}

fn first() {
    assert!(host::is_process_1());
    assert_eq!(host::kind(), host::Kind::Container("a-test".to_owned()));
    host::own_program().unwrap();
    let faults = host::mount_essentials();
    assert!(!faults.iter().any(|fault| fault.to_string().contains("/proc")), "{faults:?}");
    assert_eq!(svc_platform::process::facts(1).unwrap().parent, 0);
    let mut spawner = Spawner::new().unwrap();
    let mut forest = Forest::open("test-first").unwrap();
    let tree = forest.grow("web.1").unwrap();
    let mut sleeper = launch(&["/bin/sleep", "1000"]);
    sleeper.tree = tree.door();
    let child = spawner.spawn(&sleeper, Kin::Child).unwrap();
    if forest.is_tight() {
        assert_eq!(tree.pids().unwrap(), [child.pid()]);
        tree.kill().unwrap();
        assert_eq!(end(&child), Exit::Signal(9));
        tree.remove().unwrap();
    }
    forest.clear().unwrap();
    let error = spawner.spawn(&launch(&["/bin/sh", "-c", ":"]), Kin::Sibling).unwrap_err();
    assert_eq!(error.stage, Stage::Process, "process 1 has no siblings");
}

fn without_descriptors_a_client_is_still_answered() {
    let role = Role::new("svc-test", &["exhausted"]).unwrap();
    let child = role.launch(&mut Spawner::new().unwrap(), &[]).unwrap();
    assert_eq!(end(&child), Exit::Code(0));
}

fn exhausted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = Listener::bind(&path, 0o600).unwrap();
    let mut spawner = Spawner::new().unwrap();
    let mut spare = Spare::keep().unwrap();
    let mut client = UnixStream::connect(&path).unwrap();
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, 100, 100).unwrap();
    let mut held = Vec::new();
    while let Ok(file) = fs::File::open("/dev/null") {
        held.push(file);
    }
    let full = nix::errno::Errno::EMFILE as i32;
    assert_eq!(listener.accept().unwrap_err().raw_os_error(), Some(full));
    let error = spawner.spawn(&launch(&["/bin/sh", "-c", ":"]), Kin::Child).unwrap_err();
    // Where a child gets its own copies only after its birth, it is the one that finds none left.
    assert!(matches!(error.stage, Stage::Process | Stage::Descriptors), "{error}");
    assert_eq!(error.source.raw_os_error(), Some(full));
    for _ in 0..2 {
        spare.lend(|| {
            let accepted = listener.accept().unwrap();
            accepted.into_iter().for_each(|mut stream| stream.write_all(b"busy").unwrap());
        });
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "busy");
    held.clear();
    assert_eq!(files::raise_open_files().unwrap(), 100);
    let child = spawner.spawn(&launch(&["/bin/sh", "-c", ":"]), Kin::Child).unwrap();
    assert_eq!(end(&child), Exit::Code(0));
}

/// Sits at the terminal: types what is asked for, and interrupts who asks again.
fn a_terminal_is_shared_while_its_bringer_lives() {
    if Delegate::new().unwrap().is_none() {
        eprintln!("skipped: a terminal shared with whoever launches: this system has siblings");
        return;
    }
    let terminal = nix::pty::openpty(None, None).unwrap();
    let (near, far) = Channel::pair().unwrap();
    let role = Role::new("svc-test", &["leader"]).unwrap();
    let pass = [Passed { fd: far.as_fd(), number: 3 }, Passed { fd: terminal.slave.as_fd(), number: 4 }];
    let leader = role.launch(&mut Spawner::new().unwrap(), &pass).unwrap();
    drop(far);
    let mut person = fs::File::from(terminal.master);
    assert_eq!(hear(&near), "asks");
    person.write_all(b"sesame\n").unwrap();
    assert_eq!(hear(&near), "asks again");
    let mut poller = Poller::new().unwrap();
    poller.add(&near, 0, Interest::READ).unwrap();
    let mut ready = Vec::new();
    // A key that comes before the program is there is nobody's.
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        person.write_all(b"\x03").unwrap();
        poller.wait(Some(PAUSE), &mut ready).unwrap();
        if !ready.is_empty() {
            break;
        }
    }
    assert_eq!(hear(&near), "interrupted");
    assert_eq!(end(&leader), Exit::Code(0));
}

/// Leads a session and launches, like the parent of all runs; another thread asks it to, like a manager.
fn leader() {
    let mut spawner = Spawner::new().unwrap();
    let mut delegate = Delegate::new().unwrap();
    let Some(line) = delegate.as_mut().map(|delegate| delegate.line().unwrap()) else { return };
    let (bringer_ended, told) = std::sync::mpsc::channel();
    let manager = thread::spawn(move || share(line, &bringer_ended));
    let mut poller = Poller::new().unwrap();
    poller.add(delegate.as_ref().expect("it has a line"), 0, Interest::READ).unwrap();
    let mut ready = Vec::new();
    while !manager.is_finished() {
        poller.wait(Some(PAUSE), &mut ready).unwrap();
        let delegate = delegate.as_mut().expect("it has a line");
        told.try_iter().for_each(|pid| delegate.ended(pid));
        delegate.serve(&mut spawner);
    }
    process::exit(i32::from(manager.join().is_err()));
}

fn share(line: std::os::fd::OwnedFd, bringer_ended: &std::sync::mpsc::Sender<i32>) {
    let (channel, terminal) = (Channel::from(inherited(3).unwrap()), inherited(4).unwrap());
    let mut spawner = Spawner::new().unwrap();
    spawner.delegate_to(line);
    let stderr = std::io::stderr();
    let mut run = |script: &str, how, stdin: Option<&std::os::fd::OwnedFd>| {
        let mut launch = launch(&["/bin/sh", "-c", script]);
        launch.terminal = how;
        launch.stdin = stdin.map(AsFd::as_fd);
        launch.stderr = Some(stderr.as_fd());
        spawner.spawn(&launch, Kin::Sibling).unwrap()
    };
    const NOBODY: &str = "(: </dev/tty) 2>/dev/null && exit 1; exit 0";
    assert_eq!(end(&run(NOBODY, Terminal::Shares, None)), Exit::Code(0), "nobody has brought one");
    let bringer = run("exec sleep 1000", Terminal::Brings, Some(&terminal));
    let asks = run("read -r word </dev/tty; [ \"$word\" = sesame ]", Terminal::Shares, None);
    channel.send(b"asks", &[]).unwrap();
    assert_eq!(end(&asks), Exit::Code(0));
    assert_eq!(end(&run(NOBODY, Terminal::None, None)), Exit::Code(0), "who does not share it leads a session");
    let asks = run("read -r word </dev/tty", Terminal::Shares, None);
    channel.send(b"asks again", &[]).unwrap();
    assert_eq!(end(&asks), Exit::Signal(2));
    channel.send(b"interrupted", &[]).unwrap();
    assert!(!bringer.has_ended().unwrap(), "keys do nothing to it");
    bringer.signal(9).unwrap();
    wait_for(&bringer);
    bringer_ended.send(bringer.pid()).unwrap();
    let limit = std::time::Instant::now() + PATIENCE;
    while end(&run(NOBODY, Terminal::Shares, None)) != Exit::Code(0) {
        assert!(std::time::Instant::now() < limit, "with its bringer the terminal goes");
    }
    reap::reap_one(bringer.pid()).unwrap();
}

fn the_end_of_a_namespace_is_told_to_its_starter() {
    if let Some(exit) = in_namespace("rebooted") {
        assert_eq!(exit, Exit::Signal(1), "reboot(2): SIGHUP for a restart");
    }
}

fn rebooted() {
    // Nowhere else may this ever run.
    assert!(host::is_process_1());
    panic!("{}", host::end(host::End::Reboot));
}
