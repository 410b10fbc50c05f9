//! The scripts with what they provide, require and are before.

use super::memory::Memory;
use super::table::Table;
use super::{File, Leftover};
use crate::header::rcd::{Tag, each_line, tag};

/// A provision: its providers are a list, newest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    /// The first provider; `None` when all have been done.
    pub(super) first: Option<usize>,
    pub(super) in_progress: bool,
    pub(super) level: i32,
}

/// One script in the list of a provision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Provider {
    pub(super) file: usize,
    pub(super) next: Option<usize>,
    pub(super) last: Option<usize>,
}

/// Everything that was read.
#[derive(Debug)]
pub(super) struct Graph {
    pub(super) memory: Memory,
    pub(super) table: Table,
    /// By entry of the table; `None` is a name that nobody provides.
    pub(super) heads: Vec<Option<Head>>,
    pub(super) providers: Vec<Provider>,
    pub(super) names: Vec<Vec<u8>>,
    pub(super) keywords: Vec<Vec<Vec<u8>>>,
    /// By script the entries it requires, oldest first: they are visited from the end.
    pub(super) requires: Vec<Vec<usize>>,
    /// By script the entries it provides with the provider's place, oldest first.
    pub(super) provides: Vec<Vec<(usize, usize)>>,
    pub(super) befores: Vec<(usize, Vec<u8>)>,
    pub(super) arguments: usize,
    hidden: usize,
    leftover: Leftover,
}

impl Graph {
    pub(super) fn new(arguments: usize, leftover: Leftover) -> Self {
        Self {
            memory: Memory::default(),
            table: Table::new(arguments),
            heads: Vec::new(),
            providers: Vec::new(),
            names: Vec::new(),
            keywords: Vec::new(),
            requires: Vec::new(),
            provides: Vec::new(),
            befores: Vec::new(),
            arguments,
            hidden: 0,
            leftover,
        }
    }

    /// A keyword of the command line takes memory too.
    pub(super) fn option(&mut self, keyword: &[u8]) {
        self.memory.word(keyword);
    }

    pub(super) fn file(&mut self, file: &File<'_>) {
        let index = self.names.len();
        self.names.push(file.name.to_vec());
        self.memory.file_name(file.name.len());
        self.keywords.push(Vec::new());
        self.requires.push(Vec::new());
        self.provides.push(Vec::new());
        let mut inside = false;
        each_line(file.text, |line| {
            self.memory.line_taken(line.len());
            let found = tag(line);
            if let Some((tag, words)) = found {
                self.words(index, tag, words);
            }
            self.memory.line_freed(line);
            let go_on = found.is_some() || !inside;
            inside |= found.is_some();
            go_on
        });
    }

    fn words(&mut self, file: usize, tag: Tag, words: &[u8]) {
        for word in words.split(|byte| matches!(byte, b' ' | b'\t' | b'\n')).filter(|word| !word.is_empty()) {
            match tag {
                Tag::Require => {
                    let (entry, _) = self.entry(word);
                    self.requires[file].push(entry);
                }
                Tag::Provide => {
                    let (entry, _) = self.entry(word);
                    if self.heads[entry].is_none() {
                        self.memory.head();
                        self.heads[entry] = Some(Head { first: None, in_progress: false, level: 0 });
                    }
                    self.provide(file, entry);
                }
                Tag::Before => {
                    self.memory.word(word);
                    self.befores.push((file, word.to_vec()));
                }
                Tag::Keyword => {
                    self.memory.word(word);
                    self.keywords[file].push(word.to_vec());
                }
            }
        }
    }

    /// The entry of a name in the table, and whether it is new there.
    pub(super) fn entry(&mut self, name: &[u8]) -> (usize, bool) {
        let (entry, new) = self.table.entry(name);
        if new {
            self.memory.entry(name);
            self.heads.push(None);
        }
        (entry, new)
    }

    fn provide(&mut self, file: usize, entry: usize) {
        self.memory.provider();
        let place = self.providers.len();
        let head = self.heads[entry].as_mut().expect("a provided name has a head");
        self.providers.push(Provider { file, next: head.first, last: None });
        if let Some(next) = head.first.replace(place) {
            self.providers[next].last = Some(place);
        }
        self.provides[file].push((entry, place));
    }

    /// A provision that nobody can name, by which a BEFORE becomes a requirement.
    pub(super) fn hidden_provision(&mut self, file: usize) -> usize {
        let entry = loop {
            let name = format!("{HIDDEN}{:08}", self.hidden);
            self.hidden += 1;
            if let (entry, true) = self.entry(name.as_bytes()) {
                break entry;
            }
        };
        let found = self.memory.head();
        let level = match self.leftover {
            Leftover::Freebsd => found,
            Leftover::Zero => 0,
        };
        self.heads[entry] = Some(Head { first: None, in_progress: false, level });
        self.provide(file, entry);
        entry
    }

    /// Takes a provider out of its provision's list.
    pub(super) fn unlink(&mut self, entry: usize, place: usize) {
        let Provider { next, last, .. } = self.providers[place];
        if let Some(next) = next {
            self.providers[next].last = last;
        }
        match last {
            Some(last) => self.providers[last].next = next,
            None => self.heads[entry].as_mut().expect("a provided name has a head").first = next,
        }
    }

    pub(super) fn first_provider(&self, entry: usize) -> Option<usize> {
        self.heads[entry].and_then(|head| head.first)
    }

    /// The scripts that provide a name and have not been done, in order.
    pub(super) fn open_providers(&self, entry: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.first_provider(entry), |place| self.providers[*place].next)
            .map(|place| self.providers[place].file)
    }

    pub(super) fn is_hidden(&self, entry: usize) -> bool {
        self.table.name(entry).starts_with(HIDDEN.as_bytes())
    }
}

const HIDDEN: &str = "fake_prov_";
