//! Clients whose service has arrived, or cannot, get their one answer.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Supervisor;
use super::life::{Life, Waiter};
use crate::event::{Action, Answer, Who};
use crate::lifecycle::{Cause, Goal, State};
use crate::service::ServiceId;

impl Supervisor {
    /// Answers whoever can be answered now.
    pub(super) fn answer(&mut self, actions: &mut Vec<Action>) {
        for id in core::mem::take(&mut self.touched) {
            if self.lives[id.0 as usize].is_none() {
                continue;
            }
            self.show(id, actions);
            let life = self.life_mut(id);
            life.clean &= life.state() != State::Down || !life.memory.left.is_empty();
            if self.life(id).waiters.is_empty() {
                continue;
            }
            let waiters = core::mem::take(&mut self.life_mut(id).waiters);
            let mut left = Vec::new();
            for waiter in waiters {
                match self.verdict(id, &waiter) {
                    Some(answer) => actions.push(Action::Reply(waiter.ticket, answer)),
                    None => left.push(waiter),
                }
            }
            self.life_mut(id).waiters = left;
        }
    }

    fn verdict(&self, id: ServiceId, waiter: &Waiter) -> Option<Answer> {
        let life = self.life(id);
        match waiter.goal {
            Goal::Up => self.up_verdict(id, life, waiter),
            Goal::Down => down_verdict(life, waiter),
        }
    }

    fn up_verdict(&self, id: ServiceId, life: &Life, waiter: &Waiter) -> Option<Answer> {
        let trouble = || life.memory.trouble.clone().unwrap_or_default();
        match life.state() {
            State::Up { .. } if life.launches >= waiter.launch => {
                Some(Answer::Done { changed: waiter.changed, note: None })
            }
            State::Ended { cause: Cause::Skipped } => {
                Some(Answer::Done { changed: false, note: Some(format!("skipped: {}", trouble())) })
            }
            State::Ended { .. } => Some(Answer::Failed(trouble())),
            State::BackingOff { .. } => Some(Answer::Failed(format!("{}; it will be tried again", trouble()))),
            State::Waiting | State::Down if life.face.stuck => Some(Answer::Failed(self.chain(id))),
            State::Up { .. } | State::Waiting | State::Down | State::Starting { .. } | State::Stopping { .. } => None,
        }
    }

    /// Answers everybody who waits for one service.
    pub(super) fn answer_all(
        &mut self,
        id: ServiceId,
        which: impl Fn(&Waiter) -> bool,
        answer: &Answer,
        actions: &mut Vec<Action>,
    ) {
        self.life_mut(id).waiters.retain(|waiter| {
            let mine = which(waiter);
            if mine {
                actions.push(Action::Reply(waiter.ticket, answer.clone()));
            }
            !mine
        });
    }

    /// A newer request outdoes the contrary older ones.
    pub(super) fn supersede(&mut self, id: ServiceId, goal: Goal, who: &Who, actions: &mut Vec<Action>) {
        self.answer_all(id, |waiter| waiter.goal != goal, &Answer::Superseded(who.clone()), actions);
    }

    pub(super) fn answer_kept(&mut self, id: ServiceId, actions: &mut Vec<Action>) {
        let text = self.life(id).memory.trouble.clone().unwrap_or_default();
        let launches = self.life(id).launches;
        let asked_end = |waiter: &Waiter| waiter.goal == Goal::Down || waiter.launch > launches;
        self.answer_all(id, asked_end, &Answer::Failed(text), actions);
    }
}

fn down_verdict(life: &Life, waiter: &Waiter) -> Option<Answer> {
    if life.state() != State::Down || (waiter.all && !life.memory.left.is_empty()) {
        return None;
    }
    let note =
        (!life.memory.left.is_empty()).then(|| String::from("processes were left behind; `stop --all` ends them"));
    Some(Answer::Done { changed: waiter.changed, note })
}
