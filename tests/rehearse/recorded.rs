//! What a script asks for is told, word by word.

use std::time::Duration;

use svc::rehearse::{By, End, Launch, Rehearsal};

use crate::play::{can_play, play};

fn only(rehearsal: &Rehearsal) -> &Launch {
    match rehearsal.launches.as_slice() {
        [one] => one,
        other => panic!("not one launch: {other:?}\n{}", rehearsal.output),
    }
}

#[test]
fn a_start_is_told_with_exact_words_and_circumstances_and_starts_nothing() {
    if !can_play() {
        return;
    }
    let text = r#"#!/bin/sh
PATH=/sbin:/bin:/usr/sbin:/usr/bin
. /lib/lsb/init-functions
ulimit -n 512
umask 027
export MODE=fast
log_daemon_msg "Starting sleeper" sleeper
WORDS="600 601"
start-stop-daemon --start --quiet --background --make-pidfile --pidfile /run/sleeper.pid --chuid nobody \
    --nicelevel 7 --chdir /var --exec /bin/sleep -- $WORDS "six hundred two" 2>/var/log/sleeper.log
log_end_msg $?
status_of_proc -p /run/sleeper.pid /bin/sleep sleeper && kill -0 $(cat /run/sleeper.pid) && echo "it is there"
start-stop-daemon --start --pidfile /run/sleeper.pid --exec /bin/sleep || echo "not twice"
"#;
    let told = play("sleeper", text, "start");
    let launch = only(&told);
    assert_eq!(launch.by, By::StartStopDaemon);
    assert_eq!(launch.argv, ["/bin/sleep", "600", "601", "six hundred two"]);
    assert_eq!((launch.user.as_deref(), launch.nice, launch.umask), (Some("nobody"), Some(7), Some(0o27)));
    assert_eq!((launch.pid_file.as_deref(), launch.directory.as_deref()), (Some("/run/sleeper.pid"), Some("/var")));
    assert!(launch.background && launch.makes_pid_file);
    assert_eq!(launch.limits["open-files"].hard, Some(512));
    assert_eq!(launch.environment["MODE"].as_deref(), Some("fast"));
    assert_eq!(
        launch.redirections.iter().map(|to| (to.fd, to.to.as_str())).collect::<Vec<_>>(),
        [(2, "/var/log/sleeper.log")]
    );
    assert_eq!(told.end, End::Code(0));
    assert!(
        told.output.contains("Starting sleeper: sleeper.") && told.output.contains("it is there\nnot twice"),
        "{}",
        told.output
    );
    let functions: Vec<&str> = told.said.iter().map(|said| said.function.as_str()).collect();
    assert_eq!(
        functions,
        [
            "log_daemon_msg",
            "log_end_msg",
            "status_of_proc",
            "pidofproc",
            "log_success_msg",
            "log_begin_msg",
            "log_end_msg"
        ]
    );
}

#[test]
fn what_is_made_read_and_set_is_told_and_is_not_there_afterwards() {
    if !can_play() {
        return;
    }
    let text = r#"#!/bin/sh
install -d -m 2750 -o nobody /var/lib/rehearsed/deep
echo 1 >/etc/rehearsed.conf; rm /etc/hostname; chmod 600 /etc/fstab 2>/dev/null || chmod 600 /etc/passwd
mkfifo /run/rehearsed.fifo; ln -s there /etc/rehearsed.link
. /etc/os-release
echo 5 >/proc/sys/vm/swappiness; sysctl -w kernel.panic=9
mount -t tmpfs -o ro,size=1m none /mnt && echo "it seems to work"
exit 3
"#;
    let told = play("maker", text, "start");
    assert_eq!(told.end, End::Code(3));
    let made = |path: &str| {
        told.made.iter().find(|made| made.path == path).unwrap_or_else(|| panic!("{path}: {:?}", told.made))
    };
    let deep = made("/var/lib/rehearsed/deep");
    assert_eq!((deep.kind.as_str(), deep.owner.as_str(), deep.mode), ("directory", "nobody", 0o2750));
    assert_eq!(made("/etc/rehearsed.conf").mode, 0o644);
    assert_eq!(made("/run/rehearsed.fifo").kind, "fifo");
    assert_eq!(made("/etc/rehearsed.link").target.as_deref(), Some("there"));
    assert!(told.made.iter().any(|made| made.only_metadata && made.was_there && made.mode == 0o600), "{:?}", told.made);
    assert_eq!(told.removed, ["/etc/hostname"]);
    assert!(told.read.iter().any(|path| path == "/etc/os-release"), "{:?}", told.read);
    let sysctl = |name: &str| told.sysctls.iter().find(|set| set.name == name).map(|set| set.value.clone());
    assert_eq!(sysctl("vm.swappiness"), Some(None));
    assert_eq!(sysctl("kernel.panic"), Some(Some("9".to_owned())));
    let mount = told.mounts.first().unwrap();
    assert_eq!((mount.kind.as_str(), mount.target.as_str()), ("tmpfs", "/mnt"));
    assert!(told.output.contains("it seems to work"), "{}", told.output);
    for path in ["/var/lib/rehearsed", "/etc/rehearsed.conf", "/run/rehearsed.fifo", "/etc/rehearsed.link"] {
        assert!(!std::path::Path::new(path).exists(), "{path} is there for real");
    }
    assert!(std::path::Path::new("/etc/hostname").exists());
}

