//! `svc edit`, with editors that are scripts, below a real svcd.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use svc_platform::host::PLACES;
use tempfile::TempDir;

use crate::fake::{Called, called, svc};
use crate::machine::Machine;
use crate::screen::terminal::{Terminal, have};

const WEB: &str = "command = \"sleep 1000\"\nnice = 1\n";

struct Place {
    /// Ends before its directory goes.
    machine: Machine,
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let services = folder.path().join("etc/svc/services");
        fs::create_dir_all(&services).unwrap();
        fs::create_dir(folder.path().join("tmp")).unwrap();
        fs::write(services.join("web.toml"), WEB).unwrap();
        let machine = Machine::at(folder.path());
        Self { machine, folder }
    }

    fn services(&self) -> PathBuf {
        self.folder.path().join("etc/svc/services")
    }

    fn define(&self, name: &str, text: &str) {
        fs::write(self.services().join(format!("{name}.toml")), text).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.services().join("web.d/edit.toml")
    }

    /// Edits with this line of a shell, for which the file is `$1`.
    fn edit(&self, name: &str, editor: &str) -> Called {
        let script = self.folder.path().join("editor");
        fs::write(&script, editor).unwrap();
        let editor = format!("sh {}", script.display());
        let mut svc = self.machine.svc();
        svc.args(["edit", name]).env("VISUAL", editor).env("TMPDIR", self.folder.path().join("tmp"));
        called(svc.output().unwrap())
    }

    /// The one file in which what was typed is kept.
    fn typed(&self) -> Option<String> {
        let dir = fs::read_dir(self.folder.path().join("tmp")).unwrap().next()?.unwrap().path();
        Some(fs::read_to_string(dir.join("web.toml")).unwrap())
    }
}

fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

#[test]
fn what_is_typed_is_saved_and_loaded_and_comes_again_with_the_next_edit() {
    let place = Place::new();
    let call = place.edit("web", "grep -q '^#:   nice = 1' $1 || exit 9; echo 'nice = 5' >>$1");
    assert_eq!(call.code, 0, "{call:?}");
    assert!(call.out.contains("edit.toml is saved\n") && call.out.contains("web: nice was 1, is 5"), "{call:?}");
    assert_eq!(read(&place.file()).as_deref(), Some("nice = 5\n"));
    // What is wrong with another service is not what this edit did.
    place.define("other", "nise = 5\n");
    let call = place.edit("web", "sed -i.old s/5/7/ $1");
    assert!(call.code == 0 && call.out.contains("web: nice was 5, is 7"), "{call:?}");
    assert!(!call.out.contains("other") && !call.out.contains("command"), "only what changed: {call:?}");
    let call = place.edit("web", "true");
    assert_eq!((call.code, call.out.as_str()), (0, "web: nothing was changed\n"));
    let call = place.edit("web", ": >$1");
    assert!(call.out.contains("is removed") && call.out.contains("nice was 7, is 1"), "{call:?}");
    assert!(!place.file().parent().unwrap().exists());
    assert_eq!(place.typed(), None, "nothing is left lying about");
}

#[test]
fn a_fault_is_refused_with_its_place_and_what_was_typed_is_kept() {
    let place = Place::new();
    let call = place.edit("web", "echo 'nise = 5' >$1");
    assert_eq!(call.code, 1);
    assert!(call.err.contains("web.d/edit.toml:1:1: unknown key `nise`"), "{call:?}");
    assert!(call.err.contains("did you mean `nice`?") && call.err.contains("what was typed is kept in "), "{call:?}");
    assert_eq!(read(&place.file()), None);
    assert_eq!(place.typed().as_deref(), Some("nise = 5\n"));
}

#[test]
fn a_contradiction_with_the_definition_is_found_though_each_file_alone_is_well() {
    let place = Place::new();
    let call = place.edit("web", "echo 'kind = \"group\"' >$1");
    assert_eq!(call.code, 1, "{call:?}");
    assert!(call.err.contains("nothing was saved"), "{call:?}");
    assert_eq!(read(&place.file()), None);
}

