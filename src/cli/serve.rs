//! Which verb does what.

use super::args::Verb;
use super::code::{self, Table};
use super::common::{Common, Named};
use super::out::say;
use super::session::{Session, Show};
use super::{compare, complete, convert, graph, migrate, order, rehearse, shim, up};
use crate::wire::{Request, Target};

impl Session {
    /// Carries the verb out and returns the exit code.
    pub(crate) fn serve(mut self, verb: Verb, common: &Common) -> u8 {
        match verb {
            Verb::Check(which) => self.action(&Request::Check { names: which.names }),
            Verb::Status { names, .. } if names.is_empty() => self.overview(),
            Verb::Status { names, lines } => self.status(names, lines, Show::All, Table::Status),
            Verb::Tree(asked) if !asked.processes => self.dependencies(&asked),
            Verb::Tree(asked) if asked.names.is_empty() => self.status(vec!["*".into()], 0, Show::Tree, Table::Action),
            Verb::Tree(asked) => self.status(asked.names, 0, Show::Tree, Table::Action),
            Verb::Bootchart(asked) => self.bootchart(&asked),
            Verb::Configure(asked) => self.configure(asked, common),
            Verb::Why(which) => self.why(which.names),
            Verb::Plan(asked) => self.plan(&asked),
            Verb::Graph(asked) => graph::run(&asked, &self.places(common), self.json()),
            Verb::Load(which) => self.action(&Request::Load { names: which.names }),
            Verb::Start(which) => self.action(&Request::Start(target(which, false, false))),
            Verb::Stop { which, only, all } => self.action(&Request::Stop(target(which, only, all))),
            Verb::Reload(which) => self.action(&Request::Reload(target(which, false, false))),
            Verb::Restart { which, only, all } => self.action(&Request::Restart(target(which, only, all))),
            Verb::List(which) => self.action(&Request::List { names: which.names }),
            Verb::Enable { which, now } => {
                self.twice(target(which, false, false), now, Request::Enable, Request::Start)
            }
            Verb::Disable { which, now } => {
                self.twice(target(which, false, false), now, Request::Disable, Request::Stop)
            }
            Verb::Pin(which) => self.action(&Request::Pin(target(which, false, false))),
            Verb::Unpin(which) => self.action(&Request::Unpin(target(which, false, false))),
            Verb::Reset(which) => self.action(&Request::Reset(target(which, false, false))),
            Verb::Log { lines, grep, audit: true, .. } => {
                self.only(grep);
                self.action(&Request::Audit { lines })
            }
            Verb::Log { names, lines, follow, grep, .. } => {
                self.only(grep);
                self.action(&Request::Log { names, lines, follow })
            }
            Verb::Cat { names } => self.action(&Request::Cat { names }),
            Verb::Shutdown { then, kill } => self.action(&Request::Shutdown { then: then.into(), kill }),
            Verb::Hello => self.action(&Request::Hello),
            Verb::Renew => self.renew(),
            Verb::Up { dir } => up::run(&dir, common),
            Verb::Completions { shell } => {
                say(complete::script(shell));
                code::GOOD
            }
            Verb::Edit { names } => names.iter().map(|name| self.edit(name, common)).max().unwrap_or(code::GOOD),
            Verb::Top(asked) => self.top(&asked, common),
            Verb::Order(words) => order::run(&words, common),
            Verb::Migrate(words) if words.convert || words.undo => self.migrate(&words, common),
            Verb::Migrate(words) => migrate::run(&words, common),
            Verb::Convert(words) => convert::run(&words, common),
            Verb::Shim(words) => shim::run(&words, common),
            Verb::Rehearse(words) => rehearse::run(&words, common),
            Verb::Compare(words) => compare::run(&words, common),
            Verb::Pass { names, words } => {
                names.into_iter().map(|name| self.pass(name, &words)).max().unwrap_or(code::GOOD)
            }
        }
    }
}

fn target(which: Named, only: bool, all: bool) -> Target {
    Target { names: which.names, only, all, no_wait: which.no_wait }
}
