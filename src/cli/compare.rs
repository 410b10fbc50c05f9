//! `svc compare`: a script and the definition that is to take its place, side by side.

use std::path::PathBuf;

use clap::Args;

use super::common::{Common, root};
use super::out::say;
use super::rehearse::refused;
use super::{code, json, show};
use crate::rehearse::compare::{Comparison, Pair, Row, TIME_MAX, Verdict};

/// What is to be compared.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// The script
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// The definition: NAME.toml
    #[arg(value_name = "DEFINITION")]
    definition: PathBuf,
    /// Lay this tree, such as an unpacked package, over the root; may be repeated, the first has the last word
    #[arg(long, value_name = "DIR")]
    layer: Vec<PathBuf>,
}

/// Compares, and tells; success only if the one can take the other's place.
pub(crate) fn run(words: &Words, common: &Common) -> u8 {
    let root = match root(common) {
        Ok(root) => root,
        Err(code) => return code,
    };
    let pair = Pair {
        root,
        layers: words.layer.clone(),
        time: common.timeout.unwrap_or(TIME_MAX),
        ..Pair::new(&words.script, &words.definition)
    };
    match pair.compare() {
        Ok(found) => {
            if common.json {
                say(&json::value("comparison", serde_json::to_value(&found).unwrap_or_default()));
            } else {
                say(&table(&found, common.quiet));
            }
            if found.is_equivalent() { code::GOOD } else { code::FAILED }
        }
        Err(why) => refused(&why, common),
    }
}

/// The rows, the script's side first; with `brief` only what differs.
fn table(found: &Comparison, brief: bool) -> String {
    let mut out = String::new();
    if let Some(why) = &found.script_fails {
        out += &format!("the script does not work here: {why}; the definition is judged alone\n");
    }
    for row in found.rows.iter().filter(|row| !brief || row.verdict == Verdict::Different) {
        out += &lines(row);
    }
    let differ = found.rows.iter().filter(|row| row.verdict == Verdict::Different).count();
    out += &match (found.is_equivalent(), found.script_fails.is_some()) {
        (true, false) => "equivalent: nothing differs but what is expected\n".to_owned(),
        (true, true) => "the definition works\n".to_owned(),
        (false, _) => format!("not equivalent: {differ} differences\n"),
    };
    out
}

/// One line where both sides agree; a line each where not.
fn lines(row: &Row) -> String {
    let what = &row.what;
    match &row.verdict {
        Verdict::Same => format!("{what:<14} same       {}\n", row.definition).replace(" \n", "\n"),
        Verdict::Expected(why) => {
            format!(
                "{what:<14} expected   {why}\n{:<25} script:     {}\n{:<25} definition: {}\n",
                "", row.script, "", row.definition
            )
        }
        Verdict::Different => {
            let mark = show::paint(show::BAD, "DIFFERENT");
            format!(
                "{what:<14} {mark}\n{:<25} script:     {}\n{:<25} definition: {}\n",
                "", row.script, "", row.definition
            )
        }
    }
}
