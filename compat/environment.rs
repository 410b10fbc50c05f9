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
