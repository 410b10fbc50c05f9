#!/usr/bin/env bash
# What is so in the machine of the test, beside what all such machines share. Sourced by the driver.

# shellcheck source=tests/packages/common.sh
source /test/common.sh

PROGRAM=([redis-server]=/usr/bin/redis-server [nginx]=/usr/sbin/nginx)

# One copy runs, svcd is its parent and calls it the main process.
is_watched() {
    local state pid main
    state=$(listed "$1" state)
    pid=$(listed "$1" pid)
    main=$(mains_of "$1" | tr '\n' ' ')
    [[ $state == up ]] || no "state is $state: $(listed "$1" reason); processes: $main" || return
    [[ $main == "$pid " ]] || no "its main processes are $main, svc says $pid" || return
    [[ $(parent_of "$pid") == 1 ]] || no "main process $pid is not a child of process 1" || return
    echo "pid $pid"
}

# A daemon may be on its way from one process to another for a moment.
watched() {
    within 20000 is_watched "$1" >/dev/null || is_watched "$1" || return
    is_watched "$1"
}

is_down() {
    [[ $(listed "$1" state) == down ]] || no "state is $(listed "$1" state): $(listed "$1" reason)" || return
    [[ -z $(processes_of "$1") ]] || no "processes left: $(processes_of "$1" | tr '\n' ' ')"
}

down() {
    within 20000 is_down "$1" >/dev/null || is_down "$1"
}

# Nobody knows it any more, and nothing of it runs.
is_gone() {
    [[ -z $(listed "$1" state 2>/dev/null) ]] || no "svc still lists it: $(listed "$1" state)" || return
    [[ -z $(processes_of "$1") ]] || no "processes left: $(processes_of "$1" | tr '\n' ' ')"
}

# Nothing is on its way any more, and something was.
is_settled() {
    svc --json list | jq -e '.list // [] | (map(.state) | any(. == "up")) and all(.state != "starting" and .state != "waiting")' \
        >/dev/null
}

# The scripts of early boot have run: among them those that empty /tmp, where packages are put while they are installed.
has_booted() {
    within 120000 is_settled || no "$(svc list)"
}
