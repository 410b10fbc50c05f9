//! Start, stop, restart, reload, pin: what a client asks and is answered.

use super::check;

#[test]
fn a_restart_launches_only_when_the_old_run_is_empty() {
    check(
        "web
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 restart web      -> term web#1
         3 exited web#1 0   -> term-tree web#1
         4 emptied web#1    -> spawn web#2
         5 ready web#2      -> done",
    );
}

#[test]
fn a_service_deaf_to_term_is_killed_when_patience_ends_and_again_until_it_is_gone() {
    check(
        "web
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 stop web         -> term web#1
        11 tick             -> nothing
        12 tick             -> kill web#1
        12 why web          -> web is stopping: was killed, and the kernel still has processes of it, for 0 ms of
            | 5 s (10 s in all), asked by root
        17 tick             -> kill web#1
        18 emptied web#1    -> done
        18 next             -> never",
    );
}

#[test]
fn news_of_a_run_long_over_changes_nothing() {
    check(
        "web
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 restart web      -> term web#1
         3 emptied web#1    -> spawn web#2
         4 exited web#1 1   -> nothing
         4 emptied web#1    -> nothing
         4 ready web#1      -> nothing
         5 ready web#2      -> done",
    );
}

#[test]
fn the_newest_request_wins_and_the_older_client_is_told_by_whom() {
    check(
        "web
         0 start web        -> spawn web#1
         1 stop web         -> superseded by root, term-tree web#1
         2 start web        -> superseded by root
         3 exited web#1 TERM -> term-tree web#1
         3 emptied web#1    -> spawn web#2
         4 ready web#2      -> done",
    );
}

#[test]
fn what_is_so_already_is_a_success_that_changes_nothing() {
    check(
        "web
         0 stop web         -> unchanged
         1 start web        -> spawn web#1
         1 start web        -> nothing
         2 ready web#1      -> done, done
         3 start web        -> unchanged",
    );
}

#[test]
fn a_service_executed_is_up_unless_it_says_when() {
    check(
        "web(executed) db
         0 start web        -> spawn web#1
         0 executed web#1   -> done
         1 start db         -> spawn db#2
         1 executed db#2    -> nothing
         2 ready db#2       -> done",
    );
}

#[test]
fn a_launch_called_off_before_it_failed_is_over_when_it_fails() {
    check(
        "web
         0 start web                    -> spawn web#1
         0 stop web                     -> superseded by root, term-tree web#1
         1 spawn-failed web#1 no program -> done
         2 start web                    -> spawn web#2
         2 stop web                     -> superseded by root, term-tree web#2
         3 not-here web#2 no path       -> done
         3 next                         -> never",
    );
}

#[test]
fn what_cannot_be_launched_says_why() {
    check(
        "web(never) job
         0 start web                         -> spawn web#1
         0 spawn-failed web#1 no such user www -> failed: no such user www
         0 why web                           -> web failed: no such user www
         1 start job                         -> spawn job#2
         1 not-here job#2 no path /etc/job   -> done: skipped: no path /etc/job
         1 why job                           -> job was skipped: no path /etc/job",
    );
}

#[test]
fn a_process_that_returns_before_it_serves_did_not_start_even_with_success() {
    check(
        "web
         0 start web        -> spawn web#1
         1 exited web#1 0   -> term-tree web#1
         1 emptied web#1    -> failed: exited with code 0 before it was ready",
    );
}

#[test]
fn reload_is_a_signal_or_a_command_or_refused_with_advice() {
    check(
        "hup(reload-hup) cmd(reload-command) not done(oneshot, reload-hup)
         0 reload hup       -> failed: it is not running
         0 start hup        -> spawn hup#1
         1 ready hup#1      -> done
         2 reload hup       -> hup hup#1, done
         3 start cmd        -> spawn cmd#2
         4 ready cmd#2      -> done
         5 reload cmd       -> spawn cmd#3 reload
         6 exited cmd#3 0   -> done, kill cmd#3
         7 reload cmd       -> spawn cmd#4 reload
         8 exited cmd#4 1   -> failed: its reload exited with code 1, kill cmd#4
         9 reload not       -> unsupported: not has no way to reload (key `reload`); try: svc not restart
        10 start done       -> spawn done#5
        10 exited done#5 0  -> term-tree done#5
        10 emptied done#5   -> done
        11 reload done      -> unsupported: done has no process that could be signalled; try: svc done restart",
    );
}

#[test]
fn a_reload_that_hangs_is_ended() {
    check(
        "web(reload-command)
         0 start web        -> spawn web#1
         1 ready web#1      -> done
         2 reload web       -> spawn web#2 reload
        31 tick             -> nothing
        32 tick             -> kill web#2
        32 exited web#2 KILL -> failed: its reload ended by signal KILL, kill web#2
        32 next             -> never",
    );
}

#[test]
fn a_pinned_service_stays_as_it_is_until_unpinned() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 pin web          -> done
         4 stop web         -> failed: pinned by root; to stop it, first: svc web unpin
         4 restart web      -> failed: pinned by root; to restart it, first: svc web unpin
         5 stop db          -> failed: web requires it and is pinned by root; to stop it, first: svc web unpin
         6 stop db --only   -> term db#1
         7 emptied db#1     -> done
         7 state web        -> up #2
         8 unpin web        -> done
         9 stop web         -> term web#2
        10 emptied web#2    -> done",
    );
}

#[test]
fn a_service_pinned_down_is_not_started_for_another() {
    check(
        "db web(requires db)
         0 pin db           -> done
         1 start db         -> failed: pinned by root; to start it, first: svc db unpin
         2 start web        -> failed: requires db: pinned by root
         2 why web          -> web waits for db, which it requires; db is down: pinned by root 2 s ago
         3 unpin db         -> done, spawn db#1
         4 ready db#1       -> spawn web#2",
    );
}

#[test]
fn a_stop_that_was_superseded_for_the_sake_of_another_is_told() {
    check(
        "db web(requires db)
         0 start db         -> spawn db#1
         1 ready db#1       -> done
         2 stop db          -> term db#1
         3 start web        -> superseded by root
         4 emptied db#1     -> spawn db#2
         5 ready db#2       -> spawn web#3
         6 ready web#3      -> done",
    );
}

#[test]
fn reset_forgets_failures() {
    check(
        "web(limit 2)
         0 start web        -> spawn web#1
         1 exited web#1 1   -> term-tree web#1
         1 emptied web#1    -> failed: exited with code 1 before it was ready; it will be tried again
         2 tick             -> spawn web#2
         3 exited web#2 1   -> term-tree web#2
         3 emptied web#2    -> nothing
         3 why web          -> web failed: exited with code 1 before it was ready; given up after 2 starts within
            | 60 s
         4 reset web        -> done
         4 state web        -> down",
    );
}

#[test]
fn a_pin_that_comes_with_a_stop_comes_after_it() {
    check(
        "web
         0 start web               -> spawn web#1
         1 ready web#1             -> done
         2 stop web & pin web      -> done, term web#1
         3 emptied web#1           -> done
         4 start web               -> failed: pinned by root; to start it, first: svc web unpin",
    );
}

#[test]
fn an_exit_and_the_end_of_the_tree_in_one_event_leave_nothing_behind() {
    check(
        "ssh(daemon)
         0 start ssh                         -> spawn ssh#1
         1 exited ssh#1 0                    -> nothing
         1 ready ssh#1                       -> done
         2 stop ssh                          -> spawn ssh#2 stop
         3 exited ssh#1 0 & emptied ssh#1    -> nothing
         3 exited ssh#2 0 & emptied ssh#2    -> leave ssh#2, done",
    );
}
