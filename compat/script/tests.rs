//! Scripts as they are found in the wild, read whole.

use svc_core::service::Dialect;

use super::{Style, read, read_sourcing, why_not};

const DEBIAN: &str = r#"#!/bin/sh
### BEGIN INIT INFO
# Provides:          web web-server
# Required-Start:    $remote_fs $syslog
# Required-Stop:     $remote_fs
# Should-Start:      db
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: a web server
# Description:       It serves
#                    the web.
### END INIT INFO
NAME=web
DAEMON=/usr/sbin/$NAME
PIDFILE=${PIDDIR:-/run}/$NAME.pid
[ -x "$DAEMON" ] || exit 0
. /lib/lsb/init-functions
do_start() {
    if ! start-stop-daemon --start --quiet -p "$PIDFILE" --exec $DAEMON -- -f /etc/web; then return 2; fi
}
case "$1" in
    start) do_start ;;
    stop|force-stop) start-stop-daemon -K -p $PIDFILE ;;
    configtest) $DAEMON -t ;;
    *) echo "Usage: $0 {start|stop}" >&2; exit 3 ;;
esac
"#;

#[test]
fn a_debian_script_is_read() {
    let script = read("web", DEBIAN.as_bytes());
    assert_eq!(script.dialect, Dialect::Initd);
    assert_eq!(script.description, "a web server");
    assert_eq!(script.provides, ["web", "web-server"]);
    assert_eq!(script.required_start, ["$remote_fs", "$syslog"]);
    assert_eq!(script.should_start, ["db"]);
    assert_eq!(script.default_start, ["2", "3", "4", "5"]);
    assert_eq!(script.verbs, ["start", "stop", "force-stop", "configtest"]);
    assert!(script.daemon);
    assert_eq!(script.pid_files, ["/run/web.pid"]);
    assert_eq!(script.programs, ["/usr/sbin/web"]);
    assert_eq!(script.sources, ["/lib/lsb/init-functions"]);
    assert_eq!(script.notes, []);
}

#[test]
fn an_rc_d_script_is_read() {
    let text = "#!/bin/sh\n\n# PROVIDE: gold\n# REQUIRE: LOGIN\n# KEYWORD: shutdown\n\n. /etc/rc.subr\n\n\
                name=\"gold\"\ndesc=\"Gold daemon\"\nrcvar=\"gold_enable\"\n\
                load_rc_config $name\n: ${gold_enable:=\"NO\"}\n\
                pidfile=\"/var/run/${name}.pid\"\ncommand=\"/usr/local/sbin/${name}d\"\n\
                extra_commands=\"reload configtest\"\nrun_rc_command \"$1\"\n";
    let script = read("gold", text.as_bytes());
    assert_eq!((script.dialect, script.style), (Dialect::Rcd, Style::RcSubr));
    assert_eq!(script.provides, ["gold"]);
    assert_eq!(script.required_start, ["LOGIN"]);
    assert_eq!(script.keywords, ["shutdown"]);
    assert_eq!(script.rcvar.as_deref(), Some("gold_enable"));
    assert_eq!(script.description, "Gold daemon");
    assert!(script.daemon);
    assert_eq!(script.pid_files, ["/var/run/gold.pid"]);
    assert_eq!(script.programs, ["/usr/local/sbin/goldd"]);
    assert!(script.verbs.iter().any(|verb| verb == "configtest"));
}

#[test]
fn the_variable_that_enables_a_script_is_found_in_each_spelling() {
    let read = |line: &str| {
        let text = format!("# PROVIDE: gold\n. /etc/rc.subr\nname=gold\n{line}\nrun_rc_command $1\n");
        super::read("gold", text.as_bytes()).rcvar
    };
    for line in ["rcvar=gold_enable", "rcvar=\"${name}_enable\"", "rcvar=`set_rcvar`", "rcvar=$(set_rcvar gold)"] {
        assert_eq!(read(line).as_deref(), Some("gold_enable"), "{line}");
    }
    assert_eq!(read("rcvar=$name").as_deref(), Some("gold"));
    assert_eq!((read("rcvar="), read("x=1")), (None, None));
}

