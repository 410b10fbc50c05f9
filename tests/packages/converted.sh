#!/usr/bin/env bash
# svcd is process 1. Every daemon is converted and goes through its life by its definition, without its script.
set -u
# shellcheck source=tests/packages/facts.sh
source /test/facts.sh
read_daemons

# The main process as it was before the step.
before=''

convert_it() {
    svc convert --quiet --write /etc/svc/services "$1" || return
    local file=/etc/svc/services/$1.toml
    [[ -e $file ]] || no "it was kept: $(svc convert "$1")" || return
    svc load >/tmp/load || { cat /tmp/load; return 1; }
    grep '^command' "$file"
    [[ $(listed "$1" kind) != script ]] || no 'it is a script still' || return
    # The same script gives the same file.
    cp "$file" /tmp/first && svc convert --quiet --write /etc/svc/services "$1" && diff /tmp/first "$file"
}

is_up() {
    local state pid
    state=$(listed "$1" state)
    pid=$(listed "$1" pid)
    [[ $state == up ]] || no "state is $state: $(listed "$1" reason)" || return
    [[ $pid != null && -e /proc/$pid ]] || no "no main process: $pid" || return
    echo "pid $pid, $(listed "$1" kind)"
}

serves() {
    within 20000 is_up "$1" >/dev/null
    is_up "$1" || { svc log -n 5 "$1"; return 1; }
    if [[ ${PORT[$1]} != - ]]; then
        within 20000 answers "$1" || no "no answer at port ${PORT[$1]}: $(svc log -n 5 "$1")" || return
        echo "port ${PORT[$1]} answers"
    fi
}

start_it() {
    svc "$1" start || { svc log -n 5 "$1"; return 1; }
    serves "$1" || return
    before=$(listed "$1" pid)
}

reload_it() {
    if ! grep -q '^reload' "/etc/svc/services/$1.toml"; then
        echo 'has none'
        return
    fi
    svc "$1" reload || return
    serves "$1" || return
    before=$(listed "$1" pid)
}

is_another() {
    is_up "$1" >/dev/null && [[ $(listed "$1" pid) != "$before" ]]
}

comes_back() {
    kill -KILL "$before"
    within 30000 is_another "$1" || no "$(listed "$1" state): $(listed "$1" reason)" || return
    serves "$1"
}

stop_it() {
    local left
    svc "$1" stop || return
    [[ $(listed "$1" state) == down ]] || no "state is $(listed "$1" state)" || return
    left=$(processes_of "$1" | tr '\n' ' ')
    [[ -z $left ]] || no "processes left: $left"
}

step svcd 'is process 1' within 30000 svc hello || exit 1
for daemon in ${ONLY:-"${DAEMONS[@]}" "${BROKEN[@]}"}; do
    step "$daemon" convert convert_it "$daemon" || continue
    step "$daemon" start start_it "$daemon" || continue
    step "$daemon" reload reload_it "$daemon"
    step "$daemon" 'kill -9, comes back' comes_back "$daemon"
    step "$daemon" stop stop_it "$daemon"
done
