//! Crashes, back-off, time-outs, watchdogs and start slots.

use super::check;

#[test]
fn a_crash_is_repaired_after_a_wait_that_doubles() {
    check(
        "web(executed)
         0   start web      -> spawn web#1
         0   executed web#1 -> done
         1   exited web#1 1 -> term-tree web#1
         1   emptied web#1  -> nothing
         1   next           -> 1.1
         1   why web        -> web exited with code 1, and is tried again in 100 ms
         1.1 tick           -> spawn web#2
         1.1 executed web#2 -> nothing
         2   exited web#2 11 -> term-tree web#2",
    );
}

#[test]
fn the_wait_grows_and_starts_anew_after_a_run_that_settled() {
    check(
        "web(executed)
         0    start web         -> spawn web#1
         0    executed web#1    -> done
         1    exited web#1 1    -> term-tree web#1
         1    emptied web#1     -> nothing
         1.1  tick              -> spawn web#2
         1.1  executed web#2    -> nothing
         2    exited web#2 1    -> term-tree web#2
         2    emptied web#2     -> nothing
         2    next              -> 2.2
         2.2  tick              -> spawn web#3
         2.2  executed web#3    -> nothing
         3    exited web#3 1    -> term-tree web#3
         3    emptied web#3     -> nothing
         3    next              -> 3.4
         3.4  tick              -> spawn web#4
         3.4  executed web#4    -> nothing
        13.4  exited web#4 1    -> term-tree web#4
        13.5  emptied web#4     -> spawn web#5
        13.5  executed web#5    -> nothing
        14    exited web#5 1    -> term-tree web#5
        14    emptied web#5     -> nothing
        14    next              -> 14.1",
    );
}

#[test]
fn so_many_starts_in_so_much_time_are_enough() {
    check(
        "web(limit 4)
         0   start web                      -> spawn web#1
         0   spawn-failed web#1 no program  -> failed: no program; it will be tried again
         0.1 tick                           -> spawn web#2
         0.1 spawn-failed web#2 no program  -> nothing
         0.3 tick                           -> spawn web#3
         0.3 spawn-failed web#3 no program  -> nothing
         0.7 tick                           -> spawn web#4
         0.7 state web                      -> starting #4
         0.7 spawn-failed web#4 no program  -> nothing
         0.7 why web                        -> web failed: no program; given up after 4 starts within 60 s
         0.7 next                           -> never
         1   start web                      -> spawn web#5",
    );
}

#[test]
fn what_fails_at_once_is_given_up_with_the_defaults() {
    check(
        "web
         0    start web                      -> spawn web#1
         0    spawn-failed web#1 no program  -> failed: no program; it will be tried again
         0.1  tick                           -> spawn web#2
         0.1  spawn-failed web#2 no program  -> nothing
         0.3  tick                           -> spawn web#3
         0.3  spawn-failed web#3 no program  -> nothing
         0.7  tick                           -> spawn web#4
         0.7  spawn-failed web#4 no program  -> nothing
         1.5  tick                           -> spawn web#5
         1.5  spawn-failed web#5 no program  -> nothing
         3.1  tick                           -> spawn web#6
         3.1  spawn-failed web#6 no program  -> nothing
         6.3  tick                           -> spawn web#7
         6.3  spawn-failed web#7 no program  -> nothing
         12.7 tick                           -> spawn web#8
         12.7 spawn-failed web#8 no program  -> nothing
         25.5 tick                           -> spawn web#9
         25.5 spawn-failed web#9 no program  -> nothing
         51.1 tick                           -> spawn web#10
         51.1 spawn-failed web#10 no program  -> nothing
         51.1 state web                      -> ended",
    );
}

