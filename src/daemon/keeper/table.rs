//! What the keeper keeps: news of ends until a manager has taken it, and descriptors. Sized once, at start.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use svc_core::Exit;

use crate::daemon::link::{KEY_BYTES_MAX, Key, PRIVATE, Record};

/// How much news is kept for a manager that does not come.
const NEWS_MAX: usize = 16 * 1024;

/// How many pipes are kept.
const PIPES_MAX: usize = 32 * 1024;

/// Ends of processes, oldest first, until acknowledged. When too many come the newest are kept, and the loss counted.
#[derive(Debug)]
pub(crate) struct News {
    kept: VecDeque<(u64, i32, Exit)>,
    next: u64,
    /// How many of `kept` the present manager has been told.
    told: usize,
    lost: u64,
}

impl News {
    pub(crate) fn new() -> Self {
        Self { kept: VecDeque::with_capacity(NEWS_MAX), next: 1, told: 0, lost: 0 }
    }

    /// A process ended.
    pub(crate) fn add(&mut self, pid: i32, exit: Exit) {
        if self.kept.len() == NEWS_MAX {
            self.kept.pop_front();
            self.told = self.told.saturating_sub(1);
            self.lost += 1;
        }
        self.kept.push_back((self.next, pid, exit));
        self.next += 1;
    }

    /// What the manager should be told next; [`News::was_told`] when it was.
    pub(crate) fn untold(&self) -> Option<Record> {
        self.kept.get(self.told).map(|(news, pid, exit)| Record::Ended { news: *news, pid: *pid, exit: *exit })
    }

    /// The next was told.
    pub(crate) fn was_told(&mut self) {
        self.told += 1;
    }

    /// All up to this number was taken.
    pub(crate) fn acknowledged(&mut self, news: u64) {
        while self.kept.front().is_some_and(|(number, ..)| *number <= news) {
            self.kept.pop_front();
            self.told = self.told.saturating_sub(1);
        }
        if self.kept.is_empty() {
            // The next begins where the first did: a ring that goes round would come to hold all of its memory.
            self.kept.clear();
        }
    }

    /// A new manager has been told nothing.
    pub(crate) fn begin_again(&mut self) {
        self.told = 0;
    }

    /// How much was dropped so far.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }
}

/// The pipe of one log: whoever writes to it or reads from it may be replaced.
#[derive(Debug)]
pub(crate) struct Pipe {
    /// Where its key is in the text of all keys.
    key: Place,
    size: u64,
    keep: u32,
    pub(crate) reader: OwnedFd,
    pub(crate) writer: OwnedFd,
    /// The present logger has it.
    pub(crate) with_logger: bool,
    /// The present manager has it.
    pub(crate) with_manager: bool,
}

/// A piece of a text.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    length: u8,
}

impl Place {
    fn of(self, text: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &text[start..start + usize::from(self.length)]
    }
}

/// All pipes, in the order of their keys.
#[derive(Debug)]
pub(crate) struct Store {
    pipes: Vec<Pipe>,
    /// Their keys, one after the other: most are far shorter than they may be, and memory that is not written to is
    /// none.
    keys: Vec<u8>,
    /// Somebody may not have all of them.
    untold: bool,
}

impl Store {
    pub(crate) fn new() -> Self {
        let keys = Vec::with_capacity(PIPES_MAX * KEY_BYTES_MAX);
        Self { pipes: Vec::with_capacity(PIPES_MAX), keys, untold: false }
    }

    /// Keeps a pipe that the present manager has, in place of an earlier one of this key; beyond the bound it is not
    /// kept.
    pub(crate) fn put(&mut self, key: Key, (size, keep): (u64, u32), reader: OwnedFd, writer: OwnedFd) {
        let (with_logger, with_manager) = (key.is_private(), true);
        let pipe = |key| Pipe { key, size, keep, reader, writer, with_logger, with_manager };
        match self.find(key) {
            Ok(at) => self.pipes[at] = pipe(self.pipes[at].key),
            Err(at) if self.pipes.len() < PIPES_MAX => {
                let bytes = key.as_str().as_bytes();
                let place = Place { start: self.keys.len() as u32, length: bytes.len() as u8 };
                self.keys.extend_from_slice(bytes);
                self.pipes.insert(at, pipe(place));
            }
            Err(_) => return,
        }
        self.untold = true;
    }

    /// Other bounds for a pipe that is kept.
    pub(crate) fn bound(&mut self, key: Key, size: u64, keep: u32) {
        if let Ok(at) = self.find(key) {
            let pipe = &mut self.pipes[at];
            (pipe.size, pipe.keep, pipe.with_logger) = (size, keep, false);
            self.untold = true;
        }
    }

    /// Forgets a pipe.
    pub(crate) fn drop(&mut self, key: Key) {
        let Ok(at) = self.find(key) else { return };
        let Place { start, length } = self.pipes.remove(at).key;
        self.keys.drain(start as usize..start as usize + usize::from(length));
        for pipe in self.pipes.iter_mut().filter(|pipe| pipe.key.start > start) {
            pipe.key.start -= u32::from(length);
        }
    }

