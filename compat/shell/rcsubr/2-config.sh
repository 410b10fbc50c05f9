# rc.subr: rc.conf, read and changed.
#
# shellcheck shell=dash
# The script sets these names, or reads them.
# shellcheck disable=SC2034,SC2154

checkyesno()
{
	_rc_value=
	if [ -n "$1" ]; then
		eval "_rc_value=\$$1"
	fi
	debug "checkyesno: $1 is set to $_rc_value."
	case $_rc_value in
	[Yy][Ee][Ss] | [Tt][Rr][Uu][Ee] | [Oo][Nn] | 1)
		return 0
		;;
	[Nn][Oo] | [Ff][Aa][Ll][Ss][Ee] | [Oo][Ff][Ff] | 0)
		return 1
		;;
	esac
	warn "\$$1 is not set properly - see rc.conf(5)."
	return 1
}

set_rcvar()
{
	if [ $# -eq 0 ]; then
		echo "${name}_enable"
		return 0
	fi
	[ $# -le 3 ] || err 3 'USAGE: set_rcvar [var [default [description]]]'
	rcvars_defined="${rcvars_defined-}${rcvars_defined:+ }$1"
	if [ $# -gt 1 ]; then
		_rc_value=$2
		eval "$1=\$_rc_value ${1}_defval=\$_rc_value"
	fi
	if [ $# -gt 2 ]; then
		_rc_value=$3
		eval "${1}_desc=\$_rc_value"
	fi
}

set_rcvar_obsolete()
{
	debug "set_rcvar_obsolete: $1 -> ${2-}"
	eval "_rc_value=\${$1-}"
	if [ -n "$_rc_value" ]; then
		if [ -n "${2-}" ]; then
			warn "\$$1 is obsolete. Use \$$2 instead."
			eval "$2=\$_rc_value"
		else
			warn "\$$1 is obsolete."
		fi
	fi
}

# Every place of rc.conf.d, in the order in which they are read: the later has the last word.
_rc_conf_dirs()
{
	echo "$_rc_root/etc/rc.conf.d"
	for _rc_dir in ${local_startup-}; do
		_rc_dir=$_rc_root${_rc_dir%/rc.d}/rc.conf.d
		if [ "$_rc_dir" != "$_rc_root/etc/rc.conf.d" ]; then
			echo "$_rc_dir"
		fi
	done
}

_rc_source_if()
{
	if [ -f "$1" ] && [ -r "$1" ]; then
		debug "Sourcing $1"
		# shellcheck disable=SC1090
		. "$1"
	fi
}

load_rc_config()
{
	if [ -z "${_rc_conf_loaded-}" ]; then
		: "${local_startup=$_localbase/etc/rc.d}"
		: "${rc_startmsgs=YES}" "${rc_debug=NO}" "${rc_info=NO}"
		: "${rc_conf_files=$_rc_root/etc/rc.conf $_rc_root/etc/rc.conf.local}"
		_rc_source_if "$_rc_root/etc/defaults/rc.conf"
		_rc_source_if "$_rc_root/etc/defaults/vendor.conf"
		_rc_sourced=:
		_rc_before=
		# A file may name further ones by setting rc_conf_files again; each is read once.
		while [ "$_rc_sourced" != "$_rc_before" ]; do
			_rc_before=$_rc_sourced
			for _rc_file in $rc_conf_files; do
				# An image names its files as if it were the machine.
				case $_rc_file in
				"$_rc_root"/*) ;;
				*) _rc_file=$_rc_root$_rc_file ;;
				esac
				case $_rc_sourced in
				*":$_rc_file:"*) continue ;;
				esac
				_rc_sourced=$_rc_sourced$_rc_file:
				if [ -r "$_rc_file" ]; then
					# shellcheck disable=SC1090
					. "$_rc_file"
				fi
			done
		done
		_rc_conf_loaded=true
	fi
	[ -n "${1-}" ] || return 0
	for _rc_conf_dir in $(_rc_conf_dirs); do
		if [ -d "$_rc_conf_dir/$1" ]; then
			for _rc_file in "$_rc_conf_dir/$1"/*; do
				_rc_source_if "$_rc_file"
			done
		else
			_rc_source_if "$_rc_conf_dir/$1"
		fi
	done
}

load_rc_config_var()
{
	_rc_value=$(
		load_rc_config "$1" >/dev/null 2>&1
		eval "printf %s \"\${$2-}\""
	)
	eval "$2=\$_rc_value"
}

# Prints the files of a service that may hold its variables; the one that has the last word comes first.
_rc_conf_candidates()
{
	_rc_found=
	for _rc_conf_dir in $(_rc_conf_dirs); do
		if [ -d "$_rc_conf_dir/$name" ]; then
			for _rc_file in "$_rc_conf_dir/$name"/*; do
				_rc_found="$_rc_file $_rc_found"
			done
		else
			_rc_found="$_rc_conf_dir/$name $_rc_found"
		fi
	done
	for _rc_file in $_rc_found; do
		if [ -f "$_rc_file" ]; then
			echo "$_rc_file"
		fi
	done
}

# Prints the file in which a variable is to be changed.
_rc_conf_of()
{
	for _rc_file in $(_rc_conf_candidates) "$_rc_root/etc/rc.conf"; do
		if [ -f "$_rc_file" ] && grep -q "^$1=" "$_rc_file"; then
			echo "$_rc_file"
			return 0
		fi
	done
	[ "${2-}" != existing ] || return 1
	for _rc_file in $(_rc_conf_candidates); do
		echo "$_rc_file"
		return 0
	done
	echo "$_rc_root/etc/rc.conf"
}

# Puts standard input in the place of a file: at once, with its owner and mode, and behind a link where it is one.
_rc_replace()
{
	_rc_target=$1
	if [ -h "$1" ]; then
		_rc_target=$(readlink -f "$1") || return 1
	fi
	# A file with a second name is written in its place, for a new file would not have that name.
	if [ -n "$(find "$_rc_target" -links +1 2>/dev/null)" ]; then
		_rc_words=$(cat && echo .) && printf '%s' "${_rc_words%.}" >"$_rc_target"
		return
	fi
	_rc_new=$_rc_target.svc.$$
	if [ -e "$_rc_target" ]; then
		cp -p "$_rc_target" "$_rc_new" || return 1
	fi
	if cat >"$_rc_new" && mv -f "$_rc_new" "$_rc_target"; then
		return 0
	fi
	rm -f "$_rc_new"
	return 1
}

_rc_assign()
{
	_rc_file=$(_rc_conf_of "$1")
	if [ -f "$_rc_file" ] && grep -q "^$1=" "$_rc_file"; then
		sed "s/^$1=.*\$/$1=\"$2\"/" "$_rc_file" | _rc_replace "$_rc_file" || return 1
	else
		# awk ends the last line if nobody did.
		{
			if [ -f "$_rc_file" ]; then
				awk 1 "$_rc_file"
			fi
			printf '%s="%s"\n' "$1" "$2"
		} | _rc_replace "$_rc_file" || return 1
	fi
	case $2 in
	YES) echo "$name enabled in ${_rc_file#"$_rc_root"}" ;;
	*) echo "$name disabled in ${_rc_file#"$_rc_root"}" ;;
	esac
}

_rc_unassign()
{
	_rc_file=$(_rc_conf_of "$1" existing) || return 0
	sed "/^$1=/d" "$_rc_file" | _rc_replace "$_rc_file" || return 1
	if [ ! -s "$_rc_file" ] && [ -n "${service_delete_empty-}" ] && checkyesno service_delete_empty; then
		rm -f "$_rc_file"
	fi
	echo "$1 deleted in ${_rc_file#"$_rc_root"}"
}
