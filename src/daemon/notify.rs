//! What services say through the socket named in `NOTIFY_SOCKET`; the protocol is that of sd_notify(3).

use std::time::Duration;

/// The longest status text that is kept, in bytes.
const STATUS_BYTES_MAX: usize = 1024;

/// One assignment of a datagram that means something to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// `READY=1`
    Ready,
    /// `RELOADING=1`
    Reloading,
    /// `STOPPING=1`
    Stopping,
    /// `STATUS=text`
    Status(String),
    /// `MAINPID=pid`
    MainPid(i32),
    /// `EXTEND_TIMEOUT_USEC=n`
    Extend(Duration),
    /// `WATCHDOG=1`
    Alive,
    /// `WATCHDOG=trigger`
    Unwell,
    /// `WATCHDOG_USEC=n`
    WatchdogEvery(Duration),
}

/// Reads one datagram. Lines that are not understood are for other managers and say nothing to us.
pub(crate) fn read(datagram: &[u8]) -> Vec<Said> {
    datagram.split(|byte| *byte == b'\n').filter_map(assignment).collect()
}

fn assignment(line: &[u8]) -> Option<Said> {
    let equals = line.iter().position(|byte| *byte == b'=')?;
    let (key, value) = (&line[..equals], &line[equals + 1..]);
    match (key, value) {
        (b"READY", b"1") => Some(Said::Ready),
        (b"RELOADING", b"1") => Some(Said::Reloading),
        (b"STOPPING", b"1") => Some(Said::Stopping),
        (b"WATCHDOG", b"1") => Some(Said::Alive),
        (b"WATCHDOG", b"trigger") => Some(Said::Unwell),
        (b"STATUS", text) => Some(Said::Status(printable(text))),
        (b"MAINPID", digits) => number(digits).and_then(|pid| i32::try_from(pid).ok()).map(Said::MainPid),
        (b"EXTEND_TIMEOUT_USEC", digits) => number(digits).map(|usec| Said::Extend(Duration::from_micros(usec))),
        (b"WATCHDOG_USEC", digits) => number(digits).map(|usec| Said::WatchdogEvery(Duration::from_micros(usec))),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.trim().parse().ok().filter(|number| *number > 0)
}

/// Text that is safe on an operator's terminal.
fn printable(text: &[u8]) -> String {
    let text = &text[..text.len().min(STATUS_BYTES_MAX)];
    String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_datagram_may_say_several_things() {
        let said = read(b"READY=1\nSTATUS=Serving 3 clients\nMAINPID=4711\nX_OTHER=1");
        assert_eq!(said, [Said::Ready, Said::Status("Serving 3 clients".into()), Said::MainPid(4711)]);
    }

    #[test]
    fn times_are_in_microseconds() {
        assert_eq!(read(b"EXTEND_TIMEOUT_USEC=5000000"), [Said::Extend(Duration::from_secs(5))]);
        assert_eq!(read(b"WATCHDOG_USEC=100000\n"), [Said::WatchdogEvery(Duration::from_millis(100))]);
        assert_eq!(read(b"WATCHDOG=1\nWATCHDOG=trigger"), [Said::Alive, Said::Unwell]);
        assert_eq!(read(b"RELOADING=1\nSTOPPING=1"), [Said::Reloading, Said::Stopping]);
    }

    #[test]
    fn what_is_not_meant_says_nothing() {
        for odd in [&b""[..], b"READY=0", b"READY", b"MAINPID=-3", b"MAINPID=0", b"MAINPID=99999999999", b"\xff=\xfe"] {
            assert_eq!(read(odd), [], "{odd:?}");
        }
    }

    #[test]
    fn a_status_cannot_write_to_the_terminal_of_its_reader() {
        assert_eq!(read(b"STATUS=a\x1b[2Jb"), [Said::Status("a [2Jb".into())]);
    }
}
