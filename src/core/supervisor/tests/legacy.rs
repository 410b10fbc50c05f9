//! Scripts: what their exit codes mean, what they leave, and what is true whatever they say.

use super::check;

#[test]
fn a_script_that_says_it_is_not_meant_to_run_here_is_skipped() {
    check(
        "cups(daemon)
         0 start cups           -> spawn cups#1
         1 exited cups#1 6      -> term-tree cups#1
         1 emptied cups#1       -> done: skipped: its script says that it is not meant to run here (exited with
            | code 6)",
    );
}

#[test]
fn a_start_that_leaves_no_daemon_has_failed_whatever_it_returned() {
    check(
        "mosquitto(daemon) hostname(script)
         0 start mosquitto      -> spawn mosquitto#1
         1 exited mosquitto#1 0 -> nothing
         1 why mosquitto        -> mosquitto is starting: its start has returned, its
            | daemon is looked for, for 1 s of 30 s
         1 emptied mosquitto#1  -> failed: its start returned with success and left no process
         2 start hostname       -> spawn hostname#2
         3 exited hostname#2 0  -> nothing
         3 emptied hostname#2   -> done",
    );
}

#[test]
fn a_start_that_fails_is_told_with_its_code() {
    check(
        "redis(daemon)
         0 start redis          -> spawn redis#1
         1 exited redis#1 1     -> term-tree redis#1
         1 emptied redis#1      -> failed: exited with code 1 before it was ready",
    );
}

#[test]
fn a_script_stops_its_daemon_itself() {
    check(
        "redis(daemon)
         0 start redis          -> spawn redis#1
         1 exited redis#1 0     -> nothing
         1 ready redis#1        -> done
         2 stop redis           -> spawn redis#2 stop
         3 exited redis#1 0     -> nothing
         3 emptied redis#1      -> nothing
         3 emptied redis#2      -> done",
    );
}

#[test]
fn a_stop_that_lies_leaves_it_up_and_says_so() {
    check(
        "redis(daemon)
         0 start redis          -> spawn redis#1
         1 exited redis#1 0     -> nothing
         1 ready redis#1        -> done
         2 stop redis           -> spawn redis#2 stop
         3 exited redis#2 0     -> leave redis#2
         3 emptied redis#2      -> nothing
         4 why redis            -> redis is stopping: its stop has returned, its main process lives on, for 2 s of
            | 10 s, asked by root
        12 tick                 -> failed: its own stop returned, but its main process runs on
        12 state redis          -> up #1
        13 restart redis        -> spawn redis#3 stop
        14 exited redis#3 0     -> leave redis#3
        14 emptied redis#3      -> nothing
        23 tick                 -> failed: its own stop returned, but its main process runs on
        24 stop redis --all     -> spawn redis#4 stop
        25 exited redis#4 0     -> leave redis#4, kill redis#4
        25 emptied redis#4      -> nothing
        34 tick                 -> kill redis#1
        35 emptied redis#1      -> done",
    );
}

#[test]
fn a_stop_that_lies_does_not_keep_up_what_it_requires() {
    check(
        "db redis(daemon, requires db)
         0 start redis          -> spawn db#1
         1 ready db#1           -> spawn redis#2
         2 exited redis#2 0     -> nothing
         2 ready redis#2        -> done
         3 stop db              -> spawn redis#3 stop
         4 exited redis#3 0     -> leave redis#3
         4 emptied redis#3      -> nothing
        13 tick                 -> kill redis#2
        14 emptied redis#2      -> term db#1
        15 emptied db#1         -> done",
    );
}

#[test]
fn a_stop_that_hangs_is_ended_and_what_it_did_is_looked_at() {
    check(
        "redis(daemon)
         0 start redis          -> spawn redis#1
         1 exited redis#1 0     -> nothing
         1 ready redis#1        -> done
         2 stop redis           -> spawn redis#2 stop
        12 tick                 -> kill redis#2
        13 exited redis#2 KILL  -> leave redis#2
        13 emptied redis#2      -> nothing
        17 tick                 -> failed: its own stop returned, but its main process runs on",
    );
}

