//! Devices that services live with: which of them are there, and who minds.
//!
//! A device is to its services what a required service is: without it they wait, when it goes they are stopped, when it
//! comes back they start. It holds up nobody else, for nobody knows whether it will come.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::Supervisor;
use super::life::Life;
use crate::service::{Device, ServiceId};

/// What is known of devices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Devices {
    /// Those that are there, wanted or not.
    present: BTreeSet<Device>,
    /// The services that live with each.
    users: BTreeMap<Device, Vec<ServiceId>>,
}

impl Devices {
    /// The users of each device are now these.
    pub(super) fn belong_to(&mut self, lives: &[Option<Life>]) {
        self.users.clear();
        for (at, life) in lives.iter().enumerate() {
            for device in life.iter().flat_map(|life| &life.service.devices) {
                self.users.entry(device.clone()).or_default().push(ServiceId(at as u32));
            }
        }
    }

    /// How many of these are not there.
    pub(super) fn absent(&self, devices: &[Device]) -> u32 {
        devices.iter().filter(|device| !self.present.contains(*device)).count() as u32
    }
}

impl Supervisor {
    /// A device is there.
    pub(super) fn came(&mut self, device: Device) {
        for id in self.devices.users.get(&device).cloned().unwrap_or_default() {
            self.mind(id, &device, true);
        }
        self.devices.present.insert(device);
    }

    /// A device is not there any more.
    pub(super) fn gone(&mut self, device: &Device) {
        for id in self.devices.users.get(device).cloned().unwrap_or_default() {
            self.mind(id, device, false);
        }
        self.devices.present.remove(device);
    }

    fn mind(&mut self, id: ServiceId, device: &Device, is_there: bool) {
        if self.devices.present.contains(device) == is_there {
            return;
        }
        let life = self.life_mut(id);
        life.counts.absent = if is_there { life.counts.absent - 1 } else { life.counts.absent + 1 };
        // What it failed at without its device is no measure of how it does with it.
        life.attempts.clear();
        life.doublings = 0;
        self.touched.insert(id);
        self.enlist(id);
    }

    /// Every device that a service lives with.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        self.devices.users.keys()
    }

    /// Every device that is there, as far as the core was told.
    pub fn present(&self) -> impl Iterator<Item = &Device> {
        self.devices.present.iter()
    }

    /// The first device that a service lives with and that is not there.
    pub fn absent(&self, id: ServiceId) -> Option<&Device> {
        self.life(id).service.devices.iter().find(|device| !self.devices.present.contains(*device))
    }
}
