//! What every verb of `svc` may be told.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use svc_platform::users;

use super::code;
use super::out::{Color, fail};
use crate::daemon::{Arguments, Options};

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

/// Services, or none for all.
#[derive(Args, Debug)]
pub(crate) struct Any {
    /// Names or patterns; none: all
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// One service at least.
#[derive(Args, Debug)]
pub(crate) struct Named {
    /// Names or patterns
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Answer as soon as the request is taken, not when it is fulfilled
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Where these options say that everything is.
pub(super) fn options(common: &Common) -> Options {
    let arguments =
        Arguments { root: common.root.clone(), runtime_dir: common.runtime_dir.clone(), ..Arguments::default() };
    Options::new(&arguments, users::is_root(), false)
}

/// The socket of the svcd that these options, and the environment, mean: found by the same rules as svcd's own.
pub(super) fn socket(common: &Common) -> PathBuf {
    let Common { socket, root, runtime_dir, .. } = common;
    let arguments = Arguments {
        socket: socket.clone(),
        root: root.clone(),
        runtime_dir: runtime_dir.clone(),
        ..Arguments::default()
    };
    let of = |is_root| Options::new(&arguments, is_root, false).socket;
    let own = of(users::is_root());
    let machine = of(true);
    // A user without an svcd of their own means the machine's.
    if own.exists() || !machine.exists() { own } else { machine }
}

/// The directory that stands for `/` where files are looked at and no svcd is asked; if there is none, that is told.
pub(super) fn root(common: &Common) -> Result<PathBuf, u8> {
    root_of(common).map_err(|text| fail(common.json, &text, code::FAILED))
}

pub(super) fn root_of(common: &Common) -> Result<PathBuf, String> {
    let root = common.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    if root.is_dir() { Ok(root) } else { Err(format!("--root {}: there is no such directory", root.display())) }
}
