//! `svc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // `svc up` starts this program again as the processes of its own svcd.
    svc::daemon::role_entry();
    svc::cli::main()
}
