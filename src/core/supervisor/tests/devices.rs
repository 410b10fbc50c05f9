//! Services that live with a device.

use super::check;

#[test]
fn a_service_waits_for_its_device_starts_when_it_comes_and_is_stopped_when_it_goes() {
    check(
        "gps(devices /dev/ttyUSB0)
         0 start gps        -> failed: waits for /dev/ttyUSB0, which is not there
         0 why gps          -> gps waits for /dev/ttyUSB0, which is not there
         5 came /dev/ttyUSB0 -> spawn gps#1
         6 ready gps#1      -> nothing
         7 came /dev/ttyUSB0 -> nothing
         8 gone /dev/ttyUSB0 -> term gps#1
         8 why gps          -> gps is stopping: was told to end, for 0 ms of 10 s, as /dev/ttyUSB0 is gone
         9 exited gps#1 TERM -> term-tree gps#1
         9 emptied gps#1    -> nothing
        10 state gps        -> waiting
        11 came /dev/ttyUSB0 -> spawn gps#2
        12 ready gps#2      -> nothing
        13 stop gps         -> term gps#2
        14 emptied gps#2    -> done
        15 gone /dev/ttyUSB0 -> nothing
        16 came /dev/ttyUSB0 -> nothing
        17 state gps        -> down",
    );
}

#[test]
fn another_device_in_the_place_of_the_first_is_another_start() {
    check(
        "gps(devices /dev/ttyUSB0)
         0 came /dev/ttyUSB0 -> nothing
         0 start gps        -> spawn gps#1
         1 ready gps#1      -> done
         2 gone /dev/ttyUSB0 -> term gps#1
         2 came /dev/ttyUSB0 -> nothing
         3 emptied gps#1    -> spawn gps#2
         4 ready gps#2      -> nothing
         5 gone /dev/ttyUSB0 & came /dev/ttyUSB0 -> nothing",
    );
}

#[test]
fn an_absent_device_holds_up_who_requires_the_service_and_nobody_else() {
    check(
        "gps(devices /dev/ttyUSB0 net:eth1, enabled) clock(requires gps, enabled)
         web(after gps, enabled) all(group, wants gps, enabled)
         0 came net:eth1    -> nothing
         0 boot gps & boot clock & boot web & boot all -> spawn web#1
         0 state all        -> up
         1 ready web#1      -> nothing
         2 start clock      -> failed: requires gps: waits for /dev/ttyUSB0, which is not there
         2 why clock        -> clock waits for gps, which it requires; gps waits for /dev/ttyUSB0, which is not there
         3 came /dev/ttyUSB0 -> spawn gps#2
         4 ready gps#2      -> spawn clock#3
         5 ready clock#3    -> nothing
         6 gone net:eth1    -> term clock#3
         6 why gps          -> gps is stopping: waits for clock to stop first, as net:eth1 is gone; clock is stopping:
            | was told to end, for 0 ms of 10 s, as gps, which it requires, stops
         7 emptied clock#3  -> term gps#2
         8 emptied gps#2    -> nothing
         9 came net:eth1    -> spawn gps#4
        10 ready gps#4      -> spawn clock#5",
    );
}

#[test]
fn who_failed_for_want_of_its_device_is_no_failure_once_that_is_known() {
    check(
        "gps(devices /dev/ttyUSB0, never) one(oneshot, devices /dev/ttyUSB0) grp(group, devices /dev/ttyUSB0)
         0 came /dev/ttyUSB0 -> nothing
         0 start gps        -> spawn gps#1
         1 ready gps#1      -> done
         2 exited gps#1 1   -> term-tree gps#1
         2 emptied gps#1    -> nothing
         2 state gps        -> ended
         3 gone /dev/ttyUSB0 -> nothing
         3 state gps        -> waiting
         4 came /dev/ttyUSB0 -> spawn gps#2
         5 ready gps#2      -> nothing
         6 start one        -> spawn one#3
         7 exited one#3 0   -> term-tree one#3
         7 emptied one#3    -> done
         8 start grp        -> done
         9 gone /dev/ttyUSB0 -> term gps#2
         9 state one        -> waiting
         9 state grp        -> waiting
        10 emptied gps#2    -> nothing
        11 came /dev/ttyUSB0 -> spawn gps#4, spawn one#5
        11 state grp        -> up",
    );
}

#[test]
fn a_script_whose_device_goes_is_stopped_by_its_stop_and_what_that_leaves_is_killed() {
    check(
        "old(daemon, devices net:eth1)
         0 came net:eth1    -> nothing
         0 start old        -> spawn old#1
         1 exited old#1 0   -> nothing
         2 ready old#1      -> done
         3 gone net:eth1    -> spawn old#2 stop
         4 exited old#2 0   -> leave old#2
        34 tick             -> kill old#1
        35 emptied old#1    -> nothing
        35 state old        -> waiting",
    );
}

#[test]
fn the_next_manager_is_told_of_devices_before_anything_else() {
    check(
        "gps(devices /dev/ttyUSB0) ntp
         0 came /dev/ttyUSB0 -> nothing
         0 start gps        -> spawn gps#1
         1 ready gps#1      -> done
         2 crash            -> nothing
         2 state gps        -> up #1
         3 gone /dev/ttyUSB0 & load gps ntp -> nothing
         4 load gps(devices /dev/ttyUSB0) ntp -> term gps#1
         5 emptied gps#1    -> nothing
         6 load gps ntp     -> spawn gps#2",
    );
}