#[test]
fn what_a_stop_leaves_is_listed_and_only_killed_when_asked() {
    check(
        "ssh(daemon)
         0 start ssh            -> spawn ssh#1
         1 exited ssh#1 0       -> nothing
         1 ready ssh#1          -> done
         2 stop ssh             -> spawn ssh#2 stop
         3 exited ssh#1 0       -> nothing
         3 exited ssh#2 0       -> leave ssh#2, leave ssh#1, done: processes were left behind; `stop --all` ends them
         3 emptied ssh#2        -> nothing
         4 start ssh            -> spawn ssh#3
         5 exited ssh#3 0       -> nothing
         5 ready ssh#3          -> done
         6 stop ssh --all       -> kill ssh#1, spawn ssh#4 stop
         7 exited ssh#3 0       -> nothing
         7 emptied ssh#1        -> nothing
         8 exited ssh#4 0       -> leave ssh#4, kill ssh#4, leave ssh#3, kill ssh#3
         8 emptied ssh#4        -> nothing
         8 emptied ssh#3        -> done",
    );
}

#[test]
fn stop_all_is_not_forgotten_for_a_stop_without() {
    check(
        "ssh(daemon)
         0 start ssh            -> spawn ssh#1
         1 exited ssh#1 0       -> nothing
         1 ready ssh#1          -> done
         2 stop ssh --all       -> spawn ssh#2 stop
         2 stop ssh             -> nothing
         3 exited ssh#1 0       -> nothing
         3 exited ssh#2 0       -> leave ssh#2, kill ssh#2, leave ssh#1, kill ssh#1, done: processes were left
            | behind; `stop --all` ends them
         4 emptied ssh#2        -> nothing
         4 emptied ssh#1        -> done
         5 verb start ssh       -> spawn ssh#3 start
         6 exited ssh#3 0       -> exited with code 0, leave ssh#3
         6 remains ssh#3        -> nothing
         6 state ssh            -> up #3",
    );
}

#[test]
fn the_death_of_a_daemon_is_seen_and_not_repaired_unasked() {
    check(
        "redis(daemon)
         0 start redis          -> spawn redis#1
         1 exited redis#1 0     -> nothing
         1 ready redis#1        -> done
         2 exited redis#1 KILL  -> term-tree redis#1
         2 emptied redis#1      -> nothing
         2 why redis            -> redis failed: ended by signal KILL
         3 start redis          -> spawn redis#2",
    );
}

#[test]
fn a_verb_reaches_the_script_and_its_exit_code_the_client() {
    check(
        "nginx(daemon) web
         0 verb configtest nginx -> spawn nginx#1 configtest
         1 exited nginx#1 3      -> exited with code 3, leave nginx#1
         1 emptied nginx#1       -> nothing
         2 verb configtest web   -> unsupported: web is no script and has no verb `configtest`
         3 verb hang nginx       -> spawn nginx#2 hang
        33 tick                  -> kill nginx#2
        33 exited nginx#2 KILL   -> ended by signal KILL, leave nginx#2",
    );
}

#[test]
fn a_daemon_that_a_verb_left_takes_over_when_the_old_one_goes() {
    check(
        "nginx(daemon)
         0 start nginx          -> spawn nginx#1
         1 exited nginx#1 0     -> nothing
         1 ready nginx#1        -> done
         2 verb upgrade nginx   -> spawn nginx#2 upgrade
         3 exited nginx#2 0     -> exited with code 0, leave nginx#2
         3 remains nginx#2      -> nothing
         4 exited nginx#1 0     -> leave nginx#1
         4 state nginx          -> up #2
         4 emptied nginx#1      -> nothing
         5 stop nginx           -> spawn nginx#3 stop
         6 exited nginx#2 0     -> nothing
         6 emptied nginx#2      -> nothing
         6 emptied nginx#3      -> done",
    );
}

