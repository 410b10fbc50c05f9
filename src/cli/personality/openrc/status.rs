//! `rc-status`: what the services of the runlevels are doing.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use super::super::asker::say;
use super::super::called_as;
use super::super::getopt::{Known, Options, Takes, option};
use super::deptree::Tree;
use super::state::{Main, State, States};
use super::{
    BOOT, Given, Manner, STATES, SYSINIT, current, is_in, is_runlevel, is_service, list, next, runlevels, services,
    services_in, with_common,
};

const KNOWN: [Known; 14] = with_common([
    option("all", 'a', Takes::Nothing),
    option("crashed", 'c', Takes::Nothing),
    option("format", 'f', Takes::Value),
    option("list", 'l', Takes::Nothing),
    option("manual", 'm', Takes::Nothing),
    option("runlevel", 'r', Takes::Nothing),
    option("servicelist", 's', Takes::Nothing),
    option("supervised", 'S', Takes::Nothing),
    option("unused", 'u', Takes::Nothing),
]);

const HELP: &str = "\
usage: rc-status [OPTION...] [RUNLEVEL...]

  -a, --all          every runlevel
  -c, --crashed      what has crashed
  -f, --format ini   for programs
  -l, --list         the runlevels
  -m, --manual       what was started by hand
  -r, --runlevel     the current runlevel
  -s, --servicelist  every service
  -S, --supervised   what is supervised
  -u, --unused       what is in no runlevel
  -h, --help  -C, --nocolor  -V, --version  -v, --verbose  -q, --quiet
";
/// Where neither the environment nor a terminal says how wide a line is.
const COLUMNS: usize = 80;

struct Page {
    states: States,
    tree: Option<Tree>,
    ini: bool,
}

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    ExitCode::from(answer(words))
}

fn answer(line: &[String]) -> u8 {
    let mut manner = Manner::inherited();
    let mut page = Page { states: States::look(), tree: Tree::read(), ini: false };
    let mut options = Options::new(&KNOWN, line);
    let mut levels: Option<Vec<String>> = None;
    while let Some(given) = next(&mut options, &KNOWN, HELP, &mut manner, line.len()) {
        match given {
            Given::End(code) => return code,
            Given::Own('a', _) => levels = Some(runlevels()),
            Given::Own('f', Some(format)) if format.eq_ignore_ascii_case("ini") => page.ini = true,
            Given::Own('f', _) => {
                manner.error(&format!("{}: invalid argument to --format switch\n", called_as("rc-status")));
                return 1;
            }
            Given::Own('l', _) => {
                runlevels().iter().for_each(|level| say(&format!("{level}\n")));
                return 0;
            }
            Given::Own('r', _) => {
                say(&format!("{}\n", current()));
                return 0;
            }
            Given::Own(letter @ ('c' | 'm' | 's' | 'S' | 'u'), _) => return page.selection(letter),
            Given::Own(..) | Given::Done => {}
        }
    }
    let all = levels.is_some();
    let mut levels = levels.unwrap_or_default();
    let words = options.words();
    let mut given = false;
    for word in &words {
        if is_runlevel(word) {
            given = true;
            levels.push(word.clone());
        } else {
            manner.error(&format!("runlevel `{word}' does not exist"));
        }
    }
    if !words.is_empty() && !given {
        return 1;
    }
    if levels.is_empty() {
        levels.push(current());
    }
    page.levels(&levels);
    if all || !given {
        page.dynamic(if all { vec![current()] } else { levels });
    }
    0
}

impl Page {
    /// The lists that are asked for alone.
    fn selection(&self, letter: char) -> u8 {
        let started = || list(&format!("{STATES}/started"), is_service);
        let is_unused = |name: &String| !runlevels().iter().any(|level| is_in(name, level));
        let mut all = services();
        match letter {
            'c' => {
                let crashed: Vec<String> =
                    started().into_iter().filter(|name| super::state::has_crashed(name)).collect();
                crashed.iter().for_each(|name| say(&format!("{name}\n")));
                return u8::from(crashed.is_empty());
            }
            'S' => {
                all = started();
                all.retain(|name| super::below(&format!("{STATES}/options/{name}/child_pid")).exists());
            }
            'm' => all.retain(|name| {
                let state = self.states.of(name);
                is_unused(name) && state.main != Main::Stopped && !state.hotplugged
            }),
            'u' => all.retain(is_unused),
            _ => {}
        }
        self.services(None, &all, false);
        0
    }

