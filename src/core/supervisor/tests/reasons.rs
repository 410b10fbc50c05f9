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
         5 why db          -> db is stopping: was told to end, for 3 s of 12 s, to start again, asked by root
         5 emptied db#1    -> spawn db#3
         6 ready db#3      -> spawn web#4, done
         6 executed web#4  -> nothing
         7 stop web        -> term web#4
         8 emptied web#4   -> done
         9 why db          -> db is up: asked by root 7 s ago",
    );
}
