//! OpenRC's runlevels by their names.
//!
//! Source: openrc(8), rc-update(8).

use crate::rcconf::value_in;

/// Where they are: a directory of links each.
pub const DIRECTORY: &str = "/etc/runlevels";
/// The first that a boot goes through.
pub const SYSINIT: &str = "sysinit";
/// The second.
pub const BOOT: &str = "boot";
/// The last, for work, unless rc.conf names another.
const DEFAULT: &str = "default";

/// The last that a boot goes through, by the text of `/etc/rc.conf`.
pub fn work(rc_conf: &[u8]) -> String {
    let named = value_in(rc_conf, "rc_default_runlevel");
    named.filter(|name| !name.is_empty() && !name.contains('/')).unwrap_or_else(|| DEFAULT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc_conf_names_the_one_for_work() {
        assert_eq!(work(b""), "default");
        assert_eq!(work(b"#rc_default_runlevel=x\nrc_default_runlevel=\"office\"\n"), "office");
        assert_eq!(work(b"rc_default_runlevel=../boot\n"), "default");
    }
}
