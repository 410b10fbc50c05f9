# check.sh: what the tests of the shell libraries share.
#
# shellcheck shell=dash

faults=0
# The shell that runs this, as words.
# shellcheck disable=SC2034
sh=${SHELL_WORDS:-sh}

# is WHAT WANTED FOUND
is()
{
	if [ "$2" != "$3" ]; then
		printf 'not so: %s\n  wanted: %s\n  found:  %s\n' "$1" "$2" "$3"
		faults=$((faults + 1))
	fi
}

# code WANTED COMMAND..: the code of a command
code()
{
	_wanted=$1
	shift
	_found=0
	"$@" >/dev/null 2>&1 || _found=$?
	is "code of $*" "$_wanted" "$_found"
}

# Waits until a command is true, for at most a minute of waiting.
await()
{
	_left=600
	until "$@"; do
		if [ "$_left" -eq 0 ]; then
			is "$* within a minute" yes no
			return 1
		fi
		_left=$((_left - 1))
		sleep 0.1
	done
}

finish()
{
	[ "$faults" -eq 0 ] || exit 1
	exit 0
}
