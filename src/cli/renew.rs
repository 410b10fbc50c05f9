//! `svc renew`: a new manager, from the program as it is on disk now.

use std::thread;
use std::time::{Duration, Instant};

use super::code::{self, Table};
use super::json;
use super::out::{fail, say};
use super::session::Session;
use crate::wire::{Reply, Request};

/// How long a new manager may take to answer.
const ANSWERS: Duration = Duration::from_secs(30);
const AGAIN: Duration = Duration::from_millis(20);

impl Session {
    /// Has the manager make way, and waits until the next one answers.
    pub(super) fn renew(&self) -> u8 {
        let asked = self.hello().and_then(|hello| Ok((hello.manager, self.ask(&Request::Renew)?)));
        let old = match asked {
            Ok((old, Reply::Renewing)) => old,
            Ok((_, reply)) => {
                self.tell(&reply);
                return Table::Action.reply(&reply);
            }
            Err(error) => return self.unanswered(&error, Table::Action),
        };
        let begun = Instant::now();
        while begun.elapsed() < ANSWERS {
            // Between the two nobody answers, or the old one still does.
            match self.hello() {
                Ok(hello) if hello.manager != old => {
                    if self.json() {
                        say(&json::reply(&Reply::Hello(hello)));
                    }
                    return code::GOOD;
                }
                Ok(_) | Err(_) => thread::sleep(AGAIN),
            }
        }
        let text = format!("no new manager answered within {} s; try: svc hello", ANSWERS.as_secs());
        fail(self.json(), &text, code::FAILED)
    }
}
