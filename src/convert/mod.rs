//! Conversion: what a script does, found out by playing it on paper, and the definition that does the same.

pub mod play;
