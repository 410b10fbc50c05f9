//! `svc migrate`: the inventory of legacy scripts as a table, as blocks, as JSON, as a page.

mod convert;
mod table;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::common::Common;
use super::out::{fail, say};
use super::show::Look;
use super::{code, json};
use crate::daemon::glob;
use crate::migrate::{Entry, Inventory, page, survey};

/// What `svc migrate` is told.
#[derive(Args, Debug, Default)]
pub(crate) struct Words {
    /// Write the inventory to this file as a page for a browser
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Make definitions that wait; with names, or --all, compare them with their scripts and put them in force
    #[arg(long, conflicts_with = "html")]
    pub(crate) convert: bool,
    /// Put all in force that can be
    #[arg(long, requires = "convert", conflicts_with = "names")]
    pub(crate) all: bool,
    /// Put in force without comparing
    #[arg(long, requires = "convert")]
    pub(crate) no_compare: bool,
    /// Put scripts in force again, and every file as it was
    #[arg(long, conflicts_with_all = ["convert", "html"])]
    pub(crate) undo: bool,
    /// Show everything about these scripts; names or patterns
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Shows the inventory and returns the exit code.
pub(crate) fn run(words: &Words, common: &Common) -> u8 {
    let root = match super::common::root(common) {
        Ok(root) => root,
        Err(code) => return code,
    };
    let mut inventory = survey(&root);
    if let Some(file) = &words.html
        && let Err(error) = fs::write(file, page::html(&inventory))
    {
        return fail(common.json, &format!("{}: {error}", file.display()), code::FAILED);
    }
    let unknown = words.names.iter().find(|name| !inventory.scripts.iter().any(|entry| is_meant(name, entry)));
    if let Some(name) = unknown {
        let text = format!("{name}: there is no such script; to see all: svc migrate");
        return fail(common.json, &text, code::NOT_INSTALLED);
    }
    if !words.names.is_empty() {
        inventory.scripts.retain(|entry| words.names.iter().any(|name| is_meant(name, entry)));
    }
    let look = Look::new(common.quiet);
    if common.json {
        let value = serde_json::to_value(&inventory).unwrap_or_default();
        say(&json::value("migrate", value));
    } else if !words.names.is_empty() && !look.quiet {
        let blocks: Vec<String> = inventory.scripts.iter().map(table::block).collect();
        say(&blocks.join("\n"));
    } else if words.html.is_none() || look.quiet {
        say(&table::table(&inventory, &look));
    } else {
        say(&table::summary(&inventory, &look));
    }
    code::GOOD
}

fn is_meant(name: &str, entry: &Entry) -> bool {
    name == entry.name || glob::matches(name, &entry.name)
}

/// The scripts of an inventory with their remarks, as they are shown after the table.
fn remarks(inventory: &Inventory) -> impl Iterator<Item = String> {
    inventory.services().flat_map(|entry| &entry.faults).map(|fault| format!("{}: {}", fault.spot, fault.text))
}
