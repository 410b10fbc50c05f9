//! The state of one run, and how it says something.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::graph::Graph;
use super::{Care, Edit, File, Linked};
use crate::facility::Facilities;
use crate::header::insserv::Strict;

/// It gave up; the message has been said.
pub(super) struct GaveUp;

/// The state of a run.
pub(super) struct Run<'a> {
    pub(super) directory: Vec<File<'a>>,
    pub(super) arguments: Vec<&'a str>,
    pub(super) named: BTreeSet<&'a str>,
    pub(super) care: Care,
    /// Members of each facility, facilities in it expanded.
    pub(super) facilities: HashMap<String, Rc<[String]>>,
    /// Headers that have been read.
    pub(super) headers: HashMap<&'a str, Strict>,
    pub(super) graph: Graph,
    pub(super) messages: Vec<String>,
    pub(super) start_max: i32,
    pub(super) stop_max: i32,
    /// A fault that is told at the end.
    pub(super) fault: bool,
    /// Links that are there already.
    pub(super) links: Vec<Linked<'a>>,
    /// The named script is unlinked.
    pub(super) removes: bool,
    /// A named script that is none of the directory's, and why.
    pub(super) passed_over: Option<(File<'a>, &'a str)>,
    /// What becomes of the links.
    pub(super) edits: Vec<Edit>,
}

impl<'a> Run<'a> {
    pub(super) fn new(directory: &[File<'a>], arguments: &[&'a str], facilities: &Facilities, care: Care) -> Self {
        let mut run = Self {
            directory: directory.to_vec(),
            arguments: arguments.to_vec(),
            named: arguments.iter().copied().collect(),
            care,
            facilities: HashMap::new(),
            headers: HashMap::new(),
            graph: Graph::default(),
            messages: Vec::new(),
            start_max: 0,
            stop_max: 0,
            fault: false,
            links: Vec::new(),
            removes: false,
            passed_over: None,
            edits: Vec::new(),
        };
        for name in &facilities.interactive {
            let service = run.graph.service(name);
            run.graph.services[service].flags.interactive = true;
        }
        for name in facilities.names() {
            run.facilities.insert(name.to_string(), facilities.written(name).into());
        }
        run
    }

    pub(super) fn warn(&mut self, message: String) {
        self.messages.push(message);
    }

    pub(super) fn is_argument(&self, script: &str) -> bool {
        self.named.contains(script)
    }

    /// Says why, and is the end.
    pub(super) fn give_up<T>(&mut self, message: &str) -> Result<T, GaveUp> {
        self.warn(message.to_string());
        Err(GaveUp)
    }
}
