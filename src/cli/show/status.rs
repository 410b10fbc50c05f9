//! The block of `svc NAME status`, and the processes of `svc NAME tree`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::{BOLD, DIM, Look, columns, cut, fill, log_line, pad, paint, state_style};
use crate::cli::human;
use crate::wire::{LogLine, Process, Status};

const LABEL_COLUMNS: usize = 10;
const INDENT: &str = "  ";

/// Everything about one service.
pub(crate) fn status(status: &Status, look: &Look) -> String {
    let summary = &status.summary;
    let mut block = Block { text: head(status), look };
    let mut state = paint(state_style(summary.state), summary.state.word());
    let _ = write!(state, " for {}", human::duration(summary.since));
    let is_up = matches!(summary.state, crate::wire::StateName::Up);
    if summary.wanted != is_up {
        state.push_str(if summary.wanted { ", wanted up" } else { ", wanted down" });
    }
    block.styled("state", &state);
    // The chain of reasons begins with the same one.
    if status.why.is_empty() && !summary.reason.is_empty() {
        block.line("because", &summary.reason);
    }
    for (at, why) in status.why.iter().enumerate() {
        block.line(if at == 0 { "because" } else { "" }, why);
    }
    let boot = if summary.enabled { "starts" } else { "does not start" };
    match status.enabled_by.as_str() {
        "" => block.line("at boot", boot),
        by => block.line("at boot", &format!("{boot} ({by})")),
    }
    if let Some(said) = &status.said {
        block.line("says", said);
    }
    if let Some(pid) = summary.pid {
        block.line("main", &pid.to_string());
    }
    block.tree("tree", &status.tree);
    block.tree("left", &status.left_behind);
    if let Some(memory) = status.memory {
        block.line("memory", &memory_text(memory, look.memory));
    }
    if let Some(cpu) = status.cpu {
        block.line("cpu", &human::duration(cpu));
    }
    if status.restarts > 0 {
        block.line("restarts", &status.restarts.to_string());
    }
    if let Some(exit) = &status.last_exit {
        block.line("last exit", exit);
    }
    if status.stale_pid_file {
        block.line("note", "nothing runs, but its pid file is still there");
    }
    if !status.verbs.is_empty() {
        block.line("verbs", &status.verbs.join(", "));
    }
    for (at, line) in status.own.iter().enumerate() {
        block.line(if at == 0 { "reports" } else { "" }, line);
    }
    for note in &status.notes {
        block.line("note", note);
    }
    for (at, file) in status.files.iter().enumerate() {
        block.line(if at == 0 { "file" } else { "" }, file);
    }
    block.log(&status.log);
    block.text
}

/// Only the processes.
pub(crate) fn tree(status: &Status, look: &Look) -> String {
    let mut text = head(status);
    if status.tree.is_empty() && status.left_behind.is_empty() {
        let _ = writeln!(text, "{INDENT}{}", paint(DIM, "no process"));
    }
    for line in draw(&status.tree, look.utf8) {
        let _ = writeln!(text, "{INDENT}{}", fit(&line, look, INDENT.len()));
    }
    for line in draw(&status.left_behind, look.utf8) {
        let _ = writeln!(text, "{INDENT}{} {}", fit(&line, look, INDENT.len() + 14), paint(DIM, "(left behind)"));
    }
    text
}

/// Only the reasons, nearest first.
pub(crate) fn why(status: &Status) -> String {
    let mut text = String::new();
    for (at, why) in status.why.iter().enumerate() {
        for line in human::clean_lines(why) {
            let _ = writeln!(text, "{}{line}", INDENT.repeat(at.min(1)));
        }
    }
    text
}

fn head(status: &Status) -> String {
    let summary = &status.summary;
    let name = paint(BOLD, summary.name.as_str());
    if summary.description.is_empty() {
        format!("{name} ({})\n", summary.kind)
    } else {
        format!("{name} ({}): {}\n", summary.kind, human::clean(&summary.description))
    }
}

