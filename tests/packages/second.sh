#!/usr/bin/env bash
# The daemons run before svcd does, each started by its script and nobody else. svcd finds them all.
set -u
# shellcheck source=tests/packages/facts.sh
source /test/facts.sh
read_daemons

declare -A MAIN

by_hand() {
    # As an administrator's shell does, but for the variables that are nobody's business.
    (cd / && env -i PATH="$PATH" TERM=linux "/etc/init.d/$1" start) || return
    within 20000 has_main "$1" || no "it has no main process: $(processes_of "$1" | tr '\n' ' ')" || return
}

has_main() {
    [[ -n $(main_of "$1") ]]
}

is_found() {
    local state pid
    state=$(listed "$1" state)
    pid=$(listed "$1" pid)
    [[ $state == up ]] || no "state is $state: $(listed "$1" reason)" || return
    [[ $pid == "${MAIN[$1]}" ]] || no "main process is ${MAIN[$1]}, svc says $pid" || return
    [[ $(main_of "$1") == "$pid" ]] || no "its main process was $pid and is now $(main_of "$1")" || return
    if [[ ${PORT[$1]} != - ]]; then answers "$1" || return; fi
    echo "pid $pid"
}

death_is_seen() {
    local begin took
    begin=$(milliseconds)
    kill -KILL "${MAIN[$1]}"
    within 20000 is_not_listed_up "$1" || no 'still up' || return
    took=$(($(milliseconds) - begin))
    ((took < 1000)) || no "seen after $took ms" || return
    echo "seen in $took ms"
}

is_not_listed_up() {
    [[ $(listed "$1" state) != up ]]
}

stop_it() {
    svc "$1" stop || return
    [[ $(listed "$1" state) == down ]] || no "state is $(listed "$1" state)" || return
    [[ -z $(processes_of "$1") ]] || no "processes left: $(processes_of "$1" | tr '\n' ' ')"
}

restart_it() {
    svc "$1" restart || return
    [[ $(listed "$1" state) == up ]] || no "state is $(listed "$1" state)" || return
    [[ $(main_of "$1") != "${MAIN[$1]}" ]] || no "main process ${MAIN[$1]} is the old one" || return
    MAIN[$1]=$(main_of "$1")
    is_found "$1"
}

for daemon in "${DAEMONS[@]}"; do
    step "$daemon" 'started by hand' by_hand "$daemon"
done
# By now none is on its way into the background any more.
for daemon in "${DAEMONS[@]}"; do
    MAIN[$daemon]=$(main_of "$daemon")
done
/usr/sbin/svcd --no-boot </dev/null >/tmp/svcd.log 2>&1 &
svcd=$!
if ! step svcd 'starts' within 30000 svc hello; then
    cat /tmp/svcd.log
    exit 1
fi
for daemon in "${DAEMONS[@]}"; do
    step "$daemon" found is_found "$daemon"
done
for daemon in redis-server cron tinyproxy; do
    step "$daemon" 'kill -9' death_is_seen "$daemon"
done
for daemon in nginx lighttpd haproxy ssh; do
    step "$daemon" restart restart_it "$daemon"
done
for daemon in "${DAEMONS[@]}"; do
    step "$daemon" stop stop_it "$daemon"
done
kill -TERM "$svcd"
step svcd ends wait "$svcd"
