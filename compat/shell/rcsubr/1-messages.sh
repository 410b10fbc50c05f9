# rc.subr: what an rc.d script of FreeBSD sources, for systems that have none of it.
#
# Runs under dash, busybox sh, mksh, bash and FreeBSD's sh. What FreeBSD has as programs (limits, setfib, cpuset,
# kldload) is mapped to what is here; where there is nothing to map to, it says so.
# Files are looked for below $SVC_ROOT, which is empty as a rule.
#
# shellcheck shell=dash
# The script sets these names, or reads them.
# shellcheck disable=SC2034,SC2154

_rc_root=${SVC_ROOT-}
_localbase=/usr/local
: "${RC_PID:=$$}"
DEBUG_DO=:
DEBUG_SKIP=
DEBUGGING=
_TTY=
if [ -t 0 ]; then
	_TTY=$(tty)
fi
export RC_PID DEBUG_DO DEBUG_SKIP DEBUGGING _TTY

# What is said, and where.

_rc_log()
{
	if [ -x /usr/bin/logger ] && [ -S /dev/log ]; then
		/usr/bin/logger -p "$1" -t "$0" "$2"
	fi
}

err()
{
	_rc_code=$1
	shift
	_rc_log daemon.err "ERROR: $*"
	printf '%s: ERROR: %s\n' "$0" "$*" >&2
	exit "$_rc_code"
}

warn()
{
	_rc_log daemon.warning "WARNING: $*"
	printf '%s: WARNING: %s\n' "$0" "$*" >&2
}

info()
{
	case ${rc_info-} in
	[Yy][Ee][Ss] | [Tt][Rr][Uu][Ee] | [Oo][Nn] | 1)
		_rc_log daemon.info "INFO: $*"
		printf '%s: INFO: %s\n' "$0" "$*"
		;;
	esac
}

debug()
{
	case ${rc_debug-} in
	[Yy][Ee][Ss] | [Tt][Rr][Uu][Ee] | [Oo][Nn] | 1)
		_rc_log daemon.debug "DEBUG: $*"
		printf '%s: DEBUG: %s\n' "$0" "$*" >&2
		;;
	esac
}

# A message about a start or a stop; only a quiet call asks whether it is wanted.
startmsg()
{
	if [ -n "${rc_quiet-}" ] && ! checkyesno rc_startmsgs; then
		return 0
	fi
	if [ "${1-}" = -n ]; then
		shift
		printf '%s' "$*"
	else
		printf '%s\n' "$*"
	fi
}

check_startmsgs()
{
	[ -z "${rc_quiet-}" ] || checkyesno rc_startmsgs
}
