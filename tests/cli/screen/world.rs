//! A daemon with a service in every state, names of every length and letters of every width.

use std::time::Duration;

use svc::wire::{
    Checked, Finding, Hello, Level, Line, LogLine, Process, Reply, Request, StateName, Status, Summary, Usage,
};
use svc_core::Name;
use svc_core::definition::{self, SourceText};

use crate::fake::{Act, Fake, quiet};

/// Answers as a machine does on which much goes on.
pub(crate) fn daemon() -> Fake {
    Fake::new(|request| Act::Say(vec![Line::Final(reply(request))]))
}

fn reply(request: &Request) -> Reply {
    match request {
        Request::Hello => Reply::Hello(Hello {
            schema: 1,
            version: "0.1.0".into(),
            manager: 812,
            keeper: Some(1),
            tracking: "cgroup /sys/fs/cgroup/svc".into(),
            runtime: "/run/svc".into(),
            definitions: Vec::new(),
            legacy: Vec::new(),
        }),
        Request::List { .. } => Reply::List(services()),
        Request::Usage { .. } => Reply::Usage(services().into_iter().map(usage).collect()),
        Request::Status { .. } => Reply::Status(vec![failed(), running()]),
        Request::Check { .. } => Reply::Check(vec![checked()]),
        Request::Log { .. } => Reply::Log(lines()),
        other => panic!("nobody asks this here: {other:?}"),
    }
}

fn service(name: &str, kind: &str, state: StateName, seconds: u64, reason: &str, description: &str) -> Summary {
    let runs = matches!(state, StateName::Up | StateName::Starting | StateName::Stopping);
    Summary {
        name: Name::new(name).unwrap(),
        kind: kind.into(),
        state,
        wanted: !matches!(state, StateName::Down | StateName::Skipped | StateName::Stopping),
        reason: reason.into(),
        since: Duration::from_secs(seconds),
        pid: (runs && kind != "group").then(|| 400 + i32::try_from(name.len()).unwrap() * 997),
        enabled: state != StateName::Down,
        description: description.into(),
    }
}

fn services() -> Vec<Summary> {
    vec![
        service("cron", "script", StateName::Up, 86_400 * 40, "", "Regular background program processing daemon"),
        service("database", "process", StateName::Starting, 12, "starting, for 12 s of 90 s", "keeps the orders"),
        service("getty@tty1", "process", StateName::Up, 7_500, "", "log-in on tty1"),
        service(
            "metrics-exporter-for-the-whole-fleet",
            "process",
            StateName::BackingOff,
            3,
            "exited with code 1, for the 4th time; starts again in 2 s",
            "numbers",
        ),
        service("network", "group", StateName::Up, 86_400 * 40, "", "the machine can be reached"),
        service("nightly", "oneshot", StateName::Down, 3_605, "", "the nightly copy"),
        service("ntp", "script", StateName::Skipped, 61, "the host is a container", "keeps the time"),
        service("old-queue", "process", StateName::Stopping, 31, "stopping: waiting 31 s of 90 s", "mail of yesterday"),
        service(
            "reports",
            "process",
            StateName::Faulty,
            0,
            "/etc/svc/services/reports.toml:3:1: unknown key `requries`; try: svc reports check",
            "",
        ),
        service("shop", "process", StateName::Waiting, 12, "waits for database, which it requires", "the shop"),
        service("storage", "oneshot", StateName::Failed, 640, "exited with code 32", "mounts the store"),
        service(
            "world-clock",
            "process",
            StateName::Up,
            65,
            "",
            "世界時計 shows the time of the whole world, also far away",
        ),
    ]
}

fn usage(summary: Summary) -> Usage {
    let size = summary.name.as_str().len() as u64;
    let runs = summary.pid.is_some();
    Usage {
        memory: runs.then_some(size * size * 1_234_567),
        cpu: runs.then(|| Duration::from_secs(size * 7)),
        restarts: if summary.state == StateName::BackingOff { 4 } else { 0 },
        summary,
    }
}

fn failed() -> Status {
    let shop = service("shop", "process", StateName::Waiting, 12, "waits for storage, which it requires", "the shop");
    Status {
        why: vec![
            "shop waits for storage, which it requires".into(),
            "storage failed 10 min ago: exited with code 32 before it was ready; nobody has asked for it again since, \
             and it is not tried again by itself"
                .into(),
        ],
        notes: vec!["pinned by root".into()],
        last_exit: Some("ended by signal TERM".into()),
        enabled_by: "/etc/svc/services/shop.toml:7".into(),
        files: vec!["/etc/svc/services/shop.toml".into(), "/etc/svc/services/shop.d/edit.toml".into()],
        ..quiet(shop)
    }
}

fn running() -> Status {
    let process = |pid, parent, command: &str| Process { pid, parent, command: command.into() };
    let web = service("web", "forking", StateName::Up, 4_000, "", "nginx serves 世界 and everybody else");
    Status {
        tree: vec![
            process(911, 1, "nginx: master process /usr/sbin/nginx -g daemon on; master_process on;"),
            process(912, 911, "nginx: worker process"),
            process(
                914,
                912,
                "/usr/lib/cgi-bin/search --index /var/lib/search/index --language en --timeout 30 --quiet",
            ),
            process(913, 911, "nginx: worker process"),
        ],
        left_behind: vec![process(90, 1, "nginx: worker process is shutting down")],
        memory: Some(12 << 20),
        cpu: Some(Duration::from_millis(1200)),
        restarts: 2,
        said: Some("serving".into()),
        log: lines(),
        files: vec!["/etc/init.d/web".into()],
        enabled_by: "/etc/rc2.d/S01web".into(),
        ..quiet(web)
    }
}

fn lines() -> Vec<LogLine> {
    let line = |name: &str, second: u32, text: &str| LogLine {
        name: Name::new(name).unwrap(),
        time: format!("2026-01-01T00:00:{second:02}.000Z"),
        text: text.into(),
    };
    vec![
        line(
            "web",
            1,
            "127.0.0.1 - - \"GET /shop/orders?id=4711 HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0 (X11; Linux)\"",
        ),
        line("database", 2, "recovering"),
        line("web", 3, "upstream timed out"),
    ]
}

/// A definition with faults, as the reader of definitions tells them.
fn checked() -> Checked {
    let text = "description = \"the shop\"\ncommand = \"/usr/bin/sleep 1000\"\nrequries = \"database\"\n\
                ready = \"tcp 127.0.0.1\"\n\n[stop]\ntimeout = \"90 parsecs\" # as in any other shop, or a little \
                longer where the customers are many and the till is slow\n";
    let source = SourceText { path: "/etc/svc/services/shop.toml", text };
    let outcome = definition::parse(&Name::new("shop").unwrap(), source, &[]);
    let findings = [
        Finding { level: Level::Good, text: "user root is there".into() },
        Finding {
            level: Level::Note,
            text: "tracked by parentage: a process that cleans its environment and leaves its session can escape"
                .into(),
        },
    ];
    let faults = outcome.rendered(&[source]).into_iter().map(|text| Finding { level: Level::Bad, text });
    Checked {
        name: "shop".into(),
        ok: false,
        enabled: "starts at boot (/etc/svc/services/shop.toml:9)".into(),
        findings: findings.into_iter().chain(faults).collect(),
    }
}
