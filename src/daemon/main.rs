//! `svcd`: runs and watches services.

use std::env;
use std::process::ExitCode;

use clap::Parser;
use svc::daemon::{self, Arguments, Options};
use svc_platform::{host, users};

fn main() -> ExitCode {
    daemon::role_entry();
    let is_first = host::is_process_1();
    let arguments =
        if is_first && !host::FIRST_MAY_END { daemon::arguments_of_init(env::args_os()) } else { Arguments::parse() };
    daemon::run(Options::new(&arguments, users::is_root(), is_first))
}
