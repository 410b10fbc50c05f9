//! What the next manager must know, appended line by line so that a torn end is seen and cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The journal is written anew when it has grown to this many times its useful size.
const GROWTH_MAX: u64 = 4;

/// Below this many bytes a journal is never written anew for its size.
const SMALL_BYTES: u64 = 256 * 1024;

/// An append-only file of checked lines, `SUM JSON`, each the sum of its own text.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
    useful: u64,
    /// Why the file on disk lags behind, while it does.
    fault: Option<String>,
    pending: Vec<u8>,
}

/// What an earlier manager left.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// Its records, oldest first.
    pub(crate) records: Vec<T>,
    /// Bytes at the end that were no whole record.
    pub(crate) cut: usize,
    /// Whole records of another version, which say nothing to this one.
    pub(crate) strange: usize,
}

impl<T> Found<T> {
    /// What of it could not be read.
    pub(crate) fn faults(&self) -> Vec<String> {
        let Self { cut, strange, .. } = self;
        let cut = (*cut > 0).then(|| format!("{cut} bytes at its end were torn and are left out"));
        let strange = (*strange > 0).then(|| format!("{strange} records of another version are passed over"));
        cut.into_iter().chain(strange).collect()
    }
}

impl Journal {
    /// Reads what is there; nothing is written before the first [`Journal::renew`].
    ///
    /// # Errors
    ///
    /// The system's own, except that a missing file is an empty journal.
    pub(crate) fn open<T: DeserializeOwned>(path: &Path) -> io::Result<(Self, Found<T>)> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let found = read(&text);
        let journal = Self { path: path.to_owned(), file: None, bytes: 0, useful: 0, fault: None, pending: Vec::new() };
        Ok((journal, found))
    }

    /// Adds a record; it is on file after the next [`Journal::flush`].
    pub(crate) fn append<T: Serialize>(&mut self, record: &T) {
        encode(&mut self.pending, record);
    }

    /// Writes what was added. A file system that is full is no reason to stop: the fault is kept, and the whole journal
    /// is written anew as soon as there is room.
    pub(crate) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let pending = std::mem::take(&mut self.pending);
        let Some(file) = self.file.as_mut().filter(|_| self.fault.is_none()) else { return };
        match file.write_all(&pending) {
            Ok(()) => self.bytes += pending.len() as u64,
            // The end may be torn now: appending to it would hide what follows.
            Err(error) => self.fault = Some(format!("writing {}: {error}", self.path.display())),
        }
    }

    /// Whether the whole should be written anew: it lags behind, or holds mostly history.
    pub(crate) fn is_stale(&self) -> bool {
        self.file.is_none() || self.fault.is_some() || self.bytes > SMALL_BYTES.max(self.useful * GROWTH_MAX)
    }

    /// Why the file lags behind memory, while it does.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Replaces the file by these records: whoever reads it sees the old or the new one, whole.
    pub(crate) fn renew<T: Serialize>(&mut self, records: impl Iterator<Item = T>) {
        self.pending.clear();
        let mut text = Vec::new();
        records.for_each(|record| encode(&mut text, &record));
        match self.replace(&text) {
            Ok(file) => {
                self.file = Some(file);
                self.bytes = text.len() as u64;
                self.useful = self.bytes;
                self.fault = None;
            }
            Err(error) => self.fault = Some(format!("writing {}: {error}", self.path.display())),
        }
    }

    fn replace(&self, text: &[u8]) -> io::Result<File> {
        let new = self.path.with_extension("new");
        let written = (|| {
            let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&new)?;
            file.write_all(text)?;
            fs::rename(&new, &self.path)?;
            // Opened before the rename it is the same file, at its end.
            Ok(file)
        })();
        if written.is_err() {
            // A half-written copy would only keep a full file system full.
            fs::remove_file(&new).ok();
        }
        written
    }
}

fn encode<T: Serialize>(to: &mut Vec<u8>, record: &T) {
    let text = serde_json::to_string(record).expect("a record has only string keys");
    // Writing to a vector cannot fail.
    writeln!(to, "{:08x} {text}", sum(text.as_bytes())).ok();
}

fn read<T: DeserializeOwned>(text: &[u8]) -> Found<T> {
    let (mut records, mut strange) = (Vec::new(), 0);
    let mut rest = text;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let Some(body) = whole(&rest[..end]) else { break };
        match serde_json::from_slice(body) {
            Ok(record) => records.push(record),
            // What follows does not stand for less because of it.
            Err(_) => strange += 1,
        }
        rest = &rest[end + 1..];
    }
    Found { records, cut: rest.len(), strange }
}

/// The text of a line, if it is as it was written.
fn whole(line: &[u8]) -> Option<&[u8]> {
    let (head, body) = (line.get(..8)?, line.get(9..)?);
    let expected = u32::from_str_radix(std::str::from_utf8(head).ok()?, 16).ok()?;
    (sum(body) == expected).then_some(body)
}

/// FNV-1a: it is to see a torn line, not to keep an enemy out of a directory of ours.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(path: &Path) -> Found<u32> {
        Journal::open(path).unwrap().1
    }

    #[test]
    fn records_come_back_in_order() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, found) = Journal::open::<u32>(&path).unwrap();
        assert!(found.records.is_empty());
        journal.renew([1u32].into_iter());
        journal.append(&2u32);
        journal.append(&3u32);
        journal.flush();
        assert_eq!(reopened(&path).records, [1, 2, 3]);
    }

    #[test]
    fn a_torn_end_is_cut_wherever_it_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open::<u32>(&path).unwrap();
        journal.renew([10u32, 20, 30].into_iter());
        let whole = fs::read(&path).unwrap();
        let line = whole.len() / 3;
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let found = reopened(&path);
            assert_eq!(found.records.len(), end / line, "torn at byte {end}");
            assert_eq!(found.cut, end % line);
        }
    }

    #[test]
    fn a_changed_byte_ends_the_reading() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open::<u32>(&path).unwrap();
        journal.renew([10u32, 20, 30].into_iter());
        let mut text = fs::read(&path).unwrap();
        let at = text.len() / 3 + 10;
        text[at] ^= 1;
        fs::write(&path, &text).unwrap();
        assert_eq!(reopened(&path).records, [10]);
    }

    #[test]
    fn a_record_of_another_version_hides_none_that_follows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut text = Vec::new();
        encode(&mut text, &10u32);
        encode(&mut text, &"what a later version writes");
        encode(&mut text, &30u32);
        fs::write(&path, &text).unwrap();
        let found = reopened(&path);
        assert_eq!((found.records, found.cut, found.strange), (vec![10, 30], 0, 1));
    }

    #[test]
    fn a_full_disk_is_said_and_made_good_later() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let (mut journal, _) = Journal::open::<u32>(&path).unwrap();
        journal.renew([1u32].into_iter());
        journal.file = Some(OpenOptions::new().write(true).open("/dev/full").unwrap());
        journal.append(&2u32);
        journal.flush();
        assert!(journal.fault().is_some_and(|fault| fault.contains("No space left")));
        assert!(journal.is_stale());
        journal.renew([1u32, 2].into_iter());
        assert!(journal.fault().is_none());
        assert_eq!(reopened(&path).records, [1, 2]);
    }
}
