//! Orders told script by script.
