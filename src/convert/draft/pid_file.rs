//! Where the main process of a daemon that goes into the background is to be found.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use svc_compat::Style;
use svc_compat::play::{self, Launch, Machine, Piece, is_unknown};

use crate::convert::Tree;
use crate::convert::elf::Program;
use crate::convert::evidence::Evidence;
use crate::convert::manual::own_texts;

/// Configuration files that are longer are not looked through.
const FILE_BYTES_MAX: usize = 1 << 18;
/// What only starts others.
const STARTERS: [&str; 5] = ["env", "sh", "dash", "bash", "exec"];

/// A pid file that the script looks into, where its start names none.
pub(super) fn looked_into(evidence: &Evidence) -> Option<String> {
    let seen = [&evidence.stop, &evidence.start].into_iter().flat_map(|record| &record.pid_files);
    let reload = evidence.reload.iter().flat_map(|record| &record.pid_files);
    let named = evidence.facts.pid_files.iter();
    let mut all = seen.chain(reload).chain(named);
    all.find(|file| file.starts_with('/') && !file.contains(is_unknown) && !file.contains("/proc/")).cloned()
}

/// The only pid file that is built into the program, where nobody tells it of the one that the script looks into; the
/// program that has it.
pub(super) fn built_in(tree: &Tree, launch: &Launch, known: Option<&str>) -> Option<(String, String)> {
    if launch.makes_pid_file {
        return None;
    }
    let Some(program) = compiled(tree, &launch.command) else {
        // What a text writes counts where the script says nothing.
        return written(tree, launch).filter(|_| known.is_none());
    };
    let is_path =
        |text: &[u8]| text.ends_with(b".pid") && (text.starts_with(b"/run/") || text.starts_with(b"/var/run/"));
    let built_in = own_texts(tree, &program, |text| is_path(text) && !text.contains(&b'%') && !text.contains(&b' '));
    let built_in: BTreeSet<String> = built_in.iter().map(|file| one_place(file)).collect();
    let mut files = built_in.into_iter();
    let (file, None) = (files.next()?, files.next()) else { return None };
    let known = known.map(one_place);
    let is_told = |known: &String| {
        let words = launch.command.iter().skip(1).map(|word| one_place(word));
        words.clone().any(|word| word.contains(known.as_str())) || is_configured(tree, &program, &launch.command, known)
    };
    (known.as_ref() != Some(&file) && !known.as_ref().is_some_and(is_told)).then_some((file, program))
}

/// The only pid file that the text of a program in Perl, Python or Ruby opens to write into it.
fn written(tree: &Tree, launch: &Launch) -> Option<(String, String)> {
    static OPENED: LazyLock<Regex> = LazyLock::new(|| {
        let path = "(/(?:var/)?run/[A-Za-z0-9_./-]+[.]pid)";
        let (perl, python) = (format!("[\"'] *> *{path}"), format!("[\"']{path}[\"'], *[\"'](?:>|w)"));
        Regex::new(&format!("open *[( ][^;\n]*(?:{perl}|{python})")).expect("the patterns of this file are well-formed")
    });
    let program = launch.command.first()?;
    let text = tree.read(program).filter(|text| text.starts_with(b"#!"))?;
    let text = svc_compat::text::decode(&text);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let opened = lines.filter_map(|line| OPENED.captures(line)).filter_map(|found| found.get(1).or(found.get(2)));
    let opened: BTreeSet<String> = opened.map(|file| one_place(file.as_str())).collect();
    let mut files = opened.into_iter();
    let (file, None) = (files.next()?, files.next()) else { return None };
    Some((file, program.clone()))
}

/// The program itself, or the compiled one of its name that a shell's text leads to.
fn compiled(tree: &Tree, command: &[String]) -> Option<String> {
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let program = command.first()?;
    if Program::read(tree, program).is_some() {
        return Some(program.clone());
    }
    let text = tree.read(program).filter(|text| text.starts_with(b"#!"))?;
    let piece = Piece { path: program, text: &text, style: Style::Own, verb: "start", running: false, granted: &[] };
    let launches = play::play(tree, piece).launches;
    let words = launches.iter().flat_map(|launch| &launch.command).flat_map(|word| word.split([' ', ';']));
    let mut programs = words.filter(|word| word.starts_with('/') && base(word) == base(program));
    let found = programs.rfind(|word| Program::read(tree, word).is_some() && !STARTERS.contains(&&*base(word)));
    found.map(str::to_owned)
}