#[test]
fn starts_long_ago_do_not_count() {
    check(
        "web(limit 2, executed)
         0   start web                      -> spawn web#1
         0   executed web#1                 -> done
         1   exited web#1 1                 -> term-tree web#1
         1   emptied web#1                  -> nothing
         1.1 tick                           -> spawn web#2
         1.1 executed web#2                 -> nothing
         61  exited web#2 1                 -> term-tree web#2
         61  emptied web#2                  -> spawn web#3
         61  executed web#3                 -> nothing
         62  exited web#3 1                 -> term-tree web#3
         62  emptied web#3                  -> nothing
         62.1 tick                          -> spawn web#4
         62.1 executed web#4                -> nothing
         63  exited web#4 1                 -> term-tree web#4
         63  emptied web#4                  -> nothing
         63  state web                      -> ended",
    );
}

#[test]
fn success_is_an_end_unless_it_is_always_started_again() {
    check(
        "once(executed) ever(executed, always) gone(executed, never)
         0   start once        -> spawn once#1
         0   executed once#1   -> done
         1   exited once#1 0   -> term-tree once#1
         1   emptied once#1    -> nothing
         1   why once          -> once ended by itself with success
         1   start ever        -> spawn ever#2
         1   executed ever#2   -> done
         2   exited ever#2 0   -> term-tree ever#2
         2   emptied ever#2    -> nothing
         2.1 tick              -> spawn ever#3
         3   start gone        -> spawn gone#4
         3   executed gone#4   -> done
         4   exited gone#4 KILL -> term-tree gone#4
         4   emptied gone#4    -> nothing
         4   why gone          -> gone failed: ended by signal KILL
         4   next              -> 32.1",
    );
}

#[test]
fn a_start_that_takes_too_long_is_ended_and_says_so() {
    check(
        "web
         0 start web          -> spawn web#1
         1 tick               -> nothing
        30 tick               -> term-tree web#1
        31 exited web#1 TERM  -> term-tree web#1
        31 emptied web#1      -> failed: was not done starting within 30 s; it will be tried again",
    );
}

#[test]
fn a_service_may_ask_for_more_time() {
    check(
        "web
         0 start web          -> spawn web#1
        20 extend web#1 60    -> nothing
        30 tick               -> nothing
        80 tick               -> term-tree web#1
        85 extend web#1 20    -> nothing
        90 tick               -> nothing
       105 tick               -> kill web#1",
    );
}

#[test]
fn who_is_silent_for_too_long_is_restarted() {
    check(
        "web(watchdog 5)
         0 start web          -> spawn web#1
         1 ready web#1        -> done
         4 alive web#1        -> nothing
         6 tick               -> nothing
         9 tick               -> term web#1
         9 why web            -> web is stopping: was told to end, for 0 ms of 10 s, as it failed: its
            | watchdog was not fed in time
        10 exited web#1 TERM  -> term-tree web#1
        10 emptied web#1      -> nothing
        10 why web            -> web failed: its watchdog was not fed in time, and is tried again in
            | 100 ms
        11 tick               -> spawn web#2",
    );
}

#[test]
fn who_says_that_it_is_not_well_is_restarted() {
    check(
        "web
         0 start web            -> spawn web#1
         1 ready web#1          -> done
         2 unwell web#1 no disk -> term web#1
         3 exited web#1 0       -> term-tree web#1
         3 emptied web#1        -> nothing
         4 tick                 -> spawn web#2",
    );
}

#[test]
fn who_says_that_it_ends_is_not_told_to_and_its_exit_counts() {
    check(
        "web
         0 start web          -> spawn web#1
         1 ready web#1        -> done
         2 stopping web#1     -> nothing
         3 exited web#1 1     -> term-tree web#1
         3 emptied web#1      -> nothing
         3 why web            -> web exited with code 1, and is tried again in 100 ms",
    );
}

#[test]
fn slots_limit_simultaneous_starts_and_slow_ones_do_not_use_them_up() {
    check(
        "slots=1 a b c
         0   start a          -> spawn a#1
         0   start b          -> nothing
         0   why b            -> b waits for its turn: enough others are starting
         0   start c          -> nothing
         0.5 ready a#1        -> spawn b#2, done
         1.4 tick             -> nothing
         1.5 tick             -> spawn c#3
         2   ready b#2        -> done
         2   ready c#3        -> done",
    );
}

