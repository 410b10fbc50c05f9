//! Long answers on a terminal, a screen at a time: kept back until they are whole, then given to a pager if they do not
//! fit. What fits is simply printed, so a short answer waits for no other program.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstream::{AutoStream, ColorChoice};
use svc_platform::signals::{Incoming, Signals};

use super::show::columns;

/// What was said so far, while it is kept back.
static HELD: Mutex<Option<String>> = Mutex::new(None);

/// The pager that is used where nobody names one, and what is used where that is not installed.
const USUAL: [&str; 2] = ["less", "more"];

/// Whether the shell found the program it was to run.
const NOT_FOUND: [i32; 2] = [126, 127];

/// What is said from now on is kept back, if it goes to a terminal.
pub(super) fn hold() {
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        *held() = Some(String::new());
    }
}

/// Takes a text, if it is to be kept back.
pub(super) fn take(text: &str) -> bool {
    match held().as_mut() {
        Some(held) => {
            held.push_str(text);
            true
        }
        None => false,
    }
}

/// Shows what was kept back; returns it where it is simply to be printed.
pub(super) fn release() -> Option<String> {
    let text = held().take()?;
    let fits = match terminal_size::terminal_size() {
        Some((width, height)) => fits(&text, usize::from(width.0), usize::from(height.0)),
        None => true,
    };
    let pager = if fits { None } else { command(&|name| env::var(name).ok(), &is_installed) };
    let is_shown = pager.is_some_and(|pager| page(&pager, &text));
    (!is_shown).then_some(text)
}

fn held() -> MutexGuard<'static, Option<String>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether all of it is seen at once, with a line left for the prompt.
fn fits(text: &str, width: usize, height: usize) -> bool {
    let plain = anstream::adapter::strip_str(text).to_string();
    let rows = |line: &str| columns(line).div_ceil(width.max(1)).max(1);
    plain.lines().map(rows).sum::<usize>() < height
}

/// The command line of the pager; `None`: there is none, or none is wanted.
fn command(variable: &dyn Fn(&str) -> Option<String>, is_installed: &dyn Fn(&str) -> bool) -> Option<String> {
    match variable("SVC_PAGER").or_else(|| variable("PAGER")) {
        Some(named) if named.trim().is_empty() || named.trim() == "cat" => None,
        Some(named) => Some(named),
        None => USUAL.into_iter().find(|name| is_installed(name)).map(str::to_owned),
    }
}

fn is_installed(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// Whether the pager could be started; then it has shown what somebody wanted to see of the text.
fn page(pager: &str, text: &str) -> bool {
    // Ctrl-C is for the pager, which knows what to do with it.
    let _held = Signals::hold(&[Incoming::Int, Incoming::Quit]);
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    // less: end at once if all fits, let colours through, leave what was shown on the screen.
    for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
        if env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut input) = child.stdin.take() {
        let plain = match AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => Some(anstream::adapter::strip_str(text).to_string()),
            ColorChoice::Always | ColorChoice::AlwaysAnsi | ColorChoice::Auto => None,
        };
        // Who has seen enough closes the pager before it has read all.
        let _ = input.write_all(plain.as_deref().unwrap_or(text).as_bytes());
    }
    match child.wait() {
        Ok(status) => !status.code().is_some_and(|code| NOT_FOUND.contains(&code)),
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_the_screen_needs_no_pager() {
        assert!(fits("a\nb\n", 80, 3));
        assert!(!fits("a\nb\nc\n", 80, 3));
        assert!(!fits(&"x".repeat(161), 80, 3), "a long line takes several rows");
        assert!(fits("\u{1b}[1mabc\u{1b}[0m\n", 3, 2), "colours take no room");
    }

    #[test]
    fn the_pager_is_ours_then_everybodys_then_the_usual() {
        let all = |_: &str| true;
        let set = |names: &'static [(&str, &str)]| {
            move |wanted: &str| names.iter().find(|(name, _)| *name == wanted).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(command(&set(&[("SVC_PAGER", "a -b"), ("PAGER", "c")]), &all).as_deref(), Some("a -b"));
        assert_eq!(command(&set(&[("PAGER", "c")]), &all).as_deref(), Some("c"));
        assert_eq!(command(&set(&[]), &all).as_deref(), Some("less"));
        assert_eq!(command(&set(&[]), &|name| name == "more").as_deref(), Some("more"));
        for none in [&[("SVC_PAGER", ""), ("PAGER", "c")][..], &[("PAGER", "cat")]] {
            assert_eq!(command(&set(none), &all), None);
        }
        assert_eq!(command(&set(&[]), &|_| false), None);
    }

    #[test]
    fn a_pager_that_is_not_there_leaves_the_text_to_us() {
        assert!(!page("/no/such/pager 2>/dev/null", "text"));
        assert!(page("cat >/dev/null", "text"));
        assert!(page("exit 1", &"text\n".repeat(100_000)), "a pager that was closed early has shown enough");
    }
}
