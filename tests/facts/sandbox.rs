//! A root of its own in which recorded commands are run: private mounts, private process ids, the host's programs.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

const SEARCH: &str = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin";

/// Runs one command after the other as process 1 of the sandbox; the loop ends with its input.
const DRIVER: &str = r#"
ulimit -c unlimited
ulimit -n 4097
while read -r verb limit; do
	case $verb in
	clean) kill -9 -1 2>/dev/null; echo 0 ;;
	run)
		cd /work && env -i HOME=/root PATH="$SEARCH" setsid -w timeout -k 2 "$limit" \
			/bin/sh -c "$(cat /.run/command)" </dev/null >/.run/stdout 2>/.run/stderr
		echo $? ;;
	esac
done 2>/.run/driver
"#;

/// Closes what it was given, mounts what is the host's, then becomes process 1 inside.
const ENTER: &str = r#"
set -e
for open in /proc/self/fd/*; do
	open=${open##*/}
	[ "$open" -le 2 ] || eval "exec $open>&-"
done
for place in usr/.bin usr/.sbin usr/lib usr/lib32 usr/lib64 usr/libx32 usr/share usr/libexec dev; do
	[ ! -d "$ROOT/$place" ] || mount --rbind "/$(echo "$place" | tr -d .)" "$ROOT/$place"
done
mount -t proc proc "$ROOT/proc"
exec chroot "$ROOT" /usr/bin/env SEARCH="$SEARCH" "$SHELL_PATH" /.run/driver.sh
"#;

/// Of the guest's defaults, what the facts show.
const DEFAULTS: &str = r#"_localbase="/usr/local"
rc_conf_files="/etc/rc.conf /etc/rc.conf.local"
local_startup="/usr/local/etc/rc.d"
accept_sourceroute="NO"
accounting_enable="NO"
sshd_enable="NO"		# Enable sshd
"#;

/// `procstat -h files PID`: the third to fifth column are number, kind and type of each open file.
///
/// A shell still holds ends of the pipes of a pipeline when its first command runs already: those are waited for.
const PROCSTAT: &str = r#"#!/bin/sh
tries=300
while [ $tries -gt 0 ]; do
	pipes=0
	for open in /proc/$3/fd/*; do
		[ "${open##*/}" -gt 2 ] && [ -p "$open" ] && pipes=1
	done
	[ $pipes = 0 ] && break
	tries=$((tries - 1))
	sleep 0.01
done
for open in /proc/$3/fd/*; do
	case $(stat -L -c %F "$open" 2>/dev/null) in
	regular*) echo "- - ${open##*/} v r" ;;
	character*) echo "- - ${open##*/} v c" ;;
	directory) echo "- - ${open##*/} v d" ;;
	?*) echo "- - ${open##*/} - -" ;;
	esac
done
echo - - cwd v d
echo - - root v d
echo - - text v r
"#;

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// The root, and the process that runs things in it.
#[derive(Debug)]
pub(crate) struct Sandbox {
    root: TempDir,
    driver: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Sandbox {
    /// Why there can be none here, if so.
    pub(crate) fn lacking() -> Option<String> {
        let works = Command::new("unshare").args(["-m", "-p", "-f", "--kill-child", "true"]).output();
        match works {
            Ok(output) if output.status.success() => None,
            Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
            Err(error) => Some(format!("unshare: {error}")),
        }
    }

    /// A root whose /bin/sh is this program.
    pub(crate) fn new(shell: &Path) -> io::Result<Self> {
        let root = tempfile::Builder::new().prefix("svc-facts").tempdir()?;
        lay_out(root.path(), shell)?;
        let mut driver = Command::new("unshare")
            .args(["-m", "-p", "-f", "--kill-child", "--propagation", "private", "/bin/bash", "-c", ENTER])
            .env("ROOT", root.path())
            .env("SEARCH", SEARCH)
            .env("SHELL_PATH", "/usr/bin/dash")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = driver.stdin.take().expect("standard input is a pipe");
        let answers = BufReader::new(driver.stdout.take().expect("standard output is a pipe"));
        let sandbox = Self { root, driver, orders, answers };
        sandbox.write("/usr/bin/procstat", PROCSTAT, 0o755)?;
        Ok(sandbox)
    }

    /// A path inside, as seen from outside.
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.root.path().join(inside.trim_start_matches('/'))
    }

