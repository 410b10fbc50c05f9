//! The values that are in force, and what became of them at a load.

use std::collections::{BTreeMap, BTreeSet};

use svc_core::{Service, definition};

use crate::wire::{Change, Value};

/// Keys that a running service notices only when it is started again.
fn needs_restart(key: &str) -> bool {
    const NEXT_START: &[&str] = &[
        "kind",
        "command",
        "ready",
        "pid-file",
        "user",
        "group",
        "groups",
        "chroot",
        "jail",
        "cpuset",
        "login-class",
        "fib",
        "protect",
        "directory",
        "umask",
        "nice",
        "oom-score",
        "limits",
        "environment",
        "environment-file",
        "runtime-directory",
        "runtime-directory-owner",
        "runtime-directory-group",
        "runtime-directory-mode",
        "conditions",
        "watchdog",
        "settings",
    ];
    NEXT_START.iter().any(|start| key == *start || key.starts_with(&format!("{start}.")))
}

/// What a load changed in a service, and whether it is in force at once.
pub(super) fn changes(old: &Service, new: &Service) -> Vec<Change> {
    let values = |service: &Service| {
        let settings = service.settings.iter().map(|one| (setting_key(&one.name), one.value.clone()));
        definition::values(service).into_iter().chain(settings).collect::<BTreeMap<_, _>>()
    };
    let (before, after) = (values(old), values(new));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let none = String::new();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| Change {
            name: new.name.clone(),
            key: key.clone(),
            old: before.get(key).unwrap_or(&none).clone(),
            new: after.get(key).unwrap_or(&none).clone(),
            live: !needs_restart(key),
        })
        .collect()
}

/// Every value in force and where it was written.
pub(super) fn values_with_origins(service: &Service) -> Vec<Value> {
    let origin = |key: &str| match key {
        // For a script a link says so.
        "enabled" if !service.enabled.origin.is_empty() => Some(service.enabled.origin.clone()),
        // Of a verb with several commands the place of the whole is known.
        key => {
            let whole = || key.rsplit_once('.').filter(|_| key.starts_with("verbs.")).map(|(whole, _)| whole);
            service.origins.get(key).or_else(|| service.origins.get(whole()?)).map(str::to_owned)
        }
    };
    let value = |(key, value): (String, String)| {
        let origin = origin(&key).unwrap_or_else(|| "default".into());
        Value { name: service.name.clone(), key, value, origin }
    };
    let settings = service.settings.iter().map(|one| Value {
        name: service.name.clone(),
        key: setting_key(&one.name),
        value: one.value.clone(),
        origin: one.origin.clone(),
    });
    definition::values(service).into_iter().map(value).chain(settings).collect()
}

fn setting_key(name: &str) -> String {
    format!("settings.{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::Name;
    use svc_core::service::Kind;

    #[test]
    fn a_change_names_its_key_and_whether_it_is_live() {
        let old = Service::new(Name::new("web").unwrap(), Kind::Process);
        let mut new = old.clone();
        new.command = vec!["/bin/sleep".into(), "1".into()];
        new.links.after = vec![Name::new("db").unwrap()];
        new.exec.nice = Some(5);
        let found: Vec<_> =
            changes(&old, &new).into_iter().map(|change| (change.key, change.old, change.new, change.live)).collect();
        let text = String::from;
        assert_eq!(
            found,
            [
                (text("after"), text(""), text("db"), true),
                (text("command"), text(""), text("/bin/sleep 1"), false),
                (text("nice"), text("as svcd has it"), text("5"), false),
            ]
        );
    }
}
