//! What FreeBSD's rcorder finds in memory that it does not initialise.
//!
//! Each BEFORE makes a hidden provision, and the level of that provision is never set: it is what the allocator last
//! freed in that size. It decides where the target of a BEFORE is sorted, so it is followed here: only the size
//! class of a hidden provision (17 to 32 bytes), and of each block only the four bytes that are read as the level.

/// Freed blocks of the size class, last freed on top, as jemalloc's thread cache keeps them.
#[derive(Debug, Default)]
pub(super) struct Memory {
    freed: Vec<i32>,
}

/// Bytes of a list element with a string, of a table entry; both grow by their string.
const ELEMENT: usize = 24;

/// The upper half of a heap address: more than any level, less than any text.
const ADDRESS: i32 = 1 << 20;

fn in_class(bytes: usize) -> bool {
    (17..=32).contains(&bytes)
}

impl Memory {
    /// Takes a block; what is in it. Fresh memory is zero.
    fn take(&mut self, bytes: usize) -> i32 {
        if in_class(bytes) { self.freed.pop().unwrap_or(0) } else { 0 }
    }

    fn give(&mut self, bytes: usize, content: i32) {
        if in_class(bytes) {
            self.freed.push(content);
        }
    }

    /// A line was read and is freed.
    pub(super) fn line_taken(&mut self, bytes: usize) {
        self.take(bytes + 1);
    }

    pub(super) fn line_freed(&mut self, line: &[u8]) {
        let content = line.get(4..8).map_or(0, |part| i32::from_le_bytes([part[0], part[1], part[2], part[3]]));
        self.give(line.len() + 1, content);
    }

    pub(super) fn file_name(&mut self, bytes: usize) {
        self.take(bytes + 1);
    }

    /// A new name in the table.
    pub(super) fn entry(&mut self, name: &[u8]) {
        self.take(ELEMENT + name.len());
    }

    /// A word of BEFORE or KEYWORD.
    pub(super) fn word(&mut self, word: &[u8]) {
        self.take(ELEMENT + word.len());
    }

    pub(super) fn before_done(&mut self, word: &[u8]) {
        self.give(ELEMENT + word.len(), ADDRESS);
    }

    /// The head of a provision; its level, unless that is set.
    pub(super) fn head(&mut self) -> i32 {
        self.take(32)
    }

    /// One provider of a provision, with its place in the file's list.
    pub(super) fn provider(&mut self) {
        self.take(32);
        self.take(24);
    }
}
