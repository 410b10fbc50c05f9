//! Why a service is where it is.

use super::check;

#[test]
fn an_end_that_nobody_saw_is_told_as_such() {
    check(
        "web(never) db(never)
         0 start web      -> spawn web#1
         0 start db       -> spawn db#2
         1 ready web#1    -> done
         1 ready db#2     -> done
         2 stopping web#1 -> nothing
         3 emptied web#1  -> nothing
         3 why web        -> web ended by itself as it had said, nobody saw how
         4 emptied db#2   -> nothing
         4 why db         -> db failed: all its processes are gone, nobody saw how",
    );
}

#[test]
fn who_stops_says_why_it_stops() {
    check(
        "db web(requires db, executed) log(wants db)
         0 start web       -> spawn db#1
         1 ready db#1      -> spawn web#2
         1 executed web#2  -> done
         2 restart db      -> term web#2
         3 why web         -> web is stopping: was told to end, for 1 s of 10 s, as db, which it requires, stops; db is
            | stopping: waits for web to stop first, to start again, asked by root
         4 emptied web#2   -> term db#1
         5 why db          -> db is stopping: was told to end, for 1 s of 10 s (3 s in all), to start
            | again, asked by root
         5 emptied db#1    -> spawn db#3
         6 ready db#3      -> spawn web#4, done
         6 executed web#4  -> nothing
         7 stop web        -> term web#4
         8 emptied web#4   -> done
         9 why db          -> db is up: asked by root 7 s ago",
    );
}

#[test]
fn who_starts_says_what_its_readiness_waits_for() {
    check(
        "bus hub(ready tcp [::1]:80) cache(ready unix /run/c) line(ready notify-fd 3) late(ready command pg_isready -q)
         | mark(ready pid-file /run/m.pid) once(oneshot) fork(pid-file /run/f.pid) old(daemon)
         0 start bus        -> spawn bus#1
         0 start hub        -> spawn hub#2
         0 start cache      -> spawn cache#3
         0 start line       -> spawn line#4
         0 start late       -> spawn late#5
         0 start mark       -> spawn mark#6
         0 start once       -> spawn once#7
         0 start fork       -> spawn fork#8
         0 start old        -> spawn old#9
         5 why bus          -> bus is starting: waits for it to say READY=1, for 5 s of 30 s
         5 why hub          -> hub is starting: waits for an answer on tcp [::1]:80, for 5 s of 30 s
         5 why cache        -> cache is starting: waits for an answer on /run/c, for 5 s of 30 s
         5 why line         -> line is starting: waits for a line on its descriptor 3, for 5 s of 30 s
         5 why late         -> late is starting: waits for its ready command to succeed, for 5 s of 30 s
         5 why mark         -> mark is starting: waits for its pid in /run/m.pid, for 5 s of 30 s
         5 why once         -> once is starting: waits for its command to return, for 5 s of 30 s
         5 why fork         -> fork is starting: waits for its command to return, for 5 s of 30 s
         5 why old          -> old is starting: waits for its script to return, for 5 s of 30 s
         6 exited fork#8 0  -> nothing
         7 why fork         -> fork is starting: waits for its daemon's pid in /run/f.pid, for 7 s of 30 s
         8 extend bus#1 60  -> nothing
         9 why bus          -> bus is starting: waits for it to say READY=1, for 9 s of 68 s",
    );
}

#[test]
fn patience_that_began_anew_is_told_with_its_own_length() {
    check(
        "web db(executed)
         0 start web       -> spawn web#1
        20 crash           -> nothing
        29 why web         -> web is starting: waits for it to say READY=1, for 9 s of 30 s (29 s in all)
        30 start db        -> spawn db#2
        30 executed db#2   -> done
        31 stop db         -> term db#2
        33 exited db#2 0   -> term-tree db#2
        34 why db          -> db is stopping: its main process is gone, others of its tree were told to end, for 3 s of
            | 10 s, asked by root",
    );
}
