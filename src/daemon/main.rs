//! `svcd`: runs and watches services.

use std::process::ExitCode;

use clap::Parser;
use svc::daemon::{self, Arguments, Options};
use svc_platform::{host, users};

fn main() -> ExitCode {
    daemon::role_entry();
    let options = Options::new(&Arguments::parse(), users::is_root(), host::is_process_1());
    daemon::run(options)
}
