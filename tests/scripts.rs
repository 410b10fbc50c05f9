//! Real scripts in the directory `SVC_SCRIPTS`: each is read without a note that nobody has looked at, and all together
//! are ordered as the insserv in `SVC_INSSERV` orders them. `tests/corpus/run` gets both from Debian.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use svc_compat::facility::{DEBIAN, Facilities};
use svc_compat::order::insserv::{Answer, Care, Depend, File, insserv};
use svc_compat::script;

/// A name and its text.
type Script = (String, Vec<u8>);

fn main() -> ExitCode {
    let (Some(directory), Some(tool)) = (std::env::var_os("SVC_SCRIPTS"), std::env::var_os("SVC_INSSERV")) else {
        println!("scripts: none here; tests/corpus/run gets some");
        return ExitCode::SUCCESS;
    };
    let scripts = read_all(Path::new(&directory));
    let mut faults = notes(&scripts);
    for care in [Care::Strict, Care::Force] {
        faults.extend(order(&scripts, Path::new(&tool), care));
    }
    for fault in &faults {
        println!("  {fault}");
    }
    println!("scripts: {} read and ordered, {} faults", scripts.len(), faults.len());
    if faults.is_empty() && scripts.len() >= 150 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The scripts in the order of the directory.
fn read_all(directory: &Path) -> Vec<Script> {
    let entries = fs::read_dir(directory).expect("a directory of scripts").flatten();
    let name = |path: &Path| path.file_name().expect("a file has a name").to_string_lossy().into_owned();
    let paths = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    paths.map(|path| (name(&path), fs::read(&path).expect("a script can be read"))).collect()
}

fn notes(scripts: &[Script]) -> Vec<String> {
    let known: BTreeSet<&str> = include_str!("scripts/notes.txt").lines().collect();
    let mut out = Vec::new();
    for (name, text) in scripts {
        for note in script::read(name, text).notes {
            let note = format!("{name}: {}", note.text);
            if !known.contains(note.as_str()) {
                out.push(note);
            }
        }
    }
    out
}

/// What differs between the original's answer and ours.
fn order(scripts: &[Script], tool: &Path, care: Care) -> Vec<String> {
    let root = tempfile::tempdir().expect("a temporary directory");
    let init = root.path().join("etc/init.d");
    fs::create_dir_all(&init).expect("a directory in it");
    let config = root.path().join("etc/insserv.conf");
    fs::write(&config, DEBIAN).expect("a file in it");
    for (name, text) in scripts {
        fs::write(init.join(name), text).expect("a script");
        fs::set_permissions(init.join(name), fs::Permissions::from_mode(0o755)).expect("an executable script");
    }
    let scripts = read_all(&init);
    let mut names: Vec<&str> = scripts.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let mut command = Command::new(tool);
    command.arg("-d").arg("-c").arg(&config).arg("-p").arg(&init).arg("-i").arg(&init);
    command.arg("-o").arg(root.path().join("overrides"));
    if care == Care::Force {
        command.arg("-f");
    }
    let theirs = command.args(&names).current_dir("/").output().expect("insserv can be run");
    let theirs = recorded(root.path(), theirs.status.code(), &theirs.stderr);
    let files: Vec<File<'_>> = scripts.iter().map(|(name, text)| File { name, text }).collect();
    let mut facilities = Facilities::default();
    facilities.read(DEBIAN.as_bytes(), &mut Vec::new());
    let ours = told(&insserv(&files, &names, &facilities, care));
    let missing = theirs.difference(&ours).map(|line| format!("{care:?}: insserv has, we have not: {line}"));
    let extra = ours.difference(&theirs).map(|line| format!("{care:?}: we have, insserv has not: {line}"));
    missing.chain(extra).collect()
}

/// The original's answer as a set of lines.
fn recorded(root: &Path, code: Option<i32>, stderr: &[u8]) -> BTreeSet<String> {
    let mut out = BTreeSet::from([format!("exit {}", code.unwrap_or(-1))]);
    out.extend(
        String::from_utf8_lossy(stderr)
            .lines()
            .map(|line| line.trim_start_matches("insserv:").trim_start().to_string()),
    );
    let files = |directory: PathBuf| fs::read_dir(directory).into_iter().flatten().flatten();
    for level in "0123456S".chars() {
        let links = files(root.join(format!("etc/rc{level}.d")));
        out.extend(links.map(|link| format!("{level}/{}", link.file_name().to_string_lossy())));
    }
    for kind in ["boot", "start", "stop"] {
        let text = fs::read_to_string(root.join(format!("etc/init.d/.depend.{kind}"))).unwrap_or_default();
        out.extend(text.lines().map(|line| format!("{kind} {}", line.trim_end())));
    }
    out
}

/// Our answer as the same lines.
fn told(answer: &Answer) -> BTreeSet<String> {
    let mut out = BTreeSet::from([format!("exit {}", answer.exit)]);
    out.extend(answer.messages.iter().map(|message| message.trim_start().to_string()));
    for link in &answer.links {
        out.insert(format!("{}/{}{:02}{}", link.level, link.kind, link.number, link.script));
    }
    let list = |head: &str, words: &[String]| format!("{head} {}", words.join(" ")).trim_end().to_string();
    let files: [(&str, &Depend); 3] = [("boot", &answer.boot), ("start", &answer.start), ("stop", &answer.stop)];
    for (kind, file) in files.into_iter().filter(|_| answer.exit == 0) {
        out.insert(list(&format!("{kind} TARGETS ="), &file.targets));
        if kind != "stop" {
            out.insert(list(&format!("{kind} INTERACTIVE ="), &file.interactive));
        }
        out.extend(file.deps.iter().map(|(script, deps)| list(&format!("{kind} {script}:"), deps)));
    }
    out
}
