//! How a play goes through the commands of a text.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::record::{Assumed, How};
use super::syntax::{self, Node, Redirect, Simple, Spot, Word, assigned};
use super::{PID, Player, STEPS_MAX, UNKNOWN, is_unknown, question};
use crate::shell::glob;
use crate::text::base_name;

/// Times that a loop is gone through.
const ROUNDS_MAX: usize = 40;
/// And where only running would tell when it ends.
const ROUNDS_UNSURE_MAX: usize = 2;

/// A variable.
#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub(super) value: String,
    pub(super) spot: Spot,
    pub(super) exported: bool,
    /// The variables that the value is made of, and what those were made of.
    pub(super) made_of: Rc<BTreeSet<String>>,
}

/// Where it goes on after a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break(usize),
    Continue(usize),
    Return,
    Exit,
}

/// Where a loop goes on after a round.
enum Round {
    Next,
    Last,
    Out(Flow),
}

impl Flow {
    fn after_round(self) -> Round {
        match self {
            Self::Next | Self::Continue(0 | 1) => Round::Next,
            Self::Break(0 | 1) => Round::Last,
            Self::Break(more) => Round::Out(Self::Break(more - 1)),
            Self::Continue(more) => Round::Out(Self::Continue(more - 1)),
            Self::Return | Self::Exit => Round::Out(self),
        }
    }
}

