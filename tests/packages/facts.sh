#!/usr/bin/env bash
# What is so in the machine of the test, beside what all such machines share. Sourced by the drivers.

# shellcheck source=tests/packages/common.sh
source /test/common.sh

# Reads the table; each of these is by the script's name.
# shellcheck disable=SC2034 # the drivers use them
declare -A PORT ASKS RELOAD OWN AGAIN
DAEMONS=()
# Those whose scripts do not work.
BROKEN=()
# shellcheck disable=SC2034
read_daemons() {
    local script program port reload own again
    while read -r script program port reload own again; do
        [[ $script == '#' ]] && continue
        if [[ $own == broken ]]; then BROKEN+=("$script"); else DAEMONS+=("$script"); fi
        PROGRAM[$script]=$(readlink -f "$program")
        PORT[$script]=${port%/*}
        ASKS[$script]=${port#*/}
        RELOAD[$script]=$reload
        OWN[$script]=$own
        AGAIN[$script]=$again
    done </test/daemons
}

# Every process of daemon $1, and what these have started: not all that a daemon starts runs its own program.
tree_of() {
    local all found pid
    all=" $(processes_of "$1" | tr '\n' ' ')"
    while :; do
        found=''
        for pid in /proc/[0-9]*; do
            pid=${pid#/proc/}
            if [[ $all != *" $pid "* && $all == *" $(parent_of "$pid") "* ]]; then found+="$pid "; fi
        done
        if [[ -z $found ]]; then break; fi
        all+=$found
    done
    # shellcheck disable=SC2086 # one each
    printf '%s\n' $all
}

# The main process of daemon $1. Empty if there are none or several.
main_of() {
    local heads
    mapfile -t heads < <(mains_of "$1")
    if [[ ${#heads[@]} -eq 1 ]]; then echo "${heads[0]}"; fi
}

# Whether daemon $1 answers at its port, as its protocol has it.
answers() {
    local port=${PORT[$1]} question expected line
    case ${ASKS[$1]} in
        http) question='GET / HTTP/1.0\r\n\r\n' expected='HTTP/1' ;;
        redis) question='PING\r\n' expected='+PONG' ;;
        memcached) question='version\r\n' expected='VERSION' ;;
        ftp) question='' expected='220 ' ;;
        imap) question='' expected='* OK' ;;
        # A connection without a name; the answer begins with 0x20 0x02.
        mqtt) question='\x10\x0c\0\4MQTT\4\2\0\x3c\0\0' expected='ok' ;;
        ssh) question='' expected='SSH-2.0' ;;
        rsync) question='' expected='@RSYNCD:' ;;
        # One question for x.test, type A; the answer begins with its length and our number.
        dns) question='\0\30\52\52\1\0\0\1\0\0\0\0\0\0\1x\4test\0\0\1\0\1' expected='**' ;;
    esac
    { exec 7<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
    # shellcheck disable=SC2059 # the question is the format
    printf "$question" >&7
    if [[ ${ASKS[$1]} == dns ]]; then
        line=$(timeout 5 head -c 4 <&7 | tail -c 2 | tr -d '\0')
    elif [[ ${ASKS[$1]} == mqtt ]]; then
        line=$(timeout 5 head -c 2 <&7 | tr '\40\2' 'ok')
    else
        line=''
        read -r -t 5 line <&7 || true
    fi
    exec 7>&-
    [[ $line == "$expected"* ]] || {
        echo "port $port said: $line"
        return 1
    }
}

# What svc says of daemon $1 in its status: what a filter of jq makes of it.
told() {
    svc --json status "$1" | jq -r ".status[0] | $2"
}
