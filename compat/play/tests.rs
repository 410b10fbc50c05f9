//! Small scripts played.

use super::*;

/// Packages that were unpacked somewhere, none of which has a file that these scripts ask for.
struct Unpacked;

impl Machine for Unpacked {
    fn is_partial(&self) -> bool {
        true
    }

    fn read(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn real(&self, _: &str) -> Option<String> {
        None
    }

    fn is_directory(&self, _: &str) -> bool {
        false
    }

    fn is_file(&self, _: &str) -> bool {
        false
    }

    fn is_program(&self, _: &str) -> bool {
        false
    }

    fn has_text(&self, _: &str) -> bool {
        false
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn played(text: &str, verb: &str) -> Record {
    let running = verb != "start";
    play(
        &Unpacked,
        Piece { path: "/etc/init.d/web", text: text.as_bytes(), style: Style::Own, verb, running, granted: &[] },
    )
}

fn command(text: &str) -> String {
    played(text, "start").launches.last().map(|launch| launch.command.join(" ")).unwrap_or_default()
}

#[test]
fn what_a_shell_of_its_own_prints_is_known() {
    let text = "A=$(/bin/sh -c 'B=one; echo \"$B $1\"' name two); start-stop-daemon -S -x /bin/x -- $A$B";
    assert_eq!(command(text), "/bin/x one two");
    assert!(command("A=$(sh -c web-key); start-stop-daemon -S -x /bin/x -- $A").contains(UNKNOWN));
}

#[test]
fn words_become_what_a_shell_makes_of_them() {
    let cases = [
        ("A='one two'; start-stop-daemon -S -x /bin/x -- $A \"$A\"", "/bin/x one two one two"),
        (
            "A=/usr/sbin/web.pl; start-stop-daemon -S -x /bin/x -- ${A##*/} ${A%.pl} ${B:-no} ${A:+yes}",
            "/bin/x web.pl /usr/sbin/web no yes",
        ),
        ("f() { start-stop-daemon -S -x /bin/x -- \"$@\"; }\nf a 'b c'", "/bin/x a b c"),
        ("N=$(basename /usr/bin/web); start-stop-daemon -S -x /bin/$N -- $((2 + 3 * 4))", "/bin/web 14"),
        ("P=`echo 'pid=7' | cut -d= -f2`; start-stop-daemon -S -x /bin/x -- $P", "/bin/x 7"),
        (
            "P=/run/x; start-stop-daemon -S ${P:+--pidfile $P} -x /bin/x -- ${P:+-p \"$P $P\"}",
            "/bin/x -p /run/x /run/x",
        ),
        (
            "O='-c -m /run/x'; D=`echo \"$O\" | xargs -n 1 echo | sed -n '/^-m$/{n;p}'`; \
             start-stop-daemon -S -x /bin/x -- $D",
            "/bin/x /run/x",
        ),
        (
            "L=`echo '::1 ::2' | perl -pe 's/(\\S+)/-l $1/g'`; start-stop-daemon -S -x /bin/x -- $L",
            "/bin/x -l ::1 -l ::2",
        ),
        ("set -- -a -b; shift; start-stop-daemon --start --exec /bin/x -- \"$@\"", "/bin/x -b"),
    ];
    for (text, wanted) in cases {
        assert_eq!(command(text), wanted, "{text}");
    }
}

#[test]
fn some_of_the_arguments_are_arguments_still() {
    let text = |words: &str| format!("f() {{ start-stop-daemon -S -x /bin/x -- {words}; }}\nf a 'b c' d");
    assert_eq!(played(&text("\"${@:2}\""), "start").launches[0].command, ["/bin/x", "b c", "d"]);
    assert_eq!(command(&text("${@:1:1} ${*:3}")), "/bin/x a d");
    assert_eq!(played("f() { /bin/x \"$@\" \"\" & }; f", "start").launches[0].command, ["/bin/x", ""]);
    // Beside a function there is the verb, and nothing behind it.
    assert_eq!(command("start-stop-daemon -S -x /bin/x -- \"${@:2}\""), "/bin/x");
}

#[test]
fn another_daemon_is_not_there_because_one_was_started() {
    let text = "go() {\n start-stop-daemon --start --test --exec $1 || return 1\n\
                start-stop-daemon --start --exec $1\n}\ngo /bin/one\ngo /bin/two\ngo /bin/one\n";
    let record = played(text, "start");
    assert_eq!(
        record.launches.iter().map(|launch| &launch.command[0][..]).collect::<Vec<_>>(),
        ["/bin/one", "/bin/two"]
    );
}

#[test]
fn a_program_is_there_several_times_where_each_has_a_pid_file_of_its_own() {
    let text = "for c in a b; do\n start-stop-daemon -S --test -p /run/$c.pid -x /bin/x || exit 1\n\
                start-stop-daemon -S -p /run/$c.pid -x /bin/x -- $c\ndone\n";
    let record = played(text, "start");
    let commands: Vec<_> = record.launches.iter().map(|launch| (launch.command.join(" "), launch.repeated)).collect();
    assert_eq!(commands, [("/bin/x a".to_string(), true), ("/bin/x b".to_string(), true)]);
}

#[test]
fn what_fails_ends_a_script_whose_first_line_says_so() {
    let text = |first: &str| format!("{first}\nlog_end_msg 1\nstart-stop-daemon -S -x /bin/x\n");
    let ran = |first: &str| played(&text(first), "stop").launches.len();
    assert_eq!((ran("#!/bin/sh -e"), ran("#! /bin/sh -ue"), ran("#!/bin/sh"), ran("#!/bin/bash -x")), (0, 0, 1, 1));
}

#[test]
fn a_pattern_that_nothing_matched_is_no_file() {
    let text = "for c in /etc/web.conf /etc/web/*.conf; do\n [ -e $c ] || continue\n\
                start-stop-daemon -S -p /run/$c.pid -x /bin/x -- $c\ndone\n";
    let record = played(text, "start");
    assert_eq!(
        record.launches.iter().map(|launch| launch.command.join(" ")).collect::<Vec<_>>(),
        ["/bin/x /etc/web.conf"]
    );
}

#[test]
fn what_start_and_stop_both_run_only_asks() {
    let text = "case $1 in\nstart) /usr/sbin/webd -s && exit 0; /usr/sbin/webd -d;;\n\
                stop) /usr/sbin/webd -s || exit 0; /usr/sbin/webd -k;;\nesac\n";
    let record = played(text, "start");
    let commands: Vec<_> = record.launches.iter().map(|launch| launch.command.join(" ")).collect();
    assert_eq!(commands, ["/usr/sbin/webd -s", "/usr/sbin/webd -d"]);
    // A text without verbs starts what it runs.
    assert_eq!(command("/usr/sbin/webd -s && exit 0; /usr/sbin/webd -d"), "/usr/sbin/webd -s");
}

#[test]
fn a_variable_that_is_read_or_gone_through_is_made_of_what_the_text_was_made_of() {
    let roots = |text: &str| played(text, "start").launches[0].roots.clone();
    let read = "L='one -a'; echo \"$L\" | while read n a; do start-stop-daemon -S -x /bin/x -- $a; done";
    assert!(roots(read).contains("L"));
    assert!(roots("L=one; read a <<E\n$L\nE\nstart-stop-daemon -S -x /bin/x -- $a").contains("L"));
    assert!(roots("L=one; for a in $L; do start-stop-daemon -S -x /bin/x -- $a; done").contains("L"));
    assert!(!roots("L=one; for a in one; do start-stop-daemon -S -x /bin/x -- $a; done").contains("L"));
}

#[test]
fn what_stands_in_a_loop_without_an_end_is_started_again() {
    let again = |text: &str| played(text, "start").launches.last().map(|launch| launch.again);
    assert_eq!(again("while (true) do /usr/sbin/webd; case $? in 0) exit;; esac; done"), Some(true));
    assert_eq!(again("while :; do eval /usr/sbin/webd; done"), Some(true));
    assert_eq!(again("while [ ! -e /x ]; do /usr/sbin/webd; done"), Some(false));
    assert_eq!(again("while true; do break; done; /usr/sbin/webd"), Some(false));
}

#[test]
fn what_is_written_to_a_file_is_known() {
    let record = played("A=-x\ncat >/var/cache/web.env <<E\nARGS=$A\nE\necho B=1 >>/var/cache/web.env\n", "before");
    assert_eq!(record.written.get("/var/cache/web.env").map(String::as_str), Some("ARGS=-x\nB=1\n"));
}

#[test]
fn what_may_fail_is_done_all_the_same() {
    let record = played("set -e\n(/usr/sbin/web stop || true)\nfalse || :\n/usr/sbin/web forget", "stop");
    let ran: Vec<_> = record.ran.iter().filter(|ran| !ran.asked).map(|ran| ran.command.join(" ")).collect();
    assert_eq!(ran, ["/usr/sbin/web stop", "/usr/sbin/web forget"]);
}

#[test]
fn what_the_function_of_a_verb_runs_is_no_question() {
    let text = "up() { /usr/sbin/web --state; }\ndo_stop() { up || return 0; /usr/sbin/web stop; A[0]=x; }\n\
                if do_stop; then echo done; fi";
    let ran: Vec<_> = played(text, "stop").ran.iter().map(|ran| (ran.command.join(" "), ran.asked)).collect();
    let wanted = [("/usr/sbin/web --state", true), ("/usr/sbin/web stop", false)];
    assert_eq!(ran, wanted.map(|(command, asked)| (command.to_string(), asked)));
    assert!(played("/usr/lib/web/config_check /etc/web", "start").launches.iter().all(|one| !looks_like_daemon(one)));
}

#[test]
fn what_the_machine_tells_is_no_word() {
    let shows = |text: &str| shown(&command(text));
    assert_eq!(shows("N=$(hostname -s); start-stop-daemon -S -x /bin/x -- -n $N"), "/bin/x -n $(hostname -s)");
    assert_eq!(shows("N=`hostname`; start-stop-daemon -S -x /bin/x -- ${N%%.*} ${N#a}"), "/bin/x $(hostname -s) ?");
    assert_eq!(shows("start-stop-daemon -S -x /bin/x -- -j$(nproc) $(hostname -i)"), "/bin/x -j$(nproc) ?");
    assert_eq!(shows("start-stop-daemon -S -x /bin/x -- $(hostname | cut -d. -f 1)"), "/bin/x $(hostname -s)");
    assert_eq!(shows("start-stop-daemon -S -x /bin/x -- $(uname -n | tr A-Z a-z)"), "/bin/x ?");
    // What is asked about it is not known.
    let record = played("[ $(hostname) = web ] && start-stop-daemon -S -x /bin/x", "start");
    assert!(record.assumed.iter().any(|assumed| !assumed.against), "{:?}", record.assumed);
    assert!(!record.launches[0].is_unsure());
    let record = played("start-stop-daemon -S -x /bin/x -- -P $(ip route show | awk '{print $3}')", "start");
    assert!(record.asks_network && record.launches[0].is_unsure());
    assert_eq!(
        shows("date | while read day time; do start-stop-daemon -S -x /bin/x -- $day $time; done"),
        "/bin/x ? ?"
    );
    assert!(!played("ip link set lo up; start-stop-daemon -S -x /bin/x", "start").asks_network);
}

#[test]
fn what_a_value_is_made_of_is_known() {
    let text = "A=; [ -z \"$A\" ] && exit 0\nB=\"-h $A\"\nC=\"$B -v\"\nstart-stop-daemon -S -x /bin/x -p $P -- $C";
    let record = played(text, "start");
    let about: Vec<_> = record.assumed.iter().filter(|one| one.against).flat_map(|one| &one.about).collect();
    assert_eq!(about, ["A"]);
    assert_eq!(record.launches[0].roots.iter().collect::<Vec<_>>(), ["A", "B", "C"]);
}

#[test]
fn starters_are_followed_and_what_they_do_is_said() {
    let launched = |text: &str| {
        let launch = played(text, "start").launches.pop().expect("a launch");
        let context = launch.context;
        (launch.command.join(" "), context.user.unwrap_or_default(), context.unsaid.join(" "), context.limits)
    };
    let (command, user, unsaid, _) = launched("taskset -c 0 ionice -c3 /usr/sbin/webd -v &");
    assert_eq!((&command[..], &user[..], &unsaid[..]), ("/usr/sbin/webd -v", "", "taskset -c 0 ionice -c3"));
    let (command, user, ..) = launched("setpriv --reuid=www --regid www --clear-groups /usr/sbin/webd &");
    assert_eq!((&command[..], &user[..]), ("/usr/sbin/webd", "www"));
    let (command, user, ..) = launched("su -s /bin/sh -c 'exec \"$0\" \"$@\" &' www -- /usr/sbin/webd -a 'b c'");
    assert_eq!((&command[..], &user[..]), ("/usr/sbin/webd -a b c", "www"));
    let (command, _, _, limits) = launched("prlimit --nofile=64:128 /usr/sbin/webd &");
    assert_eq!((&command[..], limits.get("n").map(String::as_str)), ("/usr/sbin/webd", Some("64")));
    let (command, user, ..) = launched("capsh --user=www -- -c '/usr/sbin/webd -x' &");
    assert_eq!((&command[..], &user[..]), ("/usr/sbin/webd -x", "www"));
    let (command, ..) = launched("start-stop-daemon -S -x /bin/sh -- -c 'exec /usr/sbin/webd $1' sh -q");
    assert_eq!(command, "/usr/sbin/webd -q");
}

#[test]
fn only_the_arm_of_the_verb_is_played() {
    let text = "case \"$1\" in\n start) start-stop-daemon --start --exec /bin/on ;;\n \
                reload) start-stop-daemon --stop --signal HUP --pidfile /run/x.pid ;;\nesac";
    assert_eq!(command(text), "/bin/on");
    let record = played(text, "reload");
    assert_eq!(record.sent.iter().map(|sent| sent.signal.as_str()).collect::<Vec<_>>(), ["HUP"]);
}

#[test]
fn a_switch_that_is_off_is_turned_round_and_said() {
    let text = "ENABLED=no\n[ \"$ENABLED\" = yes ] || exit 0\nstart-stop-daemon --start --exec /bin/x";
    let record = played(text, "start");
    assert_eq!(record.launches.len(), 1);
    assert!(record.assumed.iter().any(|assumed| assumed.against && assumed.spot.line == 2), "{:?}", record.assumed);
}

#[test]
fn wrappers_tell_as_whom_and_that_it_stays() {
    let record = played("su -s /bin/sh -c 'nohup /opt/x/run -v &' www", "start");
    let launch = &record.launches[0];
    assert_eq!((launch.command.join(" ").as_str(), launch.background), ("/opt/x/run -v", true));
    assert_eq!(launch.context.user.as_deref(), Some("www"));
}

#[test]
fn a_pid_file_leads_to_the_daemon() {
    let text = "[ -f /run/web.pid ] && kill -HUP $(cat /run/web.pid)";
    assert_eq!(played(text, "reload").sent[0].signal, "HUP");
    assert!(played(text, "start").launches.is_empty());
}

#[test]
fn what_never_ends_is_left() {
    for text in [
        "f() { f; }; f",
        "while true; do :; done",
        "x=$(f() { $(f); }; f)",
        "while :; do x=$x$x$x.; done",
        "while :; do break 0; done",
    ] {
        assert!(played(text, "start").launches.is_empty(), "{text}");
    }
}
