//! What of a caller's environment a legacy script sees.

/// The language and the forms of a place, by setlocale(3) of glibc: what Debian's service(8) lets through to a script
/// beside `PATH` and `TERM`.
pub const LOCALE: [&str; 15] = [
    "LANG",
    "LANGUAGE",
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
    "LC_ALL",
];

/// Where scripts of rc.conf look for programs.
///
/// Source: rc(8), service(8).
pub const RC_PATH: &str = "/sbin:/bin:/usr/sbin:/usr/bin";

/// The file of login classes, from the root, and the class whose environment scripts of rc.conf get.
///
/// Source: init(8), service(8).
pub const RC_CLASSES: &str = "etc/login.conf";
const RC_CLASS: &str = "daemon";

/// What tells scripts of a boot to say what they do.
///
/// Source: rc.subr(8).
pub const RC_DEBUG: &str = "DEBUG_SH";

/// What every script of rc.conf is given, by the text of login.conf(5): the last word on each variable last.
///
/// Source: init(8), service(8).
pub fn of_rc(classes: &str) -> Vec<(String, String)> {
    let own = [("PATH", RC_PATH), ("HOME", "/")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    crate::login_class::environment(classes, RC_CLASS).into_iter().chain(own).collect()
}

/// What rc(8) gives its scripts at a boot; `again` after single-user mode. Where it is process 1 itself that goes over
/// them, `debug` is what [`RC_DEBUG`] was set to, and who is told to stop the boot is process 1.
///
/// Source: rc(8).
pub fn of_rc_boot(again: bool, debug: Option<String>) -> Vec<(&'static str, String)> {
    let mut all = vec![("autoboot", if again { "no" } else { "yes" }.to_owned())];
    if let Some(debug) = debug {
        all.extend([("RC_PID", "1".to_owned()), (RC_DEBUG, debug)]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_of_rc_conf_gets_what_the_class_of_daemons_has_but_its_path() {
        let all = of_rc("daemon:lang=C.UTF-8:setenv=BLOCKSIZE=K,PATH=/x,HOME=/y:\n");
        let last = |name: &str| all.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!([last("LANG"), last("BLOCKSIZE")], [Some("C.UTF-8"), Some("K")]);
        assert_eq!([last("PATH"), last("HOME")], [Some(RC_PATH), Some("/")]);
    }

    #[test]
    fn who_stops_a_boot_is_told_only_where_process_1_goes_over_it() {
        assert_eq!(of_rc_boot(true, None), [("autoboot", "no".to_owned())]);
        let first = of_rc_boot(false, Some(String::new()));
        assert_eq!(first.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["autoboot", "RC_PID", "DEBUG_SH"]);
    }
}
