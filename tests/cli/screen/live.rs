//! The live screen with a real svcd and real processes: keys act, sizes change, and the terminal comes back.

use std::fs;

use svc_core::Signal;
use svc_platform::process::Handle;
use svc_platform::signals::number;
use svc_platform::terminal::Screen;

use super::Terminal;
use super::terminal::have;
use crate::machine::Machine;

const PANIC: &str = "SVC_TEST_PANIC";

fn machine() -> (tempfile::TempDir, Machine) {
    let folder = tempfile::tempdir().unwrap();
    let services = folder.path().join("etc/svc/services");
    fs::create_dir_all(&services).unwrap();
    for name in ["alpha", "beta"] {
        fs::write(services.join(format!("{name}.toml")), "command = \"/usr/bin/env sleep 1000\"\n").unwrap();
    }
    let machine = Machine::at(folder.path());
    (folder, machine)
}

/// A shell in a terminal in which `svc top` was begun.
fn top(machine: &Machine) -> Terminal {
    let socket = machine.socket().display().to_string();
    let terminal = Terminal::open(80, 20, &[("SVC_SOCKET", &socket), ("PS1", "$ ")], "exec sh");
    terminal.keys(&["svc top -i 100ms; echo \"code $?\"", "Enter"]);
    terminal.until("both services", |text| text.contains("> alpha") && text.contains("  beta"));
    terminal
}

/// The shell has its terminal back: its own screen, with a cursor, on which what is typed is seen.
fn is_back(terminal: &Terminal, code: &str) {
    terminal.until(code, |text| text.lines().any(|line| line.ends_with(code)));
    assert_eq!(terminal.fact("#{alternate_on} #{cursor_flag}"), "0 1");
    terminal.keys(&["stty -a", "Enter"]);
    terminal.until("lines and echo", |text| text.contains(" icanon") && text.contains(" echo "));
}

#[test]
fn keys_act_on_the_chosen_service_and_nothing_stops_unasked() {
    if !have("keys of top", &["tmux"]) {
        return;
    }
    let (_folder, machine) = machine();
    let terminal = top(&machine);
    let state = |name: &'static str, state: &'static str| {
        move |text: &str| {
            text.lines().any(|line| line.split_whitespace().skip_while(|word| *word != name).nth(1) == Some(state))
        }
    };
    terminal.keys(&["Down", "s"]);
    terminal.until("beta is up", state("beta", "up"));
    terminal.keys(&["t"]);
    terminal.until("a question", |text| text.contains("stop beta? y/n"));
    terminal.keys(&["n", "w"]);
    terminal.until("the reasons", |text| text.contains("beta is up: asked by"));
    terminal.keys(&["Escape"]);
    terminal.keys(&["t", "y"]);
    terminal.until("beta is down", state("beta", "down"));
    terminal.keys(&["/", "alp", "Enter"]);
    let text = terminal.until("the filter", |text| text.contains("only alp"));
    assert!(!text.contains("beta "), "{text}");
    terminal.keys(&["q"]);
    is_back(&terminal, "code 0");
}

#[test]
fn another_size_is_taken_at_once() {
    if !have("sizes of top", &["tmux"]) {
        return;
    }
    let (_folder, machine) = machine();
    let terminal = top(&machine);
    assert!(!terminal.text().contains(" PID"));
    terminal.resize(150, 12);
    terminal.until("room for pids", |text| text.contains(" PID") && text.lines().count() == 12);
    terminal.resize(60, 30);
    terminal.until("less room", |text| !text.contains(" PID") && text.lines().count() == 30);
    terminal.keys(&["C-c"]);
    is_back(&terminal, "code 0");
}

#[test]
fn a_signal_gives_the_terminal_back() {
    if !have("signals of top", &["tmux"]) {
        return;
    }
    let (_folder, machine) = machine();
    let terminal = top(&machine);
    let shell = terminal.fact("#{pane_pid}");
    let children = fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    let pid: i32 = children.split_whitespace().next().unwrap().parse().unwrap();
    assert_eq!(terminal.fact("#{alternate_on} #{cursor_flag}"), "1 0");
    Handle::open(pid).unwrap().signal(number(Signal::Term)).unwrap();
    is_back(&terminal, "code 143");
}

#[test]
fn a_panic_gives_the_terminal_back_and_its_message_is_seen() {
    if std::env::var_os(PANIC).is_some() {
        let _screen = Screen::enter().unwrap();
        panic!("at the disco");
    }
    if !have("a panic below top", &["tmux"]) {
        return;
    }
    let program = std::env::current_exe().unwrap();
    let own = "screen::live::a_panic_gives_the_terminal_back_and_its_message_is_seen";
    let line = format!("{} --exact {own} --nocapture; echo \"code $?\"", program.display());
    let terminal = Terminal::open(100, 40, &[(PANIC, "1"), ("PS1", "$ "), ("RUST_BACKTRACE", "0")], "sh");
    terminal.keys(&[&line, "Enter"]);
    terminal.until("the message", |text| text.contains("at the disco"));
    is_back(&terminal, "code 101");
}
