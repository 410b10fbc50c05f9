#!/usr/bin/env bash
# Runs in the machine whose process 1 is svcd: every client does its work, and after each step svcd has the daemons
# under watch. WHOSE commands the clients find is said from outside.
set -u
# shellcheck source=tests/clients/facts.sh
source /test/facts.sh
export DEBIAN_FRONTEND=noninteractive
# Nothing here is to ask a network.
export ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_DEPRECATION_WARNINGS=False ANSIBLE_FORCE_COLOR=0

readonly COMMANDS=(usr/sbin/service usr/sbin/invoke-rc.d usr/sbin/update-rc.d sbin/start-stop-daemon)

# svc takes the place of Debian's commands, as its package does it.
take_places() {
    local path
    for path in "${COMMANDS[@]}"; do
        dpkg-divert --quiet --local --rename --add "/$path"
        ln -s /usr/sbin/svc "/$path"
    done
}

# The package manager.
apt() {
    timeout 300 apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# The same, after which these daemons are watched; or what they are instead.
packages() {
    local then=$1 daemon
    shift
    apt "$@" || return
    for daemon in redis-server nginx; do
        "$then" "$daemon" || return
    done
}

# From here on the archive has later versions of some packages, and nothing else.
have_later() {
    echo 'deb [trusted=yes] file:/later ./' >/etc/apt/sources.list
    rm -rf /etc/apt/sources.list.d /var/lib/apt/lists
    apt-get -q update || return
    [[ $(apt-get -s upgrade | grep -c '^Inst') == 4 ]] || no "not four to be upgraded: $(apt-get -s upgrade)"
}

forbid() {
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
}

declare -A BEFORE

remember() {
    BEFORE[$1]=$(mains_of "$1")
}

# A deed after which another process is the daemon.
replaces() {
    local daemon=$1
    shift
    remember "$daemon"
    "$@" || return
    watched "$daemon" >/dev/null || watched "$daemon" || return
    [[ $(mains_of "$daemon") != "${BEFORE[$daemon]}" ]] || no "main process ${BEFORE[$daemon]} is the old one" || return
    echo "pid ${BEFORE[$daemon]} became $(mains_of "$daemon")"
}

# A deed after which it is the same.
keeps() {
    local daemon=$1
    shift
    remember "$daemon"
    "$@" || return
    watched "$daemon" >/dev/null || watched "$daemon" || return
    [[ $(mains_of "$daemon") == "${BEFORE[$daemon]}" ]] || no "${BEFORE[$daemon]} became $(mains_of "$daemon")" || return
    echo "pid ${BEFORE[$daemon]} stays"
}

# What ansible says of a call, which must be $1: CHANGED or SUCCESS (nothing was to be done).
ansible_says() {
    local expected=$1 module=$2
    shift 2
    timeout 120 ansible localhost -c local -o -m "$module" -a "$*" >/test/ansible 2>&1 || { cat /test/ansible; return 1; }
    grep -q "localhost | $expected" /test/ansible || no "not $expected: $(cat /test/ansible)"
}

# The state $3 of daemon $2 twice: the first call changes something, the second nothing.
ansible_twice() {
    local module=$1 daemon=$2 words=$3 then=$4
    ansible_says CHANGED "$module" "name=$daemon $words" || return
    "$then" "$daemon" || return
    ansible_says SUCCESS "$module" "name=$daemon $words" || return
    "$then" "$daemon"
}

enabled() {
    [[ $(listed "$1" enabled) == true ]] || no "svc says that it is not enabled"
}

disabled() {
    [[ $(listed "$1" enabled) == false ]] || no "svc says that it is enabled"
}

# The facts name both as running.
ansible_facts() {
    timeout 120 ansible localhost -c local -m service_facts >/test/ansible 2>/test/warnings || { cat /test/ansible; return 1; }
    sed -i '1s/.*=> //' /test/ansible
    local daemon
    for daemon in redis-server nginx; do
        jq -e ".ansible_facts.services[\"$daemon\"].state == \"running\"" /test/ansible >/dev/null ||
            no "$daemon: $(jq -c ".ansible_facts.services[\"$daemon\"]" /test/ansible)" || return
    done
}

ansible_all() {
    local module=$1 daemon round
    for daemon in redis-server nginx; do
        step "$daemon" "ansible $module stopped" ansible_twice "$module" "$daemon" state=stopped down
        step "$daemon" "ansible $module started" ansible_twice "$module" "$daemon" state=started watched
        # It always is another process, and always a change.
        for round in once again; do
            step "$daemon" "ansible $module restarted $round" replaces "$daemon" ansible_says CHANGED "$module" \
                "name=$daemon state=restarted"
        done
        step "$daemon" "ansible $module enabled=no" ansible_twice "$module" "$daemon" enabled=no disabled
        # It asks update-rc.d for the defaults, which by Debian's rule change no links that are there.
        step "$daemon" 'links removed' update-rc.d -f "$daemon" remove
        step "$daemon" "ansible $module enabled=yes" ansible_twice "$module" "$daemon" enabled=yes enabled
    done
    # redis has no reload.
    for round in once again; do
        step nginx "ansible $module reloaded $round" keeps nginx ansible_says CHANGED "$module" name=nginx state=reloaded
    done
}

# What puppet makes of a resource: 2 when it changed something, 0 when nothing was to be done.
puppet_says() {
    local expected=$1 daemon=$2 words=$3 code=0
    timeout 200 puppet apply --detailed-exitcodes \
        -e "service { '$daemon': $words, provider => debian, hasstatus => true, hasrestart => true }" >/test/puppet 2>&1 || code=$?
    ((code == expected)) || { echo "exit code $code, not $expected"; cat /test/puppet; return 1; }
}

puppet_twice() {
    local daemon=$1 words=$2 then=$3
    puppet_says 2 "$daemon" "$words" && "$then" "$daemon" && puppet_says 0 "$daemon" "$words" && "$then" "$daemon"
}

puppet_restarts() {
    timeout 200 puppet apply -e "notify { 'x': } ~> service { '$1': ensure => running, provider => debian, hasrestart => true }"
}

# What salt answers to a function of its own, as a filter of jq wants it.
salt_says() {
    local filter=$1
    shift
    timeout 120 /opt/salt/bin/salt-call --local --id=machine --log-level=quiet --out=json "$@" >/test/salt 2>/test/warnings
    jq -e ".local | $filter" /test/salt >/dev/null || no "not $filter: $(cat /test/salt /test/warnings)"
}

# A state is reached by the first call, which changes something, and the second changes nothing.
salt_twice() {
    local state=$1 daemon=$2 then=$3
    salt_says 'map(.result and .changes != {}) | all' state.single "$state" name="$daemon" || return
    "$then" "$daemon" || return
    salt_says 'map(.result and .changes == {}) | all' state.single "$state" name="$daemon" || return
    "$then" "$daemon"
}

# It begins with the daemon enabled and running.
salt_all() {
    local daemon=redis-server
    step "$daemon" 'salt restart' replaces "$daemon" salt_says '. == true' service.restart "$daemon"
    step "$daemon" 'salt status' salt_says '. == true' service.status "$daemon"
    step "$daemon" 'salt stop' salt_says '. == true' service.stop "$daemon"
    step "$daemon" 'is down' down "$daemon"
    step "$daemon" 'salt status of what is down' salt_says '. == false' service.status "$daemon"
    step "$daemon" 'salt start' salt_says '. == true' service.start "$daemon"
    step "$daemon" 'is watched' watched "$daemon"
    step "$daemon" 'salt disable' salt_says '. == true' service.disable "$daemon"
    step "$daemon" 'is disabled' disabled "$daemon"
    step "$daemon" 'salt enable' salt_says '. == true' service.enable "$daemon"
    step "$daemon" 'is enabled' enabled "$daemon"
    step "$daemon" 'salt state dead' salt_twice service.dead "$daemon" down
    step "$daemon" 'salt state running' salt_twice service.running "$daemon" watched
    step nginx 'salt reload' keeps nginx salt_says '. == true' service.reload nginx
}

# A service through every door at once makes one copy.
at_once() {
    local round door left
    for ((round = 1; round <= 20; round++)); do
        left=()
        for door in 'service redis-server start' '/etc/init.d/redis-server start' 'svc -q redis-server start' \
            'invoke-rc.d redis-server start' '/etc/rc2.d/S01redis-server start'; do
            # shellcheck disable=SC2086 # words
            $door >/dev/null 2>&1 &
            left+=($!)
        done
        for door in "${left[@]}"; do
            wait "$door" || no "round $round: a start ended with $?" || return
        done
        watched redis-server >/dev/null || watched redis-server || return
        svc -q redis-server stop || return
        down redis-server || return
    done
    echo "$((round - 1)) rounds"
}

main() {
    step svcd 'is process 1' within 60000 svc hello || exit 1
    step svcd boots has_booted || exit 1
    [[ $WHOSE == originals ]] || step svcd 'takes the places' take_places

    forbid
    step packages 'installed under a policy' packages down install redis-server nginx-light
    rm /usr/sbin/policy-rc.d
    step packages 'purged, never started' packages is_gone purge redis-server nginx-light nginx nginx-common
    step packages installed packages watched install redis-server nginx-light
    local daemon
    for daemon in redis-server nginx; do
        step "$daemon" 'enabled by its package' enabled "$daemon"
        step "$daemon" 'script restart' replaces "$daemon" "/etc/init.d/$daemon" restart
        step "$daemon" 'service restart' replaces "$daemon" service "$daemon" restart
        step "$daemon" 'invoke-rc.d restart' replaces "$daemon" invoke-rc.d "$daemon" restart
        step "$daemon" 'script status' "/etc/init.d/$daemon" status
    done
    step nginx 'script force-reload' watched nginx "$(/etc/init.d/nginx force-reload)"
    step packages 'later ones are there' have_later
    step packages upgraded packages watched upgrade
    step packages reinstalled packages watched install --reinstall redis-server nginx

    ansible_all service
    ansible_all sysvinit
    step ansible service_facts ansible_facts

    for daemon in redis-server nginx; do
        step "$daemon" 'puppet stopped' puppet_twice "$daemon" 'ensure => stopped' down
        step "$daemon" 'puppet running' puppet_twice "$daemon" 'ensure => running' watched
        step "$daemon" 'puppet enable false' puppet_twice "$daemon" 'enable => false' disabled
        step "$daemon" 'puppet enable true' puppet_twice "$daemon" 'enable => true' enabled
        step "$daemon" 'puppet refresh' replaces "$daemon" puppet_restarts "$daemon"
    done

    if [[ -x /opt/salt/bin/salt-call ]]; then salt_all; else echo 'salt is not to be had here: not tried'; fi

    step redis-server 'stop before all at once' svc redis-server stop
    step redis-server 'five starts at once' at_once
    step redis-server 'start by its script' /etc/init.d/redis-server start
    step redis-server 'is watched' watched redis-server
    step packages purged packages is_gone purge redis-server nginx-light nginx nginx-common
}

main
