//! What kqueue(2) is told and what it tells, as numbers.

use crate::readiness::{Interest, Readiness};

pub(crate) const READ: i16 = -1;
pub(crate) const WRITE: i16 = -2;
pub(crate) const ADD: u16 = 0x0001;
pub(crate) const DELETE: u16 = 0x0002;
pub(crate) const EOF: u16 = 0x8000;
pub(crate) const LOWAT: u32 = 0x0000_0001;

/// A socket has room when this many bytes fit: with less than a whole message of ours it could tell of room for ever
/// that nobody can use.
pub(crate) const ROOM_BYTES: i64 = 2048;

/// One filter to be set or removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) filter: i16,
    pub(crate) flags: u16,
    pub(crate) fflags: u32,
    pub(crate) data: i64,
}

/// What makes the kernel watch for exactly this. Who is not interested in reading still hears of the end: a filter that
/// wants more bytes than can ever come.
pub(crate) fn changes(interest: Interest) -> [Change; 2] {
    let only_end = !interest.read && !interest.priority && !interest.write;
    let read = if interest.read || interest.priority {
        Change { filter: READ, flags: ADD, fflags: 0, data: 0 }
    } else if only_end {
        Change { filter: READ, flags: ADD, fflags: LOWAT, data: i64::MAX }
    } else {
        Change { filter: READ, flags: DELETE, fflags: 0, data: 0 }
    };
    let write = if interest.write {
        Change { filter: WRITE, flags: ADD, fflags: LOWAT, data: ROOM_BYTES }
    } else {
        Change { filter: WRITE, flags: DELETE, fflags: 0, data: 0 }
    };
    [read, write]
}

/// Adds what one event says to what is known of its descriptor. `gone` tells whether both directions have ended, asked
/// only where one has.
pub(crate) fn note(known: &mut Readiness, filter: i16, flags: u16, gone: impl FnOnce() -> bool) {
    match filter {
        WRITE => known.writable = true,
        _ => known.readable = true,
    }
    if flags & EOF != 0 && (filter == WRITE || gone()) {
        known.hangup = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interest_sets_what_it_wants_and_removes_the_rest() {
        let told =
            |read, write| changes(Interest { read, write, priority: false }).map(|change| (change.flags, change.data));
        assert_eq!(told(true, false), [(ADD, 0), (DELETE, 0)]);
        assert_eq!(told(false, true), [(DELETE, 0), (ADD, ROOM_BYTES)]);
        assert_eq!(told(true, true), [(ADD, 0), (ADD, ROOM_BYTES)]);
        assert_eq!(told(false, false), [(ADD, i64::MAX), (DELETE, 0)], "the end is told in any case");
    }

    #[test]
    fn the_end_of_one_direction_is_no_hangup() {
        let mut known = Readiness::default();
        note(&mut known, READ, EOF, || false);
        assert_eq!(known, Readiness { readable: true, writable: false, hangup: false });
        note(&mut known, WRITE, 0, || panic!("not asked without an end"));
        assert_eq!(known, Readiness { readable: true, writable: true, hangup: false });
        note(&mut known, READ, EOF, || true);
        assert!(known.hangup);
    }
}
