//! Conversions: scripts written for this with what is made of them, renewed with `UPDATE=1 cargo test`; and what holds
//! of every script there is.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;
use svc::convert::report::Report;
use svc::convert::{Tree, Verdict, convert, service, unit};
use svc_compat::daemons::Table;
use svc_core::Name;

/// A machine with the few files that the scripts look for.
fn machine() -> (tempfile::TempDir, Tree) {
    let folder = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        use std::os::unix::fs::PermissionsExt;
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    put("usr/sbin/webd", "#!/bin/sh\n");
    put("etc/default/webd", "OPTS=\"-c /etc/webd/main.conf\"\n");
    put("usr/sbin/sshd", "#!/bin/sh\n");
    put("usr/local/bin/cached", "#!/bin/sh\n");
    put("usr/sbin/socketd", "#!/bin/sh\n");
    let configuration = "# socket = /run/sockets/old\nsocket = \"/run/sockets/control\"\npeer = /run/others/peer\n";
    put("etc/sockets/main.conf", configuration);
    put("usr/lib/tmpfiles.d/socketd.conf", "d /run/socketd 0750 web adm -\nd /run/strange 0755 root root -\n");
    put("usr/lib/tmpfiles.d/fpm.conf", "# Type Path Mode User Group Age\nd /run/fpm 0755 web adm -\n");
    let tree = Tree::new(folder.path());
    (folder, tree)
}

/// The definition and all that is said about it.
fn converted(tree: &Tree, name: &str, text: &[u8]) -> String {
    let path = format!("/etc/init.d/{name}");
    let (evidence, verdict) = convert(tree, &Table::known(), &path, text);
    match verdict {
        Verdict::Kept(why) => format!("kept: {why}\n"),
        Verdict::Converted(draft) => {
            let report = Report::converted(&evidence, &draft, text);
            format!("{}\n{}", draft.text(), report.remarks())
        }
    }
}

#[test]
fn scripts_become_the_definitions_beside_them() {
    let (_folder, tree) = machine();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/convert");
    let mut seen = 0;
    for entry in fs::read_dir(&golden).unwrap().flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|end| end != "script") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap();
        let made = converted(&tree, name, &fs::read(&path).unwrap());
        let wanted = golden.join(format!("{name}.out"));
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&wanted, &made).unwrap();
        }
        assert_eq!(made, fs::read_to_string(&wanted).unwrap_or_default(), "{name}");
        assert_eq!(made, converted(&tree, name, &fs::read(&path).unwrap()), "{name}: twice the same");
        seen += 1;
    }
    assert!(seen >= 6, "{seen} scripts");
}

#[test]
fn what_a_script_does_not_say_its_unit_may() {
    let (folder, tree) = machine();
    let unit = folder.path().join("lib/systemd/system/webd.service");
    fs::create_dir_all(unit.parent().unwrap()).unwrap();
    let bound = "BindsTo=dev-serial-by\\x2did-gps.device sys-subsystem-net-devices-eth1.device sys-module-fuse.device";
    fs::write(&unit, format!("[Unit]\n{bound}\n[Service]\nExecStart=/usr/sbin/webd\nUser=web\n")).unwrap();
    let path = "/etc/init.d/webd";
    let text = "#!/bin/sh\ncase $1 in start) start-stop-daemon --start --background --exec /usr/sbin/webd ;; esac\n";
    let (_, verdict) = convert(&tree, &Table::known(), path, text.as_bytes());
    let Verdict::Converted(mut draft) = verdict else { panic!("{verdict:?}") };
    draft.take_from_unit(&unit::beside(&tree, path).unwrap());
    let made = draft.text();
    let lines = ["user = \"web\"", "devices = [\"/dev/serial/by-id/gps\", \"net:eth1\"]"];
    assert!(lines.iter().all(|wanted| made.lines().any(|line| line == *wanted)), "{made}");
    let told =
        "/lib/systemd/system/webd.service: BindsTo=sys-module-fuse.device is no node below /dev and no interface";
    assert!(draft.open.iter().any(|line| line == told), "{:?}", draft.open);
    assert_eq!(service(&Name::new("webd").unwrap(), &made).unwrap().devices.len(), 2);
}