#[test]
fn a_daemon_found_running_is_watched_and_not_touched() {
    check(
        "db redis(daemon, requires db)
         0 found redis          -> redis#1, spawn db#2
         0 state redis          -> up #1
         0 why redis            -> redis is up: asked by being found running 0 ms ago
         1 ready db#2           -> nothing
         2 exited redis#1 11    -> term-tree redis#1
         2 emptied redis#1      -> nothing
         2 state redis          -> ended",
    );
}

#[test]
fn a_start_while_the_rest_of_a_dead_daemon_ends_waits_for_that_and_starts() {
    check(
        "web(daemon)
         0 start web                 -> spawn web#1
         1 exited web#1 0            -> nothing
         1 ready web#1               -> done
         2 exited web#1 KILL         -> term-tree web#1
         3 start web                 -> nothing
        12 tick                      -> kill web#1
        13 emptied web#1             -> spawn web#2
        14 exited web#2 0            -> nothing
        14 ready web#2               -> done",
    );
}

#[test]
fn what_is_undone_at_the_end_is_stopped_in_its_place_though_it_never_came_up() {
    check(
        "swap(script) disks(script, after swap) redis(daemon, after disks) cups(daemon, after redis)
         0 start redis                 -> spawn redis#1
         1 exited redis#1 0            -> nothing
         1 ready redis#1               -> done
         1 start disks                 -> spawn disks#2
         1 exited disks#2 1            -> term-tree disks#2
         1 emptied disks#2             -> failed: exited with code 1 before it was ready
         2 shutdown swap disks redis cups -> spawn cups#3 stop
         3 exited cups#3 0             -> leave cups#3, spawn redis#4 stop
         4 exited redis#1 0            -> nothing
         4 emptied redis#1             -> nothing
         4 exited redis#4 0            -> leave redis#4, spawn disks#5 stop
         5 exited disks#5 1            -> leave disks#5, spawn swap#6 stop
         6 exited swap#6 0             -> leave swap#6, complete",
    );
}

#[test]
fn order_at_the_end_goes_through_what_is_not_up() {
    check(
        "disks(script) swap(script, after disks) db(requires swap) web(never, after db) cron(after web)
         0 start disks                 -> spawn disks#1
         1 exited disks#1 0            -> nothing
         1 emptied disks#1             -> done
         1 start cron                  -> spawn cron#2
         1 ready cron#2                -> done
         2 start web                   -> spawn web#3
         3 exited web#3 1              -> term-tree web#3
         3 emptied web#3               -> failed: exited with code 1 before it was ready
         4 shutdown disks              -> term cron#2
         4 why disks                   -> disks is stopping: waits for cron to stop first, asked by root;
           | cron is stopping: was told to end, for 0 ms of 10 s, asked by root
         5 exited cron#2 0             -> term-tree cron#2
         5 emptied cron#2              -> spawn disks#4 stop
         6 exited disks#4 0            -> leave disks#4, complete",
    );
}

#[test]
fn nothing_is_launched_while_definitions_are_read() {
    check(
        "alrm(script) last(script, after alrm) web
         0 boot alrm & boot last       -> spawn alrm#1
         1 pause                       -> nothing
         1 exited alrm#1 0             -> nothing
         1 emptied alrm#1              -> nothing
         1 start web                   -> nothing
         1 why last                    -> last waits until definitions have been read
         2 load alrm(script) late(script, after alrm) last(script, after late) web -> nothing
         2 boot late & resume          -> spawn late#2, spawn web#3
         3 why last                    -> last waits for late, after which it starts;
           | late is starting: waits for its script to return, for 1 s of 30 s
         3 stop web                    -> superseded by root, term-tree web#3",
    );
}
