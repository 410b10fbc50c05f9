//! Definitions: what is missing, goes in circles, changes or goes.

use super::check;

#[test]
fn a_requirement_that_is_missing_hurts_only_who_has_it() {
    check(
        "web(requires db) log
         0 start web        -> failed: web requires db, and there is no such service
         0 why web          -> web cannot start: web requires db, and there is no such service
         1 start log        -> spawn log#1
         2 load web(requires db) log db -> nothing
         3 start web        -> spawn db#2",
    );
}

#[test]
fn a_circle_is_told_with_its_whole_path() {
    check(
        "a(requires b) b(requires c) c(after a) d
         0 start a          -> failed: goes in a circle: a requires b, b requires c, c comes after a
         0 start c          -> failed: goes in a circle: a requires b, b requires c, c comes after a
         1 start d          -> spawn d#1",
    );
}

#[test]
fn an_order_of_scripts_that_goes_in_a_circle_is_passed_over() {
    check(
        "a(script, after b) b(script, after a)
         0 start a          -> spawn a#1
         1 exited a#1 0     -> nothing
         1 emptied a#1      -> done",
    );
}

#[test]
fn a_provided_name_stands_for_who_provides_it_enabled_ones_first() {
    check(
        "exim(provides mail) postfix(provides mail, enabled) cron(requires mail)
         0 start cron       -> spawn postfix#1",
    );
}

#[test]
fn a_change_takes_effect_with_the_next_launch() {
    check(
        "web
         0 start web                   -> spawn web#1
         1 load web(executed)          -> nothing
         1 executed web#1              -> nothing
         2 ready web#1                 -> done
         3 load web(executed, watchdog 5) -> nothing
        20 tick                        -> nothing
        20 state web                   -> up #1
        21 restart web                 -> term web#1
        22 emptied web#1               -> spawn web#2
        22 executed web#2              -> done
        27 tick                        -> term web#2",
    );
}

#[test]
fn a_watchdog_that_is_no_longer_written_does_not_bite() {
    check(
        "web(watchdog 5)
         0 start web                   -> spawn web#1
         1 ready web#1                 -> done
         2 load web                    -> nothing
         3 alive web#1                 -> nothing
        20 tick                        -> nothing
        20 state web                   -> up #1",
    );
}

#[test]
fn a_service_whose_definition_goes_stays_until_it_is_down() {
    check(
        "db web(requires db)
         0 start web        -> spawn db#1
         1 ready db#1       -> spawn web#2
         2 ready web#2      -> done
         3 load web(requires db) -> nothing
         4 state db         -> up #1
         4 start db         -> unchanged
         4 restart db       -> failed: its definition is gone
         5 stop db          -> term web#2
         6 emptied web#2    -> term db#1
         7 emptied db#1     -> done, removed db
         7 why web          -> web cannot start: web requires db, and there is no such service",
    );
}

#[test]
fn a_service_down_goes_with_its_definition_and_its_errand_is_waited_for() {
    check(
        "nginx(daemon) web
         0 verb configtest nginx -> spawn nginx#1 configtest
         1 load web              -> nothing
         2 exited nginx#1 0      -> exited with code 0, leave nginx#1
         2 emptied nginx#1       -> removed nginx
         3 load                  -> removed web",
    );
}

#[test]
fn a_new_requirement_that_is_not_up_restarts_who_has_it() {
    check(
        "web
         0 start web                -> spawn web#1
         1 ready web#1              -> done
         2 load db web(requires db) -> term web#1
         3 emptied web#1            -> spawn db#2
         4 ready db#2               -> spawn web#3",
    );
}

#[test]
fn a_script_converted_while_it_runs_is_stopped_by_signal() {
    check(
        "redis(daemon)
         0 start redis      -> spawn redis#1
         1 exited redis#1 0 -> nothing
         1 ready redis#1    -> done
         2 load redis       -> nothing
         3 stop redis       -> term redis#1
         4 exited redis#1 0 -> term-tree redis#1
         4 emptied redis#1  -> done",
    );
}
