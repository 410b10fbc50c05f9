//! What services have to do with each other: requires, wants, after, conflicts, and who holds whom.

use super::check;

#[test]
fn what_is_required_comes_first_and_falls_last_and_all_return_with_it() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 stop db          -> term web#2
         3 why db           -> db is stopping: waits for web to stop first, asked by root; web is stopping: was
            | told to end, for 0 ms of 10 s, as db, which it requires, stops
         4 emptied web#2    -> term db#1
         5 emptied db#1     -> done
         6 why web          -> web waits for db, which it requires; db was stopped by root 3 s ago
         7 start db         -> spawn db#3
         8 ready db#3       -> spawn web#4, done
         9 ready web#4      -> nothing",
    );
}

#[test]
fn stop_only_leaves_dependents_alone() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 stop db --only   -> term db#1
         4 emptied db#1     -> done
         5 state web        -> up #2
         6 start db         -> spawn db#3
         7 ready db#3       -> done
         8 restart db --only -> term db#3
         9 emptied db#3     -> spawn db#4
        10 ready db#4       -> done
        11 state web        -> up #2
        12 stop db --only   -> term db#4
        13 emptied db#4     -> done
        14 stop db          -> term web#2, unchanged",
    );
}

#[test]
fn a_restart_takes_dependents_along() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 restart db       -> term web#2
         4 emptied web#2    -> term db#1
         5 emptied db#1     -> spawn db#3
         6 ready db#3       -> spawn web#4, done
         7 ready web#4      -> nothing",
    );
}

#[test]
fn a_crash_takes_dependents_along_unless_it_is_smooth() {
    check(
        "db disk(smooth) web(requires db disk)
         0 start web        -> spawn db#1, spawn disk#2
         1 ready db#1       -> nothing
         1 ready disk#2     -> spawn web#3
         2 ready web#3      -> done
         3 exited disk#2 1  -> term-tree disk#2
         3 emptied disk#2   -> nothing
         3 state web        -> up #3
         4 tick             -> spawn disk#4
         5 ready disk#4     -> nothing
         6 exited db#1 1    -> term-tree db#1, term web#3
         6 emptied db#1     -> nothing
         7 tick             -> nothing
         7 why db           -> db waits for web to stop, which requires it; web is stopping: was told to end, for 1
            | s of 10 s, as db, which it requires, is not up
         8 emptied web#3    -> spawn db#5
         9 ready db#5       -> spawn web#6",
    );
}

#[test]
fn a_smooth_service_that_is_given_up_takes_dependents_along() {
    check(
        "disk(smooth, limit 2) web(requires disk)
         0 start web        -> spawn disk#1
         1 ready disk#1     -> spawn web#2
         2 ready web#2      -> done
         3 exited disk#1 1  -> term-tree disk#1
         3 emptied disk#1   -> nothing
         4 tick             -> spawn disk#3
         5 exited disk#3 1  -> term-tree disk#3
         5 emptied disk#3   -> term web#2
         6 emptied web#2    -> nothing
         6 why web          -> web waits for disk, which it requires; disk failed: exited with code 1 before it was
            | ready; given up after 2 starts within 60 s",
    );
}

#[test]
fn a_failure_is_answered_with_the_whole_chain() {
    check(
        "storage(oneshot) db(requires storage) web(requires db)
         0 start web            -> spawn storage#1
         1 exited storage#1 32  -> term-tree storage#1
         1 emptied storage#1    -> failed: requires db: requires storage: exited with code 32 before it was ready
         1 why web              -> web waits for db, which it requires; db waits for storage, which it requires;
            | storage failed: exited with code 32 before it was ready",
    );
}

#[test]
fn what_is_wanted_goes_first_and_may_fail() {
    check(
        "log web(wants log)
         0 start web            -> spawn log#1
         0 why web              -> web waits for log, after which it starts; log is starting: waits for
            | it to say READY=1, for 0 ms of 30 s
         1 exited log#1 1       -> term-tree log#1
         1 emptied log#1        -> spawn web#2
         1 ready web#2          -> done",
    );
}

#[test]
fn what_is_wanted_through_others_is_known_before_anything_starts() {
    check(
        "b m(wants b) a(wants m) c(after b) x(requires a c)
         0 start x              -> spawn b#1
         1 ready b#1            -> spawn m#2, spawn c#3
         2 ready m#2            -> spawn a#4
         3 ready a#4            -> nothing
         4 ready c#3            -> spawn x#5",
    );
}

#[test]
fn order_alone_starts_nothing_and_holds_both_ways() {
    check(
        "a b(after a) c(before b)
         0 start b              -> spawn b#1
         1 ready b#1            -> done
         2 stop b               -> term b#1
         3 emptied b#1          -> done
         4 start a              -> spawn a#2
         4 start c              -> spawn c#3
         4 start b              -> nothing
         5 ready a#2            -> done
         6 ready c#3            -> spawn b#4, done
         7 ready b#4            -> done
         8 shutdown             -> term b#4
         9 emptied b#4          -> term a#2, term c#3
        10 emptied c#3          -> nothing
        11 emptied a#2          -> complete",
    );
}

#[test]
fn what_nobody_needs_any_more_is_stopped_unless_it_is_enabled_or_asked_for() {
    check(
        "db log(enabled) own web(requires db log own)
         0 start own            -> spawn own#1
         1 ready own#1          -> done
         2 start web            -> spawn db#2, spawn log#3
         3 ready db#2           -> nothing
         3 why db               -> db is up: web needs it; web waits for log, which it requires; log is starting:
            | waits for it to say READY=1, for 1 s of 30 s
         3 ready log#3          -> spawn web#4
         4 ready web#4          -> done
         5 stop web             -> term web#4
         6 emptied web#4        -> term db#2, done
         7 emptied db#2         -> nothing
         8 state log            -> up #3
         8 why log              -> log is up: asked by its being enabled 3 s ago
         8 state own            -> up #1",
    );
}

