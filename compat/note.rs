//! Remarks of an importer, each about one line.

use std::fmt;

use serde::Serialize;

/// One remark about one line of a legacy file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// The line, counted from 1; 0 for the file as a whole.
    pub line: u32,
    /// What was found and what was made of it.
    pub text: String,
}

impl Note {
    /// A remark about this line.
    pub fn new(line: u32, text: impl Into<String>) -> Self {
        Self { line, text: text.into() }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}
