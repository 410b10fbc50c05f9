//! The small languages inside values: durations, sizes, signals, readiness, conditions.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::fault::{Complaint, listed, shown};
use super::near::near;
use super::takes::Unit;
use super::words::words;
use crate::run::Signal;
use crate::service::{Condition, Device, Limit, Ready, Reload};

/// The kinds of host that a condition knows.
const HOSTS: &[&str] = &["machine", "container", "vm", "linux", "freebsd"];

/// The longest path of a Unix socket, in bytes: what fits `sun_path` on the smaller of our systems.
const SOCKET_PATH_BYTES_MAX: usize = 103;
/// The descriptors a service may be given to say that it is ready.
const NOTIFY_FD_MAX: u32 = 1023;

const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1000), ("min", 60_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a duration: numbers with their units (`ms`, `s`, `m` or `min`, `h`, `d`), added up: `90s`, `1m 30s`.
///
/// # Errors
///
/// No number, no unit, a unit that is none of these, more than can be counted.
pub fn duration(text: &str) -> Result<Duration, Complaint> {
    let bad = || Complaint::new(format!("`{}` is no duration", shown(text)));
    let mut rest = text.trim();
    let mut sum = Duration::ZERO;
    if rest.is_empty() {
        return Err(bad().help("write a number and its unit: \"90s\""));
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|found: char| found.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        if tail.starts_with('.') {
            return Err(bad().help("write whole numbers: \"1s 500ms\", not \"1.5s\""));
        }
        let tail = tail.trim_start();
        let letters = tail.len() - tail.trim_start_matches(|found: char| found.is_alphabetic()).len();
        let (unit, tail) = tail.split_at(letters);
        if number.is_empty() {
            return Err(bad().help("write a number and its unit: \"90s\""));
        }
        if unit.is_empty() {
            return Err(bad().help(format!("a unit is missing: write \"{number}s\" for seconds")));
        }
        let Some((_, millis)) = UNITS.iter().find(|row| row.0 == unit) else {
            return Err(bad().help(format!("`{}` is no unit: there are ms, s, m, h and d", shown(unit))));
        };
        let part = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*millis));
        let total = part.and_then(|millis| sum.checked_add(Duration::from_millis(millis)));
        sum = total.ok_or_else(|| bad().help("it is longer than can be counted"))?;
        rest = tail.trim_start();
    }
    Ok(sum)
}

