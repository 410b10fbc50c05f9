//! One script of rc.conf after the other, as rc(8) starts them, where rc.conf does not ask for more at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use svc_compat::order::boot::{self, Host, Turn};
use svc_compat::order::rcorder::File;
use svc_core::Name;
use svc_core::service::Service;
use svc_platform::files;

use super::classes::{Order, comes_after, written};
use super::{FILE_BYTES_MAX, Loading};

/// The directory of the system's own scripts, of which the others are told apart.
const BASE: &str = "etc/rc.d";

/// Lets each enabled script of rc.conf start after the one before it in the order of a boot, and those that are called
/// when the machine goes down stop in the order of that, unless that contradicts what definitions say.
pub(super) fn order(loading: &mut Loading<'_>) {
    if !loading.serial {
        return;
    }
    let (host, turn) = circumstances(&loading.passed_over);
    let base = base(loading);
    let own = scripts(&base, &loading.services);
    let starts: Vec<Script> = own.iter().filter(|script| is_called(script, &[".pkgsave"])).cloned().collect();
    let local = local(loading, &base);
    let order = boot::boot(&given(&starts), &given(&local), loading.image.divider(), host, turn);
    let names = |places: &[usize]| places.iter().filter_map(|at| name_at(&starts, &local, *at)).collect::<Vec<_>>();
    let early = names(&order.early);
    divide(&mut loading.services, &early, &local);
    let chain = enabled(&loading.services, early.into_iter().chain(names(&order.late)));
    let back = stops(&loading.services, &own, &local, host);
    let notes = open_circles(&mut loading.services, &chain);
    loading.image.notes.extend(notes);
    link(&mut loading.services, &chain);
    let merged = with_called(&written(&loading.services), chain, &back);
    link(&mut loading.services, &merged);
}

/// The order of a boot with those that only the end of the machine calls, each where it is against as few others as
/// can be, within what is written: as scripts of a boot stop in the reverse of their start, it cannot be right against
/// all.
fn with_called(order: &Order, mut chain: Vec<Name>, back: &[Name]) -> Vec<Name> {
    let place: BTreeMap<&Name, usize> = back.iter().enumerate().map(|(at, name)| (name, at)).collect();
    for (own, name) in back.iter().enumerate() {
        if chain.contains(name) {
            continue;
        }
        let lowest = chain.iter().rposition(|other| comes_after(order, name, other)).map_or(0, |at| at + 1);
        let highest = chain.iter().position(|other| comes_after(order, other, name)).unwrap_or(chain.len());
        let is_later = |other: &&Name| place.get(*other).is_some_and(|at| *at > own);
        let is_earlier = |other: &&Name| place.get(*other).is_some_and(|at| *at < own);
        let against =
            |at: &usize| chain[..*at].iter().filter(is_later).count() + chain[*at..].iter().filter(is_earlier).count();
        let best = (lowest..=highest.max(lowest)).min_by_key(against).unwrap_or(lowest);
        chain.insert(best, name.clone());
    }
    chain
}

/// What kind of machine boots, and how often it has, by the keywords that are passed over.
fn circumstances(passed_over: &[&'static str]) -> (Host, Turn) {
    let host = match ["nojail", "nojailvnet"].map(|keyword| passed_over.contains(&keyword)) {
        [false, _] => Host::Machine,
        [true, false] => Host::VnetJail,
        [true, true] => Host::Jail,
    };
    (host, if passed_over.contains(&"firstboot") { Turn::Later } else { Turn::First })
}

/// What rc(8) gives rcorder(8) of the local directories.
fn local(loading: &Loading<'_>, base: &Path) -> Vec<Script> {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for dir in loading.options.legacy.iter().filter_map(|dir| dir.canonicalize().ok()) {
        if dir != base && !dirs.contains(&dir) {
            dirs.push(dir);
        }
    }
    let all = dirs.iter().flat_map(|dir| scripts(dir, &loading.services));
    all.filter(|script| is_called(script, &[".sample", ".pkgsave"]) && boot::takes_part(&script.2)).collect()
}