fn memory_text(bytes: u64, machine: Option<u64>) -> String {
    match machine {
        // Less than a thousandth is not worth a number.
        Some(all) if bytes >= all / 1000 && all > 0 => {
            format!("{} ({:.1} % of {})", human::size(bytes), bytes as f64 * 100.0 / all as f64, human::size(all))
        }
        Some(_) | None => human::size(bytes),
    }
}

/// The lines of one service, each under its label.
struct Block<'a> {
    text: String,
    look: &'a Look,
}

impl Block<'_> {
    fn line(&mut self, label: &str, value: &str) {
        let mut label = label;
        let lines: Vec<String> = human::clean_lines(value).flat_map(|line| self.folded(&line, 0)).collect();
        for line in lines {
            self.styled(label, &line);
            label = "";
        }
    }

    /// What is wider than the screen goes on below itself, `more` to the right.
    fn folded(&self, line: &str, more: usize) -> Vec<String> {
        let used = INDENT.len() + LABEL_COLUMNS;
        let Some(width) = self.look.width else { return vec![line.to_owned()] };
        let lines = fill(line, 0, width.saturating_sub(used + more).max(20));
        lines.into_iter().enumerate().map(|(at, line)| " ".repeat(if at > 0 { more } else { 0 }) + &line).collect()
    }

    fn styled(&mut self, label: &str, value: &str) {
        let _ = writeln!(self.text, "{INDENT}{}{value}", paint(DIM, &pad(label, LABEL_COLUMNS)));
    }

    fn tree(&mut self, label: &str, processes: &[Process]) {
        for (at, line) in draw(processes, self.look.utf8).iter().enumerate() {
            let line = fit(line, self.look, INDENT.len() + LABEL_COLUMNS);
            self.styled(if at == 0 { label } else { "" }, &line);
        }
    }

    fn log(&mut self, lines: &[LogLine]) {
        for (at, line) in lines.iter().enumerate() {
            let whole = log_line(line, false);
            let fits = |width: usize| columns(&strip(&whole)) + INDENT.len() + LABEL_COLUMNS <= width;
            if self.look.width.is_none_or(fits) {
                self.styled(if at == 0 { "log" } else { "" }, &whole);
                continue;
            }
            for (row, part) in self.folded(&strip(&whole), 2).iter().enumerate() {
                self.styled(if at == 0 && row == 0 { "log" } else { "" }, part);
            }
        }
    }
}

fn strip(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn fit(line: &str, look: &Look, used: usize) -> String {
    match look.width {
        Some(width) => cut(line, width.saturating_sub(used).max(20), look.utf8),
        None => line.to_owned(),
    }
}

/// The processes, children under their parents.
fn draw(processes: &[Process], utf8: bool) -> Vec<String> {
    let known: BTreeSet<i32> = processes.iter().map(|process| process.pid).collect();
    let mut children: BTreeMap<i32, Vec<&Process>> = BTreeMap::new();
    let mut open: Vec<(&Process, String, String)> = Vec::new();
    for process in processes {
        if known.contains(&process.parent) && process.parent != process.pid {
            children.entry(process.parent).or_default().push(process);
        } else {
            open.push((process, String::new(), String::new()));
        }
    }
    open.reverse();
    let (fork, last, bar) = if utf8 { ("├─ ", "└─ ", "│  ") } else { ("|- ", "`- ", "|  ") };
    let mut lines = Vec::new();
    // A loop, not recursion: how deep processes nest is their choice. Each is taken out of `children` once.
    while let Some((process, lead, below)) = open.pop() {
        lines.push(format!("{lead}{} {}", process.pid, human::one_line(&process.command)));
        let mut mine = children.remove(&process.pid).unwrap_or_default();
        mine.sort_by_key(|child| child.pid);
        for (at, child) in mine.iter().rev().enumerate() {
            let (joint, under) = if at == 0 { (last, "   ") } else { (fork, bar) };
            open.push((child, format!("{below}{joint}"), format!("{below}{under}")));
        }
    }
    lines
}
