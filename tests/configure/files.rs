//! What is made of templates and values, and what is left alone.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use crate::machine::{Machine, is_root};

/// Compares with a golden file, or renews it.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/configure").join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), found, "{name}");
}

#[test]
fn nginx_and_redis_get_their_real_configuration() {
    let machine = Machine::new();
    golden("first.diff", &machine.good(&["configure", "--all", "--diff"]));
    assert!(machine.read("/etc/nginx/nginx.conf").contains("As the package"), "a diff changes nothing");
    let said = machine.good(&["configure", "--all"]);
    assert_eq!(
        said,
        "nginx: /etc/nginx/nginx.conf changed\nnginx: /etc/nginx/conf.d/sites.conf made\n\
         redis: /etc/redis/redis.conf changed\n"
    );
    for file in ["nginx/nginx.conf", "nginx/conf.d/sites.conf", "redis/redis.conf"] {
        golden(&file.replace('/', "-"), &machine.read(&format!("/etc/{file}")));
    }
    let mode = |name: &str| machine.path(name).metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode("/etc/redis/redis.conf"), mode("/etc/nginx/conf.d/sites.conf")), (0o640, 0o644));
    assert_eq!(machine.list("/var/lib/svc/configure"), ["lock", "nginx.kept", "redis.kept"]);
}

#[test]
fn what_is_as_it_should_be_is_not_touched() {
    let machine = Machine::new();
    machine.good(&["configure", "--all"]);
    let files = ["/etc/nginx/nginx.conf", "/etc/nginx/conf.d/sites.conf", "/etc/redis/redis.conf"];
    let stamp = |name: &&str| {
        let found = machine.path(name).metadata().unwrap();
        (found.ino(), found.mtime(), found.mtime_nsec(), found.ctime_nsec())
    };
    let before: Vec<_> = files.iter().map(stamp).collect();
    assert_eq!(machine.good(&["configure", "--all"]), "");
    assert_eq!(files.iter().map(stamp).collect::<Vec<_>>(), before);
    machine.edit("/etc/svc/values/site.toml", "port = 443", "port = 8443");
    assert_eq!(machine.good(&["nginx", "configure"]), "nginx: /etc/nginx/conf.d/sites.conf changed\n");
    let after: Vec<_> = files.iter().map(stamp).collect();
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    assert_ne!(after[1], before[1]);
}

#[test]
fn values_are_laid_over_each_other_and_say_where_they_are_from() {
    let machine = Machine::new();
    machine.write("/etc/redis/local.toml", "[redis]\nport = 7000\n");
    let report = machine.report(&["redis", "configure", "--values", "--mode", "dev"]);
    let origin = |name: &str| {
        let values = report["configured"]["services"][0]["values"].as_array().unwrap();
        let found = values.iter().find(|value| value["name"] == name).unwrap_or_else(|| panic!("{name}: {values:?}"));
        let place = machine.plain(found["origin"].as_str().unwrap());
        format!("{} from {place}", found["value"].as_str().unwrap())
    };
    assert_eq!(origin("nginx.user"), "\"www-data\" from /usr/lib/svc/values/nginx.toml:2");
    assert_eq!(origin("nginx.workers"), "4 from /etc/svc/values/site.toml:2");
    assert_eq!(origin("nginx.gzip"), "false from /etc/svc/values/mode/dev.toml:2");
    assert_eq!(origin("redis.port"), "7000 from /etc/redis/local.toml:2");
    assert_eq!(origin("service.name"), "\"redis\" from the definition");
    assert!(origin("host.processors").ends_with(" from this machine"));
    machine.write("/etc/svc/mode", "dev\n");
    machine.good(&["nginx", "configure"]);
    let text = machine.read("/etc/nginx/nginx.conf");
    assert!(text.contains("server_tokens on;") && !text.contains("gzip"), "{text}");
}

#[test]
fn a_fault_is_shown_with_its_place_and_changes_nothing() {
    let machine = Machine::new();
    machine.good(&["configure", "--all"]);
    let files = || ["/etc/nginx/nginx.conf", "/etc/nginx/conf.d/sites.conf"].map(|name| machine.read(name));
    let before = files();
    machine.edit("/etc/svc/values/site.toml", "workers = 4", "workers = 5");
    let mut told = String::new();
    let (sites, main) = ("/usr/lib/svc/templates/nginx/sites.conf", "/usr/lib/svc/templates/nginx/nginx.conf");
    let (tls, site) = ("/usr/lib/svc/templates/nginx/tls.conf", "/etc/svc/values/site.toml");
    for (file, from, to) in [
        (sites, "site.root", "site.rot"),
        (sites, "nginx.sites", "nginx.stes"),
        (sites, "{% endfor %}", ""),
        (sites, "names | join", "names | jion"),
        (sites, "site.names | join(' ')", "site.names"),
        (sites, "{{ site.port }}", "{{ nginx }}"),
        (main, "nginx.error_log", "ngnix.error_log"),
        (main, "{{ nginx.connections }}", "{{ fail('too many connections') }}"),
        (
            main,
            "{% if nginx.gzip %}",
            "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}{% if 1 %}",
        ),
        (main, "{{ nginx.user }}", "{% include 'nginx/none.conf' %}"),
        (tls, "site.tls.key", "site.tls.kee"),
        (site, "workers = 5", "workers = "),
        (site, "workers = 5", "workers = 5\ntls = 7"),
        (site, "[redis]", "[host]\nname = 'x'\n[redis]"),
    ] {
        let good = machine.read(file);
        machine.edit(file, from, to);
        let said = machine.say(&["nginx", "configure"]);
        told.push_str(&format!("# {to}\n{}{}\n", said.out, said.err));
        assert_eq!(said.code, 1, "{to}: {}", said.err);
        assert_eq!(files(), before, "{to}");
        machine.write(file, &good);
    }
    golden("faults.txt", &told);
    assert_eq!(machine.list("/etc/nginx/conf.d"), ["keep", "sites.conf"]);
}

