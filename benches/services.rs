//! A thousand services under the real programs: how long, how much CPU, how much memory, beside a bare loop that starts
//! the same programs. Figures are printed, nothing is asserted but that every service really runs.
//!
//! `cargo bench --bench services -- [COUNT]`

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use svc_platform::process::{self, Handle};

const SLEEPER: &str = "/bin/sleep";
const KILLS: usize = 101;
const CALLS: usize = 51;
const IDLE: Duration = Duration::from_secs(5);
/// What is printed in all, in lines of so many bytes, by so many services that write so much at once.
const PRINTED_BYTES: usize = 128 << 20;
const LINE_BYTES: usize = 128;
const TALKERS: usize = 50;
const WRITE_BYTES: usize = 64 << 10;
/// What the log puts before each line.
const STAMP_BYTES: usize = "2026-01-01T00:00:00.000Z ".len();

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    match words.next().as_deref() {
        Some("--beat") => beat(&words.next().expect("a fifo is named")),
        Some("--print") => print(&words.next().expect("a number of bytes is named")),
        count => measure(count.map_or(1_000, |count| count.parse().expect("the argument is a number of services"))),
    }
}

/// The program of the service that is killed: says that it runs, and waits.
fn beat(fifo: &str) {
    let mut out = fs::File::options().write(true).open(fifo).expect("the fifo opens");
    writeln!(out, "{}", std::process::id()).expect("the fifo takes a line");
    loop {
        std::thread::park();
    }
}

/// The program of a service that prints much.
fn print(bytes: &str) {
    let bytes: usize = bytes.parse().expect("a number of bytes");
    let line = [&[b'x'; LINE_BYTES - 1][..], b"\n"].concat();
    let text = line.repeat(WRITE_BYTES / LINE_BYTES);
    let mut out = std::io::stdout().lock();
    (0..bytes / text.len()).for_each(|_| out.write_all(&text).expect("the log takes it"));
}

/// How the services of a daemon hang together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Independent,
    /// Each requires the one before.
    Chain,
}

/// svcd in a directory of its own.
struct Daemon {
    dir: tempfile::TempDir,
    keeper: Child,
}

impl Daemon {
    fn new(count: usize, order: Order) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let services = dir.path().join("services");
        fs::create_dir(&services).expect("a directory");
        for number in 0..count {
            let before = number.checked_sub(1).filter(|_| order == Order::Chain);
            let requires = before.map(|before| format!("requires = \"s{before:05}\"\n")).unwrap_or_default();
            let text = format!("{requires}command = \"{SLEEPER} 1000000\"\n[stop]\ntimeout = \"20s\"\n");
            fs::write(services.join(format!("s{number:05}.toml")), text).expect("a definition");
        }
        let fifo = dir.path().join("fifo");
        let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo runs");
        assert!(made.success());
        let me = std::env::current_exe().expect("this program has a path");
        let talker = |bytes: usize| {
            let command = format!("[\"{}\", \"--print\", \"{bytes}\"]", me.display());
            format!("kind = \"oneshot\"\ncommand = {command}\n[log]\nsize = \"16MiB\"\nkeep = 20\n")
        };
        fs::write(services.join("talk.toml"), talker(PRINTED_BYTES)).expect("a definition");
        for number in 0..TALKERS {
            let path = services.join(format!("talk-{number}.toml"));
            fs::write(path, talker(PRINTED_BYTES / TALKERS)).expect("a definition");
        }
        let text = format!(
            "command = [\"{}\", \"--beat\", \"{}\"]\n[restart]\nsettled = \"1ms\"\nlimit = 0\n",
            me.display(),
            fifo.display()
        );
        fs::write(services.join("beat.toml"), text).expect("a definition");
        let keeper = Command::new(env!("CARGO_BIN_EXE_svcd"))
            .arg("--no-legacy")
            .args(["--runtime-dir".as_ref(), dir.path().join("run").as_os_str()])
            .args(["--log-dir".as_ref(), dir.path().join("log").as_os_str()])
            .args(["--definitions".as_ref(), services.as_os_str()])
            .stderr(Stdio::null())
            .spawn()
            .expect("svcd starts");
        let daemon = Self { dir, keeper };
        let begun = Instant::now();
        while !daemon.svc(&["list"]).0 {
            assert!(begun.elapsed() < Duration::from_secs(30), "svcd does not answer");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        daemon
    }

