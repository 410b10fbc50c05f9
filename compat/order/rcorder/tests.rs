//! Orders told line by line.
