//! What keeper, manager and logger say to each other: records of one fixed size over a packet socket, so that the
//! keeper needs neither a parser nor memory.

use std::io;
use std::os::fd::OwnedFd;

use svc_core::Exit;
use svc_platform::channel::Channel;

/// The longest key of a stored descriptor: a service's name with a run's number and a mark.
pub(crate) const KEY_BYTES_MAX: usize = svc_core::name::NAME_BYTES_MAX + 32;

/// A key that begins so is none of the logger's.
pub(crate) const PRIVATE: char = '!';

/// Every record has this many bytes.
pub(crate) const RECORD_BYTES: usize = 1 + 3 * 8 + 1 + KEY_BYTES_MAX;

const _: () = assert!(KEY_BYTES_MAX <= u8::MAX as usize);

/// The key of a stored descriptor.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    len: u8,
    bytes: [u8; KEY_BYTES_MAX],
}

/// One thing said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// Keeper to manager: this process ended; said again to each new manager until acknowledged.
    Ended {
        /// The number of this news; never reused.
        news: u64,
        /// The process.
        pid: i32,
        /// How.
        exit: Exit,
    },
    /// Keeper to manager: all that was kept has been said.
    Told {
        /// How much news had to be dropped because no manager came to take it.
        lost: u64,
    },
    /// Keeper to manager: this signal came.
    Signal {
        /// Its place among all that can come.
        number: i32,
    },
    /// Manager to keeper: this and all earlier news was taken.
    Acknowledged {
        /// Up to here.
        news: u64,
    },
    /// Manager to keeper, with both ends of a pipe: keep them, and give the read end to the logger. Keeper to a new
    /// manager: these are kept. Keeper to logger, with the read end: read it.
    Store {
        /// Whose output it is.
        key: Key,
        /// Rotate above this size.
        size: u64,
        /// Keep so many older files.
        keep: u32,
    },
    /// Manager to keeper, keeper to logger: nothing will be written there any more.
    Drop {
        /// Whose.
        key: Key,
    },
    /// Manager to keeper to logger and back: everything written before is on file.
    Sync {
        /// Whose.
        key: Key,
        /// What the answer will name.
        ticket: u64,
    },
    /// Manager to keeper and back: all that ended before the question was told before the answer.
    UpToDate {
        /// What the answer will name; it answers every smaller one, too.
        ticket: u64,
    },
    /// Keeper to manager, with one end of a line: launches are asked for there, and become children of this process.
    /// Keeper to that process, with the other end: serve it.
    Parent {
        /// The process.
        pid: i32,
    },
    /// Manager to keeper to logger: make way for a newer one, as the manager does.
    Renew,
    /// Manager to keeper: everything is being stopped. Keeper to each later manager, before anything else: go on with
    /// that.
    Ends {
        /// Who asked for it, as far as there is room.
        who: Key,
        /// What comes after it.
        then: u8,
        /// Nothing is waited for.
        hurries: bool,
    },
    /// Logger to keeper to manager: this log lost bytes, or works again.
    Dropped {
        /// Whose.
        key: Key,
        /// How many bytes so far; 0: it works again.
        bytes: u64,
    },
}

impl Key {
    /// A key of these bytes; `None` if they are too many.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES_MAX];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { len: text.len() as u8, bytes })
    }

    /// A key of as many of these characters as there is room for.
    pub(crate) fn cut(text: &str) -> Self {
        let end = (0..=text.len().min(KEY_BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end));
        Self::new(&text[..end.unwrap_or(0)]).unwrap_or(NO_KEY)
    }

    /// Whether only manager and keeper know it.
    pub(crate) fn is_private(&self) -> bool {
        self.bytes[0] == PRIVATE as u8 && self.len > 0
    }

    /// The key as text; empty if it is none.
    pub(crate) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_str().fmt(f)
    }
}

/// What came over a channel.
#[allow(clippy::large_enum_variant, reason = "the keeper allocates nothing after its start")]
pub(crate) enum Heard {
    /// This, with up to two descriptors.
    Said(Record, [Option<OwnedFd>; 2]),
    /// Nothing now.
    Nothing,
    /// The other side is gone.
    Gone,
}

/// Takes one record from a channel. What is none is passed over.
pub(crate) fn hear(channel: &Channel) -> Heard {
    let mut bytes = [0; RECORD_BYTES];
    loop {
        match channel.receive(&mut bytes) {
            Ok(None) => return Heard::Gone,
            Ok(Some(received)) => {
                if let Some(record) = Record::decode(&bytes[..received.length]) {
                    let [first, second, ..] = received.descriptors;
                    return Heard::Said(record, [first, second]);
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Heard::Nothing,
                io::ErrorKind::InvalidData => {}
                _ => return Heard::Gone,
            },
        }
    }
}

/// A key that nothing has.
const NO_KEY: Key = Key { len: 0, bytes: [0; KEY_BYTES_MAX] };

/// An end as words of a command line: what comes after it, whether nothing is waited for, who asked.
pub(crate) fn text_of_end(ends: &Record) -> Option<String> {
    let Record::Ends { who, then, hurries } = ends else { return None };
    Some(format!("{then} {hurries} {}", who.as_str()))
}

/// What [`text_of_end`] wrote.
pub(crate) fn ends_of(text: &str) -> Option<Record> {
    let mut words = text.splitn(3, ' ');
    let (then, hurries) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Record::Ends { who: Key::cut(words.next()?), then, hurries })
}

impl Record {
    /// The bytes to send.
    pub(crate) fn encode(&self) -> [u8; RECORD_BYTES] {
        let (kind, numbers, key) = match *self {
            Self::Ended { news, pid, exit } => {
                let (how, number) = match exit {
                    Exit::Code(code) => (0, code),
                    Exit::Signal(signal) => (1, signal),
                    Exit::Unknown => (2, 0),
                };
                (1, [news, halves(pid, how), halves(number, 0)], NO_KEY)
            }
            Self::Told { lost } => (2, [lost, 0, 0], NO_KEY),
            Self::Signal { number } => (3, [halves(number, 0), 0, 0], NO_KEY),
            Self::Acknowledged { news } => (4, [news, 0, 0], NO_KEY),
            Self::Store { key, size, keep } => (5, [size, u64::from(keep), 0], key),
            Self::Drop { key } => (6, [0; 3], key),
            Self::Sync { key, ticket } => (7, [ticket, 0, 0], key),
            Self::Dropped { key, bytes } => (8, [bytes, 0, 0], key),
            Self::UpToDate { ticket } => (9, [ticket, 0, 0], NO_KEY),
            Self::Parent { pid } => (10, [halves(pid, 0), 0, 0], NO_KEY),
            Self::Renew => (11, [0; 3], NO_KEY),
            Self::Ends { who, then, hurries } => (12, [u64::from(then), u64::from(hurries), 0], who),
        };
        let mut to = [0; RECORD_BYTES];
        to[0] = kind;
        for (at, number) in numbers.iter().enumerate() {
            to[1 + at * 8..9 + at * 8].copy_from_slice(&number.to_ne_bytes());
        }
        to[25] = key.len;
        to[26..].copy_from_slice(&key.bytes);
        to
    }

    /// What these bytes say; `None` if they are no record.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; RECORD_BYTES] = bytes.try_into().ok()?;
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[1 + at * 8..9 + at * 8]);
            u64::from_ne_bytes(eight)
        };
        let mut key = Key { len: bytes[25], bytes: [0; KEY_BYTES_MAX] };
        key.bytes.copy_from_slice(&bytes[26..]);
        Some(match bytes[0] {
            1 => {
                let exit = match low(number(1)) {
                    0 => Exit::Code(high(number(2))),
                    1 => Exit::Signal(high(number(2))),
                    _ => Exit::Unknown,
                };
                Self::Ended { news: number(0), pid: high(number(1)), exit }
            }
            2 => Self::Told { lost: number(0) },
            3 => Self::Signal { number: high(number(0)) },
            4 => Self::Acknowledged { news: number(0) },
            5 => Self::Store { key, size: number(0), keep: number(1) as u32 },
            6 => Self::Drop { key },
            7 => Self::Sync { key, ticket: number(0) },
            8 => Self::Dropped { key, bytes: number(0) },
            9 => Self::UpToDate { ticket: number(0) },
            10 => Self::Parent { pid: high(number(0)) },
            11 => Self::Renew,
            12 => Self::Ends { who: key, then: number(0) as u8, hurries: number(1) != 0 },
            _ => return None,
        })
    }
}

fn halves(high: i32, low: u32) -> u64 {
    (u64::from(high as u32) << 32) | u64::from(low)
}

fn high(number: u64) -> i32 {
    (number >> 32) as i32
}

fn low(number: u64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_comes_back_as_it_was() {
        let key = Key::new(&"k".repeat(KEY_BYTES_MAX)).unwrap();
        for record in [
            Record::Ended { news: u64::MAX, pid: i32::MAX, exit: Exit::Code(255) },
            Record::Ended { news: 1, pid: 1, exit: Exit::Signal(9) },
            Record::Ended { news: 1, pid: 1, exit: Exit::Unknown },
            Record::Told { lost: 3 },
            Record::Signal { number: 15 },
            Record::Acknowledged { news: 7 },
            Record::Store { key, size: 1 << 40, keep: 9 },
            Record::Drop { key: Key::new("web").unwrap() },
            Record::Sync { key, ticket: 12 },
            Record::Dropped { key, bytes: 99 },
            Record::UpToDate { ticket: u64::MAX },
            Record::Parent { pid: 99_999 },
            Record::Renew,
            Record::Ends { who: Key::cut("signal TERM"), then: 81, hurries: true },
        ] {
            assert_eq!(Record::decode(&record.encode()), Some(record));
        }
    }

    #[test]
    fn an_end_comes_back_from_a_command_line() {
        let ends = Record::Ends { who: Key::cut("user www"), then: 83, hurries: false };
        assert_eq!(ends_of(&text_of_end(&ends).unwrap()), Some(ends));
        assert_eq!(ends_of("83"), None);
        assert_eq!(text_of_end(&Record::Renew), None);
    }

    #[test]
    fn what_is_no_record_is_none() {
        assert_eq!(Record::decode(&[]), None);
        assert_eq!(Record::decode(&[0; RECORD_BYTES]), None);
        assert_eq!(Record::decode(&[1; RECORD_BYTES - 1]), None);
        assert!(Key::new(&"k".repeat(KEY_BYTES_MAX + 1)).is_none());
        assert_eq!(Key::cut(&"\u{e9}".repeat(KEY_BYTES_MAX)).as_str(), "\u{e9}".repeat(KEY_BYTES_MAX / 2));
    }

    #[test]
    fn a_key_of_garbage_is_empty_text() {
        let mut bytes = Record::Drop { key: NO_KEY }.encode();
        bytes[25] = 255;
        let Some(Record::Drop { key }) = Record::decode(&bytes) else { panic!("no record") };
        assert_eq!(key.as_str(), "");
    }
}
