//! Which signals a compiled program has a handler for, read from its machine code.
//!
//! A call of `signal` or `sigaction` through the table of imported functions, with the number of the signal put into
//! the register of the argument just before. Only for x86-64; of others nothing is said.

use std::collections::BTreeSet;

use super::{Program, SYMBOL_BYTES, Section};

/// So near before the call its arguments are prepared.
const NEAR_BYTES: usize = 40;
const RELOCATION_BYTES: usize = 24;
const RELOCATIONS_MAX: usize = 100_000;
/// Relocations by which the address of a function comes into a slot, and sections of those.
const SLOT_KINDS: [usize; 2] = [6, 7];
const RELOCATIONS: usize = 4;
const X86_64: usize = 62;
const SETTERS: [&str; 6] = ["signal", "sigaction", "bsd_signal", "sigset", "__sysv_signal", "ssignal"];

impl Program {
    /// Whether it has a handler for the signal of this number; `false` where that cannot be told.
    pub fn catches(&self, signal: u8) -> bool {
        let Some(sections) = self.sections().filter(|_| self.number(18, 2) == Some(X86_64)) else { return false };
        let slots = self.slots(&sections);
        let stubs: BTreeSet<usize> = sections
            .iter()
            .filter(|section| section.name.starts_with(".plt"))
            .collect::<Vec<_>>()
            .into_iter()
            .flat_map(|section| self.stubs(section, &slots))
            .collect();
        let text = sections.iter().filter(|section| section.name == ".text");
        text.into_iter().any(|section| self.sets(section, signal, &slots, &stubs))
    }

    /// Where the addresses of the functions are put that set handlers.
    fn slots(&self, sections: &[Section]) -> BTreeSet<usize> {
        let mut out = BTreeSet::new();
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
                let is_setter = name.is_some_and(|at| SETTERS.contains(&self.text(at).as_str()));
                if SLOT_KINDS.contains(&kind) && is_setter {
                    out.insert(slot);
                }
            }
        }
        out
    }

    /// The addresses at which a stub that leads to one of the slots may begin.
    fn stubs(&self, section: &Section, slots: &BTreeSet<usize>) -> Vec<usize> {
        let bytes = self.part(section);
        let jumps = bytes.windows(2).enumerate().filter(|(_, part)| *part == [0xff, 0x25]).map(|(at, _)| at);
        let leads = jumps.filter(|at| self.target(section, bytes, at + 2).is_some_and(|slot| slots.contains(&slot)));
        // The jump alone, or a mark for indirect branches and perhaps a prefix before it.
        leads.flat_map(|at| [0, 1, 4, 5].map(|before| section.address.wrapping_add(at).wrapping_sub(before))).collect()
    }

    fn sets(&self, section: &Section, signal: u8, slots: &BTreeSet<usize>, stubs: &BTreeSet<usize>) -> bool {
        let bytes = self.part(section);
        let calls = bytes.windows(2).enumerate().filter(|(at, part)| {
            let known = |at: usize, places: &BTreeSet<usize>| {
                self.target(section, bytes, at).is_some_and(|target| places.contains(&target))
            };
            (part[0] == 0xe8 && known(at + 1, stubs)) || (*part == [0xff, 0x15] && known(at + 2, slots))
        });
        calls.into_iter().any(|(at, _)| {
            let before = &bytes[at.saturating_sub(NEAR_BYTES)..at];
            // mov edi, NUMBER: the last one counts; mov esi, 1 would be that it is ignored.
            let set = before.windows(5).rfind(|part| part[0] == 0xbf && part[2..] == [0, 0, 0]);
            let ignored = before.windows(5).any(|part| *part == [0xbe, 1, 0, 0, 0]);
            set.is_some_and(|part| part[1] == signal) && !ignored
        })
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

    #[test]
    fn a_program_that_is_cut_anywhere_is_read_as_far_as_it_goes() {
        let whole = program(&code(1, false), "signal").bytes;
        for cut in 0..whole.len() {
            let half = Program::of(whole[..cut].to_vec());
            assert!(half.is_none_or(|half| !half.catches(15)));
        }
    }
}
