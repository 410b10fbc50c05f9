//! What packages say twice is the same both times.

use svc_compat::library::{ALL, RC_SUBR};

use crate::{files, none, read};

#[test]
fn packages_have_the_version_of_the_programs() {
    let version = env!("CARGO_PKG_VERSION");
    let mut faults = Vec::new();
    for (file, before) in [
        ("packaging/rpm/svc.spec", "Version:"),
        ("packaging/alpine/APKBUILD", "pkgver="),
        ("packaging/freebsd/Makefile", "DISTVERSION="),
    ] {
        let text = read(file);
        let found = text.lines().find_map(|line| line.strip_prefix(before)).map(str::trim);
        if found != Some(version) {
            faults.push(format!("{file}: {before} is {found:?}, the programs are {version}"));
        }
    }
    none(&faults);
}

/// Packages put the parts of rc.subr together themselves.
#[test]
fn rc_subr_is_its_parts_in_their_order() {
    let mut parts: Vec<_> =
        std::fs::read_dir("compat/shell/rcsubr").unwrap().map(|entry| entry.unwrap().path()).collect();
    parts.retain(|path| path.extension().is_some_and(|end| end == "sh"));
    parts.sort();
    let whole: String = parts.iter().map(|path| read(&path.to_string_lossy())).collect();
    assert!(whole == RC_SUBR.text, "the parts in the order of their names are not rc.subr");
}

/// Every library is in the layout.
#[test]
fn every_shell_library_is_packed() {
    let layout = read("packaging/linux/install");
    let source = read("compat/library.rs");
    let mut faults = Vec::new();
    for library in ALL.iter().filter(|library| **library != RC_SUBR) {
        let files = source.split("include_str!(\"shell/").skip(1).filter_map(|rest| rest.split('"').next());
        let file = files.into_iter().find(|file| read(&format!("compat/shell/{file}")) == library.text);
        if !file.is_some_and(|file| layout.contains(file)) {
            faults.push(format!("{}: {file:?} is not in packaging/linux/install", library.path));
        }
    }
    none(&faults);
}

#[test]
fn every_page_is_in_the_port() {
    let (plist, make) = (read("packaging/freebsd/pkg-plist"), read("packaging/freebsd/Makefile"));
    let pages: Vec<String> =
        files().iter().filter_map(|file| file.path.strip_prefix("man/").map(str::to_owned)).collect();
    assert!(pages.len() > 5, "{pages:?}");
    for page in pages {
        let section = page.rsplit('.').next().unwrap();
        assert!(plist.lines().any(|line| line == format!("share/man/man{section}/{page}.gz")), "pkg-plist: no {page}");
        assert!(make.split_whitespace().any(|word| word == page), "Makefile of the port: no {page}");
    }
}
