//! Random definitions.

use std::time::Duration;

use svc_core::Name;
use svc_core::run::Signal;
use svc_core::service::{Device, Enabled, Kind, Ready, Reload, RestartWhen, Script, Service};

use crate::dice::Dice;

/// How many names there are in a world.
pub(crate) const NAMES: u64 = 10;

pub(crate) fn name(at: u64) -> Name {
    Name::new(&format!("s{at}")).unwrap()
}

/// A definition for the service of this number.
pub(crate) fn service(dice: &mut Dice, at: u64, patient: bool) -> Service {
    let mut service = Service::new(name(at), kind(dice));
    service.command = vec![format!("/bin/s{at}")];
    links(dice, at, &mut service);
    if service.kind == Kind::Process {
        service.ready = if dice.once_in(2) { Ready::Executed } else { Ready::SdNotify };
        service.watchdog = dice.once_in(4).then(|| dice.span(15_000, 30_000));
    }
    service.start_timeout = (!patient).then(|| dice.span(1_000, 9_000));
    service.stop.timeout = (!patient).then(|| dice.span(500, 6_000));
    if !service.is_script() && service.kind != Kind::Group && dice.once_in(4) {
        service.stop.command = vec![String::from("/bin/stop")];
    }
    service.reload = match dice.roll(3) {
        0 => Reload::None,
        1 => Reload::Signal(Signal::Hup),
        _ => Reload::Command(vec![String::from("/bin/reload")]),
    };
    verbs(dice, &mut service);
    restart(dice, &mut service);
    if dice.once_in(6) {
        let (first, count) = (dice.roll(3), 1 + dice.roll(2));
        service.devices = (first..first + count).map(device).collect();
    }
    service.smooth = dice.once_in(5);
    service.leave_children = dice.once_in(6);
    service.enabled = Enabled { on: dice.once_in(4), origin: String::from("here:1") };
    service
}

/// The devices of a world.
pub(crate) fn device(at: u64) -> Device {
    Device::parse(["/dev/ttyUSB0", "/dev/ttyUSB1", "net:eth1"][at as usize % 3]).unwrap()
}

fn kind(dice: &mut Dice) -> Kind {
    match dice.roll(8) {
        0 => Kind::Group,
        1 => Kind::Oneshot,
        2 => Kind::Forking { pid_file: None },
        3 => Kind::Script(Box::new(Script { daemon: false, ..Script::default() })),
        4 => Kind::Script(Box::new(Script { daemon: true, ..Script::default() })),
        _ => Kind::Process,
    }
}

/// Mostly to services of lower number, so that loops are rare; sometimes to names that only some provide, or nobody.
fn links(dice: &mut Dice, at: u64, service: &mut Service) {
    let density = 3 + dice.roll(6);
    for other in 0..at {
        match dice.roll(density * 4) {
            0..=2 => service.links.requires.push(name(other)),
            3 => service.links.wants.push(name(other)),
            4 => service.links.after.push(name(other)),
            5 => service.links.before.push(name(other)),
            _ => {}
        }
    }
    if dice.once_in(8) {
        let other = dice.roll(NAMES);
        service.links.conflicts.push(name(other));
    }
    if dice.once_in(5) {
        service.links.provides.push(Name::new("mail").unwrap());
    }
    match dice.roll(40) {
        0 => service.links.requires.push(Name::new("mail").unwrap()),
        1 => service.links.wants.push(Name::new("mail").unwrap()),
        2 => service.links.after.push(name(dice.roll(NAMES))),
        3 => service.links.requires.push(name(dice.roll(NAMES))),
        4 => service.links.requires.push(Name::new("nobody").unwrap()),
        _ => {}
    }
}

/// Commands in place of verbs, before them and after them.
fn verbs(dice: &mut Dice, service: &mut Service) {
    let command = || vec![String::from("/bin/verb")];
    for name in ["start", "stop", "reload"] {
        let (before, after) = (dice.once_in(8), dice.once_in(8));
        if (before || after) && service.kind != Kind::Group {
            let verb = service.verbs.entry(name.into()).or_default();
            verb.before = if before { command() } else { Vec::new() };
            verb.after = if after { command() } else { Vec::new() };
        }
    }
    for name in ["reload", "restart", "stop", "upgrade"] {
        if dice.once_in(10) && service.kind != Kind::Group {
            service.verbs.entry(name.into()).or_default().command = command();
        }
    }
}

fn restart(dice: &mut Dice, service: &mut Service) {
    let restart = &mut service.restart;
    if dice.once_in(3) {
        restart.when = *dice.pick(&[RestartWhen::Always, RestartWhen::OnFailure, RestartWhen::Never]);
    }
    restart.delay = dice.span(0, 400);
    restart.max_delay = Duration::from_secs(3);
    restart.settled = dice.span(1_000, 10_000);
    restart.limit = dice.roll(6) as u32;
    restart.period = dice.span(5_000, 60_000);
}
