# Tests of rc.subr: LIBRARY is its path, SCRATCH an empty directory.
#
# shellcheck shell=dash
# shellcheck source=check.sh disable=SC2086
. "$HERE/check.sh"

SVC_ROOT=$SCRATCH
export SVC_ROOT
conf=$SCRATCH/etc/rc.conf
mkdir -p "$SCRATCH/etc" "$SCRATCH/usr/local/etc"
cp "$(command -v sleep)" "$SCRATCH/napper"

script()
{
	cat >"$SCRATCH/$1"
}

run()
{
	_called=$1
	shift
	$sh "$SCRATCH/$_called" "$@" 2>&1
}

script web <<END
. $LIBRARY
name=web
rcvar=web_enable
command=$SCRATCH/launch
procname=$SCRATCH/napper
extra_commands="reload configtest"
configtest_cmd=configtest
configtest() { echo "fine [\$*] \$GREETING"; return 7; }
load_rc_config \$name
: \${web_enable:=NO}
run_rc_command "\$@"
END

script launch <<END
#!/bin/sh
$SCRATCH/napper 1000 </dev/null >/dev/null 2>&1 &
END
chmod +x "$SCRATCH/launch"

# rc.conf is asked and changed.
: >"$conf"
is 'a service that is off' \
	"Cannot 'start' web. Set web_enable to YES in /etc/rc.conf or use 'onestart' instead of 'start'." "$(run web start)"
code 0 run web start
code 1 run web enabled
printf 'other=1' >"$conf"
is enable 'web enabled in /etc/rc.conf' "$(run web enable)"
is 'a last line without its end stays a line' 'other=1 web_enable="YES"' "$(tr '\n' ' ' <"$conf" | sed 's/ $//')"
code 0 run web enabled
is disable 'web disabled in /etc/rc.conf' "$(run web disable)"
is delete 'web_enable deleted in /etc/rc.conf' "$(run web onedelete)"
is 'nothing else is deleted' other=1 "$(cat "$conf")"
mv "$conf" "$SCRATCH/real.conf"
ln -s ../real.conf "$conf"
run web enable >/dev/null
is 'a link stays a link' ../real.conf "$(readlink "$conf")"
is 'what it leads to is changed' 'web_enable="YES"' "$(tail -n 1 "$SCRATCH/real.conf")"
rm "$conf"
echo 'web_enable=YES' >"$conf"
mkdir -p "$SCRATCH/etc/rc.conf.d/web"
echo 'web_enable=NO' >"$SCRATCH/etc/rc.conf.d/web/a"
code 1 run web enabled
is 'the file that has the last word' 'web enabled in /etc/rc.conf.d/web/a' "$(run web enable)"
rm -r "$SCRATCH/etc/rc.conf.d"
is rcvar '# web|#|web_enable="YES"|#   (default: "")|||' "$(run web rcvar | tr '\n' '|')|"

# Verbs.
is 'an unknown verb' "$SCRATCH/web: unknown directive 'frob'." "$(run web frob | head -n 1)"
code 1 run web frob
code 1 run web
is 'words are split again' 'fine [a b c] ' "$(run web configtest a 'b c')"
code 1 run web configtest
code 7 run web forceconfigtest
is extracommands 'reload configtest' "$(run web extracommands)"
echo 'web_env="GREETING=hello"' >>"$conf"
is 'NAME_env reaches a function' 'fine [] hello' "$(run web configtest)"

# A daemon.
is 'stop of what does not run' 'web not running?' "$(run web stop)"
code 1 run web stop
code 0 run web faststop
is start 'Starting web.' "$(run web start)"
await eval 'run web status >/dev/null'
is 'a second start' 'web already running?' "$(run web start | cut -c1-20)"
code 1 run web start
is 'a quiet second start' '' "$(run web quietstart)"
pid=$(run web status | sed 's/.*pid //; s/\.$//')
is status "web is running as pid $pid." "$(run web status)"
run web restart >/dev/null
await eval 'run web status >/dev/null'
is 'a restart ends the old one' '' "$(ps -p "$pid" -o stat= 2>/dev/null | grep -v Z)"
is stop 'Stopping web.' "$(run web stop | head -n 1)"
code 1 run web status

