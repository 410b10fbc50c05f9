//! Any bytes as a legacy script of any dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let script = svc_compat::script::read("x", text);
    let last = u32::try_from(text.len()).unwrap_or(u32::MAX).saturating_add(1);
    assert!(script.notes.iter().all(|note| note.line <= last), "a note is about a line that is there");
});
