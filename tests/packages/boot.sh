#!/usr/bin/env bash
# svcd is process 1 and boots the machine by its rcN.d links, the scripts of early boot included.
set -u
# shellcheck source=tests/packages/facts.sh
source /test/facts.sh
read_daemons

# Nothing is on its way any more, and something was.
is_settled() {
    svc --json list >/tmp/list || return
    jq -e '.list' /tmp/list >/dev/null || return
    jq -e '.list | (map(.state) | any(. == "up")) and all(.state != "starting" and .state != "waiting")' \
        /tmp/list >/dev/null
}

has_booted() {
    within 120000 is_settled || no "$(jq -r '.list[] | select(.state == "starting" or .state == "waiting") | .name' /tmp/list)"
}

runs() {
    [[ $(listed "$1" state) == up ]] || no "state is $(listed "$1" state): $(listed "$1" reason)" || return
    within 20000 is_main "$1" || no "main process is $(main_of "$1"), svc says $(listed "$1" pid)" || return
    if [[ ${PORT[$1]} != - ]]; then within 20000 answers "$1" || no "no answer at port ${PORT[$1]}" || return; fi
    echo "pid $(listed "$1" pid)"
}

is_main() {
    [[ $(listed "$1" pid) == "$(main_of "$1")" ]]
}

# Clock ticks from the boot of the kernel to the start of the main process of daemon $1.
started() {
    local stat
    stat=$(<"/proc/$(main_of "$1")/stat")
    # Its name may hold blanks.
    stat=${stat##*) }
    # shellcheck disable=SC2086 # the fields
    set -- $stat
    echo "${20}"
}

# Everything whose header asks for $syslog was started after rsyslog.
order_is_kept() {
    local name early='' syslog
    syslog=$(started rsyslog)
    for name in redis-server nginx cron ssh memcached lighttpd dnsmasq haproxy atd rsync tinyproxy; do
        if (($(started "$name") < syslog)); then early+=" $name"; fi
    done
    [[ -z $early ]] || no "before rsyslog:$early"
}

# What failed is what cannot work here, and nothing else.
failures_are_known() {
    local failed
    failed=$(svc --json list | jq -r '.list[] | select(.state == "failed") | .name' | tr '\n' ' ')
    [[ $failed == 'mosquitto ' ]] || no "$(svc list)"
}

declare -A PID

manager() {
    svc --json hello | jq -r '.hello.manager'
}

is_another_manager() {
    local now
    now=$(manager 2>/dev/null) && [[ -n $now && $now != "$1" ]]
}

# Another manager takes over from one that was killed, and no daemon notices.
manager_is_replaced() {
    local old daemon changed=''
    old=$(manager)
    for daemon in "${DAEMONS[@]}"; do PID[$daemon]=$(listed "$daemon" pid); done
    kill -KILL "$old"
    within 30000 is_another_manager "$old" || no 'there is no other manager' || return
    for daemon in "${DAEMONS[@]}"; do
        if [[ $(listed "$daemon" state) != up || $(listed "$daemon" pid) != "${PID[$daemon]}" ]]; then
            changed+=" $daemon"
        fi
    done
    [[ -z $changed ]] || no "not as before:$changed" || return
    echo "pid $old became $(manager)"
}

step svcd 'is process 1' within 30000 svc hello || exit 1
step svcd boots has_booted
for daemon in "${DAEMONS[@]}"; do
    step "$daemon" 'runs after boot' runs "$daemon"
done
step svcd 'order of boot' order_is_kept
step svcd 'failures' failures_are_known
step svcd 'manager killed' manager_is_replaced
step svcd 'is told to end' svc shutdown