/// Whether a configuration file that the program is given, or has built in, speaks of this file.
fn is_configured(tree: &Tree, program: &str, command: &[String], file: &str) -> bool {
    let value = |word: &String| word.rsplit_once('=').map_or(word.clone(), |(_, value)| value.to_owned());
    let given = command.iter().skip(1).map(value);
    let built_in = own_texts(tree, program, |text| text.starts_with(b"/etc/") && text.len() < 200);
    let files = given.chain(built_in).filter(|path| path.starts_with("/etc/"));
    let texts = files.filter_map(|path| tree.read(&path)).filter(|text| text.len() < FILE_BYTES_MAX);
    let mut texts = texts.map(|text| one_place(&String::from_utf8_lossy(&text)));
    texts.any(|text| text.contains(file))
}

fn one_place(text: &str) -> String {
    text.replace("/var/run/", "/run/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::evidence::gather;
    use std::fs;
    use std::path::Path;

    fn found(program: &str, configuration: &str, start: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, bytes: &[u8]| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        };
        put("usr/sbin/webd", &elf(program));
        put("usr/sbin/wrapped", b"#!/bin/sh\nexec /usr/bin/env -i /bin/sh -c \"umask 077; /usr/lib/web/wrapped $*\"\n");
        put("usr/lib/web/wrapped", &elf(program));
        put("etc/webd.conf", configuration.as_bytes());
        let tree = Tree::partial(Path::new(folder.path()));
        let script = format!("#!/bin/sh\ncase $1 in start) start-stop-daemon --start {start} ;; esac\n");
        let launch = gather(&tree, "/etc/init.d/web", script.as_bytes()).main.unwrap();
        built_in(&tree, &launch, launch.pid_file.as_deref()).map(|(file, _)| file)
    }

    /// The smallest program that is taken for a compiled one, with this text in it.
    fn elf(text: &str) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[58] = 64;
        [bytes.as_slice(), b"\0", text.as_bytes(), b"\0"].concat()
    }

    #[test]
    fn the_file_that_the_program_writes_by_itself_is_the_one_to_look_into() {
        let inside = Some("/run/web/daemon.pid".to_string());
        let start = "--pidfile /run/webd.pid --exec /usr/sbin/webd -- -c /etc/webd.conf";
        assert_eq!(found("/var/run/web/daemon.pid", "", start), inside);
        assert_eq!(found("/var/run/web/daemon.pid", "", "--exec /usr/sbin/webd"), inside);
        assert_eq!(
            found("/run/web/daemon.pid", "", "--pidfile /run/wrapped.pid --exec /usr/sbin/wrapped -- start"),
            inside
        );
    }

    #[test]
    fn a_file_that_the_text_of_a_program_writes_is_its_own_where_the_script_says_nothing() {
        let found = |text: &str, start: &str| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
            fs::write(folder.path().join("usr/sbin/webd"), text).unwrap();
            let tree = Tree::partial(folder.path());
            let script = format!("#!/bin/sh\ncase $1 in start) {start} ;; stop) killall webd ;; esac\n");
            let launch = gather(&tree, "/etc/init.d/web", script.as_bytes()).main.unwrap();
            built_in(&tree, &launch, launch.pid_file.as_deref()).map(|(file, _)| file)
        };
        let perl = "#!/usr/bin/perl\nopen (F,\">/var/run/web.pid\");\n";
        let own = Some("/run/web.pid".to_string());
        assert_eq!(found(perl, "/usr/sbin/webd"), own);
        assert_eq!(found("#!/usr/bin/python3\nwith open('/run/web.pid', 'w') as f:\n", "/usr/sbin/webd"), own);
        assert_eq!(found(perl, "start-stop-daemon -S -p /run/x.pid -x /usr/sbin/webd"), None, "the script names one");
        assert_eq!(found(&perl.replace('>', "<"), "/usr/sbin/webd"), None, "it reads it");
        assert_eq!(found(&format!("{perl}open(G, '>/run/other.pid');\n"), "/usr/sbin/webd"), None, "which of them");
        assert_eq!(found(&perl.replace("open", "# open"), "/usr/sbin/webd"), None);
    }

    #[test]
    fn a_file_that_somebody_tells_it_or_makes_for_it_is_the_scripts() {
        let start = "--pidfile /run/webd.pid --exec /usr/sbin/webd -- -c /etc/webd.conf";
        assert_eq!(found("/run/web.pid", "pid_file = /var/run/webd.pid\n", start), None);
        assert_eq!(
            found("/run/web.pid", "", "--pidfile /run/x.pid --exec /usr/sbin/webd -- --pid=/var/run/x.pid"),
            None
        );
        assert_eq!(found("/run/web.pid", "", "--make-pidfile --pidfile /run/x.pid --exec /usr/sbin/webd"), None);
        assert_eq!(found("/run/web.pid\0/run/other.pid", "", start), None, "which of them");
        assert_eq!(found("/run/webd.pid", "", start), None, "the same");
        assert_eq!(found("", "", start), None);
    }
}
