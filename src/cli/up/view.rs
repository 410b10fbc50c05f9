//! What `svc up` shows: what services write, and what state they are in.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use svc_core::Name;

use crate::cli::show::{self, DIM, Look, columns, name_style, pad, paint, state_style};
use crate::cli::{human, json};
use crate::wire::{LogLine, StateName, Summary};

/// Lines of a terminal that the table leaves to what services write.
const LINES_LEFT_MIN: usize = 6;

/// How changes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A table at the end of the screen, drawn anew at each change; the terminal has so many lines.
    Table(usize),
    /// A line for each change.
    Lines,
    /// An object for each change.
    Json,
}

/// What was shown so far.
#[derive(Debug)]
pub(crate) struct View {
    look: Look,
    form: Form,
    rows: Vec<Summary>,
    told: BTreeMap<Name, (StateName, String)>,
    /// How many lines of a table stand at the end of the screen.
    drawn: usize,
    name_columns: usize,
}

impl View {
    pub(crate) fn new(look: Look, form: Form) -> Self {
        Self { look, form, rows: Vec::new(), told: BTreeMap::new(), drawn: 0, name_columns: "svcd".len() }
    }

    /// From now on the screen is like this.
    pub(crate) fn fit(&mut self, width: Option<usize>, form: Form) {
        self.look.width = width;
        self.form = form;
    }

    /// What to write so that these states are on the screen.
    pub(crate) fn states(&mut self, rows: Vec<Summary>) -> String {
        self.name_columns = rows.iter().map(|row| columns(row.name.as_str())).fold(self.name_columns, usize::max);
        let changed: Vec<Summary> = rows.iter().filter(|row| self.is_news(row)).cloned().collect();
        self.rows = rows;
        let mut text = String::new();
        for row in &changed {
            match self.form {
                Form::Table(_) => {}
                Form::Lines => text += &state_line(row),
                Form::Json => text += &json::state(row),
            }
        }
        self.framed(&text)
    }

    /// What to write for a line of a service.
    pub(crate) fn line(&mut self, line: &LogLine) -> String {
        let text = match self.form {
            Form::Json => json::log_line(line),
            Form::Table(_) | Form::Lines => self.prefixed(line.name.as_str(), &line.text),
        };
        self.framed(&text)
    }

    /// What to write for a line that svcd or we have to say.
    pub(crate) fn remark(&mut self, text: &str) -> String {
        let text = match self.form {
            Form::Json => json::remark(text),
            Form::Table(_) | Form::Lines => human::clean_lines(text).map(|line| self.prefixed("svcd", &line)).collect(),
        };
        self.framed(&text)
    }

    /// All services are down: says so for each of which it was not yet said.
    pub(crate) fn end(&mut self) -> String {
        let mut rows = self.rows.clone();
        for row in rows.iter_mut().filter(|row| is_live(row.state)) {
            (row.state, row.pid, row.wanted, row.since) = (StateName::Down, None, false, Duration::ZERO);
            row.reason.clear();
        }
        self.states(rows)
    }

    fn is_news(&mut self, row: &Summary) -> bool {
        let news = (row.state, lasting(row));
        if self.told.get(&row.name) == Some(&news) {
            return false;
        }
        // At first sight a service that is down and should be is no news.
        let quiet = row.state == StateName::Down && !self.told.contains_key(&row.name);
        self.told.insert(row.name.clone(), news);
        !quiet
    }

    fn prefixed(&self, name: &str, text: &str) -> String {
        let name = paint(name_style(name), &pad(name, self.name_columns));
        format!("{name} {} {}\n", paint(DIM, "|"), human::clean(text))
    }

    /// The text above the table, which is taken away before and drawn again after it.
    fn framed(&mut self, text: &str) -> String {
        let Form::Table(height) = self.form else { return text.to_owned() };
        let mut frame = String::new();
        if self.drawn > 0 {
            let _ = write!(frame, "\u{1b}[{}A\r\u{1b}[J", self.drawn);
        }
        frame += text;
        let table = self.table(height.saturating_sub(LINES_LEFT_MIN).max(2));
        self.drawn = table.lines().count();
        frame + &table
    }

    fn table(&self, lines_max: usize) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        // One line is the head, and where not all fit one says how many more there are.
        let room = lines_max.saturating_sub(1);
        if self.rows.len() <= room {
            return show::list(&self.rows, &self.look);
        }
        let mut rows: Vec<&Summary> = self.rows.iter().collect();
        rows.sort_by_key(|row| is_calm(row.state));
        let shown: Vec<Summary> = rows.iter().take(room.saturating_sub(1)).copied().cloned().collect();
        let more = format!("and {} more", rows.len() - shown.len());
        show::list(&shown, &self.look) + &paint(DIM, &more) + "\n"
    }
}

