#!/usr/bin/env bash
# svcd is process 1. Every daemon goes through all that its script can do, and svc's word is held against /proc.
set -u
# shellcheck source=tests/packages/facts.sh
source /test/facts.sh
read_daemons

# The main process as it was before the step.
before=''

is_up() {
    local name=$1 state pid main
    state=$(listed "$name" state)
    pid=$(listed "$name" pid)
    main=$(main_of "$name")
    [[ $state == up ]] || no "state is $state: $(listed "$name" reason)" || return
    [[ -n $main ]] || no "its processes have no one main process: $(processes_of "$name" | tr '\n' ' ')" || return
    [[ $pid == "$main" ]] || no "main process is $main, svc says $pid" || return
    [[ $(parent_of "$main") == 1 ]] || no "main process $main is not a child of process 1" || return
    echo "pid $main"
}

# Up, and its port answers. A daemon may still be on its way into the background when its script has returned, and
# listen a moment later.
serves() {
    within 3000 is_up "$1" >/dev/null
    is_up "$1" || return
    if [[ ${PORT[$1]} != - ]]; then
        within 20000 answers "$1" || no "no answer at port ${PORT[$1]}" || return
        echo "port ${PORT[$1]} answers"
    fi | tail -n 1
}

is_down() {
    local name=$1 state left
    state=$(listed "$name" state)
    [[ $state == down ]] || no "state is $state: $(listed "$name" reason)" || return
    [[ $(listed "$name" pid) == null ]] || no "svc names a main process of what is down" || return
    left=$(processes_of "$name" | tr '\n' ' ')
    [[ -z $left ]] || no "processes left: $left"
}

check_says_it_would_run() {
    svc "$1" check >/tmp/check || { cat /tmp/check; return 1; }
    grep -q 'rc2\.d/S' /tmp/check || { echo "does not say what enables it:"; cat /tmp/check; return 1; }
}

status_of_what_is_down() {
    local code=0
    svc "$1" status >/dev/null || code=$?
    ((code == 3)) || no "exit code $code, not 3" || return
    is_down "$1"
}

start_it() {
    svc "$1" start || return
    serves "$1" || return
    before=$(main_of "$1")
}

start_again_changes_nothing() {
    svc "$1" start || return
    [[ $(main_of "$1") == "$before" ]] || no "main process was $before, is $(main_of "$1")"
}

status_of_what_is_up() {
    svc "$1" status >/tmp/status || { echo "exit code $?"; cat /tmp/status; return 1; }
    local tree all
    all=$(tree_of "$1" | sort | tr '\n' ' ')
    tree=$(told "$1" '.tree[].pid' | sort | tr '\n' ' ')
    [[ $tree == "$all" ]] || no "the tree is $all, svc says $tree" || return
    own_status_is_noted "$1" up
}

# A remark about the script's own status stands where that is wrong, and only there.
own_status_is_noted() {
    local note wrong=no
    note=$(told "$1" '.notes[]' | grep 'own status') || true
    case ${OWN[$1]}-$2 in dead-up | running-down) wrong=yes ;; esac
    case $wrong-${note:+note} in
        yes-) no "no note that its own status is wrong" ;;
        no-note) no "$note" ;;
        *) echo "$note" ;;
    esac
}

reload_it() {
    local code=0
    svc "$1" reload || code=$?
    if [[ ${RELOAD[$1]} == - ]]; then
        ((code == 3)) || no "it has no reload, but the exit code is $code, not 3" || return
        serves "$1" >/dev/null && echo 'has none'
        return
    fi
    ((code == 0)) || no "exit code $code" || return
    within 20000 is_up "$1" >/dev/null || { is_up "$1"; return 1; }
    case ${RELOAD[$1]}-$(main_of "$1") in
        "keeps-$before") echo "pid $before stays" ;;
        replaces-"$before") no "main process $before is the old one" || return ;;
        keeps-*) no "main process was $before, is $(main_of "$1")" || return ;;
        replaces-*) echo "pid $before became $(main_of "$1")" ;;
    esac
    before=$(main_of "$1")
    serves "$1" >/dev/null || serves "$1"
}

restart_it() {
    svc "$1" restart || return
    [[ $(main_of "$1") != "$before" ]] || no "main process $before is the old one" || return
    serves "$1" || return
    before=$(main_of "$1")
}

is_not_listed_up() {
    [[ $(listed "$1" state) != up ]]
}

death_is_seen() {
    local begin took
    begin=$(milliseconds)
    kill -KILL "$before"
    within 20000 is_not_listed_up "$1" || no 'still up' || return
    took=$(($(milliseconds) - begin))
    ((took < 1000)) || no "seen after $took ms" || return
    within 30000 is_failed "$1" || no "state is $(listed "$1" state)" || return
    listed "$1" reason | grep -q 'KILL' || no "reason: $(listed "$1" reason)" || return
    echo "seen in $took ms"
}

up_again() {
    if [[ ${AGAIN[$1]} == restart ]]; then
        # It is no secret that its start does not help.
        if svc "$1" start >/tmp/out 2>&1; then
            echo 'a start helps, too'
            return 1
        fi
        is_failed "$1" || no "state is $(listed "$1" state)" || return
        svc "$1" restart || return
        serves "$1"
    else
        start_it "$1"
    fi
}

is_failed() {
    [[ $(listed "$1" state) == failed && -z $(processes_of "$1") ]]
}

stop_it() {
    svc "$1" stop || return
    is_down "$1"
}

