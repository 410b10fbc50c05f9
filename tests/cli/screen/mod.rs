//! What a person sees on a terminal, and types into it: svc below a terminal emulator.

mod shells;
mod terminal;

use terminal::Terminal;
