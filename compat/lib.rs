//! Reads legacy init scripts: text in, facts and notes out; runs nothing, touches nothing.

pub mod daemons;
pub mod environment;
pub mod facility;
pub mod header;
pub mod instance;
pub mod library;
pub mod login_class;
pub mod note;
pub mod order;
pub mod play;
pub mod policy;
pub mod rcconf;
pub mod runlevel;
pub mod script;
pub mod service_jail;
pub mod shell;
pub mod shim;
pub mod text;
pub mod ttys;

pub use note::Note;
pub use script::{Script, Style};
