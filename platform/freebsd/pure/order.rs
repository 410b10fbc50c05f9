//! A launch as one record of bytes, so that another process can carry it out without a parser or memory of its own.

use super::jail;

/// No order is longer: as much as a program can be given, and what else belongs to it.
pub(crate) const ORDER_BYTES_MAX: usize = 1 << 20;
/// No order has more strings.
pub(crate) const STRINGS_MAX: usize = 1 << 16;

/// Marks the beginning, and the version.
const MARK: u32 = 0x5356_4301;

pub(crate) const NEW_SESSION: u32 = 1;
pub(crate) const NICE: u32 = 2;
pub(crate) const UMASK: u32 = 4;
pub(crate) const IDENTITY: u32 = 8;
pub(crate) const CHROOT: u32 = 16;
pub(crate) const DIRECTORY: u32 = 32;
pub(crate) const LOGIN: u32 = 64;
pub(crate) const LOGIN_CLASS: u32 = 128;
pub(crate) const FIB: u32 = 256;
pub(crate) const PROTECT: u32 = 512;
pub(crate) const BRINGS: u32 = 1024;
pub(crate) const SHARES: u32 = 2048;

/// The flags of those strings that there may be or not, in the order in which they stand.
const PATHS: [u32; 4] = [CHROOT, DIRECTORY, LOGIN, LOGIN_CLASS];

/// The fixed part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    /// Which of the above there are.
    pub(crate) what: u32,
    pub(crate) nice: i32,
    pub(crate) umask: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) gids: u32,
    pub(crate) limits: u32,
    pub(crate) moves: u32,
    pub(crate) arguments: u32,
    pub(crate) environment: u32,
    /// The number of a jail to be entered; 0: none.
    pub(crate) enter_jail: i32,
    /// Bytes that the parameters of a jail to be made take; 0: none is made.
    pub(crate) jail: u32,
    pub(crate) fib: i32,
    /// Words of the mask of processors; 0: all of them.
    pub(crate) mask: u32,
}

const WORDS: usize = 15;
const LIMIT_BYTES: usize = 4 + 8 + 8;

/// A limit: its number, soft and hard.
pub(crate) type LimitWord = (i32, u64, u64);

/// Everything that is written into an order, beside the head's own numbers of each.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) gids: &'a [u32],
    pub(crate) limits: &'a [LimitWord],
    /// The number that each descriptor that goes along gets.
    pub(crate) targets: &'a [i32],
    /// What a jail is made with, as [`super::jail`] has it.
    pub(crate) jail: &'a [u8],
    /// A bit for each processor that may be used.
    pub(crate) mask: &'a [u64],
    /// With their zeros: program, root, directory, login, login class, arguments, environment.
    pub(crate) strings: &'a [&'a [u8]],
}

/// Writes an order.
pub(crate) fn write(head: &Head, parts: &Parts<'_>) -> Vec<u8> {
    let Head { what, nice, umask, uid, gid, arguments, environment, enter_jail, fib, .. } = *head;
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let (gids, limits, moves) = (count(parts.gids.len()), count(parts.limits.len()), count(parts.targets.len()));
    let counts = [gids, limits, moves, arguments, environment];
    let before = [MARK, what, nice.cast_unsigned(), umask, uid, gid];
    let after = [enter_jail.cast_unsigned(), count(parts.jail.len()), fib.cast_unsigned(), count(parts.mask.len())];
    let words = before.into_iter().chain(counts).chain(after);
    let mut bytes: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
    bytes.extend(parts.gids.iter().flat_map(|gid| gid.to_ne_bytes()));
    for (resource, soft, hard) in parts.limits {
        bytes.extend(resource.to_ne_bytes());
        bytes.extend(soft.to_ne_bytes());
        bytes.extend(hard.to_ne_bytes());
    }
    bytes.extend(parts.targets.iter().flat_map(|target| target.to_ne_bytes()));
    bytes.extend(parts.jail);
    bytes.extend(parts.mask.iter().flat_map(|word| word.to_ne_bytes()));
    parts.strings.iter().for_each(|text| bytes.extend(*text));
    bytes
}

/// An order that was read: everything is still in its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    pub(crate) head: Head,
    gids: &'a [u8],
    limits: &'a [u8],
    targets: &'a [u8],
    jail: &'a [u8],
    mask: &'a [u8],
    strings: &'a [u8],
}

