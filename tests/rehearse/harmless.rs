//! Whatever a script does, the machine is as before.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use svc::rehearse::End;

use crate::play::{answer, can_play, play, told};
use crate::world::{Reach, World, sandboxes};

/// Everything a script could try against its machine.
const HOSTILE: &str = r#"#!/bin/sh
date -s '2001-01-01' ; hwclock --systohc ; hostname taken ; sysctl -w kernel.hostname=taken vm.swappiness=1
echo 1 >/proc/sys/kernel/panic ; echo b >/proc/sysrq-trigger ; echo 0 >/sys/class/net/lo/mtu
mknod /etc/disk b 8 0 ; mknod /tmp/memory c 1 1
dd if=/dev/zero of=/dev/sda count=1 ; dd if=/dev/zero of=/dev/vda count=1
modprobe loop ; insmod /lib/modules/none.ko ; rmmod loop
mount -o remount,ro / ; mount --bind /etc /mnt ; umount -a ; umount -l /proc
swapoff -a ; kexec -l /boot/vmlinuz ; reboot -f ; halt -f ; poweroff -f
ip link set lo down ; ip addr add 10.9.8.7/24 dev lo ; iptables -P INPUT DROP
kill -9 -1 ; kill -TERM 1 ; kill -9 1
rm -rf /etc/init.d /usr/local /var/spool /srv ; echo taken >/etc/passwd ; chmod -R 0 /opt ; chown -R nobody /boot
unshare -m true ; nsenter -t 1 -m true ; chroot /proc/1/root true
perl -e 'syscall(304, 1, 2, 3); syscall(165, "a", "b", "c", 0, 0); syscall(321, 0, 0, 0)'
ls /proc/1/root/ ; cat /proc/1/mem ; echo >/proc/1/oom_score_adj ; renice -20 1 ; echo 1 >/proc/irq/default_smp_affinity
echo "came to the end"
"#;

#[test]
fn a_hostile_script_reaches_nothing() {
    if !can_play() {
        return;
    }
    let rehearse = || {
        for text in [HOSTILE.to_owned(), HOSTILE.replace("kill -9 -1", ":")] {
            let told = play("hostile", &text, "start");
            if text.contains("kill -9 -1") {
                continue;
            }
            assert_eq!(told.end, End::Code(0), "{}", told.output);
            assert!(told.output.contains("came to the end"), "{}", told.output);
            let refused: Vec<&str> = told.refused.iter().map(|refused| refused.call.as_str()).collect();
            for call in ["clock_settime", "sethostname", "mknod"] {
                assert!(refused.contains(&call), "{call} was not refused: {refused:?}\n{}", told.output);
            }
        }
    };
    nothing_changes(&[], rehearse);
}

/// The machine is afterwards as it was, file by file. Gives how many files there are.
fn nothing_changes(scratch: &[PathBuf], deed: impl FnMut()) -> usize {
    let reach = if env::var_os(PACKAGES).is_some() { Reach::Machine } else { Reach::Places };
    let (changed, count) = changes(reach, scratch, deed);
    let told: Vec<String> = changed.iter().map(|(what, how)| format!("{what}: {how}")).collect();
    assert!(told.is_empty(), "each time:\n{}", told.join("\n"));
    count
}

/// What changes each time that something is done, and how many files were looked at. Others may change the machine at
/// the same time, but hardly the same each time; and what changes also while nothing is done is theirs.
fn changes(reach: Reach, scratch: &[PathBuf], mut deed: impl FnMut()) -> (BTreeMap<String, String>, usize) {
    let mut before = World::look(reach, scratch);
    let mut left = BTreeMap::new();
    for round in 0..ROUNDS {
        deed();
        let after = World::look(reach, scratch);
        // A name may be another each time.
        let is_known = |what: &str| left.keys().any(|known: &String| known == what || place(known) == place(what));
        let mut found = before.differences(&after);
        found.retain(|what, _| round == 0 || is_known(what));
        if found.is_empty() {
            return (found, after.count());
        }
        // Nothing is done now.
        let idle = World::look(reach, scratch);
        let theirs = after.differences(&idle);
        let is_theirs = |what: &str| theirs.keys().any(|other| place(other) == place(what));
        let may_differ = |what: &str, how: &str| how == "new" || !what.starts_with('/');
        found.retain(|what, how| !(theirs.contains_key(what) || may_differ(what, how) && is_theirs(what)));
        (left, before) = (found, idle);
    }
    (left, before.count())
}

