#!/usr/bin/env bash
# What every client finds in the machine of the test, made before process 1 begins. The hook comes as `daemons`, which is
# what the machine of the packages has as its table.
set -euo pipefail

install -D -m 644 /test/daemons /lib/lsb/init-functions.d/50-svc
mkdir -p /etc/svc/services /var/log/svc
printf '127.0.0.1 localhost machine\n' >/etc/hosts
rm -f /usr/sbin/policy-rc.d
# As svc's package has it: invoke-rc.d takes a machine without an init, or without a level, for one where nothing runs.
ln -sf /usr/sbin/svcd /sbin/init
ln -sf /usr/sbin/svc /sbin/runlevel