/// The text that [`duration`] reads as this, to the millisecond: `1m 30s`.
pub fn duration_text(duration: Duration) -> String {
    let mut millis = duration.as_millis();
    let mut out = String::new();
    for (unit, each) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        let count = millis / each;
        millis %= each;
        if count > 0 {
            let blank = if out.is_empty() { "" } else { " " };
            out.push_str(&format!("{blank}{count}{unit}"));
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Reads a number of bytes: `512`, `64K` or `64KiB`, `M`, `G`, `T`; each 1024 times the one before.
///
/// # Errors
///
/// No number; a unit that is none of these, or means two things (`MB`); more than can be counted.
pub fn size(text: &str) -> Result<u64, Complaint> {
    let bad = || Complaint::new(format!("`{}` is no size", shown(text)));
    let trimmed = text.trim();
    let digits = trimmed.len() - trimmed.trim_start_matches(|found: char| found.is_ascii_digit()).len();
    let (number, unit) = trimmed.split_at(digits);
    if number.is_empty() {
        return Err(bad().help("write a number and its unit: \"64K\", \"1MiB\""));
    }
    let shift = match unit.trim_start() {
        "" | "B" => 0,
        "K" | "k" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        "KB" | "kB" | "MB" | "GB" | "TB" => {
            return Err(bad().help(format!(
                "`{}` means two things: write \"{number}{}iB\"",
                unit.trim_start(),
                unit.trim_start()[..1].to_ascii_uppercase()
            )));
        }
        unit => return Err(bad().help(format!("`{}` is no unit: there are K, M, G and T", shown(unit)))),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.ok_or_else(|| bad().help("it is larger than can be counted"))
}

/// Reads a device: a node below `/dev`, or `net:NAME` for a network interface.
///
/// # Errors
///
/// It is neither.
pub(super) fn device(text: &str) -> Result<Device, Complaint> {
    Device::parse(text).map_err(|help| Complaint::new(format!("`{}` is no device", shown(text))).help(help))
}

/// Reads the name of a signal, with or without `SIG`, in any case.
///
/// # Errors
///
/// It is none that svc sends.
pub fn signal(text: &str) -> Result<Signal, Complaint> {
    Signal::parse(text).ok_or_else(|| {
        let help = match near(text, Signal::names()) {
            Some(name) => format!("did you mean \"{name}\"?"),
            None => format!("there are {}", listed(Signal::names())),
        };
        Complaint::new(format!("`{}` is no signal", shown(text))).help(help)
    })
}

/// Reads an absolute path.
///
/// # Errors
///
/// It does not start with `/`.
pub(crate) fn path(text: &str) -> Result<String, Complaint> {
    match text.starts_with('/') {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(format!("`{}` is no absolute path", shown(text))).help("start it with `/`")),
    }
}

/// Checks the words of a command.
///
/// # Errors
///
/// There is none; the program is a path that does not start at `/`.
pub(crate) fn command(words: Vec<String>) -> Result<Vec<String>, Complaint> {
    match words.first().map(String::as_str) {
        None => Err(Complaint::new("the command is empty").help("write a program and its arguments")),
        Some("") => Err(Complaint::new("the name of the program is empty")),
        Some(program) if program.contains('/') && !program.starts_with('/') => {
            let complaint = Complaint::new(format!("`{}` is neither an absolute path nor a bare name", shown(program)));
            Err(complaint.help("start it with `/`"))
        }
        Some(_) => Ok(words),
    }
}

/// Reads how a service says that it is ready.
///
/// # Errors
///
/// The first word is none of those that [`Ready`] stands for, or what follows does not fit it.
pub fn ready(text: &str) -> Result<Ready, Complaint> {
    const FORMS: [&str; 8] = ["executed", "exit", "pid-file", "notify-fd", "sd-notify", "tcp", "unix", "command"];
    const EXAMPLES: [(&str, &str); 5] = [
        ("pid-file", "/run/web.pid"),
        ("notify-fd", "3"),
        ("tcp", "127.0.0.1:80"),
        ("unix", "/run/web.sock"),
        ("command", "/usr/bin/web --ping"),
    ];
    let trimmed = text.trim();
    let (form, rest) = trimmed.split_once(char::is_whitespace).unwrap_or((trimmed, ""));
    let rest = rest.trim();
    let plain = |ready| match rest {
        "" => Ok(ready),
        _ => Err(Complaint::new(format!("nothing can follow `{form}`, found `{}`", shown(rest)))),
    };
    if let (true, Some((form, example))) = (rest.is_empty(), EXAMPLES.iter().find(|row| row.0 == form)) {
        let complaint = Complaint::new(format!("`{form}` needs to know what to look at"));
        return Err(complaint.help(format!("write \"{form} {example}\"")));
    }
    match form {
        "executed" => plain(Ready::Executed),
        "exit" => plain(Ready::Exit),
        "sd-notify" => plain(Ready::SdNotify),
        "pid-file" => Ok(Ready::PidFile(path(rest)?)),
        "notify-fd" => match rest.parse::<u32>() {
            Ok(number @ 3..=NOTIFY_FD_MAX) => Ok(Ready::NotifyFd(number)),
            _ => Err(Complaint::new(format!("`{}` is no descriptor to be ready on", shown(rest)))
                .help(format!("write a number from 3 to {NOTIFY_FD_MAX}: \"notify-fd 3\""))),
        },
        "tcp" => tcp(rest).map(Ready::Tcp),
        "unix" if rest.len() > SOCKET_PATH_BYTES_MAX => {
            let message = format!("the path of a Unix socket has at most {SOCKET_PATH_BYTES_MAX} bytes");
            Err(Complaint::new(format!("{message}, this one has {}", rest.len())))
        }
        "unix" => Ok(Ready::Unix(path(rest)?)),
        "command" => Ok(Ready::Command(command(words(rest)?)?)),
        _ => {
            let help = match near(form, FORMS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it starts with one of {}", listed(FORMS)),
            };
            Err(Complaint::new(format!("`{}` is no way to be ready", shown(form))).help(help))
        }
    }
}

/// Checks an address: names would need a look-up, which may hang, at each attempt.
fn tcp(text: &str) -> Result<String, Complaint> {
    let good = match text.strip_prefix("localhost:") {
        Some(port) => port.parse::<u16>().is_ok_and(|port| port > 0),
        None => text.parse::<SocketAddr>().is_ok_and(|address| address.port() > 0),
    };
    if good {
        return Ok(text.to_owned());
    }
    let complaint = Complaint::new(format!("`{}` is no address and port", shown(text)));
    Err(complaint.help("write a numeric address or localhost: \"tcp 127.0.0.1:80\", \"tcp [::1]:80\""))
}

/// Reads how a service reads its configuration again.
///
/// # Errors
///
/// Not a signal that there is, nor a command.
pub fn reload(text: &str) -> Result<Reload, Complaint> {
    let words = words(text)?;
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["none"] => Ok(Reload::None),
        ["signal", name] => signal(name).map(Reload::Signal),
        ["signal", ..] => Err(Complaint::new("`signal` takes the name of one signal").help("write \"signal HUP\"")),
        _ => command(words).map(Reload::Command),
    }
}

/// Reads a limit: a number, `SOFT:HARD` or `unlimited`.
///
/// # Errors
///
/// Not a number of this unit; a soft limit above the hard one.
pub fn limit(text: &str, unit: Unit) -> Result<Limit, Complaint> {
    let one = |text: &str| match (text.trim(), unit) {
        ("unlimited", _) => Ok(None),
        (text, Unit::Bytes) => size(text).map(Some),
        (text, Unit::Percent) => {
            let complaint = || Complaint::new(format!("`{}` is no share of a processor", shown(text)));
            let number = text.strip_suffix('%').and_then(|number| number.parse::<u64>().ok());
            let number = number.filter(|number| (1..=1_000_000).contains(number));
            number.map(Some).ok_or_else(|| complaint().help("write hundredths of one processor: \"150%\""))
        }
        (text, _) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            let complaint = || Complaint::new(format!("`{}` is larger than can be counted", shown(text)));
            text.parse().map(Some).map_err(|_| complaint())
        }
        (text, Unit::Seconds) => duration(text).map(|found| Some(found.as_secs().max(1))),
        (text, Unit::Count) => {
            let complaint = Complaint::new(format!("`{}` is no limit", shown(text)));
            Err(complaint.help("write a number, \"SOFT:HARD\" or \"unlimited\""))
        }
    };
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    let found = Limit { soft: one(soft)?, hard: one(hard)? };
    match (found.soft, found.hard) {
        (Some(soft), Some(hard)) if soft > hard => {
            Err(Complaint::new(format!("the soft limit {soft} is above the hard limit {hard}")))
        }
        (None, Some(hard)) => Err(Complaint::new(format!("the soft limit is above the hard limit {hard}"))),
        _ => Ok(found),
    }
}

