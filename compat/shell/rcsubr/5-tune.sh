# rc.subr: the variables of a service that say how it is run (rc.subr(8)), in the words of this system.
#
# shellcheck shell=dash
# The script sets these names, or reads them.
# shellcheck disable=SC2034,SC2154

# Reads NAME_user, NAME_nice and the others into _user, _nice ..
_rc_read_tuning()
{
	for _rc_one in program chroot chdir env env_file fib nice oomprotect umask user group groups prepend setup \
		login_class limits cpuset audit_user svcj_options; do
		eval "_$_rc_one=\$${name}_$_rc_one"
	done
	# Through a default, because a name that is no variable would be run as a command.
	eval ": \"\${${name}_svcj:=NO}\""
	# The caller's flags come before the configuration's.
	if [ -n "${flags-}" ]; then
		rc_flags=$flags
	else
		eval "rc_flags=\$${name}_flags"
	fi
	command=${_program:-${command-}}
	if [ -n "$_user" ] && [ "$_user" = "$(id -un)" ]; then
		_user=
	fi
	case $_cpuset in
	[0-9]*) ;;
	*) _cpuset= ;;
	esac
}

_rc_check_jail_options()
{
	for _rc_one in $_svcj_options; do
		case $_rc_one in
		mlock | netv4 | netv6 | net_basic | net_raw | net_all | nfsd | routing | settime | sysvipc | sysvipcnew | vmm) ;;
		*) echo "$name: unknown service jail option: $_rc_one" ;;
		esac
	done
}

# Does the configuration want a service jail?
_rc_jailed()
{
	checkyesno "${name}_svcj"
}

_rc_note_jail()
{
	if _rc_jailed; then
		warn "there are no service jails on $(uname -s); $name runs outside of one"
	fi
}

_rc_read_env_file()
{
	if [ -n "$_env_file" ] && [ -r "$_env_file" ]; then
		set -a
		# shellcheck disable=SC1090
		. "$_env_file"
		set +a
	fi
}

_rc_limits_are_ours=
if ! command -v limits >/dev/null 2>&1; then
	_rc_limits_are_ours=yes
	# limits(1): sets resource limits, then runs the rest. Sizes are in kilobytes unless they have a unit.
	limits()
	{
		_rc_prlimit=
		_rc_ulimit=
		OPTIND=1
		while getopts C:U:SHBEc:d:f:l:m:n:s:t:u:v:b:k:o:p:w: _rc_option "$@"; do
			case $_rc_option in
			C | U | S | H | B | E) ;;
			b | k | o | p | w) warn "limits -$_rc_option: there is no such limit on $(uname -s)" ;;
			c) _rc_limit core c "$OPTARG" 512 ;;
			d) _rc_limit data d "$OPTARG" 1024 ;;
			f) _rc_limit fsize f "$OPTARG" 512 ;;
			l) _rc_limit memlock l "$OPTARG" 1024 ;;
			m) _rc_limit rss m "$OPTARG" 1024 ;;
			n) _rc_limit nofile n "$OPTARG" ;;
			s) _rc_limit stack s "$OPTARG" 1024 ;;
			t) _rc_limit cpu t "$OPTARG" ;;
			u) _rc_limit nproc u "$OPTARG" ;;
			v) _rc_limit as v "$OPTARG" 1024 ;;
			*) return 1 ;;
			esac
		done
		shift $((OPTIND - 1))
		if [ -z "$_rc_prlimit" ]; then
			"$@"
		elif command -v prlimit >/dev/null 2>&1; then
			# shellcheck disable=SC2086
			prlimit $_rc_prlimit -- "$@"
		else
			sh -c "$_rc_ulimit"' exec "$@"' "$1" "$@"
		fi
	}

	# The arguments: prlimit's name, ulimit's letter, the value, and for a size the bytes of one unit of ulimit's.
	_rc_limit()
	{
		_rc_value=${3%[bBkKmMgGtT]}
		_rc_unit=${4:+1024}
		case $3 in
		inf* | unlimit*) _rc_value=unlimited ;;
		*[!0-9bBkKmMgGtT]* | '') err 1 "limits: bad value: $3" ;;
		*[bB]) _rc_unit=512 ;;
		*[kK]) _rc_unit=1024 ;;
		*[mM]) _rc_unit=1048576 ;;
		*[gG]) _rc_unit=1073741824 ;;
		*[tT]) _rc_unit=1099511627776 ;;
		esac
		if [ "$_rc_value" = unlimited ]; then
			_rc_ulimit="$_rc_ulimit ulimit -$2 unlimited;"
		else
			_rc_value=$((_rc_value * ${_rc_unit:-1}))
			_rc_ulimit="$_rc_ulimit ulimit -$2 $((_rc_value / ${4:-1}));"
		fi
		_rc_prlimit="$_rc_prlimit --$1=$_rc_value"
	}
