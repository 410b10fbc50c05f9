#!/usr/bin/env bash
# Every daemon runs twice in a sandbox: by its script, and by the definition that this is converted to. svc has to find
# the two equivalent; of a script that does not work it has to say so, and judge the definition alone.
set -u
# shellcheck source=tests/packages/facts.sh
source /test/facts.sh
read_daemons

# So many at a time: most of it is waiting.
readonly AT_ONCE=4

# What wants sockets that no sandbox has.
LEFT_OUT=' darkstat '

is_equivalent() {
    local code=0 said=/tmp/compared.$1
    svc convert --quiet --write /tmp/definitions "$1" || return
    svc compare "/etc/init.d/$1" "/tmp/definitions/$1.toml" >"$said" 2>&1 || code=$?
    if ((code != 0)); then
        cat "$said"
        return "$code"
    fi
    if [[ " ${BROKEN[*]} " == *" $1 "* ]]; then
        grep -q '^the script does not work here: ' "$said" || no "$(<"$said")" || return
        grep -q '^the definition works$' "$said" || no "$(<"$said")" || return
    else
        grep -q '^equivalent: ' "$said" || no "$(<"$said")" || return
        grep -q '^listens  *same .*[a-z]' "$said" || [[ ${PORT[$1]} == - ]] || no "$(<"$said")" || return
    fi
    echo "$(grep -c '  same ' "$said") alike, $(grep -c '  expected ' "$said") as expected"
}

run_one() {
    SAID=/tmp/said.$1
    step "$1" compare is_equivalent "$1" >"/tmp/line.$1"
    cat "/tmp/line.$1"
}

for daemon in ${ONLY:-"${DAEMONS[@]}" "${BROKEN[@]}"}; do
    [[ $LEFT_OUT == *" $daemon "* ]] && continue
    while (($(jobs -rp | wc -l) >= AT_ONCE)); do wait -n; done
    run_one "$daemon" &
done
wait
