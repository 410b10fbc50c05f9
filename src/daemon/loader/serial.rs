//! One script of rc.conf after the other, as rc(8) starts them, where rc.conf does not ask for more at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use svc_compat::order::boot::{self, Host, Turn};
use svc_compat::order::rcorder::File;
use svc_core::Name;
use svc_core::service::Service;
use svc_platform::files;

use super::classes::{comes_after, written};
use super::{FILE_BYTES_MAX, Loading};

/// The directory of the system's own scripts, of which the others are told apart.
const BASE: &str = "etc/rc.d";

/// Lets each enabled script of rc.conf start after the one before it in the order of a boot, and those that are called
/// when the machine goes down stop in the order of that, unless that contradicts what definitions say.
pub(super) fn order(loading: &mut Loading<'_>) {
    if !loading.serial {
        return;
    }
    let base = base(loading);
    let all = texts(&loading.services);
    let is_own = |script: &&Script| Path::new(&script.1).starts_with(&base);
    let (own, mut local): (Vec<_>, Vec<_>) = all.iter().partition(is_own);
    local.retain(|(_, _, text)| boot::takes_part(text));
    let order = boot::boot(&given(&own), &given(&local), loading.image.divider(), Host::Machine, Turn::First);
    let early: Vec<Name> = order.early.iter().map(|at| name_at(&own, &local, *at)).collect();
    divide(&mut loading.services, &early, &local);
    let late = order.late.iter().map(|at| name_at(&own, &local, *at));
    let chain = enabled(&loading.services, early.iter().cloned().chain(late));
    let back = stops(&loading.services, &own, &local);
    let notes = open_circles(&mut loading.services, &chain);
    loading.image.notes.extend(notes);
    link(&mut loading.services, &chain);
    link(&mut loading.services, &back);
}

fn enabled(services: &BTreeMap<Name, Service>, names: impl Iterator<Item = Name>) -> Vec<Name> {
    names.filter(|name| services.get(name).is_some_and(|service| service.enabled.on)).collect()
}

/// Local scripts are not known before the divider, so that they cannot ask to come before what starts until then.
fn divide(services: &mut BTreeMap<Name, Service>, early: &[Name], local: &[&Script]) {
    let provided = |name: &Name| services.get(name).into_iter().flat_map(super::names_of).cloned().collect::<Vec<_>>();
    let early: BTreeSet<Name> = early.iter().flat_map(provided).collect();
    for (name, ..) in local {
        if let Some(service) = services.get_mut(name) {
            service.links.before.retain(|later| !early.contains(later));
        }
    }
}

/// Who is called when the machine goes down, the last to be called first.
fn stops(services: &BTreeMap<Name, Service>, own: &[&Script], local: &[&Script]) -> Vec<Name> {
    let order = boot::shutdown(&given(own), &given(local), Host::Machine);
    let names = order.iter().rev().map(|at| name_at(own, local, *at));
    let is_called = |name: &Name| services.get(name)?.rc_conf().map(|rc| rc.shutdown);
    names.filter(|name| is_called(name) == Some(true)).collect()
}

fn name_at(own: &[&Script], local: &[&Script], at: usize) -> Name {
    own.get(at).or_else(|| local.get(at - own.len())).map(|script| script.0.clone()).expect("a place among the scripts")
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

type Script = (Name, String, Vec<u8>);

/// Scripts as the shell names them: among equals rcorder goes by that, and by those that are not enabled, too.
fn texts(services: &BTreeMap<Name, Service>) -> Vec<Script> {
    let scripts = services.values().filter(|service| service.rc_conf().is_some());
    let read = |service: &Service| {
        let path = service.files.first()?;
        // One that is gone since it was read has no place.
        let text = files::read_regular(Path::new(path), FILE_BYTES_MAX).ok()?;
        Some((service.name.clone(), path.clone(), text))
    };
    let mut texts: Vec<Script> = scripts.filter_map(read).collect();
    texts.sort_by(|one, other| one.1.cmp(&other.1));
    texts
}

fn given<'a>(scripts: &[&'a Script]) -> Vec<File<'a>> {
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
    fn a_local_script_cannot_come_before_what_starts_until_local_scripts_are_known() {
        let (mut scratch, mut web) = (service("scratch", &["root"]).1, service("web", &[]).1);
        scratch.links.before = ["FILESYSTEMS", "tmp", "cron"].map(name).to_vec();
        web.links.before = vec![name("cron")];
        let mut tmpfs = service("tmpfs", &[]).1;
        tmpfs.links.provides = vec![name("tmp")];
        let mut all = BTreeMap::from([service("FILESYSTEMS", &[]), service("root", &[])]);
        all.extend([scratch, web, tmpfs].into_iter().map(|service| (service.name.clone(), service)));
        let local = ["scratch", "web"].map(|text| (name(text), format!("/usr/local/etc/rc.d/{text}"), Vec::new()));
        divide(&mut all, &[name("root"), name("tmpfs"), name("FILESYSTEMS")], &local.iter().collect::<Vec<_>>());
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
        let texts: Vec<Script> =
            all.iter().map(|(name, path, text, _)| (name.clone(), path.clone(), text.clone())).collect();
        let own: Vec<&Script> = texts.iter().collect();
        let mut services: BTreeMap<Name, Service> = all.into_iter().map(|one| (one.0, one.3)).collect();
        let line = |names: &[Name]| names.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        let back = stops(&services, &own, &[]);
        assert_eq!(line(&back), "early middle late");
        link(&mut services, &back);
        assert_eq!(
            (line(&services["middle"].links.after), line(&services["late"].links.after)),
            ("early".into(), "middle".into())
        );
    }
}
