//! What every verb of `svc` may be told.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

/// Options of every verb.
#[derive(Args, Debug, Default)]
pub(crate) struct Common {
    /// The control socket of svcd
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) socket: Option<PathBuf>,
    /// Every path is below this directory
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The runtime directory of svcd, where its socket is
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) runtime_dir: Option<PathBuf>,
    /// Ask inside this running jail, by name or number (FreeBSD only)
    #[arg(short, long, global = true, value_name = "JAIL")]
    pub(crate) jail: Option<String>,
    /// Answer as JSON, one object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Stop waiting for the answer after this time, such as 30s; the request itself goes on
    #[arg(long, global = true, value_name = "TIME", value_parser = svc_core::definition::duration)]
    pub(crate) timeout: Option<Duration>,
    /// Use colours: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = true)]
    pub(crate) color: Color,
    /// Do not show long answers a screen at a time
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,
    /// Print less: no progress and no remarks; of a list only the names
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR or the like says no.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
