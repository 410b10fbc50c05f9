//! What the words of launchers mean, each case as scripts write it.

use super::call::{Wish, read};
use super::report::{By, Launch, Stop};

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

fn launch(line: &[&str]) -> Launch {
    match read(line[0], &words(&line[1..])) {
        Wish::Start(start) => start.launch,
        other => panic!("{line:?} starts nothing: {other:?}"),
    }
}

fn stop(line: &[&str]) -> Stop {
    match read(line[0], &words(&line[1..])) {
        Wish::Stop(wish) => wish.stop,
        other => panic!("{line:?} stops nothing: {other:?}"),
    }
}

#[test]
fn start_stop_daemon_is_read_as_getopt_reads_it() {
    let found = launch(&[
        "start-stop-daemon",
        "-Sbmq",
        "--pidf=/run/a.pid",
        "--chuid",
        "www:web",
        "-d/srv",
        "--nicelevel",
        "-5",
        "-k",
        "027",
        "--exec",
        "/usr/bin/perl",
        "--startas",
        "/usr/sbin/a",
        "--",
        "-f",
        "--start",
    ]);
    assert_eq!((found.by, found.program.as_str()), (By::StartStopDaemon, "/usr/sbin/a"));
    assert_eq!(found.argv, ["/usr/sbin/a", "-f", "--start"]);
    assert_eq!((found.user.as_deref(), found.group.as_deref()), (Some("www"), Some("web")));
    assert_eq!((found.directory.as_deref(), found.nice, found.umask), (Some("/srv"), Some(-5), Some(0o27)));
    assert_eq!((found.pid_file.as_deref(), found.makes_pid_file, found.background), (Some("/run/a.pid"), true, true));
}

#[test]
fn words_between_options_are_the_programs_own() {
    let found = launch(&["start-stop-daemon", "--start", "--exec", "/bin/a", "one", "--oknodo", "two"]);
    assert_eq!(found.argv, ["/bin/a", "one", "two"]);
}

#[test]
fn a_program_in_wrappers_is_found_with_what_they_say() {
    let found = launch(&[
        "start-stop-daemon",
        "-S",
        "-x",
        "/usr/bin/env",
        "--",
        "HOME=/srv",
        "nice",
        "-n",
        "3",
        "setsid",
        "/bin/a",
        "-x",
    ]);
    assert_eq!(found.argv, ["/bin/a", "-x"]);
    assert_eq!((found.nice, found.environment["HOME"].as_deref()), (Some(3), Some("/srv")));
    let found = launch(&["nohup", "chpst", "-u", "a:b", "-o", "512", "-/", "/jail", "/bin/d", "-f"]);
    assert_eq!((found.by, found.argv.join(" ").as_str()), (By::Nohup, "/bin/d -f"));
    assert_eq!((found.user.as_deref(), found.group.as_deref()), (Some("a"), Some("b")));
    assert_eq!((found.limits["open-files"].soft, found.chroot.as_deref()), (Some(512), Some("/jail")));
}

#[test]
fn su_and_runuser_are_read_in_all_their_orders() {
    for line in [
        &["su", "-", "web", "-c", "/bin/d -f 'a b'"] as &[&str],
        &["su", "web", "-s", "/bin/sh", "-c", "exec /bin/d -f \"a b\" &"],
        &["su", "-s", "/bin/sh", "-c", "/bin/d -f a\\ b", "web"],
        &["runuser", "-u", "web", "--", "/bin/d", "-f", "a b"],
        &["runuser", "-l", "web", "-c", "/bin/d -f 'a b'"],
        &["chpst", "-u", "web", "/bin/d", "-f", "a b"],
    ] {
        let found = launch(line);
        assert_eq!(found.user.as_deref(), Some("web"), "{line:?}");
        assert_eq!(found.argv, ["/bin/d", "-f", "a b"], "{line:?}");
    }
    let found = launch(&["su", "web", "-c", "cd /srv && ./d >log"]);
    assert_eq!(found.argv, ["/bin/sh", "-c", "cd /srv && ./d >log"]);
}

#[test]
fn functions_of_libraries_are_launchers_of_their_own() {
    let found = launch(&["start_daemon", "-n", "4", "-p", "/run/d.pid", "/bin/d", "-p", "80"]);
    assert_eq!((found.by, found.nice, found.pid_file.as_deref()), (By::StartDaemon, Some(4), Some("/run/d.pid")));
    assert_eq!(found.argv, ["/bin/d", "-p", "80"]);
    let found = launch(&["daemon-function", "+5", "--user=web", "--pidfile", "/run/d", "/bin/d -f", "$x", "'a b'"]);
    assert_eq!((found.by, found.nice, found.user.as_deref()), (By::DaemonFunction, Some(5), Some("web")));
    assert_eq!(found.argv[..2], ["/bin/sh", "-c"], "what a shell has to expand stays a shell's");
    let found = launch(&["daemon", "-cf", "-p", "/run/c.pid", "-P", "/run/s.pid", "-u", "web", "/bin/d", "-f"]);
    assert_eq!((found.by, found.pid_file.as_deref(), found.makes_pid_file), (By::Daemon, Some("/run/c.pid"), true));
    let found = launch(&["rc-subr", "--pidfile", "/run/d", "--user", "web", "--", "/bin/d", "-x"]);
    assert_eq!((found.by, found.argv.join(" ").as_str()), (By::RcSubr, "/bin/d -x"));
}

#[test]
fn stops_are_told_with_their_signal_and_schedule() {
    let found = stop(&["start-stop-daemon", "--stop", "--retry=QUIT/30/KILL/5", "--pidfile", "/run/a.pid"]);
    assert_eq!((found.signal.as_str(), found.retry.as_deref()), ("QUIT", Some("QUIT/30/KILL/5")));
    assert_eq!(stop(&["start-stop-daemon", "-K", "-s", "1", "-x", "/bin/d"]).signal, "HUP");
    assert_eq!(stop(&["start-stop-daemon", "-K", "-R", "30", "-n", "d"]).program.as_deref(), Some("d"));
    let found = stop(&["killproc", "-p", "/run/d.pid", "/bin/d", "-HUP"]);
    assert_eq!((found.signal.as_str(), found.program.as_deref()), ("HUP", Some("/bin/d")));
    assert_eq!(stop(&["killproc", "/bin/d"]).signal, "TERM");
}

#[test]
fn what_asks_for_nothing_starts_nothing() {
    for line in [&["start-stop-daemon", "--help"] as &[&str], &["start-stop-daemon"], &["setsid"], &["frob", "x"]] {
        assert_eq!(read(line[0], &words(&line[1..])), Wish::Nothing, "{line:?}");
    }
    assert!(matches!(read("start-stop-daemon", &words(&["-T", "-p", "/x"])), Wish::Look(_)));
}
