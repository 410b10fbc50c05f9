//! How long a rehearsal takes: less than a second in the median over 100 scripts.
//!
//! The scripts are those of unpacked packages in the directories below `SVC_REHEARSE_PACKAGES`; without them, scripts
//! of our own that do what those do.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use svc::rehearse::Ask;

const MEDIAN_MAX: Duration = Duration::from_secs(1);
const SCRIPTS: usize = 100;

fn main() -> ExitCode {
    svc::daemon::role_entry();
    let own = env::temp_dir().join(format!("svc-bench-{}", std::process::id()));
    let (what, asks) = match env::var_os("SVC_REHEARSE_PACKAGES") {
        Some(dir) => ("packages", packages(Path::new(&dir))),
        None => ("scripts of our own", written(&own)),
    };
    let mut times = Vec::new();
    for ask in &asks {
        let begun = Instant::now();
        if let Err(why) = ask.run() {
            println!("skipped: no rehearsal of {}: {why}", ask.script.display());
            let _ = fs::remove_dir_all(&own);
            return ExitCode::SUCCESS;
        }
        times.push(begun.elapsed());
    }
    let _ = fs::remove_dir_all(&own);
    times.sort();
    let (Some(longest), true) = (times.last(), times.len() >= SCRIPTS) else {
        println!("only {} scripts of {what}, {SCRIPTS} are wanted", times.len());
        return ExitCode::FAILURE;
    };
    let median = times[times.len() / 2];
    println!("rehearse: {} {what}, median {median:?}, the longest {longest:?}", times.len());
    if median < MEDIAN_MAX { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Each script over its own package.
fn packages(dir: &Path) -> Vec<Ask> {
    let mut asks = Vec::new();
    for tree in entries(dir) {
        for script in entries(&tree.join("etc/init.d")) {
            let layers = vec![tree.clone()];
            asks.push(Ask { layers, ..Ask::new(script, "start") });
        }
    }
    asks
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all
}

fn written(dir: &Path) -> Vec<Ask> {
    fs::create_dir_all(dir).expect("the temporary directory can be written to");
    let write = |number: usize| {
        let path = dir.join(format!("service{number}"));
        let text = format!(
            "#!/bin/sh\n. /lib/lsb/init-functions\n[ -r /etc/default/service ] && . /etc/default/service\n\
             log_daemon_msg Starting service{number}\ninstall -d -m 755 /run/service{number}\n\
             start-stop-daemon --start --quiet --pidfile /run/service{number}/pid \
             --exec /bin/true -- --number {number}\n\
             log_end_msg $?\nstatus_of_proc -p /run/service{number}/pid /bin/true service{number}\n"
        );
        fs::write(&path, text).expect("the temporary directory can be written to");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
        Ask::new(path, "start")
    };
    (0..SCRIPTS).map(write).collect()
}