impl<'a> Order<'a> {
    /// Reads one; `None`: these bytes are none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_ne_bytes(bytes.get(at * 4..at * 4 + 4)?.try_into().ok()?));
        if word(0)? != MARK {
            return None;
        }
        let head = Head {
            what: word(1)?,
            nice: word(2)?.cast_signed(),
            umask: word(3)?,
            uid: word(4)?,
            gid: word(5)?,
            gids: word(6)?,
            limits: word(7)?,
            moves: word(8)?,
            arguments: word(9)?,
            environment: word(10)?,
            enter_jail: word(11)?.cast_signed(),
            jail: word(12)?,
            fib: word(13)?.cast_signed(),
            mask: word(14)?,
        };
        let rest = bytes.get(WORDS * 4..)?;
        let (gids, rest) = rest.split_at_checked(head.gids as usize * 4)?;
        let (limits, rest) = rest.split_at_checked(head.limits as usize * LIMIT_BYTES)?;
        let (targets, rest) = rest.split_at_checked(head.moves as usize * 4)?;
        let (jail, rest) = rest.split_at_checked(head.jail as usize)?;
        let (mask, strings) = rest.split_at_checked(head.mask as usize * 8)?;
        let order = Self { head, gids, limits, targets, jail, mask, strings };
        let zeros = strings.iter().filter(|byte| **byte == 0).count();
        (strings.last() == Some(&0) && zeros == order.string_count() && zeros <= STRINGS_MAX && jail::is_whole(jail))
            .then_some(order)
    }

    /// How many strings it has.
    pub(crate) fn string_count(&self) -> usize {
        let paths = 1 + PATHS.into_iter().filter(|flag| self.has(*flag)).count();
        paths + self.head.arguments as usize + self.head.environment as usize
    }

    /// Whether it has this.
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.head.what & flag != 0
    }

    /// The groups. In the bytes they may lie anywhere, so they are taken out one by one.
    pub(crate) fn gids(&self) -> impl Iterator<Item = u32> {
        self.gids.as_chunks().0.iter().map(|gid| u32::from_ne_bytes(*gid))
    }

    /// The limits.
    pub(crate) fn limits(&self) -> impl Iterator<Item = LimitWord> {
        self.limits.as_chunks::<LIMIT_BYTES>().0.iter().map(|limit| {
            let [r0, r1, r2, r3, s0, s1, s2, s3, s4, s5, s6, s7, hard @ ..] = *limit;
            let soft = u64::from_ne_bytes([s0, s1, s2, s3, s4, s5, s6, s7]);
            (i32::from_ne_bytes([r0, r1, r2, r3]), soft, u64::from_ne_bytes(hard))
        })
    }

    /// The number that each descriptor gets.
    pub(crate) fn targets(&self) -> impl Iterator<Item = i32> {
        self.targets.as_chunks().0.iter().map(|target| i32::from_ne_bytes(*target))
    }

    /// A bit for each processor that may be used.
    pub(crate) fn mask(&self) -> impl Iterator<Item = u64> {
        self.mask.as_chunks().0.iter().map(|word| u64::from_ne_bytes(*word))
    }

    /// What a jail is made with.
    pub(crate) fn jail(&self) -> &'a [u8] {
        self.jail
    }

    /// Every string from its first byte; its zero follows in the same bytes.
    pub(crate) fn strings(&self) -> impl Iterator<Item = &'a [u8]> {
        self.strings.split_inclusive(|byte| *byte == 0)
    }
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// That of the order.
    pub(crate) ticket: u64,
    /// The process; 0: none was made, or it is gone.
    pub(crate) pid: i32,
    /// Which step failed, 0 for none, and of which part.
    pub(crate) step: (u32, u32),
    /// The kernel's word for it.
    pub(crate) errno: i32,
    /// What else it said, with zeros behind.
    pub(crate) complaint: Complaint,
}

/// What the system says of parameters of a jail that it does not take.
pub(crate) type Complaint = [u8; 104];

const WORDS_BYTES: usize = 24;
pub(crate) const REPLY_BYTES: usize = WORDS_BYTES + size_of::<Complaint>();

