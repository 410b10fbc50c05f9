//! The shell libraries under every shell that a script may be run by, and the commands of other systems over bad input.

mod shim;
#[path = "../aloud/skipped.rs"]
mod skipped;

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use skipped::skipped;
use svc_compat::library::{self, Library};

/// Each a program and its first words. The first is the system's own: dash, or what FreeBSD has.
const SHELLS: [&[&str]; 4] = [&["sh"], &["busybox", "sh"], &["mksh"], &["bash", "--posix"]];

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shell")
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-c").arg(":").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs the tests of a library in every shell.
fn under_every_shell(library: Library, test: &str) {
    // What these stand in for is of Linux, or, as rc.subr, there already.
    if !is_there("unshare") {
        return eprintln!("SKIPPED: {test}: libraries are lent by mount namespaces, which are not to be had here");
    }
    let mut faults = Vec::new();
    for shell in SHELLS {
        if !is_there(shell[0]) {
            skipped(test, format_args!("{} is not installed", shell[0]));
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
fn openrc_run_does_what_a_script_only_names() {
    under_every_shell(library::OPENRC_RUN, "openrc-run.sh");
}

#[test]
fn settings_are_what_scripts_expect_in_every_shell() {
    under_every_shell(library::VARS, "settings.sh");
}

/// Runs a command of another system over a root with this rc.conf: its code, and what it said on both streams.
fn over(conf: &str, words: &[&str]) -> (Option<i32>, String) {
    let root = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(root.path().join("etc/rc.d")).expect("directories");
    fs::write(root.path().join("etc/rc.conf"), conf).expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_svc"))
        .arg("as")
        .args(words)
        .env("SVC_ROOT", root.path())
        .stdin(Stdio::null())
        .output()
        .expect("svc starts");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn a_configuration_that_no_shell_can_read_is_told_by_the_code() {
    let (code, said) = over("x=\"\n", &["service", "web", "start"]);
    assert_eq!(code, Some(2), "{said}");
    let (code, said) = over("if\n", &["sysrc", "x"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("sysrc: Exiting due to previous syntax errors"), "{said}");
}

#[test]
fn a_configuration_without_an_end_is_stopped() {
    let loops = "while :; do :; done\n";
    let (code, said) = over(loops, &["service", "web", "start"]);
    assert!(code == Some(1) && said.contains("rc.conf has no end"), "{said}");
}

#[test]
fn a_name_that_is_none_does_no_harm() {
    for name in ["../../../bin/nonesuch", "a b", "a\nb", "--", "", "*", "$(id)"] {
        let (code, said) = over("", &["service", "--", name, "start"]);
        assert!(code == Some(1) && said.contains("does not exist in /etc/rc.d"), "{name}: {code:?} {said}");
    }
    for name in ["a b", "a;id", "$(id)", "a\nb", "`id`"] {
        let (code, said) = over("", &["sysrc", name]);
        assert!(code == Some(1) && said.contains("not allowed in shell"), "{name}: {code:?} {said}");
    }
    assert_eq!(over("", &["frobnicate"]).0, Some(2));
    assert_eq!(over("", &[]).0, Some(2));
}

#[test]
fn shellcheck_finds_nothing() {
    if !is_there("shellcheck") && Command::new("shellcheck").arg("--version").output().is_err() {
        skipped("a look at the libraries", "shellcheck is not installed");
        return;
    }
    let libraries = Path::new(env!("CARGO_MANIFEST_DIR")).join("compat/shell");
    let mut files: Vec<PathBuf> =
        ["svc-hook", "init-functions", "functions", "init-d-script", "openrc-run", "rc.conf", "vars.sh"]
            .map(|name| libraries.join(name))
            .into();
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
