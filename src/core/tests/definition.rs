//! Definitions as files, and what is said about them; renewed with `UPDATE=1 cargo test`.

use std::fmt::{Debug, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use svc_core::Name;
use svc_core::definition::{Outcome, SourceText, System, parse, parse_on, refine};
use svc_core::service::{Kind, Service};

/// A case is a main file and drop-ins below lines of this; its first line may name the service.
const BREAK: &str = "# --- drop-in ---\n";

#[test]
fn each_definition_is_told_as_its_golden_file_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/definition");
    let mut cases: Vec<PathBuf> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 10, "only {} cases in {}", cases.len(), directory.display());
    let mut wrong = String::new();
    for case in cases {
        let stem = case.file_stem().unwrap().to_str().unwrap();
        let told = tell(stem, &fs::read_to_string(&case).unwrap());
        let expected = case.with_extension("out");
        if env::var_os("UPDATE").is_some() {
            fs::write(&expected, &told).unwrap();
        }
        let golden = fs::read_to_string(&expected).unwrap_or_default();
        if golden != told {
            write!(wrong, "\n{stem}: expected\n{golden}\nfound\n{told}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_examples_are_good_and_know_each_other() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/services");
    let mut services = Vec::new();
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = Name::new(path.file_stem().unwrap().to_str().unwrap()).unwrap();
        let main = SourceText { path: path.to_str().unwrap(), text: &text };
        let outcome = parse(&name, main, &[]);
        assert_eq!(outcome.rendered(&[main]), [""; 0]);
        services.push(outcome.service.unwrap());
    }
    assert!(services.len() >= 5, "{}", services.len());
    for service in &services {
        let links = &service.links;
        for needed in links.requires.iter().chain(&links.wants).chain(&links.after) {
            assert!(services.iter().any(|other| other.name == *needed), "{} names {needed}", service.name);
        }
    }
}

fn tell(stem: &str, text: &str) -> String {
    let asked = text.lines().next().and_then(|line| line.strip_prefix("# service: "));
    let name = Name::new(asked.unwrap_or(stem)).unwrap();
    let texts: Vec<&str> = text.split(BREAK).collect();
    let path = |index| if index == 0 { format!("{stem}.toml") } else { format!("{stem}.d/{index}.toml") };
    let paths: Vec<String> = (0..texts.len()).map(path).collect();
    let sources: Vec<SourceText<'_>> = paths.iter().zip(&texts).map(|(path, text)| SourceText { path, text }).collect();
    if stem.starts_with("refine") {
        let mut plain = Service::new(name, Kind::Script(Box::default()));
        plain.command = vec!["/etc/init.d/legacy".to_owned()];
        plain.links.after = vec![Name::new("network").unwrap()];
        return describe(&refine(System::Linux, plain.clone(), &sources[1..]), &sources, |_| plain.clone());
    }
    let outcome = match stem.split('-').next_back() {
        Some("linux") => parse_on(System::Linux, &name, sources[0], &sources[1..]),
        Some("freebsd") => parse_on(System::Freebsd, &name, sources[0], &sources[1..]),
        _ => parse(&name, sources[0], &sources[1..]),
    };
    describe(&outcome, &sources, |service| Service::new(service.name.clone(), service.kind.clone()))
}

/// The faults as an operator sees them, then what of the service differs from a plain one, and where it was written.
fn describe(outcome: &Outcome, sources: &[SourceText<'_>], plain: impl Fn(&Service) -> Service) -> String {
    let mut out: String = outcome.rendered(sources).into_iter().map(|fault| fault + "\n").collect();
    let Some(service) = &outcome.service else {
        return out + "no service\n";
    };
    writeln!(out, "{}", service.name).unwrap();
    let plain = plain(service);
    macro_rules! differing {
        ($($($field:ident).+),+ $(,)?) => {
            $(differ(&mut out, stringify!($($field).+), &service.$($field).+, &plain.$($field).+);)+
        };
    }
    let kind = Kind::Process;
    differ(&mut out, "kind", &service.kind, &kind);
    differing!(
        description,
        command,
        links.requires,
        links.wants,
        links.after,
        links.before,
        links.provides,
        links.conflicts,
        conditions,
        ready,
        start_timeout,
        stop.signal,
        stop.command,
        stop.timeout,
        reload,
        restart.when,
        restart.delay,
        restart.max_delay,
        restart.settled,
        restart.limit,
        restart.period,
        watchdog,
        smooth,
        leave_children,
        exec.identity,
        exec.chroot,
        exec.jail,
        exec.directory,
        exec.umask,
        exec.nice,
        exec.oom_score,
        exec.cpuset,
        exec.login_class,
        exec.fib,
        exec.protect,
        exec.limits,
        exec.environment,
        exec.environment_files,
        exec.runtime_directories,
        log,
        configure,
        configure_then,
        configure_at_start,
        class,
        verbs,
        access,
        enabled,
        files,
    );
    let origins = service.origins.iter().map(|(key, origin)| format!("  {key} from {origin}\n"));
    out + &origins.collect::<String>()
}

fn differ<T: Debug + PartialEq>(out: &mut String, field: &str, value: &T, plain: &T) {
    if value != plain {
        writeln!(out, "  {field} = {value:?}").unwrap();
    }
}
