//! Devices that services live with: heard of, looked at, told to the core. Nothing is opened before a definition names
//! one, and what is heard is only a reason to look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use svc_core::service::Device;
use svc_core::{Event, Time};
use svc_platform::clock;
use svc_platform::devices::{self, Devices, Hint, Identity, Sight};
use svc_platform::poll::Interest;

use super::records::Record;
use super::{Manager, Timer, Token};
use crate::daemon::say;

/// How often devices are looked for while nobody tells of them.
const AGAIN: Duration = Duration::from_secs(5);

/// What is known of devices.
#[derive(Debug, Default)]
pub(super) struct Watch {
    source: Option<Devices>,
    /// The operator was told that nobody tells of devices.
    is_deaf: bool,
    /// Those that are there, as the core was told.
    known: BTreeMap<Device, Identity>,
    /// Those whose node is there, since when, and that nobody has set up yet.
    settling: BTreeMap<Device, Time>,
}

impl Watch {
    /// Goes on with what the manager before knew.
    pub(super) fn remember(&mut self, known: BTreeMap<Device, [u64; 3]>) {
        let known = known.into_iter().map(|(device, object)| (device, Identity { object, turn: 0 }));
        self.known = known.collect();
    }

    /// What the next manager must know.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        self.known.iter().map(|(device, identity)| Record::Device(device.clone(), Some(identity.object)))
    }

    /// Those that are there.
    pub(super) fn present(&self) -> impl Iterator<Item = &Device> {
        self.known.keys()
    }

    fn look(&self, device: &Device) -> Sight {
        self.source.as_ref().map_or_else(|| devices::look(device), |source| source.look(device))
    }

    /// What is there of a device that counts; `None`: nothing yet. A node waits for whoever sets it up, but not for
    /// ever.
    fn identity(&mut self, device: &Device, now: Time) -> Option<Identity> {
        match self.look(device) {
            Sight::There(identity) => {
                self.settling.remove(device);
                Some(identity)
            }
            Sight::Settling(identity) => {
                let since = *self.settling.entry(device.clone()).or_insert(now);
                let is_known = self.known.get(device) == Some(&identity);
                (is_known || now.since(since) >= devices::SETTLE_MAX).then_some(identity)
            }
            Sight::Absent => {
                self.settling.remove(device);
                None
            }
        }
    }
}

impl Manager {
    /// Looks at every device that a service lives with, or one of these definitions to come does. What changed is told
    /// to the core before anything that is still to be told.
    pub(super) fn look_at_devices(&mut self, to_come: impl Iterator<Item = Device>) {
        let wanted: BTreeSet<Device> = self.core.devices().cloned().chain(to_come).collect();
        if wanted.is_empty() {
            return self.forget_devices();
        }
        self.listen_for_devices();
        if let Some(source) = &mut self.devices.source {
            wanted.iter().for_each(|device| source.mind(device));
        }
        let now = clock::now();
        for device in &wanted {
            let seen = self.devices.identity(device, now);
            self.note_device(device, seen);
        }
        let unwanted: Vec<Device> =
            self.devices.known.keys().filter(|device| !wanted.contains(*device)).cloned().collect();
        for device in unwanted {
            self.note_device(&device, None);
        }
        self.devices.settling.retain(|device, _| wanted.contains(device));
        let settled = self.devices.settling.values().map(|since| (*since + devices::SETTLE_MAX).since(now));
        let again = self.devices.source.is_none().then_some(AGAIN);
        // One that was taken as it is needs no further look.
        let next = settled.filter(|left| !left.is_zero()).chain(again).min();
        self.timers.retain(|(_, timer)| *timer != Timer::Devices);
        if let Some(next) = next {
            self.set_timer(next, Timer::Devices);
        }
    }

    fn note_device(&mut self, device: &Device, seen: Option<Identity>) {
        let before = self.devices.known.get(device).copied();
        if before == seen {
            return;
        }
        if before.is_some() {
            self.devices.known.remove(device);
            self.event(Event::Gone(device.clone()));
        }
        if let Some(identity) = seen {
            self.devices.known.insert(device.clone(), identity);
            self.event(Event::Came(device.clone()));
        }
        self.journal.append(&Record::Device(device.clone(), seen.map(|identity| identity.object)));
    }

    fn listen_for_devices(&mut self) {
        if self.devices.source.is_some() {
            return;
        }
        let opened = Devices::open().and_then(|source| {
            self.poller.add(&source, Token::Devices.number(), Interest::READ)?;
            Ok(source)
        });
        match opened {
            Ok(source) => {
                // It counts anew how often each was heard to go.
                self.devices.known.values_mut().for_each(|identity| identity.turn = 0);
                self.devices.source = Some(source);
                if std::mem::take(&mut self.devices.is_deaf) {
                    say(format!("devices: {} tells of them again", devices::SOURCE));
                }
            }
            Err(error) => self.deaf_to_devices(&error),
        }
    }

    fn deaf_to_devices(&mut self, error: &std::io::Error) {
        if !std::mem::replace(&mut self.devices.is_deaf, true) {
            let every = AGAIN.as_secs();
            say(format!(
                "devices: {error}; until {} tells of them they are looked for every {every} s",
                devices::SOURCE
            ));
        }
    }

    fn forget_devices(&mut self) {
        for device in self.devices.known.keys().cloned().collect::<Vec<_>>() {
            self.note_device(&device, None);
        }
        self.close_devices();
        self.devices = Watch::default();
        self.timers.retain(|(_, timer)| *timer != Timer::Devices);
    }

    fn close_devices(&mut self) {
        if let Some(source) = self.devices.source.take() {
            self.poller.remove(&source).ok();
        }
    }

    /// There is news.
    pub(super) fn devices_heard(&mut self) {
        let Some(source) = &mut self.devices.source else { return };
        let hints = match source.hear() {
            Ok(hints) => hints,
            Err(error) => {
                self.close_devices();
                self.deaf_to_devices(&error);
                vec![Hint::Unsure]
            }
        };
        let is_meant = |hint: &Hint| match hint {
            // A link may lead to it, by which it is wanted.
            Hint::Came(Device::Node(_)) | Hint::Gone(Device::Node(_)) | Hint::Unsure => true,
            Hint::Came(device) | Hint::Gone(device) => self.core.devices().any(|wanted| wanted == device),
        };
        if hints.iter().any(is_meant) {
            self.look_at_devices(std::iter::empty());
        }
    }
}
