//! Services and the scripts that provide them.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

use super::Levels;

/// Runlevels 0 to 6.
pub(super) const NORMAL: Levels = 0x7f;
/// Runlevel S.
pub(super) const BOOT: Levels = 0x80;

/// Starting or stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Start,
    Stop,
}

/// A requirement that one service has of another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) service: usize,
    pub(super) must: bool,
}

/// What is known of a service, by flags as the original keeps them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    /// Its script has been read.
    pub(super) known: bool,
    pub(super) interactive: bool,
    /// Linked somewhere.
    pub(super) enabled: bool,
    /// Starts after all others.
    pub(super) last: bool,
    /// Stops before all others.
    pub(super) first: bool,
    /// Another name of a service.
    pub(super) duplicate: bool,
    /// Its script was named on the command line.
    pub(super) argument: bool,
    pub(super) warned: bool,
    /// Another script provides what this one does.
    pub(super) already: bool,
}

impl Flags {
    fn join(&mut self, other: Self) {
        self.known |= other.known;
        self.interactive |= other.interactive;
        self.enabled |= other.enabled;
        self.last |= other.last;
        self.first |= other.first;
        self.argument |= other.argument;
        self.warned |= other.warned;
        self.already |= other.already;
        self.duplicate |= other.duplicate;
    }
}

/// A name that is provided or required.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) name: String,
    /// The place that has its links and levels; other names of one script share it.
    pub(super) place: usize,
    pub(super) flags: Flags,
    /// How many links it has.
    pub(super) links: i32,
    pub(super) script: Option<usize>,
    /// What starts before it.
    pub(super) needs: Vec<Need>,
    /// What stops before it.
    pub(super) stops: Vec<Need>,
}

/// One direction of a place.
#[derive(Clone, Debug)]
pub(super) struct Side {
    /// Places that come after it.
    pub(super) next: Vec<usize>,
    pub(super) levels: Levels,
    /// The lowest number it can have.
    pub(super) lowest: i32,
    pub(super) number: i32,
    pub(super) in_walk: bool,
    pub(super) in_circle: bool,
    pub(super) circle_told: bool,
    pub(super) depth_told: bool,
}

impl Side {
    fn new() -> Self {
        Self {
            next: Vec::new(),
            levels: 0,
            lowest: 1,
            number: 0,
            in_walk: false,
            in_circle: false,
            circle_told: false,
            depth_told: false,
        }
    }
}

/// What one script is in the order.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) service: usize,
    pub(super) script: Option<usize>,
    pub(super) start: Side,
    pub(super) stop: Side,
    /// It was the place of what is now another name.
    pub(super) gone: bool,
    /// The names that share it.
    names: Vec<usize>,
}

impl Place {
    pub(super) fn side(&self, mode: Mode) -> &Side {
        match mode {
            Mode::Start => &self.start,
            Mode::Stop => &self.stop,
        }
    }

    pub(super) fn side_mut(&mut self, mode: Mode) -> &mut Side {
        match mode {
            Mode::Start => &mut self.start,
            Mode::Stop => &mut self.stop,
        }
    }
}

/// Everything together.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) services: Vec<Service>,
    pub(super) places: Vec<Place>,
    /// Places in their order, also those that are gone.
    pub(super) order: Vec<usize>,
    pub(super) scripts: Vec<String>,
    by_name: HashMap<String, usize>,
    by_script: HashMap<String, Vec<usize>>,
    linked: Pairs,
    needed: Pairs,
}

/// Pairs of indices, each for starting or stopping, that are there already.
#[derive(Debug, Default)]
struct Pairs(HashSet<u64, BuildHasherDefault<Mix>>);

impl Pairs {
    fn key(mode: Mode, one: usize, other: usize) -> u64 {
        // Indices are far below 2^31: there is one service for a word of a file.
        (one as u64) << 32 | (other as u64) << 1 | u64::from(mode == Mode::Stop)
    }

    /// Adds a pair; true if it is new.
    fn insert(&mut self, mode: Mode, one: usize, other: usize) -> bool {
        self.0.insert(Self::key(mode, one, other))
    }

    fn contains(&self, mode: Mode, one: usize, other: usize) -> bool {
        self.0.contains(&Self::key(mode, one, other))
    }

    fn remove(&mut self, mode: Mode, one: usize, other: usize) {
        self.0.remove(&Self::key(mode, one, other));
    }
}

/// Indices are nobody's to choose, so they need no keyed hash.
#[derive(Debug, Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 29);
    }
}

