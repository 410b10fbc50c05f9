//! Reads legacy init scripts: text in, facts and notes out; runs nothing, touches nothing.
