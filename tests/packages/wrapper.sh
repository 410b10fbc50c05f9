#!/usr/bin/env bash
# A process 1 that does nothing but reap, for a machine whose daemons are started by hand.
set -u
while :; do
    sleep 1000 &
    wait
done