impl Graph {
    /// The service of this name, new if it was not there.
    pub(super) fn service(&mut self, name: &str) -> usize {
        if let Some(found) = self.by_name.get(name) {
            return *found;
        }
        let service = self.services.len();
        let place = self.places.len();
        self.services.push(Service {
            name: name.to_string(),
            place,
            flags: Flags::default(),
            links: 0,
            script: None,
            needs: Vec::new(),
            stops: Vec::new(),
        });
        self.places.push(Place {
            service,
            script: None,
            start: Side::new(),
            stop: Side::new(),
            gone: false,
            names: vec![service],
        });
        self.order.push(place);
        self.by_name.insert(name.to_string(), service);
        service
    }

    /// The places that count, in order.
    pub(super) fn in_order(&self) -> Vec<usize> {
        self.order.iter().copied().filter(|place| !self.places[*place].gone).collect()
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The service whose other name this may be.
    pub(super) fn original(&self, service: usize) -> usize {
        self.places[self.services[service].place].service
    }

    pub(super) fn levels(&self, service: usize, mode: Mode) -> Levels {
        self.places[self.services[service].place].side(mode).levels
    }

    pub(super) fn script_name(&self, service: usize) -> Option<&str> {
        self.services[service].script.map(|script| self.scripts[script].as_str())
    }

    /// The place of a script: of several the newest.
    pub(super) fn place_of(&self, script: &str) -> Option<usize> {
        let places = self.by_script.get(script)?;
        places.iter().rev().copied().find(|place| !self.places[*place].gone)
    }

    /// Lets one place come after another, once.
    pub(super) fn link(&mut self, later: usize, earlier: usize, mode: Mode) {
        if later != earlier && self.linked.insert(mode, earlier, later) {
            self.places[earlier].side_mut(mode).next.push(later);
        }
    }

    /// Adds a requirement, or makes one stronger.
    pub(super) fn need(&mut self, of: usize, need: Need, mode: Mode) {
        let new = self.needed.insert(mode, of, need.service);
        let list = match mode {
            Mode::Start => &mut self.services[of].needs,
            Mode::Stop => &mut self.services[of].stops,
        };
        if new {
            list.push(need);
        } else if need.must
            && let Some(old) = list.iter_mut().find(|old| old.service == need.service)
        {
            old.must = true;
        }
    }

    /// Makes a name another name of a service.
    pub(super) fn alias(&mut self, original: usize, other: usize) {
        let (place, old) = (self.services[original].place, self.services[other].place);
        if place == old || self.places[old].script.is_some_and(|script| Some(script) != self.places[place].script) {
            return;
        }
        for mode in [Mode::Start, Mode::Stop] {
            let next = std::mem::take(&mut self.places[old].side_mut(mode).next);
            for later in next {
                self.link(later, place, mode);
            }
            let side = self.places[old].side(mode).clone();
            let joined = self.places[place].side_mut(mode);
            joined.levels |= side.levels;
            joined.in_circle |= side.in_circle;
        }
        self.places[old].gone = true;
        self.places[old].names.retain(|name| *name != other);
        self.places[place].names.push(other);
        let flags = self.services[other].flags;
        self.services[original].flags.join(flags);
        self.services[other].flags.duplicate = true;
        self.services[other].place = place;
        for mode in [Mode::Start, Mode::Stop] {
            let list = match mode {
                Mode::Start => std::mem::take(&mut self.services[other].needs),
                Mode::Stop => std::mem::take(&mut self.services[other].stops),
            };
            for need in list {
                self.needed.remove(mode, other, need.service);
                // What the service itself needs already stays as strong as it was.
                if !self.needed.contains(mode, original, need.service) {
                    self.need(original, need, mode);
                }
            }
        }
    }

    /// Takes out what leads to places of other names.
    pub(super) fn forget_aliases(&mut self) {
        let gone: Vec<bool> = self.places.iter().map(|place| self.services[place.service].flags.duplicate).collect();
        for place in self.in_order() {
            for mode in [Mode::Start, Mode::Stop] {
                self.places[place].side_mut(mode).next.retain(|later| *later == place || !gone[*later]);
            }
        }
    }

    /// Notes that a script provides a service. False if another script does.
    pub(super) fn provide(&mut self, service: usize, script: &str) -> bool {
        let place = self.services[service].place;
        if let Some(known) = self.places[place].script {
            return self.scripts[known] == script;
        }
        let id = match self.place_of(script).and_then(|other| self.places[other].script) {
            Some(id) => id,
            None => {
                self.scripts.push(script.to_string());
                self.services[service].script = Some(self.scripts.len() - 1);
                self.scripts.len() - 1
            }
        };
        self.places[place].script = Some(id);
        self.by_script.entry(script.to_string()).or_default().push(place);
        // Other names of it learn the script too.
        for name in self.places[place].names.clone() {
            if name != service && self.services[name].script.is_none() {
                self.services[name].script = Some(id);
            }
        }
        true
    }
}