fi

# Says the first word; what follows it is the command that is not run.
_rc_refuse()
{
	printf '%s\n' "$1" >&2
	return 1
}

# Prints how a command is run as a user.
_rc_as()
{
	if setpriv --version >/dev/null 2>&1; then
		echo "setpriv --reuid=$1 --regid=$(id -g "$1") --init-groups --"
	elif command -v runuser >/dev/null 2>&1; then
		echo "runuser -u $1 --"
	else
		printf "su -m -s /bin/sh %s -c 'exec \"\$@\"' sh\\n" "$1"
	fi
}

# Prints the whole command line of a start.
_rc_start_line()
{
	if [ "${_fib:-0}" != 0 ]; then
		# Routing tables are chosen by rules here, not by number.
		printf '_rc_refuse "setfib: %s: invalid FIB (max 0)"\n' "$_fib"
		return
	fi
	if [ -n "$_user" ] && ! id -u "$_user" >/dev/null 2>&1; then
		printf '_rc_refuse "su: unknown login: %s"\n' "$_user"
		return
	fi
	if [ -z "$_chroot" ] && [ -n "$_chdir" ] && [ ! -d "$_chdir" ]; then
		printf '_rc_refuse "cd: %s: No such file or directory"\n' "$_chdir"
		return
	fi
	if [ -n "$_audit_user" ]; then
		warn "${name}_audit_user: there is no audit identity on $(uname -s)"
	fi
	_rc_how=${_nice:+nice -n $_nice}
	_rc_where=
	if [ -n "$_chroot" ]; then
		_prepend=
		_rc_how="$_rc_how$(_rc_inner) chroot"
		# In there a user is known by number, whatever is written in its files.
		if [ -n "$_user$_group" ]; then
			_rc_how="$_rc_how --userspec=${_user:+$(id -u "$_user")}:$(_rc_group_id)"
		fi
		_rc_how="$_rc_how${_groups:+ --groups=$(_rc_comma "$_groups")} $_chroot"
	else
		_rc_where=${_chdir:+cd $_chdir &&}
		if [ -n "$_user" ]; then
			_rc_how="$_rc_how $(_rc_as "$_user")"
		fi
		_rc_how="$_rc_how$(_rc_inner)"
	fi
	printf '%s\n' "$_rc_where limits -C ${_login_class:-daemon} $_limits $_prepend $_rc_how $command $rc_flags ${command_args-}"
}

# Prints what is said last before the command: its variables and its processors.
_rc_inner()
{
	if [ -n "$_env" ]; then
		printf ' env %s' "$_env"
	fi
	if [ -n "$_cpuset" ]; then
		printf ' taskset -c %s' "$_cpuset"
	fi
}

_rc_comma()
{
	printf '%s' "$*" | tr -s ' ' ','
}

_rc_group_id()
{
	if [ -n "$_group" ]; then
		getent group "$_group" 2>/dev/null | cut -d: -f3
	elif [ -n "$_user" ]; then
		id -g "$_user"
	fi
}

# Runs something with NAME_umask; the code of it is in _return.
_rc_doit()
{
	debug "run_rc_command: doit: $*"
	_rc_mask=$(umask)
	if [ -n "$_umask" ]; then
		case $_umask in
		*[!0-7]*) echo "umask: Illegal number: $_umask" >&2 ;;
		*) umask "$_umask" ;;
		esac
	fi
	_rc_line=$*
	# Where there is nothing to limit, a command in the background is left without a shell that waits for it.
	if [ "$_rc_limits_are_ours$_limits" = yes ]; then
		_rc_limited="limits -C ${_login_class:-daemon} "
		case $_rc_line in
		*"$_rc_limited"*) _rc_line="${_rc_line%%"$_rc_limited"*}${_rc_line#*"$_rc_limited"}" ;;
		esac
	fi
	_return=0
	eval "$_rc_line" || _return=$?
	umask "$_rc_mask"
	[ "$_return" -eq 0 ] || [ -n "${rc_force-}" ]
}

# Asks the system to look for memory elsewhere first.
_rc_protect()
{
	case $_oomprotect in
	[Yy][Ee][Ss] | [Aa][Ll][Ll])
		_rc_look
		for _rc_one in $rc_pid; do
			if ! (echo -1000 >"/proc/$_rc_one/oom_score_adj") 2>/dev/null; then
				info "process $_rc_one cannot be protected: this needs CAP_SYS_RESOURCE"
			fi
		done
		;;
	esac
}
