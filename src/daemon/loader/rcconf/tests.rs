//! rc.conf below a root of the test's own, read by a shell and by its lines.

use super::*;
use svc_compat::script;

struct World {
    dir: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap() };
        world.put("etc/rc.subr", "");
        world.put("etc/defaults/rc.conf", "web_enable=\"NO\"\nlog_enable=\"YES\"\nlocal_startup=/usr/local/etc/rc.d\n");
        world
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn places(&self) -> Places {
        let root = self.dir.path().to_owned();
        let mut options = Options::new(&crate::daemon::Arguments::default(), true, false);
        options.legacy = vec![root.join("etc/rc.d"), root.join("usr/local/etc/rc.d")];
        options.root = root;
        Places::of(&options)
    }

    /// `on` or `off` and the origin without the root, for each script.
    fn found(&self, scripts: &[Script], trust: Trust) -> Vec<String> {
        let scripts: Vec<&Script> = scripts.iter().collect();
        let settings = Settings::of(self.places(), &scripts, trust);
        assert!(settings.faults.is_empty(), "{settings:?}");
        let root = self.dir.path().display().to_string();
        let show = |(_, enabled, _): (RcConf, Enabled, Vec<Setting>)| {
            format!("{} {}", if enabled.on { "on" } else { "off" }, enabled.origin.replace(&root, ""))
        };
        settings.each(&scripts).into_iter().map(show).collect()
    }
}

fn rc_script(name: &str, keyword: &str, more: &str) -> Script {
    let text = format!(
        "#!/bin/sh\n# PROVIDE: {name}\n# KEYWORD: {keyword}\n. /etc/rc.subr\nname={name}\n{more}load_rc_config $name\n\
         run_rc_command \"$1\"\n"
    );
    script::read(name, text.as_bytes())
}

fn usual(name: &str) -> Script {
    rc_script(name, "shutdown", &format!("rcvar={name}_enable\n"))
}

#[test]
fn every_script_knows_the_line_that_turns_it_on_or_off() {
    let world = World::new();
    world.put("etc/rc.conf", "# mine\nweb_enable=YES\n");
    world.put("etc/rc.conf.d/db", "db_enable=\"on\"\n");
    world.put("usr/local/etc/rc.conf.d/log/last", "log_enable=NO\n");
    let own = "rcvar=own_enable\n: ${own_enable:=YES}\n";
    let scripts = [usual("web"), usual("db"), usual("log"), rc_script("own", "", own), usual("other")];
    let wanted = [
        "on /etc/rc.conf:2",
        "on /etc/rc.conf.d/db:1",
        "off /usr/local/etc/rc.conf.d/log/last:1",
        "on own: its own default for own_enable",
        "off ",
    ];
    assert_eq!(world.found(&scripts, Trust::Anyone), wanted);
    if svc_platform::users::is_root() {
        assert_eq!(world.found(&scripts, Trust::Owners), wanted);
    }
}

#[test]
fn only_a_shell_knows_what_shell_says() {
    if !svc_platform::users::is_root() {
        return crate::daemon::skipped("rc.conf as a shell reads it: needs root");
    }
    let world = World::new();
    world.put("etc/rc.conf", "for name in web db; do eval ${name}_enable=YES; done\necho noise\n");
    assert_eq!(world.found(&[usual("web"), usual("log")], Trust::Owners)[0].split(' ').next(), Some("on"));
    world.put("etc/rc.conf", "if\n");
    let script = usual("log");
    let settings = Settings::of(world.places(), &[&script], Trust::Owners);
    assert!(settings.faults[0].starts_with("rc.conf: its shell said nothing"), "{settings:?}");
    assert!(settings.each(&[&script])[0].1.on, "what the lines say holds all the same");
}

