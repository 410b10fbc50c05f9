//! Which signals a compiled program has a handler for, read from its machine code.
//!
//! A call of `signal`, `sigaction` or what event loops have in their place through the table of imported functions,
//! with the number of the signal put into the register of its argument just before, and the address of the handler.
//! Only for x86-64; of others nothing is said.

use std::collections::BTreeMap;

use super::{Program, SYMBOL_BYTES, Section};

/// So near before the call its arguments are prepared.
const NEAR_BYTES: usize = 40;
/// So far before it the address of a handler may be put into memory.
const STORED_BYTES: usize = 96;
/// So far before it an address may have been put aside for several calls.
const ASIDE_BYTES: usize = 320;
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

    /// Whether its handler for the signal is another than any of these have, of which one is known at least.
    pub fn has_own_handler(&self, signal: u8, others: &[u8]) -> bool {
        let sets = self.sets();
        let handlers = |signals: &[u8]| -> Vec<usize> {
            let meant = sets.iter().filter(|set| signals.contains(&set.signal) && !set.ignored);
            meant.filter_map(|set| set.handler).collect()
        };
        let (own, others) = (handlers(&[signal]), handlers(others));
        !own.is_empty() && !others.is_empty() && own.iter().all(|handler| !others.contains(handler))
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
        text.flat_map(|section| self.sets_of(section, &slots, &stubs)).collect()
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

    fn sets_of(&self, section: &Section, slots: &BTreeMap<usize, usize>, stubs: &BTreeMap<usize, usize>) -> Vec<Set> {
        let bytes = self.part(section);
        let known = |at: usize, places: &BTreeMap<usize, usize>| {
            self.target(section, bytes, at).and_then(|target| places.get(&target).copied())
        };
        let mut out: Vec<Set> = Vec::new();
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
            if let Some(signal) = near.value(setter.number).filter(|_| is_about_signal) {
                out.push(Set { signal, ignored, handler });
            }
            (after, last) = (at + 5, handler);
        }
        out
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
mod tests {
    use super::*;

    /// A program whose code is this, with one imported function that is called through a stub at 0x2000.
    fn program(code: &[u8], function: &str) -> Program {
        let word = |number: u64| number.to_le_bytes();
        let slot = 0x3000_u64;
        let stub = [&[0xf3, 0x0f, 0x1e, 0xfa, 0xff, 0x25][..], &(0x3000_i32 - 0x200a).to_le_bytes()].concat();
        let names = [b"\0".as_slice(), function.as_bytes(), b"\0"].concat();
        let symbols = [&[0; 24][..], &1_u32.to_le_bytes(), &[0; 20]].concat();
        let relocation = [word(slot), word(1 << 32 | 7), word(0)].concat();
        let texts = b"\0.text\0.plt.sec\0.rela.plt\0.dynsym\0.dynstr\0.shstrtab\0".to_vec();
        let place = |name: &str| texts.windows(name.len()).position(|part| part == name.as_bytes()).unwrap() as u32;
        // Name, kind, address, content, link.
        let sections = [
            (".text", 1_u32, 0x1000_u64, code.to_vec(), 0_u32),
            (".plt.sec", 1, 0x2000, stub, 0),
            (".rela.plt", 4, 0, relocation, 4),
            (".dynsym", 11, 0, symbols, 5),
            (".dynstr", 3, 0, names, 0),
            (".shstrtab", 3, 0, texts.clone(), 0),
        ];
        let mut bytes = vec![0; 64];
        let mut headers = vec![0; 64];
        for (name, kind, address, content, link) in &sections {
            let (start, length) = (word(bytes.len() as u64), word(content.len() as u64));
            headers.extend([&place(name).to_le_bytes()[..], &kind.to_le_bytes(), &word(0), &word(*address)].concat());
            headers.extend([&start[..], &length, &link.to_le_bytes(), &[0; 20]].concat());
            bytes.extend(content);
        }
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18] = 62;
        let at = word(bytes.len() as u64);
        bytes[40..48].copy_from_slice(&at);
        (bytes[58], bytes[60], bytes[62]) = (64, 7, 6);
        bytes.extend(headers);
        Program::of(bytes).unwrap()
    }

    /// `mov edi, NUMBER`, perhaps `mov esi, 1`, and the call of the stub.
    fn code(number: u8, ignored: bool) -> Vec<u8> {
        let mut code = vec![0xbf, number, 0, 0, 0];
        if ignored {
            code.extend([0xbe, 1, 0, 0, 0]);
        }
        let next = 0x1000 + code.len() as i32 + 5;
        code.push(0xe8);
        code.extend((0x2000 - next).to_le_bytes());
        code
    }

    #[test]
    fn a_handler_is_one_that_is_set_for_this_signal_and_does_not_ignore_it() {
        assert!(program(&code(1, false), "signal").catches(1));
        assert!(program(&code(1, false), "sigaction").catches(1));
        assert!(!program(&code(15, false), "signal").catches(1));
        assert!(!program(&code(1, true), "signal").catches(1));
        assert!(!program(&code(1, false), "close").catches(1));
        let later = [code(1, false), code(15, false)].concat();
        assert!(program(&later, "signal").catches(1) && !program(&later, "signal").catches(2));
    }

    /// What puts handlers for signals, each of which is a place in the code, and calls the stub each time.
    fn handlers(all: &[(u8, u32)]) -> Vec<u8> {
        let mut code = Vec::new();
        for (number, handler) in all {
            let here = 0x1000 + code.len() as i32;
            code.extend([0x48, 0x8d, 0x35]);
            code.extend((0x1000 + *handler as i32 - (here + 7)).to_le_bytes());
            code.extend([0xbf, *number, 0, 0, 0, 0xe8]);
            code.extend((0x2000 - (here + 17)).to_le_bytes());
        }
        code
    }

    #[test]
    fn a_handler_of_its_own_is_one_that_no_signal_has_by_which_it_ends() {
        let own = |all: &[(u8, u32)], function: &str| program(&handlers(all), function).has_own_handler(1, &[15, 2]);
        for function in ["signal", "sigaction"] {
            assert!(own(&[(15, 0), (1, 4)], function) && own(&[(1, 4), (15, 0), (2, 0)], function), "{function}");
            assert!(!own(&[(15, 0), (1, 0)], function) && !own(&[(2, 4), (15, 0), (1, 4)], function), "{function}");
            assert!(!own(&[(1, 4), (10, 0)], function), "{function}: of no end is anything known");
        }
        assert!(!own(&[(15, 0), (1, 4)], "close"));
        // The address stands in another register since before the calls.
        let aside = |last: &[u8]| {
            let mut code = vec![0x48, 0x8d, 0x1d, 0xf9, 0xff, 0xff, 0xff];
            for (number, handler) in [(15, &[0x48, 0x89, 0xde][..]), (1, last)] {
                code.extend(handler);
                code.extend([0xbf, number, 0, 0, 0, 0xe8]);
                let next = 0x1000 + code.len() as i32 + 4;
                code.extend((0x2000 - next).to_le_bytes());
            }
            program(&code, "signal").has_own_handler(1, &[15])
        };
        assert!(!aside(&[0x48, 0x89, 0xde]), "the same register");
        assert!(aside(&[0x48, 0x8d, 0x35, 0xf0, 0xff, 0xff, 0xff]), "another address");
    }

    #[test]
    fn the_numbers_of_event_loops_are_in_other_registers() {
        let call = |code: &[u8]| {
            let next = 0x1000 + code.len() as i32 + 5;
            [code, &[0xe8], &(0x2000 - next).to_le_bytes()].concat()
        };
        let (one, about) = ([0xbe, 1, 0, 0, 0], [0xba, 24, 0, 0, 0]);
        assert!(program(&call(&[one, about].concat()), "event_new").catches(1));
        assert!(!program(&call(&[one, [0xba, 2, 0, 0, 0]].concat()), "event_new").catches(1), "a file, no signal");
        assert!(program(&call(&[0xb9, 1, 0, 0, 0]), "verto_add_signal").catches(1));
        assert!(!program(&call(&one), "verto_add_signal").catches(1));
        assert!(!program(&call(&[0x41, 0xbf, 1, 0, 0, 0]), "signal").catches(1), "the number is in another register");
        assert!(program(&code(1, true), "signal").ignores(1) && !program(&code(1, false), "signal").ignores(1));
    }

    #[test]
    fn a_program_that_is_cut_anywhere_is_read_as_far_as_it_goes() {
        let whole = program(&code(1, false), "signal").bytes;
        for cut in 0..whole.len() {
            let half = Program::of(whole[..cut].to_vec());
            assert!(half.is_none_or(|half| !half.catches(15)));
        }
    }
}