#[test]
fn an_openrc_script_is_read() {
    let text = "#!/sbin/openrc-run\ncommand=/usr/bin/gold\npidfile=/run/${RC_SVCNAME}.pid\ncommand_background=yes\n\
                extra_started_commands=\"reload\"\ndepend() {\n\tneed net !old old\n\tafter firewall\n}\n";
    let script = read("gold.main", text.as_bytes());
    assert_eq!(script.dialect, Dialect::Openrc);
    assert_eq!(script.required_start, ["net"]);
    assert_eq!(script.should_start, ["firewall"]);
    assert_eq!(script.pid_files, ["/run/gold.main.pid"]);
    assert!(script.daemon && script.verbs.iter().any(|verb| verb == "reload"));
}

#[test]
fn a_boot_script_leaves_no_daemon() {
    let text = "#!/bin/sh\ncase \"$1\" in start) hostname -F /etc/hostname ;; stop) ;; esac\n";
    assert!(!read("hostname.sh", text.as_bytes()).daemon);
    assert!(!read("networking", DEBIAN.as_bytes()).daemon);
}

#[test]
fn a_script_that_is_switched_off_leaves_no_daemon() {
    let daemon = |switch: &str, default: &str| {
        let text = DEBIAN.replace(". /lib/lsb/init-functions", &format!(". /etc/default/web\n{switch}"));
        read_sourcing("web", text.as_bytes(), &mut |_| Some(default.as_bytes().to_vec())).daemon
    };
    for switch in [
        "[ \"$ENABLED\" = \"yes\" ] || exit 0",
        "if [ \"x$ENABLED\" != \"xyes\" ]; then\n  echo \"see /etc/default\"\n  exit 0\nfi",
        "test \"$ENABLED\" != yes && exit 0",
        "if [ \"$ENABLED\" = no ] && [ \"$1\" != stop ]; then exit 0; fi",
    ] {
        assert!(daemon(switch, "ENABLED=yes\n"), "{switch}");
        assert!(!daemon(switch, "ENABLED=no\n"), "{switch}");
        assert!(daemon(switch, "ENABLED=$(hostname)\n"), "{switch}");
    }
    assert!(daemon("if [ \"$ENABLED\" = no ]; then echo; fi\n[ -x /bin/x ] || exit 0", "ENABLED=no\n"));
    assert!(daemon("[ \"$VERBOSE\" = no ] && exit 0", "VERBOSE=no\n"));
    let two = "if [ \"$ENABLED\" != yes ] && [ \"$ENABLED\" != YES ]; then exit 0; fi";
    assert!(daemon(two, "ENABLED=yes\n"));
}

#[test]
fn what_is_no_service_says_why() {
    for name in
        ["README", "skeleton", "rc", "rcS", "halt", "svcd", "web.dpkg-old", "web~", "web.sample", "umountfs", ".hidden"]
    {
        assert!(why_not(name).is_some(), "{name}");
    }
    assert_eq!(why_not("ssh"), None);
}

#[test]
fn the_pid_file_of_start_daemon_is_no_program() {
    let text =
        "#!/bin/sh\nP=/run/clock.pid\ncase $1 in start) start_daemon -n 5 -p $P /usr/sbin/clockd $OPTS ;; esac\n";
    let script = read("clock", text.as_bytes());
    assert!(script.daemon);
    assert_eq!(script.pid_files, ["/run/clock.pid"]);
    assert_eq!(script.programs, ["/usr/sbin/clockd"]);
}

#[test]
fn what_a_script_sources_counts_at_its_place() {
    let text = "#!/bin/sh\nNAME=gold\nPIDFILE=/run/old.pid\nDAEMON=/usr/sbin/old\n\
                [ -r /etc/default/$NAME ] && . /etc/default/$NAME\nDAEMON=/usr/sbin/$KIND\n\
                start-stop-daemon --start --pidfile $PIDFILE --exec $DAEMON\n";
    let script = read_sourcing("gold", text.as_bytes(), &mut |path| match path {
        "/etc/default/gold" => Some(b". /etc/default/common\nPIDFILE=$DIR/$NAME.pid\n".to_vec()),
        "/etc/default/common" => Some(b"DIR=/run/gold\nKIND=goldd\n. /etc/default/common\n".to_vec()),
        _ => None,
    });
    assert_eq!(script.pid_files, ["/run/gold/gold.pid"]);
    assert_eq!(script.programs, ["/usr/sbin/goldd"]);
    assert_eq!(script.sources, ["/etc/default/gold"]);
}

