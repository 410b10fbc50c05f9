#!/usr/bin/env bash
# The scratch root of the clients: a small Debian with the clients installed, and two daemons' packages at hand but not
# installed, each also in a later version.

# shellcheck source=tests/packages/root.sh disable=SC1091
source "$(dirname "${BASH_SOURCE[0]}")/../packages/root.sh"

# The clients, and what their modules need.
PACKAGES=(ansible-core puppet-agent python3-apt)
BESIDE=(orphan-sysvinit-scripts sysv-rc insserv initscripts procps iproute2 jq)
# What salt needs, and installing it.
BESIDE+=(python3-venv python3-setuptools python3-wheel python3-msgpack python3-zmq python3-tornado python3-psutil
    python3-requests python3-distro python3-pycryptodome python3-dateutil)
# What the clients bring and take away.
DAEMONS=(redis-server nginx-light)

# In place of what installs the daemons of the other test.
install_packages() {
    local dir=$1
    printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
    chmod 755 "$dir/usr/sbin/policy-rc.d"
    cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
    # shellcheck disable=SC2016 # the inner shell expands it
    unshare --mount --pid --fork --kill-child --root="$dir" --mount-proc \
        /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
        "http_proxy=${http_proxy:-}" "https_proxy=${https_proxy:-}" "DAEMONS=${DAEMONS[*]}" \
        /bin/bash -euc 'apt-get -q update
            apt-get -q -y --no-install-recommends install "$@"
            apt-get clean
            read -ra daemons <<<"$DAEMONS"
            apt-get -q -y --no-install-recommends --download-only install "${daemons[@]}"
            mkdir /later
            for deb in /var/cache/apt/archives/*.deb; do
                name=$(dpkg-deb -f "$deb" Package)
                case " $DAEMONS nginx redis-tools " in *" $name "*) ;; *) continue ;; esac
                dpkg-deb -R "$deb" /later/tree
                sed -i "s/^Version: .*/&+later1/; s/(= \([^)]*\))/(>= \1)/g" /later/tree/DEBIAN/control
                dpkg-deb --root-owner-group -b /later/tree "/later/$name.deb"
                rm -r /later/tree
                {
                    dpkg-deb -f "/later/$name.deb"
                    echo "Filename: ./$name.deb"
                    echo "Size: $(stat -c %s "/later/$name.deb")"
                    echo "SHA256: $(sha256sum "/later/$name.deb" | cut -d " " -f 1)"
                    echo
                } >>/later/Packages
            done
            rm /usr/sbin/policy-rc.d' install "${PACKAGES[@]}" "${BESIDE[@]}"
    install_salt "$dir"
}

# Debian has no salt; the package index of Python does, and what salt needs is Debian's. Where it is not to be had the
# machine is without it, and the test says so.
install_salt() {
    local dir=$1 file certificates=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
    for file in /etc/pip.conf ~/.config/pip/pip.conf ~/.pip/pip.conf; do
        if [[ -r $file ]]; then cp "$file" "$dir/etc/pip.conf"; fi
    done
    if [[ -r $certificates ]]; then cp -L "$certificates" "$dir/pip.crt"; fi
    unshare --mount --pid --fork --kill-child --root="$dir" --mount-proc \
        /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root PIP_CERT=/pip.crt \
        "http_proxy=${http_proxy:-}" "https_proxy=${https_proxy:-}" ${PIP_INDEX_URL:+"PIP_INDEX_URL=$PIP_INDEX_URL"} \
        /bin/bash -euc 'python3 -m venv --system-site-packages /opt/salt
            timeout 300 /opt/salt/bin/pip -q --no-cache-dir install --no-deps --no-build-isolation salt looseversion
            /opt/salt/bin/salt-call --version' || rm -rf --one-file-system "$dir/opt/salt"
    rm -f "$dir/etc/pip.conf" "$dir/pip.crt"
}
