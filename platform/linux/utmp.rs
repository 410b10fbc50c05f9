//! Records of utmp(5) as bytes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) const RUN_LVL: i16 = 1;
pub(super) const BOOT_TIME: i16 = 2;
pub(super) const INIT_PROCESS: i16 = 5;
pub(super) const DEAD_PROCESS: i16 = 8;

/// Where the fields are. Numbers of session and time have 32 bits where programs of both widths share the files, and
/// 64 bits elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    wide: bool,
}

const LINE: (usize, usize) = (8, 32);
const ID: (usize, usize) = (40, 4);
const USER: (usize, usize) = (44, 32);
const HOST: (usize, usize) = (76, 256);

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) kind: i16,
    pub(super) pid: i32,
    pub(super) line: String,
    pub(super) id: String,
    pub(super) user: String,
    pub(super) host: String,
    pub(super) at: Duration,
}

impl Record {
    /// One about the machine.
    pub(super) fn of_machine(kind: i16, pid: i32, user: &str, host: &str, at: SystemTime) -> Self {
        let (line, id) = ("~".to_owned(), "~~".to_owned());
        Self { kind, pid, line, id, user: user.to_owned(), host: host.to_owned(), at: since_epoch(at) }
    }

    /// One about a terminal; the last letters of its name are its id, as getty has it.
    pub(super) fn of_terminal(kind: i16, pid: i32, line: &str, at: SystemTime) -> Self {
        let id = line.get(line.len().saturating_sub(ID.1)..).unwrap_or(line).to_owned();
        let (user, host) = (String::new(), String::new());
        Self { kind, pid, line: line.to_owned(), id, user, host, at: since_epoch(at) }
    }

    /// Whether this one takes the place of another in utmp.
    pub(super) fn replaces(&self, other: &Self) -> bool {
        let is_process = |kind| (INIT_PROCESS..=DEAD_PROCESS).contains(&kind);
        match is_process(self.kind) {
            true => is_process(other.kind) && self.id == other.id,
            false => self.kind == other.kind,
        }
    }
}

pub(super) fn since_epoch(at: SystemTime) -> Duration {
    at.duration_since(UNIX_EPOCH).unwrap_or_default()
}

impl Layout {
    /// That of this system's own programs.
    pub(super) const OWN: Self = Self { wide: size_of::<libc::utmpx>() == Self { wide: true }.bytes() };

    /// How long a record is.
    pub(super) const fn bytes(self) -> usize {
        if self.wide { 400 } else { 384 }
    }

    /// Where the seconds are; microseconds come next.
    const fn seconds(self) -> usize {
        if self.wide { 344 } else { 340 }
    }

    pub(super) fn encode(self, record: &Record) -> Vec<u8> {
        let mut bytes = vec![0; self.bytes()];
        bytes[..2].copy_from_slice(&record.kind.to_ne_bytes());
        bytes[4..8].copy_from_slice(&record.pid.to_ne_bytes());
        let texts = [(LINE, &record.line), (ID, &record.id), (USER, &record.user), (HOST, &record.host)];
        for ((at, room), text) in texts {
            let length = text.len().min(room);
            bytes[at..at + length].copy_from_slice(&text.as_bytes()[..length]);
        }
        let (seconds, micros, at) = (record.at.as_secs(), record.at.subsec_micros(), self.seconds());
        if self.wide {
            bytes[at..at + 8].copy_from_slice(&seconds.to_ne_bytes());
            bytes[at + 8..at + 16].copy_from_slice(&u64::from(micros).to_ne_bytes());
        } else {
            // Whoever reads it takes it for a number of 32 bits, with a sign or without.
            let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
            bytes[at..at + 4].copy_from_slice(&seconds.to_ne_bytes());
            bytes[at + 4..at + 8].copy_from_slice(&micros.to_ne_bytes());
        }
        bytes
    }

    /// Reads one record; what is too short is none.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<Record> {
        let bytes = bytes.get(..self.bytes())?;
        let text = |(at, room): (usize, usize)| {
            let field = &bytes[at..at + room];
            let end = field.iter().position(|byte| *byte == 0).unwrap_or(room);
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let at = self.seconds();
        let (seconds, micros) = if self.wide {
            (
                u64::from_ne_bytes(bytes[at..at + 8].try_into().ok()?),
                u64::from_ne_bytes(bytes[at + 8..at + 16].try_into().ok()?),
            )
        } else {
            let number = |at: usize| Some(u64::from(u32::from_ne_bytes(bytes[at..at + 4].try_into().ok()?)));
            (number(at)?, number(at + 4)?)
        };
        Some(Record {
            kind: i16::from_ne_bytes(bytes[..2].try_into().ok()?),
            pid: i32::from_ne_bytes(bytes[4..8].try_into().ok()?),
            line: text(LINE),
            id: text(ID),
            user: text(USER),
            host: text(HOST),
            at: Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros)),
        })
    }
}

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<libc::utmpx>() == Layout::OWN.bytes());
    assert!(offset_of!(libc::utmpx, ut_pid) == 4 && offset_of!(libc::utmpx, ut_line) == LINE.0);
    assert!(offset_of!(libc::utmpx, ut_id) == ID.0 && offset_of!(libc::utmpx, ut_user) == USER.0);
    assert!(offset_of!(libc::utmpx, ut_host) == HOST.0);
    assert!(offset_of!(libc::utmpx, ut_tv) == Layout::OWN.seconds());
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back_in_both_widths_and_keeps_to_its_fields() {
        let at = UNIX_EPOCH + Duration::new(1_795_262_400, 123_456_000);
        for wide in [false, true] {
            let layout = Layout { wide };
            let record = Record::of_machine(BOOT_TIME, 0, "reboot", "6.1.0", at);
            let bytes = layout.encode(&record);
            assert_eq!((bytes.len(), layout.decode(&bytes)), (layout.bytes(), Some(record)));
            assert_eq!(layout.decode(&bytes[1..]), None);
            let long = "x".repeat(300);
            let cut = layout.decode(&layout.encode(&Record::of_machine(RUN_LVL, 7, &long, &long, at))).unwrap();
            assert_eq!((cut.user.len(), cut.host.len(), cut.pid, cut.line.as_str()), (32, 256, 7, "~"));
        }
        assert_eq!(
            Layout { wide: false }.encode(&Record::of_terminal(5, 1, "tty1", at))[340..344],
            1_795_262_400u32.to_ne_bytes()
        );
    }

    #[test]
    fn a_terminal_has_one_record_and_the_machine_one_of_each_kind() {
        let terminal = |kind, line| Record::of_terminal(kind, 7, line, UNIX_EPOCH);
        let machine = |kind| Record::of_machine(kind, 0, "", "", UNIX_EPOCH);
        assert_eq!((terminal(5, "tty1").id.as_str(), terminal(5, "ttyUSB0").id.as_str()), ("tty1", "USB0"));
        assert!(terminal(DEAD_PROCESS, "tty1").replaces(&terminal(7, "tty1")));
        assert!(!terminal(INIT_PROCESS, "tty1").replaces(&terminal(7, "tty2")));
        assert!(machine(BOOT_TIME).replaces(&machine(BOOT_TIME)) && !machine(RUN_LVL).replaces(&machine(BOOT_TIME)));
        assert!(!terminal(INIT_PROCESS, "~~").replaces(&machine(BOOT_TIME)));
    }
}
