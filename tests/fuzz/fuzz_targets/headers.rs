//! Any bytes as a header in every reading, and as insserv.conf.
#![no_main]

use libfuzzer_sys::fuzz_target;
use svc_compat::facility::Facilities;
use svc_compat::header::{chkconfig, insserv, lsb, rcd, redhat, systemd};

fuzz_target!(|text: &[u8]| {
    let mut notes = Vec::new();
    lsb::lenient(text, &mut notes);
    chkconfig::lenient(text, &mut notes);
    let strict = rcd::strict(text);
    let lenient = rcd::lenient(text, &mut notes);
    for name in strict.provide.iter().flat_map(|name| name.split(|found: char| found == ',' || found.is_whitespace())) {
        let known = lenient.provide.iter().any(|known| known == name);
        assert!(name.is_empty() || name == "#" || known, "{name:?} is lost");
    }
    insserv::Strict::read(text);
    drop(redhat::read("x", text));
    systemd::read("x", text);
    let mut facilities = Facilities::default();
    facilities.read(text, &mut notes);
    let names: Vec<String> = facilities.names().map(String::from).collect();
    for name in names {
        facilities.members(&name);
        facilities.written(&name);
    }
});
