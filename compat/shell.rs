//! Reads shell text as far as facts need it: commands, assignments, functions, case arms, sourced files; runs nothing.

mod facts;
mod lex;
mod read;
mod values;
mod word;

pub use facts::{Assignment, How};
pub use lex::{Token, TokenKind, tokens};
pub use read::{Arm, Case, Command, Function, Place, Shell, WordSpan};
pub use values::{Values, glob};
pub use word::{Part, literal, parts};

#[cfg(test)]
mod tests;
