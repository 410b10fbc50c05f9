//! A reload by SIGHUP of which only a handler or a trial tells.

use super::super::reread::Seen;
use super::{Draft, Hangup, handled, quoted};
use crate::convert::Tree;

/// How the open point of such a reload begins.
const UNSAID: &str = "SIGHUP has a handler of its own, but nobody says what it does";

impl Draft {
    /// A handler for SIGHUP that is not the one by which it ends.
    pub(super) fn told_by_handler(&mut self, tree: &Tree) -> Option<(String, String)> {
        let program = self.command.first()?.clone();
        self.hangup = handled::known(tree, &program);
        self.hangup.filter(|known| *known == Hangup::Handled)?;
        self.open.push(format!("{UNSAID}: whether {program} reads its configuration again has to be tried"));
        let origin = format!("{program} has a handler for SIGHUP which is not the one by which it ends");
        Some(("signal HUP".to_string(), format!("{origin}; the script has no reload of its own")))
    }

    /// Takes what a trial told of SIGHUP, and says what that was, where no key does.
    pub(in crate::convert) fn hung_up(&mut self, seen: Seen) -> Option<&'static str> {
        let was_open = self.open.len();
        self.open.retain(|open| !open.starts_with(UNSAID));
        if was_open != self.open.len() {
            self.keys.retain(|key| !(key.table.is_empty() && key.name == "reload"));
            self.reload = None;
        }
        let goes_on = |rest: &str| format!("trial: sent SIGHUP it goes on{rest}; the script has no reload of its own");
        match seen {
            Seen::Reads(file) => {
                self.hangup = None;
                self.reload_by_hangup(goes_on(&format!(", and reads {file} again")));
                None
            }
            Seen::GoesOn => {
                self.hangup = Some(Hangup::GoesOn);
                self.reload_by_hangup(goes_on(""));
                self.open.push(format!("{UNSAID}: in a trial it goes on, but what it read again was not seen"));
                None
            }
            Seen::ReadsNothing => {
                self.hangup = Some(Hangup::GoesOn);
                Some("tried in a sandbox: sent SIGHUP it goes on, but reads nothing of its configuration again")
            }
            Seen::Ignores => {
                self.hangup = Some(Hangup::Ignored);
                Some("tried in a sandbox: it ignores SIGHUP")
            }
            Seen::Ends => {
                self.hangup = Some(Hangup::Ends);
                Some("tried in a sandbox: sent SIGHUP it ends")
            }
        }
    }

    fn reload_by_hangup(&mut self, origin: String) {
        let value = "signal HUP".to_string();
        self.key("", "reload", quoted(&value), origin);
        self.reload = Some(value);
    }
}