    /// Writes a file inside, with its directories.
    pub(crate) fn write(&self, inside: &str, text: &str, mode: u32) -> io::Result<()> {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().expect("a file is in a directory"))?;
        fs::write(&path, text)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
    }

    /// Puts a program of the host inside.
    pub(crate) fn install(&self, program: &Path, inside: &str) -> io::Result<()> {
        let path = self.path(inside);
        self.remove(inside)?;
        fs::copy(program, &path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
    }

    /// Removes whatever is there.
    pub(crate) fn remove(&self, inside: &str) -> io::Result<()> {
        let path = self.path(inside);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => Ok(()),
        }
    }

    /// Ends every process inside.
    pub(crate) fn clean(&mut self) -> io::Result<()> {
        self.order("clean").map(|_| ())
    }

    /// Runs a command as the recorder did, for at most so long: 124 says that the time was up.
    pub(crate) fn run(&mut self, command: &str, limit: &str) -> io::Result<Done> {
        fs::write(self.path("/.run/command"), command)?;
        let code = self.order(&format!("run {limit}"))?;
        let text = |name: &str| -> io::Result<String> {
            Ok(String::from_utf8_lossy(&fs::read(self.path(name))?).into_owned())
        };
        Ok(Done { code, stdout: text("/.run/stdout")?, stderr: text("/.run/stderr")? })
    }

    fn order(&mut self, order: &str) -> io::Result<i32> {
        writeln!(self.orders, "{order}")?;
        self.orders.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        answer.trim().parse().map_err(|_| io::Error::other(format!("the sandbox answered `{}`", answer.trim())))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The namespaces go with their first process, and the mounts with them.
        if self.driver.kill().is_ok() {
            self.driver.wait().ok();
        }
    }
}

fn lay_out(root: &Path, shell: &Path) -> io::Result<()> {
    for place in ["usr/lib", "usr/lib32", "usr/lib64", "usr/libx32", "usr/share", "usr/libexec", "dev"] {
        if Path::new("/").join(place).is_dir() {
            fs::create_dir_all(root.join(place))?;
        }
    }
    for place in [
        "proc",
        ".run",
        "work",
        "root",
        "tmp",
        "etc/rc.d",
        "var/run",
        "var/log",
        "usr/bin",
        "usr/.bin",
        "usr/sbin",
        "usr/.sbin",
        "usr/local/sbin",
        "usr/local/bin",
        "usr/local/etc/rc.d",
    ] {
        fs::create_dir_all(root.join(place))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::set_permissions(root.join("root"), fs::Permissions::from_mode(0o755))?;
    fs::set_permissions(root, fs::Permissions::from_mode(0o755))?;
    for (place, target) in [
        ("lib", "usr/lib"),
        ("lib32", "usr/lib32"),
        ("lib64", "usr/lib64"),
        ("bin", "usr/bin"),
        ("sbin", "usr/sbin"),
        ("run", "var/run"),
    ] {
        symlink(target, root.join(place))?;
    }
    // Links, so that single programs can be others than the host's.
    for (from, to, hidden) in [("/usr/bin", "usr/bin", "/usr/.bin"), ("/usr/sbin", "usr/sbin", "/usr/.sbin")] {
        for entry in fs::read_dir(from)?.flatten() {
            // The host's own links may go through directories that are not inside.
            let last = entry.path().canonicalize().unwrap_or_else(|_| entry.path());
            let name = if last.parent() == Some(Path::new(from)) { last.file_name() } else { None };
            let name = name.map_or_else(|| entry.file_name(), OsStr::to_os_string);
            symlink(Path::new(hidden).join(name), root.join(to).join(entry.file_name()))?;
        }
    }
    fs::remove_file(root.join("usr/bin/sh")).ok();
    symlink(shell, root.join("usr/bin/sh"))?;
    for name in ["service", "sysrc", "daemon", "rcorder"] {
        fs::remove_file(root.join("usr/sbin").join(name)).ok();
    }
    for (name, text) in [
        ("passwd", "root:*:0:0:root:/root:/bin/sh\nnobody:*:65534:65534::/:/bin/sh\ngold:*:1001:1001::/tmp:/bin/sh\n"),
        ("group", "root:*:0:\nwheel:*:0:root\noperator:*:5:root\nnobody:*:65534:\ngold:*:1001:\n"),
        ("defaults/rc.conf", DEFAULTS),
        ("nsswitch.conf", "passwd: files\ngroup: files\n"),
        ("pam.d/su", "auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession required pam_permit.so\n"),
    ] {
        let path = root.join("etc").join(name);
        fs::create_dir_all(path.parent().expect("a file is in a directory"))?;
        fs::write(path, text)?;
    }
    fs::copy("/etc/ld.so.cache", root.join("etc/ld.so.cache")).ok();
    fs::write(root.join(".run/driver.sh"), DRIVER)
}
