#!/usr/bin/env bash
# Configuration for what does not run as its package left it, or wants a port that another has. Runs in the overlay,
# as root of it; the scripts in /etc/init.d stay as they are.
set -euo pipefail

# Ports of their own.
sed -i 's/listen 80 default_server/listen 127.0.0.1:8080 default_server/; /listen \[::\]:80/d' \
    /etc/nginx/sites-available/default
sed -i 's/^server.port .*/server.port = 8081/; /use-ipv6/d' /etc/lighttpd/lighttpd.conf
cat >>/etc/haproxy/haproxy.cfg <<'CFG'

frontend test
    bind 127.0.0.1:8082
    mode http
    http-request return status 200 content-type text/plain string "haproxy"
CFG
printf 'port=5353\nno-resolv\nno-hosts\nlisten-address=127.0.0.1\nbind-interfaces\naddress=/test/127.0.0.9\n' \
    >/etc/dnsmasq.d/test.conf
printf 'Port 2222\nListenAddress 127.0.0.1\n' >/etc/ssh/sshd_config.d/test.conf
ssh-keygen -q -A

# Off until somebody asks for them.
sed -i 's/^RSYNC_ENABLE=.*/RSYNC_ENABLE=true/' /etc/default/rsync
printf 'address = 127.0.0.1\n[test]\npath = /etc/rsync-test\nread only = yes\n' >/etc/rsyncd.conf
mkdir -p /etc/rsync-test
sed -i 's/^START_DARKSTAT=.*/START_DARKSTAT=yes/; s/^INTERFACE=.*/INTERFACE="-i lo"/' /etc/darkstat/init.cfg

# The kernel's messages are for the machine's own syslogd, not for this one.
sed -i 's/^module(load="imklog".*/# &/' /etc/rsyslog.conf

# It would make itself a certificate, with a program that is not here.
sed -i 's/^SHELLINABOX_ARGS=.*/SHELLINABOX_ARGS="--no-beep --disable-ssl --localhost-only"/' /etc/default/shellinabox

# Of these the usual ports are others', or more than this machine has.
sed -i 's/^listen=.*/listen=YES/; s/^listen_ipv6=.*/listen_ipv6=NO/' /etc/vsftpd.conf
printf 'listen = 127.0.0.1\n' >/etc/dovecot/local.conf
printf 'server:\n  interface: 127.0.0.1\n  port: 5300\n  local-data: "x.test. A 127.0.0.9"\n' \
    >/etc/unbound/unbound.conf.d/test.conf
# The key of the root of all names comes with another package.
rm /etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf
