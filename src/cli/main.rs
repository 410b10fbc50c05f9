//! `svc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    svc::cli::main()
}
