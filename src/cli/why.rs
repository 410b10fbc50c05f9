//! `svc why`: svcd tells the reasons of each service; files that define none because of their faults are told beside.

use super::out::say;
use super::session::{Session, Show};
use super::{code, human};
use crate::cli::code::Table;
use crate::daemon::glob;
use crate::wire::{Reply, Request, StateName, Summary};

impl Session {
    /// Carries the verb out and returns the exit code.
    pub(super) fn why(&mut self, mut names: Vec<String>) -> u8 {
        // Where there is no list either, the question itself tells why.
        let mut faulty = self.summaries().unwrap_or_default();
        faulty.retain(|row| row.state == StateName::Faulty && names.iter().any(|name| means(name, row)));
        if self.json() || faulty.is_empty() {
            return self.status(names, 0, Show::Why, Table::Action);
        }
        names.retain(|name| !faulty.iter().any(|row| means(name, row)) || self.means_others(name));
        let code = if names.is_empty() { code::GOOD } else { self.status(names, 0, Show::Why, Table::Action) };
        if !self.is_quiet() {
            faulty.iter().for_each(|row| say(&sentence(row)));
        }
        code
    }

    /// Whether a pattern matches services that are in force.
    fn means_others(&self, name: &str) -> bool {
        let list = Request::List { names: vec![name.to_owned()] };
        glob::is_glob(name) && !matches!(self.ask(&list), Ok(Reply::Refused(_)))
    }
}

fn means(name: &str, row: &Summary) -> bool {
    if glob::is_glob(name) { glob::matches(name, row.name.as_str()) } else { name == row.name.as_str() }
}

fn sentence(row: &Summary) -> String {
    format!("{} is faulty, and nothing was in force before: {}\n", row.name, human::clean(&row.reason))
}
