#!/usr/bin/env bash
# The daemons run by their scripts, under svcd as process 1. The machine is migrated to definitions: each is compared and
# put in force while its daemon goes on; then everything is taken back, to the letter.
set -u
# shellcheck source=tests/packages/facts.sh
source /test/facts.sh
read_daemons

# Comparing takes its time; all of them are compared in another part.
MIGRATED=(cron ssh nginx redis-server haproxy)
declare -A BEFORE

# Every file of definitions and scripts: what, whose, when changed, and its text.
files() {
    find /etc/svc /etc/init.d /etc/rc?.d -printf '%p %y %m %u:%g %s %T@ %l\n' 2>/dev/null | sort
    find /etc/svc /etc/init.d -type f -exec sha256sum {} + 2>/dev/null | sort
}

runs() {
    svc "$1" start || return
    within 30000 is_up "$1" || no "$(listed "$1" state): $(listed "$1" reason)" || return
    BEFORE[$1]=$(listed "$1" pid)
}

is_up() {
    [[ $(listed "$1" state) == up && $(listed "$1" pid) != null ]]
}

waits() {
    local staged
    files >/tmp/before
    svc migrate --convert >/tmp/out || { cat /tmp/out; return 1; }
    staged=$(find /etc/svc/staged -name '*.toml' | wc -l)
    ((staged >= 15)) || no "only $staged definitions wait:" "$(</tmp/out)" || return
    [[ ! -e /etc/svc/services ]] || no 'something is in force' || return
    echo "$staged definitions wait, $(grep -c ' kept ' /tmp/out) scripts are kept"
}

goes_on() {
    local kind
    svc migrate --convert "$1" || return
    kind=$(listed "$1" kind)
    [[ $kind != script ]] || no 'it is a script still' || return
    [[ $(listed "$1" pid) == "${BEFORE[$1]}" && -e /proc/${BEFORE[$1]} ]] || no "pid ${BEFORE[$1]} did not go on" || return
    if [[ ${PORT[$1]} != - ]]; then within 30000 answers "$1" || no "no answer at port ${PORT[$1]}"; fi
}

comes_back() {
    kill -KILL "${BEFORE[$1]}"
    within 30000 is_another "$1" || no "$(listed "$1" state): $(listed "$1" reason)" || return
    if [[ ${PORT[$1]} != - ]]; then within 30000 answers "$1" || no "no answer at port ${PORT[$1]}"; fi
}

is_another() {
    is_up "$1" && [[ $(listed "$1" pid) != "${BEFORE[$1]}" ]]
}

is_enabled_as_before() {
    local name changed=''
    for name in "${MIGRATED[@]}"; do
        [[ $(listed "$name" enabled) == true ]] || changed+=" $name"
    done
    [[ -z $changed ]] || no "not at boot any more:$changed"
}

is_undone() {
    local name changed=''
    svc migrate --undo || return
    files >/tmp/after
    cmp -s /tmp/before /tmp/after || no "files are not as they were:" "$(diff /tmp/before /tmp/after)" || return
    for name in "${MIGRATED[@]}"; do
        within 30000 is_up "$name" && [[ $(listed "$name" kind) == script ]] || changed+=" $name"
        # One of them was started by its definition.
        [[ $name == redis-server || $(listed "$name" pid) == "${BEFORE[$name]}" ]] || changed+=" $name"
    done
    [[ -z $changed ]] || no "not as before:$changed: $(svc list)"
}

stop_it() {
    svc "$1" stop || return
    within 30000 is_gone "$1" || no "processes left: $(processes_of "$1" | tr '\n' ' ')"
}

is_gone() {
    [[ -z $(processes_of "$1") ]]
}

step svcd 'is process 1' within 30000 svc hello || exit 1
for daemon in "${MIGRATED[@]}"; do
    step "$daemon" 'runs by its script' runs "$daemon"
done
step svcd 'definitions wait' waits
for daemon in "${MIGRATED[@]}"; do
    step "$daemon" 'switched, goes on' goes_on "$daemon"
done
step svcd 'starts them at boot' is_enabled_as_before
step redis-server 'kill -9, comes back' comes_back redis-server
step svcd 'all is undone' is_undone
for daemon in "${MIGRATED[@]}"; do
    step "$daemon" 'stopped by its script' stop_it "$daemon"
done