/// Whether something of it runs, or will.
pub(crate) fn is_live(state: StateName) -> bool {
    match state {
        StateName::Waiting | StateName::Starting | StateName::Up | StateName::Stopping | StateName::BackingOff => true,
        StateName::Down | StateName::Failed | StateName::Skipped | StateName::Faulty => false,
    }
}

/// What of the reason is no clock: what only passes through a state says nothing new until it has left it.
fn lasting(row: &Summary) -> String {
    match row.state {
        StateName::Starting | StateName::Stopping | StateName::BackingOff => String::new(),
        StateName::Waiting
        | StateName::Up
        | StateName::Down
        | StateName::Failed
        | StateName::Skipped
        | StateName::Faulty => row.reason.chars().filter(|found| !found.is_ascii_digit()).collect(),
    }
}

/// Nothing to look at.
fn is_calm(state: StateName) -> bool {
    match state {
        StateName::Up | StateName::Down | StateName::Skipped => true,
        StateName::Waiting
        | StateName::Starting
        | StateName::Stopping
        | StateName::BackingOff
        | StateName::Failed
        | StateName::Faulty => false,
    }
}

fn state_line(row: &Summary) -> String {
    let state = paint(state_style(row.state), row.state.word());
    let name = paint(show::BOLD, row.name.as_str());
    match (row.reason.as_str(), row.pid) {
        ("", None) => format!("{name}: {state}\n"),
        ("", Some(pid)) => format!("{name}: {state} (pid {pid})\n"),
        _ if row.state == StateName::Starting => format!("{name}: {state}\n"),
        (reason, _) => format!("{name}: {state} ({})\n", human::clean(reason)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: StateName, reason: &str) -> Summary {
        Summary {
            name: Name::new(name).unwrap(),
            kind: "process".into(),
            state,
            wanted: true,
            reason: reason.into(),
            since: Duration::from_secs(1),
            pid: (state == StateName::Up).then_some(7),
            enabled: true,
            description: String::new(),
        }
    }

    fn view(form: Form) -> View {
        View::new(Look { width: Some(60), utf8: true, quiet: false, memory: None }, form)
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_change_is_told_once_and_a_service_at_rest_not_at_all() {
        let mut view = view(Form::Lines);
        assert_eq!(plain(&view.states(vec![row("web", StateName::Down, "")])), "");
        let starting = |time: &str| vec![row("web", StateName::Starting, &format!("starting, for {time} of 90 s"))];
        assert_eq!(plain(&view.states(starting("1 s"))), "web: starting\n");
        assert_eq!(plain(&view.states(starting("2 s"))), "");
        assert_eq!(plain(&view.states(vec![row("web", StateName::Up, "")])), "web: up (pid 7)\n");
        let down = vec![row("web", StateName::Failed, "exited with code 1")];
        assert_eq!(plain(&view.states(down)), "web: failed (exited with code 1)\n");
        assert_eq!(plain(&view.states(vec![row("web", StateName::Up, "")])), "web: up (pid 7)\n");
        assert_eq!(plain(&view.end()), "web: down\n");
        assert_eq!(plain(&view.end()), "");
    }

    #[test]
    fn lines_of_services_stand_under_each_other() {
        let mut view = view(Form::Lines);
        view.states(vec![row("database", StateName::Up, "")]);
        let line = LogLine { name: Name::new("web").unwrap(), time: String::new(), text: "hi\u{7}".into() };
        assert_eq!(plain(&view.line(&line)), "web      | hi\u{fffd}\n");
        assert_eq!(plain(&view.remark("one\ntwo")), "svcd     | one\nsvcd     | two\n");
    }

    #[test]
    fn the_table_is_taken_away_line_by_line_before_it_is_drawn_again() {
        let mut view = view(Form::Table(24));
        let first = view.states(vec![row("a", StateName::Up, ""), row("b", StateName::Up, "")]);
        assert_eq!(first.lines().count(), 3);
        assert!(!first.contains("\u{1b}[3A"));
        let line = LogLine { name: Name::new("a").unwrap(), time: String::new(), text: "hi".into() };
        let second = view.line(&line);
        assert!(second.starts_with("\u{1b}[3A\r\u{1b}[J"), "{second:?}");
        assert_eq!(second.lines().count(), 4);
    }

    #[test]
    fn a_table_that_does_not_fit_shows_first_what_is_not_well() {
        let mut view = view(Form::Table(10));
        let mut rows: Vec<Summary> = (0..20).map(|at| row(&format!("s{at}"), StateName::Up, "")).collect();
        rows.push(row("sick", StateName::Failed, "exited with code 1"));
        let text = plain(&view.states(rows));
        assert_eq!(text.lines().count(), 4);
        assert!(text.contains("sick") && text.ends_with("and 19 more\n"), "{text}");
    }
}