impl Player<'_> {
    pub(super) fn set(&mut self, name: &str, value: String, spot: &Spot) {
        let exported = self.exports_all || self.variables.get(name).is_some_and(|old| old.exported);
        let variable = Variable { value, spot: spot.clone(), exported, made_of: Rc::default() };
        self.variables.insert(name.to_string(), variable);
    }

    /// Prints, to where the output goes.
    pub(super) fn print(&mut self, text: &str) {
        if let Some(output) = self.outputs.last_mut()
            && output.len() < 1 << 16
        {
            output.push_str(text);
        }
    }

    /// Ends a command with this code.
    pub(super) fn ends(&mut self, status: i32) -> Flow {
        (self.status, self.unsure) = (status, false);
        Flow::Next
    }

    /// Ends a command whose code only running would tell.
    pub(super) fn may_end(&mut self, status: i32) -> Flow {
        (self.status, self.unsure) = (status, true);
        Flow::Next
    }

    /// What a command prints.
    pub(super) fn capture(&mut self, command: &str, spot: &Spot) -> String {
        let node = syntax::read(&spot.file, spot.line, command.as_bytes());
        self.outputs.push(String::new());
        self.asking += 1;
        self.subshell(&node);
        self.asking -= 1;
        self.outputs.pop().unwrap_or_default()
    }

    pub(super) fn subshell(&mut self, node: &Node) {
        self.apart(|player| player.run(node));
    }

    /// Does something in a process of its own: what it sets is gone with it.
    pub(super) fn apart(&mut self, does: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let kept = (self.variables.clone(), self.arguments.clone(), self.context.clone());
        does(self);
        (self.variables, self.arguments, self.context) = kept;
        Flow::Next
    }

    pub(super) fn run(&mut self, node: &Node) -> Flow {
        if self.depth > super::DEPTH_MAX || self.steps > STEPS_MAX {
            return Flow::Exit;
        }
        self.depth += 1;
        let flow = self.run_node(node);
        self.depth -= 1;
        flow
    }

    fn run_node(&mut self, node: &Node) -> Flow {
        match node {
            Node::Simple(simple) => {
                let flow = self.simple(simple);
                let fails = self.stops_at_errors && self.asking == 0 && self.status != 0 && !self.unsure;
                if fails && flow == Flow::Next { Flow::Exit } else { flow }
            }
            Node::List(nodes) => {
                for node in nodes {
                    let flow = self.run(node);
                    if flow != Flow::Next {
                        return flow;
                    }
                }
                Flow::Next
            }
            Node::Pipe(nodes) => self.pipe(nodes),
            Node::Not(_) => match self.holds(node) {
                Ok(holds) => self.ends(i32::from(!holds)),
                Err(flow) => flow,
            },
            Node::And(left, right) => match self.holds(left) {
                Ok(true) => self.run(right),
                Ok(false) => Flow::Next,
                Err(flow) => flow,
            },
            Node::Or(left, right) if does_nothing(right) => self.whatever(left),
            Node::Or(left, right) => match self.holds(left) {
                Ok(true) => Flow::Next,
                Ok(false) => self.run(right),
                Err(flow) => flow,
            },
            Node::Background(inside) => {
                self.context.wrappers.push("&".to_string());
                self.subshell(inside);
                self.context.wrappers.pop();
                self.ends(0)
            }
            Node::If { arms, other } => {
                for (condition, body) in arms {
                    match self.holds(condition) {
                        Ok(true) => return self.run(body),
                        Ok(false) => {}
                        Err(flow) => return flow,
                    }
                }
                match other {
                    Some(body) => self.run(body),
                    None => self.ends(0),
                }
            }
            Node::Loop { until, condition, body } => self.rounds(*until, condition, body),
            Node::For { name, words, body } => self.each(name, words.as_deref(), body),
            Node::Case { subject, arms } => self.case(subject, arms),
            Node::Function { name, body } => {
                self.functions.insert(name.clone(), Rc::clone(body));
                self.ends(0)
            }
            Node::Subshell(inside) => {
                self.subshell(inside);
                Flow::Next
            }
            Node::Redirected(inside, redirects) => self.redirected(redirects, |player| player.run(inside)),
        }
    }

    /// `COMMAND || true`: it is run for what it does, whatever comes of it.
    fn whatever(&mut self, node: &Node) -> Flow {
        let stops = std::mem::replace(&mut self.stops_at_errors, false);
        let flow = self.run(node);
        self.stops_at_errors = stops;
        if flow == Flow::Next { self.ends(0) } else { flow }
    }

    fn pipe(&mut self, nodes: &[Node]) -> Flow {
        let kept = (self.input.take(), Rc::clone(&self.input_of));
        self.asking += 1;
        for (at, node) in nodes.iter().enumerate() {
            if at + 1 == nodes.len() {
                self.subshell(node);
            } else if nodes.get(at + 1).is_some_and(keeps_log) {
                // What is only logged is started all the same.
                let output = self.context.output.replace("/dev/log".to_string());
                self.subshell(node);
                self.context.output = output;
            } else {
                self.outputs.push(String::new());
                self.subshell(node);
                self.input = self.outputs.pop();
                self.input_of = Rc::new(self.roots(&self.used));
            }
        }
        self.asking -= 1;
        (self.input, self.input_of) = kept;
        Flow::Next
    }

    /// Whether a condition holds, so far as can be told; what was assumed is written down.
    fn holds(&mut self, node: &Node) -> Result<bool, Flow> {
        match node {
            Node::Not(inside) => return Ok(!self.holds(inside)?),
            Node::And(left, right) => return Ok(self.holds(left)? && self.holds(right)?),
            Node::Or(left, right) => return Ok(self.holds(left)? || self.holds(right)?),
            Node::List(nodes) => {
                let Some((last, before)) = nodes.split_last() else { return Ok(true) };
                for node in before {
                    let flow = self.run(node);
                    if flow != Flow::Next {
                        return Err(flow);
                    }
                }
                return self.holds(last);
            }
            _ => {}
        }
        self.asking += 1;
        let flow = self.run(node);
        self.asking -= 1;
        if flow != Flow::Next {
            return Err(flow);
        }
        let told = self.status == 0;
        let Some((command, spot)) = shown(node) else { return Ok(told) };
        let about = if question::is_about_values(&command) { self.used.clone() } else { BTreeSet::new() };
        let holds = self.answer(told, command, &spot, about);
        self.status = i32::from(!holds);
        Ok(holds)
    }

    /// One answer: as told, or turned round.
    fn answer(&mut self, told: bool, command: String, spot: &Spot, about: BTreeSet<String>) -> bool {
        let granted = !self.unsure && self.script.granted.contains(spot);
        let turned = granted != self.turned.contains(&self.record.answers);
        if self.unsure || self.script.verb == "start" {
            self.record.open_answers.push(self.record.answers);
        }
        self.record.answers += 1;
        let holds = told != turned;
        if turned || self.unsure {
            let against = turned && !self.unsure;
            let assumed = Assumed { command, holds, against, spot: spot.clone(), about };
            self.record.assumed.push(assumed);
        }
        holds
    }

    fn rounds(&mut self, until: bool, condition: &Node, body: &Node) -> Flow {
        let endless = usize::from(!until && does_nothing(condition));
        self.endless += endless;
        let flow = self.all_rounds(until, condition, body);
        self.endless -= endless;
        flow
    }

    fn all_rounds(&mut self, until: bool, condition: &Node, body: &Node) -> Flow {
        for round in 0..ROUNDS_MAX {
            let holds = match self.holds(condition) {
                Ok(holds) => holds,
                Err(flow) => return flow,
            };
            if holds == until || (self.unsure && round >= ROUNDS_UNSURE_MAX) {
                break;
            }
            match self.run(body).after_round() {
                Round::Next => {}
                Round::Last => break,
                Round::Out(flow) => return flow,
            }
        }
        self.ends(0)
    }

    fn each(&mut self, name: &str, words: Option<&[Word]>, body: &Node) -> Flow {
        let mut made_of = Rc::default();
        let (values, spot): (Vec<String>, Spot) = match words {
            Some(words) => {
                let spot = words.first().map(|word| word.spot.clone()).unwrap_or(self.here_spot());
                let kept = std::mem::take(&mut self.used);
                let values = words.iter().flat_map(|word| self.fields(&word.text, &word.spot)).collect();
                made_of = Rc::new(self.roots(&self.used));
                self.used.extend(kept);
                (values, spot)
            }
            None => (self.arguments.clone(), self.here_spot()),
        };
        let before = self.record.launches.len();
        for value in values.iter().take(ROUNDS_MAX) {
            self.set(name, value.clone(), &spot);
            if let Some(variable) = self.variables.get_mut(name) {
                variable.made_of = Rc::clone(&made_of);
            }
            match self.run(body).after_round() {
                Round::Next => {}
                Round::Last => break,
                Round::Out(flow) => return flow,
            }
        }
        let started = self.record.launches[before..].iter().filter(|launch| launch.how > How::Direct).count();
        if started > 1 || values.iter().any(|value| value.contains(is_unknown)) {
            for launch in &mut self.record.launches[before..] {
                launch.repeated |= launch.used.contains(name);
            }
        }
        Flow::Next
    }

    fn here_spot(&self) -> Spot {
        self.record.lines.last().cloned().unwrap_or(Spot { file: Rc::from(self.script.path), line: 0 })
    }

    fn case(&mut self, subject: &Word, arms: &[(Vec<Word>, Node)]) -> Flow {
        let value = self.text(&subject.text, &subject.spot);
        self.record.lines.insert(subject.spot.clone());
        let fits = |player: &mut Self, patterns: &[Word]| {
            patterns.iter().any(|pattern| {
                let text = player.pattern(&pattern.text, &pattern.spot);
                glob(&text, &value)
            })
        };
        let found = arms.iter().position(|(patterns, _)| fits(self, patterns));
        let is_verb = value == self.script.verb;
        self.unsure = value.contains(is_unknown);
        let mut chosen = found;
        if !is_verb && !arms.is_empty() {
            let command = format!("case {}", subject.text);
            if !self.answer(true, command, &subject.spot, BTreeSet::new()) {
                chosen = match found {
                    Some(at) => Some((at + 1) % arms.len()),
                    None => Some(0),
                };
            }
        }
        match chosen {
            Some(at) => self.run(&arms[at].1),
            None => self.ends(0),
        }
    }

    fn simple(&mut self, simple: &Simple) -> Flow {
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Flow::Exit;
        }
        let Some(first) = simple.words.first().or(simple.assignments.first()) else {
            return self.redirected(&simple.redirects, |player| player.ends(0));
        };
        let spot = first.spot.clone();
        self.record.lines.insert(spot.clone());
        if simple.words.is_empty() {
            self.ends(0);
            for word in &simple.assignments {
                self.assign(word);
            }
            return Flow::Next;
        }
        let words = self.words(&simple.words);
        if words.is_empty() {
            return self.ends(0);
        }
        let kept = self.context.environment.clone();
        let mut before = Vec::new();
        for word in &simple.assignments {
            let Some((name, _, value)) = assigned(&word.text) else { continue };
            let value = self.text(value, &word.spot);
            before.push((name.to_string(), self.variables.get(name).cloned()));
            self.set(name, value.clone(), &word.spot);
            self.context.environment.insert(name.to_string(), value);
        }
        let flow = self.redirected(&simple.redirects, |player| player.call(&words, &spot));
        self.context.environment = kept;
        for (name, old) in before {
            match old {
                Some(old) => self.variables.insert(name, old),
                None => self.variables.remove(&name),
            };
        }
        flow
    }

    /// A function of the script, or a command.
    pub(super) fn call(&mut self, words: &[String], spot: &Spot) -> Flow {
        let Some(body) = self.functions.get(&words[0]).cloned() else { return self.command(words, spot) };
        let kept = std::mem::replace(&mut self.arguments, words[1..].to_vec());
        let outside = self.asking_outside;
        if words[0].contains(self.script.verb) {
            self.asking_outside = self.asking;
        }
        let flow = self.run(&body);
        self.asking_outside = outside;
        self.arguments = kept;
        if flow == Flow::Return { Flow::Next } else { flow }
    }

    /// The text that a command is to read, and the variables that it is made of.
    fn input(&mut self, redirect: &Redirect) -> (String, BTreeSet<String>) {
        let (target, kept) = (&redirect.target, std::mem::take(&mut self.used));
        let (text, of) = match redirect.operator.as_str() {
            "<" => {
                let path = self.text(&target.text, &target.spot);
                (self.contents(&path).unwrap_or_else(|| UNKNOWN.to_string()), BTreeSet::new())
            }
            "<<<" => (self.text(&target.text, &target.spot), self.roots(&self.used)),
            _ => (self.here(&target.text, &target.spot), self.roots(&self.used)),
        };
        self.used.extend(kept);
        (text, of)
    }

    /// Does something with its input and output elsewhere.
    fn redirected(&mut self, redirects: &[Redirect], act: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let (mut captured, mut input) = (None, None);
        for redirect in redirects {
            match redirect.operator.as_str() {
                "<<" | "<<-" | "<<<" | "<" => input = Some(self.input(redirect)),
                ">" | ">>" | ">|" | "&>" | "&>>" if !matches!(redirect.descriptor, Some(0 | 2..)) => {
                    captured = Some((self.text(&redirect.target.text, &redirect.target.spot), &redirect.target.spot));
                }
                ">&" if matches!(redirect.descriptor, None | Some(1)) && redirect.target.text == "2" => {
                    captured = Some(("/dev/stderr".to_string(), &redirect.target.spot));
                }
                _ => {}
            }
        }
        let kept_input =
            input.map(|(text, of)| (self.input.replace(text), std::mem::replace(&mut self.input_of, Rc::new(of))));
        let Some((path, spot)) = captured else {
            let flow = act(self);
            if let Some(kept) = kept_input {
                (self.input, self.input_of) = kept;
            }
            return flow;
        };
        self.outputs.push(String::new());
        let kept_output = self.context.output.replace(path.clone());
        let flow = act(self);
        self.context.output = kept_output;
        if let Some(kept) = kept_input {
            (self.input, self.input_of) = kept;
        }
        let text = self.outputs.pop().unwrap_or_default();
        if text.contains(&PID.to_string()) && !path.starts_with("/dev/") {
            self.record.pid_files.push(path.clone());
        } else if !text.is_empty() && !path.starts_with("/dev/") {
            self.record.written.entry(path.clone()).or_default().push_str(&text);
        }
        if !path.starts_with("/dev/") {
            self.makes(&path, false, spot);
        }
        flow
    }
}

