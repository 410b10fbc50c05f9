//! Holds conversions against the units that maintainers wrote for the same daemons.
//!
//! `cargo run --release --example agreement -- PACKAGE...` fetches the packages by the machine's own package client,
//! unpacks them (nothing is installed, nothing of them is run), converts each init script that has a service unit of
//! the same name beside it, and compares. The unit is never evidence for the conversion. What counts as the same is
//! written in `compare.rs`. The last line is the result:
//!
//! ```text
//! agreement: N scripts, K kept as scripts, P % program and user, Q % all fields
//! ```
//!
//! N are the scripts compared; percentages are over those that were converted.

mod compare;
mod packages;
mod user;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use svc::convert::unit::{Unit, beside};
use svc::convert::{Table, Tree, Verdict, convert};
use svc_compat::play::Machine;

use compare::{Field, compare};

#[derive(Default)]
struct Count {
    scripts: usize,
    kept: usize,
    program_and_user: usize,
    all: usize,
    by_field: BTreeMap<Field, usize>,
}

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    if names.is_empty() {
        eprintln!("usage: agreement PACKAGE...");
        return ExitCode::from(2);
    }
    let roots = match packages::unpacked(&names) {
        Ok(roots) => roots,
        Err(fault) => {
            eprintln!("agreement: {fault}");
            return ExitCode::FAILURE;
        }
    };
    let (table, mut count) = (Table::known(), Count::default());
    for (package, root) in &roots {
        judge(package, root, &table, &mut count);
    }
    for (field, misses) in &count.by_field {
        println!("{field}: {misses} differ");
    }
    let converted = count.scripts - count.kept;
    let percent = |part: usize| (part * 100).checked_div(converted).unwrap_or(0);
    println!(
        "agreement: {} scripts, {} kept as scripts, {} % program and user, {} % all fields",
        count.scripts,
        count.kept,
        percent(count.program_and_user),
        percent(count.all)
    );
    if count.scripts == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Converts and compares every script of a package that has a unit for the same daemon.
fn judge(package: &str, root: &Path, table: &Table, count: &mut Count) {
    let tree = Tree::partial(root);
    let Ok(entries) = std::fs::read_dir(root.join("etc/init.d")) else {
        println!("{package}: it has no init script");
        return;
    };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    for name in names {
        let path = format!("/etc/init.d/{name}");
        let Some(unit) = beside(&tree, &path).filter(is_for_a_daemon) else {
            println!("{package}: {name}: no service unit of its own to compare with");
            continue;
        };
        let Some(text) = tree.read(&path) else { continue };
        count.scripts += 1;
        let (evidence, mut verdict) = convert(&tree, table, &path, &text);
        let is_there = |word: &String| !word.starts_with('/') || tree.find(word).is_some();
        let program = evidence.start.launches.last().and_then(|launch| launch.command.first());
        let whole = evidence.start.missing.is_empty() && program.is_none_or(is_there);
        if !whole && packages::complete(package, root) {
            verdict = convert(&tree, table, &path, &text).1;
        }
        let draft = match verdict {
            Verdict::Converted(draft) => draft,
            Verdict::Kept(why) => {
                count.kept += 1;
                println!("{package}: {name}: kept: {why}");
                continue;
            }
        };
        let differences = compare(&tree, table, &draft, &unit);
        for (field, text) in &differences {
            *count.by_field.entry(*field).or_default() += 1;
            println!("{package}: {name}: {field}: {text}");
        }
        let differs = |field| differences.iter().any(|(found, _)| *found == field);
        count.program_and_user += usize::from(!differs(Field::Program) && !differs(Field::User));
        count.all += usize::from(differences.is_empty());
        if differences.is_empty() {
            println!("{package}: {name}: agrees: {}", draft.command.join(" "));
        }
    }
}

/// A unit that runs the script itself, an instance, or something once says nothing of the daemon.
fn is_for_a_daemon(unit: &Unit) -> bool {
    let runs_script = unit.command.iter().any(|word| word.starts_with("/etc/init.d/"));
    let stands_for_others = unit.command.first().is_some_and(|program| program.ends_with("/true"));
    unit.kind() != "oneshot" && !runs_script && !stands_for_others
}
