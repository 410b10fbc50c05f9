#!/usr/bin/env bash
# The scratch root: real Debian packages with the init scripts they came with, nothing of it changed.

# Every daemon of the test, by its package.
PACKAGES=(
    redis-server nginx-light cron openssh-server rsyslog memcached lighttpd dnsmasq haproxy at rsync
    tinyproxy darkstat shellinabox mosquitto vsftpd dovecot-imapd unbound
)
# What their scripts and the driver need beside them. Debian keeps rsyslog's script in a package of orphans.
BESIDE=(orphan-sysvinit-scripts sysv-rc insserv initscripts procps iproute2 jq)

# `SUITE URL` of the Debian archive that the package client of this machine is set up for.
archive() {
    # shellcheck disable=SC2016 # apt expands it
    apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(CODENAME) $(SITE)' 'Created-By: Packages' |
        awk '$1 == "Debian" && $2 == "main" && $3 !~ /-/ && !seen { print $3, $4; seen = 1 }'
}

# Makes the root in directory $1, unless the same packages are there already: it is complete or it is not there.
make_root() {
    local dir=$1 stamp suite site
    stamp=$(printf '%s\n' "${PACKAGES[@]}" "${BESIDE[@]}" | sha256sum | cut -c1-16)
    if [[ -e $dir/.made && $(<"$dir/.made") == "$stamp" ]]; then
        echo "root: $dir, made before"
        return
    fi
    read -r suite site < <(archive) || true
    if [[ -z ${site:-} ]]; then
        echo "no Debian archive is known to apt; try: apt-get update" >&2
        return 1
    fi
    echo "root: Debian $suite with ${#PACKAGES[@]} packages is made in $dir"
    rm -rf --one-file-system "$dir" "$dir.new"
    mkdir -p "$dir.new" "$dir.debs"
    {
        debootstrap --variant=minbase --cache-dir="$(realpath "$dir.debs")" "$suite" "$dir.new" "$site" &&
            install_packages "$dir.new"
    } >"$dir.log" 2>&1 || {
        tail -n 20 "$dir.log" >&2
        return 1
    }
    echo "$stamp" >"$dir.new/.made"
    mv "$dir.new" "$dir"
}

# Installs everything in the root $1, in namespaces of its own, so that nothing it starts or mounts can stay behind.
install_packages() {
    local dir=$1
    # Nothing is to be started while it is installed: the scripts are for the test to start.
    printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
    chmod 755 "$dir/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
    unshare --mount --pid --fork --kill-child --root="$dir" --mount-proc \
        /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
        "http_proxy=${http_proxy:-}" "https_proxy=${https_proxy:-}" \
        /bin/sh -ec 'apt-get -q update
            apt-get -q -y --no-install-recommends install "$@"
            apt-get clean
            rm -rf /var/lib/apt/lists/*' install "${PACKAGES[@]}" "${BESIDE[@]}"
}
