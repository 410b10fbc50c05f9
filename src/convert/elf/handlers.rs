//! Which signals a compiled program has a handler for, read from its machine code.
//!
//! A call of `signal`, `sigaction` or what event loops have in their place through the table of imported functions,
//! with the number of the signal put into the register of its argument just before, and the address of the handler.
//! Only for x86-64; of others nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use super::{Program, SYMBOL_BYTES, Section};

/// So near before the call its arguments are prepared.
const NEAR_BYTES: usize = 40;
/// So far before it the address of a handler may be put into memory.
const STORED_BYTES: usize = 96;
/// So far before it an address may have been put aside for several calls.
const ASIDE_BYTES: usize = 320;
/// A function that only passes a signal on is not longer.
const WRAPPER_BYTES: usize = 160;
/// So far from its begin a function has put its arguments aside.
const FIRST_BYTES: usize = 40;
const SIGNALS_MAX: u8 = 32;
const SIGINT: u8 = 2;
const SIGTERM: u8 = 15;
const RELOCATION_BYTES: usize = 24;
const RELOCATIONS_MAX: usize = 100_000;
/// Relocations by which the address of a function comes into a slot, and sections of those.
const SLOT_KINDS: [usize; 2] = [6, 7];
const RELOCATIONS: usize = 4;
const X86_64: usize = 62;

/// Numbers of registers in machine code.
const CX: u8 = 1;
const DX: u8 = 2;
const SI: u8 = 6;
const DI: u8 = 7;

/// A function that sets a handler.
struct Setter {
    name: &'static str,
    /// The register of the signal's number.
    number: u8,
    /// The register of the handler; `None`: it is in memory.
    handler: Option<u8>,
    /// The register that has to say that this is about a signal, and the bit that says so.
    events: Option<(u8, u8)>,
}

const fn setter(name: &'static str, number: u8, handler: Option<u8>, events: Option<(u8, u8)>) -> Setter {
    Setter { name, number, handler, events }
}

/// `EV_SIGNAL` of libevent.
const EVENT_OF_SIGNAL: u8 = 8;

const SETTERS: [Setter; 13] = [
    setter("signal", DI, Some(SI), None),
    setter("bsd_signal", DI, Some(SI), None),
    setter("__sysv_signal", DI, Some(SI), None),
    setter("ssignal", DI, Some(SI), None),
    setter("sigset", DI, Some(SI), None),
    setter("sigaction", DI, None, None),
    setter("verto_add_signal", CX, Some(DX), None),
    setter("uv_signal_start", DX, Some(SI), None),
    setter("g_unix_signal_add", DI, Some(SI), None),
    setter("g_unix_signal_add_full", SI, Some(DX), None),
    setter("sd_event_add_signal", DX, Some(CX), None),
    setter("event_new", SI, Some(CX), Some((DX, EVENT_OF_SIGNAL))),
    setter("event_set", SI, Some(CX), Some((DX, EVENT_OF_SIGNAL))),
];

/// Whether this function sets a handler.
pub(super) fn is_setter(name: &str) -> bool {
    SETTERS.iter().any(|setter| setter.name == name)
}

/// One call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set {
    signal: u8,
    /// The signal is ignored from here on.
    ignored: bool,
    /// Where the handler is; `None`: that could not be made out.
    handler: Option<usize>,
}

impl Program {
    /// Whether it has a handler for the signal of this number; `false` where that cannot be told.
    pub fn catches(&self, signal: u8) -> bool {
        self.sets().iter().any(|set| set.signal == signal && !set.ignored)
    }

    /// Whether it ignores the signal wherever it says something of it.
    pub fn ignores(&self, signal: u8) -> bool {
        let mut ignored = self.sets().into_iter().filter(|set| set.signal == signal).map(|set| set.ignored).peekable();
        ignored.peek().is_some() && ignored.all(|ignored| ignored)
    }

    /// Whether its handler for the signal is none that any of these have; `None`: that could not be made out.
    pub fn has_own_handler(&self, signal: u8, others: &[u8]) -> Option<bool> {
        let sets = self.sets();
        let handlers = |signals: &[u8]| -> Vec<usize> {
            let meant = sets.iter().filter(|set| signals.contains(&set.signal) && !set.ignored);
            meant.filter_map(|set| set.handler).collect()
        };
        let (own, others) = (handlers(&[signal]), handlers(others));
        let is_known = !own.is_empty() && !others.is_empty();
        is_known.then(|| own.iter().all(|handler| !others.contains(handler)))
    }

    /// Every call with a signal that is known, in the order of the code.
    fn sets(&self) -> Vec<Set> {
        let Some(sections) = self.sections().filter(|_| self.number(18, 2) == Some(X86_64)) else { return Vec::new() };
        let slots = self.slots(&sections);
        if slots.is_empty() {
            return Vec::new();
        }
        let mut stubs = BTreeMap::new();
        for section in sections.iter().filter(|section| section.name.starts_with(".plt")) {
            stubs.extend(self.stubs(section, &slots));
        }
        let text = sections.iter().filter(|section| section.name == ".text");
        let all = text.flat_map(|section| {
            let (mut sets, passed) = self.sets_of(section, &slots, &stubs);
            sets.extend(self.wrapped(section, &passed));
            sets
        });
        all.collect()
    }

    /// Calls of the program's own functions that set a handler for the signal which they are given: those in which a
    /// call is that does not know its signal, and which somewhere get one of those that everybody handles.
    fn wrapped(&self, section: &Section, passed: &[usize]) -> Vec<Set> {
        if passed.is_empty() {
            return Vec::new();
        }
        let bytes = self.part(section);
        let inside = |at: usize| {
            let begin = self.target(section, bytes, at)?.checked_sub(section.address)?;
            (begin < bytes.len()).then_some(begin)
        };
        // Functions begin where something is called, or has its address taken.
        let (mut calls, mut begins) = (Vec::new(), BTreeSet::new());
        for (at, byte) in bytes.iter().enumerate() {
            if *byte == 0xe8 {
                calls.extend(inside(at + 1).map(|begin| (at, begin)));
            } else if *byte == 0x8d && bytes.get(at + 1).is_some_and(|mode| mode & 0xc7 == 0x05) {
                begins.extend(inside(at + 2));
            }
        }
        begins.extend(calls.iter().map(|(_, begin)| *begin));
        let holders = passed.iter().filter_map(|at| begins.range(at.saturating_sub(WRAPPER_BYTES)..*at).next_back());
        let holders: BTreeSet<usize> = holders.copied().filter(|begin| keeps_first(&bytes[*begin..])).collect();
        let mut found: BTreeMap<usize, Vec<Set>> = BTreeMap::new();
        for (at, begin) in calls.into_iter().filter(|(_, begin)| holders.contains(begin)) {
            let from = at.saturating_sub(NEAR_BYTES);
            let near = Near { program: self, section, bytes, after: from, from, to: at };
            let signal = near.value(DI).filter(|signal| (1..SIGNALS_MAX).contains(signal));
            // Without a handler it may be about anything.
            if let Some((signal, handler)) = signal.zip(near.address(SI)) {
                let set = Set { signal, ignored: false, handler: Some(handler) };
                found.entry(begin).or_default().push(set);
            }
        }
        let is_one = |sets: &Vec<Set>| sets.iter().any(|set| [SIGTERM, SIGINT].contains(&set.signal));
        found.into_values().filter(is_one).flatten().collect()
    }

    /// Where the addresses of the functions are put that set handlers, with the place of each in the list.
    fn slots(&self, sections: &[Section]) -> BTreeMap<usize, usize> {
        let mut out = BTreeMap::new();
        for section in sections.iter().filter(|section| section.kind == RELOCATIONS) {
            let Some(symbols) = sections.get(section.link) else { continue };
            let Some(names) = sections.get(symbols.link) else { continue };
            for index in 0..(section.length / RELOCATION_BYTES).min(RELOCATIONS_MAX) {
                let at = section.start.saturating_add(index * RELOCATION_BYTES);
                let (Some(slot), Some(kind), Some(symbol)) =
                    (self.number(at, 8), self.number(at + 8, 4), self.number(at + 12, 4))
                else {
                    break;
                };
                let name = symbols.start.checked_add(symbol.saturating_mul(SYMBOL_BYTES));
                let name = name.and_then(|at| self.number(at, 4)).and_then(|name| names.start.checked_add(name));
                let name = name.map(|at| self.text(at)).filter(|_| SLOT_KINDS.contains(&kind));
                if let Some(known) = name.and_then(|name| SETTERS.iter().position(|setter| setter.name == name)) {
                    out.insert(slot, known);
                }
            }
        }
        out
    }

    /// The addresses at which a stub that leads to one of the slots may begin.
    fn stubs(&self, section: &Section, slots: &BTreeMap<usize, usize>) -> Vec<(usize, usize)> {
        let bytes = self.part(section);
        let jumps = bytes.windows(2).enumerate().filter(|(_, part)| *part == [0xff, 0x25]).map(|(at, _)| at);
        let leads = jumps.filter_map(|at| Some((at, *slots.get(&self.target(section, bytes, at + 2)?)?)));
        // The jump alone, or a mark for indirect branches and perhaps a prefix before it.
        let begins = leads.flat_map(|(at, known)| [0, 1, 4, 5].map(|before| (at.wrapping_sub(before), known)));
        begins.map(|(at, known)| (section.address.wrapping_add(at), known)).collect()
    }

    /// The calls with a signal that is known, and where those are whose signal is not.
    fn sets_of(
        &self,
        section: &Section,
        slots: &BTreeMap<usize, usize>,
        stubs: &BTreeMap<usize, usize>,
    ) -> (Vec<Set>, Vec<usize>) {
        let bytes = self.part(section);
        let known = |at: usize, places: &BTreeMap<usize, usize>| {
            self.target(section, bytes, at).and_then(|target| places.get(&target).copied())
        };
        let (mut out, mut passed) = (Vec::new(), Vec::new());
        // Where the last call ended, and the handler that it had, if it had one.
        let (mut after, mut last) = (0, None);
        for (at, part) in bytes.windows(2).enumerate() {
            let found = if part[0] == 0xe8 { known(at + 1, stubs) } else { None };
            let found = if *part == [0xff, 0x15] { known(at + 2, slots) } else { found };
            let Some(setter) = found.map(|found| &SETTERS[found]) else { continue };
            let from = at.saturating_sub(NEAR_BYTES).max(after);
            let near = Near { program: self, section, bytes, after, from, to: at };
            let handler = match setter.handler {
                Some(register) => near.address(register),
                // The address is written into memory just before; else what is there is the last one's.
                None => near.stored().or(last.filter(|_| at - after < NEAR_BYTES)),
            };
            let ignored = setter.handler.is_some_and(|register| near.value(register) == Some(1));
            let is_about_signal =
                setter.events.is_none_or(|(register, bit)| near.value(register).is_some_and(|value| value & bit != 0));
            match near.value(setter.number) {
                Some(signal) if is_about_signal => out.push(Set { signal, ignored, handler }),
                None if setter.events.is_none() => passed.push(at),
                _ => {}
            }
            (after, last) = (at + 5, handler);
        }
        (out, passed)
    }

    /// Whether code has the address of one of these places of the file: `lea REGISTER, [rip + DISTANCE]`.
    pub(super) fn leads_to_one(&self, places: &[usize]) -> bool {
        let known = self.sections().filter(|_| self.number(18, 2) == Some(X86_64) && !places.is_empty());
        let sections = known.unwrap_or_default();
        let is_in = |section: &Section, at: usize| at >= section.start && at - section.start < section.length;
        let address = |at: &usize| {
            let section = sections.iter().find(|section| section.address > 0 && is_in(section, *at))?;
            section.address.checked_add(at - section.start)
        };
        let addresses: BTreeSet<usize> = places.iter().filter_map(address).collect();
        let leads = |section: &Section| {
            let bytes = self.part(section);
            bytes.windows(3).enumerate().any(|(at, part)| {
                let is_lea = matches!(part[0], 0x48 | 0x4c) && part[1] == 0x8d && part[2] & 0xc7 == 0x05;
                is_lea && self.target(section, bytes, at + 3).is_some_and(|target| addresses.contains(&target))
            })
        };
        !addresses.is_empty() && sections.iter().filter(|section| section.name == ".text").any(leads)
    }

