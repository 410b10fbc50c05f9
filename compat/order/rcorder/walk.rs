//! The walk through the graph: requirements first, circles told and broken where the original breaks them.

use super::graph::Graph;
use super::{Edition, Format, Options};

/// The state of the walk.
#[derive(Debug)]
pub(super) struct Walk<'o> {
    pub(super) graph: Graph,
    pub(super) options: &'o Options,
    pub(super) levels: Vec<i32>,
    /// How often a script was seen in a circle.
    pub(super) issues: Vec<u32>,
    in_progress: Vec<bool>,
    /// Its requirements and provisions have been worked off.
    done: Vec<bool>,
    /// The list of scripts to do, newest first: the original takes a script out of it twice when it is in a circle,
    /// and by that puts others back.
    head: Option<usize>,
    next: Vec<Option<usize>>,
    last: Vec<Option<usize>>,
    level_max: i32,
    pub(super) order: Vec<usize>,
    pub(super) out: Vec<u8>,
    pub(super) messages: Vec<Vec<u8>>,
    pub(super) exit: i32,
}

/// A script whose requirements are being worked off.
struct Frame {
    file: usize,
    /// How many of its requirements are left; they are taken from the end.
    left: usize,
    /// The requirement whose providers are being done.
    waiting: Option<usize>,
    again: bool,
}

impl<'o> Walk<'o> {
    pub(super) fn new(graph: Graph, options: &'o Options) -> Self {
        let count = graph.names.len();
        let mut walk = Self {
            graph,
            options,
            levels: vec![0; count],
            issues: vec![0; count],
            in_progress: vec![false; count],
            done: vec![false; count],
            head: count.checked_sub(1),
            next: (0..count).map(|file| file.checked_sub(1)).collect(),
            last: (1..=count).map(|file| (file < count).then_some(file)).collect(),
            level_max: 0,
            order: Vec::new(),
            out: Vec::new(),
            messages: Vec::new(),
            exit: 0,
        };
        walk.header();
        walk
    }

    pub(super) fn say(&mut self, pieces: &[&[u8]]) {
        self.messages.push(pieces.concat());
    }

    /// Turns each BEFORE into a requirement of those that provide its target.
    pub(super) fn insert_before(&mut self) {
        while let Some((file, target)) = self.graph.befores.pop() {
            let hidden = self.graph.hidden_provision(file);
            let (entry, new) = self.graph.entry(&target);
            if new {
                let name = self.graph.names[file].clone();
                self.say(&[b"file `", &name, b"' is before unknown provision `", &target, b"'"]);
                self.links(entry, file);
            }
            let providers: Vec<usize> = self.graph.open_providers(entry).collect();
            for provider in providers {
                self.graph.requires[provider].push(hidden);
            }
            self.graph.memory.before_done(&target);
        }
    }

    /// Does every script that is on the list.
    pub(super) fn all(&mut self) {
        let mut stack: Vec<Frame> = Vec::new();
        while let Some(file) = self.head {
            self.enter(file, &mut stack);
            while let Some(frame) = stack.last_mut() {
                if let Some(entry) = frame.waiting {
                    if let Some(place) = self.graph.first_provider(entry) {
                        let provider = self.graph.providers[place].file;
                        self.enter(provider, &mut stack);
                        continue;
                    }
                    frame.waiting = None;
                    self.satisfied(entry, &stack);
                } else if frame.left > 0 {
                    frame.left -= 1;
                    let entry = self.graph.requires[frame.file][frame.left];
                    if self.require(entry, &mut stack) {
                        self.satisfied(entry, &stack);
                    }
                } else {
                    let frame = stack.pop().expect("there is a frame");
                    self.leave(&frame);
                }
            }
        }
    }

    fn enter(&mut self, file: usize, stack: &mut Vec<Frame>) {
        let again = self.in_progress[file];
        if again {
            let name = self.graph.names[file].clone();
            self.say(&[b"Circular dependency on file `", &name, b"'."]);
            self.exit = 1;
        }
        self.in_progress[file] = true;
        let left = if self.done[file] { 0 } else { self.graph.requires[file].len() };
        stack.push(Frame { file, left, waiting: None, again });
        self.levels[file] = 0;
    }

