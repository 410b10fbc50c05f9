//! The screen as text: lines of the width there is, with styles in them.

use anstyle::Style;

use super::model::{Mode, Model, Row, SortKey};
use crate::cli::human;
use crate::cli::show::{BOLD, DIM, Look, columns, cut, pad, paint, since, state_style, without_place};
use crate::wire::StateName;

/// A longer name is cut: on a narrow screen, and on a wide one.
const NAME_COLUMNS: [usize; 2] = [16, 32];
/// From this width on there is room for pids.
const WIDE: usize = 100;
const REVERSED: Style = Style::new().invert();
const KEYS: &str = "Enter status  l log  w why  s start  t stop  r restart  / filter  ? keys  q quit";

/// All lines of the screen, each no wider than it; `machine` is the first.
pub(super) fn screen(model: &mut Model, machine: &str, look: &Look, height: usize) -> Vec<String> {
    let width = look.width.unwrap_or(80);
    let mut lines = vec![cut(machine, width, look.utf8), counts(model, look)];
    let last = last_line(model, width, look);
    let room = height.saturating_sub(lines.len() + 1);
    let mut body = match model.mode.clone() {
        Mode::Page(text, first) => {
            model.room = room.max(1);
            let fit = |line: &String| cut(&anstream::adapter::strip_str(line).to_string(), width, look.utf8);
            text.iter().skip(first).map(fit).collect()
        }
        Mode::Table | Mode::Filter | Mode::Confirm(..) => {
            model.room = room.saturating_sub(1).max(1);
            let shown = model.shown();
            let at = model.at(&shown);
            // The chosen line is always in sight, and pages do not overlap.
            let first = at - at % model.room;
            table(&shown, Some(at), look, first, model.room)
        }
    };
    body.resize(room, String::new());
    lines.extend(body);
    lines.push(last);
    lines.truncate(height);
    lines
}

/// The head and a line for each service from `first` on, at most `room` of them.
pub(super) fn table(rows: &[&Row], chosen: Option<usize>, look: &Look, first: usize, room: usize) -> Vec<String> {
    let width = look.width;
    let has_pids = width.is_none_or(|width| width >= WIDE);
    let names_max = NAME_COLUMNS[usize::from(has_pids)];
    let cells: Vec<[String; 7]> = rows.iter().map(|row| cells(row, names_max, look)).collect();
    let widest = |at: usize, least: usize| cells.iter().map(|row| columns(&row[at])).fold(least, usize::max);
    // Wide enough for what is usual, so that the columns seldom move.
    let widths = [widest(0, 4), 11, widest(2, 5), widest(3, 8), widest(4, 3), widest(5, 10), widest(6, 6)];
    let heads = ["NAME", "STATE", "CPU%", "MEMORY", "RST", "FOR", "PID"].map(str::to_owned);
    let mark = if chosen.is_some() { "  " } else { "" };
    let used: usize =
        mark.len() + widths.iter().take(if has_pids { 7 } else { 6 }).map(|width| width + 2).sum::<usize>();
    let line = |cells: &[String; 7], style: Option<Style>, remark: &str| {
        let mut text = String::new();
        for (at, (cell, width)) in cells.iter().zip(widths).enumerate().take(if has_pids { 7 } else { 6 }) {
            let is_number = (2..5).contains(&at) || at == 6;
            let cell = if is_number {
                format!("{}{cell}", " ".repeat(width.saturating_sub(columns(cell))))
            } else {
                pad(cell, width)
            };
            text += &if at == 1 { style.map_or(cell.clone(), |style| paint(style, &cell)) } else { cell };
            text += "  ";
        }
        text += &match width {
            Some(width) => cut(remark, width.saturating_sub(used), look.utf8),
            None => remark.to_owned(),
        };
        text.truncate(text.trim_end_matches(' ').len());
        text
    };
    let mut lines = vec![paint(BOLD, &format!("{mark}{}", line(&heads, None, "REMARK")))];
    for (at, (row, cells)) in rows.iter().zip(&cells).enumerate().skip(first).take(room) {
        let summary = &row.usage.summary;
        let remark = human::one_line(if summary.reason.is_empty() { &summary.description } else { &summary.reason });
        let is_cut = width.is_some_and(|width| columns(&remark) > width.saturating_sub(used));
        let remark = if is_cut { without_place(summary, &remark) } else { &remark };
        lines.push(match chosen {
            Some(chosen) if chosen == at => paint(REVERSED, &format!("> {}", line(cells, None, remark))),
            _ => format!("{mark}{}", line(cells, Some(state_style(summary.state)), remark)),
        });
    }
    lines
}

fn cells(row: &Row, names_max: usize, look: &Look) -> [String; 7] {
    let summary = &row.usage.summary;
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    [
        cut(summary.name.as_str(), names_max, look.utf8),
        summary.state.word().to_owned(),
        or_none(row.usage.cpu.map(|_| format!("{:.1}", row.busy))),
        or_none(row.usage.memory.map(human::size)),
        row.usage.restarts.to_string(),
        since(summary),
        or_none(summary.pid.map(|pid| pid.to_string())),
    ]
}

/// How many services are in which state, and how the table is made.
fn counts(model: &Model, look: &Look) -> String {
    let mut counts: Vec<(StateName, usize)> = Vec::new();
    for row in &model.rows {
        match counts.iter_mut().find(|count| count.0 == row.usage.summary.state) {
            Some(count) => count.1 += 1,
            None => counts.push((row.usage.summary.state, 1)),
        }
    }
    counts.sort_unstable();
    let width = look.width.unwrap_or(80);
    let head = match model.rows.len() {
        1 => "1 service".to_owned(),
        count => format!("{count} services"),
    };
    let order = format!("by {}{}", word(model.sort), if model.reversed { ", reversed" } else { "" });
    let filter =
        if model.filter.is_empty() { String::new() } else { format!(", only {}", human::clean(&model.filter)) };
    let tail = format!("{order}{filter}");
    let mut text = head.clone();
    let mut used = columns(&head);
    for (at, (state, count)) in counts.iter().enumerate() {
        let lead = if at == 0 { ": " } else { ", " };
        let part = format!("{count} {}", state.word());
        used += lead.len() + part.len();
        // What would not leave room for the order is not said.
        if used + 2 + columns(&tail) > width {
            break;
        }
        text += lead;
        text += &paint(state_style(*state), &part);
    }
    let plain = columns(&anstream::adapter::strip_str(&text).to_string());
    let gap = width.saturating_sub(plain + columns(&tail));
    format!("{text}{}{}", " ".repeat(gap), paint(DIM, &cut(&tail, width.saturating_sub(plain), look.utf8)))
}

fn last_line(model: &Model, width: usize, look: &Look) -> String {
    match &model.mode {
        Mode::Filter => cut(&format!("/{}_", human::clean(&model.filter)), width, look.utf8),
        Mode::Confirm(deed, name) => paint(BOLD, &cut(&format!("{} {name}? y/n", deed.verb()), width, look.utf8)),
        Mode::Page(..) => paint(DIM, &cut("arrows, PgUp PgDn: more; any other key: back", width, look.utf8)),
        Mode::Table if model.message.is_empty() => paint(DIM, &cut(KEYS, width, look.utf8)),
        Mode::Table => paint(BOLD, &cut(&human::one_line(&model.message), width, look.utf8)),
    }
}

fn word(sort: SortKey) -> &'static str {
    match sort {
        SortKey::Name => "name",
        SortKey::State => "state",
        SortKey::Cpu => "cpu",
        SortKey::Memory => "memory",
        SortKey::Restarts => "restarts",
        SortKey::For => "time in state",
    }
}
