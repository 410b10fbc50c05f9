//! Two roots that differ in one thing: whose commands are in them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::topics::{COMMANDS, Call, Put, Topic};

/// A call that takes longer is ended.
const SECONDS_MAX: &str = "30";

/// Whose commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Original,
    Ours,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Ours => "ours",
        }
    }
}

/// What a call gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    /// Every watched file: what it is and what is in it.
    pub(crate) files: BTreeMap<String, String>,
}

impl Answer {
    /// Lines for people: `-` the original's, `+` ours.
    pub(crate) fn differences(&self, ours: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        let mut two = |what: &str, one: &str, other: &str| {
            if one != other {
                lines.push(format!("  {what}\n    - {one}\n    + {other}"));
            }
        };
        two("code", &format!("{:?}", self.code), &format!("{:?}", ours.code));
        two("stdout", &format!("{:?}", self.out), &format!("{:?}", ours.out));
        two("stderr", &format!("{:?}", self.err), &format!("{:?}", ours.err));
        let nothing = "(is not there)".to_owned();
        let names = self.files.keys().chain(ours.files.keys()).collect::<std::collections::BTreeSet<_>>();
        for name in names {
            let of = |files: &BTreeMap<String, String>| files.get(name).unwrap_or(&nothing).clone();
            two(name, &of(&self.files), &of(&ours.files));
        }
        lines
    }
}

/// Both roots, on a file system of their own that is gone with the mount namespace.
#[derive(Debug)]
pub(crate) struct Twins {
    place: PathBuf,
}

impl Twins {
    pub(crate) fn new(packages: &Path) -> Self {
        let place = packages.join("roots");
        fs::create_dir_all(&place).unwrap();
        run("mount", &["-t", "tmpfs", "oracle", text(&place)]);
        let twins = Self { place };
        for side in [Side::Original, Side::Ours] {
            twins.build(side);
        }
        twins.install_originals(packages);
        twins.install_ours();
        twins.take_out();
        twins
    }

    pub(crate) fn root(&self, side: Side) -> PathBuf {
        self.place.join(side.word())
    }

    /// This machine's /usr below a layer of its own, and nothing else of this machine.
    fn build(&self, side: Side) {
        let root = self.root(side);
        for name in ["usr", "etc", "run", "var/lib", "var/run", "tmp", "dev", "proc", "root"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        let [upper, work] = ["upper", "work"].map(|name| self.place.join(format!("{}-{name}", side.word())));
        for place in [&upper, &work] {
            fs::create_dir_all(place).unwrap();
        }
        let layers = format!("lowerdir=/usr,upperdir={},workdir={}", text(&upper), text(&work));
        run("mount", &["-t", "overlay", "-o", &layers, "overlay", text(&root.join("usr"))]);
        run("mount", &["--bind", "/dev", text(&root.join("dev"))]);
        run("mount", &["-t", "proc", "proc", text(&root.join("proc"))]);
        for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            if let Ok(target) = fs::read_link(Path::new("/").join(name)) {
                symlink(target, root.join(name)).unwrap();
            }
        }
        for name in ["passwd", "group", "ld.so.cache", "alternatives"] {
            let from = Path::new("/etc").join(name);
            if from.exists() {
                run("cp", &["-a", text(&from), text(&root.join("etc"))]);
            }
        }
    }

    /// Neither is a machine of systemd's or OpenRC's, and this machine's own policy is not part of the test.
    fn take_out(&self) {
        for side in [Side::Original, Side::Ours] {
            for name in ["bin/systemctl", "sbin/policy-rc.d", "sbin/init", "sbin/runlevel", "sbin/openrc"] {
                let _ = fs::remove_file(self.root(side).join("usr").join(name));
            }
        }
    }

    fn install_originals(&self, packages: &Path) {
        let root = self.root(Side::Original);
        for entry in fs::read_dir(packages).unwrap().flatten() {
            let path = entry.path();
            if path.extension().is_none_or(|end| end != "deb") {
                continue;
            }
            let open = self.place.join("open");
            run("dpkg-deb", &["-x", text(&path), text(&open)]);
            for (from, to) in [("usr", "usr"), ("bin", "usr/bin"), ("sbin", "usr/sbin"), ("lib", "usr/lib")] {
                if open.join(from).exists() {
                    run("cp", &["-a", &format!("{}/.", text(&open.join(from))), text(&root.join(to))]);
                }
            }
            fs::remove_dir_all(&open).unwrap();
        }
        if let Some(place) = std::env::var_os("SVC_ORACLE_REDHAT").map(PathBuf::from) {
            for (name, command) in [("chkconfig", "chkconfig"), ("service", "redhat-service")] {
                fs::copy(place.join(name), root.join("usr/sbin").join(command)).unwrap();
            }
        }
    }

    fn install_ours(&self) {
        let root = self.root(Side::Ours);
        let program = "/usr/lib/svc-program";
        fs::copy(env!("CARGO_BIN_EXE_svc"), root.join(&program[1..])).unwrap();
        for command in COMMANDS {
            let path = root.join(command.trim_start_matches('/'));
            let _ = fs::remove_file(&path);
            symlink(program, path).unwrap();
        }
    }

    /// Empties what is watched in both, and fills it in the same way.
    pub(crate) fn renew(&self, watched: &[&str], puts: &[Put]) {
        for side in [Side::Original, Side::Ours] {
            let root = self.root(side);
            for name in watched {
                let path = root.join(name.trim_start_matches('/'));
                let gone = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
                assert!(gone.is_ok() || fs::symlink_metadata(&path).is_err(), "{}: {gone:?}", path.display());
            }
            for put in puts {
                put.apply(&root);
            }
        }
    }

    pub(crate) fn call(&self, side: Side, topic: &Topic, call: &Call) -> Answer {
        let root = self.root(side);
        let output = Command::new("timeout")
            .args(["-k", "1", SECONDS_MAX, "chroot"])
            .arg(&root)
            .arg(topic.program)
            .args(&call.words)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .envs(call.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut files = BTreeMap::new();
        for name in topic.watched {
            look(&root, Path::new(name.trim_start_matches('/')), &mut files);
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Answer { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr), files }
    }
}

/// Notes what a path is, and all below it.
fn look(root: &Path, path: &Path, files: &mut BTreeMap<String, String>) {
    let place = root.join(path);
    let Ok(meta) = fs::symlink_metadata(&place) else { return };
    let kind = meta.file_type();
    let mode = meta.permissions().mode() & 0o7777;
    let found = if kind.is_symlink() {
        format!("-> {}", fs::read_link(&place).unwrap().display())
    } else if kind.is_dir() {
        for entry in fs::read_dir(&place).unwrap().flatten() {
            look(root, &path.join(entry.file_name()), files);
        }
        format!("directory {mode:o}")
    } else {
        format!("{mode:o} {:?}", String::from_utf8_lossy(&fs::read(&place).unwrap()))
    };
    files.insert(path.to_string_lossy().into_owned(), found);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("paths of the test are text")
}

fn run(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().unwrap();
    assert!(output.status.success(), "{program} {words:?}: {}", String::from_utf8_lossy(&output.stderr));
}