#[test]
fn a_program_that_the_script_starts_by_itself_is_seen_and_marked() {
    if !can_play() {
        return;
    }
    let told = play("own", "#!/bin/sh\ncd /var\ntail -f /dev/null >/dev/null 2>&1 &\n", "start");
    let launch = only(&told);
    assert_eq!((launch.by, launch.argv.join(" ").as_str()), (By::Bypass, "tail -f /dev/null"));
    assert_eq!(launch.directory.as_deref(), Some("/var"));
    assert!(launch.program.ends_with("/tail"));
}

#[test]
fn wrappers_are_recorded_and_what_only_asks_is_answered() {
    if !can_play() {
        return;
    }
    let text = r#"#!/bin/sh
who=$(su nobody -s /bin/sh -c 'id -un'); echo "asked: $who"
su nobody -s /bin/sh -c 'touch /tmp/by-nobody'
su nobody -s /bin/sh -c 'exec /usr/sbin/absent -f'
nohup setsid /usr/sbin/other -x >/var/log/other.log 2>&1 &
wait
"#;
    let told = play("wraps", text, "start");
    assert!(told.output.contains("asked: nobody"), "{}", told.output);
    assert!(told.made.iter().any(|made| made.path == "/tmp/by-nobody" && made.owner == "nobody"), "{:?}", told.made);
    let launches: Vec<_> = told.launches.iter().map(|launch| (launch.by, launch.argv.join(" "))).collect();
    let wanted = [(By::Su, "/usr/sbin/absent -f".to_owned()), (By::Nohup, "/usr/sbin/other -x".to_owned())];
    assert_eq!(launches, wanted);
    assert_eq!(told.launches[0].user.as_deref(), Some("nobody"));
    assert!(told.launches[1].redirections.iter().all(|to| to.to == "/var/log/other.log"));
}

const DAEMON: &str = r#"#!/bin/sh
. /lib/lsb/init-functions
case $1 in
start) start_daemon -p /run/d.pid /usr/sbin/d --flag ;;
stop) killproc -p /run/d.pid /usr/sbin/d ;;
reload) kill -HUP "$(cat /run/d.pid)" ;;
restart) start-stop-daemon --stop --retry 5 --pidfile /run/d.pid; sleep 60; start_daemon -p /run/d.pid /usr/sbin/d ;;
esac
"#;

#[test]
fn signals_and_stops_meet_what_was_started_before() {
    if !can_play() {
        return;
    }
    let reload = play("d", DAEMON, "reload");
    let stops = |told: &Rehearsal| {
        told.stops.iter().map(|stop| (stop.by.clone(), stop.signal.clone(), stop.met)).collect::<Vec<_>>()
    };
    assert_eq!(stops(&reload), [("kill".to_owned(), "HUP".to_owned(), true)], "{}", reload.output);
    assert_eq!(reload.stops[0].program.as_deref(), Some("/usr/sbin/d"));
    assert!(reload.launches.is_empty());
    let stop = play("d", DAEMON, "stop");
    assert_eq!(stops(&stop), [("killproc".to_owned(), "TERM".to_owned(), true)]);
    let restart = play("d", DAEMON, "restart");
    assert_eq!(stops(&restart), [("start-stop-daemon".to_owned(), "TERM".to_owned(), true)]);
    assert_eq!(only(&restart).argv, ["/usr/sbin/d"]);
    assert!(restart.took < Duration::from_secs(5), "waiting is no part of a rehearsal: {:?}", restart.took);
}

#[test]
fn other_worlds_have_their_recorders_too() {
    if !can_play() {
        return;
    }
    let rc = r#"#!/bin/sh
. /etc/rc.subr
name=web; rcvar=web_enable; web_enable=YES
load_rc_config web
pidfile=/var/run/web.pid; command=/bin/sleep; command_args="-f 'a b'"; web_user=nobody; web_nice=3
run_rc_command "$1"
"#;
    let told = play("web", rc, "start");
    let launch = only(&told);
    assert_eq!((launch.by, launch.argv.join("|").as_str()), (By::RcSubr, "/bin/sleep|-f|a b"));
    assert_eq!((launch.user.as_deref(), launch.nice), (Some("nobody"), Some(3)));
    assert_eq!(launch.pid_file.as_deref(), Some("/var/run/web.pid"));
    let red_hat = r#"#!/bin/bash
. /etc/rc.d/init.d/functions
daemon --user nobody --pidfile /var/run/r.pid /usr/sbin/r -f
"#;
    let told = play("r", red_hat, "start");
    let launch = only(&told);
    assert_eq!((launch.by, launch.argv.join(" ").as_str()), (By::DaemonFunction, "/usr/sbin/r -f"));
    assert_eq!((launch.user.as_deref(), launch.pid_file.as_deref()), (Some("nobody"), Some("/var/run/r.pid")));
}
