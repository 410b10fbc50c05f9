//! Reading back what services wrote, a bounded piece at a time.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use svc_core::Name;

use super::logger::file::{CURRENT, older};
use crate::wire::LogLine;

/// At most this much of each log is read for one answer.
const TAIL_BYTES_MAX: u64 = 256 * 1024;

/// A place in a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    inode: u64,
    offset: u64,
}

/// The end of this log as it is now.
pub(crate) fn end(dir: &Path) -> Place {
    std::fs::metadata(dir.join(CURRENT)).map(|meta| Place { inode: meta.ino(), offset: meta.len() }).unwrap_or_default()
}

/// The last `count` lines of this log, older files included while they are needed.
pub(crate) fn last(name: &Name, dir: &Path, count: usize) -> Vec<LogLine> {
    let mut lines = tail(&dir.join(CURRENT), 0);
    for n in 1..=64 {
        if lines.len() >= count {
            break;
        }
        let before = tail(&older(dir, n), 0);
        if before.is_empty() {
            break;
        }
        lines.splice(0..0, before);
    }
    let skip = lines.len().saturating_sub(count);
    lines.drain(..skip);
    lines.iter().map(|line| split(name, line)).collect()
}

/// The lines written since `place`, which moves to the end of the last whole one.
///
/// After a rotation the rest of the file that was current comes first.
pub(crate) fn since(name: &Name, dir: &Path, place: &mut Place) -> Vec<LogLine> {
    let mut lines = Vec::new();
    let now = end(dir);
    if now.inode != place.inode && place.inode != 0 {
        let previous = older(dir, 1);
        if std::fs::metadata(&previous).is_ok_and(|meta| meta.ino() == place.inode) {
            lines.extend(tail(&previous, place.offset));
        }
    }
    if now.inode != place.inode {
        *place = Place { inode: now.inode, offset: 0 };
    }
    if let Ok((text, start)) = piece(&dir.join(CURRENT), place.offset) {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        lines.extend(cut(&text[..whole]));
        place.offset = start + whole as u64;
    }
    lines.iter().map(|line| split(name, line)).collect()
}

fn tail(path: &Path, from: u64) -> Vec<Vec<u8>> {
    let Ok((text, start)) = piece(path, from) else { return Vec::new() };
    let mut lines = cut(&text);
    if start > from && !lines.is_empty() {
        // The first is only the rest of a line.
        lines.remove(0);
    }
    lines
}

/// The bytes from `from` on, or the last [`TAIL_BYTES_MAX`] of them, and where they begin.
fn piece(path: &Path, from: u64) -> io::Result<(Vec<u8>, u64)> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let start = from.max(meta.len().saturating_sub(TAIL_BYTES_MAX));
    file.seek(SeekFrom::Start(start))?;
    let mut text = Vec::new();
    file.take(TAIL_BYTES_MAX).read_to_end(&mut text)?;
    Ok((text, start))
}

fn cut(text: &[u8]) -> Vec<Vec<u8>> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    if text.is_empty() { Vec::new() } else { text.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect() }
}

/// Tells the time at the head of a line from what the service wrote.
fn split(name: &Name, line: &[u8]) -> LogLine {
    let line = String::from_utf8_lossy(line);
    let (time, text) = match line.split_once(' ') {
        Some((time, text)) if time.ends_with('Z') && time.starts_with(|c: char| c.is_ascii_digit()) => (time, text),
        _ => ("", &*line),
    };
    LogLine { name: name.clone(), time: time.to_owned(), text: text.trim_end_matches('\r').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::logger::file::LogFile;

    fn texts(lines: Vec<LogLine>) -> Vec<String> {
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn the_last_lines_may_be_in_an_older_file() {
        let dir = tempfile::tempdir().unwrap();
        let name = Name::new("web").unwrap();
        let mut log = LogFile::new(dir.path().into(), "web".into(), 4096, 3);
        for n in 0..10 {
            log.write(format!("{n} {}\n", "x".repeat(1500)).as_bytes(), "2026-01-01T00:00:00Z", &mut Vec::new());
        }
        let lines = last(&name, &dir.path().join("web"), 5);
        assert_eq!(lines[0].time, "2026-01-01T00:00:00Z");
        let heads: Vec<_> = texts(lines).iter().map(|text| text[..1].to_owned()).collect();
        assert_eq!(heads, ["5", "6", "7", "8", "9"]);
    }

    #[test]
    fn following_goes_on_across_a_rotation_and_waits_for_whole_lines() {
        let dir = tempfile::tempdir().unwrap();
        let name = Name::new("web").unwrap();
        let mut log = LogFile::new(dir.path().into(), "web".into(), 4096, 3);
        log.write(b"before\n", "T", &mut Vec::new());
        let mut place = end(&dir.path().join("web"));
        log.write(b"one\ntwo", "2026-01-01T00:00:00Z", &mut Vec::new());
        assert_eq!(texts(since(&name, &dir.path().join("web"), &mut place)), ["one"]);
        log.write(b" and\n", "T", &mut Vec::new());
        log.write(&vec![b'y'; 4090], "2026-01-01T00:00:00Z", &mut Vec::new());
        log.write(b"\nlast\n", "2026-01-01T00:00:00Z", &mut Vec::new());
        let lines = texts(since(&name, &dir.path().join("web"), &mut place));
        assert_eq!(lines[0], "two and");
        assert_eq!(lines.last().unwrap(), "last");
    }
}
