//! Disks that fail at each single call that changes a file: with no space, with an input/output error.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::{Machine, Said, skipped};

const NGINX: &str = "/etc/nginx/nginx.conf";
const SITES: &str = "/etc/nginx/conf.d/sites.conf";

/// More calls than a run of one service makes.
const CALLS_MAX: u32 = 400;

/// The library that makes calls fail; nothing where it cannot be made, which is said.
fn library(directory: &Path) -> Option<PathBuf> {
    let library = directory.join("broken.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configure/broken.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source).arg("-ldl");
    match compiler.output() {
        Ok(output) if output.status.success() => Some(library),
        Ok(output) => panic!("cc: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            skipped("calls that fail", format_args!("cc: {error}"));
            None
        }
    }
}

/// Which files there are after a run.
#[derive(Debug, PartialEq, Eq)]
enum Files {
    Old,
    New,
    Torn,
}

fn files(machine: &Machine, seed: &str) -> Files {
    let (nginx, sites) = (machine.read(NGINX), machine.path(SITES).exists());
    match (nginx.as_str(), sites) {
        (text, false) if text == seed => Files::Old,
        (text, true) if text.contains("worker_processes 4;") && machine.read(SITES).contains("shop.key") => Files::New,
        _ => Files::Torn,
    }
}

/// What a run leaves that only lies beside the files meanwhile.
fn litter(machine: &Machine) -> Vec<String> {
    let beside = ["/etc/nginx", "/etc/nginx/conf.d"].into_iter().flat_map(|name| machine.list(name));
    beside.filter(|name| name.contains(".svc-")).collect()
}

#[test]
fn a_disk_that_fails_at_any_call_keeps_every_old_file_whole() {
    let directory = tempfile::tempdir().unwrap();
    let Some(library) = library(directory.path()) else { return };
    for (code, word) in [("5", "Input/output error"), ("28", "No space left")] {
        let mut failed = 0;
        let over = (1..CALLS_MAX).find(|at| {
            let machine = Machine::new();
            let (seed, mark) = (machine.read(NGINX), machine.path("/reached"));
            let mut command = machine.svc();
            command.env("LD_PRELOAD", &library).env("FAULT_AT", at.to_string()).env("FAULT_CODE", code);
            command.env("FAULT_MARK", &mark);
            let said = Said::new(command.args(["nginx", "configure"]).output().unwrap(), &machine);
            let found = files(&machine, &seed);
            let about = format!("call {at}, {word}: {found:?} {said:?}");
            assert_eq!(found, if said.code == 0 { Files::New } else { Files::Old }, "{about}");
            if said.code != 0 {
                failed += 1;
                assert!(said.err.contains(word) && litter(&machine).is_empty(), "{about}");
            }
            machine.good(&["nginx", "configure"]);
            assert_eq!(files(&machine, &seed), Files::New, "{about}");
            assert!(litter(&machine).is_empty(), "{about}");
            !mark.exists()
        });
        assert!(failed >= 10 && over.is_some(), "{word}: {failed} calls failed");
        eprintln!("{word}: {failed} of {} calls ended it", over.unwrap_or_default() - 1);
    }
}
