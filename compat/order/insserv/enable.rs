//! One run: reading the arguments, reading the directory, ordering.

use std::collections::HashMap;

use super::follow::NUMBER_MAX;
use super::graph::{BOOT, Flags, Mode};
use super::links::shown_levels;
use super::run::{GaveUp, Run};
use super::{Answer, Care, File, Levels};
use crate::header::insserv::{Key, Strict, words};

impl<'a> Run<'a> {
    pub(super) fn all(&mut self) -> Result<(), GaveUp> {
        self.read_links()?;
        self.graph.forget_aliases();
        let passed_over = self.passed_over.map(|(file, _)| file);
        let files = self.directory.iter().chain(&passed_over);
        let texts: HashMap<&str, &[u8]> = files.map(|file| (file.name, file.text)).collect();
        for name in self.arguments.clone() {
            self.argument(name, texts.get(name).copied().unwrap_or_default())?;
        }
        if let Some((_, why)) = self.passed_over {
            self.warn(why.to_owned());
        }
        let first = self.arguments.first().copied();
        // Scripts come as the directory gives them, but the first argument before all others.
        let mut files = self.directory.clone();
        if let Some(at) = files.iter().position(|file| Some(file.name) == first) {
            let file = files.remove(at);
            files.insert(0, file);
        }
        for file in files {
            self.script(file)?;
        }
        self.graph.forget_aliases();
        self.last_and_first();
        self.follow_all();
        if self.circle_told() && self.care == Care::Strict {
            return self.give_up("exiting now without changing boot order!");
        }
        self.interactive_alone();
        if self.fault {
            return self.give_up("exiting now!");
        }
        if self.start_max > NUMBER_MAX || self.stop_max > NUMBER_MAX {
            return self.give_up(&format!("Maximum of {NUMBER_MAX} in ordering reached"));
        }
        Ok(())
    }

    pub(super) fn answer(mut self, done: Result<(), GaveUp>) -> Answer {
        let mut answer = Answer::default();
        match done {
            Ok(()) => {
                answer.all = self.show_all();
                (answer.boot, answer.start, answer.stop) = self.make_depend();
            }
            Err(GaveUp) => answer.exit = 1,
        }
        answer.messages = self.messages;
        answer
    }

    /// Reads a header with the complaints of the original.
    fn header(&mut self, name: &'a str, text: &[u8]) -> Result<Strict, GaveUp> {
        let header = self.plain_header(name, text)?;
        self.tell_tags(name, &header);
        Ok(header)
    }

    /// The same, but that there may be none is not told.
    pub(super) fn plain_header(&mut self, name: &'a str, text: &[u8]) -> Result<Strict, GaveUp> {
        let header = self.headers.entry(name).or_insert_with(|| Strict::read(text)).clone();
        // The original takes a name that begins so for a link.
        let shown = if name.starts_with(['S', 'K']) { name.get(3..).unwrap_or_default() } else { name };
        if header.begin && !header.end {
            let fatal = if self.care == Care::Strict { "FATAL: " } else { "" };
            self.warn(format!("{fatal}script {shown} is broken: missing end of LSB comment."));
            if self.care == Care::Strict {
                return self.give_up("exiting now!");
            }
        }
        if header.begin && header.end {
            self.complain(shown, &header);
        }
        Ok(header)
    }

    pub(super) fn tell_tags(&mut self, name: &str, header: &Strict) {
        let complete = header.begin && header.end;
        if !complete && !header.openrc {
            self.warn(format!("warning: script '{name}' missing LSB tags"));
        }
    }

    fn complain(&mut self, shown: &str, header: &Strict) {
        let missing: Vec<&str> = [
            (Key::Provides, "missing `Provides:' entry: please add."),
            (Key::RequiredStart, "missing `Required-Start:' entry: please add even if empty."),
            (Key::RequiredStop, "missing `Required-Stop:'  entry: please add even if empty."),
            (Key::DefaultStart, "missing `Default-Start:'  entry: please add even if empty."),
            (Key::DefaultStop, "missing `Default-Stop:'   entry: please add even if empty."),
        ]
        .into_iter()
        .filter_map(|(key, message)| match header.value(key) {
            None => Some(message),
            Some("") if key == Key::Provides => Some("missing valid name for `Provides:' please add."),
            Some(_) => None,
        })
        .collect();
        if !missing.is_empty() {
            self.warn(format!("script {shown} is broken: incomplete LSB comment."));
            self.messages.extend(missing.into_iter().map(String::from));
        }
    }

    /// A script of the command line: its names are made known, so that others find them.
    fn argument(&mut self, name: &'a str, text: &[u8]) -> Result<(), GaveUp> {
        if text.is_empty() {
            // What the original's last failing call left behind, and it is no failure.
            self.warn(format!("Could not read script {name}: No such file or directory"));
        }
        let mut header = self.header(name, text)?;
        if header.full(Key::Provides).is_none() {
            header.set(Key::Provides, name);
        }
        let mut first = None;
        for word in self.provided(name, &header) {
            let service = self.graph.service(&word);
            match first {
                Some(first) => self.graph.alias(first, service),
                None => first = Some(service),
            }
            self.graph.services[service].flags.argument = true;
        }
        Ok(())
    }