impl Reply {
    pub(crate) fn write(self) -> [u8; REPLY_BYTES] {
        let mut bytes = [0; REPLY_BYTES];
        let words = [self.pid.cast_unsigned(), self.step.0, self.step.1, self.errno.cast_unsigned()];
        let all = self.ticket.to_ne_bytes().into_iter().chain(words.into_iter().flat_map(u32::to_ne_bytes));
        bytes.iter_mut().zip(all.chain(self.complaint)).for_each(|(place, byte)| *place = byte);
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; REPLY_BYTES] = bytes.try_into().ok()?;
        let (ticket, _) = bytes.split_first_chunk()?;
        let (_, complaint) = bytes.split_last_chunk()?;
        let (words, _) = bytes.as_chunks::<4>();
        let word = |at: usize| words.get(at).map_or(0, |word| u32::from_ne_bytes(*word));
        Some(Self {
            ticket: u64::from_ne_bytes(*ticket),
            pid: word(2).cast_signed(),
            step: (word(3), word(4)),
            errno: word(5).cast_signed(),
            complaint: *complaint,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::service::Jail;

    fn sample() -> Vec<u8> {
        let head = Head {
            what: NEW_SESSION | IDENTITY | DIRECTORY | UMASK | LOGIN | FIB | PROTECT | SHARES,
            nice: -5,
            umask: 0o27,
            uid: 33,
            gid: 34,
            arguments: 2,
            environment: 1,
            fib: -7,
            ..Head::default()
        };
        let strings: [&[u8]; 6] = [b"/bin/sh\0", b"/\0", b"www\0", b"sh\0", b"\0", b"A=b c\0"];
        let parts = Parts {
            gids: &[4, 40],
            limits: &[(8, 100, u64::MAX), (4, 0, 0)],
            targets: &[0, 1, 2, 17],
            jail: &jail::parameters("svc-web", &Jail::default()).unwrap(),
            mask: &[5, 1 << 63],
            strings: &strings,
        };
        write(&head, &parts)
    }

    #[test]
    fn an_order_is_read_as_it_was_written() {
        let bytes = sample();
        let order = Order::read(&bytes).unwrap();
        assert!(order.has(IDENTITY) && order.has(DIRECTORY) && !order.has(CHROOT) && !order.has(NICE));
        assert!(order.has(FIB) && order.has(PROTECT) && !order.has(LOGIN_CLASS));
        assert!(order.has(SHARES) && !order.has(BRINGS));
        assert!(bytes.len() < ORDER_BYTES_MAX && order.has(UMASK) && order.head.umask == 0o27);
        assert_eq!((order.head.nice, order.head.uid, order.head.gid), (-5, 33, 34));
        assert_eq!(order.gids().collect::<Vec<_>>(), [4, 40]);
        assert_eq!(order.limits().collect::<Vec<_>>(), [(8, 100, u64::MAX), (4, 0, 0)]);
        assert_eq!(order.targets().collect::<Vec<_>>(), [0, 1, 2, 17]);
        assert_eq!(jail::read(order.jail()).next(), Some((&b"name\0"[..], &b"svc-web\0"[..])));
        assert_eq!((order.mask().collect::<Vec<_>>(), order.head.fib), (vec![5, 1 << 63], -7));
        let strings: Vec<&[u8]> = order.strings().collect();
        assert_eq!(strings, [&b"/bin/sh\0"[..], b"/\0", b"www\0", b"sh\0", b"\0", b"A=b c\0"]);
    }

    #[test]
    fn what_is_cut_or_counts_wrongly_is_no_order() {
        let bytes = sample();
        for length in 0..bytes.len() {
            assert!(Order::read(&bytes[..length]).is_none(), "{length}");
        }
        for (word, value) in [
            (0, 1),
            (6, u32::MAX),
            (7, u32::MAX),
            (8, 1 << 30),
            (9, 3),
            (10, u32::MAX),
            (12, 1),
            (12, u32::MAX),
            (14, 1 << 31),
        ] {
            let mut wrong = bytes.clone();
            wrong[word * 4..word * 4 + 4].copy_from_slice(&value.to_ne_bytes());
            assert!(Order::read(&wrong).is_none(), "word {word}");
        }
    }

    #[test]
    fn a_reply_is_read_as_it_was_written() {
        let reply = Reply { ticket: u64::MAX - 1, pid: 99_999, step: (4, 15), errno: -1, complaint: [7; 104] };
        assert_eq!(Reply::read(&reply.write()), Some(reply));
        assert_eq!(Reply::read(&reply.write()[1..]), None);
    }
}
