//! Any bytes as shell text: spans tile them, facts lie inside them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use svc_compat::shell::{Shell, Values, tokens};

fuzz_target!(|text: &[u8]| {
    let mut at = 0;
    for token in tokens(text) {
        assert!(token.start == at && token.end > at);
        at = token.end;
    }
    assert_eq!(at, text.len());
    let shell = Shell::read(text);
    for assignment in shell.assignments() {
        assert!(assignment.value.start <= assignment.value.end && assignment.value.end <= text.len());
    }
    drop(Values::of(&shell, "x"));
});