#[test]
fn a_slot_goes_to_the_next_who_can_use_it() {
    check(
        "slots=1 a db web(requires db) c
         0   start a          -> spawn a#1
         0   start db         -> nothing
         0   start web        -> nothing
         0   start c          -> nothing
         0.2 stop db          -> superseded by root, unchanged, failed: requires db: stopped by root
         0.5 ready a#1        -> spawn c#2, done",
    );
}

#[test]
fn what_a_one_shot_leaves_running_is_ended_and_then_it_is_up() {
    check(
        "job(oneshot) mess(oneshot, leave)
         0 start job          -> spawn job#1
         1 exited job#1 0     -> term-tree job#1
        11 tick               -> kill job#1
        12 emptied job#1      -> done
        12 state job          -> up
        13 stop job           -> done
        14 start mess         -> spawn mess#2
        15 exited mess#2 0    -> leave mess#2, done",
    );
}

#[test]
fn a_one_shot_is_undone_by_its_stop_command() {
    check(
        "job(oneshot, stop-command)
         0 start job          -> spawn job#1
         1 exited job#1 0     -> term-tree job#1
         1 emptied job#1      -> done
         2 stop job           -> spawn job#2 stop
         3 exited job#2 1     -> kill job#2, done
         4 start job          -> spawn job#3
         5 exited job#3 3     -> term-tree job#3
         5 emptied job#3      -> failed: exited with code 3 before it was ready",
    );
}

#[test]
fn children_that_outlive_the_main_process_are_ended_unless_they_may_stay() {
    check(
        "web cron(leave)
         0 start web          -> spawn web#1
         1 ready web#1        -> done
         2 stop web           -> term web#1
         3 exited web#1 0     -> term-tree web#1
        12 tick               -> kill web#1
        12 emptied web#1      -> done
        20 start cron         -> spawn cron#2
        21 ready cron#2       -> done
        22 stop cron          -> term cron#2
        23 exited cron#2 0    -> leave cron#2, done: processes were left behind; `stop --all` ends them
        24 stop cron --all    -> kill cron#2
        25 emptied cron#2     -> done
        26 stop cron --all    -> unchanged",
    );
}

#[test]
fn a_forking_service_is_its_daemon_once_the_program_has_returned() {
    check(
        "web(forking)
         0 start web          -> spawn web#1
         0 executed web#1     -> nothing
         1 exited web#1 0     -> nothing
         2 ready web#1        -> done
         3 exited web#1 11  -> term-tree web#1
         3 emptied web#1      -> nothing
         3 state web          -> backing off",
    );
}

#[test]
fn a_forking_service_that_leaves_nothing_has_failed() {
    check(
        "odd(forking, never)
         0 start odd          -> spawn odd#1
         1 exited odd#1 0     -> nothing
         1 emptied odd#1      -> failed: its start returned with success and left no process
         2 start odd          -> spawn odd#2
         3 exited odd#2 0     -> nothing
         4 exited odd#2 0     -> term-tree odd#2
         4 emptied odd#2      -> failed: its daemon exited with code 0 before it was ready",
    );
}

#[test]
fn a_stop_command_that_fails_or_hangs_does_not_keep_it_alive() {
    check(
        "web(stop-command)
         0 start web          -> spawn web#1
         1 ready web#1        -> done
         2 stop web           -> spawn web#2 stop
         3 exited web#2 1     -> kill web#2, term web#1
         4 emptied web#1      -> done
         5 start web          -> spawn web#3
         6 ready web#3        -> done
         7 stop web           -> spawn web#4 stop
        17 tick               -> kill web#4, kill web#3
        18 exited web#4 KILL  -> nothing
        18 emptied web#3      -> done",
    );
}
