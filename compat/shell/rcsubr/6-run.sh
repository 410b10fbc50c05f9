# rc.subr: run_rc_command, what every script ends with.
#
# shellcheck shell=dash
# The script sets these names, or reads them.
# shellcheck disable=SC2034,SC2154

run_rc_command()
{
	_return=0
	rc_arg=${1-}
	rc_service=$0
	rc_pid=
	[ -n "${name-}" ] || err 3 "run_rc_command: \$name is not set."
	if [ $# -gt 0 ]; then
		shift
	fi
	# Joined, to be split again: that is what scripts are used to.
	rc_extra_args="$*"
	_rc_read_prefix
	if [ "$rc_arg" = enabled ]; then
		checkyesno "${rcvar-}"
		return
	fi
	_rc_read_tuning
	_rc_keywords="start stop restart rcvar enable disable delete enabled describe extracommands ${extra_commands-}"
	_rc_procname=${procname:-$command}
	if [ -n "$_rc_procname" ]; then
		_rc_keywords="$_rc_keywords status poll"
	elif [ -n "${status_cmd-}" ]; then
		_rc_keywords="$_rc_keywords status"
	fi
	[ -n "$rc_arg" ] || rc_usage "$_rc_keywords"
	[ -z "$_rc_procname" ] || _rc_look
	_rc_check_jail_options
	_rc_known "$rc_arg" || rc_usage "$_rc_keywords"
	if ! _rc_wanted; then
		_rc_not_wanted
		return 0
	fi
	if [ "$rc_arg" = start ] && [ -z "${rc_fast-}" ] && [ -n "$rc_pid" ]; then
		if [ -z "${rc_quiet-}" ]; then
			echo "$name already running?  (pid=$rc_pid)." >&2
		fi
		return 1
	fi
	eval "_rc_cmd=\${${rc_arg}_cmd-} _rc_precmd=\${${rc_arg}_precmd-} _rc_postcmd=\${${rc_arg}_postcmd-}"
	if _rc_is_led; then
		_rc_lead
		return
	fi
	if [ -n "$_rc_cmd" ]; then
		_rc_own
		return
	fi
	case $rc_arg in
	start | stop | restart | reload | status | poll | rcvar | enable | disable | delete | describe | extracommands)
		"_rc_do_$rc_arg"
		;;
	*)
		rc_usage "$_rc_keywords"
		;;
	esac
}

# One prefix is taken, what remains is the verb.
_rc_read_prefix()
{
	_rc_prefix=
	case $rc_arg in
	fast*)
		rc_arg=${rc_arg#fast}
		rc_fast=yes
		rc_quiet=yes
		;;
	force*)
		rc_arg=${rc_arg#force}
		_rc_prefix=force
		rc_force=yes
		;;
	one*)
		rc_arg=${rc_arg#one}
		_rc_prefix=one
		;;
	quiet*)
		rc_arg=${rc_arg#quiet}
		_rc_prefix=quiet
		rc_quiet=yes
		;;
	esac
	case $_rc_prefix in
	force | one)
		if [ -n "${rcvar-}" ]; then
			eval "$rcvar=YES"
		fi
		;;
	esac
}

_rc_look()
{
	if [ -n "${pidfile-}" ]; then
		rc_pid=$(check_pidfile "$pidfile" "$_rc_procname" "${command_interpreter-}")
	else
		rc_pid=$(check_process "$_rc_procname" "${command_interpreter-}")
	fi
}

_rc_known()
{
	for _rc_one in $_rc_keywords; do
		if [ "$_rc_one" = "$1" ]; then
			return 0
		fi
	done
	echo "$0: unknown directive '$1'." >&2
	return 1
}

rc_usage()
{
	_rc_words=
	for _rc_one in $1; do
		_rc_words="$_rc_words${_rc_words:+|}$_rc_one"
	done
	echo "Usage: $0 [fast|force|one|quiet]($_rc_words)" >&2
	exit 1
}

# Is the service switched on, or is this one of the verbs that do not care?
_rc_wanted()
{
	[ -n "${rcvar-}" ] || return 0
	case $rc_arg in
	rcvar | enable | delete | describe | status) return 0 ;;
	stop)
		if [ -n "$rc_pid" ]; then
			return 0
		fi
		;;
	esac
	checkyesno "$rcvar"
}

_rc_not_wanted()
{
	if [ "$rc_arg" = start ]; then
		eval "_rc_words=\$${name}_offcmd"
		eval "$_rc_words"
	fi
	if [ -z "${rc_quiet-}" ]; then
		echo "Cannot '$rc_arg' $name. Set $rcvar to YES in /etc/rc.conf or use 'one$rc_arg' instead of '$rc_arg'."
	fi
}

