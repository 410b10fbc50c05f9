# Tests of init-d-script: LIBRARY is its path, SCRATCH an empty directory.
#
# shellcheck shell=dash
# shellcheck source=check.sh disable=SC2086
. "$HERE/check.sh"

# Ours, whatever the system has, and as loud as without its settings.
sed "s,/lib/lsb/init-functions,${LIBRARY%/*}/init-functions,; s,/lib/init/vars.sh,$SCRATCH/nonexistent," "$LIBRARY" >"$SCRATCH/interpreter"

cat >"$SCRATCH/web" <<'END'
NAME=web
DESC='web server'
DAEMON=/bin/sh
do_start_cmd_override() { return "${STARTED:-0}"; }
do_stop_cmd_override() { return "${STOPPED:-0}"; }
do_reload_cmd() { echo -n ' [asked]'; }
do_status_override() { return 3; }
END

run()
{
	SVC_SKIP_REDIRECT=1 $sh "$SCRATCH/interpreter" "$SCRATCH/web" "$@" 2>&1 </dev/null
}

is start 'Starting web server: web.' "$(run start)"
is 'start of what runs' 'Starting web server: web is already running.' "$(STARTED=1 run start)"
STARTED=1 code 0 run start
is 'a start that failed' 'Starting web server: web failed!' "$(STARTED=2 run start)"
is stop 'Stopping web server: web.' "$(run stop)"
is reload 'Reloading web server configuration files: web [asked].' "$(run reload)"
is restart 'Restarting web server: web.' "$(run restart)"
is 'try-restart of what does not run' 'Trying to restart web server: web is not running.' "$(run try-restart)"
code 3 run status
code 3 run
code 3 run frob
is usage "Usage: $SCRATCH/web {start|stop|status|reload|restart|try-restart|force-reload}" "$(run frob)"
sed -i s,/bin/sh,/nonexistent/web, "$SCRATCH/web"
is 'a package that was removed' '' "$(run start)"
code 0 run start

finish
