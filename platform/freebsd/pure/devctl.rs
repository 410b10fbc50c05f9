//! What devd(8) says of devices, as text.

use svc_core::service::Device;

use crate::device::Hint;

/// Reads one event: `!system=S subsystem=T type=U KEY=VALUE ...`. Of what is neither the coming nor the going of a node
/// or an interface nothing is told.
///
/// Source: devctl(4), devd.conf(5).
pub(crate) fn parse(line: &str) -> Vec<Hint> {
    let Some(notice) = line.trim_end().strip_prefix('!') else { return Vec::new() };
    let words = words(notice);
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
    let node = || Device::parse(&format!("/dev/{}", value("cdev")?)).ok();
    let interface = |name: Option<&str>| Device::parse(&format!("net:{}", name?)).ok();
    let hints = match (value("system"), value("subsystem"), value("type")) {
        (Some("DEVFS"), Some("CDEV"), Some("CREATE")) => [None, node().map(Hint::Came)],
        (Some("DEVFS"), Some("CDEV"), Some("DESTROY")) => [node().map(Hint::Gone), None],
        (Some("IFNET"), name, Some("ATTACH")) => [None, interface(name).map(Hint::Came)],
        (Some("IFNET"), name, Some("DETACH")) => [interface(name).map(Hint::Gone), None],
        (Some("IFNET"), name, Some("RENAME")) => {
            [interface(name).map(Hint::Gone), interface(value("name")).map(Hint::Came)]
        }
        (_, _, _) => [None, None],
    };
    hints.into_iter().flatten().collect()
}

/// Splits at blanks; between quotes they are part of a value, and a backslash stands before what means itself.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = text.chars();
    while let Some(found) = chars.next() {
        match found {
            '"' => quoted = !quoted,
            '\\' if quoted => word.extend(chars.next()),
            found if found.is_ascii_whitespace() && !quoted => words.push(std::mem::take(&mut word)),
            found => word.push(found),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_named_as_a_definition_has_it() {
        let device = |text| Device::parse(text).unwrap();
        let (came, gone) = (|text| Hint::Came(device(text)), |text| Hint::Gone(device(text)));
        for (text, hints) in [
            ("!system=DEVFS subsystem=CDEV type=CREATE cdev=cuaU0\n", vec![came("/dev/cuaU0")]),
            ("!system=DEVFS subsystem=CDEV type=CREATE cdev=usb/0.2.0\n", vec![came("/dev/usb/0.2.0")]),
            ("!system=DEVFS subsystem=CDEV type=DESTROY cdev=\"md77\"\n", vec![gone("/dev/md77")]),
            ("!system=IFNET subsystem=ue0 type=ATTACH\n", vec![came("net:ue0")]),
            ("!system=IFNET subsystem=lo77 type=DETACH\n", vec![gone("net:lo77")]),
            ("!system=IFNET subsystem=em0 type=RENAME name=wan0\n", vec![gone("net:em0"), came("net:wan0")]),
            ("!system=IFNET subsystem=em0 type=LINK_UP\n", vec![]),
            ("!system=DEVFS subsystem=CDEV type=MEDIACHANGE cdev=cd0\n", vec![]),
            ("!system=DEVFS subsystem=CDEV type=CREATE cdev=../etc\n", vec![]),
            ("!system=USB subsystem=DEVICE type=ATTACH ugen=ugen0.2 cdev=ugen0.2 vendor=0x067b\n", vec![]),
            ("+uplcom0 at bus=0 hubaddr=1 port=2 on uhub0\n", vec![]),
            ("!system=ACPI subsystem=\"A C\" type=\"say \\\"CREATE\\\"\" cdev=x", vec![]),
            ("", vec![]),
            ("!", vec![]),
        ] {
            assert_eq!(parse(text), hints, "{text}");
        }
    }

    #[test]
    fn a_line_cut_anywhere_names_devices_or_nothing() {
        let line = "!system=IFNET subsystem=\"em0\" type=RENAME name=wan0\n";
        for end in 0..line.len() {
            for begin in 0..end {
                for hint in parse(&line[begin..end]) {
                    let (Hint::Came(device) | Hint::Gone(device)) = hint else { panic!("{hint:?}") };
                    assert_eq!(Device::parse(&device.to_string()).as_ref(), Ok(&device));
                }
            }
        }
    }

    #[test]
    fn quotes_hold_blanks_together() {
        assert_eq!(words("a=1  b=\"c d\" e=\"\\\"f\\\\\""), ["a=1", "b=c d", "e=\"f\\"]);
        assert_eq!(words(" \t"), [""; 0]);
    }
}
