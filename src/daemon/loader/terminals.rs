//! Terminals on which people log in: where ttys(5) is, process 1 is who runs their programs.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use svc_compat::ttys::{self, Terminal, When};
use svc_core::Name;
use svc_core::service::{Enabled, Kind, RestartWhen, Service};

use super::{Loading, text_of};

/// Makes a service of each terminal that has a program. What is defined under its name comes first.
pub(super) fn read_all(loading: &mut Loading<'_>) {
    let path = loading.options.root.join("etc/ttys");
    if !loading.options.first || !path.is_file() {
        return;
    }
    let text = match text_of(&path, loading.trust) {
        Ok(text) => text,
        Err(fault) => return loading.image.notes.push(fault),
    };
    // People log in when everything else was started, as they do elsewhere.
    let before: Vec<Name> =
        loading.services.values().filter(|service| service.enabled.on).map(|service| service.name.clone()).collect();
    let console = console();
    for terminal in ttys::read(&text) {
        let Some(mut service) = service(&terminal, &path, &console) else { continue };
        service.links.after = before.clone();
        loading.services.entry(service.name.clone()).or_insert(service);
    }
}

fn service(terminal: &Terminal, path: &Path, console: &str) -> Option<Service> {
    let name = Name::new(&format!("getty.{}", terminal.name.replace('/', "."))).ok()?;
    let mut service = Service::new(name, Kind::Process);
    service.description = format!("login on {}", terminal.name);
    service.command = terminal.command.iter().chain([&terminal.name]).cloned().collect();
    service.exec.environment.insert("TERM".into(), terminal.kind.clone());
    // What somebody leaves at work when he logs out goes on.
    service.leave_children = true;
    service.restart.when = RestartWhen::Always;
    service.restart.limit = 0;
    // A program that ends at once is not started over and over at full speed.
    service.restart.delay = Duration::from_secs(1);
    let is_there = || Path::new("/dev").join(&terminal.name).exists();
    let on = match terminal.when {
        When::Off => false,
        When::On => true,
        When::IfThere => is_there(),
        When::IfConsole => is_there() && console.split(',').any(|one| one == terminal.name),
    };
    service.enabled = Enabled { on, origin: format!("{}:{}", path.display(), terminal.line) };
    service.files = vec![path.display().to_string()];
    Some(service)
}

/// Whether this service is a terminal of ttys(5), and no definition of somebody's.
pub(crate) fn is_terminal(service: &Service) -> bool {
    let of_ttys = |file: &String| Path::new(file).ends_with("etc/ttys");
    service.name.as_str().starts_with("getty.") && service.files.len() == 1 && service.files.iter().all(of_ttys)
}

/// Where the kernel's messages go, names with commas between; those behind a slash are only there to be chosen.
fn console() -> String {
    let output = Command::new("/sbin/sysctl").args(["-n", "kern.console"]).stdin(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split('/').next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_in_use_is_a_service_that_is_started_again_for_ever() {
        let terminal = |when| Terminal {
            line: 7,
            name: "null".into(),
            command: vec!["/usr/libexec/getty".into(), "Pc".into()],
            kind: "xterm".into(),
            when,
        };
        let made = |when, console| service(&terminal(when), Path::new("/etc/ttys"), console).unwrap();
        let one = made(When::On, "");
        assert_eq!((one.name.as_str(), one.command.join(" ").as_str()), ("getty.null", "/usr/libexec/getty Pc null"));
        assert_eq!(one.exec.environment["TERM"], "xterm");
        assert!(one.restart.when == RestartWhen::Always && one.leave_children);
        assert!(is_terminal(&one) && !is_terminal(&Service::new(one.name.clone(), Kind::Process)));
        assert_eq!(one.enabled, Enabled { on: true, origin: "/etc/ttys:7".into() });
        assert!(made(When::IfThere, "").enabled.on && !made(When::Off, "null").enabled.on);
        assert!(made(When::IfConsole, "ttyv0,null").enabled.on && !made(When::IfConsole, "nullx").enabled.on);
    }
}
