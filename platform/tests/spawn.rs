//! Launching real processes: what they get, what they do not, and what is said when it fails.

#[path = "../../tests/aloud/skipped.rs"]
mod skipped;

use std::ffi::CString;
use std::fs::File;
use std::io::{Read, pipe};
use std::os::fd::AsFd;

use skipped::skipped;
use svc_core::Exit;
use svc_core::service::Limit;
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::Handle;
use svc_platform::spawn::{Kin, Resource, Spawner};
use svc_platform::{Identity, Launch, Passed, SpawnError, Stage, reap};

/// `/bin/sh -c SCRIPT`.
fn shell(script: &str) -> Launch<'static> {
    let arguments = ["sh", "-c", script].map(|word| CString::new(word).unwrap()).to_vec();
    let mut launch = Launch::new(c"/bin/sh".to_owned(), arguments);
    launch.environment.push(c"PATH=/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    launch
}

/// Waits for the end of a child.
fn end(handle: &Handle) -> Exit {
    let mut poller = Poller::new().unwrap();
    poller.add(handle, 0, Interest::READ).unwrap();
    poller.wait(Some(std::time::Duration::from_secs(20)), &mut Vec::new()).unwrap();
    reap::reap_one(handle.pid()).unwrap().expect("it has ended within 20 s")
}

/// Every way a launch can be made.
fn spawners() -> Vec<(&'static str, Spawner)> {
    Spawner::every_way().unwrap()
}

/// What a script prints and how it ends, for every way to launch it.
fn outputs(launch: impl Fn() -> Launch<'static>) -> Vec<(String, Exit)> {
    let results = spawners().into_iter().map(|(_, mut spawner)| {
        let (mut reader, writer) = pipe().unwrap();
        let mut launch = launch();
        launch.stdout = Some(writer.as_fd());
        let handle = spawner.spawn(&launch, Kin::Child).unwrap();
        drop(writer);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (text, end(&handle))
    });
    results.collect()
}

/// What a script prints and how it ends, checked to be the same however it is launched.
fn output(launch: impl Fn() -> Launch<'static>) -> (String, Exit) {
    let mut results = outputs(launch).into_iter();
    let first = results.next().unwrap();
    for other in results {
        assert_eq!(other, first);
    }
    first
}

fn failure(launch: &Launch<'_>) -> SpawnError {
    let mut errors = spawners().into_iter().map(|(how, mut spawner)| match spawner.spawn(launch, Kin::Child) {
        Ok(handle) => panic!("{how}: launched as {}", handle.pid()),
        Err(error) => error,
    });
    let first = errors.next().unwrap();
    for other in errors {
        assert_eq!(other.to_string(), first.to_string());
    }
    first
}

fn is_root(what: &str) -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skipped(what, "needs root");
    }
    root
}

#[test]
fn a_program_gets_its_arguments_and_environment_and_its_code_comes_back() {
    let launch = || {
        let mut launch = shell("echo $0 $1 $GREETING; exit 3");
        launch.arguments.extend([c"zero".to_owned(), c"one".to_owned()]);
        launch.environment.push(c"GREETING=hello".to_owned());
        launch
    };
    assert_eq!(output(launch), ("zero one hello\n".to_owned(), Exit::Code(3)));
}

/// The descriptors of a launch of a shell with these passed, the same however it is launched.
fn descriptors(pass: &[i32]) -> Vec<i32> {
    let null: &'static File = Box::leak(Box::new(File::open("/dev/null").unwrap()));
    // No pipe, whose ends would be among them.
    let mut results = outputs(|| {
        let mut launch = shell("if [ -e /proc/$$/fd ]; then ls /proc/$$/fd; else procstat -f $$; fi; exit");
        launch.pass = pass.iter().map(|&number| Passed { fd: null.as_fd(), number }).collect();
        launch
    })
    .into_iter()
    .map(|(text, _)| {
        // A number a line, or the table of procstat(1), which has them in its third column.
        let words = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let numbers = words.filter_map(|words| words.get(if words.len() == 1 { 0 } else { 2 })?.parse().ok());
        let mut numbers: Vec<i32> = numbers.collect();
        numbers.sort_unstable();
        numbers
    });
    let first = results.next().unwrap();
    assert!(results.all(|other| other == first));
    first
}

#[test]
fn a_program_inherits_no_descriptor_but_those_passed() {
    // Not marked to be closed, as careless libraries leave them.
    let stray = File::open("/").unwrap();
    nix::fcntl::fcntl(&stray, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty())).unwrap();
    assert_eq!(descriptors(&[]), [0, 1, 2]);
    assert_eq!(descriptors(&[3, 17, 31]), [0, 1, 2, 3, 17, 31]);
}