    /// The names a script may provide; the others are complained of.
    pub(super) fn provided(&mut self, name: &str, header: &Strict) -> Vec<String> {
        let mut out = Vec::new();
        for word in words(header.value(Key::Provides).unwrap_or_default()) {
            if word.starts_with('$') {
                self.warn(format!("script {name} provides system facility {word}, skipped!"));
            } else if word.starts_with('#') {
                self.warn(format!("script {name} provides facility {word} with comment sign, skipped!"));
            } else {
                out.push(word.to_string());
            }
        }
        out
    }

    /// A script of the directory.
    fn script(&mut self, file: File<'a>) -> Result<(), GaveUp> {
        let name = file.name;
        if file.text.is_empty() {
            self.warn(format!("Could not read script {name}: Success"));
        }
        let mut header = self.header(name, file.text)?;
        if header.openrc {
            for (key, value) in [
                (Key::RequiredStart, "$remote_fs $syslog"),
                (Key::RequiredStop, "$remote_fs $syslog"),
                (Key::DefaultStart, "2 3 4 5"),
                (Key::DefaultStop, "0 1 6"),
            ] {
                header.set(key, value);
            }
        }
        if header.full(Key::Provides).is_none() {
            header.set(Key::Provides, name);
            self.guess_levels(name, &mut header);
        }
        let mut first = None;
        let mut last = None;
        for word in self.provided(name, &header) {
            let service = self.graph.service(&word);
            last = Some(service);
            match first {
                Some(first) => self.graph.alias(first, service),
                None => first = Some(service),
            }
            if self.graph.provide(service, name) {
                self.read_service(service, file, &header)?;
            } else {
                let is_named = self.is_argument(name);
                if !(self.removes && is_named) {
                    self.warn(format!("script {name}: service {word} already provided!"));
                }
                self.fault |= self.care == Care::Strict && is_named;
                if self.removes {
                    last = Some(self.gives_way(name));
                }
            }
        }
        for (key, what) in [
            (Key::DefaultStart, "Default-Start undefined, assuming empty start"),
            (Key::DefaultStop, "Default-Stop  undefined, assuming empty stop"),
        ] {
            if header.value(key).is_none() {
                self.warn(format!("{what} runlevel(s) for script `{name}'"));
            }
        }
        if let Some(service) = last {
            self.add_levels(service, &header)?;
        }
        Ok(())
    }

    /// A script whose service another one provides gets a name of its own, so that its links can go.
    fn gives_way(&mut self, script: &str) -> usize {
        let service = self.graph.service(script);
        let service = self.graph.original(service);
        self.graph.services[service].flags.already = true;
        self.graph.provide(service, script);
        service
    }

    /// A script without a header is in the levels of another script that says it provides this name.
    fn guess_levels(&self, name: &str, header: &mut Strict) {
        let Some(service) = self.graph.find(name) else { return };
        for (key, mode) in [(Key::DefaultStart, Mode::Start), (Key::DefaultStop, Mode::Stop)] {
            let levels = self.graph.levels(service, mode);
            if levels != 0 && header.full(key).is_none() {
                header.set(key, &shown_levels(levels));
            }
        }
    }

    /// What the header says of one of the names that the script provides.
    fn read_service(&mut self, service: usize, file: File<'_>, header: &Strict) -> Result<(), GaveUp> {
        let known = std::mem::replace(&mut self.graph.services[service].flags.known, true);
        let full = |key: Key| header.full(key).map(String::from);
        if !known {
            for (key, mode, must) in [
                (Key::RequiredStart, Mode::Start, true),
                (Key::ShouldStart, Mode::Start, false),
                (Key::RequiredStop, Mode::Stop, true),
                (Key::ShouldStop, Mode::Stop, false),
            ] {
                if let Some(list) = full(key) {
                    self.request(service, mode, must, &list);
                }
            }
            if header.value(Key::Interactive) == Some("true") {
                self.graph.services[service].flags.interactive = true;
            }
        }
        for (key, mode) in [(Key::StartBefore, Mode::Start), (Key::StopAfter, Mode::Stop)] {
            if let Some(list) = full(key) {
                self.request_of_others(service, mode, &list);
            }
        }
        if let (Some(start), Some(stop)) = (header.value(Key::DefaultStart), header.value(Key::DefaultStop))
            && start.chars().any(|level| level != ' ' && stop.contains(level))
        {
            self.warn(format!(
                "Script `{}' has overlapping Default-Start and Default-Stop runlevels ({start}) and ({stop}). This \
                 should be fixed.",
                file.name
            ));
        }
        if self.is_argument(file.name) && self.removes {
            self.tell_dependents(service);
        } else if self.is_argument(file.name) && !self.required_are_here(service) {
            self.fault |= self.care == Care::Strict;
        }
        if self.graph.services[service].flags.enabled {
            return self.tell_override(service, file.name, header);
        }
        let place = self.graph.services[service].place;
        if let Some(levels) = full(Key::DefaultStart) {
            self.graph.places[place].start.levels = self.levels(&levels)?;
        }
        if let Some(levels) = full(Key::DefaultStop) {
            self.graph.places[place].stop.levels = self.levels(&levels)?;
        }
        Ok(())
    }