fn is_called(script: &Script, but: &[&str]) -> bool {
    let is_executable = || fs::metadata(&script.1).is_ok_and(|facts| facts.permissions().mode() & 0o111 != 0);
    !but.iter().any(|end| script.1.ends_with(end)) && is_executable()
}

fn enabled(services: &BTreeMap<Name, Service>, names: impl Iterator<Item = Name>) -> Vec<Name> {
    names.filter(|name| services.get(name).is_some_and(|service| service.enabled.on)).collect()
}

/// Local scripts are not known before the divider, so that they cannot ask to come before what starts until then.
fn divide(services: &mut BTreeMap<Name, Service>, early: &[Name], local: &[Script]) {
    let provided = |name: &Name| services.get(name).into_iter().flat_map(super::names_of).cloned().collect::<Vec<_>>();
    let early: BTreeSet<Name> = early.iter().flat_map(provided).collect();
    for name in local.iter().filter_map(|script| script.0.as_ref()) {
        if let Some(service) = services.get_mut(name) {
            service.links.before.retain(|later| !early.contains(later));
        }
    }
}

/// Who is called when the machine goes down, the last to be called first.
fn stops(services: &BTreeMap<Name, Service>, own: &[Script], local: &[Script], host: Host) -> Vec<Name> {
    let order = boot::shutdown(&given(own), &given(local), host);
    let names = order.iter().rev().filter_map(|at| name_at(own, local, *at));
    let is_called = |name: &Name| services.get(name)?.rc_conf().map(|rc| rc.shutdown);
    names.filter(|name| is_called(name) == Some(true)).collect()
}

fn name_at(own: &[Script], local: &[Script], at: usize) -> Option<Name> {
    own.get(at).or_else(|| local.get(at - own.len())).expect("a place among the scripts").0.clone()
}

/// Takes away what scripts say that goes in a circle where the order of a boot has it the other way, with a note of
/// each.
fn open_circles(services: &mut BTreeMap<Name, Service>, chain: &[Name]) -> Vec<String> {
    let order = written(services);
    let place: BTreeMap<&Name, usize> = chain.iter().enumerate().map(|(at, name)| (name, at)).collect();
    let mut notes = Vec::new();
    for name in chain {
        for earlier in order.get(name).into_iter().flatten() {
            let is_back = place.get(earlier).is_some_and(|at| *at > place[name]);
            if is_back && comes_after(&order, earlier, name) && unlink(services, name, earlier) {
                let file = services.get(name).and_then(|service| service.files.first()).cloned().unwrap_or_default();
                notes.push(format!(
                    "{file}: order goes in a circle: that {name} comes after {earlier} is passed over, as rc(8) does"
                ));
            }
        }
    }
    notes
}

/// Takes away that a script comes after another, if it is order alone.
fn unlink(services: &mut BTreeMap<Name, Service>, later: &Name, earlier: &Name) -> bool {
    let named = |service: &Service| super::names_of(service).cloned().collect::<Vec<Name>>();
    let both = [later, earlier].map(|name| services.get(name).map(named).unwrap_or_default());
    let mut is_gone = false;
    for (of, list, names) in [(later, true, &both[1]), (earlier, false, &both[0])] {
        let Some(service) = services.get_mut(of) else { continue };
        let list = if list { &mut service.links.after } else { &mut service.links.before };
        let count = list.len();
        list.retain(|name| !names.contains(name));
        is_gone |= list.len() < count;
    }
    is_gone
}

fn base(loading: &Loading<'_>) -> PathBuf {
    let base = loading.options.root.join(BASE);
    base.canonicalize().unwrap_or(base)
}

/// Whether a script is one of the system's own.
pub(super) fn is_base(loading: &Loading<'_>, path: &Path) -> bool {
    path.canonicalize().is_ok_and(|path| path.starts_with(base(loading)))
}

/// The service that it is, its path, its text.
type Script = (Option<Name>, String, Vec<u8>);