/// Whatever is read, a definition that comes out is one that svc reads without a fault.
fn holds(text: &[u8]) {
    static MACHINE: LazyLock<(tempfile::TempDir, Tree)> = LazyLock::new(machine);
    let (_, verdict) = convert(&MACHINE.1, &Table::known(), "/etc/init.d/any", text);
    if let Verdict::Converted(draft) = verdict {
        service(&Name::new("any").unwrap(), &draft.text()).unwrap();
    }
}

const PIECES: &[&str] = &[
    "start-stop-daemon --start",
    " --exec",
    " /usr/sbin/webd",
    " --",
    " $A",
    " \"$B c\"",
    "A='x\ty \\\"'",
    "B=`echo $1`",
    "case $1 in",
    " start)",
    ";;",
    "esac",
    "if [ -f /etc/x ]; then",
    "fi",
    "\n",
    ";",
    " &",
    " && ",
    " || ",
    "f() {",
    "}",
    "f",
    " --chuid w:g",
    " --pidfile /run/é\u{1}.pid",
    "export L='a$b'",
    "mkdir -p /run/../x /run/a\"b",
    "ulimit -n 9",
    "for i in 1 2; do",
    "done",
    "su - u -c '",
    "'",
    " 'it'\\''s' ",
    "$(",
    ")",
    "${A:-",
    "}",
    "<<E\n",
    "E\n",
    "#x\n",
    "\u{e000}",
];

/// What may happen to a script on its way through many hands.
#[derive(Clone, Debug)]
enum Change {
    /// So many lines are gone.
    Cut(usize, usize),
    /// Two words have changed places.
    Swap(usize, usize),
    /// A line stands elsewhere, too.
    Copy(usize, usize),
    /// A piece of shell stands before a word.
    Put(usize, usize),
    /// It ends here.
    End(usize),
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut text = text.to_string();
    for change in changes {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(String::from).collect();
        let mut words: Vec<String> = text.split_inclusive([' ', '\n', '\t']).map(String::from).collect();
        if lines.is_empty() {
            return text;
        }
        let (all_lines, all_words) = (lines.len(), words.len());
        text = match *change {
            Change::Cut(at, count) => {
                let at = at % all_lines;
                drop(lines.drain(at..all_lines.min(at + count)));
                lines.concat()
            }
            Change::Swap(one, other) => {
                words.swap(one % all_words, other % all_words);
                words.concat()
            }
            Change::Copy(from, to) => {
                lines.insert(to % all_lines, lines[from % all_lines].clone());
                lines.concat()
            }
            Change::Put(at, piece) => {
                words.insert(at % all_words, PIECES[piece % PIECES.len()].to_string());
                words.concat()
            }
            Change::End(at) => words[..at % all_words].concat(),
        };
    }
    text
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = || 0..4000_usize;
    let one = prop_oneof![
        (at(), 1..4_usize).prop_map(|(at, count)| Change::Cut(at, count)),
        (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        (at(), at()).prop_map(|(from, to)| Change::Copy(from, to)),
        (at(), at()).prop_map(|(at, piece)| Change::Put(at, piece)),
        at().prop_map(Change::End),
    ];
    prop::collection::vec(one, 1..8)
}

/// The scripts that were written for this.
fn seeds() -> &'static [String] {
    static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/convert");
        let mut paths: Vec<_> = fs::read_dir(golden).unwrap().flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "script"));
        paths.sort();
        paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect()
    });
    &SEEDS
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_comes_out_of_scripts_that_were_changed_is_read_without_a_fault(seed in any::<usize>(), list in changes()) {
        holds(changed(&seeds()[seed % seeds().len()], &list).as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_comes_out_of_shells_pieces_is_read_without_a_fault(at in prop::collection::vec(0..PIECES.len(), 0..40)) {
        let text: String = at.iter().map(|at| PIECES[*at]).collect();
        holds(text.as_bytes());
    }

    #[test]
    fn what_comes_out_of_any_words_is_read_without_a_fault(words in prop::collection::vec("\\PC{0,12}", 1..6)) {
        let quoted: Vec<String> = words.iter().map(|word| format!("'{}'", word.replace('\'', ""))).collect();
        holds(format!("start-stop-daemon --start --exec /usr/sbin/webd -- {}\n", quoted.join(" ")).as_bytes());
    }

    #[test]
    fn bytes_that_are_no_script_harm_nothing(text in prop::collection::vec(any::<u8>(), 0..300)) {
        holds(&text);
    }
}
