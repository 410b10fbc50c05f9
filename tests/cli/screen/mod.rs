//! What a person sees on a terminal, and types into it: svc below a terminal emulator.

mod live;
mod pictures;
mod shells;
pub(crate) mod terminal;
mod world;

use terminal::Terminal;
