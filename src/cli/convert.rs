//! `svc convert`: definitions for legacy scripts, and where every key of them comes from.

use std::path::{Path, PathBuf};

use clap::Args;
use svc_compat::daemons::Table;
use svc_compat::play::Machine;
use svc_compat::shim::is_shim;

use super::common::Common;
use super::out::{fail, say};
use super::{code, json};
use crate::convert::place::{self, Written};
use crate::convert::proof::{self, Proven, Stage};
use crate::convert::report::Report;
use crate::convert::{Tree, Verdict, convert, unit};

/// What `svc convert` is told.
#[derive(Args, Debug, Default)]
pub(crate) struct Words {
    /// Scripts, by path or by name
    #[arg(value_name = "SCRIPT", required = true)]
    pub(crate) scripts: Vec<String>,
    /// Write the definitions to this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) write: Option<PathBuf>,
    /// Write also over definitions that somebody edited
    #[arg(long, requires = "write")]
    pub(crate) force: bool,
    /// Take what a systemd unit of the same name says where the script says nothing
    #[arg(long)]
    pub(crate) use_unit: bool,
    /// Only read: run nothing, not even in a sandbox
    #[arg(long)]
    pub(crate) on_paper: bool,
}

/// Converts, shows or writes, and returns the exit code.
pub(crate) fn run(words: &Words, common: &Common) -> u8 {
    let root = match super::common::root(common) {
        Ok(root) => root,
        Err(code) => return code,
    };
    let (tree, table) = (Tree::new(&root), Table::known());
    let stage = Stage { root, layers: Vec::new() };
    let mut worst = code::GOOD;
    for script in &words.scripts {
        let Some((path, text)) = find(&tree, script) else {
            let text = format!("{script}: there is no such script");
            worst = worst.max(fail(common.json, &text, code::NOT_INSTALLED));
            continue;
        };
        if is_shim(&text) {
            let text = format!("{path}: it is a shim of svc's, which leads to a definition");
            worst = worst.max(fail(common.json, &text, code::FAILED));
            continue;
        }
        let Proven { evidence, verdict, notes, .. } = match words.on_paper {
            false => proof::convert(&tree, &table, &stage, &path, &text),
            true => {
                let (evidence, verdict) = convert(&tree, &table, &path, &text);
                Proven { evidence, verdict, notes: Vec::new(), ran: false }
            }
        };
        let mut report = match verdict {
            Verdict::Kept(why) => Report::kept(&evidence, &why),
            Verdict::Converted(mut draft) => {
                if words.use_unit
                    && let Some(unit) = unit::beside(&tree, &path)
                {
                    draft.take_from_unit(&unit);
                }
                Report::converted(&evidence, &draft, &text)
            }
        };
        report.notes.extend(notes);
        worst = worst.max(match &words.write {
            Some(directory) => write(directory, &report, words.force, common),
            None => show(&report, common),
        });
    }
    worst
}

/// A script by its path, or by its name in the directories of scripts.
pub(crate) fn find(tree: &Tree, script: &str) -> Option<(String, Vec<u8>)> {
    let paths: Vec<String> = match script.contains('/') {
        true => {
            let full = Path::new(script).canonicalize().ok().map(|path| path.to_string_lossy().into_owned());
            [Some(script.to_string()), full].into_iter().flatten().collect()
        }
        false => ["/etc/init.d", "/etc/rc.d", "/usr/local/etc/rc.d", "/etc/rc.d/init.d"]
            .iter()
            .map(|directory| format!("{directory}/{script}"))
            .collect(),
    };
    paths.into_iter().filter(|path| path.starts_with('/')).find_map(|path| Some((path.clone(), tree.read(&path)?)))
}

fn show(report: &Report, common: &Common) -> u8 {
    if common.json {
        say(&json::value("convert", serde_json::to_value(report).unwrap_or_default()));
    } else if let Some(definition) = &report.definition {
        let remarks = if common.quiet { String::new() } else { format!("\n{}", report.remarks()) };
        say(&format!("# {}\n{definition}{remarks}", report.script));
    } else {
        say(&kept(report));
    }
    code::GOOD
}

fn kept(report: &Report) -> String {
    format!("# {}: kept as a script: {}\n", report.script, report.kept.as_deref().unwrap_or_default())
}

fn write(directory: &Path, report: &Report, force: bool, common: &Common) -> u8 {
    let (Some(name), Some(definition)) = (&report.name, &report.definition) else {
        return show(report, common);
    };
    let text = place::file_text(&report.script, definition, &report.remarks());
    match place::write(directory, name, &text, force) {
        Ok((path, written)) => {
            let what = match written {
                Written::Changed => "written",
                Written::Same => "as it was",
                Written::Edited => {
                    let path = path.display();
                    let text = format!("{path}: somebody edited it, so it is left alone; to write over it: --force");
                    return fail(common.json, &text, code::FAILED);
                }
            };
            if common.json {
                say(&json::value("convert", serde_json::to_value(report).unwrap_or_default()));
            } else if !common.quiet {
                let open: String = report.open.iter().map(|line| format!("  {line}\n")).collect();
                say(&format!("{}: {what}\n{open}", path.display()));
            }
            code::GOOD
        }
        Err(fault) => fail(common.json, &fault, code::FAILED),
    }
}