/// All files of a directory as the shell names them. Among equals rcorder goes by that and by their number, so that
/// also those count that are no service.
fn scripts(dir: &Path, services: &BTreeMap<Name, Service>) -> Vec<Script> {
    let known = services.values().filter(|service| service.rc_conf().is_some());
    let known: BTreeMap<&str, &Name> =
        known.filter_map(|service| Some((service.files.first()?.as_str(), &service.name))).collect();
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let read = |path: PathBuf| {
        // One that is gone since it was read has no place.
        let text = files::read_regular(&path, FILE_BYTES_MAX).ok()?;
        let path = path.to_str()?.to_owned();
        let is_hidden = path.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
        (!is_hidden).then(|| (known.get(path.as_str()).map(|name| (*name).clone()), path, text))
    };
    let mut found: Vec<Script> = entries.filter_map(|entry| read(entry.path())).collect();
    found.sort_by(|one, other| one.1.cmp(&other.1));
    found
}

fn given(scripts: &[Script]) -> Vec<File<'_>> {
    scripts.iter().map(|(_, path, text)| File { name: path.as_bytes(), text }).collect()
}

fn link(services: &mut BTreeMap<Name, Service>, chain: &[Name]) {
    let mut order = written(services);
    for (at, later) in chain.iter().enumerate() {
        // What contradicts a definition goes behind the last one before it that does not.
        let before = chain[..at].iter().rev().find(|earlier| !comes_after(&order, earlier, later));
        if let Some(earlier) =
            before.filter(|earlier| order.entry(later.clone()).or_default().insert((*earlier).clone()))
        {
            let links = services.get_mut(later).map(|service| &mut service.links);
            links.into_iter().for_each(|links| links.after.push(earlier.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::options::Options;
    use svc_core::service::{Enabled, Kind, RcConf};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn service(text: &str, after: &[&str]) -> (Name, Service) {
        let mut service = Service::new(name(text), Kind::Process);
        service.links.after = after.iter().map(|text| name(text)).collect();
        (name(text), service)
    }

    #[test]
    fn each_comes_after_the_one_before_it_unless_a_definition_says_the_contrary() {
        let mut all = BTreeMap::from([
            service("root", &[]),
            service("netif", &["early"]),
            service("cron", &["root"]),
            service("early", &["cron"]),
        ]);
        link(&mut all, &[name("root"), name("netif"), name("cron")]);
        let after = |of: &str| all[of].links.after.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!(after("netif"), "early root");
        assert_eq!(after("cron"), "root", "netif comes after it by way of the definition");

        let mut all = BTreeMap::from([service("root", &[]), service("one", &["two"]), service("two", &["one"])]);
        let chain = [name("root"), name("two"), name("one")];
        let notes = open_circles(&mut all, &chain);
        assert_eq!(notes, [": order goes in a circle: that two comes after one is passed over, as rc(8) does"]);
        link(&mut all, &chain);
        let after = |of: &str| all[of].links.after.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!((after("two").as_str(), after("one").as_str()), ("root", "two"));
    }

    #[test]
    fn all_that_rc_gives_rcorder_counts_in_its_order() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str, mode: u32| {
            let path = dir.path().join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path.display().to_string()
        };
        let provides = "#!/bin/sh\n# PROVIDE: x\n";
        let web = put("web", provides, 0o755);
        put("web~", provides, 0o755);
        put("web.sample", provides, 0o755);
        put("off", provides, 0o644);
        put("old.sh", "#!/bin/sh\n", 0o755);
        put(".hidden", provides, 0o755);
        let (name, mut known) = service("web", &[]);
        known.files = vec![web];
        known.kind = Kind::Script(Box::default());
        if let Kind::Script(script) = &mut known.kind {
            script.rc_conf = Some(RcConf::default());
        }
        let services = BTreeMap::from([(name.clone(), known)]);
        let found = scripts(dir.path(), &services);
        let line = |list: &[&Script]| {
            let word = |script: &&Script| script.1.rsplit('/').next().unwrap_or_default().to_owned();
            list.iter().map(word).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line(&found.iter().collect::<Vec<_>>()), "off old.sh web web.sample web~");
        assert_eq!(found.iter().filter_map(|script| script.0.clone()).collect::<Vec<_>>(), [name]);

        let mut options = Options::new(&crate::daemon::Arguments::default(), true, false);
        options.legacy = vec![dir.path().into(), dir.path().join("../").join(dir.path().file_name().unwrap())];
        let mut loading = Loading::new(&options, crate::daemon::loader::Trust::Owners);
        loading.services = services;
        let local = local(&loading, Path::new("/etc/rc.d"));
        assert_eq!(line(&local.iter().collect::<Vec<_>>()), "web web~");
    }

    #[test]
    fn what_is_passed_over_tells_what_kind_of_boot_it_is() {
        assert_eq!(circumstances(&["nostart", "firstboot"]), (Host::Machine, Turn::Later));
        assert_eq!(circumstances(&["nostart", "nojail"]), (Host::VnetJail, Turn::First));
        assert_eq!(circumstances(&["nostart", "nojail", "nojailvnet", "firstboot"]), (Host::Jail, Turn::Later));
    }

    #[test]
    fn a_local_script_cannot_come_before_what_starts_until_local_scripts_are_known() {
        let (mut scratch, mut web) = (service("scratch", &["root"]).1, service("web", &[]).1);
        scratch.links.before = ["FILESYSTEMS", "tmp", "cron"].map(name).to_vec();
        web.links.before = vec![name("cron")];
        let mut tmpfs = service("tmpfs", &[]).1;
        tmpfs.links.provides = vec![name("tmp")];
        let mut all = BTreeMap::from([service("FILESYSTEMS", &[]), service("root", &[])]);
        all.extend([scratch, web, tmpfs].into_iter().map(|service| (service.name.clone(), service)));
        let local =
            ["scratch", "web"].map(|text| (Some(name(text)), format!("/usr/local/etc/rc.d/{text}"), Vec::new()));
        divide(&mut all, &[name("root"), name("tmpfs"), name("FILESYSTEMS")], &local);
        let before = |of: &str| all[of].links.before.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!((before("scratch"), before("web")), ("cron".into(), "cron".into()));
    }

    #[test]
    fn what_is_only_called_at_the_end_has_its_place_there() {
        let script = |text: &str, keywords: &str, require: &str, enabled: bool| {
            let mut service = Service::new(name(text), Kind::Script(Box::default()));
            let rc = RcConf { shutdown: keywords.contains("shutdown"), ..RcConf::default() };
            if let Kind::Script(script) = &mut service.kind {
                script.rc_conf = Some(rc);
            }
            service.enabled = Enabled { on: enabled, origin: String::new() };
            let text = format!("# PROVIDE: {text}\n# REQUIRE: {require}\n# KEYWORD: {keywords}\n");
            (service.name.clone(), format!("/etc/rc.d/{}", service.name), text.into_bytes(), service)
        };
        let all = [
            script("early", "shutdown", "", true),
            script("late", "shutdown", "middle", true),
            script("middle", "nostart shutdown", "early", false),
            script("quiet", "", "late", true),
        ];
        let own: Vec<Script> =
            all.iter().map(|(name, path, text, _)| (Some(name.clone()), path.clone(), text.clone())).collect();
        let mut services: BTreeMap<Name, Service> = all.into_iter().map(|one| (one.0, one.3)).collect();
        let line = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        let back = stops(&services, &own, &[], Host::Machine);
        assert_eq!(line(&back), "early middle late");
        link(&mut services, &back);
        assert_eq!(
            (line(&services["middle"].links.after), line(&services["late"].links.after)),
            ("early".into(), "middle".into())
        );
    }

    #[test]
    fn who_is_only_called_at_the_end_is_against_as_few_as_can_be() {
        let names = |text: &str| text.split_whitespace().map(name).collect::<Vec<_>>();
        let order = Order::from([(name("n"), BTreeSet::from([name("base")]))]);
        let placed = |chain: &str, back: &str| {
            let all = with_called(&order, names(chain), &names(back));
            all.iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(placed("a b c", "a n c"), "a n b c");
        assert_eq!(placed("a b", "n m"), "n m a b");
        assert_eq!(placed("login env order ring", "env n login order ring"), "n login env order ring");
        assert_eq!(placed("a base b", "n a b"), "a base n b", "what it requires comes before it");
        assert_eq!(placed("d c login b a ring", "a b c d n login ring"), "d c login b a n ring");
    }
}