    fn add_levels(&mut self, service: usize, header: &Strict) -> Result<(), GaveUp> {
        let service = self.graph.original(service);
        if self.graph.services[service].flags.enabled {
            return Ok(());
        }
        let place = self.graph.services[service].place;
        if let Some(levels) = header.full(Key::DefaultStart) {
            self.graph.places[place].start.levels |= self.levels(levels)?;
        }
        if let Some(levels) = header.full(Key::DefaultStop) {
            self.graph.places[place].stop.levels |= self.levels(levels)?;
        }
        Ok(())
    }

    pub(super) fn levels(&mut self, list: &str) -> Result<Levels, GaveUp> {
        let mut out = 0;
        for word in list.split([' ', ',', ';', '\t']) {
            match word.as_bytes() {
                [level @ b'0'..=b'6'] => out |= 1 << (level - b'0'),
                [b's' | b'S'] => out |= BOOT,
                [b'b' | b'B'] => return self.give_up("Wrong runlevel key 'B'"),
                _ => {}
            }
        }
        Ok(out)
    }

    /// Whether every service that this one must have is among the arguments.
    fn required_are_here(&mut self, service: usize) -> bool {
        let service = self.graph.original(service);
        let mut all_here = true;
        for need in self.graph.services[service].needs.clone() {
            let required = self.graph.original(need.service);
            let Flags { argument, enabled, warned, .. } = self.graph.services[required].flags;
            if !need.must || argument || enabled {
                continue;
            }
            all_here = false;
            if !warned {
                let (one, other) = (&self.graph.services[need.service].name, &self.graph.services[service].name);
                let message = format!("FATAL: service {one} has to be enabled to use service {other}");
                self.warn(message);
                self.graph.services[required].flags.warned = true;
            }
        }
        all_here
    }

    /// `$all`: such scripts stop before and start after every other.
    fn last_and_first(&mut self) {
        for mode in [Mode::Stop, Mode::Start] {
            let services = &self.graph.services;
            let extreme = |flags: &Flags| if mode == Mode::Stop { flags.first } else { flags.last };
            let ours: Vec<usize> = (0..services.len()).filter(|at| !services[*at].flags.duplicate).collect();
            let chosen: Vec<usize> = ours
                .iter()
                .copied()
                .filter(|at| extreme(&services[*at].flags) && services[*at].script.is_some())
                .collect();
            for service in chosen {
                for other in &ours {
                    let same = self.graph.levels(service, mode) & self.graph.levels(*other, mode) != 0;
                    if same && *other != service && !extreme(&self.graph.services[*other].flags) {
                        let name = self.graph.services[*other].name.clone();
                        self.request(service, mode, false, &name);
                    }
                }
                if mode == Mode::Stop
                    && let Some(script) = self.graph.script_name(service).map(String::from)
                    && let Some(place) = self.graph.place_of(&script)
                {
                    self.graph.places[place].stop.number = self.graph.places[place].stop.number.max(1);
                }
            }
        }
    }

    /// An interactive script is alone at its number: the others of that number move on.
    fn interactive_alone(&mut self) {
        let interactive: Vec<usize> = (0..self.graph.services.len())
            .filter(|at| {
                let service = &self.graph.services[*at];
                service.flags.interactive && service.script.is_some() && !service.flags.duplicate
            })
            .collect();
        for number in 0..100 {
            for service in &interactive {
                if self.start_number(*service) != number {
                    continue;
                }
                for other in 0..self.graph.services.len() {
                    let same = self.graph.levels(*service, Mode::Start) & self.graph.levels(other, Mode::Start) != 0;
                    if self.graph.original(other) == *service || !same || self.start_number(other) != number {
                        continue;
                    }
                    if let Some(script) = self.graph.script_name(other).map(String::from)
                        && let Some(place) = self.graph.place_of(&script)
                    {
                        self.raise(place, Mode::Start, number + 1);
                    }
                }
            }
        }
    }

    /// The number of the script that provides this, or -1.
    fn start_number(&self, service: usize) -> i32 {
        let place = self.graph.script_name(service).and_then(|script| self.graph.place_of(script));
        place.map_or(-1, |place| self.graph.places[place].start.number)
    }
}
