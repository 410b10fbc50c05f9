//! One script of rc.conf after the other, as rc(8) starts them, where rc.conf does not ask for more at a time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svc_compat::order::boot::{self, Host, Turn};
use svc_compat::order::rcorder::File;
use svc_core::Name;
use svc_core::service::Service;
use svc_platform::files;

use super::classes::{comes_after, written};
use super::rcconf::PASSED_OVER;
use super::{FILE_BYTES_MAX, Loading};

/// The directory of the system's own scripts, of which the others are told apart.
const BASE: &str = "etc/rc.d";

/// Lets each enabled script of rc.conf start after the one before it in the order of a boot, unless that contradicts
/// what definitions say.
pub(super) fn order(loading: &mut Loading<'_>) {
    if !loading.serial {
        return;
    }
    let base = base(loading);
    let texts = texts(&loading.services);
    let (own, mut local): (Vec<_>, Vec<_>) = texts.iter().partition(|(_, path, _)| Path::new(path).starts_with(&base));
    local.retain(|(_, _, text)| boot::takes_part(text));
    // Those that are passed over here are not enabled, and so not among these.
    let order = boot::boot(&given(&own), &given(&local), boot::DIVIDER, Host::Machine, Turn::First);
    let all: Vec<&Script> = own.into_iter().chain(local).collect();
    let is_on = |name: &Name| loading.services.get(name).is_some_and(|service| service.enabled.on);
    let names = order.early.iter().chain(&order.late).map(|at| all[*at].0.clone());
    let chain: Vec<Name> = names.filter(is_on).collect();
    link(&mut loading.services, &chain);
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
    let is_passed_over = |service: &Service| !service.enabled.on && service.enabled.origin.starts_with(PASSED_OVER);
    let scripts = services.values().filter(|service| service.rc_conf().is_some() && !is_passed_over(service));
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
        // Those of a circle go one after the other, too, behind the last one before it.
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
    use svc_core::service::Kind;

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
        link(&mut all, &[name("root"), name("two"), name("one")]);
        let after = |of: &str| all[of].links.after.iter().map(Name::as_str).collect::<Vec<_>>().join(" ");
        assert_eq!((after("two").as_str(), after("one").as_str()), ("one root", "two root"), "a circle waits, too");
    }
}
