//! What a key of a definition takes, and how that is called in messages.

use core::fmt;
use core::time::Duration;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// One line of text.
    Text,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A command: one string, split as a shell would, or an array of words.
    Command,
    /// Names of services: one or an array.
    Names,
    /// An absolute path.
    Path,
    /// An absolute path, or a relative one below the directories of templates.
    Template,
    /// Absolute paths, each with `-` before it if it may be missing: one or an array.
    OptionalPaths,
    /// Directories below the system's runtime directory: one or an array.
    Directories,
    /// A duration with its unit.
    Duration(Span),
    /// A number of bytes, with a unit.
    Size(u64, u64),
    /// A whole number from .. to ..
    Number(i64, i64),
    /// A file mode mask in octal.
    Mask,
    /// The permissions of a file in octal.
    Mode,
    /// The permissions of a directory in octal, with the bits by which it hands its group on or protects its files.
    DirectoryMode,
    /// A user or a group by name or number.
    Account,
    /// Groups by name or number: one or an array.
    Accounts,
    /// The name of a signal.
    Signal,
    /// How a service says that it is ready.
    Ready,
    /// How a service reads its configuration again.
    Reload,
    /// A soft and a hard limit.
    Limit(Unit),
    /// A variable's value; the key is its name.
    Variable,
    /// Verbs: one or an array.
    Verbs,
    /// What is run for a verb, whose name is the key.
    Verb,
    /// A path that must be there; `!` turns it round; one or an array.
    PathCondition,
    /// A kind of host; `!` turns it round; one or an array.
    HostCondition,
    /// A variable; `!` turns it round; one or an array.
    EnvironmentCondition,
    /// What a jail has of a version of the internet protocol.
    Addresses(Version),
    /// Parameters of a jail: one or an array.
    JailOptions,
    /// Devices: one or an array.
    Devices,
    /// Processors by number: `0-3,6`.
    Processors,
    /// The name of a login class.
    LoginClass,
}

/// The bounds of a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub min: Duration,
    /// The most.
    pub max: Duration,
    /// Whether it may be `"none"`.
    pub none: bool,
}

/// A version of the internet protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Four bytes.
    V4,
    /// Sixteen bytes.
    V6,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Hundredths of one processor.
    Percent,
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "a line of text",
            Self::Flag => "true or false",
            Self::Choice(words) => return choice(f, words),
            Self::Command => "a string or an array of words",
            Self::Names => "the name of a service or an array of names",
            Self::Path => "an absolute path",
            Self::Template => "an absolute path or the name of a template",
            Self::OptionalPaths => "an absolute path (with `-` before it: may be missing) or an array of paths",
            Self::Directories => "the name of a directory or an array of names",
            Self::Duration(span) if span.none => "a duration such as \"1m 30s\", or \"none\"",
            Self::Duration(_) => "a duration such as \"1m 30s\"",
            Self::Size(..) => "a size such as \"64K\" or \"1MiB\"",
            Self::Number(min, max) => return write!(f, "a whole number from {min} to {max}"),
            Self::Mask => "an octal mask such as \"022\"",
            Self::Mode => "octal permissions such as \"0640\"",
            Self::DirectoryMode => "octal permissions such as \"0750\"",
            Self::Account => "a name or a number",
            Self::Accounts => "a name or a number, or an array of them",
            Self::Signal => "the name of a signal, such as \"TERM\"",
            Self::Ready => {
                "\"executed\", \"exit\", \"pid-file PATH\", \"notify-fd N\", \"sd-notify\", \"tcp HOST:PORT\", \
                 \"unix PATH\" or \"command ...\""
            }
            Self::Reload => "\"signal NAME\", a command or \"none\"",
            Self::Limit(Unit::Count) => "a number, \"SOFT:HARD\" or \"unlimited\"",
            Self::Limit(Unit::Bytes) => "a size such as \"64M\", \"SOFT:HARD\" or \"unlimited\"",
            Self::Limit(Unit::Seconds) => "a duration such as \"10m\", \"SOFT:HARD\" or \"unlimited\"",
            Self::Limit(Unit::Percent) => "a share such as \"150%\", or \"unlimited\"",
            Self::Variable => "a text",
            Self::Verbs => "a verb or an array of verbs",
            Self::Verb => "a command, or a table of `command`, `before` and `after`",
            Self::PathCondition => "an absolute path, with `!` before it if it must not exist, or an array of them",
            Self::HostCondition => "a kind of host, with `!` before it for any other, or an array of them",
            Self::EnvironmentCondition => "\"NAME\", \"NAME=value\" or \"!NAME\", or an array of them",
            Self::Addresses(Version::V4) => {
                "\"inherit\", \"disable\", an address such as \"192.0.2.1\", or an array of them"
            }
            Self::Addresses(Version::V6) => {
                "\"inherit\", \"disable\", an address such as \"2001:db8::1\", or an array of them"
            }
            Self::Processors => "processors by number, such as \"0-3,6\"",
            Self::LoginClass => "the name of a login class, such as \"daemon\"",
            Self::Devices => "a device such as \"/dev/ttyUSB0\" or \"net:eth1\", or an array of them",
            Self::JailOptions => "a parameter such as \"allow.raw_sockets\" or \"sysvshm=new\", or an array of them",
        })
    }
}

fn choice(f: &mut fmt::Formatter<'_>, words: &[&str]) -> fmt::Result {
    for (index, word) in words.iter().enumerate() {
        let between = match index {
            0 => "",
            index if index + 1 == words.len() => " or ",
            _ => ", ",
        };
        write!(f, "{between}\"{word}\"")?;
    }
    Ok(())
}
