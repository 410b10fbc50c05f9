//! Reads shell text as far as facts need it: commands, assignments, functions, case arms, sourced files; runs nothing.

mod calls;
pub(crate) mod cursor;
mod facts;
mod lex;
mod pattern;
mod read;
mod values;
mod word;

pub use facts::{Assignment, How};
pub use lex::{Token, TokenKind, tokens};
pub use pattern::glob;
pub(crate) use pattern::{cut, cutting};
pub use read::{Arm, Case, Command, Function, Place, Shell, WordSpan};
pub use values::Values;
pub use word::{Part, literal, parts};

#[cfg(test)]
mod tests;
