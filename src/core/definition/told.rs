//! A service as its author would have written it: every key with the value in force.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use super::keys::{KEYS, Key, kind_name};
use super::syntax::duration_text;
use super::takes::{Takes, Unit};
use super::words::join;
use crate::name::Name;
use crate::service::{Condition, Configure, ConfigureThen, Identity, Kind, Limit, Ready, Reload, RestartWhen, Service};

/// Every key that means something for this kind of service, in the order of svc.toml(5): its path (`table.key`) and its
/// value, or what holds where there is none. Of limits and variables only those that are set.
pub fn values(service: &Service) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for key in KEYS.iter().filter(|key| key.kinds.has(&service.kind)) {
        match key.table {
            "environment" => {
                let variables = service.exec.environment.iter();
                all.extend(variables.map(|(name, value)| (format!("environment.{name}"), value.clone())));
            }
            "configure" => {
                let items = service.configure.iter().enumerate();
                let told = items.map(|(at, item)| {
                    let value = configure(item, key.name).filter(|value| !value.is_empty());
                    (format!("configure.{}.{}", at + 1, key.name), value.unwrap_or_else(|| key.default.to_owned()))
                });
                all.extend(told);
            }
            "verbs" => all.extend(verbs(service)),
            "jail" if service.exec.jail.is_none() => {}
            "limits" => {
                let found = service.exec.limits.get(key.name);
                all.extend(found.map(|limit| (format!("limits.{}", key.name), limit_text(limit, key))));
            }
            table => {
                let path = if table.is_empty() { key.name.to_owned() } else { format!("{table}.{}", key.name) };
                let value = value(service, &path).filter(|value| !value.is_empty());
                all.push((path, value.unwrap_or_else(|| key.default.to_owned())));
            }
        }
    }
    all
}

/// The value of one key of a `[[configure]]`.
fn configure(item: &Configure, key: &str) -> Option<String> {
    Some(match key {
        "template" => item.template.clone(),
        "target" => item.target.clone(),
        "owner" => item.owner.clone(),
        "group" => item.group.clone(),
        "mode" => format!("{:04o}", item.mode?),
        "values" => join(&item.values),
        _ => join(&item.validate),
    })
}

/// Every command of `[verbs]`.
fn verbs(service: &Service) -> impl Iterator<Item = (String, String)> {
    service.verbs.iter().flat_map(|(name, verb)| {
        let command = if verb.is_plain() { format!("verbs.{name}") } else { format!("verbs.{name}.command") };
        let parts = [
            (command, &verb.command),
            (format!("verbs.{name}.before"), &verb.before),
            (format!("verbs.{name}.after"), &verb.after),
        ];
        parts.into_iter().filter(|(_, words)| !words.is_empty()).map(|(path, words)| (path, join(words)))
    })
}

/// The value of one key; nothing where svcd's own or the system's holds.
fn value(service: &Service, path: &str) -> Option<String> {
    let Service { links, exec, stop, restart, log, .. } = service;
    Some(match path {
        "description" => service.description.clone(),
        "kind" => kind_name(&service.kind).to_owned(),
        "class" => service.class.word().to_owned(),
        "command" => join(&service.command),
        "pid-file" => match &service.kind {
            Kind::Forking { pid_file } => pid_file.clone()?,
            Kind::Process | Kind::Oneshot | Kind::Group | Kind::Script(_) => return None,
        },
        "requires" => names(&links.requires),
        "wants" => names(&links.wants),
        "after" => names(&links.after),
        "before" => names(&links.before),
        "provides" => names(&links.provides),
        "conflicts" => names(&links.conflicts),
        "devices" => service.devices.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        "enabled" => service.enabled.on.to_string(),
        "ready" => ready(&service.ready),
        "start-timeout" => limit_or_none(service.start_timeout),
        "reload" => reload(&service.reload),
        "watchdog" => limit_or_none(service.watchdog),
        "smooth" => service.smooth.to_string(),
        "leave-children" => service.leave_children.to_string(),
        "user" | "group" | "groups" => return exec.identity.as_ref().map(|identity| account(identity, path)),
        "chroot" => exec.chroot.clone()?,
        "directory" => exec.directory.clone()?,
        "umask" => format!("{:03o}", exec.umask?),
        "nice" => exec.nice?.to_string(),
        "oom-score" => exec.oom_score?.to_string(),
        "cpuset" | "login-class" | "fib" | "protect" => super::placement::told(exec, path)?,
        "environment-file" => join(&exec.environment_files),
        "runtime-directory" => join(&exec.runtime_directories),
        "runtime-directory-owner" => exec.runtime_owner.as_ref()?.user.clone(),
        "runtime-directory-group" => exec.runtime_owner.as_ref()?.group.clone(),
        "runtime-directory-mode" => format!("{:04o}", exec.runtime_mode?),
        "configure-then" => match service.configure_then {
            ConfigureThen::Adapt => return None,
            ConfigureThen::Reload => "reload",
            ConfigureThen::Restart => "restart",
            ConfigureThen::Nothing => "nothing",
        }
        .to_owned(),
        "configure-at-start" => service.configure_at_start.to_string(),
        "stop.signal" => stop.signal.name().to_owned(),
        "stop.command" => join(&stop.command),
        "stop.timeout" => limit_or_none(stop.timeout),
        "restart.when" => match restart.when {
            RestartWhen::Always => "always",
            RestartWhen::OnFailure => "on-failure",
            RestartWhen::Never => "never",
        }
        .to_owned(),
        "restart.delay" => duration_text(restart.delay),
        "restart.max-delay" => duration_text(restart.max_delay),
        "restart.settled" => duration_text(restart.settled),
        "restart.limit" => restart.limit.to_string(),
        "restart.period" => duration_text(restart.period),
        "access.users" => service.access.users.join(" "),
        "access.groups" => service.access.groups.join(" "),
        "access.verbs" => service.access.verbs.join(" "),
        "log.size" => size_text(log.size),
        "log.keep" => log.keep.to_string(),
        path if path.starts_with("jail.") => super::jail::told(exec.jail.as_ref()?, path)?,
        _ => conditions(&service.conditions, path),
    })
}

