//! `svc order`: in which order things start, as rcorder, as insserv, or as svcd itself has it.

pub(super) mod insserv;
mod machine;
mod rcorder;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::common::Common;

/// What `svc order` is told.
#[derive(Args, Debug, Default)]
pub(crate) struct Words {
    /// As rcorder orders rc.d scripts, line for line
    #[arg(long, conflicts_with_all = ["insserv", "mixed"])]
    pub(crate) rcorder: bool,
    /// As insserv orders init.d scripts: a line for each with kind, number, runlevels and name
    #[arg(long, conflicts_with_all = ["mixed", "parallel", "graph", "keep", "skip"])]
    pub(crate) insserv: bool,
    /// As svcd orders everything there is, scripts and definitions alike; the default
    #[arg(long)]
    pub(crate) mixed: bool,
    /// What may start at the same time on one line
    #[arg(short = 'p', long)]
    pub(crate) parallel: bool,
    /// The graph for dot(1)
    #[arg(short = 'g', long, conflicts_with = "parallel")]
    pub(crate) graph: bool,
    /// Show only scripts with this keyword; may be repeated
    #[arg(short = 'k', long, value_name = "KEYWORD")]
    pub(crate) keep: Vec<String>,
    /// Do not show scripts with this keyword; may be repeated
    #[arg(short = 's', long, value_name = "KEYWORD")]
    pub(crate) skip: Vec<String>,
    /// As insserv -f: go on where a required script is missing or goes in a circle
    #[arg(long, requires = "insserv")]
    pub(crate) force: bool,
    /// Show one of the dependency files that insserv writes for startpar(8)
    #[arg(long, value_name = "FILE", requires = "insserv")]
    pub(crate) depend: Option<Depend>,
    /// Scripts and definitions, or directories of them; by default those of the machine
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// One of insserv's dependency files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Depend {
    /// .depend.boot: runlevel S
    Boot,
    /// .depend.start: the other runlevels
    Start,
    /// .depend.stop: their end
    Stop,
}

/// What is printed, whichever order it is.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    json: serde_json::Value,
    code: u8,
}

/// Prints the order and returns the exit code.
pub(crate) fn run(words: &Words, common: &Common) -> u8 {
    let root = match super::common::root(common) {
        Ok(root) => root,
        Err(code) => return code,
    };
    let answer = match words {
        Words { rcorder: true, .. } => rcorder::order(words, &root),
        Words { insserv: true, .. } => insserv::order(words, &root),
        _ => machine::order(words, &root),
    };
    if common.json {
        super::out::say(&super::json::value("order", answer.json));
    } else {
        super::out::say_bytes(&answer.stdout);
        if !common.quiet {
            super::out::say_raw_error(&String::from_utf8_lossy(&answer.stderr));
        }
    }
    answer.code
}

/// The files among these and in the directories among these; a directory gives them by name.
fn expanded(files: &[PathBuf]) -> Vec<PathBuf> {
    files.iter().flat_map(|file| if file.is_dir() { inside(file) } else { vec![file.clone()] }).collect()
}

/// What is in a directory and is none itself, by name, without what is hidden.
fn inside(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| !path.is_dir()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")));
    paths.sort();
    paths
}
