//! The manager dies and the next one carries on, in every state.

use super::check;

#[test]
fn what_is_up_stays_up_and_keeps_its_reasons() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 crash            -> nothing
         3 state web        -> up #2
         4 exited db#1 1    -> term-tree db#1, term web#2
         5 emptied web#2    -> nothing
         5 emptied db#1     -> nothing
         6 tick             -> spawn db#3
         7 ready db#3       -> spawn web#4",
    );
}

#[test]
fn a_start_goes_on_with_patience_anew() {
    check(
        "web
         0 start web        -> spawn web#1
        20 crash            -> nothing
        30 tick             -> nothing
        49 ready web#1      -> nothing
        49 state web        -> up #1",
    );
}

#[test]
fn an_order_to_end_is_given_again() {
    check(
        "web
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 stop web         -> term web#1
         3 crash            -> term web#1
         4 exited web#1 0   -> term-tree web#1
         5 crash            -> term-tree web#1
        15 tick             -> kill web#1
        16 crash            -> kill web#1
        21 tick             -> kill web#1
        22 emptied web#1    -> nothing
        22 state web        -> down",
    );
}

#[test]
fn an_end_of_everything_goes_on_and_starts_nothing_again() {
    check(
        "db web(requires db) late(after web)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 shutdown         -> term web#2
         4 crash            -> term web#2
         5 start late       -> failed: everything is being stopped, asked by root
         6 exited web#2 0   -> term-tree web#2
         7 emptied web#2    -> term db#1
         8 crash            -> term db#1
         9 exited db#1 0    -> term-tree db#1
        10 emptied db#1     -> complete",
    );
}

#[test]
fn a_stop_in_order_stays_in_order() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 stop db          -> term web#2
         4 crash            -> term web#2
         4 state db         -> stopping #1
         5 emptied web#2    -> term db#1
         6 emptied db#1     -> nothing
         6 why web          -> web waits for db, which it requires; db was stopped by root 3 s ago",
    );
}

#[test]
fn a_stop_command_is_waited_for() {
    check(
        "redis(daemon)
         0 start redis      -> spawn redis#1
         1 exited redis#1 0 -> nothing
         1 ready redis#1    -> done
         2 stop redis       -> spawn redis#2 stop
         3 crash            -> nothing
         4 exited redis#2 0 -> leave redis#2
         5 crash            -> nothing
         6 exited redis#1 0 -> leave redis#1
         6 emptied redis#2  -> nothing
         6 emptied redis#1  -> nothing
         6 state redis      -> down",
    );
}

#[test]
fn a_stop_that_lied_before_is_found_out_after_even_without_patience_written() {
    check(
        "redis(daemon, for-ever)
         0 start redis      -> spawn redis#1
         1 exited redis#1 0 -> nothing
         1 ready redis#1    -> done
         2 stop redis       -> spawn redis#2 stop
         3 exited redis#2 0 -> leave redis#2
         3 emptied redis#2  -> nothing
         4 crash            -> nothing
         4 next             -> 34
        34 tick             -> nothing
        34 state redis      -> up #1",
    );
}

#[test]
fn a_wait_before_the_next_try_ends_when_it_would_have() {
    check(
        "web
         0 start web            -> spawn web#1
         1 exited web#1 1       -> term-tree web#1
         1 emptied web#1        -> failed: exited with code 1 before it was ready; it will be tried again
         1 crash                -> nothing
         1 next                 -> 1.1
         2 tick                 -> spawn web#2",
    );
}

#[test]
fn a_watchdog_is_not_forgotten() {
    check(
        "web(watchdog 5)
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         4 crash            -> nothing
         8 tick             -> nothing
         9 tick             -> term web#1",
    );
}

#[test]
fn what_a_one_shot_left_is_told_again() {
    check(
        "job(oneshot)
         0 start job        -> spawn job#1
         1 exited job#1 0   -> term-tree job#1
         2 crash            -> term-tree job#1
        12 tick             -> kill job#1
        13 emptied job#1    -> nothing
        13 state job        -> up",
    );
}

#[test]
fn a_running_service_whose_definition_went_is_still_known() {
    check(
        "web
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 load             -> nothing
         3 crash            -> nothing
         4 state web        -> up #1
         5 stop web         -> term web#1
         6 emptied web#1    -> done, removed web",
    );
}

#[test]
fn what_was_left_behind_is_still_listed_and_run_numbers_go_on() {
    check(
        "cron(leave)
         0 start cron       -> spawn cron#1
         1 ready cron#1     -> done
         2 exited cron#1 1  -> leave cron#1
         2 crash            -> nothing
         3 tick             -> spawn cron#2
         4 ready cron#2     -> nothing
         5 stop cron --all  -> kill cron#1, term cron#2
         6 emptied cron#1   -> nothing
         6 emptied cron#2   -> done",
    );
}

#[test]
fn what_was_stopped_or_pinned_by_hand_stays_so() {
    check(
        "web db(enabled)
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 pin web          -> done
         2 stop db          -> unchanged
         3 crash            -> nothing
         4 stop web         -> failed: pinned by root; to stop it, first: svc web unpin
         5 boot db          -> nothing
         5 why db           -> db was stopped by root 3 s ago",
    );
}