#[test]
fn a_program_has_default_signals_and_an_open_mask_though_we_hold_and_ignore_some() {
    use nix::sys::signal::{SigHandler, Signal, signal};
    // SAFETY: ignoring a signal runs no code of ours.
    unsafe { signal(Signal::SIGUSR2, SigHandler::SigIgn) }.unwrap();
    let _held = svc_platform::signals::Signals::hold(&[svc_platform::signals::Incoming::Term]).unwrap();
    // A shell has a mask of its own while it waits: what tells takes its place.
    let (text, code) = output(|| shell("exec ps -o sigmask= -o sigignore= -p $$"));
    assert_eq!(code, Exit::Code(0));
    let masks: Vec<u64> = text.split_whitespace().map(|mask| u64::from_str_radix(mask, 16).unwrap()).collect();
    let [held, ignored] = masks[..] else { panic!("{text}") };
    // Some systems count those in that mean nothing unless somebody says otherwise.
    let harmless = [Signal::SIGCHLD, Signal::SIGURG, Signal::SIGIO, Signal::SIGWINCH, Signal::SIGCONT];
    let ended_by = Signal::iterator().filter(|signal| !harmless.contains(signal) && signal.as_str() != "SIGINFO");
    let ignored: Vec<Signal> = ended_by.filter(|&signal| ignored & 1 << (signal as i32 - 1) != 0).collect();
    assert!(held == 0 && ignored.is_empty(), "{ignored:?}: {text}");
}

#[test]
fn limits_umask_nice_directory_and_session_are_as_asked() {
    let launch = || {
        let mut launch =
            shell("ulimit -n; ulimit -Hc; umask; echo $(ps -o nice= -p $$); pwd; test $(ps -o sid= -p $$) = $$");
        let limit = |name, soft, hard| (Resource::named(name).unwrap(), Limit { soft, hard });
        launch.limits = vec![limit("open-files", Some(123), Some(200)), limit("core", Some(0), Some(0))];
        launch.umask = Some(0o27);
        launch.nice = Some(5);
        launch.directory = Some(c"/usr".to_owned());
        launch
    };
    assert_eq!(output(launch), ("123\n0\n0027\n5\n/usr\n".to_owned(), Exit::Code(0)));
}

#[test]
fn a_program_becomes_its_user_with_exactly_its_groups() {
    if !is_root("becoming another user") {
        return;
    }
    let (text, _) = output(|| {
        let ids = "-o uid= -o ruid= -o svuid= -o gid= -o rgid= -o svgid=";
        let mut launch = shell(&format!("echo $(ps {ids} -p $$); echo $(id -G | tr ' ' '\\n' | sort -n)"));
        launch.identity = Some(Identity { uid: 33, gid: 34, gids: vec![4, 40] });
        launch
    });
    // Some systems count its own group in.
    assert!(["33 33 33 34 34 34\n4 40\n", "33 33 33 34 34 34\n4 34 40\n"].contains(&text.as_str()), "{text}");
}

#[test]
fn a_program_is_killed_for_want_of_memory_as_soon_as_asked_where_the_system_can_be_told() {
    let launch = || Launch { oom_score: Some(321), ..shell("cat /proc/self/oom_score_adj") };
    if std::path::Path::new("/proc/self/oom_score_adj").exists() {
        assert_eq!(output(launch).0, "321\n");
    } else {
        let told = failure(&launch()).to_string();
        assert!(told.contains("oom score") && told.contains("not to be had on this system"), "{told}");
    }
}

#[test]
fn every_failure_names_its_stage() {
    let with = |change: &dyn Fn(&mut Launch<'static>)| {
        let mut launch = shell("exit 0");
        change(&mut launch);
        failure(&launch).to_string()
    };
    assert_eq!(
        with(&|launch| launch.program = c"/nonexistent/program".to_owned()),
        "executing /nonexistent/program: No such file or directory (os error 2)"
    );
    assert_eq!(
        with(&|launch| launch.program = c"/etc/passwd".to_owned()),
        "executing /etc/passwd: Permission denied (os error 13)"
    );
    assert_eq!(
        with(&|launch| launch.directory = Some(c"/nonexistent".to_owned())),
        "changing directory to /nonexistent: No such file or directory (os error 2)"
    );
    let above = Limit { soft: Some(1), hard: Some(u64::MAX / 2) };
    // Elsewhere root may ask for any number and gets what there is.
    if std::path::Path::new("/proc/sys/fs/nr_open").exists() {
        assert_eq!(
            with(&|launch| launch.limits = vec![(Resource::named("open-files").unwrap(), above)]),
            "setting its limit open-files: Operation not permitted (os error 1)"
        );
    }
    assert_eq!(with(&|launch| launch.oom_score = Some(1001)), "preparing its oom score: not within -1000 and 1000");
    if is_root("changing its root") {
        assert_eq!(
            with(&|launch| launch.chroot = Some(c"/nonexistent".to_owned())),
            "changing its root to /nonexistent: No such file or directory (os error 2)"
        );
    }
}

#[test]
fn a_program_that_fails_to_launch_leaves_no_child_and_no_open_pipe() {
    for (_, mut spawner) in spawners() {
        let (mut reader, writer) = pipe().unwrap();
        let mut broken = Launch { stdout: Some(writer.as_fd()), ..shell("exit 0") };
        broken.program = c"/nonexistent".to_owned();
        let error = spawner.spawn(&broken, Kin::Child).unwrap_err();
        assert_eq!(reap::reap_one(error.pid.unwrap()).unwrap(), Some(Exit::Unknown));
        drop(writer);
        assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    }
}

#[test]
fn a_tree_that_is_none_is_named_as_the_stage() {
    let no_cgroup = File::open("/").unwrap();
    for (how, mut spawner) in spawners() {
        let mut launch = Launch::new(c"/bin/true".to_owned(), vec![c"true".to_owned()]);
        launch.tree = Some(no_cgroup.as_fd());
        assert_eq!(spawner.spawn(&launch, Kin::Child).unwrap_err().stage, Stage::Tree, "{how}");
    }
}
