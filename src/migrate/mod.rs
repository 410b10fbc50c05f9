//! A machine looked at from outside: its services as one order, its legacy scripts as an inventory. Needs no daemon
//! and no root, and changes nothing.

pub(crate) mod order;
