//! Lines that services wrote.

use super::{DIM, name_style, paint};
use crate::cli::human;
use crate::wire::LogLine;

/// All lines; the name is shown where there is more than one service.
pub(crate) fn log(lines: &[LogLine]) -> String {
    let several = lines.iter().any(|line| line.name != lines[0].name);
    lines.iter().map(|line| log_line(line, several) + "\n").collect()
}

/// One line.
pub(crate) fn log_line(line: &LogLine, with_name: bool) -> String {
    let mut text = String::new();
    if !line.time.is_empty() {
        text += &paint(DIM, &human::clean(&line.time));
        text.push(' ');
    }
    if with_name {
        text += &paint(name_style(line.name.as_str()), line.name.as_str());
        text += ": ";
    }
    text += &human::clean(&line.text);
    text
}
