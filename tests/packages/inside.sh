#!/usr/bin/env bash
# Runs in fresh namespaces: makes the machine of the test from the root $1 in the empty directory $2, with the programs
# in $3 and this directory as /test, says `ready` to the pipe $4, and becomes its process 1: the words after that.
set -euo pipefail
root=$1 at=$2 programs=$3 tests=$(dirname "$0")
exec 9>"$4"
shift 4

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$at"
mkdir "$at"/{upper,work,machine}
mount -t overlay -o "lowerdir=$root,upperdir=$at/upper,workdir=$at/work" overlay "$at/machine"
cd "$at/machine"
mkdir -p test sys/fs/cgroup
# Where there are packages in place of programs, the machine installs them itself.
if [[ -e $programs/svcd ]]; then install -m 755 "$programs/svc" "$programs/svcd" usr/sbin/; else cp -r "$programs/." test/; fi
install -m 644 "$tests"/*.sh "$tests/daemons" test/

mount -t proc -o nosuid,nodev,noexec proc proc
# Most of what can be set there is the whole machine's.
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t tmpfs -o mode=755 tmpfs sys
mkdir -p sys/fs/cgroup
# Without a cgroup v2 to be had, trees are tracked by the other means.
if [[ ${TRACKING:-cgroup} == cgroup ]]; then mount -t cgroup2 cgroup2 sys/fs/cgroup; fi
for fresh in dev run tmp; do mount -t tmpfs -o mode=755 tmpfs "$fresh"; done
chmod 1777 tmp
mkdir -m 1777 dev/shm run/lock
mkdir dev/pts
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$node"
    mknod -m 666 "dev/$name" c "$major" "$minor"
done

mkdir old
pivot_root . old
umount -l /old
rmdir /old
hostname machine
ip link set lo up
bash /test/configure.sh
echo ready >&9
exec 9>&-
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=linux "$@"
