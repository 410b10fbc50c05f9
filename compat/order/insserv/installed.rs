//! Links that are there already: what they say of the order, and what becomes of them when a script comes or goes.

use super::graph::{BOOT, Flags, Mode};
use super::links::LEVELS;
use super::run::{GaveUp, Run};
use super::{Answer, Care, File, Levels};
use crate::facility::Facilities;
use crate::header::insserv::{Key, Strict};

/// One entry of a directory of links.
#[derive(Clone, Copy, Debug)]
pub struct Linked<'a> {
    /// `0` to `6`, or `S`.
    pub level: char,
    /// Its name there.
    pub name: &'a str,
    /// The name of the file it leads to; none if it is no link.
    pub target: Option<&'a str>,
    /// What is in that file, or in its override; none if there is no such file.
    pub text: Option<&'a [u8]>,
}

/// A machine as it is.
#[derive(Clone, Copy, Debug)]
pub struct Installed<'a> {
    /// The scripts, in the order in which the directory gives them.
    pub directory: &'a [File<'a>],
    /// The links, by level, in the order in which their directories give them.
    pub links: &'a [Linked<'a>],
    /// A named script that is none of the directory's, and why.
    pub passed_over: Option<(File<'a>, &'a str)>,
    /// What facilities stand for.
    pub facilities: &'a Facilities,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed<'a> {
    /// This script is linked.
    Add(&'a str),
    /// The links of this script go.
    Remove(&'a str),
    /// The links are brought into order.
    Nothing,
}

/// A change of one link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It goes.
    Remove {
        /// `0` to `6`, or `S`.
        level: char,
        /// Its name.
        name: String,
    },
    /// It is made.
    Make {
        /// `0` to `6`, or `S`.
        level: char,
        /// Its name.
        name: String,
        /// The script it leads to.
        script: String,
    },
}

/// Brings the links of a machine into order, as `insserv -f` does it, and links or unlinks one script.
pub fn rearrange(machine: Installed<'_>, deed: Deed<'_>) -> (Answer, Vec<Edit>) {
    let arguments: &[&str] = match &deed {
        Deed::Add(name) | Deed::Remove(name) => &[name],
        Deed::Nothing => &[],
    };
    let mut run = Run::new(machine.directory, arguments, machine.facilities, Care::Force);
    run.removes = matches!(deed, Deed::Remove(_));
    run.links = machine.links.to_vec();
    run.passed_over = machine.passed_over;
    let done = run.all();
    if done.is_ok() {
        run.edit_links();
    }
    let edits = std::mem::take(&mut run.edits);
    (run.answer(done), edits)
}

/// `S20web` in parts: its kind, and what follows two digits. Some have more digits, and their name begins with those.
fn parts(name: &str) -> Option<(char, usize, &str)> {
    let kind = name.chars().next().filter(|kind| matches!(kind, 'S' | 'K'))?;
    let digits = name[1..].bytes().take_while(u8::is_ascii_digit).count();
    (digits >= 2).then(|| (kind, digits, &name[3..]))
}

fn bit(level: char) -> Levels {
    LEVELS.iter().find(|(known, ..)| *known == level).map_or(0, |(_, bit, _)| *bit)
}

impl<'a> Run<'a> {
    /// Reads the links: their levels count, not those of the headers.
    pub(super) fn read_links(&mut self) -> Result<(), GaveUp> {
        for link in self.links.clone() {
            let Some((kind, _, rest)) = parts(link.name) else { continue };
            let Some(text) = link.text else {
                self.edits.push(Edit::Remove { level: link.level, name: link.name.to_owned() });
                continue;
            };
            let mut header = self.plain_header(link.name, text)?;
            let Some(target) = link.target else {
                let (level, name) = (link.level, link.name);
                self.warn(format!("warning: script is corrupt or invalid: /etc/init.d/../rc{level}.d/{name}"));
                continue;
            };
            if header.full(Key::Provides).is_none() {
                header.set(Key::Provides, rest);
            }
            let mut first = None;
            for word in self.provided(link.name, &header) {
                let service = self.graph.service(&word);
                let place = self.graph.services[service].place;
                let mode = if kind == 'K' { Mode::Stop } else { Mode::Start };
                self.graph.places[place].side_mut(mode).levels |= bit(link.level);
                match first {
                    Some(first) => self.graph.alias(first, service),
                    None => first = Some(service),
                }
                if self.graph.provide(service, target) {
                    self.read_linked(service, link.name, &header);
                }
            }
        }
        Ok(())
    }

    fn read_linked(&mut self, service: usize, name: &str, header: &Strict) {
        let found = &mut self.graph.services[service];
        found.links += 1;
        if found.flags.known {
            return;
        }
        (found.flags.known, found.flags.enabled) = (true, true);
        self.tell_tags(name, header);
        let full = |key: Key| header.full(key).map(String::from);
        let lists = [
            (Key::RequiredStart, Mode::Start, Some(true)),
            (Key::ShouldStart, Mode::Start, Some(false)),
            (Key::StartBefore, Mode::Start, None),
            (Key::RequiredStop, Mode::Stop, Some(true)),
            (Key::ShouldStop, Mode::Stop, Some(false)),
            (Key::StopAfter, Mode::Stop, None),
        ];
        for (key, mode, own) in lists {
            match (full(key), own) {
                (Some(list), Some(must)) => self.request(service, mode, must, &list),
                (Some(list), None) => self.request_of_others(service, mode, &list),
                (None, _) => {}
            }
        }
        if header.value(Key::Interactive) == Some("true") {
            self.graph.services[service].flags.interactive = true;
        }
    }

    /// Levels of links that differ from those of the header are told of the script that is named.
    pub(super) fn tell_override(&mut self, service: usize, file: &str, header: &Strict) -> Result<(), GaveUp> {
        if self.removes || !self.is_argument(file) {
            return Ok(());
        }
        for (key, mode, word) in [(Key::DefaultStart, Mode::Start, "start"), (Key::DefaultStop, Mode::Stop, "stop")] {
            let now = self.graph.levels(service, mode);
            let shown = |levels: Levels, none: &str| {
                let text = super::links::shown_levels(levels);
                if text.is_empty() { none.to_owned() } else { text }
            };
            let default = match (header.value(key), header.full(key)) {
                (_, Some(list)) => {
                    let levels = self.levels(list)?;
                    // The original prints what the C library makes of no text.
                    (levels != now).then(|| shown(levels, "(null)"))
                }
                (Some(_), None) => (now != 0).then(|| "empty".to_owned()),
                (None, None) => None,
            };
            if let Some(default) = default {
                let now = shown(now, "empty");
                self.warn(format!(
                    "warning: current {word} runlevel(s) ({now}) of script `{file}' overrides LSB defaults ({default})."
                ));
            }
        }
        Ok(())
    }

    /// Tells who is linked and must have what goes.
    pub(super) fn tell_dependents(&mut self, service: usize) {
        let name = self.graph.services[service].name.clone();
        let mut messages = Vec::new();
        for other in &self.graph.services {
            if !other.flags.enabled || other.flags.duplicate {
                continue;
            }
            for need in &other.needs {
                let required = &self.graph.services[need.service];
                if need.must && required.name == name && !(other.flags.argument && required.flags.argument) {
                    messages.push(format!("FATAL: service {name} has to be enabled to use service {}", other.name));
                }
            }
        }
        messages.into_iter().for_each(|message| self.warn(message));
    }

    /// Brings the links into order, level by level.
    fn edit_links(&mut self) {
        for (level, bit, seen) in LEVELS {
            let here = |link: &&Linked<'_>| link.level == level && (link.text.is_some() || parts(link.name).is_none());
            let mut names: Vec<String> = self.links.iter().filter(here).map(|link| link.name.to_owned()).collect();
            self.take_out(level, bit, &mut names);
            for place in self.graph.in_order() {
                let place = &self.graph.places[place];
                let service = place.service;
                let Some(script) = self.graph.script_name(service).map(String::from) else { continue };
                if (place.start.levels | place.stop.levels) & seen == 0 || script.starts_with('$') {
                    continue;
                }
                let (kind, number) = if place.stop.levels & bit != 0 {
                    ('K', place.stop.number)
                } else if place.start.levels & bit != 0 {
                    ('S', place.start.number)
                } else {
                    continue;
                };
                // Nothing is stopped in runlevel S.
                if kind == 'K' && bit == BOOT {
                    continue;
                }
                self.edit_script(level, service, (kind, number, &script), &mut names);
            }
        }
    }

    /// Takes out what does not belong into a directory: in that of boot, and of a script that gives way to another.
    fn take_out(&mut self, level: char, bit: Levels, names: &mut Vec<String>) {
        for name in names.clone() {
            let Some((kind, 2, script)) = parts(&name) else { continue };
            let mode = if kind == 'K' { Mode::Stop } else { Mode::Start };
            let places = self.graph.in_order();
            let belongs_elsewhere = places.iter().any(|place| {
                let place = &self.graph.places[*place];
                place.script.is_some_and(|known| self.graph.scripts[known] == script)
                    && place.side(mode).levels & bit == 0
            });
            let service = self.graph.place_of(script).map(|place| self.graph.places[place].service);
            let already = service.is_some_and(|service| self.graph.services[service].flags.already);
            if belongs_elsewhere && (bit == BOOT || (self.removes && already)) {
                names.retain(|other| *other != name);
                self.unlink(level, service, &name);
            }
        }
    }

    fn edit_script(&mut self, level: char, service: usize, link: (char, i32, &str), names: &mut Vec<String>) {
        let (kind, number, script) = link;
        let wanted = format!("{kind}{number:02}{script}");
        let named = self.is_argument(script);
        let is_link = |name: &&String| parts(name).is_some_and(|(other, _, rest)| other == kind && rest == script);
        let there: Vec<String> = names.iter().filter(is_link).cloned().collect();
        for name in &there {
            if *name != wanted {
                names.retain(|other| other != name);
                self.unlink(level, Some(service), name);
                if !(named && self.removes) {
                    self.relink(level, service, (&wanted, script), names);
                }
            } else if named && self.removes {
                names.retain(|other| other != name);
                self.unlink(level, Some(service), name);
            }
        }
        if named && !self.removes && there.is_empty() {
            self.relink(level, service, (&wanted, script), names);
        }
    }

    fn unlink(&mut self, level: char, service: Option<usize>, name: &str) {
        self.edits.push(Edit::Remove { level, name: name.to_owned() });
        if let Some(service) = service {
            let service = &mut self.graph.services[service];
            service.links -= 1;
            let Flags { enabled, .. } = &mut service.flags;
            *enabled &= service.links > 0;
        }
    }

    fn relink(&mut self, level: char, service: usize, (name, script): (&str, &str), names: &mut Vec<String>) {
        if names.iter().any(|other| other == name) {
            let place = format!("/etc/init.d/../rc{level}.d/{name}");
            self.warn(format!("can not symlink(../init.d/{script}, {place}): File exists"));
        } else {
            names.push(name.to_owned());
            self.edits.push(Edit::Make { level, name: name.to_owned(), script: script.to_owned() });
        }
        let service = &mut self.graph.services[service];
        service.links += 1;
        service.flags.enabled = true;
    }
}