/// Checks a variable's name.
///
/// # Errors
///
/// Anything but letters, digits and `_`, or a digit first.
pub(crate) fn variable(name: &str) -> Result<(), Complaint> {
    let tame = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match tame && !name.starts_with(|first: char| first.is_ascii_digit()) && !name.is_empty() {
        true => Ok(()),
        false => Err(Complaint::new(format!("`{}` is no name for a variable", shown(name)))
            .help("letters, digits and _, not a digit first")),
    }
}

/// Reads a condition on a path.
pub(crate) fn path_condition(text: &str) -> Result<Condition, Complaint> {
    let (not, rest) = turned(text);
    Ok(Condition::Path { path: path(rest)?, not })
}

/// Reads a condition on the kind of host.
pub(crate) fn host_condition(text: &str) -> Result<Condition, Complaint> {
    let (not, rest) = turned(text);
    if HOSTS.contains(&rest) {
        return Ok(Condition::Host { host: rest.to_owned(), not });
    }
    let help = match near(rest, HOSTS.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", listed(HOSTS.iter().copied())),
    };
    Err(Complaint::new(format!("`{}` is no kind of host", shown(rest))).help(help))
}

/// Reads a condition on a variable.
pub(crate) fn environment_condition(text: &str) -> Result<Condition, Complaint> {
    let (not, rest) = turned(text);
    let (name, value) = match rest.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (rest, None),
    };
    variable(name)?;
    Ok(Condition::Environment { name: name.to_string(), value, not })
}

fn turned(text: &str) -> (bool, &str) {
    match text.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text),
    }
}
