//! `svc order` as a program: to the letter what the reference tools answered, and the order of a mixed machine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::fake::{Called, called, svc};

fn facts(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/facts").join(path);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn script(provides: &str, start: &str, levels: &str) -> String {
    format!(
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: {provides}\n# Required-Start: {start}\n# Required-Stop:\n\
         # Default-Start: {levels}\n# Default-Stop: 0 1 6\n### END INIT INFO\n"
    )
}

#[test]
fn rcorder_is_answered_for_line_for_line() {
    let mut steps = 0;
    for case in ["cycle2", "keywords", "parallel", "missing", "beforeunknown", "diamond"] {
        let facts = facts(&format!("freebsd/rcorder/rcorder-{case}.json"));
        let folder = TempDir::new().unwrap();
        for file in facts["inputs"]["files"].as_array().unwrap() {
            let name = Path::new(file["path"].as_str().unwrap()).file_name().unwrap();
            write(&folder.path().join(name), file["content"].as_str().unwrap());
        }
        for step in facts["steps"].as_array().unwrap() {
            let command = step["command"].as_str().unwrap();
            let (_, words) = command.split_once("&& rcorder ").unwrap();
            let plain = |found: char| found.is_ascii_alphanumeric() || " -_".contains(found);
            if !words.chars().all(plain) {
                continue;
            }
            let mut call = svc();
            call.args(["order", "--rcorder"]).args(words.split_whitespace()).current_dir(folder.path());
            let answer = called(call.output().unwrap());
            assert_eq!(answer.out, step["stdout"].as_str().unwrap(), "{case}: {command}");
            assert_eq!(answer.err, step["stderr"].as_str().unwrap(), "{case}: {command}");
            assert_eq!(i64::from(answer.code), step["exit"].as_i64().unwrap(), "{case}: {command}");
            steps += 1;
        }
    }
    assert!(steps >= 10, "{steps} steps");
}