#[test]
fn a_group_is_up_when_its_members_are() {
    check(
        "a b all(group, requires a b)
         0 start all            -> spawn a#1, spawn b#2
         1 ready a#1            -> nothing
         2 ready b#2            -> done
         3 restart all          -> done
         4 stop all             -> term a#1, term b#2, done
         5 emptied a#1          -> nothing
         5 emptied b#2          -> nothing
         5 next                 -> never",
    );
}

#[test]
fn what_conflicts_is_stopped_first_and_stays_so() {
    check(
        "apache nginx(conflicts apache) site(requires apache)
         0 start site           -> spawn apache#1
         1 ready apache#1       -> spawn site#2
         2 ready site#2         -> done
         3 start nginx          -> term site#2
         3 why nginx            -> nginx waits for apache to stop, with which it conflicts; apache is stopping:
            | waits for site to stop first, as it conflicts with nginx, asked by root; site is stopping: was told to
            | end, for 0 ms of 10 s, as apache, which it requires, stops
         4 emptied site#2       -> term apache#1
         5 emptied apache#1     -> spawn nginx#3
         6 ready nginx#3        -> done
         7 why apache           -> apache was stopped 4 s ago because it conflicts with nginx, asked by root
         8 start apache         -> term nginx#3
         9 emptied nginx#3      -> spawn apache#4
        10 ready apache#4       -> spawn site#5, done
        11 why nginx            -> nginx was stopped 3 s ago because it conflicts with apache, asked by root",
    );
}

#[test]
fn a_conflict_that_stands_is_an_answer_and_no_endless_wait() {
    check(
        "apache nginx(conflicts apache) both(requires nginx)
         0 start apache         -> spawn apache#1
         1 ready apache#1       -> done
         2 pin apache           -> done
         3 start both           -> failed: requires nginx: conflicts with apache, which is running
         4 state apache         -> up #1",
    );
}

#[test]
fn what_conflicts_with_its_own_requirement_does_not_stop_it() {
    check(
        "db odd(requires db, conflicts db)
         0 start odd            -> spawn db#1, failed: conflicts with db, which is running
         1 ready db#1           -> nothing
         1 state odd            -> waiting",
    );
}

#[test]
fn an_enabled_rival_at_boot_waits_and_says_for_whom() {
    check(
        "apache nginx(conflicts apache)
         0 boot apache          -> spawn apache#1
         0 boot nginx           -> nothing
         0 why nginx            -> nginx waits for apache to stop, with which it conflicts; apache is starting:
            | waits for it to say READY=1, for 0 ms of 30 s",
    );
}

#[test]
fn a_skipped_service_counts_as_up_and_is_not_tried_again_for_others() {
    check(
        "probe(daemon) web(requires probe) mail(requires probe)
         0 start web            -> spawn probe#1
         1 exited probe#1 5     -> term-tree probe#1
         1 emptied probe#1      -> spawn web#2
         2 ready web#2          -> done
         3 start mail           -> spawn mail#3
         4 ready mail#3         -> done
         5 start probe          -> spawn probe#4
         5 state web            -> up #2
         6 exited probe#4 0     -> nothing
         7 ready probe#4        -> done",
    );
}

#[test]
fn the_machine_stops_in_order_and_starts_nothing_more() {
    check(
        "db web(requires db) job(oneshot, stop-command)
         0 start web            -> spawn db#1
         1 ready db#1           -> spawn web#2
         2 ready web#2          -> done
         3 start job            -> spawn job#3
         3 exited job#3 0       -> term-tree job#3
         3 emptied job#3        -> done
         4 shutdown             -> term web#2, spawn job#4 stop
         5 start db             -> failed: everything is being stopped, asked by root
         6 exited web#2 0       -> term-tree web#2
         6 emptied web#2        -> term db#1
         7 exited job#4 0       -> kill job#4
        17 tick                 -> kill db#1
        18 emptied db#1         -> complete",
    );
}

#[test]
fn the_machine_is_not_down_while_an_errand_runs() {
    check(
        "web(reload-command)
         0 start web            -> spawn web#1
         1 ready web#1          -> done
         2 reload web           -> spawn web#2 reload
         3 shutdown             -> kill web#2, term web#1
         4 emptied web#1        -> nothing
         5 exited web#2 KILL    -> failed: its reload ended by signal KILL, kill web#2, complete",
    );
}

#[test]
fn who_was_borne_with_once_is_not_borne_with_for_ever() {
    check(
        "db web(requires db)
         0 start web            -> spawn db#1
         1 ready db#1           -> spawn web#2
         2 ready web#2          -> done
         3 restart db --only    -> term db#1
         4 emptied db#1         -> spawn db#3
         5 ready db#3           -> done
         6 exited db#3 1        -> term-tree db#3, term web#2",
    );
}

#[test]
fn a_stop_called_off_in_the_same_breath_leaves_nothing_to_bear_with() {
    check(
        "db web(requires db)
         0 start web                      -> spawn db#1
         1 ready db#1                     -> spawn web#2
         2 ready web#2                    -> done
         3 stop db --only & start db      -> superseded by root, unchanged
         4 exited db#1 1                  -> term-tree db#1, term web#2",
    );
}
