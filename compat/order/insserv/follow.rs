//! The numbers: each place comes after all that lead to it.

use super::Levels;
use super::graph::{BOOT, Mode, NORMAL};
use super::run::Run;

/// The highest number a link can have.
pub(super) const NUMBER_MAX: i32 = 99;

/// Whether circles are told while numbers are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Circles {
    Told,
    Known,
}

/// One step of a walk: where it is, where it came from, how deep.
#[derive(Clone, Copy)]
struct Step {
    place: usize,
    from: Option<usize>,
    depth: i32,
    mode: Mode,
    circles: Circles,
}

/// What the look at one successor says.
enum Next {
    /// Go on with the next one.
    On,
    /// Leave the others alone.
    Enough,
    /// There is a circle.
    Circle,
}

impl Run<'_> {
    /// Numbers every place, then guesses numbers of those without a script.
    pub(super) fn follow_all(&mut self) {
        let places = self.graph.in_order();
        for place in &places {
            for mode in [Mode::Start, Mode::Stop] {
                let depth = self.graph.places[*place].side(mode).lowest;
                self.follow(Step { place: *place, from: None, depth, mode, circles: Circles::Told });
            }
        }
        for place in &places {
            self.guess(*place, Mode::Start);
            self.guess(*place, Mode::Stop);
        }
    }

    /// Gives a script at least this number; what comes after it moves on.
    pub(super) fn raise(&mut self, place: usize, mode: Mode, number: i32) {
        let side = self.graph.places[place].side_mut(mode);
        side.lowest = side.lowest.max(number);
        if side.number >= side.lowest {
            return;
        }
        let depth = side.lowest;
        self.follow(Step { place, from: None, depth, mode, circles: Circles::Known });
        for place in self.graph.in_order() {
            self.guess(place, mode);
        }
    }

    pub(super) fn circle_told(&self) -> bool {
        self.graph.in_order().iter().any(|place| {
            let place = &self.graph.places[*place];
            place.start.circle_told || place.stop.circle_told
        })
    }

    fn levels_of(&self, place: usize, mode: Mode) -> Levels {
        self.graph.places[place].side(mode).levels
    }

    fn place_name(&self, place: usize) -> String {
        self.graph.services[self.graph.places[place].service].name.clone()
    }

    fn is_facility(&self, place: usize) -> bool {
        self.graph.services[self.graph.places[place].service].name.starts_with('$')
    }

    fn script_or_name(&self, place: usize) -> String {
        match self.graph.places[place].script {
            Some(script) => self.graph.scripts[script].clone(),
            None => self.place_name(place),
        }
    }

    /// Remembers that a place is in a circle; true if that is news.
    fn in_circle(&mut self, place: usize, mode: Mode) -> bool {
        !std::mem::replace(&mut self.graph.places[place].side_mut(mode).in_circle, true)
    }

    fn tell_two(&mut self, news: (usize, usize), names: (usize, usize), mode: Mode) {
        if self.in_circle(news.0, mode) || self.in_circle(news.1, mode) {
            let (first, second) = (self.place_name(names.0), self.place_name(names.1));
            self.warn(format!("There is a loop between service {first} and {second} if {}", done(mode)));
        }
    }

    /// Follows what comes after a place. It calls itself with a greater depth each time, so at most 99 deep.
    fn follow(&mut self, step: Step) {
        let Step { place, from, mode, circles, .. } = step;
        let mut depth = step.depth;
        if self.graph.places[place].side(mode).in_walk {
            if let Some(from) = from {
                self.tell_two((from, place), (place, from), mode);
            }
            return;
        }
        depth = depth.max(self.graph.places[place].side(mode).lowest);
        if depth > NUMBER_MAX {
            let name = self.place_name(place);
            if !std::mem::replace(&mut self.graph.places[place].side_mut(mode).depth_told, true) {
                self.warn(format!("Max recursions depth {NUMBER_MAX} for {name} reached"));
            }
            return;
        }
        let mut walked = 0;
        let mut at = Some(place);
        while let Some(here) = at {
            if walked > NUMBER_MAX {
                match from {
                    Some(from) => self.tell_two((from, here), (here, from), mode),
                    None if self.in_circle(here, mode) => self.tell_one(here, mode),
                    None => {}
                }
                break;
            }
            walked += 1;
            at = self.graph.places[here].side(mode).next.first().copied();
            if self.levels_of(place, mode) & self.levels_of(here, mode) == 0 {
                continue;
            }
            if from == Some(here) {
                if self.in_circle(here, mode) {
                    self.tell_one(here, mode);
                }
                break;
            }
            if !self.number(place, here, mode, &mut depth) {
                break;
            }
            self.graph.places[here].side_mut(mode).in_walk = true;
            let circle = self.successors(step, here, depth);
            self.graph.places[here].side_mut(mode).in_walk = false;
            if circle {
                let told = &mut self.graph.places[here].side_mut(mode).circle_told;
                if circles == Circles::Told && !std::mem::replace(told, true) {
                    let name = self.place_name(here);
                    self.warn(format!(" loop involving service {name} at depth {}", step.depth));
                }
                break;
            }
        }
    }

    fn tell_one(&mut self, place: usize, mode: Mode) {
        let name = self.place_name(place);
        self.warn(format!("There is a loop at service {name} if {}", done(mode)));
    }

    /// Brings number and depth together. False if nothing comes after this place, or the depth is used up.
    fn number(&mut self, root: usize, place: usize, mode: Mode, depth: &mut i32) -> bool {
        let side = self.graph.places[place].side_mut(mode);
        *depth = (*depth).max(side.number);
        side.number = *depth;
        let (number, levels, ends) = (side.number, side.levels, side.next.is_empty());
        if levels & NORMAL != 0 {
            let highest = match mode {
                Mode::Start => &mut self.start_max,
                Mode::Stop => &mut self.stop_max,
            };
            *highest = number.max(*highest);
        }
        if ends {
            return false;
        }
        if self.is_facility(place) {
            self.not_expanded(root);
            return true;
        }
        *depth += 1;
        let over = *depth > NUMBER_MAX;
        if over && !std::mem::replace(&mut self.graph.places[place].side_mut(mode).depth_told, true) {
            self.warn(format!("Max recursions depth {NUMBER_MAX} reached"));
        }
        !over
    }

    fn not_expanded(&mut self, place: usize) {
        let name = self.place_name(place);
        self.warn(format!("System facilities not fully expanded, see {name}!"));
    }

    /// Goes on to each that comes after `here`. True if there is a circle.
    fn successors(&mut self, step: Step, here: usize, depth: i32) -> bool {
        let last = self.graph.services[self.graph.places[here].service].flags.last;
        let count = self.graph.places[here].side(step.mode).next.len();
        for at in 0..count {
            let target = self.graph.places[here].side(step.mode).next[at];
            match self.successor(step, here, target, (depth, last)) {
                Next::On => {}
                Next::Enough => return false,
                Next::Circle => return true,
            }
        }
        false
    }

    fn successor(&mut self, step: Step, here: usize, target: usize, (depth, last): (i32, bool)) -> Next {
        let Step { place, from, mode, circles, .. } = step;
        if self.levels_of(place, mode) & self.levels_of(target, mode) == 0 {
            return Next::On;
        }
        if target == here || target == place {
            return Next::Enough;
        }
        if let Some(from) = from.filter(|from| *from == target) {
            self.tell_two((from, here), (from, here), mode);
            return Next::Circle;
        }
        let first = self.graph.services[self.graph.places[target].service].flags.first;
        let refused = match mode {
            Mode::Stop => first,
            Mode::Start => last,
        };
        if refused {
            self.not_true(here, target, mode);
            return Next::On;
        }
        if self.graph.places[target].side(mode).number >= depth {
            return Next::On;
        }
        self.follow(Step { place: target, from: Some(here), depth, mode, circles });
        let marked = |run: &Self, place: usize| run.graph.places[place].side(mode).in_circle;
        if marked(self, target) || marked(self, here) || from.is_some_and(|from| marked(self, from)) {
            return Next::Circle;
        }
        Next::On
    }

    fn not_true(&mut self, here: usize, target: usize, mode: Mode) {
        let (one, other) = (self.script_or_name(here), self.script_or_name(target));
        let what = match mode {
            Mode::Stop => format!("Stopping {one} depends on {other}"),
            Mode::Start => format!("Starting {other} depends on {one}"),
        };
        self.warn(format!("{what} and therefore on system facility `$all' which can not be true!"));
    }

    /// A place without a script goes just before the first that comes after it.
    fn guess(&mut self, place: usize, mode: Mode) {
        if self.graph.places[place].script.is_some() {
            return;
        }
        if self.is_facility(place) {
            self.not_expanded(place);
            return;
        }
        let next = &self.graph.places[place].side(mode).next;
        if next.is_empty() {
            return;
        }
        let mut lowest = NUMBER_MAX;
        let mut levels = 0;
        let first = next[0];
        let counted = next.iter().rev().take(NUMBER_MAX as usize);
        for later in std::iter::once(&first).chain(counted.take_while(|_| first != place)) {
            let side = self.graph.places[*later].side(mode);
            lowest = lowest.min(side.number);
            levels |= side.levels;
        }
        let side = self.graph.places[place].side_mut(mode);
        if lowest > 1 {
            side.number = lowest - 1;
            side.levels |= levels;
        } else {
            side.levels = BOOT;
        }
    }
}

fn done(mode: Mode) -> &'static str {
    match mode {
        Mode::Start => "started",
        Mode::Stop => "stopped",
    }
}
