//! What services that run take notice of.

use std::fs;

use crate::machine::Machine;

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
