//! What a value is once its form is right.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::fault::Place;
use crate::name::Name;
use crate::run::Signal;
use crate::service::{Condition, Device, Limit, Network, Ready, Reload, Verb};

/// A value whose form is right.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Texts(Vec<String>),
    Flag(bool),
    Number(i64),
    Size(u64),
    Mask(u32),
    Duration(Option<Duration>),
    Names(Vec<(Name, Place)>),
    Signal(Signal),
    Ready(Ready),
    Reload(Reload),
    Limit(Limit),
    Conditions(Vec<Condition>),
    Verb(Verb),
    Network(Network),
    Processors(Vec<u32>),
    Devices(Vec<Device>),
}