#[test]
fn rc_d_scripts_that_could_go_in_any_order_go_as_rcorder_has_them() {
    let folder = TempDir::new().unwrap();
    let needs =
        [("a", ""), ("b", ""), ("c", "a"), ("d", "a"), ("e", "b"), ("f", ""), ("g", "c e"), ("h", "c"), ("i", "")];
    for (name, needed) in needs {
        let header = format!("#!/bin/sh\n# PROVIDE: {name}\n# REQUIRE: {needed}\n\n. /etc/rc.subr\n");
        write(&folder.path().join("rc.d").join(name), &header);
    }
    let answer = |words: &[&str]| {
        let answer = called(svc().arg("order").args(words).current_dir(folder.path()).output().unwrap());
        answer.out.lines().map(|line| line.rsplit('/').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let files: Vec<String> = needs.iter().map(|(name, _)| format!("rc.d/{name}")).collect();
    let wanted = answer(&[&["--rcorder"], files.iter().map(String::as_str).collect::<Vec<_>>().as_slice()].concat());
    assert_eq!(wanted.len(), needs.len());
    assert_eq!(answer(&["rc.d"]), wanted);
    let mut sorted = wanted.clone();
    sorted.sort();
    assert_ne!(wanted, sorted, "names alone would not do");
}

#[test]
fn a_script_that_is_not_there_is_told_as_rcorder_tells_it() {
    let folder = TempDir::new().unwrap();
    write(&folder.path().join("a"), "# PROVIDE: a\n");
    let mut call = svc();
    let answer = called(call.args(["order", "--rcorder", "gone", "a"]).current_dir(folder.path()).output().unwrap());
    assert_eq!(answer.err, "rcorder: could not open gone: No such file or directory\n");
    assert_eq!((answer.out.as_str(), answer.code), ("a\n", 0));
}

/// The directory of scripts that one of the facts about insserv was made from.
fn insserv_directory(root: &Path, ids: &Value) {
    let all = facts("debian/lsb-headers.json");
    let texts: BTreeMap<&str, &Value> =
        all["scripts"].as_array().unwrap().iter().map(|script| (script["id"].as_str().unwrap(), script)).collect();
    for id in ids.as_array().unwrap() {
        let id = id.as_str().unwrap();
        let script = texts[id];
        let lines: Vec<&str> =
            script["header_lines"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        let text = match script["header_present"] == true {
            true => format!("#!/bin/sh\n### BEGIN INIT INFO\n{}\n### END INIT INFO\n", lines.join("\n")),
            false => "#!/bin/sh\nexit 0\n".to_owned(),
        };
        write(&root.join("etc/init.d").join(id.split_once(':').unwrap().1), &text);
    }
}

fn order(root: &Path, words: &str) -> Called {
    called(svc().arg("--root").arg(root).arg("order").args(words.split_whitespace()).output().unwrap())
}

/// The lines `name: dependency...` of a dependency file.
fn dependencies(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    text.lines().filter_map(|line| line.split_once(": ")).map(|(name, rest)| (name.to_owned(), words(rest))).collect()
}

#[test]
fn insservs_dependency_files_and_numbers_are_the_originals() {
    let facts = facts("debian/orders/base.json");
    let root = TempDir::new().unwrap();
    insserv_directory(root.path(), &facts["scripts"]);
    for file in ["boot", "start", "stop"] {
        let answer = order(root.path(), &format!("--insserv --depend {file}"));
        let expected: BTreeMap<String, BTreeSet<String>> =
            serde_json::from_value(facts["depend"][file]["deps"].clone()).unwrap();
        assert_eq!(dependencies(&answer.out), expected, "{file}");
        assert_eq!((answer.err.as_str(), answer.code), ("", 0));
    }
    let shown = order(root.path(), "--insserv").out;
    for line in ["S:01:S:mountkernfs.sh", "S:12:S:networking", "S:03:2 3 4 5:rc.local", "K:07:0:halt"] {
        assert!(shown.lines().any(|found| found == line), "{line} is not in\n{shown}");
    }
}

#[test]
fn insserv_gives_up_where_the_original_does() {
    let root = TempDir::new().unwrap();
    write(&root.path().join("etc/init.d/web"), &script("web", "db", "2 3"));
    let answer = order(root.path(), "--insserv");
    let expected = "insserv: FATAL: service db has to be enabled to use service web\ninsserv: exiting now!\n";
    assert_eq!((answer.out.as_str(), answer.err.as_str(), answer.code), ("", expected, 1));
    let answer = order(root.path(), "--insserv --force");
    assert_eq!((answer.out.as_str(), answer.code), ("K:01:0 1 6:web\nS:01:2 3:web\n", 0));
}

/// A machine with one script of each kind and a definition between them.
fn mixed() -> TempDir {
    let root = TempDir::new().unwrap();
    let below = |path: &str| root.path().join(path);
    write(&below("etc/init.d/web"), &script("web", "$network db", "2 3 4 5"));
    write(&below("etc/init.d/networking"), &script("networking", "", "S"));
    write(&below("etc/init.d/web.dpkg-old"), "#!/bin/sh\n");
    write(&below("etc/rc.d/late"), "#!/bin/sh\n# PROVIDE: late\n# REQUIRE: web\n# KEYWORD: shutdown\n");
    write(&below("etc/svc/services/db.toml"), "command = \"/bin/true\"\nafter = [\"networking\"]\n");
    fs::create_dir_all(below("etc/rc2.d")).unwrap();
    symlink("../init.d/web", below("etc/rc2.d/S02web")).unwrap();
    root
}

#[test]
fn scripts_of_all_dialects_and_definitions_have_one_order() {
    let root = mixed();
    let answer = order(root.path(), "");
    assert_eq!((answer.out.as_str(), answer.err.as_str(), answer.code), ("networking\ndb\nweb\nlate\n", "", 0));
    assert_eq!(order(root.path(), "-k shutdown").out, "late\n");
    assert_eq!(order(root.path(), "-s shutdown --mixed").out, "networking\ndb\nweb\n");
    let dot = order(root.path(), "-g").out;
    assert!(dot.starts_with("digraph svc {\n") && dot.contains("\"web\" -> \"db\" [style=dashed];\n"), "{dot}");
    // What db waits for already is no line of its own.
    assert!(!dot.contains("\"web\" -> \"networking\""), "{dot}");
    let answer = called(svc().args(["--json", "--root"]).arg(root.path()).arg("order").output().unwrap());
    let json: Value = serde_json::from_str(&answer.out).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["order"]["services"][2]["name"], "web");
    assert_eq!(json["order"]["services"][2]["after"], serde_json::json!(["db"]));
}

#[test]
fn what_may_start_together_is_on_one_line() {
    let root = TempDir::new().unwrap();
    for (name, start) in [("a", ""), ("b", "a"), ("c", "a"), ("d", "b c")] {
        write(&root.path().join("etc/init.d").join(name), &script(name, start, "2"));
    }
    assert_eq!(order(root.path(), "-p").out, "a\nb c\nd\n");
}

#[test]
fn files_that_are_named_are_all_that_is_ordered() {
    let root = mixed();
    let files = ["etc/init.d/web", "etc/svc/services/db.toml"].map(|path| root.path().join(path));
    let answer = called(svc().arg("order").args(files).output().unwrap());
    assert_eq!((answer.out.as_str(), answer.code), ("db\nweb\n", 0));
}

#[test]
fn scripts_in_a_circle_are_told_and_none_is_lost() {
    let root = TempDir::new().unwrap();
    for (name, start) in [("a", "b"), ("b", "a"), ("c", "")] {
        write(&root.path().join("etc/init.d").join(name), &script(name, start, "2"));
    }
    let answer = order(root.path(), "");
    let names: BTreeSet<&str> = answer.out.lines().collect();
    assert_eq!(names, BTreeSet::from(["a", "b", "c"]));
    assert!(answer.err.contains("comes after") && answer.err.contains("passed over"), "{}", answer.err);
    assert_eq!(answer.code, 1);
}
