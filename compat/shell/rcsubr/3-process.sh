# rc.subr: which processes are the service.
#
# shellcheck shell=dash
# The script sets these names, or reads them.
# shellcheck disable=SC2034,SC2154

# Prints "pid words.." for one process, or for all.
_rc_processes()
{
	if [ -n "${1-}" ] && [ -r "/proc/$1/cmdline" ]; then
		_rc_words=$(tr '\0' ' ' <"/proc/$1/cmdline")
		if [ -n "$_rc_words" ]; then
			echo "$1 $_rc_words"
		elif [ -r "/proc/$1/comm" ]; then
			echo "$1 [$(cat "/proc/$1/comm")]"
		fi
	elif [ -n "${1-}" ]; then
		ps -ww -o pid= -o args= -p "$1" 2>/dev/null
	else
		ps -A -ww -o pid= -o args= 2>/dev/null || ps -o pid,args 2>/dev/null
	fi
}

# A process that is only waiting to be reaped is none, nor is one of a container.
_rc_counts()
{
	_rc_lives "$1" || return 1
	if [ -e "/proc/$1/ns/pid" ]; then
		[ "$(readlink "/proc/$1/ns/pid")" = "$(readlink /proc/self/ns/pid)" ]
	fi
}

# Prints the interpreter that the first line of a script names.
_rc_interpreter_of()
{
	_rc_line=
	if [ -r "$1" ]; then
		IFS= read -r _rc_line <"$1"
	fi
	case $_rc_line in
	'#!'*) _rc_line=${_rc_line#'#!'} ;;
	*) _rc_line= ;;
	esac
	# shellcheck disable=SC2086
	set -- $_rc_line
	if [ "${1-}" = /usr/bin/env ]; then
		shift
	fi
	echo "$*"
}

# Prints the ids of processes that are the program: all, or only the one with the given id.
_rc_find()
{
	_rc_program=$1 _rc_by=${2-} _rc_only=${3-}
	if [ -n "$_rc_by" ]; then
		_rc_first=$(_rc_interpreter_of "${_chroot-}$_rc_program")
		if [ -z "$_rc_first" ]; then
			_rc_first=$_rc_by
		elif [ "$_rc_first" != "$_rc_by" ]; then
			warn "\$command_interpreter $_rc_by != $_rc_first"
		fi
		_rc_by=$_rc_first
	fi
	_rc_processes "$_rc_only" | while read -r _rc_one _rc_words; do
		case $_rc_one in
		*[!0-9]* | '') continue ;;
		esac
		if _rc_matches "$_rc_words" && _rc_counts "$_rc_one"; then
			printf '%s ' "$_rc_one"
		fi
	done | sed 's/ $//'
}

_rc_matches()
{
	_rc_base=${_rc_program##*/}
	if [ -n "$_rc_by" ]; then
		case $1 in
		"$_rc_by $_rc_program" | "$_rc_by $_rc_program "* | "[${_rc_by##*/}]" | "${_rc_by##*/}: $_rc_program"*) return 0 ;;
		esac
		return 1
	fi
	case ${1%% *} in
	"$_rc_program" | "$_rc_base" | "$_rc_base:" | "($_rc_base)" | "[$_rc_base]") return 0 ;;
	esac
	return 1
}

check_pidfile()
{
	if [ -z "${1-}" ] || [ -z "${2-}" ]; then
		err 3 'USAGE: check_pidfile pidfile procname [interpreter]'
	fi
	if [ ! -f "$1" ]; then
		debug "pid file ($1): not readable."
		return
	fi
	if [ ! -r "$1" ]; then
		echo "eval: cannot open $1: Permission denied" >&2
		return
	fi
	read -r _rc_first _rc_words <"$1"
	case $_rc_first in
	'' | *[!0-9]*)
		debug "pid file ($1): no pid in file."
		return
		;;
	esac
	_rc_find "$2" "${3-}" "$_rc_first"
}

check_process()
{
	[ -n "${1-}" ] || err 3 'USAGE: check_process procname [interpreter]'
	_rc_find "$1" "${2-}"
}

_rc_lives()
{
	if [ -d /proc/self ]; then
		# Where nobody reaps, a dead process can still be signalled.
		grep -qv ') Z' "/proc/$1/stat" 2>/dev/null
	else
		kill -0 "$1" 2>/dev/null
	fi
}

_rc_nap()
{
	sleep 0.1 2>/dev/null || sleep 1
}

wait_for_pids()
{
	_rc_said=
	_rc_left="$*"
	while :; do
		_rc_words=
		for _rc_one in $_rc_left; do
			if _rc_lives "$_rc_one"; then
				_rc_words="$_rc_words${_rc_words:+ }$_rc_one"
			fi
		done
		[ -n "$_rc_words" ] || break
		if [ -z "$_rc_said" ]; then
			printf 'Waiting for PIDS: %s' "$_rc_words"
		elif [ "$_rc_words" != "$_rc_left" ]; then
			printf ', %s' "$_rc_words"
		fi
		_rc_said=yes
		_rc_left=$_rc_words
		_rc_nap
	done
	if [ -n "$_rc_said" ]; then
		echo .
	fi
}
