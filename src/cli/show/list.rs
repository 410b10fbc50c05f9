//! The table of `svc list`.

use std::fmt::Write;

use super::{BOLD, DIM, Look, columns, cut, pad, paint, state_style};
use crate::cli::human;
use crate::wire::{StateName, Summary};

/// A remark that is shorter than this says nothing.
const REMARK_COLUMNS_MIN: usize = 4;
/// A longer name pushes only its own line to the right; of a screen names get this part.
const NAME_COLUMNS_MAX: usize = 40;
const NAME_PART: usize = 4;

/// One line for each service; with `quiet` only the names.
pub(crate) fn list(rows: &[Summary], look: &Look) -> String {
    let mut text = String::new();
    if look.quiet {
        for row in rows {
            let _ = writeln!(text, "{}", row.name);
        }
        return text;
    }
    if rows.is_empty() {
        return "no services\n".to_owned();
    }
    let fixed: Vec<[String; 5]> = rows.iter().map(fixed_columns).collect();
    let heads = ["NAME", "STATE", "FOR", "PID", "BOOT"];
    let names_max = look.width.map_or(NAME_COLUMNS_MAX, |width| NAME_COLUMNS_MAX.min(width / NAME_PART));
    let widths: [usize; 5] = std::array::from_fn(|at| {
        let widest = fixed.iter().map(|row| columns(&row[at])).max().unwrap_or(0).max(columns(heads[at]));
        if at == 0 { widest.min(names_max) } else { widest }
    });
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let head: Vec<String> = heads.iter().zip(widths).map(|(head, width)| pad(head, width)).collect();
    let _ = writeln!(text, "{}", paint(BOLD, &format!("{}  REMARK", head.join("  "))));
    for (row, cells) in rows.iter().zip(&fixed) {
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate() {
            let cell = pad(cell, width);
            let styled = if at == 1 { paint(state_style(row.state), &cell) } else { cell };
            let _ = write!(text, "{styled}  ");
        }
        let remark = remark(row);
        let used = used + columns(&cells[0]).saturating_sub(widths[0]);
        let remark = match look.width.map(|width| width.saturating_sub(used)) {
            Some(room) if room < REMARK_COLUMNS_MIN => String::new(),
            Some(room) if columns(&remark) > room => cut(without_place(row, &remark), room, look.utf8),
            Some(_) => remark,
            None => remark,
        };
        text += &match (row.reason.as_str(), remark.as_str()) {
            (_, "") => String::new(),
            ("", remark) => paint(DIM, remark),
            (_, remark) => remark.to_owned(),
        };
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

fn fixed_columns(row: &Summary) -> [String; 5] {
    [
        row.name.to_string(),
        row.state.word().to_owned(),
        since(row),
        row.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
        if row.enabled { "yes" } else { "no" }.to_owned(),
    ]
}

/// How long it has been as it is; of a file that was never in force nobody knows.
pub(crate) fn since(row: &Summary) -> String {
    if row.state == StateName::Faulty { "-".to_owned() } else { human::duration(row.since) }
}

/// Of a file with faults what is wrong says more than where it is, and that `check` tells, too.
pub(crate) fn without_place<'a>(row: &Summary, remark: &'a str) -> &'a str {
    let has_place = row.state == StateName::Faulty && remark.starts_with('/');
    if has_place { remark.split_once(": ").map_or(remark, |(_, fault)| fault) } else { remark }
}

/// The reason says more than the description, where there is one.
fn remark(row: &Summary) -> String {
    let text = if row.reason.is_empty() { &row.description } else { &row.reason };
    human::clean(text).replace('\t', " ")
}
