# rc.subr: small helpers that scripts call.
#
# shellcheck shell=dash
# The script sets these names, or reads them.
# shellcheck disable=SC2034,SC2154

reverse_list()
{
	_rc_words=
	for _rc_one; do
		_rc_words="$_rc_one${_rc_words:+ }$_rc_words"
	done
	echo "$_rc_words"
}

ltr()
{
	_rc_words=$(printf '%s' "$1" | tr "$2" "$3")
	eval "$4=\$_rc_words"
}

get_pidfile_from_conf()
{
	if [ -z "${1-}" ] || [ -z "${2-}" ]; then
		err 3 'USAGE: get_pidfile_from_conf string file'
	fi
	_rc_words=$(sed -n "s/^[[:space:]]*$1[[:space:]]*=*[[:space:]]*//p" "$2" 2>/dev/null | tail -n 1)
	_rc_words=${_rc_words%%[[:space:];]*}
	_rc_words=${_rc_words#\"}
	_pidfile_from_conf=${_rc_words%\"}
	[ -n "$_pidfile_from_conf" ]
}

force_depend()
{
	_rc_one=$1
	_rc_words=${2:-$1_enable}
	if [ -n "${rc_fast-}" ] && ! checkyesno always_force_depends; then
		return 0
	fi
	for _rc_dir in "$_rc_root/etc/rc.d" $local_startup; do
		if [ -x "$_rc_dir/$_rc_one" ]; then
			if "$_rc_dir/$_rc_one" forcestatus >/dev/null 2>&1 || "$_rc_dir/$_rc_one" forcestart; then
				return 0
			fi
			break
		fi
	done
	warn "Unable to force $_rc_one. It may already be running."
	return 1
}

backup_file()
{
	if [ "$1" = add ] || [ "$1" = update ]; then
		if [ -f "$3" ] && [ -f "$2" ]; then
			cp -p "$3" "$4"
		fi
		cp -p "$2" "$3"
	fi
}

make_symlink()
{
	ln -sf "$1" "$2"
}

load_kld()
{
	_rc_regex=
	_rc_module=
	OPTIND=1
	while getopts e:m: _rc_option "$@"; do
		case $_rc_option in
		e) _rc_regex=$OPTARG ;;
		m) _rc_module=$OPTARG ;;
		*) err 3 'USAGE: load_kld [-e regex] [-m module] file' ;;
		esac
	done
	shift $((OPTIND - 1))
	[ $# -eq 1 ] || err 3 'USAGE: load_kld [-e regex] [-m module] file'
	if command -v kldload >/dev/null 2>&1; then
		kldload -n "$1" && return 0
	elif [ -d "/sys/module/${_rc_module:-$1}" ] || modprobe -q "$1" >/dev/null 2>&1; then
		return 0
	elif [ -n "$_rc_regex" ] && grep -Eq "$_rc_regex" /proc/modules 2>/dev/null; then
		return 0
	else
		echo "kldload: can't load $1: No such file or directory" >&2
	fi
	warn "Unable to load kernel module $1"
	return 1
}
