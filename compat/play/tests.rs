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
        ("set -- -a -b; shift; start-stop-daemon --start --exec /bin/x -- \"$@\"", "/bin/x -b"),
    ];
    for (text, wanted) in cases {
        assert_eq!(command(text), wanted, "{text}");
    }
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