    /// The frame on top has this requirement behind it.
    fn satisfied(&mut self, entry: usize, stack: &[Frame]) {
        let frame = stack.last().expect("a requirement has a frame");
        if let Some(head) = self.graph.heads[entry] {
            self.levels[frame.file] = self.levels[frame.file].max(head.level);
        }
    }

    /// Begins a requirement. True if there is nothing to wait for.
    fn require(&mut self, entry: usize, stack: &mut [Frame]) -> bool {
        let frame = stack.last().expect("a requirement has a frame");
        let file = frame.file;
        self.links(entry, file);
        let Some(head) = self.graph.heads[entry] else {
            let (wanted, name) = (self.graph.table.name(entry).to_vec(), self.graph.names[file].clone());
            self.say(&[b"requirement `", &wanted, b"' in file `", &name, b"' has no providers."]);
            self.exit = 1;
            return true;
        };
        if head.first.is_none() {
            return true;
        }
        if head.in_progress {
            self.exit = 1;
            self.circle(entry, stack);
            return true;
        }
        if let Some(head) = self.graph.heads[entry].as_mut() {
            head.in_progress = true;
        }
        if let Some(frame) = stack.last_mut() {
            frame.waiting = Some(entry);
        }
        false
    }

    fn circle(&mut self, entry: usize, stack: &[Frame]) {
        let (top, below) = stack.split_last().expect("a requirement has a frame");
        let wanted = self.graph.table.name(entry).to_vec();
        let name = self.graph.names[top.file].clone();
        if self.options.edition == Edition::Plain {
            self.say(&[b"Circular dependency on provision `", &wanted, b"' in file `", &name, b"'."]);
            return;
        }
        let entered = self
            .graph
            .open_providers(entry)
            .find_map(|provider| below.iter().rposition(|frame| frame.file == provider));
        let Some(from) = entered else {
            let end = b"' (tracing has failed).";
            self.say(&[b"Circular dependency on provision `", &wanted, b"' in file `", &name, end]);
            return;
        };
        let mut path = Vec::new();
        for frame in &below[from..] {
            self.issues[frame.file] += 1;
            path.extend_from_slice(&self.graph.names[frame.file]);
            path.extend_from_slice(b" -> ");
        }
        self.issues[top.file] += 1;
        path.extend_from_slice(&name);
        path.extend_from_slice(b" -> ");
        path.extend_from_slice(&self.graph.names[below[from].file]);
        self.say(&[b"Circular dependency on provision `", &wanted, b"': ", &path, b"."]);
    }

    fn leave(&mut self, frame: &Frame) {
        let file = frame.file;
        self.done[file] = true;
        // What the original finds in memory that it never wrote may be the highest number; its sum then is the lowest.
        self.levels[file] = self.levels[file].wrapping_add(1);
        if self.issues[file] > 0 {
            self.levels[file] = self.level_max.wrapping_add(1);
        }
        self.level_max = self.level_max.max(self.levels[file]);
        // Newest first, as they hang on the original's list.
        for (entry, place) in std::mem::take(&mut self.graph.provides[file]).into_iter().rev() {
            self.in_circle(entry, file);
            let head = self.graph.heads[entry].as_mut().expect("a provided name has a head");
            head.level = head.level.max(self.levels[file]);
            self.graph.unlink(entry, place);
        }
        if !frame.again && self.options.format != Format::Dot && self.wanted(file) {
            self.order.push(file);
        }
        self.take_off(file);
        if self.issues[file] > 0 {
            let times = if self.issues[file] == 1 { "time" } else { "times" };
            let name = self.graph.names[file].clone();
            let count = format!("' was seen in circular dependencies {} {times}.", self.issues[file]);
            self.say(&[b"`", &name, count.as_bytes()]);
        }
    }

    fn take_off(&mut self, file: usize) {
        let (next, last) = (self.next[file], self.last[file]);
        if let Some(next) = next {
            self.last[next] = last;
        }
        match last {
            Some(last) => self.next[last] = next,
            None => self.head = next,
        }
    }

    fn wanted(&self, file: usize) -> bool {
        let has = |wanted: &String| self.graph.keywords[file].iter().any(|keyword| keyword == wanted.as_bytes());
        let Options { keep, skip, .. } = self.options;
        !skip.iter().any(has) && (keep.is_empty() || keep.iter().any(has))
    }
}