    fn svc(&self, words: &[&str]) -> (bool, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_svc"))
            .args(["--runtime-dir".as_ref(), self.dir.path().join("run").as_os_str()])
            .args(words)
            .output()
            .expect("svc runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Keeper, manager and logger.
    fn roles(&self) -> Vec<i32> {
        let keeper = self.keeper.id() as i32;
        let svcd = |pid: &i32| {
            process::facts(*pid).is_ok_and(|facts| *pid == keeper || (facts.parent == keeper && facts.name == "svcd"))
        };
        process::list().expect("processes can be listed").into_iter().filter(svcd).collect()
    }

    fn cpu(&self) -> Duration {
        self.roles().into_iter().filter_map(|pid| Some(process::facts(pid).ok()?.cpu)).sum()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.svc(&["shutdown"]);
        let _status = self.keeper.wait();
    }
}

fn measure(count: usize) {
    let bare = bare(count);
    let daemon = Daemon::new(count, Order::Independent);
    row("bare loop: spawn", &format!("{} ms", ms(bare)));

    let cpu = daemon.cpu();
    let (started, start) = timed(|| daemon.svc(&["start", "s*"]).0);
    let cpu = daemon.cpu().saturating_sub(cpu);
    assert!(started, "every service starts");
    row(&format!("start {count} from one command"), &format!("{} ms ({:.2} of bare)", ms(start), ratio(start, bare)));
    row("CPU of svcd for each", &format!("{:.3} ms", cpu.as_secs_f64() * 1e3 / count as f64));

    let running = daemon.svc(&["list", "--json", "s*"]).1;
    let up = running.matches("\"state\":\"up\"").count();
    assert_eq!(up, count, "every service is listed as up");
    assert_eq!(sleepers(), count, "and each has its process");
    row("verified running", &format!("{up}"));

    row("PSS of keeper, manager, logger", &format!("{} KiB", daemon.roles().into_iter().map(pss).sum::<u64>()));
    let wakes: u64 = daemon.roles().into_iter().map(switches).sum();
    std::thread::park_timeout(IDLE);
    let wakes = daemon.roles().into_iter().map(switches).sum::<u64>() - wakes;
    row(&format!("wake-ups in {} s of idleness", IDLE.as_secs()), &wakes.to_string());

    calls(&daemon);
    kills(&daemon);
    logs(&daemon, "talk", PRINTED_BYTES);
    logs(&daemon, "talk-*", PRINTED_BYTES / TALKERS / WRITE_BYTES * WRITE_BYTES * TALKERS);

    let (stopped, stop) = timed(|| daemon.svc(&["stop", "s*"]).0);
    assert!(stopped, "every service stops");
    assert_eq!(sleepers(), 0, "and no process is left");
    row(&format!("stop {count}"), &format!("{} ms", ms(stop)));
    drop(daemon);
    chain(count);
}

/// In order: each is launched when the one before is up.
fn chain(count: usize) {
    let daemon = Daemon::new(count, Order::Chain);
    let last = format!("s{:05}", count - 1);
    let (started, start) = timed(|| daemon.svc(&[&last, "start"]).0);
    assert!(started, "the last of the chain starts");
    assert_eq!(sleepers(), count, "and each before it");
    row(&format!("start a chain of {count}"), &format!("{} ms", ms(start)));
    let (stopped, stop) = timed(|| daemon.svc(&["s00000", "stop"]).0);
    assert!(stopped && sleepers() == 0, "the whole chain stops");
    row(&format!("stop a chain of {count}"), &format!("{} ms", ms(stop)));
}

/// How fast what services print comes to be on file, every line with its time.
fn logs(daemon: &Daemon, which: &str, bytes: usize) {
    let expected = (bytes / LINE_BYTES * (LINE_BYTES + STAMP_BYTES)) as u64;
    let (log, name) = (daemon.dir.path().join("log"), which.trim_end_matches('*'));
    let written = || {
        let of = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().collect::<Vec<_>>();
        let logs = of(&log).into_iter().filter(|dir| {
            let found = dir.file_name();
            let found = found.to_string_lossy();
            if which == name { found == name } else { found.starts_with(name) }
        });
        logs.flat_map(|dir| of(&dir.path())).filter_map(|file| Some(file.metadata().ok()?.len())).sum::<u64>()
    };
    let cpu = daemon.cpu();
    let begun = Instant::now();
    assert!(daemon.svc(&["start", which]).0, "what prints ends with success");
    while written() < expected {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} of {expected} bytes are on file", written());
        std::thread::park_timeout(Duration::from_millis(1));
    }
    let (took, cpu) = (begun.elapsed(), daemon.cpu().saturating_sub(cpu));
    assert_eq!(written(), expected, "and nothing else");
    let rate = |time: Duration| bytes as f64 / 1e9 / time.as_secs_f64().max(1e-9);
    row(&format!("log of {which}"), &format!("{:.2} GB/s, {:.2} GB/s of svcd's CPU", rate(took), rate(cpu)));
}

/// What svc costs beyond a program that does nothing.
fn calls(daemon: &Daemon) {
    let nothing = median((0..CALLS).map(|_| timed(|| Command::new("/bin/true").status().is_ok()).1).collect());
    for words in
        [&["s00007", "status"][..], &["list"], &["s00007", "restart"], &["s00007", "stop"], &["s00007", "start"]]
    {
        let took = median((0..CALLS).map(|_| timed(|| daemon.svc(words)).1).collect());
        let more = took.saturating_sub(nothing);
        row(&format!("svc {} beyond /bin/true", words.join(" ")), &format!("{} ms", ms(more)));
    }
}

/// From the end of a process to the first line of the next.
fn kills(daemon: &Daemon) {
    let fifo = daemon.dir.path().join("fifo");
    let starter = Command::new(env!("CARGO_BIN_EXE_svc"))
        .args(["--runtime-dir".as_ref(), daemon.dir.path().join("run").as_os_str()])
        .args(["beat", "start"])
        .spawn();
    let mut beats = BufReader::new(fs::File::open(&fifo).expect("the fifo opens"));
    // Held open, so that no end of file is seen between two runs.
    let _held = fs::File::options().write(true).open(&fifo).expect("the fifo opens");
    starter.and_then(|mut child| child.wait()).expect("svc runs");
    let mut pid = next_pid(&mut beats);
    let mut times = Vec::new();
    for _ in 0..KILLS {
        std::thread::park_timeout(Duration::from_millis(20));
        let handle = Handle::open(pid).expect("it runs");
        let begun = Instant::now();
        handle.signal(9).expect("it can be killed");
        pid = next_pid(&mut beats);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let p99 = times[times.len() * 99 / 100];
    row("restart after kill -9, median / p99", &format!("{} / {} ms", ms(median(times)), ms(p99)));
}

fn next_pid(beats: &mut impl BufRead) -> i32 {
    let mut line = String::new();
    beats.read_line(&mut line).expect("the fifo can be read");
    line.trim().parse().expect("a beat is a pid")
}

/// The same programs by a loop that does nothing else.
fn bare(count: usize) -> Duration {
    let (children, took) = timed(|| {
        let spawn = |_| Command::new(SLEEPER).arg("1000000").stdin(Stdio::null()).spawn().expect("it starts");
        (0..count).map(spawn).collect::<Vec<Child>>()
    });
    for mut child in children {
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
    took
}

fn sleepers() -> usize {
    let mine =
        |pid: &i32| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains("1000000"));
    process::list().expect("processes can be listed").iter().filter(|pid| mine(pid)).count()
}

fn pss(pid: i32) -> u64 {
    number_after(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

fn switches(pid: i32) -> u64 {
    number_after(&format!("/proc/{pid}/status"), "voluntary_ctxt_switches:")
}

fn number_after(path: &str, label: &str) -> u64 {
    let text = fs::read_to_string(Path::new(path)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_default();
    line.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let result = act();
    (result, begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(duration: Duration) -> String {
    format!("{:.2}", duration.as_secs_f64() * 1e3)
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

fn row(what: &str, figure: &str) {
    println!("{what:<40} {figure}");
}