fn names(names: &[Name]) -> String {
    names.iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
}

fn limit_or_none(limit: Option<Duration>) -> String {
    limit.map_or_else(|| "none".to_owned(), duration_text)
}

fn account(identity: &Identity, key: &str) -> String {
    match key {
        "user" => identity.user.clone(),
        "group" => identity.group.clone(),
        _ => identity.groups.join(" "),
    }
}

fn ready(ready: &Ready) -> String {
    match ready {
        Ready::Executed => "executed".to_owned(),
        Ready::Exit => "exit".to_owned(),
        Ready::PidFile(path) => format!("pid-file {path}"),
        Ready::NotifyFd(number) => format!("notify-fd {number}"),
        Ready::SdNotify => "sd-notify".to_owned(),
        Ready::Tcp(address) => format!("tcp {address}"),
        Ready::Unix(path) => format!("unix {path}"),
        Ready::Command(words) => format!("command {}", join(words)),
    }
}

fn reload(reload: &Reload) -> String {
    match reload {
        Reload::None => "none".to_owned(),
        Reload::Signal(signal) => format!("signal {signal}"),
        Reload::Command(words) => join(words),
    }
}

fn conditions(all: &[Condition], path: &str) -> String {
    let texts = all.iter().filter_map(|condition| {
        let (key, not, text) = match condition {
            Condition::Path { path, not } => ("conditions.path", not, path.clone()),
            Condition::Host { host, not } => ("conditions.host", not, host.clone()),
            Condition::Environment { name, value: Some(value), not } => {
                ("conditions.environment", not, format!("{name}={value}"))
            }
            Condition::Environment { name, value: None, not } => ("conditions.environment", not, name.clone()),
        };
        (key == path).then(|| if *not { format!("!{text}") } else { text })
    });
    texts.collect::<Vec<_>>().join(" ")
}

fn limit_text(limit: &Limit, key: &Key) -> String {
    let one = |bound: Option<u64>| match (bound, key.takes) {
        (None, _) => "unlimited".to_owned(),
        (Some(bytes), Takes::Limit(Unit::Bytes)) => size_text(bytes),
        (Some(share), Takes::Limit(Unit::Percent)) => format!("{share}%"),
        (Some(number), _) => number.to_string(),
    };
    match (one(limit.soft), one(limit.hard)) {
        (soft, hard) if soft == hard => soft,
        (soft, hard) => format!("{soft}:{hard}"),
    }
}

