//! One service's log: a current file and a few older ones.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use svc_platform::saying;

/// The file that is written now.
pub(crate) const CURRENT: &str = "current";

/// How long there may be no room on the console.
const CONSOLE_PATIENCE: Duration = Duration::from_millis(100);

/// Where the `n`th older file is; 1 is the newest of them.
pub(crate) fn older(dir: &Path, n: u32) -> PathBuf {
    dir.join(format!("old.{n}"))
}

/// Writes lines with the time before each, rotates, and counts what a full disk makes it drop.
#[derive(Debug)]
pub(crate) struct LogFile {
    /// Where the directories of all logs are.
    logs: Arc<Path>,
    name: Arc<str>,
    size_max: u64,
    keep: u32,
    /// It is process 1 that this is for.
    first: bool,
    open: Option<Open>,
    /// The last byte written was no line end; `None`: it was another logger's, and is not known yet.
    mid_line: Option<bool>,
    dropped: u64,
}

#[derive(Debug)]
struct Open {
    file: File,
    size: u64,
}

impl Open {
    /// Whether with this it would be larger than that.
    fn would_pass(&self, size: u64, bytes: &[u8]) -> bool {
        self.size + bytes.len() as u64 > size
    }
}

impl LogFile {
    /// The log of this name, in a directory of its own below `logs`; nothing is opened before the first line.
    pub(crate) fn new(logs: Arc<Path>, name: Arc<str>, size_max: u64, keep: u32) -> Self {
        Self { logs, name, size_max: size_max.max(4096), keep, first: false, open: None, mid_line: None, dropped: 0 }
    }

