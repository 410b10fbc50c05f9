//! Verbs of a definition: own ones, commands in place of the common ones, before and after them.

use super::check;

#[test]
fn an_own_verb_runs_beside_the_service_and_its_code_is_the_answer() {
    check(
        "web(instead configtest)
         0 verb configtest web  -> spawn web#1 configtest
         1 exited web#1 3       -> exited with code 3, kill web#1
         2 start web            -> spawn web#2
         2 ready web#2          -> done
         3 verb configtest web  -> spawn web#3 configtest
         4 exited web#3 0       -> exited with code 0, kill web#3
         5 verb configtset web  -> unsupported: web has no verb `configtset`; did you mean `configtest`?
         5 verb zap web         -> unsupported: web has no verb `zap`; its own are: configtest
         5 verb start web       -> unsupported: web is no script; try: svc web start
         6 state web            -> up #2",
    );
}

#[test]
fn a_script_may_get_own_verbs_and_keeps_those_it_has() {
    check(
        "web(daemon, instead graceful, instead reload)
         0 verb graceful web    -> spawn web#1 graceful
         0 exited web#1 0       -> exited with code 0, leave web#1
         1 verb reload web      -> spawn web#2 reload
         1 verb other web       -> spawn web#3 other",
    );
}

#[test]
fn a_reload_waits_for_what_goes_before_it_and_does_not_happen_if_that_fails() {
    check(
        "web(reload-hup, before-verb reload, after-verb reload)
         0 start web            -> spawn web#1
         0 ready web#1          -> done
         1 reload web           -> spawn web#2 command before reload
         2 exited web#2 0       -> hup web#1, spawn web#3 command after reload, kill web#2
         3 exited web#3 0       -> done, kill web#3
         4 reload web           -> spawn web#4 command before reload
         5 exited web#4 1       -> failed: its command before reload exited with code 1, kill web#4
         6 reload web           -> spawn web#5 command before reload
         7 exited web#1 TERM    -> term-tree web#1
         8 exited web#5 0       -> failed: it is not running, kill web#5",
    );
}

#[test]
fn a_command_in_place_of_reload_makes_one_where_there_was_none() {
    check(
        "web(instead reload) db
         0 start web & start db -> spawn web#1, spawn db#2
         0 ready web#1          -> done
         0 ready db#2           -> done
         1 reload web           -> spawn web#3 reload
         2 exited web#3 0       -> done, kill web#3
         3 reload db            -> unsupported: db has no way to reload (key `reload`); try: svc db restart",
    );
}

#[test]
fn a_restart_by_command_is_one_only_while_it_is_up() {
    check(
        "web(instead restart)
         0 restart web          -> spawn web#1
         0 ready web#1          -> done
         1 restart web          -> spawn web#2 restart
         2 exited web#2 0       -> kill web#2, done
         3 restart web          -> spawn web#3 restart
         4 exited web#3 1       -> failed: its restart exited with code 1, kill web#3
         5 pin web              -> done
         6 restart web          -> failed: pinned by root; to restart it, first: svc web unpin",
    );
}

#[test]
fn a_start_waits_for_what_goes_before_it_and_what_comes_after_it_holds_nobody_up() {
    check(
        "web(before-verb start, after-verb start)
         0 start web            -> spawn web#2 command before start
         1 state web            -> starting #1
         2 exited web#2 0       -> spawn web#1, kill web#2
         3 ready web#1          -> spawn web#3 command after start, done
         4 exited web#3 1       -> kill web#3
         5 state web            -> up #1",
    );
}

#[test]
fn a_start_whose_command_before_it_fails_has_failed() {
    check(
        "web(never, before-verb start)
         0 start web            -> spawn web#2 command before start
         1 exited web#2 1       -> kill web#2, failed: its command before start exited with code 1
         2 state web            -> ended",
    );
}

#[test]
fn a_stop_ends_a_start_that_waits_for_its_command() {
    check(
        "web(before-verb start)
         0 start web            -> spawn web#2 command before start
         1 stop web             -> superseded by root, kill web#2
         2 exited web#2 KILL    -> kill web#2, done
         3 state web            -> down",
    );
}

#[test]
fn a_start_that_waits_too_long_for_its_command_is_given_up() {
    check(
        "web(never, starts-for 5, before-verb start)
         0 start web            -> spawn web#2 command before start
         5 tick                 -> kill web#2
         6 exited web#2 KILL    -> kill web#2, failed: its command before start ended by signal KILL",
    );
}

#[test]
fn a_stop_goes_on_whatever_the_command_before_it_says() {
    check(
        "web(before-verb stop) redis(daemon, before-verb stop)
         0 start web            -> spawn web#1
         0 ready web#1          -> done
         1 stop web             -> spawn web#2 stop
         2 exited web#2 1       -> kill web#2, term web#1
         3 exited web#1 TERM    -> term-tree web#1
         3 emptied web#1        -> done
         4 start redis          -> spawn redis#3
         4 exited redis#3 0     -> nothing
         4 ready redis#3        -> done
         5 stop redis           -> spawn redis#5 command before stop
         6 exited redis#5 1     -> spawn redis#4 stop, kill redis#5
         7 emptied redis#3      -> nothing
         7 exited redis#4 0     -> leave redis#4, done: processes were left behind; `stop --all` ends
            | them
         8 emptied redis#4      -> nothing",
    );
}

#[test]
fn what_comes_after_a_stop_comes_before_the_next_start() {
    check(
        "web(after-verb stop)
         0 start web            -> spawn web#1
         0 ready web#1          -> done
         1 restart web          -> term web#1
         2 exited web#1 TERM    -> term-tree web#1
         2 emptied web#1        -> spawn web#2 command after stop
         3 state web            -> starting #3
         4 exited web#2 1       -> spawn web#3, kill web#2
         5 ready web#3          -> done",
    );
}

#[test]
fn a_shutdown_waits_for_what_comes_after_a_stop() {
    check(
        "web(after-verb stop)
         0 start web            -> spawn web#1
         0 ready web#1          -> done
         1 shutdown             -> term web#1
         2 exited web#1 TERM    -> term-tree web#1
         2 emptied web#1        -> spawn web#2 command after stop
         3 exited web#2 0       -> kill web#2, complete",
    );
}
