#!/usr/bin/env bash
# What the drivers of every machine of the tests share: what is so, found out without svc where it is svc that is tested.

# What the step at hand prints; not where a boot cleans up.
SAID=/test/said

# The program of each daemon, by the name of its script.
declare -A PROGRAM

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

# Its processes that no other of them has started.
mains_of() {
    local pid parent all
    all=" $(processes_of "$1" | tr '\n' ' ')"
    for pid in $all; do
        parent=$(parent_of "$pid")
        # Without a parent it has ended meanwhile.
        if [[ -n $parent && $all != *" $parent "* ]]; then echo "$pid"; fi
    done
}

# Waits until a command succeeds, but not more than $1 milliseconds.
within() {
    local end=$(($(milliseconds) + $1))
    shift
    until "$@"; do
        if (($(milliseconds) > end)); then return 1; fi
        sleep 0.01
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