# Is this for svcd to do? Not what svcd itself runs (SVC_RUN names it), what somebody wants done here (SVC_SKIP_REDIRECT), a
# script that it does not know, or a start of what is switched off.
_rc_is_led()
{
	[ -z "${SVC_SKIP_REDIRECT-}" ] && [ -S "${SVC_SOCKET:-$_rc_root/run/svc/control}" ] || return 1
	# Another service's script or daemon may start this one: it must not end in that one's tree.
	_rc_run=${SVC_RUN-}
	_rc_run=${_rc_run##*/}
	[ "${_rc_run%.*}" != "${0##*/}" ] || return 1
	case $rc_arg in
	start) ;;
	reload | stop)
		# That it does not run is told here.
		[ -n "$rc_pid" ] || [ -n "$_rc_cmd" ] || return 1
		;;
	*) return 1 ;;
	esac
	case $_rc_prefix in
	one | force) return 1 ;;
	esac
	case ${0%/*} in
	"$_rc_root"/etc/rc.d | "$_rc_root"/usr/local/etc/rc.d) ;;
	*) return 1 ;;
	esac
	command -v svc >/dev/null 2>&1 || return 1
	# It fails where nobody knows the script, or nobody answers.
	svc -q list "${0##*/}" >/dev/null 2>&1
}

_rc_lead()
{
	case $rc_arg in
	start) startmsg "Starting $name." ;;
	stop) startmsg "Stopping $name." ;;
	esac
	_return=0
	svc -q "${0##*/}" "$rc_arg" || _return=$?
	if [ "$_return" -ne 0 ] && [ "$rc_arg" = start ]; then
		warn "failed to start $name"
	fi
	[ "$_return" -eq 0 ]
}

# The hooks around a verb.

_rc_pre()
{
	if [ "$rc_arg" = start ]; then
		_rc_check_required_before || return 1
	fi
	if [ -n "$_rc_precmd" ]; then
		debug "run_rc_command: ${rc_arg}_precmd: $_rc_precmd $rc_extra_args"
		_return=0
		eval "$_rc_precmd $rc_extra_args" || _return=$?
		if [ "$_return" -ne 0 ] && [ -z "${rc_force-}" ]; then
			return 1
		fi
	fi
	if [ "$rc_arg" = start ]; then
		_rc_check_required_after || return 1
	fi
}

_rc_post()
{
	if [ -n "$_rc_postcmd" ]; then
		debug "run_rc_command: ${rc_arg}_postcmd: $_rc_postcmd $rc_extra_args"
		_return=0
		eval "$_rc_postcmd $rc_extra_args" || _return=$?
	fi
	return "$_return"
}

# Once for a restart, not again for the start in it.
_rc_setup()
{
	if [ -n "$_setup" ] && [ -z "${_rc_is_set_up-}" ]; then
		eval "$_setup" || warn "failed to setup $name"
	fi
	_rc_is_set_up=yes
}

_rc_check_required_before()
{
	for _rc_one in ${required_vars-}; do
		if ! checkyesno "$_rc_one"; then
			warn "\$$_rc_one is not enabled."
			[ -n "${rc_force-}" ] || return 1
		fi
	done
	for _rc_one in ${required_dirs-}; do
		if [ ! -d "$_rc_one/." ]; then
			warn "$_rc_one is not a directory."
			[ -n "${rc_force-}" ] || return 1
		fi
	done
	for _rc_one in ${required_files-}; do
		if [ ! -r "$_rc_one" ]; then
			warn "$_rc_one is not readable."
			[ -n "${rc_force-}" ] || return 1
		fi
	done
}

# A module is written as module, file:module or file~regex.
_rc_check_required_after()
{
	for _rc_one in ${required_modules-}; do
		case $_rc_one in
		*~*) set -- -e "${_rc_one#*~}" "${_rc_one%%~*}" ;;
		*:*) set -- -m "${_rc_one#*:}" "${_rc_one%%:*}" ;;
		*) set -- "$_rc_one" ;;
		esac
		if ! load_kld "$@"; then
			[ -n "${rc_force-}" ] || return 1
		fi
	done
}

# The verbs.

