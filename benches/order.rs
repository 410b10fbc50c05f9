//! How long ordering takes: 300 scripts within 3 ms, and 10,000 in no more than their share; beside insserv where that
//! is installed.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use svc_compat::facility::{DEBIAN, Facilities};
use svc_compat::order::insserv::{self, Care};
use svc_compat::order::rcorder::{self, Options};

const LIMIT_300: Duration = Duration::from_millis(3);
/// How much more one script may cost among 10,000 than among 1,000.
const GROWTH_MAX: u32 = 4;

/// A name and its text.
type Script = (String, String);

fn main() -> ExitCode {
    let mut kept = true;
    for (what, time) in [("rcorder", rcorder_time as fn(&[Script]) -> Duration), ("insserv", insserv_time)] {
        let scripts = |count: usize| if what == "rcorder" { rc_d(count) } else { init_d(count) };
        let times: Vec<Duration> = [300, 1_000, 10_000].map(|count| time(&scripts(count))).to_vec();
        println!("{what}: 300 scripts {:?}, 1,000 {:?}, 10,000 {:?}", times[0], times[1], times[2]);
        // Without optimisation it says nothing.
        if !cfg!(debug_assertions) {
            kept &= times[0] <= LIMIT_300 && times[2] <= times[1] * 10 * GROWTH_MAX;
        }
        if let Some(theirs) = original(what, &scripts(300)) {
            println!("{what}: the original with the same 300 {theirs:?}, starting it included");
        }
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The best of several runs.
fn best(run: impl Fn()) -> Duration {
    let once = || {
        let begun = Instant::now();
        run();
        begun.elapsed()
    };
    (0..7).map(|_| once()).min().expect("several runs")
}

fn rcorder_time(scripts: &[Script]) -> Duration {
    let files: Vec<rcorder::File<'_>> =
        scripts.iter().map(|(name, text)| rcorder::File { name: name.as_bytes(), text: text.as_bytes() }).collect();
    best(|| {
        let answer = rcorder::rcorder(&files, &Options::default());
        assert_eq!((answer.exit, answer.groups.concat().len()), (0, scripts.len()));
    })
}

fn insserv_time(scripts: &[Script]) -> Duration {
    let files: Vec<insserv::File<'_>> =
        scripts.iter().map(|(name, text)| insserv::File { name, text: text.as_bytes() }).collect();
    let names: Vec<&str> = files.iter().map(|file| file.name).collect();
    best(|| {
        let answer = insserv::insserv(&files, &names, &Facilities::debian(), Care::Strict);
        assert_eq!((answer.exit, answer.start.targets.len()), (0, scripts.len()));
    })
}

/// What a script has beside its header.
fn body() -> String {
    let mut out = String::new();
    for line in 0..80 {
        writeln!(out, "    echo \"line {line} of what a script does\" >&2 || return $?").expect("a string takes it");
    }
    out
}

fn rc_d(count: usize) -> Vec<Script> {
    let script = |at: usize| {
        // Chains of eight behind a few that all need, as in a real directory.
        let require = if at < 8 { String::new() } else { format!("# REQUIRE: s{} s{}\n", at % 8, at - at % 8 - 1) };
        let require =
            if !at.is_multiple_of(8) && at >= 8 { format!("# REQUIRE: s{} s{}\n", at % 8, at - 1) } else { require };
        let require = if at.is_multiple_of(8) { String::new() } else { require };
        (format!("s{at}"), format!("#!/bin/sh\n\n# PROVIDE: s{at}\n{require}# KEYWORD: shutdown\n\n{}", body()))
    };
    (0..count).map(script).collect()
}

fn init_d(count: usize) -> Vec<Script> {
    let script = |at: usize| {
        let require = if at.is_multiple_of(8) { String::new() } else { format!(" s{}", at - 1) };
        let header = format!(
            "### BEGIN INIT INFO\n# Provides: s{at}\n# Required-Start: $remote_fs $syslog{require}\n# Required-Stop: \
             $remote_fs{require}\n# Default-Start: 2 3 4 5\n# Default-Stop: 0 1 6\n# Short-Description: script {at}\n\
             ### END INIT INFO\n"
        );
        (format!("s{at}"), format!("#!/bin/sh\n{header}\n{}", body()))
    };
    (0..count).map(script).collect()
}

/// How long the original takes on the same files, if it is installed.
fn original(what: &str, scripts: &[Script]) -> Option<Duration> {
    let program = if what == "insserv" { "/sbin/insserv" } else { "/sbin/rcorder" };
    if !Path::new(program).exists() {
        return None;
    }
    let root = tempfile::tempdir().expect("a temporary directory");
    let directory = root.path().join("etc/init.d");
    fs::create_dir_all(&directory).expect("a directory in it");
    let config = root.path().join("etc/insserv.conf");
    fs::write(&config, DEBIAN).expect("a file in it");
    for (name, text) in scripts {
        let path = directory.join(name);
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("an executable script");
    }
    Some(best(|| {
        let mut command = Command::new(program);
        if what == "insserv" {
            command.arg("-c").arg(&config).arg("-p").arg(&directory).arg("-n");
        }
        command.args(scripts.iter().map(|(name, _)| name)).current_dir(&directory);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.expect("it can be run");
    }))
}