    /// The same for process 1 of a machine: while it boots and files cannot be written yet, lines go to the console.
    pub(crate) fn of_first(self, first: bool) -> Self {
        Self { first, ..self }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn dir(&self) -> PathBuf {
        self.logs.join(&*self.name)
    }

    /// Other bounds, from the next line on.
    pub(crate) fn bound(&mut self, size_max: u64, keep: u32) {
        self.size_max = size_max.max(4096);
        self.keep = keep;
    }

    /// Writes what a service printed, `stamp` before each line that begins in it.
    ///
    /// A write that fails drops these bytes and counts them; the next that works says how many were lost.
    ///
    /// `text` is room for the lines with their times, of which one serves all logs.
    pub(crate) fn write(&mut self, bytes: &[u8], stamp: &str, text: &mut Vec<u8>) {
        // What is read at once may be more than a whole file may hold.
        let piece_max = (self.size_max / 4) as usize;
        let mut rest = bytes;
        while rest.len() > piece_max {
            let whole = rest[..piece_max].iter().rposition(|byte| *byte == b'\n').map_or(piece_max, |at| at + 1);
            self.write_piece(&rest[..whole], stamp, text);
            rest = &rest[whole..];
        }
        self.write_piece(rest, stamp, text);
    }

    fn write_piece(&mut self, bytes: &[u8], stamp: &str, text: &mut Vec<u8>) {
        text.clear();
        let mut mid_line = *self.mid_line.get_or_insert_with(|| is_mid_line(&self.logs.join(&*self.name)));
        // The end of a line is waited for, but not of one that is longer than a whole file may be: it may have none.
        let most = self.size_max.saturating_mul(2);
        if mid_line && self.open.as_ref().is_some_and(|open| open.would_pass(most, bytes)) && self.put(b"\n").is_ok() {
            mid_line = false;
            self.mid_line = Some(false);
        }
        if self.dropped > 0 {
            let lost = self.dropped;
            if mid_line {
                text.push(b'\n');
            }
            text.extend_from_slice(format!("{stamp} svcd: {lost} bytes of output were lost here\n").as_bytes());
            mid_line = false;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            if !mid_line {
                text.extend_from_slice(stamp.as_bytes());
                text.push(b' ');
            }
            // Reading from memory cannot fail; it finds the end of a line faster than a loop over bytes.
            rest.read_until(b'\n', text).ok();
            mid_line = text.last() != Some(&b'\n');
        }
        match self.put(text).or_else(|error| self.show(text, error)) {
            Ok(()) => {
                self.dropped = 0;
                self.mid_line = Some(mid_line);
            }
            Err(_) => {
                self.dropped += bytes.len() as u64;
                self.open = None;
            }
        }
    }

    /// Puts on the console what no file takes yet: why a boot stopped is told nowhere else.
    fn show(&mut self, text: &[u8], error: io::Error) -> io::Result<()> {
        if !self.first || error.kind() != io::ErrorKind::ReadOnlyFilesystem {
            return Err(error);
        }
        self.open = None;
        let said = saying::say(io::stderr().as_fd(), text, CONSOLE_PATIENCE)?;
        if said == text.len() { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    /// Bytes that could not be written and are not yet spoken of.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Opens the current file again if another logger has put a new one in its place.
    pub(crate) fn follow_rotation(&mut self) {
        let Some(open) = &self.open else { return };
        let ours = open.file.metadata().map(|meta| meta.ino()).ok();
        let there = fs::metadata(self.dir().join(CURRENT)).map(|meta| meta.ino()).ok();
        if ours != there {
            self.open = None;
        }
    }

    fn put(&mut self, text: &[u8]) -> io::Result<()> {
        let size_max = self.size_max;
        if self.mid_line != Some(true) && self.open.as_ref().is_some_and(|open| open.would_pass(size_max, text)) {
            self.open = None;
            self.rotate()?;
        }
        if self.open.is_none() {
            self.open = Some(self.reopen()?);
        }
        let open = self.open.as_mut().expect("it was opened just now");
        let mut rest = text;
        while !rest.is_empty() {
            match open.file.write(rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    open.size += written as u64;
                    rest = &rest[written..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // What was begun must not become the head of another line.
                    if rest.len() < text.len() {
                        self.mid_line = Some(true);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    fn reopen(&self) -> io::Result<Open> {
        let dir = self.dir();
        fs::create_dir_all(&dir)?;
        let file = OpenOptions::new().create(true).append(true).open(dir.join(CURRENT))?;
        let size = file.metadata()?.len();
        Ok(Open { file, size })
    }

    fn rotate(&self) -> io::Result<()> {
        let dir = self.dir();
        let current = dir.join(CURRENT);
        if self.keep == 0 {
            return gone_or(fs::remove_file(current));
        }
        for n in (1..self.keep).rev() {
            gone_or(fs::rename(older(&dir, n), older(&dir, n + 1)))?;
        }
        gone_or(fs::rename(current, older(&dir, 1)))
    }
}

/// A file that somebody took away needs none of it.
fn gone_or(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Whether the log in this directory ends within a line: the logger before was replaced there.
fn is_mid_line(dir: &Path) -> bool {
    let last = || {
        let mut file = File::open(dir.join(CURRENT))?;
        if !file.metadata()?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        file.seek(SeekFrom::End(-1))?;
        let mut byte = [0];
        file.read_exact(&mut byte).map(|()| byte[0])
    };
    // Where there is nothing yet, nothing has begun.
    last().is_ok_and(|byte: u8| byte != b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(dir: &Path, size_max: u64, keep: u32) -> LogFile {
        LogFile::new(dir.into(), "web".into(), size_max, keep)
    }

    impl LogFile {
        fn take(&mut self, bytes: &[u8], stamp: &str) {
            self.write(bytes, stamp, &mut Vec::new());
        }
    }

    fn lines(path: &Path) -> Vec<String> {
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_line_has_the_time_at_which_it_began() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path(), 1 << 20, 4);
        log.take(b"one\ntw", "T1");
        log.take(b"o\nthree\n", "T2");
        assert_eq!(lines(&dir.path().join("web/current")), ["T1 one", "T1 two", "T2 three"]);
    }

    #[test]
    fn a_file_that_somebody_removed_is_begun_anew_and_nothing_is_lost() {
        for keep in [0, 2] {
            let dir = tempfile::tempdir().unwrap();
            let mut log = log(dir.path(), 4096, keep);
            log.take(&[b'x'; 4000], "T1");
            log.take(b"\n", "T1");
            fs::remove_file(dir.path().join("web/current")).unwrap();
            log.take(&[b'y'; 1000], "T2");
            assert_eq!(lines(&dir.path().join("web/current")), [format!("T2 {}", "y".repeat(1000))]);
        }
    }

    #[test]
    fn the_next_logger_goes_on_within_a_line() {
        let dir = tempfile::tempdir().unwrap();
        log(dir.path(), 1 << 20, 4).take(b"one\ntw", "T1");
        log(dir.path(), 1 << 20, 4).take(b"o\nthree\n", "T2");
        assert_eq!(lines(&dir.path().join("web/current")), ["T1 one", "T1 two", "T2 three"]);
    }

    #[test]
    fn rotation_keeps_as_many_as_asked_and_tears_no_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path(), 4096, 2);
        let line = "x".repeat(1000);
        for n in 0..20 {
            log.take(format!("{n} {line}\n").as_bytes(), "T");
        }
        let mut all = lines(&older(&dir.path().join("web"), 2));
        all.extend(lines(&older(&dir.path().join("web"), 1)));
        all.extend(lines(&dir.path().join("web").join(CURRENT)));
        let numbers: Vec<_> = all.iter().map(|line| line.split(' ').nth(1).unwrap().parse::<u32>().unwrap()).collect();
        assert_eq!(numbers, (20 - numbers.len() as u32..20).collect::<Vec<_>>());
        assert!(!older(&dir.path().join("web"), 3).exists());
        assert!(fs::metadata(dir.path().join("web").join(CURRENT)).unwrap().len() <= 4096);
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_fills_no_disk() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path(), 4096, 2);
        (0..100).for_each(|_| log.take(&[b'x'; 1000], "T"));
        log.take(b"y\nlast\n", "T");
        let place = dir.path().join("web");
        for path in [older(&place, 2), older(&place, 1), place.join(CURRENT)] {
            let size = fs::metadata(&path).unwrap().len();
            assert!(size <= 2 * 4096 + 1, "{}: {size}", path.display());
            assert!(lines(&path).iter().all(|line| line.starts_with("T ")), "{}", path.display());
        }
        assert_eq!(lines(&place.join(CURRENT)).last().unwrap(), "T last");
    }

    #[test]
    fn a_line_that_was_begun_before_the_disk_was_full_is_not_gone_on_with_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path(), 1 << 20, 2);
        log.take(b"one", "T1");
        let whole = log.open.take().unwrap();
        let file = File::options().write(true).open("/dev/full").unwrap();
        log.open = Some(Open { file, size: 0 });
        log.take(b" more\n", "T2");
        log.open = Some(whole);
        log.take(b"two\n", "T3");
        let said = ["T1 one", "T3 svcd: 6 bytes of output were lost here", "T3 two"];
        assert_eq!(lines(&dir.path().join("web/current")), said);
    }

    #[test]
    fn what_a_full_disk_drops_is_counted_and_said() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path(), 1 << 20, 2);
        fs::create_dir(dir.path().join("web")).unwrap();
        std::os::unix::fs::symlink("/dev/full", dir.path().join("web").join(CURRENT)).unwrap();
        log.take(b"lost\n", "T1");
        assert_eq!(log.dropped(), 5);
        fs::remove_file(dir.path().join("web").join(CURRENT)).unwrap();
        log.take(b"back\n", "T2");
        assert_eq!(log.dropped(), 0);
        assert_eq!(
            lines(&dir.path().join("web").join(CURRENT)),
            ["T2 svcd: 5 bytes of output were lost here", "T2 back"]
        );
    }

    #[test]
    fn only_before_files_can_be_written_lines_of_process_1_go_to_the_console() {
        for (first, kind, shown) in [
            (true, io::ErrorKind::ReadOnlyFilesystem, true),
            (true, io::ErrorKind::StorageFull, false),
            (false, io::ErrorKind::ReadOnlyFilesystem, false),
        ] {
            let mut log = log(Path::new("/nonexistent"), 4096, 2).of_first(first);
            assert_eq!(log.show(b"", kind.into()).is_ok(), shown, "{first} {kind}");
        }
    }

    #[test]
    fn a_file_rotated_by_another_logger_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = log(dir.path(), 1 << 20, 2);
        log.take(b"one\n", "T");
        fs::rename(dir.path().join("web").join(CURRENT), older(&dir.path().join("web"), 1)).unwrap();
        log.follow_rotation();
        log.take(b"two\n", "T");
        assert_eq!(lines(&dir.path().join("web").join(CURRENT)), ["T two"]);
    }
}
