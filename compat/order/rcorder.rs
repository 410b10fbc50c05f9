//! rcorder(8): the order of rc.d scripts, line for line as the original prints it.

mod dot;
mod graph;
mod memory;
mod table;
mod walk;

use super::qsort::qsort;
use graph::Graph;
use walk::Walk;

/// One script: its name as it was given, and its text.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// The argument, as it is printed.
    pub name: &'a [u8],
    /// What is in it.
    pub text: &'a [u8],
}

/// Which rcorder is followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Edition {
    /// FreeBSD 13 and later: sorted by level; `-p` and `-g`.
    #[default]
    Sorted,
    /// NetBSD, DragonFly, and FreeBSD up to 12: depth first, as it is found.
    Plain,
}

/// What a hidden provision's level is before anything sets it. The original leaves that to chance, and it decides
/// where the targets of BEFORE go among the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftover {
    /// What FreeBSD's allocator leaves there.
    #[default]
    Freebsd,
    /// Zero: the level is what the requirements make it.
    Zero,
}

/// What is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One script a line.
    #[default]
    Lines,
    /// `-p`: scripts of one level on a line.
    Parallel,
    /// `-g`: the graph for GraphViz.
    Dot,
}

/// The options of rcorder.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whose rcorder it is.
    pub edition: Edition,
    /// What is found in memory.
    pub leftover: Leftover,
    /// `-p`, `-g`.
    pub format: Format,
    /// `-k`: print only scripts with one of these keywords.
    pub keep: Vec<String>,
    /// `-s`: do not print scripts with one of these keywords.
    pub skip: Vec<String>,
}

/// What rcorder answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Scripts in order by index into the files given, in groups of one level.
    pub groups: Vec<Vec<usize>>,
    /// Standard output to the letter.
    pub stdout: Vec<u8>,
    /// Standard error to the letter, without the program's name, one message each.
    pub messages: Vec<Vec<u8>>,
    /// 1 if a provider is missing or there are circles.
    pub exit: i32,
}

/// Orders scripts.
pub fn rcorder(files: &[File<'_>], options: &Options) -> Answer {
    let mut graph = Graph::new(files.len(), options.leftover);
    for option in options.keep.iter().chain(&options.skip) {
        graph.option(option.as_bytes());
    }
    for file in files {
        graph.file(file);
    }
    let mut walk = Walk::new(graph, options);
    walk.insert_before();
    walk.providers();
    walk.all();
    walk.answer()
}

impl Walk<'_> {
    fn answer(mut self) -> Answer {
        let mut answer = Answer { exit: self.exit, ..Answer::default() };
        let mut order = std::mem::take(&mut self.order);
        if self.options.edition == Edition::Sorted {
            // The original sorts one place for each argument: those that were filtered out are empty and go last.
            let mut places: Vec<Option<usize>> = order.into_iter().map(Some).collect();
            places.resize(self.graph.arguments, None);
            let level = |place: &Option<usize>| place.map_or(i64::MAX, |file| i64::from(self.levels[file]));
            qsort(&mut places, |left, right| level(left).cmp(&level(right)));
            order = places.into_iter().flatten().collect();
        }
        let mut last = None;
        for file in order {
            let level = self.levels[file];
            let joined = self.options.edition == Edition::Sorted && last == Some(level);
            if self.options.format != Format::Dot {
                match last {
                    None => {}
                    Some(_) if joined && self.options.format == Format::Parallel => self.out.push(b' '),
                    Some(_) => self.out.push(b'\n'),
                }
                self.out.extend_from_slice(&self.graph.names[file]);
            }
            match answer.groups.last_mut() {
                Some(group) if joined => group.push(file),
                _ => answer.groups.push(vec![file]),
            }
            last = Some(level);
        }
        if last.is_some() && self.options.format != Format::Dot {
            self.out.push(b'\n');
        }
        self.footer();
        answer.stdout = self.out;
        answer.messages = self.messages;
        answer
    }
}

#[cfg(test)]
mod tests;
