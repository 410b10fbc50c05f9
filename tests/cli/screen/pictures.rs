//! Golden pictures of the screen, of 80 and of 200 columns, with colours and without.

use std::path::Path;
use std::{env, fs};

use super::Terminal;
use super::terminal::have;
use super::world;

/// A line that shows that a command has ended.
const ENDED: &str = "-- ended --";

/// Compares what is on the screen with the file, or with `UPDATE=1` writes it.
fn golden(name: &str, picture: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/screen").join(name);
    let picture = masked(picture);
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &picture).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert!(
        picture == expected,
        "{name} is not as it was; with UPDATE=1 it is written\n{picture}\nbut was\n{expected}"
    );
}

/// Without what differs from machine to machine: its line, and where this test keeps its files.
fn masked(picture: &str) -> String {
    let mut text = String::new();
    for line in picture.lines() {
        let is_machine = line.contains(" up ") && line.contains(", load ");
        let line = if is_machine { "HOST: SYSTEM, up TIME, load LOAD, memory USED of ALL" } else { line.trim_end() };
        text += &line.replace('\u{1b}', "\\e");
        text.push('\n');
    }
    text
}

/// The picture of what a command leaves on a terminal, in every form.
fn pictures(name: &str, variables: &[(&str, &str)], line: &str, lines: u16) {
    for columns in [80, 200] {
        for colours in [true, false] {
            let plain = [("NO_COLOR", "1")];
            let all: Vec<_> = variables.iter().copied().chain(plain.into_iter().filter(|_| !colours)).collect();
            // The shell that prints the last line also keeps the terminal open.
            let terminal = Terminal::open(columns, lines, &all, &format!("{line}; echo '{ENDED}'; read -r _"));
            terminal.until(ENDED, |text| text.lines().any(|line| line == ENDED));
            let picture = if colours { terminal.coloured() } else { terminal.text() };
            let picture = picture.split(ENDED).next().unwrap();
            let picture = picture.trim_end_matches(['\n', ' ']).trim_end_matches("\u{1b}[0m");
            golden(&format!("{name}-{columns}{}.txt", if colours { "-colour" } else { "" }), picture);
        }
    }
}

#[test]
fn a_list_is_readable_at_every_width() {
    if have("pictures of list", &["tmux"]) {
        let daemon = world::daemon();
        pictures("list", &[("SVC_SOCKET", daemon.socket().to_str().unwrap())], "svc list", 24);
    }
}

#[test]
fn a_status_is_readable_at_every_width() {
    if have("pictures of status", &["tmux"]) {
        let daemon = world::daemon();
        let socket = ("SVC_SOCKET", daemon.socket().to_str().unwrap());
        pictures("status", &[socket, ("SVC_PAGER", "")], "svc shop web status", 60);
        pictures("overview", &[socket], "svc status", 24);
        pictures("log", &[socket], "svc web database log", 12);
    }
}

#[test]
fn a_fault_of_a_definition_is_shown_at_its_place() {
    if have("pictures of faults", &["tmux"]) {
        let daemon = world::daemon();
        let socket = ("SVC_SOCKET", daemon.socket().to_str().unwrap());
        pictures("check", &[socket, ("SVC_PAGER", "")], "svc shop check", 40);
    }
}

#[test]
fn top_is_readable_at_every_width() {
    if have("pictures of top", &["tmux"]) {
        let daemon = world::daemon();
        for columns in [80, 200] {
            for colours in [true, false] {
                let plain = [("NO_COLOR", "1")].into_iter().filter(|_| !colours);
                let socket = [("SVC_SOCKET", daemon.socket().to_str().unwrap())];
                let all: Vec<_> = socket.into_iter().chain(plain).collect();
                let terminal = Terminal::open(columns, 18, &all, "svc top --sort state");
                terminal.until("the services", |text| text.contains("> storage"));
                terminal.keys(&["Down", "Down"]);
                terminal.until("another is chosen", |text| text.contains("> metrics"));
                let picture = if colours { terminal.coloured() } else { terminal.text() };
                golden(&format!("top-{columns}{}.txt", if colours { "-colour" } else { "" }), &picture);
            }
        }
    }
}
