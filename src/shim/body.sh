
PATH=${PATH:-/sbin:/bin:/usr/sbin:/usr/bin}:/usr/local/sbin:/usr/local/bin
export PATH

usage()
{
	echo "Usage: $0 start|stop|restart|reload|force-reload|try-restart|status|enable|disable|enabled|rcvar|describe" >&2
	exit "$1"
}

known()
{
	svc --json list "$name" 2>/dev/null
}

is_enabled()
{
	case $(known) in
	*'"enabled":true'*) return 0 ;;
	esac
	return 1
}

# One line, and a code as LSB has it: 0 runs, 1 is dead and its pid file is left, 3 does not run, 4 nobody knows. rc.d
# ends its line with a stop, and has one code for whatever does not run.
status()
{
	code=0
	stop=
	if [ "$form" = rc.d ]; then stop=.; fi
	svc -q status "$name" >/dev/null 2>&1 || code=$?
	case $code in
	0)
		pid=$(known | sed -n 's/.*"pid":\([0-9][0-9]*\).*/\1/p')
		echo "$name is running${pid:+ as pid $pid}$stop"
		;;
	1) echo "$name is dead, and its pid file is left$stop" ;;
	3) echo "$name is not running$stop" ;;
	*)
		echo "$name: its status is unknown: svcd does not answer, or does not know it" >&2
		code=4
		;;
	esac
	if [ "$code" -ne 0 ] && [ "$form" = rc.d ]; then code=1; fi
	exit "$code"
}

# Scripts of rc.d have one code for whatever does not succeed.
ask()
{
	if [ "$form" != rc.d ]; then
		exec svc -q "$@"
	fi
	svc -q "$@" || exit 1
	exit 0
}

rcvar()
{
	value=NO
	if is_enabled; then
		value=YES
	fi
	printf '# %s%s\n#\n%s="%s"\n#   (default: "NO")\n\n' "$name" "${desc:+ : $desc}" "$variable" "$value"
	exit 0
}

# What is started by its switch is not started where that is off, unless somebody says `one`.
check_switch()
{
	# What nobody knows has no switch; svc says so.
	if [ "$form" != rc.d ] || ! list=$(known); then
		return
	fi
	case $list in
	*'"enabled":true'*) return ;;
	esac
	case $prefix in
	one | force) ;;
	fast | quiet) exit 0 ;;
	*)
		echo "Cannot '$verb' $name. Enable it with '$0 enable' or use 'one$verb' instead of '$verb'."
		exit 0
		;;
	esac
}

force_reload()
{
	code=0
	said=$(svc -q reload "$name" 2>&1) || code=$?
	if [ "$code" -eq 3 ]; then
		ask restart "$name"
	fi
	[ -z "$said" ] || printf '%s\n' "$said" >&2
	exit "$code"
}

verb=${1-}
prefix=
if [ "$form" = rc.d ]; then
	case $verb in
	fast?*) prefix=fast ;;
	force?*) prefix=force ;;
	one?*) prefix=one ;;
	quiet?*) prefix=quiet ;;
	esac
	verb=${verb#"$prefix"}
fi

case $verb in
'')
	if [ "$form" = rc.d ]; then usage 1; else usage 2; fi
	;;
describe)
	[ -z "$desc" ] || printf '%s\n' "$desc"
	exit 0
	;;
esac

if ! command -v svc >/dev/null 2>&1; then
	# Where the package is gone and this file is not, there is nothing to stop.
	[ "$verb" != stop ] || exit 0
	echo "$name: svc is not installed" >&2
	if [ "$form" = rc.d ]; then exit 1; fi
	if [ "$verb" = status ]; then exit 4; else exit 5; fi
fi

case $verb in
status) status ;;
enabled) if is_enabled; then exit 0; else exit 1; fi ;;
rcvar) rcvar ;;
enable | disable) ask "$verb" "$name" ;;
esac

# What svcd runs for this very service must not ask svcd for it again.
run=${SVC_RUN-}
run=${run##*/}
if [ "${run%.*}" = "$name" ]; then
	echo "$name: its own run asks for '$verb': this would go in a circle" >&2
	exit 1
fi

case $verb in
start | restart | reload) check_switch ;;
esac

case $verb in
start | stop | restart | reload) ask "$verb" "$name" ;;
force-reload) force_reload ;;
try-restart | condrestart)
	svc -q status "$name" >/dev/null 2>&1 || exit 0
	ask restart "$name"
	;;
*)
	shift
	exec svc -q "$name" -- "$verb" "$@"
	;;
esac
