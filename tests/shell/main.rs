//! The shell libraries under every shell that a script may be run by, and under shellcheck.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use svc_compat::library::{self, Library};

/// Each a program and its first words.
const SHELLS: [&[&str]; 4] = [&["dash"], &["busybox", "sh"], &["mksh"], &["bash", "--posix"]];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shell")
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-c").arg(":").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs the tests of a library in every shell.
fn under_every_shell(library: Library, test: &str) {
    let mut faults = Vec::new();
    for shell in SHELLS {
        if !is_there(shell[0]) {
            eprintln!("SKIPPED: {test} under {}, which is not installed", shell[0]);
            continue;
        }
        let scratch = tempfile::tempdir().expect("a directory");
        // Somebody listens, as svcd would.
        let sockets = tempfile::tempdir().expect("a directory");
        let socket = sockets.path().join("control");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        let libraries = tempfile::tempdir().expect("a directory");
        for each in library::ALL {
            let name = Path::new(each.path).file_name().expect("a library has a name");
            fs::write(libraries.path().join(name), each.text).expect("a library is written");
        }
        let path = libraries.path().join(Path::new(library.path).file_name().expect("a library has a name"));
        let output = Command::new("timeout")
            .arg("120")
            .args(shell)
            .arg(here().join(test))
            .env("HERE", here())
            .env("LIBRARY", path)
            .env("SCRATCH", scratch.path())
            .env("SOCKET", &socket)
            .env("SHELL_WORDS", shell.join(" "))
            .env_remove("SVC_RUN")
            .stdin(Stdio::null())
            .output()
            .expect("a shell starts");
        print!("{}", String::from_utf8_lossy(&output.stdout));
        if !output.status.success() {
            let said = [output.stdout, output.stderr].concat();
            faults.push(format!("under {}:\n{}", shell.join(" "), String::from_utf8_lossy(&said)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rc_subr_keeps_its_contract_in_every_shell() {
    under_every_shell(library::RC_SUBR, "rcsubr.sh");
}

#[test]
fn init_functions_says_and_does_the_same_in_every_shell() {
    under_every_shell(library::INIT_FUNCTIONS, "init-functions.sh");
}

#[test]
fn red_hats_functions_say_and_do_the_same_in_every_shell() {
    under_every_shell(library::FUNCTIONS, "functions.sh");
}

#[test]
fn init_d_script_does_what_a_script_only_names() {
    under_every_shell(library::INIT_D_SCRIPT, "init-d-script.sh");
}

#[test]
fn shellcheck_finds_nothing() {
    if !is_there("shellcheck") && Command::new("shellcheck").arg("--version").output().is_err() {
        eprintln!("SKIPPED: shellcheck is not installed");
        return;
    }
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/shell");
    let mut files: Vec<PathBuf> =
        ["svc-hook", "init-functions", "functions", "init-d-script"].iter().map(|name| libraries.join(name)).collect();
    for directory in [libraries.join("rcsubr"), here()] {
        let entries = fs::read_dir(directory).expect("a directory of scripts");
        files.extend(
            entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "sh")),
        );
    }
    let output = Command::new("shellcheck")
        .args(["-x", "-S", "style"])
        .args(&files)
        .current_dir(here())
        .output()
        .expect("shellcheck starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
