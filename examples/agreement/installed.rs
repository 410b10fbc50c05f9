//! A package as its own scripts leave it after its installation: accounts, and configuration that they write.
//!
//! They are run in the sandbox in which scripts are rehearsed; what they changed below a few directories is then put
//! into the unpacked tree. A machine on which scripts are converted has all that, too.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use svc::rehearse::Ask;

/// How long the scripts of one package may take.
const TIME_MAX: Duration = Duration::from_secs(20);
/// What begins the line with what was changed.
const MARK: &str = "changed by installation: ";
/// What begins a line where a script failed.
const FAILED: &str = "installation failed: ";
/// Who says none of these neither makes an account nor writes configuration.
const DEEDS: [&str; 14] = [
    "adduser",
    "useradd",
    "addgroup",
    "groupadd",
    "sysusers",
    "createuser",
    "ucf",
    "db_get",
    "cp ",
    "install ",
    "cat ",
    "echo ",
    "mkdir",
    "chown",
];

/// Runs the scripts that have not been run yet, over these trees; the package's own is the first. Whether all of them
/// came to their end: one that did not may miss what another package of the same source makes.
pub(crate) fn install(name: &str, root: &Path, layers: &[PathBuf]) -> bool {
    let done = root.with_file_name(format!("{name} installed"));
    let known = fs::read_to_string(&done).unwrap_or_default();
    let known: BTreeSet<&str> = known.lines().collect();
    let all = packages(name, root);
    let new: Vec<&String> = all.iter().filter(|package| !known.contains(package.as_str())).collect();
    if new.is_empty() {
        has_accounts(root);
        return true;
    }
    let script = root.with_file_name(format!("{name} install.sh"));
    let ask = Ask { layers: layers.to_vec(), time: TIME_MAX, ..Ask::new(&script, "start") };
    let told = fs::write(&script, text(&new)).ok().and_then(|()| ask.run().ok());
    let _gone = fs::remove_file(&script);
    let output = told.map(|told| told.output).unwrap_or_default();
    let marked = |mark: &str| output.lines().find_map(|line| line.strip_prefix(mark));
    if let Some(changed) = marked(MARK) {
        put(changed, root);
    }
    let has_failed = marked(FAILED).is_some();
    // Each is asked once, or once more where another has come since that it may have missed.
    let ran = all.iter().filter(|package| !has_failed || known.contains(package.as_str()) || new.len() > 1);
    let _written = fs::write(&done, ran.map(|package| format!("{package}\n")).collect::<String>());
    if !has_failed {
        has_accounts(root);
    }
    !has_failed
}

/// Where no account was made there are those of this machine.
fn has_accounts(root: &Path) {
    for file in ["etc/passwd", "etc/group"].map(Path::new) {
        if !root.join(file).exists() {
            // Without it nothing is known of accounts.
            let _copied = fs::copy(Path::new("/").join(file), root.join(file));
        }
    }
}

/// The packages in this tree that have something to do after their installation, the one it is of last.
fn packages(name: &str, root: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join("var/lib/dpkg/info")) else { return Vec::new() };
    let scripts = entries.flatten().map(|entry| entry.path()).filter(|path| {
        let text = fs::read(path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let is_one = path.extension().is_some_and(|end| end == "preinst" || end == "postinst");
        is_one && DEEDS.iter().any(|deed| text.contains(deed))
    });
    let names = scripts.filter_map(|path| Some(path.file_stem()?.to_str()?.to_string()));
    let mut names: Vec<String> = names.filter(|name| !name.contains(['\'', '\n'])).collect();
    names.sort_by_key(|package| (package == name, package.clone()));
    names.dedup();
    names
}

/// Runs them as the package manager does, those for before it is unpacked first, and prints what that changed.
///
/// A mark of sysusers.d(5) that the machine's own program may not know yet is taken away before.
fn text(packages: &[&String]) -> String {
    let names = packages.iter().map(|package| format!("'{package}'")).collect::<Vec<_>>().join(" ");
    format!(
        "#!/bin/sh\n\
         export DEBIAN_FRONTEND=noninteractive DPKG_MAINTSCRIPT_ARCH=amd64\n\
         printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d\n\
         chmod 755 /usr/sbin/policy-rc.d /var/lib/dpkg/info/*.p*inst\n\
         sed -i 's/^\\([ugmr]\\)!/\\1/' /usr/lib/sysusers.d/*.conf\n\
         touch /before\n\
         until touch /after && [ -n \"$(find /after -newer /before)\" ]; do :; done\n\
         run() {{ [ ! -e /var/lib/dpkg/info/$1.$2 ] || DPKG_MAINTSCRIPT_PACKAGE=$1 DPKG_MAINTSCRIPT_NAME=$2 \
         /var/lib/dpkg/info/$1.$2 $3 '' </dev/null >/dev/null 2>&1 || echo '{FAILED}'$1; }}\n\
         for package in {names}; do run $package preinst install; done\n\
         for package in {names}; do run $package postinst configure; done\n\
         cd / && find etc var srv home -xdev -cnewer /before ! -path 'etc/init.d*' ! -path 'etc/rc?.d*' \
         ! -path 'etc/systemd*' ! -path 'etc/*shadow*' ! -name '*-' ! -path 'var/lib/dpkg*' ! -path 'var/cache/*' \
         ! -path 'var/lib/systemd*' ! -path 'var/lib/ucf*' -size -64k >/changed\n\
         printf '{MARK}'; tar -czf - --numeric-owner --no-recursion -T /changed 2>/dev/null | base64 -w 0; echo\n"
    )
}

/// Puts what was changed into the tree.
fn put(changed: &str, root: &Path) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "base64 -d | tar -xzpf - -C \"$1\"", "sh"]).arg(root).stdin(Stdio::piped());
    let Ok(mut child) = shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else { return };
    if let Some(mut stdin) = child.stdin.take() {
        // What could not be written whole is no archive, and nothing of it stays but what was whole.
        let _written = stdin.write_all(changed.as_bytes());
    }
    let _ended = child.wait();
}
