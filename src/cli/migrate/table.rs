//! The inventory on a screen.

use std::fmt::Write;

use super::remarks;
use crate::cli::human;
use crate::cli::show::{BAD, BOLD, DIM, GOOD, Look, ODD, columns, cut, pad, paint};
use crate::migrate::{Adoption, CallerKind, Entry, Inventory, Systemd, What};

const NAME_COLUMNS_MAX: usize = 32;
const NAME_COLUMNS_NARROW: usize = 20;
/// From here on there is room for the dialect.
const WIDE: usize = 100;
const REMARK_COLUMNS_MIN: usize = 12;
const LABEL_COLUMNS: usize = 10;

/// A cell with its style.
type Cell = (String, anstyle::Style);

const PLAIN: anstyle::Style = anstyle::Style::new();

/// One line for each file, then what it comes to; with `quiet` only the names of what can be started.
pub(super) fn table(inventory: &Inventory, look: &Look) -> String {
    if look.quiet {
        return inventory.services().map(|entry| human::clean(&entry.name).into_owned() + "\n").collect();
    }
    if inventory.scripts.is_empty() {
        return "no legacy scripts\n".to_owned();
    }
    let is_wide = look.width.is_none_or(|width| width >= WIDE);
    let name_max = if is_wide { NAME_COLUMNS_MAX } else { NAME_COLUMNS_NARROW };
    let mut heads = vec!["NAME", "WHAT", "BOOT", "RUNS", "SYSTEMD", "ADOPT"];
    if is_wide {
        heads.insert(2, "DIALECT");
    }
    let rows: Vec<(Vec<Cell>, &Entry)> = inventory.scripts.iter().map(|entry| (cells(entry, is_wide), entry)).collect();
    let widths: Vec<usize> = (0..heads.len())
        .map(|at| {
            let widest = rows.iter().map(|(cells, _)| columns(&cells[at].0)).max().unwrap_or(0).max(columns(heads[at]));
            if at == 0 { widest.min(name_max) } else { widest }
        })
        .collect();
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let head: Vec<String> = heads.iter().zip(&widths).map(|(head, width)| pad(head, *width)).collect();
    let mut text = paint(BOLD, &format!("{}  REMARK", head.join("  "))) + "\n";
    for (cells, entry) in &rows {
        for (at, ((cell, style), width)) in cells.iter().zip(&widths).enumerate() {
            let cell = if at == 0 { cut(cell, *width, look.utf8) } else { cell.clone() };
            let _ = write!(text, "{}  ", paint(*style, &pad(&cell, *width)));
        }
        let remark = remark(entry);
        text += &match look.width {
            Some(width) => cut(&remark, width.saturating_sub(used).max(REMARK_COLUMNS_MIN), look.utf8),
            None => remark,
        };
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    let remarks: Vec<String> = remarks(inventory).collect();
    if !remarks.is_empty() {
        let _ = writeln!(text, "\n{}", paint(BOLD, "Remarks"));
        for line in &remarks {
            let _ = writeln!(text, "{}", human::one_line(line));
        }
    }
    text + "\n" + &summary(inventory, look)
}

fn cells(entry: &Entry, is_wide: bool) -> Vec<Cell> {
    let is_service = entry.what.is_service();
    let name_style = if is_service { PLAIN } else { DIM };
    let boot = match entry.boot.on {
        _ if !is_service => ("-", DIM),
        Some(true) => ("yes", PLAIN),
        Some(false) => ("no", DIM),
        None => ("depends", ODD),
    };
    let systemd = match &entry.systemd {
        Systemd::None => ("-", DIM),
        Systemd::Unit { .. } => ("unit", PLAIN),
        Systemd::Masked { .. } => ("masked", DIM),
        Systemd::Dropped { was_started: true } => ("dropped", BAD),
        Systemd::Dropped { was_started: false } => ("no unit", ODD),
    };
    let adopt = match &entry.adoption {
        Adoption::None => ("-", DIM),
        Adoption::Yes => ("yes", GOOD),
        Adoption::Served { .. } => ("served", GOOD),
        Adoption::No { .. } => ("no", BAD),
    };
    let mut cells: Vec<Cell> =
        vec![(human::clean(&entry.name).into_owned(), name_style), (entry.what.word().to_owned(), name_style)];
    if is_wide {
        cells.push((if is_service { entry.dialect_word() } else { "-" }.to_owned(), name_style));
    }
    let running = entry.running.as_ref().map_or_else(|| "-".to_owned(), |found| found.pid.to_string());
    cells.push((boot.0.to_owned(), boot.1));
    cells.push((running, PLAIN));
    cells.push((systemd.0.to_owned(), systemd.1));
    cells.push((adopt.0.to_owned(), adopt.1));
    cells
}

/// What an administrator has to know first.
fn remark(entry: &Entry) -> String {
    let mut parts = Vec::new();
    if !entry.what.is_service() {
        parts.push(entry.why.clone());
    }
    if let Adoption::No { reasons } = &entry.adoption {
        parts.extend(reasons.iter().cloned());
    }
    parts.extend(entry.missing.first().map(|program| format!("{program} is not installed")));
    parts.extend(entry.instance_of.iter().map(|other| format!("an instance of {other}")));
    if !entry.faults.is_empty() {
        parts.push(counted(entry.faults.len(), "remark"));
    }
    // That packages call their own scripts goes without saying.
    let others = entry.callers.iter().filter(|caller| caller.kind != CallerKind::Package);
    let mut kinds: Vec<&str> = others.map(|caller| caller.kind.word()).collect();
    kinds.dedup();
    if !kinds.is_empty() {
        parts.push(format!("called by {}", kinds.join(", ")));
    }
    human::one_line(&parts.join("; "))
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What the inventory comes to.
pub(super) fn summary(inventory: &Inventory, look: &Look) -> String {
    let services = inventory.services().count();
    let daemons = inventory.services().filter(|entry| entry.what == What::Service).count();
    let rest = inventory.scripts.len() - services;
    let adoptable = inventory.services().filter(|entry| entry.is_adoptable()).count();
    let leave = if daemons == 1 { "leaves a daemon" } else { "leave daemons" };
    let mut text = format!("{} that can be started, {daemons} of them {leave}", counted(services, "script"));
    if rest > 0 {
        let _ =
            write!(text, "; {} more that {} no service", counted(rest, "file"), if rest == 1 { "is" } else { "are" });
    }
    text.push('\n');
    let _ = writeln!(text, "svc runs {adoptable} of {services} as they are");
    let names = |was_started: bool| -> Vec<&str> {
        let all = inventory.services().filter(|entry| entry.systemd == Systemd::Dropped { was_started });
        all.map(|entry| entry.name.as_str()).collect()
    };
    let mut told = |style, names: Vec<&str>, what: &str| {
        if !names.is_empty() {
            let count = names.len();
            let _ = writeln!(text, "{} {what}:", paint(style, &format!("systemd 260 silently drops {count}")));
            text += &wrapped(&names, look.width.unwrap_or(120));
        }
    };
    told(BAD, names(true), "that older releases start at boot");
    told(ODD, names(false), "that have no unit and were not started at boot");
    text
}

/// Names in lines of this width, indented.
fn wrapped(names: &[&str], width: usize) -> String {
    let mut text = String::new();
    let mut used = 0;
    for name in names {
        let name = human::clean(name);
        let length = columns(&name) + 1;
        if used > 0 && used + length + 1 > width {
            text.push('\n');
            used = 0;
        }
        text.push_str(if used == 0 { "  " } else { " " });
        used += length + if used == 0 { 1 } else { 0 };
        text.push_str(&name);
    }
    text + "\n"
}

/// Everything about one script.
pub(super) fn block(entry: &Entry) -> String {
    let mut text = paint(BOLD, &human::clean(&entry.name));
    if !entry.description.is_empty() {
        let _ = write!(text, "  {}", human::one_line(&entry.description));
    }
    text.push('\n');
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {}{}", paint(DIM, &pad(label, LABEL_COLUMNS)), human::one_line(value));
    };
    line("file", &entry.file);
    let what = entry.what.word();
    if !entry.what.is_service() {
        line("what", &format!("{what}: {}", entry.why));
        return text;
    }
    let instance = entry.instance_of.as_ref().map(|other| format!(", an instance of {other}")).unwrap_or_default();
    line("what", &format!("{what}, {}{instance}", entry.dialect_word()));
    let boot = match entry.boot.on {
        Some(true) => "starts",
        Some(false) => "does not start",
        None => "starts if the configuration says so",
    };
    several(&mut line, "at boot", entry.boot.at.iter().map(|spot| format!("{boot} ({spot})")), Some(boot));
    match &entry.running {
        Some(found) => line("running", &format!("pid {} ({})", found.pid, found.by)),
        None => line("running", "no process of it was found"),
    }
    match &entry.systemd {
        Systemd::None => {}
        Systemd::Unit { file } => line("systemd", &format!("uses {file} in its place")),
        Systemd::Masked { file } => line("systemd", &format!("does not run it: masked by {file}")),
        Systemd::Dropped { was_started: true } => {
            line("systemd", "has no unit for it: started at boot up to release 259, dropped by 260");
        }
        Systemd::Dropped { was_started: false } => {
            line("systemd", "has no unit for it: can be started by hand up to release 259, not with 260");
        }
    }
    match &entry.adoption {
        Adoption::None => {}
        Adoption::Yes => line("adopt", "yes, as it is"),
        Adoption::Served { definition } => line("adopt", &format!("no need: {definition} comes before it")),
        Adoption::No { reasons } => {
            several(&mut line, "adopt", reasons.iter().map(|reason| format!("no: {reason}")), None);
        }
    }
    let programs = entry.programs.iter().map(|program| match entry.missing.contains(program) {
        true => format!("{program} (not installed)"),
        false => program.clone(),
    });
    several(&mut line, "programs", programs, None);
    let faults = entry.faults.iter().map(|fault| format!("{}: {}", fault.spot, fault.text));
    several(&mut line, "remarks", faults, None);
    let callers =
        entry.callers.iter().map(|caller| format!("{}, {}: {}", caller.kind.word(), caller.spot, caller.text));
    several(&mut line, "called by", callers, None);
    text
}

/// Lines with one label.
fn several(line: &mut impl FnMut(&str, &str), label: &str, values: impl Iterator<Item = String>, or: Option<&str>) {
    let mut label = Some(label);
    for value in values {
        line(label.take().unwrap_or_default(), &value);
    }
    if let (Some(label), Some(value)) = (label, or) {
        line(label, value);
    }
}