/// Whether a command only writes down what it reads.
fn keeps_log(node: &Node) -> bool {
    const LOGGERS: &[&str] = &["logger", "multilog", "svlogd", "cronolog", "rotatelogs", "tee", "cyclog"];
    let Some((command, _)) = shown(node) else { return false };
    let program = command.split_whitespace().next().unwrap_or_default().trim_matches('"');
    LOGGERS.contains(&base_name(program))
}

/// `true`, `:`, `(true)`
fn does_nothing(node: &Node) -> bool {
    match node {
        Node::Simple(simple) => {
            matches!(simple.words.as_slice(), [word] if matches!(word.text.as_str(), "true" | ":" | "/bin/true"))
        }
        Node::Subshell(inside) => does_nothing(inside),
        Node::List(nodes) => matches!(nodes.as_slice(), [node] if does_nothing(node)),
        _ => false,
    }
}

/// A condition as it is shown.
fn shown(node: &Node) -> Option<(String, Spot)> {
    let simple = match node {
        Node::Simple(simple) => simple,
        Node::Redirected(inside, _) | Node::Subshell(inside) => return shown(inside),
        Node::Pipe(nodes) => return shown(nodes.last()?),
        Node::List(nodes) => return shown(nodes.last()?),
        _ => return None,
    };
    let first = simple.words.first()?;
    let words: Vec<&str> = simple.words.iter().map(|word| word.text.as_str()).collect();
    Some((words.join(" "), first.spot.clone()))
}