#[test]
fn what_others_may_have_written_is_run_by_no_shell_and_takes_no_other_service_along() {
    use std::os::unix::fs::PermissionsExt;
    if !svc_platform::users::is_root() {
        return crate::daemon::skipped("rc.conf as a shell reads it: needs root");
    }
    let world = World::new();
    let mark = world.dir.path().join("was-run");
    let text = format!("web_enable=YES\n: >{}\n", mark.display());
    let loose = |path: &str| {
        fs::set_permissions(world.dir.path().join(path), fs::Permissions::from_mode(0o777)).unwrap();
    };
    world.put("etc/rc.conf.d/log", "log_enable=$(echo NO)\n");
    let scripts = [usual("web"), usual("log")];
    let scripts: Vec<&Script> = scripts.iter().collect();
    let own = ["etc/rc.conf.d/web", "usr/local/etc/rc.conf.d/web/last"];
    for (path, is_loose) in own.into_iter().zip([own[0], "usr/local/etc/rc.conf.d/web"]) {
        world.put(path, &text);
        loose(is_loose);
        let settings = Settings::of(world.places(), &scripts, Trust::Owners);
        assert!(settings.faults.len() == 1 && settings.faults[0].starts_with("rc.conf of web: "), "{settings:?}");
        assert!(settings.faults[0].contains(is_loose), "{settings:?}");
        let on: Vec<bool> = settings.each(&scripts).iter().map(|(_, enabled, _)| enabled.on).collect();
        assert_eq!((on, mark.exists()), (vec![true, false], false), "{path}");
        fs::remove_file(world.dir.path().join(path)).unwrap();
    }
    fs::remove_dir(world.dir.path().join("usr/local/etc/rc.conf.d/web")).unwrap();
    // What is for all of them cannot be left out for one.
    world.put("etc/defaults/vendor.conf", &text);
    loose("etc/defaults/vendor.conf");
    let settings = Settings::of(world.places(), &scripts, Trust::Owners);
    assert!(settings.faults.len() == 1 && settings.faults[0].contains("vendor.conf is writable"), "{settings:?}");
    assert!(!mark.exists());
}

#[test]
fn a_file_that_rc_conf_names_is_read_below_the_root_and_by_no_shell_if_others_may_have_written_it() {
    use std::os::unix::fs::PermissionsExt;
    if !svc_platform::users::is_root() {
        return crate::daemon::skipped("rc.conf as a shell reads it: needs root");
    }
    let world = World::new();
    let mark = world.dir.path().join("was-run");
    let usual_line = "rc_conf_files=\"/etc/rc.conf /etc/rc.conf.local\"\n";
    world.put("etc/defaults/rc.conf", &format!("web_enable=NO\nlog_enable=NO\n{usual_line}"));
    world.put("etc/rc.conf", "for more in site; do rc_conf_files=\"$rc_conf_files /srv/$more.conf /nowhere\"; done\n");
    world.put("srv/site.conf", "log_enable=YES\nrc_conf_files=\"$rc_conf_files /srv/last.conf\"\n");
    let scripts = [usual("web"), usual("log")];
    let scripts: Vec<&Script> = scripts.iter().collect();
    let on = |settings: &Settings| -> Vec<bool> {
        settings.each(&scripts).iter().map(|(_, enabled, _)| enabled.on).collect()
    };
    let settings = Settings::of(world.places(), &scripts, Trust::Owners);
    assert_eq!((on(&settings), &settings.faults), (vec![false, true], &Vec::new()));
    world.put("srv/last.conf", &format!("web_enable=YES\n: >{}\n", mark.display()));
    let last = world.dir.path().join("srv/last.conf");
    fs::set_permissions(&last, fs::Permissions::from_mode(0o666)).unwrap();
    let settings = Settings::of(world.places(), &scripts, Trust::Owners);
    let told = format!("rc.conf: rc_conf_files names {0}: not read: {0} is writable by others", last.display());
    assert!(settings.faults.len() == 1 && settings.faults[0].starts_with(&told), "{settings:?}");
    assert!(!mark.exists(), "no shell has read it");
    fs::set_permissions(&last, fs::Permissions::from_mode(0o644)).unwrap();
    let settings = Settings::of(world.places(), &scripts, Trust::Owners);
    assert_eq!((on(&settings), mark.exists(), settings.faults.len()), (vec![true, true], true, 0));
    world.put("etc/rc.conf", "rc_conf_files=\"$rc_conf_files srv/site.conf\"\n");
    let settings = Settings::of(world.places(), &scripts, Trust::Owners);
    assert!(settings.faults[0].contains("names `srv/site.conf`; write its whole path"), "{settings:?}");
}

