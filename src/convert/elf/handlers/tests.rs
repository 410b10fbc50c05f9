//! Tests of what is read from machine code.

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
    let own = |all: &[(u8, u32)], function: &str| {
        program(&handlers(all), function).has_own_handler(1, &[15, 2]) == Some(true)
    };
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
        program(&code, "signal").has_own_handler(1, &[15]) == Some(true)
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

/// A function of the program's own that passes its signal on, at 16 bytes, and its calls.
fn wrapped(all: &[(u8, u32)]) -> Vec<u8> {
    let mut code = vec![0x90; 16];
    code.extend([0x89, 0xfb, 0x89, 0xdf, 0xe8]);
    code.extend((0x2000 - (0x1000 + 25_i32)).to_le_bytes());
    code.extend([0x90; 200]);
    for (number, handler) in all {
        let here = code.len() as i32;
        code.extend([0x48, 0x8d, 0x35]);
        code.extend((*handler as i32 - (here + 7)).to_le_bytes());
        code.extend([0xbf, *number, 0, 0, 0, 0xe8]);
        code.extend((16 - (here + 17)).to_le_bytes());
    }
    code
}

#[test]
fn a_function_of_its_own_that_sets_handlers_is_seen_through() {
    let found = program(&wrapped(&[(15, 0), (1, 4)]), "sigaction");
    assert!(found.catches(1) && found.has_own_handler(1, &[15]) == Some(true));
    let found = program(&wrapped(&[(15, 0), (1, 0)]), "sigaction");
    assert!(found.catches(1) && found.has_own_handler(1, &[15]) == Some(false));
    let found = program(&wrapped(&[(1, 0), (3, 4)]), "sigaction");
    assert!(!found.catches(1), "it may be about anything");
    assert!(!program(&wrapped(&[(15, 0), (1, 4)]), "close").catches(1));
    // What is called lies before the function that has the call in it, whose address is taken elsewhere.
    let mut code = wrapped(&[(15, 0), (1, 4)]);
    let at = code.len() as i32;
    code.extend([0x48, 0x8d, 0x05]);
    code.extend((18 - (at + 7)).to_le_bytes());
    assert!(!program(&code, "sigaction").catches(1));
}

#[test]
fn a_program_that_is_cut_anywhere_is_read_as_far_as_it_goes() {
    let whole = program(&code(1, false), "signal").bytes;
    for cut in 0..whole.len() {
        let half = Program::of(whole[..cut].to_vec());
        assert!(half.is_none_or(|half| !half.catches(15)));
    }
}

#[test]
fn a_text_at_the_end_of_another_one_is_its_own_where_the_code_leads_to_it() {
    let code = |distance: i32| {
        let lea = [&[0x48, 0x8d, 0x3d][..], &distance.to_le_bytes()].concat();
        program(&[&lea[..], b"\0/var/lib/web\0"].concat(), "getpwnam").has("web")
    };
    // Behind the instruction stand a zero and `/var/lib/`.
    assert!(code(1 + 9));
    assert!(!code(1) && !code(9), "it leads to the whole or beside it");
}
