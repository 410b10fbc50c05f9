//! Holds conversions against the units that maintainers wrote for the same daemons.
//!
//! `cargo run --release --example agreement -- PACKAGE...` fetches the packages by the machine's own package client,
//! unpacks them (nothing is installed), converts each init script that has a service unit of the same name beside it,
//! and compares. The conversion is that of `svc convert`: the script's start is rehearsed in a sandbox, with the
//! unpacked package laid over this machine. Nothing of a package is run anywhere else, and where there may be no
//! sandbox it is said and scripts are only read. The unit is never evidence for the conversion. What counts as the same
//! is written in `compare.rs`. The last line is the result:
//!
//! ```text
//! agreement: N scripts, K kept as scripts, P % program and user, Q % all fields
//! ```
//!
//! N are the scripts compared; percentages are over those that were converted. With `--report` before the packages each
//! definition is printed with all that is said about it.

mod around;
mod compare;
mod installed;
mod packages;
mod prove;
mod user;
mod wrapper;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use svc::convert::proof::Proven;
use svc::convert::report::Report;
use svc::convert::unit::{Unit, beside};
use svc::convert::{Tree, Verdict};
use svc_compat::play::{self, Machine};

use compare::{Field, compare};
use prove::{Package, Proof, Script, Wanted};

/// So many packages are judged at a time: a sandbox waits more than it works.
const AT_A_TIME: usize = 4;

/// What came of one script.
#[derive(Default)]
struct Judged {
    /// What is printed of it.
    lines: Vec<String>,
    /// It has a unit to be compared with.
    counts: bool,
    kept: bool,
    differs: Vec<Field>,
}

fn main() -> ExitCode {
    // The sandbox is this program again, in other roles.
    svc::daemon::role_entry();
    let mut words = env::args();
    if words.next().is_some_and(|called| called == "svc") {
        return svc::cli::main();
    }
    let (options, names): (Vec<String>, Vec<String>) = words.partition(|word| word.starts_with('-'));
    if names.is_empty() || options.iter().any(|option| option != "--report") {
        eprintln!("usage: agreement [--report] PACKAGE...");
        return ExitCode::from(2);
    }
    let roots = match packages::unpacked(&names) {
        Ok(roots) => roots,
        Err(fault) => {
            eprintln!("agreement: {fault}");
            return ExitCode::FAILURE;
        }
    };
    let judged = judge_all(&roots, !options.is_empty());
    judged.iter().flat_map(|judged| &judged.lines).for_each(|line| println!("{line}"));
    let scripts: Vec<&Judged> = judged.iter().filter(|judged| judged.counts).collect();
    summarize(&scripts);
    if scripts.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn summarize(scripts: &[&Judged]) {
    let mut by_field: BTreeMap<Field, usize> = BTreeMap::new();
    for field in scripts.iter().flat_map(|judged| &judged.differs) {
        *by_field.entry(*field).or_default() += 1;
    }
    for (field, misses) in &by_field {
        println!("{field}: {misses} differ");
    }
    let converted: Vec<_> = scripts.iter().filter(|judged| !judged.kept).collect();
    let percent = |part: usize| (part * 100).checked_div(converted.len()).unwrap_or(0);
    let is_who = |field: &Field| matches!(field, Field::Program | Field::User);
    println!(
        "agreement: {} scripts, {} kept as scripts, {} % program and user, {} % all fields",
        scripts.len(),
        scripts.len() - converted.len(),
        percent(converted.iter().filter(|judged| !judged.differs.iter().any(is_who)).count()),
        percent(converted.iter().filter(|judged| judged.differs.is_empty()).count())
    );
}

/// Judges every script of every package; what came of it in the order of the packages.
fn judge_all(roots: &[(String, PathBuf)], with_report: bool) -> Vec<Judged> {
    let (proof, next) = (Proof::new(with_report), AtomicUsize::new(0));
    let work = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some((package, root)) = roots.get(at) else { return found };
            found.push((at, judge(package, root, &proof)));
        }
    };
    let mut found: Vec<(usize, Vec<Judged>)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a package is judged without a panic")).collect()
    });
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().flat_map(|(_, judged)| judged).collect()
}

/// Converts and compares every script of a package that has a unit for the same daemon.
fn judge(package: &str, root: &Path, proof: &Proof) -> Vec<Judged> {
    let (tree, of) = (Tree::partial(root), Package { name: package, root });
    let said = |text: String| Judged { lines: vec![format!("{package}: {text}")], ..Judged::default() };
    let Ok(entries) = fs::read_dir(root.join("etc/init.d")) else {
        return vec![said("it has no init script".to_string())];
    };
    let mut names: Vec<String> = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    proof.install(&of);
    let mut all = Vec::new();
    for name in names {
        let path = format!("/etc/init.d/{name}");
        let Some(text) = tree.read(&path) else { continue };
        let runs_it = |unit: &Unit| unit.command.first().and_then(|program| tree.read(program)).as_ref() == Some(&text);
        let unit = beside(&tree, &path).filter(is_for_a_daemon).filter(|unit| !runs_it(unit));
        let Some(unit) = unit else {
            all.push(said(format!("{name}: no service unit of its own to compare with")));
            continue;
        };
        let wanted = Wanted { foreground: unit.kind() != "forking", reload: unit.reload().is_some() };
        let proven = proof.convert(&tree, &of, &Script { path: &path, text: &text }, wanted);
        let report = if proof.with_report { report(&proven, &text) } else { None };
        let draft = match proven.verdict {
            Verdict::Converted(draft) => draft,
            Verdict::Kept(why) => {
                all.push(Judged { counts: true, kept: true, ..said(format!("{name}: kept: {why}")) });
                continue;
            }
        };
        let differences = compare(&tree, proof.table(), &draft, &unit, &|command| proof.usage(&of, command));
        let mut lines: Vec<String> =
            differences.iter().map(|(field, text)| format!("{package}: {name}: {field}: {text}")).collect();
        if differences.is_empty() {
            lines.push(format!("{package}: {name}: agrees: {}", play::shown(&draft.command.join(" "))));
        }
        lines.extend(report);
        let differs = differences.into_iter().map(|(field, _)| field).collect();
        all.push(Judged { lines, counts: true, kept: false, differs });
    }
    all
}

/// The definition and all that is said about it.
fn report(proven: &Proven, script: &[u8]) -> Option<String> {
    let Verdict::Converted(draft) = &proven.verdict else { return None };
    let mut report = Report::converted(&proven.evidence, draft, script);
    report.notes.extend(proven.notes.iter().cloned());
    Some(format!("{}\n{}", draft.text(), report.remarks()))
}

/// A unit that runs the script itself, wherever that lies, an instance, or something once says nothing of the daemon.
fn is_for_a_daemon(unit: &Unit) -> bool {
    let runs_script = unit.command.iter().any(|word| word.starts_with("/etc/init.d/"));
    let stands_for_others = unit.command.first().is_some_and(|program| program.ends_with("/true"));
    unit.kind() != "oneshot" && !runs_script && !stands_for_others
}