#[test]
fn sessions_and_jobs_outlive_their_daemon() {
    let text = DEBIAN.replace("/usr/sbin/$NAME", "/usr/sbin/sshd");
    assert!(read("openssh", text.as_bytes()).leaves_children());
    assert!(read("cron", DEBIAN.as_bytes()).leaves_children());
    assert!(!read("web", DEBIAN.as_bytes()).leaves_children());
}

#[test]
fn options_in_a_variable_are_read() {
    let text = "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: web\n### END INIT INFO\nSTART=\"--start \
                --pidfile /run/web.pid --startas /usr/sbin/web\"\n\n\
                case \"$1\" in start) start-stop-daemon $START -- -f ;; esac\n";
    let script = read("web", text.as_bytes());
    assert!(script.daemon);
    assert_eq!((script.pid_files, script.programs), (vec!["/run/web.pid".into()], vec!["/usr/sbin/web".into()]));
}

#[test]
fn a_command_left_in_the_background_by_start_is_a_daemon() {
    let text = |arm: &str| format!("#!/bin/sh\ncase \"$1\" in {arm}) /usr/bin/safe \"$@\" 2>&1 | logger & ;; esac\n");
    assert!(read("db", text("'start'").as_bytes()).daemon);
    assert!(!read("db", text("rotate").as_bytes()).daemon);
}

#[test]
fn a_pid_file_that_nothing_uses_is_no_daemon() {
    let text = "#!/bin/sh\nPIDFILE=/run/x.pid\ncase \"$1\" in start) /usr/bin/x restore ;; stop) ;; esac\n";
    assert!(!read("x", text.as_bytes()).daemon);
}

/// Each of these is bad in its own way, and large; none may cost more than a moment.
#[test]
fn large_and_bad_input_is_survived() {
    let long = |piece: &str, bytes: usize| piece.repeat(bytes / piece.len()).into_bytes();
    let mut inputs = vec![vec![0; 50 << 20], vec![0xe9; 1 << 20]];
    for piece in [
        "${",
        "$(",
        "\"`",
        "'",
        "{ ",
        "( ",
        ")",
        "case x in ",
        "a=$a$a$a$a\n",
        "<<E\n",
        "x() {\n",
        "# Provides: x\\\n",
        "`\\",
        "apidfile1=/x\n",
    ] {
        inputs.push(long(piece, 1 << 18));
        inputs.push([b"### BEGIN INIT INFO\n# Provides: ".to_vec(), long(piece, 1 << 18)].concat());
    }
    let begun = std::time::Instant::now();
    for input in &inputs {
        read("x", input);
        crate::header::rcd::lenient(input, &mut Vec::new());
        drop(crate::header::redhat::read("x", input));
        crate::header::systemd::read("x", input);
        crate::header::insserv::Strict::read(input);
    }
    let each = begun.elapsed() / u32::try_from(inputs.len()).unwrap();
    // What grows with the square of its size would take hours; an emulated machine takes seconds.
    assert!(each < std::time::Duration::from_secs(60), "{each:?} for each");
}

#[test]
fn latin_1_and_carriage_returns_are_read() {
    let text = DEBIAN.replace("a web server", "un d\u{e9}mon").replace('\n', "\r\n");
    let latin: Vec<u8> = text.chars().map(|found| u8::try_from(u32::from(found)).unwrap()).collect();
    let script = read("web", &latin);
    assert_eq!(script.description, "un d\u{e9}mon");
    assert_eq!(script.provides, ["web", "web-server"]);
    assert_eq!(script.verbs, ["start", "stop", "force-stop", "configtest"]);
    assert!(script.notes.iter().any(|note| note.text.contains("carriage returns")));
}

#[test]
fn a_program_that_is_told_to_become_a_daemon_is_one() {
    let text = |flag: &str| {
        format!("#!/bin/sh\nDAEMON=/usr/sbin/found\ncase $1 in start) $DAEMON -c && exit; $DAEMON {flag} ;; esac\n")
    };
    assert!(read("found", text("-D").as_bytes()).daemon);
    assert!(!read("found", text("--once").as_bytes()).daemon);
}
