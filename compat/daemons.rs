//! The table of known daemons: how each stays in the foreground, by its manual page.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

/// The rows that come with the program.
const TEXT: &str = include_str!("../data/daemons.toml");

/// One daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Options that keep it in the foreground; empty: it stays there by itself.
    pub foreground: Vec<String>,
    /// Options that put it into the background; one that ends in `*` by its beginning.
    pub background: Vec<String>,
    /// The signal on which it reads its configuration again when it runs like this.
    pub reload: Option<String>,
    /// Commands that are documented to do what the signal for a reload does, as `PROGRAM WORD...`.
    pub reload_commands: Vec<String>,
    /// Arguments with which the program makes the running one read its configuration again.
    pub reload_command: Vec<String>,
    /// The manual page that says so.
    pub source: String,
}

impl Row {
    /// Whether this option puts it into the background.
    pub fn is_background(&self, option: &str) -> bool {
        let fits = |known: &String| match known.strip_suffix('*') {
            Some(start) => option.starts_with(start),
            None => option == known,
        };
        self.background.iter().any(fits)
    }
}

/// Known daemons by the file name of their program.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: BTreeMap<String, Row>,
}

impl Table {
    /// The rows that come with the program.
    pub fn known() -> Self {
        Self { rows: read(TEXT) }
    }

    /// The row of a program.
    pub fn row(&self, program: &str) -> Option<&Row> {
        let name = program.rsplit('/').next().unwrap_or(program);
        // `php-fpm8.2` and `php-fpm` are the same daemon.
        let bare = name.trim_end_matches(|found: char| found.is_ascii_digit() || found == '.' || found == '-');
        self.rows.get(name).or_else(|| self.rows.get(bare))
    }

    /// Every program of it.
    pub fn programs(&self) -> impl Iterator<Item = (&String, &Row)> {
        self.rows.iter()
    }
}

fn read(text: &str) -> BTreeMap<String, Row> {
    let document = DeTable::parse(text).expect("the table of daemons is TOML");
    let rows = document.get_ref().get("daemon").and_then(|rows| rows.get_ref().as_array()).expect("it has rows");
    let text = |value: Option<&DeValue<'_>>| value.and_then(DeValue::as_str).map(String::from);
    let words = |value: Option<&DeValue<'_>>| -> Vec<String> {
        let items = value.and_then(DeValue::as_array).into_iter().flatten();
        items.filter_map(|item| item.get_ref().as_str().map(String::from)).collect()
    };
    let row = |value: &DeValue<'_>| {
        let table = value.as_table()?;
        let key = |name: &str| table.get(name).map(|value| value.get_ref());
        let row = Row {
            foreground: words(key("foreground")),
            background: words(key("background")),
            reload: text(key("reload")),
            reload_commands: words(key("reload-commands")),
            reload_command: words(key("reload-command")),
            source: text(key("source"))?,
        };
        Some((text(key("program"))?, row))
    };
    rows.iter().map(|value| row(value.get_ref()).expect("each row has a program and a source")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_its_source_and_says_something() {
        let table = Table::known();
        assert!(table.programs().count() > 50);
        for (program, row) in table.programs() {
            let section = row.source.rsplit_once('(').and_then(|(_, rest)| rest.chars().next());
            let is_page = section.is_some_and(|found| found.is_ascii_digit());
            assert!(is_page || row.source.starts_with("usage text of "), "{program}: {}", row.source);
            assert!(!row.foreground.is_empty() || !row.background.is_empty(), "{program}");
            let signal = row.reload.as_deref().map(svc_core::Signal::parse);
            assert_ne!(signal, Some(None), "{program}");
        }
    }

    #[test]
    fn a_program_is_found_by_its_path_and_without_its_version() {
        let table = Table::known();
        assert_eq!(table.row("/usr/sbin/sshd").unwrap().foreground, ["-D"]);
        assert!(table.row("/usr/sbin/php-fpm8.2").is_some());
        assert!(table.row("/usr/sbin/unheard-of").is_none());
        assert!(table.row("shellinaboxd").unwrap().is_background("--background=/run/x.pid"));
    }
}
