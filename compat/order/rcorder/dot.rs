//! What `-g` prints while the graph is built and walked.

use super::Format;
use super::walk::Walk;

const RED: &[u8] = b", color=red, penwidth=4";

impl Walk<'_> {
    fn draws(&self) -> bool {
        self.options.format == Format::Dot
    }

    fn draw(&mut self, pieces: &[&[u8]]) {
        self.out.extend_from_slice(&pieces.concat());
    }

    pub(super) fn header(&mut self) {
        if self.draws() {
            self.draw(&[b"digraph rcorder {\nrankdir=\"BT\";\n"]);
            self.draw(&[b"node [style=rounded, shape=record];\ngraph [overlap = false];\n"]);
        }
    }

    pub(super) fn footer(&mut self) {
        if self.draws() {
            self.draw(&[b"}\n"]);
        }
    }

    /// The edges from what a script provides to a requirement of it.
    pub(super) fn links(&mut self, entry: usize, file: usize) {
        if !self.draws() {
            return;
        }
        let hidden = self.graph.is_hidden(entry);
        let head = self.graph.heads[entry];
        let circle = head.is_none_or(|head| head.first.is_some() && head.in_progress);
        // A hidden provision stands for the names that its script provides.
        let provider = self.graph.first_provider(entry).map(|place| self.graph.providers[place].file);
        let targets: Vec<usize> = match (hidden, provider) {
            (false, _) => vec![entry],
            (true, None) => Vec::new(),
            (true, Some(provider)) => {
                let names = self.graph.provides[provider].iter().rev().map(|(entry, _)| *entry);
                names.filter(|entry| !self.graph.is_hidden(*entry)).collect()
            }
        };
        let sources: Vec<usize> = self.graph.provides[file].iter().rev().map(|(entry, _)| *entry).collect();
        for source in sources.into_iter().filter(|entry| !self.graph.is_hidden(*entry)).collect::<Vec<_>>() {
            for target in &targets {
                let (from, to) = (self.graph.table.name(source).to_vec(), self.graph.table.name(*target).to_vec());
                let style: &[u8] = if hidden { b"style=dashed" } else { b"style=solid" };
                self.draw(&[b"\"", &from, b"\" -> \"", &to, b"\" [", style, if circle { RED } else { b"" }, b"];\n"]);
            }
        }
    }

    /// Marks a name whose script is in a circle.
    pub(super) fn in_circle(&mut self, entry: usize, file: usize) {
        if self.draws() && self.issues[file] > 0 && !self.graph.is_hidden(entry) {
            let name = self.graph.table.name(entry).to_vec();
            self.draw(&[b"\"", &name, b"\" [ color=red, penwidth=4 ];\n"]);
        }
    }

    /// Names that nobody provides, and those whose provider is called otherwise.
    pub(super) fn providers(&mut self) {
        if !self.draws() {
            return;
        }
        let entries: Vec<usize> = self.graph.table.walk().filter(|entry| !self.graph.is_hidden(*entry)).collect();
        for entry in entries {
            let name = self.graph.table.name(entry).to_vec();
            let providers: Vec<Vec<u8>> =
                self.graph.open_providers(entry).map(|file| base(&self.graph.names[file]).to_vec()).collect();
            if providers.is_empty() {
                let end = b" | ENOENT }\", style=\"rounded,filled\", color=red];\n";
                self.draw(&[b"\"", &name, b"\" [label=\"{ ", &name, end]);
            } else if providers != [name.clone()] {
                self.draw(&[b"\"", &name, b"\" [label=\"{ ", &name, b" | "]);
                for provider in providers {
                    self.draw(&[&provider, b"\\n"]);
                }
                self.draw(&[b"}\"];\n"]);
            }
        }
    }
}

fn base(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}
