//! What `svc` prints, and that it could be printed.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use clap::ValueEnum;

use super::{json, pager, show};

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR or the like says no.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Something of the answer could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether something of the answer could not be written.
pub(super) fn is_lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Text for stdout.
pub(super) fn say(text: &str) {
    if pager::take(text) {
        return;
    }
    let mut stdout = io::stdout();
    // As one write: the stream that takes colours out would make one of each line.
    let text = match anstream::AutoStream::choice(&stdout) {
        anstream::ColorChoice::Never => Cow::Owned(anstream::adapter::strip_str(text).to_string()),
        anstream::ColorChoice::Always | anstream::ColorChoice::AlwaysAnsi | anstream::ColorChoice::Auto => {
            Cow::Borrowed(text)
        }
    };
    written(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()));
}

/// A reader who went away is no error of ours; that the answer is not whole is one, and told once.
fn written(result: io::Result<()>) {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !LOST.swap(true, Ordering::Relaxed) => {
            say_error(&format!("writing to standard output: {error}"));
        }
        Ok(()) | Err(_) => {}
    }
}

/// Tells why there is no answer, and returns the code.
pub(super) fn fail(json: bool, text: &str, code: u8) -> u8 {
    if json {
        say(&json::error(text, code));
    } else {
        say_error(text);
    }
    code
}

/// Bytes for stdout as they are: names of files may be in any encoding.
pub(super) fn say_bytes(bytes: &[u8]) {
    let mut stdout = io::stdout();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()));
}

/// Text for stderr as it is.
pub(super) fn say_raw_error(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// One sentence for stderr.
pub(super) fn say_error(text: &str) {
    say_raw_error(&format!("{} {text}\n", show::paint(show::BAD, "svc:")));
}

/// Colours as asked for.
pub(super) fn choose_colours(color: Color) {
    match color {
        // The variables (NO_COLOR, CLICOLOR, TERM=dumb) decide.
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
}
