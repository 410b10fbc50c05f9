//! Whether the reasons that are given hold.

use svc_core::ServiceId;
use svc_core::lifecycle::{Goal, State};

use crate::world::World;

impl World {
    pub(crate) fn check_reasons(&self) {
        for id in self.core.ids() {
            let reasons = self.core.why(self.time(), id);
            assert!(!reasons.is_empty(), "no reason for {}", self.core.service(id).name);
            for reason in &reasons {
                self.check_reason(reason);
            }
            let state = self.core.view(id).state;
            let first = &reasons[0];
            let fits = match state {
                State::Up { .. } => first.contains(" is up"),
                State::Waiting => first.contains(" waits for ") || first.contains(" cannot start: "),
                State::Starting { .. } => first.contains(" is starting") || first.contains(" is looked at"),
                State::Stopping { .. } => first.contains(" is stopping"),
                State::Down => first.contains(" is down") || first.contains(" was stopped") || first.contains("cannot"),
                State::BackingOff { .. } => first.contains("is tried again in"),
                State::Ended { .. } => ["failed", "ended", "skipped"].iter().any(|word| first.contains(word)),
            };
            assert!(fits, "{state:?} is explained by {first:?}");
        }
    }

    /// A reason names a cause, and the cause is there.
    fn check_reason(&self, reason: &str) {
        for phrase in ["is about to start", "is about to stop", "about to be stopped", ": , ", "  "] {
            assert!(!reason.contains(phrase), "nothing is about to happen after an event: {reason:?}");
        }
        let Some((_, rest)) = reason.split_once("waits for ") else { return };
        if rest.starts_with("its turn") {
            assert!(self.slots_held() >= self.slots as usize, "{reason:?}, and there is room");
            return;
        }
        let (name, relation) = rest.split_once([' ', ',']).expect("a relation follows the name");
        let other = self.core.id(name).unwrap_or_else(|| panic!("{reason:?} names nobody"));
        let view = self.core.view(other);
        let holds = match relation.trim_start().split_once(", asked").map_or(relation.trim_start(), |(head, _)| head) {
            "which it requires" => !view.state.satisfies(),
            "after which it starts" => view.goal == Goal::Up && self.is_coming(other),
            "to stop, with which it conflicts" | "to stop, which requires it" | "to stop first" => {
                view.state.is_alive()
            }
            other => panic!("{reason:?}: {other:?} is not a relation"),
        };
        assert!(holds, "{reason:?}, and {name} is {:?}", view.state);
    }

    fn is_coming(&self, id: ServiceId) -> bool {
        match self.core.view(id).state {
            State::Waiting | State::Starting { .. } | State::Stopping { .. } => true,
            State::Down | State::Up { .. } | State::BackingOff { .. } | State::Ended { .. } => false,
        }
    }
}