# How it is run.
script tuned <<END
. $LIBRARY
name=tuned
rcvar=tuned_enable
command=$SCRATCH/report
load_rc_config \$name
run_rc_command "\$@"
END
script report <<'END'
#!/bin/sh
echo "nice=$(ps -o ni= -p $$ | tr -d ' ') files=$(ulimit -n) mask=$(umask) dir=$(pwd) word=$WORD args=$* user=$(id -un)"
END
chmod +x "$SCRATCH/report"
cat >"$conf" <<END
tuned_enable=YES
tuned_limits='-n 77'
tuned_umask=027
tuned_chdir=/usr
tuned_env='WORD=said'
tuned_flags='-x "two words"'
END
me=$(id -un)
# These tests may be run with less priority than others.
base=$(ps -o ni= -p $$ | tr -d ' ')
nicer=$((base + 3 > 19 ? 19 : base + 3))
is 'limits, umask, directory, variables and flags' \
	"nice=$base files=77 mask=0027 dir=/usr word=said args=-x two words user=$me" "$(run tuned start | tail -n 1)"
echo tuned_nice=3 >>"$conf"
is nice "nice=$nicer" "$(run tuned start | tail -n 1 | cut -d ' ' -f 1)"
echo tuned_fib=9 >>"$conf"
is 'a routing table that is not there' 'setfib: 9: invalid FIB (max 0)' "$(run tuned start | sed -n 2p)"
code 1 run tuned start
sed -i /fib/d "$conf"
echo tuned_user=nosuchuser >>"$conf"
is 'a user who is not there' 'su: unknown login: nosuchuser' "$(run tuned start | sed -n 2p)"
if [ "$(id -u)" -eq 0 ]; then
	chmod 755 "$SCRATCH"
	sed -i s/nosuchuser/nobody/ "$conf"
	is user user=nobody "$(run tuned start | tail -n 1 | sed 's/.* //')"
else
	echo 'SKIPPED: a start as another user needs root'
fi

echo tuned_chdir=/nonexistent >>"$conf"
is 'a directory that is not there' 'cd: /nonexistent: No such file or directory' "$(run tuned start | sed -n 2p)"

# Where svcd listens, it is svcd that starts and stops.
mkdir -p "$SCRATCH/etc/rc.d" "$SCRATCH/bin"
sed s,^name=web,name=led,\;s,web_,led_,g "$SCRATCH/web" >"$SCRATCH/etc/rc.d/led"
echo 'led_enable=YES' >"$conf"
script bin/svc <<'END'
#!/bin/sh
if [ "$2" = list ]; then
	exit "${SVC_KNOWS:-0}"
fi
echo "asked: $*"
exit "${SVC_ANSWER:-0}"
END
chmod +x "$SCRATCH/bin/svc"
lead()
{
	PATH=$SCRATCH/bin:$PATH SVC_SOCKET=$SOCKET run etc/rc.d/led "$@"
}
is 'svcd is asked' 'Starting led.|asked: -q led start|' "$(lead start | tr '\n' '|')"
is 'svcd says no' "$SCRATCH/etc/rc.d/led: WARNING: failed to start led" "$(SVC_ANSWER=1 lead start | tail -n 1)"
SVC_ANSWER=1 code 1 lead start
is 'another service asks' 'asked: -q led start' "$(SVC_RUN=main/other.1 lead start | tail -n 1)"
# What svcd does not know, what it runs itself, or what is to be done here, is done here.
for said in SVC_KNOWS=5 SVC_RUN=main/led.1 SVC_SKIP_REDIRECT=1; do
	is "$said: a start is done here" 'Starting led.' "$(eval "$said lead start")"
	await eval "$said lead status >/dev/null"
	is "$said: a stop is done here" 'Stopping led.' "$(eval "$said lead stop" | head -n 1)"
done
is 'what is switched off is not for svcd' no "$(lead onestart | grep -q asked && echo yes || echo no)"
await eval 'lead status >/dev/null'
is 'nor is its end' no "$(lead onestop | grep -q asked && echo yes || echo no)"

# What a script calls.
script parts <<END
. $LIBRARY
name=parts
rc_debug=NO
on=Yes
checkyesno on && echo on
off=0
checkyesno off || echo off
odd=maybe
checkyesno odd || echo odd
reverse_list a b c
set_rcvar parts_a 5 'one^^two'
echo "\$parts_a \$parts_a_desc"
printf 'pid "/run/x.pid";\n' >$SCRATCH/x.conf
get_pidfile_from_conf pid $SCRATCH/x.conf && echo \$_pidfile_from_conf
limits -C daemon -n 55 sh -c 'ulimit -n'
err 9 'and out'
END
is 'checkyesno, lists, pid files, limits, err' \
	"on|off|$SCRATCH/parts: WARNING: \$odd is not set properly - see rc.conf(5).|odd|c b a|5 one^^two|/run/x.pid|55|$SCRATCH/parts: ERROR: and out|" \
	"$(run parts | tr '\n' '|')"
code 9 run parts

# A file that no shell can read ends every script.
echo 'x="' >"$conf"
_found=0
run web status >/dev/null 2>&1 || _found=$?
is 'a syntax error is told by the code' yes "$([ $_found -ge 1 ] && echo yes)"

finish