    /// A new logger has none but those that are not for it.
    pub(crate) fn logger_begins(&mut self) {
        for pipe in &mut self.pipes {
            pipe.with_logger = pipe.key.of(&self.keys).first() == Some(&(PRIVATE as u8));
        }
        self.untold = true;
    }

    /// A new manager has none.
    pub(crate) fn manager_begins(&mut self) {
        self.pipes.iter_mut().for_each(|pipe| pipe.with_manager = false);
        self.untold = true;
    }

    /// Gives each pipe that somebody has not, with what is to be said of it, to `tell`, which marks who has it then.
    pub(crate) fn tell(&mut self, mut tell: impl FnMut(&Record, &mut Pipe)) {
        if !self.untold {
            return;
        }
        let Self { pipes, keys, .. } = self;
        let is_told = |pipe: &Pipe| pipe.with_logger && pipe.with_manager;
        for pipe in pipes.iter_mut().filter(|pipe| !is_told(pipe)) {
            let Some(key) = std::str::from_utf8(pipe.key.of(keys)).ok().and_then(Key::new) else { continue };
            tell(&Record::Store { key, size: pipe.size, keep: pipe.keep }, pipe);
        }
        self.untold = !pipes.iter().all(is_told);
    }

    /// Where the pipe of this key is, or would be.
    fn find(&self, key: Key) -> Result<usize, usize> {
        self.pipes.binary_search_by(|pipe| pipe.key.of(&self.keys).cmp(key.as_str().as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(news: &mut News) -> Vec<(u64, i32)> {
        let mut said = Vec::new();
        while let Some(Record::Ended { news: number, pid, .. }) = news.untold() {
            said.push((number, pid));
            news.was_told();
        }
        said
    }

    #[test]
    fn news_is_told_again_until_it_is_acknowledged() {
        let mut news = News::new();
        (10..13).for_each(|pid| news.add(pid, Exit::Code(0)));
        assert_eq!(told(&mut news), [(1, 10), (2, 11), (3, 12)]);
        news.acknowledged(2);
        assert_eq!(told(&mut news), []);
        news.begin_again();
        news.add(13, Exit::Signal(9));
        assert_eq!(told(&mut news), [(3, 12), (4, 13)]);
    }

    #[test]
    fn too_much_news_drops_the_oldest_and_counts_it() {
        let mut news = News::new();
        let capacity = news.kept.capacity();
        (0..NEWS_MAX as i32 + 5).for_each(|pid| news.add(pid, Exit::Code(0)));
        assert_eq!(news.lost(), 5);
        let said = told(&mut news);
        assert_eq!((said.len(), said[0].1), (NEWS_MAX, 5));
        assert_eq!(news.kept.capacity(), capacity, "nothing is allocated after the start");
    }

    fn store_of(names: &[&str]) -> Store {
        let mut store = Store::new();
        for name in names {
            let (reader, writer) = std::io::pipe().unwrap();
            store.put(Key::new(name).unwrap(), (1, 2), reader.into(), writer.into());
        }
        store
    }

    /// What is told of the store, while the logger takes so many.
    fn told_of(store: &mut Store, mut room: usize) -> Vec<String> {
        let mut said = Vec::new();
        store.tell(|record, pipe| {
            let Record::Store { key, .. } = record else { panic!("{record:?}") };
            pipe.with_logger |= room > 0;
            room = room.saturating_sub(1);
            pipe.with_manager = true;
            said.push(key.as_str().to_owned());
        });
        said
    }

    #[test]
    fn pipes_are_told_until_everybody_has_them() {
        let mut store = store_of(&["web", "!web.1", "db", "cache", "web"]);
        assert_eq!(told_of(&mut store, 1), ["cache", "db", "web"], "what is private is with the manager");
        assert_eq!(told_of(&mut store, 9), ["db", "web"]);
        assert_eq!(told_of(&mut store, 9), [""; 0]);
        store.bound(Key::new("db").unwrap(), 7, 7);
        assert_eq!(told_of(&mut store, 9), ["db"]);
        store.manager_begins();
        assert_eq!(told_of(&mut store, 9), ["!web.1", "cache", "db", "web"]);
        store.logger_begins();
        assert_eq!(told_of(&mut store, 9), ["cache", "db", "web"]);
    }

    #[test]
    fn what_is_dropped_leaves_the_others_their_names() {
        let mut store = store_of(&["one", "three", "two", "four"]);
        told_of(&mut store, 9);
        store.drop(Key::new("three").unwrap());
        store.drop(Key::new("five").unwrap());
        store.logger_begins();
        assert_eq!(told_of(&mut store, 9), ["four", "one", "two"]);
        assert_eq!(store.keys.len(), "onetwofour".len());
    }
}