# The script does it itself.
_rc_own()
{
	[ "$_rc_cmd" != : ] || return 0
	_rc_read_env_file
	if [ -n "$_env" ]; then
		eval "export $_env"
	fi
	case $rc_arg in
	start | restart | reload) _rc_setup ;;
	esac
	_rc_pre || return 1
	_rc_note_jail
	_rc_doit "$_rc_cmd $rc_extra_args" || return 1
	_rc_post
}

_rc_do_start()
{
	if [ ! -x "$_chroot${_chroot:+/}$command" ]; then
		warn "run_rc_command: cannot run $command"
		return 1
	fi
	_rc_setup
	if ! _rc_pre; then
		warn "failed precmd routine for $name"
		return 1
	fi
	_rc_note_jail
	startmsg "Starting $name."
	# A jail's processes are not protected: they are not the host's.
	if _rc_jailed; then
		_oomprotect=
	fi
	_rc_read_env_file
	if ! _rc_doit "$(_rc_start_line)"; then
		warn "failed to start $name"
		return 1
	fi
	_rc_protect
	_rc_post
}

_rc_do_stop()
{
	if [ -z "$rc_pid" ]; then
		[ -z "${rc_fast-}" ] || return 0
		_rc_not_running
		return 1
	fi
	_rc_pre || return 1
	startmsg "Stopping $name."
	_rc_doit "$(_rc_kill_line "${sig_stop:-TERM}")" || return 1
	# shellcheck disable=SC2086
	wait_for_pids $rc_pid
	_rc_post
}

_rc_do_reload()
{
	if [ -z "$rc_pid" ]; then
		_rc_not_running
		return 1
	fi
	_rc_setup
	_rc_pre || return 1
	_rc_doit "$(_rc_kill_line "${sig_reload:-HUP}")" || return 1
	_rc_post
}

# A signal is sent as the service's own user, who cannot hit a stranger's process.
_rc_kill_line()
{
	if [ -n "$_user" ]; then
		echo "$(_rc_as "$_user") sh -c 'kill -$1 $rc_pid'"
	else
		echo "kill -$1 $rc_pid"
	fi
}

_rc_not_running()
{
	echo "$name not running?${pidfile:+ (check $pidfile).}" >&2
}

_rc_do_restart()
{
	_rc_setup
	_rc_pre || return 1
	# Each in a process of its own, for a script may end in the middle of it.
	# shellcheck disable=SC2086
	(run_rc_command "${_rc_prefix}stop" $rc_extra_args)
	# shellcheck disable=SC2086
	(run_rc_command "${_rc_prefix}start" $rc_extra_args)
	_return=$?
	if [ "$_return" -ne 0 ] && [ -z "${rc_force-}" ]; then
		return 1
	fi
	_rc_post
}

_rc_do_status()
{
	_rc_pre || return 1
	if [ -z "$rc_pid" ]; then
		echo "$name is not running."
		return 1
	fi
	echo "$name is running as pid $rc_pid."
	_rc_post
}

_rc_do_poll()
{
	_rc_pre || return 1
	# shellcheck disable=SC2086
	wait_for_pids $rc_pid
	_rc_post
}

_rc_do_rcvar()
{
	echo "# $name${desc:+ : $desc}"
	echo '#'
	_rc_shown=' '
	for _rc_one in ${rcvar-} ${rcvars_defined-}; do
		case $_rc_shown in
		*" $_rc_one "*) continue ;;
		esac
		_rc_shown="$_rc_shown$_rc_one "
		eval "_rc_value=\${$_rc_one-} _rc_default=\${${_rc_one}_defval-} _rc_words=\${${_rc_one}_desc-}"
		printf '%s="%s"\n' "$_rc_one" "$_rc_value"
		_rc_mark='# - '
		while [ -n "$_rc_words" ]; do
			printf '%s%s\n' "$_rc_mark" "${_rc_words%%^^*}"
			_rc_mark='#   '
			case $_rc_words in
			*^^*) _rc_words=${_rc_words#*^^} ;;
			*) _rc_words= ;;
			esac
		done
		printf '#   (default: "%s")\n' "$_rc_default"
	done
	echo
}

_rc_do_enable()
{
	[ -z "${rcvar-}" ] || _rc_assign "$rcvar" YES
}

_rc_do_disable()
{
	[ -z "${rcvar-}" ] || _rc_assign "$rcvar" NO
}

_rc_do_delete()
{
	[ -z "${rcvar-}" ] || _rc_unassign "$rcvar"
}

_rc_do_describe()
{
	if [ -n "${desc-}" ]; then
		echo "$desc"
	fi
}

_rc_do_extracommands()
{
	echo "${extra_commands-}"
}
