# Tests of init-functions: LIBRARY is its path, SCRATCH an empty directory.
#
# shellcheck shell=dash
# shellcheck source=check.sh
. "$HERE/check.sh"
export SVC_SKIP_REDIRECT=1
# shellcheck source=/dev/null
. "$LIBRARY"

is log_daemon_msg 'Starting thing: one two.' "$(
	log_daemon_msg 'Starting thing' one
	log_progress_msg two
	log_end_msg 0
)"
is 'a start that failed' 'Starting thing: one failed!' "$(
	log_daemon_msg 'Starting thing' one
	log_end_msg 1
)"
code 1 log_end_msg 1
is log_success_msg 'x is running.' "$(log_success_msg 'x is running')"
is log_failure_msg 'x is not running ... failed!' "$(log_failure_msg 'x is not running')"
is log_warning_msg 'x ... (warning).' "$(log_warning_msg x)"
is log_action 'Mounting...again...done (all).' "$(
	log_action_begin_msg Mounting
	log_action_cont_msg again
	log_action_end_msg 0 all
)"
is log_action_msg 'Will now sleep.' "$(log_action_msg 'Will now sleep')"
is vlog '' "$(VERBOSE=no vlog_daemon_msg Starting x)"

cp "$(command -v sleep)" "$SCRATCH/napper"
file=$SCRATCH/napper.pid
code 3 pidofproc -p "$file" "$SCRATCH/napper"
echo 999999999 >"$file"
code 1 pidofproc -p "$file" "$SCRATCH/napper"
code 1 status_of_proc -p "$file" "$SCRATCH/napper" napper
code 5 start_daemon "$SCRATCH/nonesuch"

cat >"$SCRATCH/launch" <<END
#!/bin/sh
$SCRATCH/napper 1000 </dev/null >/dev/null 2>&1 &
echo \$! >$file
END
chmod +x "$SCRATCH/launch"
code 0 start_daemon -p "$file" -n 2 -- "$SCRATCH/launch"
pid=$(cat "$file")
code 0 start_daemon -p "$file" "$SCRATCH/launch"
is 'a second start does nothing' "$pid" "$(cat "$file")"
is pidofproc "$pid" "$(pidofproc -p "$file" "$SCRATCH/napper")"
is status_of_proc 'napper is running.' "$(status_of_proc -p "$file" "$SCRATCH/napper" napper)"
code 0 killproc -p "$file" "$SCRATCH/napper"
is 'killproc removes the pid file' no "$([ -e "$file" ] && echo yes || echo no)"
code 3 pidofproc -p "$file" "$SCRATCH/napper"
code 0 killproc -p "$file" "$SCRATCH/napper"
code 3 killproc -p "$file" "$SCRATCH/napper" HUP

cat >"$SCRATCH/headed" <<'END'
#!/bin/sh
### BEGIN INIT INFO
# Provides:          one two
### END INIT INFO
END
is get_lsb_header_val 'one two' "$(get_lsb_header_val "$SCRATCH/headed" Provides)"

# The hook that leads to svcd.
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/svc" <<'END'
#!/bin/sh
[ "$2" != list ] || exit "${SVC_KNOWS:-0}"
echo "asked: $*"
END
chmod +x "$SCRATCH/bin/svc"
# shellcheck source=/dev/null
. "${LIBRARY%/*}/50-svc"
lead()
{
	(
		PATH=$SCRATCH/bin:$PATH
		export SVC_SOCKET="$SOCKET"
		unset SVC_SKIP_REDIRECT
		_svc_redirect "$@"
		echo 'goes on'
	)
}
is 'a start' 'asked: -q web start' "$(lead /etc/init.d/web start)"
is 'a link' 'asked: -q web stop' "$(lead /etc/rc0.d/K01web stop)"
is 'a verb of its own' 'asked: -q web -- force-reload' "$(lead /etc/init.d/web force-reload)"
is 'a question' 'goes on' "$(lead /etc/init.d/web status)"
is 'another place' 'goes on' "$(lead /tmp/web start)"
is 'what svcd runs' 'goes on' "$(SVC_RUN=main/web.1 lead /etc/init.d/web start)"
is 'what another service runs' 'asked: -q web start' "$(SVC_RUN=main/other.1 lead /etc/init.d/web start)"
is 'what svcd does not know' 'goes on' "$(SVC_KNOWS=5 lead /etc/init.d/web start)"
is 'no svcd' 'goes on' "$(SOCKET=/nonexistent lead /etc/init.d/web start)"

finish
