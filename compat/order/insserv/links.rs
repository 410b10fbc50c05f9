//! The links of the rcN.d directories.

use super::graph::{BOOT, NORMAL};
use super::run::Run;
use super::{Levels, Link};

/// The directories in the order in which they are filled, with the scripts that are looked at.
pub(super) const LEVELS: [(char, Levels, Levels); 8] = [
    ('0', 0x01, NORMAL),
    ('1', 0x02, NORMAL),
    ('2', 0x04, NORMAL),
    ('3', 0x08, NORMAL),
    ('4', 0x10, NORMAL),
    ('5', 0x20, NORMAL),
    ('6', 0x40, NORMAL),
    ('S', BOOT, BOOT),
];

/// Runlevels as they are written in a header.
pub(super) fn shown_levels(levels: Levels) -> String {
    let names = LEVELS.iter().filter(|(_, bit, _)| levels & bit != 0);
    names.map(|(level, ..)| level.to_string()).collect::<Vec<_>>().join(" ")
}

impl Run<'_> {
    /// Links every script of the command line.
    pub(super) fn make_links(&mut self) -> Vec<Link> {
        let mut out = Vec::new();
        let places = self.graph.in_order();
        for (level, bit, seen) in LEVELS {
            for place in &places {
                let place = &self.graph.places[*place];
                let (start, stop, service) = (&place.start, &place.stop, place.service);
                let Some(script) = self.graph.script_name(service).map(String::from) else { continue };
                if (start.levels | stop.levels) & seen == 0 || script.starts_with('$') {
                    continue;
                }
                let (kind, number) = if stop.levels & bit != 0 {
                    ('K', stop.number)
                } else if start.levels & bit != 0 {
                    ('S', start.number)
                } else {
                    continue;
                };
                // Nothing is stopped in runlevel S.
                if !self.is_argument(&script) || (kind == 'K' && bit == BOOT) {
                    continue;
                }
                let number = u8::try_from(number).unwrap_or(u8::MAX);
                out.push(Link { level, kind, number, script });
                let service = &mut self.graph.services[service];
                service.links += 1;
                service.flags.enabled = true;
            }
        }
        out
    }

    /// What `-s` prints.
    pub(super) fn show_all(&self) -> Vec<String> {
        let mut out = Vec::new();
        for (kind, highest) in [('K', self.stop_max), ('S', self.start_max)] {
            if highest == 0 {
                continue;
            }
            for place in self.graph.in_order() {
                let place = &self.graph.places[place];
                let side = if kind == 'K' { &place.stop } else { &place.start };
                let levels = shown_levels(side.levels);
                if let Some(script) = self.graph.script_name(place.service)
                    && !levels.is_empty()
                {
                    out.push(format!("{kind}:{:02}:{levels}:{script}", side.number));
                }
            }
        }
        out
    }
}
