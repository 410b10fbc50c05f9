//! Limits of whole trees: what `[limits]` says of all processes of a service together.

use svc_core::Service;
use svc_platform::Launch;
use svc_platform::launch::c_string;
use svc_platform::tree::{Ceiling, Tree};

/// The keys of `[limits]` that are about the whole tree, and not about each process.
pub(super) const OF_TREES: [&str; 3] = ["cpu", "memory", "tasks"];

/// What is limited, with the key that says so. A limit that may be raised is none for a tree: the higher one counts.
pub(super) fn of(service: &Service) -> Vec<(&'static str, Ceiling)> {
    let number = |key: &str| service.exec.limits.get(key).and_then(|limit| limit.hard);
    let all = OF_TREES.into_iter().filter_map(|key| {
        let number = number(key)?;
        let ceiling = match key {
            "cpu" => Ceiling::Cpu(u32::try_from(number).unwrap_or(u32::MAX)),
            "memory" => Ceiling::Memory(number),
            _ => Ceiling::Tasks(number),
        };
        Some((key, ceiling))
    });
    all.collect()
}

/// Limits a tree before anything is in it. One that cannot be limited goes again.
pub(super) fn set(tree: &mut Tree, launch: &mut Launch<'_>, service: &Service) -> Result<(), String> {
    limit(tree, launch, service).inspect_err(|_| drop(tree.remove()))
}

fn limit(tree: &mut Tree, launch: &mut Launch<'_>, service: &Service) -> Result<(), String> {
    let all = of(service);
    let Some((first, _)) = all.first() else { return Ok(()) };
    if let Some(class) = tree.count_as(launch.jail.as_ref().map(|jail| jail.name())) {
        if launch.placement.login_class.is_some() {
            return Err(format!(
                "setting its limit {first}: others are in its login class; give it a [jail], or leave login-class out"
            ));
        }
        launch.placement.login_class = Some(c_string(class).map_err(|error| error.to_string())?);
    }
    for (key, ceiling) in all {
        tree.limit(ceiling).map_err(|error| format!("setting its limit {key}: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::Name;
    use svc_core::service::{Kind, Limit};

    #[test]
    fn what_is_about_the_tree_is_told_from_what_is_about_each_process() {
        let mut service = Service::new(Name::new("web").unwrap(), Kind::Process);
        let mut limit = |key: &str, soft, hard| service.exec.limits.insert(key.into(), Limit { soft, hard });
        limit("memory", Some(5), Some(9));
        limit("open-files", Some(1), Some(1));
        limit("tasks", Some(7), None);
        limit("cpu", Some(150), Some(150));
        assert_eq!(of(&service), [("cpu", Ceiling::Cpu(150)), ("memory", Ceiling::Memory(9))]);
    }
}
