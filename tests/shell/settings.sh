# Tests of vars.sh and of the defaults of rc.conf: LIBRARY is the path of the one, the other lies beside it; SCRATCH is
# an empty directory.
#
# shellcheck shell=dash
# The libraries set these names, and read some.
# shellcheck disable=SC2034,SC2154
# shellcheck source=check.sh
. "$HERE/check.sh"

INIT_VERBOSE=yes
# shellcheck source=/dev/null
. "$LIBRARY"
is 'a word at boot counts' yes "$VERBOSE"
is 'it is passed on' yes "$($sh -c "echo \$VERBOSE")"
for name in UTC FSCKFIX NOSWAP TMPTIME; do
	eval "is 'there is $name' given \"\${$name+given}\""
done

# shellcheck source=/dev/null
. "${LIBRARY%/*}/rc.conf"
is 'where configuration is' '/etc/rc.conf /etc/rc.conf.local' "$rc_conf_files"
cat >"$SCRATCH/one" <<END
first=1
rc_conf_files="$SCRATCH/one $SCRATCH/two $SCRATCH/absent"
END
cat >"$SCRATCH/two" <<END
second=2
times=x\${times-}
rc_conf_files="\$rc_conf_files $SCRATCH/more"
END
rc_conf_files=$SCRATCH/one
source_rc_confs
is 'a file names further ones' '1 2' "$first $second"
is 'one that adds to the list is read once' x "$times"
finish
