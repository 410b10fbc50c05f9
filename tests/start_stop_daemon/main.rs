//! Our start-stop-daemon beside dpkg's own, over calls that dice make: the same words, the same code, the same files,
//! and the same process in the end. Says so and ends where there is none to compare with.

mod calls;
mod side;
#[path = "../aloud/skipped.rs"]
mod skipped;

use std::path::Path;
use std::process::Command;

use calls::{Call, Dice};
use side::{Side, Told};
use skipped::skipped;

/// What is not tested where the original is missing.
const BESIDE: &str = "start-stop-daemon beside the original";

const CALLS: u64 = 300;
const ORIGINAL: &str = "/usr/sbin/start-stop-daemon";

/// Whether a call is one of those that may differ.
type Meant = fn(&Call) -> bool;

/// What differs and is meant to. The first that fits counts.
const EXEMPT: [(&str, Meant); 4] = [
    ("its help and version are of our own writing", |call| {
        call.has(&["-H", "-V", "--help", "--version", "--hel", "--vers"])
    }),
    ("a pid below 1 in a file stands for many processes: the original tells them all", |call| {
        call.has(&["{dir}/zero.pid", "{dir}/minus.pid"])
    }),
    ("a slash at the end of a schedule is an internal error of the original", |call| call.has(&["TERM/1/"])),
    ("a device is no pid file to be made", |call| call.has(&["-m"]) && call.has(&["{dir}"])),
];

fn original() -> Option<&'static Path> {
    let path = Path::new(ORIGINAL);
    let output = Command::new(path).arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).contains("for Debian").then_some(path)
}

#[test]
fn it_answers_as_the_original_does() {
    let Some(original) = original() else {
        return skipped(BESIDE, "dpkg's start-stop-daemon is not installed here");
    };
    if !svc_platform::users::is_root() {
        return skipped(BESIDE, "becoming somebody else needs root");
    }
    let scratch = tempfile::Builder::new().prefix("svc-ssd").tempdir().unwrap();
    let ours = scratch.path().join("start-stop-daemon");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_svc"), &ours).unwrap();
    let (mut compared, mut exempt, mut faults) = (0, 0, Vec::new());
    for seed in 0..CALLS {
        let call = Call::new(&mut Dice::new(seed));
        if EXEMPT.iter().any(|(_, is_meant)| is_meant(&call)) {
            exempt += 1;
            continue;
        }
        let run = |program: &Path, name: &str| {
            let mut side = Side::new(&scratch.path().join(format!("{name}{seed}")), &call);
            side.run(program, &call)
        };
        let (mut expected, mut got) = (run(original, "a"), run(&ours, "b"));
        // A victim that was told to end may look alive for a moment longer; what differs by more differs again.
        if expected != got {
            (expected, got) = (run(original, "c"), run(&ours, "d"));
        }
        compared += 1;
        if expected != got {
            faults.push(report(seed, &call, &expected, &got));
        }
    }
    println!("{compared} calls compared, {exempt} left out with a reason");
    assert!(compared >= 200, "only {compared} calls");
    assert!(faults.is_empty(), "{} of {compared} differ:\n{}", faults.len(), faults.join("\n"));
}

fn report(seed: u64, call: &Call, expected: &Told, got: &Told) -> String {
    format!("{seed}: {}\n  original {expected:#?}\n  ours {got:#?}", call.words.join(" "))
}