/// Of a file its directory; of a process, which has another number each time, its name.
fn place(what: &str) -> &str {
    let name = || what.split_once('(').map_or(what, |(_, name)| name.split(')').next().unwrap_or(name));
    if what.starts_with('/') { what.rsplit_once('/').map_or(what, |(dir, _)| dir) } else { name() }
}

#[test]
fn what_changes_each_time_is_seen_whatever_its_name() {
    // Cargo has made it on the machine that this was built on, which may be another.
    let below = env!("CARGO_TARGET_TMPDIR");
    fs::create_dir_all(below).unwrap();
    let dir = tempfile::TempDir::new_in(below).unwrap();
    let kept = dir.path().join("kept");
    fs::write(&kept, "").unwrap();
    let mut number = 0;
    let deed = || {
        number += 1;
        fs::write(dir.path().join(format!("left-{number}")), "").unwrap();
        fs::set_permissions(&kept, fs::Permissions::from_mode(0o600 + number)).unwrap();
    };
    let (changed, count) = changes(Reach::Places, &[dir.path().to_path_buf()], deed);
    let changed: Vec<&str> = changed.keys().map(String::as_str).collect();
    for name in ["kept", "left-3"] {
        assert!(changed.contains(&dir.path().join(name).to_str().unwrap()), "{name}: {changed:?}");
    }
    assert!(count > programs(), "only {count} files were looked at");
}

/// So often it is looked whether something changes each time.
const ROUNDS: usize = 3;

#[test]
fn a_script_without_end_is_ended_with_all_that_it_started() {
    if !can_play() {
        return;
    }
    let dir = tempfile::TempDir::new().unwrap();
    let script = dir.path().join("endless");
    fs::write(&script, "#!/bin/sh\n(while :; do :; done) &\nwhile :; do :; done\n").unwrap();
    let begun = Instant::now();
    let told =
        told(Command::new(env!("CARGO_BIN_EXE_svc")).args(["rehearse", "--json", "--timeout", "1s"]).arg(&script));
    assert_eq!(told.end, End::TimedOut);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(sandboxes(), Vec::<String>::new());
}

/// Where packages lie unpacked, a directory each; the machine's own scripts are rehearsed in any case. With them every
/// file of the machine is looked at, else what lies where scripts would do harm first.
const PACKAGES: &str = "SVC_REHEARSE_PACKAGES";
/// Of these, each has to be among the packages.
const DANGEROUS: [&str; 6] = ["hwclock", "procps", "kmod", "mdadm", "kexec", "networking"];

#[test]
fn rehearsing_every_script_leaves_the_machine_as_it_was() {
    if !can_play() {
        return;
    }
    let packages = env::var_os(PACKAGES).map(PathBuf::from);
    let mut scripts: Vec<(Option<PathBuf>, PathBuf)> =
        entries(Path::new("/etc/init.d")).into_iter().map(|script| (None, script)).collect();
    for tree in packages.iter().flat_map(|dir| entries(dir)) {
        scripts.extend(entries(&tree.join("etc/init.d")).into_iter().map(|script| (Some(tree.clone()), script)));
    }
    if packages.is_some() {
        for name in DANGEROUS {
            let found = scripts
                .iter()
                .any(|(_, script)| script.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name)));
            assert!(found, "there is no script {name} among the packages");
        }
    }
    let scratch: Vec<PathBuf> = packages.into_iter().collect();
    let rehearse = || {
        for (tree, script) in &scripts {
            for verb in ["start", "stop", "restart"] {
                let mut command = Command::new(env!("CARGO_BIN_EXE_svc"));
                command.args(["rehearse", "--json", "--timeout", "5s"]).arg(script).arg(verb);
                if let Some(tree) = tree {
                    command.arg("--layer").arg(tree);
                }
                let told = answer(&mut command);
                assert!(told.is_ok(), "{} {verb}: {told:?}", script.display());
            }
        }
    };
    let files = nothing_changes(&scratch, rehearse);
    assert!(files > programs(), "only {files} files were looked at");
    println!("{} scripts rehearsed, three verbs each; of {files} files and all else nothing changed", scripts.len());
}

/// However few files a machine has, a look sees more than its programs.
fn programs() -> usize {
    let count = entries(Path::new("/usr/bin")).len();
    assert!(count > 0, "there are no programs");
    count
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    all.sort();
    all
}