#[test]
fn an_editor_that_fails_and_a_change_by_somebody_else_lose_nothing() {
    let place = Place::new();
    let call = place.edit("web", "echo 'nice = 2' >$1; exit 3");
    assert!(call.code == 1 && call.err.contains("exit status: 3"), "{call:?}");
    assert_eq!((place.typed().as_deref(), read(&place.file())), (Some("nice = 2\n"), None));
    let other = place.file();
    let call = place.edit("web", &format!("echo 'nice = 3' >$1; echo 'nice = 4' >{}", other.display()));
    assert!(call.code == 1 && call.err.contains("somebody else has changed it meanwhile"), "{call:?}");
    assert_eq!(read(&other).as_deref(), Some("nice = 4\n"));
}

#[test]
fn a_service_that_is_not_there_is_told_before_any_editor_starts() {
    let place = Place::new();
    let call = place.edit("wbe", "echo never >&2");
    assert_eq!((call.code, call.err.as_str()), (5, "svc: no service is called wbe; did you mean web?\n"));
}

#[test]
fn who_may_not_write_hears_it_before_any_editor_starts() {
    if !svc_platform::users::is_root() {
        let _ = writeln!(std::io::stderr(), "skipped: an edit by somebody else: only root can become one");
        return;
    }
    let place = Place::new();
    for path in [place.folder.path(), &place.folder.path().join("run")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // The program where anybody can reach it.
    let program = place.folder.path().join("svc");
    let built = env!("CARGO_BIN_EXE_svc");
    fs::hard_link(built, &program).or_else(|_| fs::copy(built, &program).map(|_| ())).unwrap();
    let mut edit = Command::new(&program);
    edit.arg("--socket").arg(place.machine.socket()).args(["edit", "web"]).env("VISUAL", "echo never");
    let call = called(edit.uid(65534).gid(65534).output().unwrap());
    assert!(call.code == 4 && call.err.contains("ermission denied") && call.out.is_empty(), "{call:?}");
}

#[test]
fn without_a_terminal_and_an_editor_that_needs_none_nothing_is_begun() {
    let place = Place::new();
    let mut edit = place.machine.svc();
    edit.args(["edit", "web"]).env_remove("VISUAL").env_remove("EDITOR").stdin(std::process::Stdio::null());
    edit.env("TMPDIR", place.folder.path().join("tmp"));
    let call = called(edit.output().unwrap());
    assert_eq!((call.code, call.err.as_str()), (1, "svc: there is no terminal for vi; set EDITOR to another\n"));
    assert_eq!(place.typed(), None, "nothing is left lying about");
    assert!(!place.file().parent().unwrap().exists());
}

#[test]
fn at_a_terminal_the_editor_is_offered_again() {
    if !have("editing at a terminal", &["tmux"]) {
        return;
    }
    let place = Place::new();
    let (socket, script) = (place.machine.socket().display().to_string(), place.folder.path().join("editor"));
    // The first time a slip, the second time its repair.
    fs::write(&script, "if grep -q nise $1; then sed -i.old s/nise/nice/ $1; else echo 'nise = 5' >>$1; fi").unwrap();
    let editor = format!("sh {}", script.display());
    let tmp = place.folder.path().join("tmp").display().to_string();
    let variables = [("SVC_SOCKET", socket.as_str()), ("EDITOR", &editor), ("TMPDIR", &tmp)];
    let terminal = Terminal::open(100, 30, &variables, "svc edit web; echo \"code $?\"; read -r _");
    terminal.until("the question", |text| text.contains("unknown key `nise`") && text.contains("edit it again? [Y/n]"));
    terminal.keys(&["Enter"]);
    terminal.until("the change", |text| text.contains("web: nice was 1, is 5") && text.contains("code 0"));
    assert_eq!(read(&place.file()).as_deref(), Some("nice = 5\n"));
}

#[test]
fn a_file_with_faults_is_mended_itself_as_no_drop_in_can() {
    let place = Place::new();
    place.define("web", "# Ours.\n#: so it was\ncomand = \"sleep 1000\"\nnice = 1\n");
    // Another slip is refused as anywhere.
    let call = place.edit("web", "sed -i.old 's/nice = 1/nice = \"1/' $1");
    assert!(call.code == 1 && call.err.contains("nothing was saved") && call.err.contains("is kept in "), "{call:?}");
    let call = place.edit("web", "true");
    assert_eq!((call.code, call.out.as_str()), (0, "web: nothing was changed\n"));
    let look = "grep -q '^#: .*web.toml has faults' $1 && grep -q '^#: .*unknown key `comand`' $1 || exit 9";
    let call = place.edit("web", &format!("{look}; sed -i.old s/^comand/command/ $1"));
    assert!(call.code == 0 && call.out.contains("etc/svc/services/web.toml is saved\n"), "{call:?}");
    let saved = read(&place.services().join("web.toml"));
    assert_eq!(saved.as_deref(), Some("# Ours.\n#: so it was\ncommand = \"sleep 1000\"\nnice = 1\n"));
    assert!(!place.file().exists());
    // From now on it is a drop-in again.
    let call = place.edit("web", "echo 'nice = 5' >>$1");
    assert!(call.out.contains("edit.toml is saved\n") && call.out.contains("web: nice was 1, is 5"), "{call:?}");
}

#[test]
fn a_faulty_drop_in_of_ours_is_mended_where_it_is() {
    let place = Place::new();
    fs::create_dir(place.services().join("web.d")).unwrap();
    fs::write(place.file(), "nise = 5\n").unwrap();
    let call = place.edit("web", "sed -i.old s/nise/nice/ $1");
    assert!(call.code == 0 && call.out.contains("web: nice was 1, is 5"), "{call:?}");
    assert_eq!(read(&place.services().join("web.toml")).as_deref(), Some(WEB));
}

#[test]
fn what_it_requires_in_vain_does_not_keep_anybody_from_another_change() {
    let place = Place::new();
    place.define("web", &format!("{WEB}requires = [\"db\"]\n"));
    let call = place.edit("web", "echo 'nice = 5' >>$1");
    assert!(call.code == 0 && call.out.contains("web: nice was 1, is 5"), "{call:?}");
    let call = place.edit("web", "echo 'requires = [\"bd\"]' >>$1");
    assert!(call.code == 1 && call.err.contains("nothing was saved"), "{call:?}");
}

#[test]
fn of_a_template_the_instances_that_changed_are_told() {
    let place = Place::new();
    place.define("work@", WEB);
    assert!(place.machine.svc().args(["start", "work@one"]).status().unwrap().success());
    let call = place.edit("work@", "echo 'nice = 5' >>$1");
    assert!(call.code == 0 && call.out.contains("work@one: nice was 1, is 5"), "{call:?}");
}

#[test]
fn a_faulty_file_of_the_system_is_hidden_by_one_of_the_administrator() {
    if !svc_platform::users::is_root() {
        let _ = writeln!(std::io::stderr(), "skipped: a root without svcd: where a user's files are is elsewhere");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let [own, .., vendor] = PLACES.definitions else { panic!("one place of definitions") };
    let saved = format!("{own}/web.toml is saved\n");
    let (vendor, own) = (root.path().join(vendor), root.path().join(own));
    fs::create_dir_all(&vendor).unwrap();
    fs::write(vendor.join("web.toml"), "comand = \"sleep 1000\"\n").unwrap();
    let mut edit = svc();
    edit.arg("--root").arg(root.path()).args(["edit", "web"]).env("VISUAL", "sed -i.old s/^comand/command/");
    let call = called(edit.output().unwrap());
    assert!(call.code == 0 && call.out.contains(&saved), "{call:?}");
    assert!(call.out.contains("svcd is not running"), "{call:?}");
    assert_eq!(read(&own.join("web.toml")).as_deref(), Some("command = \"sleep 1000\"\n"));
    assert_eq!(read(&vendor.join("web.toml")).as_deref(), Some("comand = \"sleep 1000\"\n"));
}
