//! What services that run take notice of.

use std::fs;

use crate::machine::{Machine, until};

#[test]
fn one_value_changed_is_one_service_reloaded() {
    let mut machine = Machine::new();
    machine.good(&["configure", "--all"]);
    machine.boot();
    machine.good(&["start", "nginx", "redis"]);
    let pids = [machine.pid("nginx"), machine.pid("redis")];
    assert!(pids.iter().all(Option::is_some), "{pids:?}");
    assert_eq!(machine.good(&["configure", "--all"]), "", "nothing changed, nobody is told");
    machine.edit("/etc/svc/values/site.toml", "workers = 4", "workers = 8");
    assert_eq!(machine.good(&["configure", "--all"]), "nginx: /etc/nginx/nginx.conf changed\nnginx: reloaded\n");
    assert_eq!(machine.read("/nginx.reloads"), "reloaded\n");
    assert_eq!([machine.pid("nginx"), machine.pid("redis")], pids);
    machine.edit("/etc/svc/values/site.toml", "allkeys-lru", "volatile-lru");
    assert_eq!(machine.good(&["configure", "--all"]), "redis: /etc/redis/redis.conf changed\nredis: restarted\n");
    assert_eq!(machine.pid("nginx"), pids[0]);
    assert!(machine.pid("redis") != pids[1] && machine.pid("redis").is_some());
    assert_eq!(
        machine.good(&["redis", "configure", "--undo"]),
        "redis: /etc/redis/redis.conf changed\nredis: restarted\n"
    );
    assert!(machine.read("/etc/redis/redis.conf").contains("allkeys-lru"));
}

#[test]
fn a_broken_template_reloads_nobody() {
    let mut machine = Machine::new();
    machine.good(&["configure", "--all"]);
    machine.boot();
    machine.good(&["start", "nginx"]);
    let before = machine.read("/etc/nginx/conf.d/sites.conf");
    machine.edit("/etc/svc/values/site.toml", "workers = 4", "workers = 8");
    machine.edit("/usr/lib/svc/templates/nginx/sites.conf", "{{ site.root }}", "{{ site.rot }}");
    let said = machine.say(&["nginx", "configure"]);
    assert!(said.code == 1 && said.err.contains("sites.conf:"), "{said:?}");
    assert!(!machine.path("/nginx.reloads").exists());
    assert_eq!(machine.read("/etc/nginx/conf.d/sites.conf"), before);
    assert!(machine.read("/etc/nginx/nginx.conf").contains("worker_processes 4;"), "the other file is as it was too");
}

#[test]
fn a_service_that_is_down_stays_down() {
    let mut machine = Machine::new();
    machine.boot();
    assert_eq!(machine.good(&["redis", "configure"]), "redis: /etc/redis/redis.conf changed\n");
    assert_eq!(machine.pid("redis"), None);
    fs::remove_file(machine.path("/etc/redis/redis.conf")).unwrap();
    assert_eq!(machine.good(&["redis", "configure"]), "redis: /etc/redis/redis.conf made\n");
}

#[test]
fn definitions_are_read_where_the_daemon_reads_them() {
    let mut machine = Machine::new();
    fs::rename(machine.path("/etc/svc/services"), machine.path("/etc/svc/elsewhere")).unwrap();
    assert_eq!(machine.say(&["redis", "configure"]).code, 5, "nobody has said where");
    let places = ["/etc/svc/elsewhere", "/usr/lib/svc/services"];
    let places = places.map(|name| format!("--definitions={}", machine.path(name).display()));
    machine.boot_with(&[&places[0], &places[1]]);
    assert_eq!(machine.good(&["redis", "configure"]), "redis: /etc/redis/redis.conf changed\n");
}

/// A service whose files are made at each start, and looked at by a command that waits for a file `go`.
const AT_START: &str = r#"
command = ["sh", "-c", "cp {dir}/etc/web.conf {dir}/seen; exec sleep 1000"]
configure-at-start = true
[restart]
when = "never"
[[configure]]
template = "web.conf"
target = "/etc/web.conf"
validate = ["sh", "-c", "echo > {dir}/looking; while ! [ -e {dir}/go ]; do sleep 0.02; done"]
"#;

fn at_start() -> Machine {
    let mut machine = Machine::new();
    machine.write("/etc/svc/services/web.toml", &AT_START.replace("{dir}", &machine.root().to_string_lossy()));
    machine.write("/usr/lib/svc/templates/web.conf", "port {{ web.port }}\n");
    machine.write("/etc/svc/values/web.toml", "web.port = 80\n");
    machine.boot();
    machine
}

fn state(machine: &Machine, name: &str) -> String {
    machine.report(&["status", name])["status"][0]["summary"]["state"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_start_makes_the_files_first_and_does_not_happen_without_them() {
    let machine = at_start();
    machine.write("/go", "");
    machine.good(&["web", "start"]);
    until("the service has read its file", || machine.path("/seen").exists().then_some(()));
    assert_eq!(machine.read("/etc/web.conf"), "port 80\n");
    machine.edit("/etc/svc/values/web.toml", "80", "81");
    machine.good(&["web", "restart"]);
    until("it has read the new one", || (machine.read("/seen") == "port 81\n").then_some(()));
    machine.edit("/etc/svc/values/web.toml", "port", "prot");
    let said = machine.say(&["web", "restart"]);
    assert!(said.code == 1 && said.err.contains("did you mean `web.prot`"), "{said:?}");
    assert_eq!((state(&machine, "web").as_str(), machine.read("/etc/web.conf").as_str()), ("failed", "port 81\n"));
}

#[test]
fn a_stop_ends_a_start_that_waits_for_its_files() {
    let machine = at_start();
    machine.good(&["web", "start", "--no-wait"]);
    until("the command looks", || machine.path("/looking").exists().then_some(()));
    assert_eq!(state(&machine, "web"), "starting");
    machine.good(&["web", "stop"]);
    assert_eq!(state(&machine, "web"), "down");
    assert!(!machine.path("/etc/web.conf").exists());
    machine.write("/go", "");
    machine.good(&["web", "start"]);
    assert_eq!(machine.read("/etc/web.conf"), "port 80\n");
}

#[test]
fn the_next_manager_goes_on_with_a_start_that_waited_for_its_files() {
    let machine = at_start();
    machine.good(&["web", "start", "--no-wait"]);
    until("the command looks", || machine.path("/looking").exists().then_some(()));
    let manager = machine.report(&["hello"])["hello"]["manager"].as_i64().unwrap();
    let handle = svc_platform::process::Handle::open(i32::try_from(manager).unwrap()).unwrap();
    handle.signal(9).unwrap();
    machine.write("/go", "");
    until("web is up", || (machine.say(&["status", "web"]).code == 0).then_some(()));
    assert_eq!(machine.read("/etc/web.conf"), "port 80\n");
}
