//! Any set of LSB headers: an answer or a refusal with a message, numbers in their bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use svc_compat::facility::Facilities;
use svc_compat::order::insserv::{Care, File, insserv};

fuzz_target!(|text: &[u8]| {
    let texts: Vec<&[u8]> = text.split(|byte| *byte == 0).take(32).collect();
    let names: Vec<String> = (0..texts.len()).map(|at| format!("f{at}")).collect();
    let files: Vec<File<'_>> = texts.iter().zip(&names).map(|(text, name)| File { name, text }).collect();
    let arguments: Vec<&str> = names.iter().map(String::as_str).collect();
    for care in [Care::Strict, Care::Force] {
        let answer = insserv(&files, &arguments, &Facilities::debian(), care);
        assert!(answer.exit == 0 || !answer.messages.is_empty());
        assert!(answer.links.iter().all(|link| link.number <= 99));
    }
});