#[test]
fn every_variable_of_a_script_has_its_value_and_its_line() {
    let world = World::new();
    let trust = if svc_platform::users::is_root() { Trust::Owners } else { Trust::Anyone };
    world.put("etc/rc.conf", "base=/srv\nweb_enable=YES\nweb_root=\"$base/web\"\nwebs_other=1\n");
    world.put("etc/rc.conf.d/web", "# own\nweb_flags='-a -b'\n");
    let script = usual("web");
    let root = world.dir.path().display().to_string();
    let (.., found) = Settings::of(world.places(), &[&script], trust).each(&[&script]).remove(0);
    let shown = |one: &Setting| format!("{}={} {}", one.name, one.value, one.origin.replace(&root, ""));
    assert_eq!(
        found.iter().map(shown).collect::<Vec<_>>(),
        ["web_enable=YES /etc/rc.conf:2", "web_flags=-a -b /etc/rc.conf.d/web:2", "web_root=/srv/web /etc/rc.conf:3"]
    );
}

#[test]
fn a_configuration_that_waits_or_turns_in_a_circle_is_stopped_and_told() {
    if !svc_platform::users::is_root() {
        return crate::daemon::skipped("rc.conf as a shell reads it: needs root");
    }
    let world = World::new();
    let script = usual("web");
    let long = Duration::from_secs(600);
    for (endless, patience, why) in [
        ("sleep 1000", (Duration::from_secs(2), 60), "it was not done after 2s and was stopped"),
        ("while :; do :; done", (long, 1), "signal"),
        ("rc_conf_files=$(sleep 1000)", (Duration::from_secs(2), 60), "it was not done after 2s and was stopped"),
    ] {
        world.put("etc/rc.conf", &format!("web_enable=YES\n{endless}\n"));
        let settings = Settings::of(Places { patience, ..world.places() }, &[&script], Trust::Owners);
        assert!(settings.faults[0].starts_with("rc.conf: its shell said nothing"), "{settings:?}");
        assert!(settings.faults[0].contains(why), "{settings:?}");
        assert!(settings.each(&[&script])[0].1.on, "what the lines say holds all the same");
    }
}

#[test]
fn a_configuration_that_takes_its_time_is_heard_out() {
    if !svc_platform::users::is_root() {
        return crate::daemon::skipped("rc.conf as a shell reads it: needs root");
    }
    let world = World::new();
    world.put("etc/rc.conf", "sleep 5\nfor name in web; do eval ${name}_enable=YES; done\n");
    let script = usual("web");
    let settings = Settings::of(world.places(), &[&script], Trust::Owners);
    assert!(settings.faults.is_empty() && settings.each(&[&script])[0].1.on, "{settings:?}");
}

#[test]
fn scripts_that_rc_passes_over_are_off_whatever_rc_conf_says() {
    let world = World::new();
    world.put("etc/rc.conf", "web_enable=YES\n");
    let scripts = [
        rc_script("web", "nostart shutdown", "rcvar=web_enable\n"),
        rc_script("first", "firstboot", ""),
        rc_script("plain", "nojail nojailvnet", ""),
    ];
    let found = world.found(&scripts, Trust::Anyone);
    assert_eq!(found[0], "off KEYWORD nostart of web");
    assert_eq!(found[1], "off KEYWORD firstboot of first");
    assert_eq!(found[2], "on plain: no variable of rc.conf can turn it off");
    world.put("firstboot", "");
    assert!(world.found(&scripts, Trust::Anyone)[1].starts_with("on "));
}

