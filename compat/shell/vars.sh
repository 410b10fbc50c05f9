# vars.sh: what scripts of Debian's boot ask of its configuration (/lib/init/vars.sh), for systems that lack it.
#
# shellcheck shell=dash
# The script reads these names.
# shellcheck disable=SC2034

if [ -r /etc/default/rcS ]; then
	# shellcheck disable=SC1091
	. /etc/default/rcS
fi

# A word on the kernel's command line counts for more than a file.
INIT_VERBOSE=${INIT_VERBOSE-}
if [ -r /proc/cmdline ]; then
	read -r _vars_words </proc/cmdline || :
	for _vars_word in $_vars_words; do
		case $_vars_word in
		noswap) NOSWAP=yes ;;
		quiet) VERBOSE=no ;;
		esac
	done
	unset _vars_words _vars_word
fi
if [ -n "$INIT_VERBOSE" ]; then
	VERBOSE=$INIT_VERBOSE
fi
: "${VERBOSE=no}" "${UTC=yes}" "${FSCKFIX=no}" "${NOSWAP=no}" "${TMPTIME=0}"
export VERBOSE
