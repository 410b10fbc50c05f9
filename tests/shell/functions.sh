# Tests of Red Hat's functions: LIBRARY is its path, SCRATCH an empty directory.
#
# shellcheck shell=dash
# shellcheck source=check.sh
. "$HERE/check.sh"
export SVC_SKIP_REDIRECT=1
# shellcheck source=/dev/null
. "$LIBRARY"

cr=$(printf '\r.')
cr=${cr%.}
is action "Doing [  OK  ]$cr" "$(action Doing true)"
is 'an action that failed' "Doing [FAILED]$cr" "$(action Doing false)"
code 1 action Doing false
code 0 strstr 'a b' b
code 1 strstr 'a b' c
code 0 is_true Yes
code 0 is_false 0
code 0 is_ignored_file x.rpmsave

cp "$(command -v sleep)" "$SCRATCH/napper"
file=$SCRATCH/napper.pid
is 'status of what never ran' 'napper-x is stopped' "$(status -p "$SCRATCH/nonesuch" napper-x)"
code 3 status -p "$SCRATCH/nonesuch" napper-x
echo 999999999 >"$file"
is 'a pid file that is left' 'napper dead but pid file exists' "$(status -p "$file" napper)"
code 1 status -p "$file" napper

is daemon "[  OK  ]$cr" "$(daemon --pidfile="$file" "$SCRATCH/napper 1000 >/dev/null 2>&1 & echo \$! >$file")"
pid=$(cat "$file")
await checkpid "$pid"
is status "napper (pid  $pid) is running..." "$(status -p "$file" "$SCRATCH/napper")"
is 'a second start does nothing' '' "$(daemon --pidfile="$file" "$SCRATCH/napper 1000")"
is killproc "[  OK  ]$cr" "$(killproc -p "$file" -d 5 "$SCRATCH/napper")"
is 'killproc removes the pid file' no "$([ -e "$file" ] && echo yes || echo no)"
code 7 killproc -p "$file" "$SCRATCH/napper" -HUP
code 1 checkpid "$pid"

finish