    fn levels(&self, levels: &[String]) {
        for level in levels {
            self.title("", level);
            self.services(Some(level), &services_in(level), self.ini);
            for other in stacked(level).into_iter().filter(|other| !levels.contains(other)) {
                self.title("Stacked ", &other);
                self.services(Some(&other), &services_in(&other), self.ini);
            }
        }
    }

    /// What is in no runlevel and not stopped either.
    fn dynamic(&self, mut levels: Vec<String>) {
        self.title("Dynamic ", "hotplugged");
        self.services(None, &list(&format!("{STATES}/hotplugged"), is_service), self.ini);
        levels.extend([SYSINIT.to_owned(), BOOT.to_owned()]);
        let linked: Vec<String> = levels.iter().flat_map(|level| stacked_services(level)).collect();
        let mut others = services();
        others.retain(|name| {
            let state = self.states.of(name);
            let idle = state.main == Main::Stopped || state.hotplugged;
            state.failed || !(linked.contains(name) || idle)
        });
        let mut needed = Vec::new();
        for level in &levels {
            others.retain(|name| {
                let is_needed =
                    self.tree.as_ref().is_some_and(|tree| !tree.dependents(name, level, &self.states).is_empty());
                if is_needed {
                    needed.push(name.clone());
                }
                !is_needed
            });
        }
        self.title("Dynamic ", "needed/wanted");
        self.services(None, &needed, self.ini);
        self.title("Dynamic ", "manual");
        self.services(None, &others, self.ini);
    }

    fn title(&self, prefix: &str, level: &str) {
        say(&if self.ini { format!("[{prefix}{level}]\n") } else { format!("{prefix}Runlevel: {level}\n") });
    }

    /// In the order in which they would start, where that is known.
    fn services(&self, level: Option<&str>, names: &[String], ini: bool) {
        let in_level = |name: &&String| level.is_none_or(|level| is_in(name, level));
        let Some(tree) = &self.tree else {
            names.iter().filter(in_level).for_each(|name| self.service(name, ini));
            return;
        };
        let now = current();
        let order = tree.in_order(names, Some(level.unwrap_or(&now)), &self.states);
        for name in order.iter().filter(|name| names.contains(name)).filter(in_level) {
            self.service(name, ini);
        }
    }

    fn service(&self, name: &str, ini: bool) {
        let word = word(&self.states.of(name));
        if ini {
            return say(&format!("{name} = {word}\n"));
        }
        let width = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
        let width: usize =
            width.or_else(|| terminal_size::terminal_size().map(|size| size.0.0.into())).unwrap_or(COLUMNS);
        let gap = width.saturating_sub(word.len() + 5).saturating_sub(name.len() + 1);
        say(&format!(" {name}{} [ {word} ]\n", " ".repeat(gap)));
    }
}

/// The blanks are the original's.
fn word(state: &State) -> String {
    match state.main {
        Main::Stopping => "stopping ".to_owned(),
        Main::Starting => "starting ".to_owned(),
        Main::Inactive => "inactive ".to_owned(),
        Main::Started if state.crashed => " crashed ".to_owned(),
        Main::Started => format!(" started {}", state.since.map(uptime).unwrap_or_default()),
        Main::Stopped if state.scheduled => "scheduled".to_owned(),
        Main::Stopped if state.failed => "failed".to_owned(),
        Main::Stopped => " stopped ".to_owned(),
    }
}

fn uptime(since: Duration) -> String {
    let seconds = since.as_secs();
    let clock = format!("{:02}:{:02}:{:02} (0)", seconds % 86_400 / 3600, seconds % 3600 / 60, seconds % 60);
    match seconds / 86_400 {
        0 => clock,
        days => format!("{days} day(s) {clock}"),
    }
}

/// A runlevel and those that are linked into it, each once.
fn stacked(level: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open = vec![level.to_owned()];
    while let Some(level) = open.pop() {
        if is_runlevel(&level) && !found.contains(&level) {
            let mut inside = list(&format!("{}/{level}", super::RUNLEVELS), std::path::Path::is_dir);
            inside.reverse();
            open.extend(inside);
            found.push(level);
        }
    }
    found
}

fn stacked_services(level: &str) -> Vec<String> {
    stacked(level).iter().flat_map(|level| services_in(level)).collect()
}