#[test]
fn a_command_that_does_not_like_the_new_files_keeps_the_old() {
    let machine = Machine::new();
    machine.good(&["nginx", "configure"]);
    let before = machine.read("/etc/nginx/nginx.conf");
    machine.edit("/etc/svc/values/site.toml", "workers = 4", "workers = \"refuse\"");
    for words in [&["nginx", "configure"][..], &["nginx", "configure", "--diff"]] {
        let said = machine.say(words);
        assert!(said.code == 1 && said.err.contains("ended with code 1"), "{said:?}");
    }
    assert_eq!(machine.read("/etc/nginx/nginx.conf"), before);
    assert_eq!(machine.list("/var/lib/svc/configure"), ["lock", "nginx.kept"], "the staging tree is gone");
}

#[test]
fn the_older_version_comes_back_and_goes_again() {
    let machine = Machine::new();
    let said = machine.say(&["nginx", "configure", "--undo"]);
    assert!(said.code == 1 && said.err.contains("no older version of the files of nginx is kept"), "{said:?}");
    machine.good(&["nginx", "configure"]);
    let made = machine.read("/etc/nginx/nginx.conf");
    let said = machine.good(&["nginx", "configure", "--undo"]);
    assert_eq!(said, "nginx: /etc/nginx/nginx.conf changed\nnginx: /etc/nginx/conf.d/sites.conf removed\n");
    assert_eq!(machine.read("/etc/nginx/nginx.conf"), "# As the package brings it.\n");
    machine.write("/etc/nginx/nginx.conf", "# by hand\n");
    let said = machine.good(&["nginx", "configure", "--undo"]);
    assert!(said.contains("was changed by hand since it was made"), "{said}");
    assert_eq!(machine.read("/etc/nginx/nginx.conf"), made);
    machine.good(&["nginx", "configure", "--undo"]);
    assert_eq!(machine.read("/etc/nginx/nginx.conf"), "# by hand\n");
}

#[test]
fn a_link_is_kept_and_one_that_others_could_have_laid_is_refused() {
    let machine = Machine::new();
    let conf = machine.path("/etc/nginx/nginx.conf");
    fs::rename(&conf, machine.path("/etc/nginx/real.conf")).unwrap();
    symlink("/etc/nginx/real.conf", &conf).unwrap();
    let said = machine.good(&["nginx", "configure"]);
    assert!(said.contains("/etc/nginx/nginx.conf is a link to it"), "{said}");
    assert!(conf.is_symlink() && machine.read("/etc/nginx/real.conf").contains("worker_processes 4;"));
    if !is_root("a directory of another user") {
        return;
    }
    machine.write("/etc/shadow", "secret");
    machine.edit("/etc/svc/values/site.toml", "workers = 4", "workers = 5");
    fs::remove_file(&conf).unwrap();
    symlink("/etc/shadow", &conf).unwrap();
    std::os::unix::fs::chown(machine.path("/etc/nginx"), Some(33), None).unwrap();
    let said = machine.say(&["nginx", "configure"]);
    assert!(said.code != 0 && said.err.contains("a symbolic link that others could have laid"), "{said:?}");
    assert_eq!(machine.read("/etc/shadow"), "secret");
}

#[test]
fn a_template_that_others_may_write_is_not_trusted() {
    let machine = Machine::new();
    let template = machine.path("/usr/lib/svc/templates/redis/redis.conf");
    fs::set_permissions(template, fs::Permissions::from_mode(0o666)).unwrap();
    let said = machine.say(&["redis", "configure"]);
    assert!(said.code == 1 && said.err.contains("is writable by others (mode 0666)"), "{said:?}");
    assert!(machine.read("/etc/redis/redis.conf").contains("As the package"));
}

#[test]
fn a_name_that_is_none_says_what_may_have_been_meant() {
    let machine = Machine::new();
    for (words, code, says) in [
        (&["ngnix", "configure"][..], 5, "did you mean nginx?"),
        (&["plain", "configure"], 3, "plain has no file to be made; write a table [[configure]] in "),
        (&["configure"], 2, "required"),
        (&["configure", "--all", "--undo"], 2, "cannot be used with"),
    ] {
        machine.write("/etc/svc/services/plain.toml", "command = \"sleep 1\"\n");
        let said = machine.say(words);
        assert!(said.code == code && said.err.contains(says), "{words:?}: {said:?}");
    }
}

#[test]
fn two_services_that_make_the_same_file_are_both_refused() {
    let machine = Machine::new();
    machine.edit("/etc/svc/services/redis.toml", "/etc/redis/redis.conf", "/etc/nginx/nginx.conf");
    let said = machine.say(&["configure", "--all"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("/etc/nginx/nginx.conf is made by nginx, too"), "{}", said.err);
    assert!(machine.read("/etc/nginx/nginx.conf").contains("As the package"));
}