stop_again_changes_nothing() {
    svc "$1" stop && is_down "$1" && own_status_is_noted "$1" down
}

# What a stop of ssh must not end: a session.
session_survives() {
    local left
    exec 8<>/dev/tcp/127.0.0.1/2222
    read -r -t 5 _ <&8 || true
    svc ssh stop || return
    left=$(processes_of ssh | sort | tr '\n' ' ')
    [[ -n $left ]] || no 'the session was ended' || return
    [[ $(told ssh '.left_behind[].pid' | sort | tr '\n' ' ') == "$left" ]] ||
        no "left are $left, svc says $(told ssh '.left_behind[].pid' | tr '\n' ' ')" || return
    svc ssh start || return
    exec 8>&-
    svc ssh stop || return
    within 30000 is_down ssh || no "$(is_down ssh)" || return
    echo "left behind: $left"
}

# What a stop of atd must not end: a job. --all ends it.
job_survives() {
    local left
    svc atd start || return
    echo 'exec sleep 4321' | at now 2>/dev/null || return
    within 30000 pgrep -f '^sleep 4321$' >/dev/null || no 'atd did not start the job' || return
    svc atd stop || return
    left=$(pgrep -f '^sleep 4321$')
    [[ -n $left ]] || no 'the job was ended' || return
    told atd '.left_behind[].pid' | grep -qx "$left" || no "svc does not say that $left is left behind" || return
    svc atd stop --all || return
    within 20000 gone "$left" || no "--all did not end $left" || return
    [[ -z $(told atd '.left_behind[].pid') ]] || no 'svc says that something is left behind' || return
    echo "left behind: $left"
}

gone() {
    [[ ! -e /proc/$1 ]]
}

# mosquitto's script says that all is well, and nothing is left.
failure_is_told() {
    local code=0
    svc mosquitto start >/tmp/out 2>&1 || code=$?
    ((code == 1)) || no "exit code $code" || return
    [[ $(listed mosquitto state) == failed ]] || no "state is $(listed mosquitto state)" || return
    [[ -z $(pgrep -x mosquitto) ]] || no 'it runs' || return
    svc mosquitto status >/tmp/status
    grep -q 'Starting network daemon' /tmp/status || { echo 'its output is not shown:'; cat /tmp/status; return 1; }
    head -n 1 /tmp/out
}

custom_verbs_reach_the_script() {
    local code=0
    svc nginx start || return
    svc nginx configtest || no "configtest: exit code $?" || return
    svc nginx -- nonsense >/tmp/out 2>&1 || code=$?
    ((code == 3)) || no "nonsense: exit code $code, the script says 3" || return
    grep -q 'Usage: nginx' /tmp/out || { echo 'what the script printed is missing:'; cat /tmp/out; return 1; }
    before=$(main_of nginx)
    # Another master takes over; its parent is the old one until that ends.
    svc nginx upgrade || no "upgrade: exit code $?" || return
    within 30000 is_up nginx >/dev/null || { is_up nginx; return 1; }
    [[ $(main_of nginx) != "$before" ]] || no "the old master $before is still there" || return
    serves nginx && svc nginx stop && is_down nginx
}

# Nobody but svcd, this driver and what it runs.
nothing_else_runs() {
    local dir pid strays=''
    for dir in /proc/[0-9]*; do
        pid=${dir#/proc/}
        [[ $(readlink "$dir/exe") == /usr/sbin/svcd || $pid == "$$" || $(parent_of "$pid") == "$$" ]] && continue
        if [[ -e $dir ]]; then strays+="$pid: $(tr '\0' ' ' <"$dir/cmdline")"$'\n'; fi
    done
    [[ -z $strays ]] || no "$strays"
}

every_script_is_listed() {
    local script missing=''
    svc --json list | jq -r '.list[].name' | sort >/tmp/listed
    for script in "${DAEMONS[@]}" mosquitto hostname.sh procps urandom; do
        grep -qx "$script" /tmp/listed || missing+=" $script"
    done
    [[ -z $missing ]] || no "not listed:$missing" || return
    [[ -z $(svc --json list | jq -r '.list[] | select(.state == "up") | .name') ]] || no 'something is up' || return
    echo "$(wc -l </tmp/listed) services"
}

whole_life() {
    local name=$1
    step "$name" check check_says_it_would_run "$name"
    step "$name" 'status, down' status_of_what_is_down "$name"
    step "$name" start start_it "$name" || return
    step "$name" 'start again' start_again_changes_nothing "$name"
    step "$name" 'status, up' status_of_what_is_up "$name"
    step "$name" reload reload_it "$name"
    step "$name" restart restart_it "$name"
    step "$name" 'kill -9' death_is_seen "$name"
    step "$name" "${AGAIN[$name]} after that" up_again "$name"
    step "$name" stop stop_it "$name"
    step "$name" 'stop again' stop_again_changes_nothing "$name"
}

step svcd 'is process 1' within 30000 svc hello || exit 1
step svcd list every_script_is_listed
for daemon in ${ONLY:-"${DAEMONS[@]}"}; do
    whole_life "$daemon"
done
if [[ -z ${ONLY:-} ]]; then
    step mosquitto 'start, which fails' failure_is_told
    step nginx 'its own verbs' custom_verbs_reach_the_script
    step ssh start svc ssh start
    step ssh 'session survives stop' session_survives
    step atd 'job survives stop' job_survives
    step svcd 'nothing else runs' nothing_else_runs
fi