#[test]
fn a_jail_passes_over_what_is_not_for_jails() {
    let root = tempfile::tempdir().unwrap();
    let found = |jailed, vnet| passed_over(root.path(), "/firstboot", jailed, vnet);
    assert_eq!(found("0", "0"), ["nostart", "firstboot"]);
    assert_eq!(found("", ""), ["nostart", "firstboot"]);
    assert_eq!(found("1", "0"), ["nostart", "nojail", "nojailvnet", "firstboot"]);
    assert_eq!(found("1", "1"), ["nostart", "nojail", "firstboot"]);
}

#[test]
fn a_change_goes_where_the_system_would_make_it() {
    let world = World::new();
    let root = world.dir.path().to_owned();
    let to_change = |name: &str| world.places().to_change(name, &format!("{name}_enable"));
    assert_eq!(to_change("web"), root.join("etc/rc.conf"));
    world.put("etc/rc.conf.local", "web_enable=YES\n");
    assert_eq!(to_change("web"), root.join("etc/rc.conf"), "as service(8) has it, which never looks there");
    world.put("etc/rc.conf.d/web", "web_flags=-v\n");
    assert_eq!(to_change("web"), root.join("etc/rc.conf.d/web"));
    world.put("etc/rc.conf", "web_enable=NO\n");
    assert_eq!(to_change("web"), root.join("etc/rc.conf"));
    world.put("usr/local/etc/rc.conf.d/web", "web_enable=NO\n");
    assert_eq!(to_change("web"), root.join("usr/local/etc/rc.conf.d/web"));
}

#[test]
fn a_script_that_overrules_its_service_jail_says_so_and_where() {
    let world = World::new();
    let script = |name: &str, own: &str| {
        let text = format!("#!/bin/sh\n# PROVIDE: {name}\n. /etc/rc.subr\nname={name}\nrcvar={name}_enable\n");
        world.put(&format!("etc/rc.d/{name}"), &format!("{text}load_rc_config $name\n{own}run_rc_command \"$1\"\n"));
    };
    script("cron", "cron_svcj=\"NO\"\n");
    script("web", "");
    script("same", "same_svcj=YES\n");
    world.put("etc/rc.conf", "cron_svcj=YES\nweb_svcj=YES\nsame_svcj=yes\n");
    let root = world.dir.path().to_owned();
    let mut options = Options::new(&crate::daemon::Arguments::default(), true, false);
    options.legacy = vec![root.join("etc/rc.d")];
    options.definitions = Vec::new();
    options.root = root.clone();
    let image = crate::daemon::loader::look(&options);
    let said = format!(
        "{root}/etc/rc.d/cron:7: sets cron_svcj to NO itself, so that `YES` of {root}/etc/rc.conf:1 has no effect",
        root = root.display()
    );
    let notes: Vec<&String> = image.notes.iter().filter(|note| note.contains("_svcj")).collect();
    assert_eq!(notes, [&said]);
    let findings = image.findings.iter().find(|(name, _)| name.as_str() == "cron").map(|(_, found)| found);
    assert!(findings.is_some_and(|found| found.iter().any(|finding| finding.text == said)), "{findings:?}");
}

#[test]
fn scripts_go_one_after_the_other_unless_rc_conf_asks_for_more() {
    let world = World::new();
    let scripts = [usual("web")];
    let scripts: Vec<&Script> = scripts.iter().collect();
    for (text, parallel) in [("", false), ("rc_parallel_start=YES\n", true), ("rc_parallel_start=NO\n", false)] {
        world.put("etc/rc.conf", text);
        if svc_platform::users::is_root() {
            assert_eq!(Settings::of(world.places(), &scripts, Trust::Owners).parallel, parallel, "{text}");
        }
    }
}

#[test]
fn rc_conf_names_the_script_after_which_local_ones_are_looked_for() {
    let world = World::new();
    let scripts = [usual("web")];
    let scripts: Vec<&Script> = scripts.iter().collect();
    for (text, divider) in [("", ""), ("early_late_divider=NETWORKING\n", "NETWORKING")] {
        world.put("etc/rc.conf", text);
        if svc_platform::users::is_root() {
            assert_eq!(Settings::of(world.places(), &scripts, Trust::Owners).divider, divider);
        }
    }
}
