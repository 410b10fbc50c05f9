//! Any set of rc.d headers: each script is printed once, whatever the circles.
#![no_main]

use libfuzzer_sys::fuzz_target;
use svc_compat::order::rcorder::{Edition, File, Format, Options, rcorder};

fuzz_target!(|text: &[u8]| {
    let texts: Vec<&[u8]> = text.split(|byte| *byte == 0).take(64).collect();
    let names: Vec<String> = (0..texts.len()).map(|at| format!("f{at}")).collect();
    let files: Vec<File<'_>> =
        texts.iter().zip(&names).map(|(text, name)| File { name: name.as_bytes(), text }).collect();
    for edition in [Edition::Sorted, Edition::Plain] {
        let mut seen: Vec<usize> =
            rcorder(&files, &Options { edition, ..Options::default() }).groups.into_iter().flatten().collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..files.len()).collect::<Vec<_>>());
    }
    rcorder(&files, &Options { format: Format::Dot, ..Options::default() });
});
