#!/bin/sh
# A daemon that forks twice, leaves its session and cleans its environment, beside a plain child.
free() {
    if [ -x /usr/bin/setsid ]; then exec env -i /usr/bin/setsid "$@"; fi
    exec env -i /usr/sbin/daemon "$@"
}
(free /bin/sh -c 'echo free; exec /bin/sleep 1000' &)
(sh -c 'echo child; exec sleep 1000' &)
exit 0
