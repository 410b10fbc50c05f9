# Tests of openrc-run: LIBRARY is its path, SCRATCH an empty directory.
#
# shellcheck shell=dash
# shellcheck source=check.sh
. "$HERE/check.sh"

cp "$(command -v sleep)" "$SCRATCH/napper"
cat >"$SCRATCH/web" <<END
#!/sbin/openrc-run
description='says nothing'
description_check='looks at it'
command=$SCRATCH/napper
command_args=1000
command_background=yes
pidfile=$SCRATCH/web.pid
extra_started_commands=check
depend() { need net; after syslog; provide www; }
start_pre() { checkpath -d -m 0750 "$SCRATCH/run"; }
check() { ebegin "Checking \$RC_SVCNAME"; eend 0; }
check_pre() { yesno yes && ! yesno Off; }
stop_post() { service_stopped nobody || :; echo stopped >"$SCRATCH/stopped"; }
END

# do VERB..: what the interpreter makes of them
do_verbs()
{
	# shellcheck disable=SC2086
	$sh "$LIBRARY" "$SCRATCH/web" "$@" 2>&1
}

is 'what is down' ' * status: stopped' "$(do_verbs status)"
code 3 do_verbs status
is 'a start' ' * Starting web ...
 [ ok ]' "$(do_verbs start)"
# Its launcher may return before the pid is written.
await test -s "$SCRATCH/web.pid"
code 0 do_verbs status
is 'what its start makes first' 750 "$(stat -c %a "$SCRATCH/run")"
pid=$(cat "$SCRATCH/web.pid")
code 0 do_verbs start
is 'one copy' "$pid" "$(cat "$SCRATCH/web.pid")"
is 'a verb of its own' ' * Checking web ...
 [ ok ]' "$(do_verbs check)"
is 'what it says of itself' ' * says nothing
 * check: looks at it' "$(do_verbs describe)"
code 0 do_verbs restart
await test -s "$SCRATCH/web.pid"
is 'another copy' other "$([ "$(cat "$SCRATCH/web.pid")" = "$pid" ] && echo same || echo other)"
pid=$(cat "$SCRATCH/web.pid")
kill -9 "$pid"
await sh -c "! kill -0 $pid 2>/dev/null"
is 'what was killed' ' * status: crashed' "$(do_verbs status)"
code 32 do_verbs status
code 0 do_verbs stop
is 'what comes after a stop' stopped "$(cat "$SCRATCH/stopped")"
code 1 do_verbs frobnicate
is 'an unknown verb is named' " * web: unknown function \`frobnicate'" "$(do_verbs frobnicate | head -n 1)"

printf '#!/sbin/openrc-run\ncommand=/nonexistent/napper\n' >"$SCRATCH/web"
code 1 do_verbs start
printf '#!/sbin/openrc-run\nstart() { return 7; }\nstart_post() { echo after; }\n' >"$SCRATCH/web"
is 'a start that fails ends there' '' "$(do_verbs start)"
code 1 do_verbs start
finish
