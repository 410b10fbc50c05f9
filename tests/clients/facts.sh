#!/usr/bin/env bash
# What is so in the machine of the test, found out without svc where it is svc that is tested. Sourced by the driver.

# The program of each daemon, by the name of its script.
declare -A PROGRAM=([redis-server]=/usr/bin/redis-server [nginx]=/usr/sbin/nginx)
# What the step at hand prints.
readonly SAID=/test/said

milliseconds() {
    local now=${EPOCHREALTIME/[.,]/}
    echo $((now / 1000))
}

# Every process that runs the program of daemon $1, or did until another took its place.
processes_of() {
    local exe program
    program=$(readlink -f "${PROGRAM[$1]}") || program=${PROGRAM[$1]}
    for exe in /proc/[0-9]*/exe; do
        case $(readlink "$exe") in
            "$program" | "$program (deleted)")
                exe=${exe#/proc/}
                echo "${exe%/exe}"
                ;;
        esac
    done 2>/dev/null
}

parent_of() {
    local status
    { status=$(<"/proc/$1/status"); } 2>/dev/null || return 0
    status=${status#*PPid:}
    echo "${status%%$'\n'*}" | tr -d '[:space:]'
}

# Its processes that are no child of another of them.
mains_of() {
    local pid all
    all=" $(processes_of "$1" | tr '\n' ' ')"
    for pid in $all; do
        case $all in *" $(parent_of "$pid") "*) ;; *) echo "$pid" ;; esac
    done
}

# Waits until a command succeeds, but not more than $1 milliseconds.
within() {
    local end=$(($(milliseconds) + $1))
    shift
    until "$@"; do
        if (($(milliseconds) > end)); then return 1; fi
        sleep 0.02
    done
}

# What svc says of daemon $1 in a list: a field of it; empty where there is none of this name.
listed() {
    svc --json list "$1" | jq -r "if .list then .list[0].$2 else \"\" end"
}

# One step of daemon $1, called $2, which is the rest of the words: its result, its time and what it printed.
step() {
    local daemon=$1 what=$2 begin result=0 sign='ok  '
    shift 2
    begin=$(milliseconds)
    "$@" >"$SAID" 2>&1 || result=$?
    if ((result != 0)); then sign=FAIL; fi
    printf '%s  %-13s %-34s %6d ms  %s\n' "$sign" "$daemon" "$what" $(($(milliseconds) - begin)) \
        "$(tail -c 2000 "$SAID" | if ((result == 0)); then tail -n 1; else sed '2,$s/^/            | /'; fi)"
    return "$result"
}

# Says why, and is no success.
no() {
    echo "$*"
    return 1
}

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
    within 5000 is_watched "$1" >/dev/null || is_watched "$1" || return
    is_watched "$1"
}

is_down() {
    [[ $(listed "$1" state) == down ]] || no "state is $(listed "$1" state): $(listed "$1" reason)" || return
    [[ -z $(processes_of "$1") ]] || no "processes left: $(processes_of "$1" | tr '\n' ' ')"
}

down() {
    within 5000 is_down "$1" >/dev/null || is_down "$1"
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
