//! What the keeper keeps: news of ends until a manager has taken it, and descriptors. Sized once, at start.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;

use svc_core::Exit;

use crate::daemon::link::{Key, Record};

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
    pub(crate) key: Key,
    pub(crate) size: u64,
    pub(crate) keep: u32,
    pub(crate) reader: OwnedFd,
    pub(crate) writer: OwnedFd,
    /// The present logger has it.
    pub(crate) with_logger: bool,
    /// The present manager has it.
    pub(crate) with_manager: bool,
}

impl Pipe {
    /// What goes with its descriptors.
    pub(crate) fn record(&self) -> Record {
        Record::Store { key: self.key, size: self.size, keep: self.keep }
    }
}

/// All pipes.
#[derive(Debug)]
pub(crate) struct Store {
    pipes: Vec<Pipe>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self { pipes: Vec::with_capacity(PIPES_MAX) }
    }

    /// Keeps a pipe, in place of an earlier one of this key; beyond the bound it is not kept.
    pub(crate) fn put(&mut self, pipe: Pipe) {
        match self.find(pipe.key) {
            Some(at) => self.pipes[at] = pipe,
            None if self.pipes.len() < PIPES_MAX => self.pipes.push(pipe),
            None => {}
        }
    }

    /// Other bounds for a pipe that is kept.
    pub(crate) fn bound(&mut self, key: Key, size: u64, keep: u32) {
        if let Some(at) = self.find(key) {
            let pipe = &mut self.pipes[at];
            (pipe.size, pipe.keep, pipe.with_logger) = (size, keep, false);
        }
    }

    /// Forgets a pipe.
    pub(crate) fn drop(&mut self, key: Key) {
        if let Some(at) = self.find(key) {
            self.pipes.swap_remove(at);
        }
    }

    /// All of them, for giving them out.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Pipe> {
        self.pipes.iter_mut()
    }

    fn find(&self, key: Key) -> Option<usize> {
        self.pipes.iter().position(|pipe| pipe.key == key)
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
}