/// In the largest unit that needs no fraction.
fn size_text(bytes: u64) -> String {
    let units = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
    let whole = |(shift, _): &(u32, &str)| bytes > 0 && bytes.trailing_zeros() >= *shift;
    match units.into_iter().find(whole) {
        Some((shift, unit)) => format!("{}{unit}", bytes >> shift),
        None => bytes.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SourceText, parse};
    use super::*;

    fn read(text: &str) -> Service {
        let outcome = parse(&Name::new("web").unwrap(), SourceText { path: "web.toml", text }, &[]);
        assert!(outcome.faults.is_empty(), "{:?}", outcome.faults);
        let mut service = outcome.service.unwrap();
        service.origins.clear();
        service.enabled.origin.clear();
        service
    }

    /// Values as a file would have them.
    fn written(service: &Service) -> String {
        let (mut top, mut tables) = (String::new(), String::new());
        for (path, value) in values(service) {
            let (table, name) = path.split_once('.').unwrap_or(("", &path));
            let key = KEYS.iter().find(|key| key.table == table && (key.name == name || key.name == "NAME")).unwrap();
            let quoted = |text: &str| format!("'{}'", text.replace('\'', "\""));
            let value = match key.takes {
                _ if value.is_empty() || value == key.default => continue,
                Takes::Flag | Takes::Number(..) => value,
                Takes::Names
                | Takes::OptionalPaths
                | Takes::Directories
                | Takes::Accounts
                | Takes::Verbs
                | Takes::PathCondition
                | Takes::HostCondition
                | Takes::EnvironmentCondition
                | Takes::Devices
                | Takes::JailOptions => {
                    format!("[{}]", value.split(' ').map(quoted).collect::<Vec<_>>().join(", "))
                }
                _ => quoted(&value),
            };
            match table {
                "" => top.push_str(&format!("{name} = {value}\n")),
                table => tables.push_str(&format!("{table}.{name} = {value}\n")),
            }
        }
        top + &tables
    }

    #[test]
    fn what_is_told_of_a_service_defines_the_same_service() {
        for text in [
            "command = \"/bin/true\"\n",
            "command = \"/bin/true\"\njail.vnet = true\n",
            "kind = \"group\"\nrequires = [\"a\", \"b\"]\nprovides = \"c\"\n",
            "kind = \"forking\"\ncommand = \"/bin/d -x 'a b'\"\npid-file = \"/run/d.pid\"\nsmooth = true\n",
            "kind = \"oneshot\"\ncommand = [\"sh\", \"-c\", \"echo x; true\"]\nstop.command = \"/bin/rm x\"\n",
            "description = \"x y\"\ncommand = \"/bin/x\"\nready = \"notify-fd 5\"\nreload = \"signal USR1\"\n\
             start-timeout = \"none\"\nuser = \"root\"\ngroup = \"adm\"\ngroups = [\"a\", \"b\"]\numask = \"027\"\n\
             nice = -5\nenvironment-file = [\"-/etc/x\"]\nruntime-directory = \"x\"\nruntime-directory-owner = \"b\"\n\
             runtime-directory-group = \"c\"\nruntime-directory-mode = \"0750\"\ndirectory = \"/tmp\"\n\
             stop.signal = \"QUIT\"\nstop.timeout = \"1m 5s\"\nrestart.when = \"always\"\nrestart.delay = \"1s\"\n\
             restart.limit = 3\nlog.size = \"64K\"\nlog.keep = 2\nconditions.host = [\"!vm\", \"linux\"]\n\
             conditions.environment = \"A=b\"\nconditions.path = \"!/x\"\nlimits.open-files = \"1024:4096\"\n\
             limits.core = \"unlimited\"\nverbs.configtest = \"/bin/x -t\"\naccess.users = \"a\"\n\
             access.verbs = [\"log\", \"x\"]\n\
             access.groups = [\"b\", \"c\"]\n\
             verbs.reload.before = \"/bin/x -t\"\nverbs.reload.after = \"/bin/y 'a b'\"\n\
             devices = [\"/dev/ttyS0\", \"net:eth1\"]\n\
             cpuset = \"0-2,5\"\nlogin-class = \"daemon\"\nfib = 2\nprotect = true\nlimits.swap = \"1G\"\n\
             jail.path = \"/j\"\njail.options = [\"allow.mlock\", \"sysvshm=new\"]\njail.ip6 = \"inherit\"\n\
             jail.ip4 = \"127.0.0.1\"\njail.securelevel = 2\njail.hostname = \"x\"\njail.children = 3\n\
             jail.devfs-ruleset = 4\n\
             limits.memory = \"1536M\"\nlimits.cpu = \"150%\"\nenvironment.A = \"b c\"\n",
        ] {
            let service = read(text);
            let again = written(&service);
            assert_eq!(read(&again), service, "{again}");
        }
    }
}
