//! Disks that are full at any moment, and runs that come at the same time.

use std::process::{Command, Stdio};

use crate::machine::{Machine, Said, has, is_root};

/// A tmpfs in a mount namespace of its own, larger by one page or one inode at each turn.
const TURNS: &str = r#"
set -u
svc=$1 seed=$2 disk=$3 what=$4
turn=0 good=0
while [ $good = 0 ] && [ $turn -lt 60 ]; do
    case $what in
        pages) size="size=$(( ($(find "$seed" -type f -size +0 | wc -l) + turn) * 4 ))k" ;;
        inodes) size="size=4m,nr_inodes=$(( $(find "$seed" | wc -l) + 1 + turn ))" ;;
    esac
    mount -t tmpfs -o "$size,mode=755" tmpfs "$disk" || exit 9
    cp -a "$seed/." "$disk/" || exit 8
    code=0
    "$svc" --root "$disk" nginx configure >/dev/null 2>"$seed.err" || code=$?
    state=torn
    if cmp -s "$seed/etc/nginx/nginx.conf" "$disk/etc/nginx/nginx.conf" &&
        [ ! -e "$disk/etc/nginx/conf.d/sites.conf" ]; then
        state=old
    elif grep -q 'worker_processes 4;' "$disk/etc/nginx/nginx.conf" &&
        grep -q shop.key "$disk/etc/nginx/conf.d/sites.conf"; then
        state=new
    fi
    left=$(find "$disk" -name '.*.svc-*' -o -name 'svc-stage-*' | wc -l)
    echo "$code $state $left $(grep -c 'No space left' "$seed.err")"
    [ $code = 0 ] && good=1
    mount -o remount,size=8m,nr_inodes=1000 "$disk"
    "$svc" --root "$disk" nginx configure >/dev/null 2>&1 || echo "room did not help"
    grep -q 'worker_processes 4;' "$disk/etc/nginx/nginx.conf" || echo "room made no file"
    umount "$disk"
    turn=$((turn + 1))
done
"#;

#[test]
fn a_disk_that_is_full_at_any_write_keeps_every_old_file_whole() {
    if !is_root("a file system of its own") || !has("unshare", "a file system of its own") {
        return;
    }
    for what in ["pages", "inodes"] {
        let machine = Machine::new();
        let disk = tempfile::tempdir().unwrap();
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", TURNS, "sh", env!("CARGO_BIN_EXE_svc")]);
        command.arg(machine.root()).arg(disk.path()).arg(what).stdin(Stdio::null());
        let said = Said::new(command.output().unwrap(), &machine);
        let turns: Vec<&str> = said.out.lines().collect();
        let (last, failed) = turns.split_last().unwrap_or_else(|| panic!("no turn: {said:?}"));
        assert_eq!(*last, "0 new 0 0", "{what}: {said:?}");
        assert!(failed.len() >= 4, "{what}: too few writes failed: {said:?}");
        for turn in failed {
            assert_eq!(*turn, "1 old 0 1", "{what}: {said:?}");
        }
        let _ = std::fs::remove_file(machine.root().with_extension("err"));
    }
}

#[test]
fn two_at_once_run_one_after_the_other() {
    let machine = Machine::new();
    let slow =
        "sh -c 'mkdir {dir}/busy && sleep 0.2 && rmdir {dir}/busy'".replace("{dir}", &machine.root().to_string_lossy());
    machine.edit("/etc/svc/services/redis.toml", "mode = \"0640\"", &format!("mode = \"0640\"\nvalidate = \"{slow}\""));
    let children: Vec<_> = (0..6)
        .map(|port| {
            let local = format!("[redis]\nport = {}\n", 7000 + port);
            machine.write(&format!("/etc/svc/values/mode/m{port}.toml"), &local);
            let mut command = machine.svc();
            command.args(["redis", "configure", "--mode", &format!("m{port}")]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for child in children {
        let said = Said::new(child.wait_with_output().unwrap(), &machine);
        // Two that looked at the same time would meet in the directory, and one would fail.
        assert_eq!((said.code, said.out.as_str()), (0, "redis: /etc/redis/redis.conf changed\n"), "{said:?}");
    }
    let text = machine.read("/etc/redis/redis.conf");
    assert!((0..6).any(|port| text.contains(&format!("port {}\n", 7000 + port))) && text.ends_with("appendonly no\n"));
    assert_eq!(machine.list("/var/lib/svc/configure"), ["lock", "redis.kept"]);
}