    /// What a distance at this place of a section leads to.
    fn target(&self, section: &Section, bytes: &[u8], at: usize) -> Option<usize> {
        let distance = i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
        let next = section.address.checked_add(at + 4)?;
        next.checked_add_signed(isize::try_from(distance).ok()?)
    }

    fn part(&self, section: &Section) -> &[u8] {
        let end = section.start.saturating_add(section.length).min(self.bytes.len());
        self.bytes.get(section.start..end).unwrap_or_default()
    }
}

/// Whether a function puts its first argument aside at once: `mov ebx, edi`.
fn keeps_first(function: &[u8]) -> bool {
    let first = &function[..function.len().min(FIRST_BYTES)];
    first.windows(2).any(|part| part[0] == 0x89 && part[1] & 0xf8 == 0xc0 | DI << 3)
}

/// The code before a call.
struct Near<'p> {
    program: &'p Program,
    section: &'p Section,
    bytes: &'p [u8],
    /// Where the call before ended, where what belongs to this call alone begins, and where the call is.
    after: usize,
    from: usize,
    to: usize,
}

impl Near<'_> {
    /// The small number that is put into a register last: `mov edi, NUMBER`.
    fn value(&self, register: u8) -> Option<u8> {
        let mut places = self.bytes[self.from..self.to].windows(5).enumerate().rev();
        // With a prefix it is one of the upper eight.
        let is_upper = |at: usize| at > 0 && self.bytes[self.from + at - 1] == 0x41;
        let (_, set) = places.find(|(at, part)| part[0] == 0xb8 + register && !is_upper(*at))?;
        (set[2..] == [0, 0, 0]).then_some(set[1])
    }

    /// The address of code that is in a register: put there, or put aside in another one before.
    fn address(&self, register: u8) -> Option<usize> {
        if let Some(address) = self.loaded(self.from, |into| into == register) {
            return Some(address);
        }
        // `mov rsi, rbx`, also of the upper eight.
        let moves = self.bytes[self.from..self.to]
            .windows(3)
            .rfind(|part| matches!(part[0], 0x48 | 0x4c) && part[1] == 0x89 && part[2] & 0xc7 == 0xc0 | register)?;
        let other = (moves[2] >> 3 & 7) + if moves[0] == 0x4c { 8 } else { 0 };
        self.loaded(self.to.saturating_sub(ASIDE_BYTES), |into| into == other)
    }

    /// The address of code that was put into any register for this call.
    fn stored(&self) -> Option<usize> {
        self.loaded(self.to.saturating_sub(STORED_BYTES).max(self.after), |_| true)
    }

    /// The last `lea REGISTER, [rip + DISTANCE]` that leads to code.
    fn loaded(&self, from: usize, is_meant: impl Fn(u8) -> bool) -> Option<usize> {
        let code = self.section.address..self.section.address.saturating_add(self.section.length);
        let places = self.bytes[from..self.to].windows(7).enumerate().rev();
        let mut found = places.filter_map(|(at, part)| {
            let is_lea = matches!(part[0], 0x48 | 0x4c) && part[1] == 0x8d && part[2] & 0xc7 == 0x05;
            let into = (part[2] >> 3 & 7) + if part[0] == 0x4c { 8 } else { 0 };
            let target = self.program.target(self.section, self.bytes, from + at + 3);
            target.filter(|target| is_lea && is_meant(into) && code.contains(target))
        });
        found.next()
    }
}

#[cfg(test)]
mod tests;
