//! The environment a service's programs get: for legacy scripts what Debian's service(8) gives, for the rest a clean
//! one with the usual names in it.

use std::collections::BTreeMap;
use std::env;
use std::path::Path;

use svc_compat::environment::{LOCALE, RC_CLASSES, of_rc};
use svc_core::Service;
use svc_core::service::Exec;
use svc_platform::files;

/// Where programs are looked for if nothing else is said.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The largest environment file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Variables by name: the last word on each wins.
pub(crate) type Environment = BTreeMap<String, String>;

/// The environment of a legacy script. But for those of rc.conf there is no `HOME`: a script that needs one would fail
/// at boot too.
pub(crate) fn of_script(service: &Service, root: &Path) -> Result<Environment, String> {
    let classes = match service.rc_conf() {
        // Most systems have none.
        Some(_) => files::read_regular(&root.join(RC_CLASSES), FILE_BYTES_MAX).unwrap_or_default(),
        None => Vec::new(),
    };
    of_script_in(service, &String::from_utf8_lossy(&classes))
}

fn of_script_in(service: &Service, classes: &str) -> Result<Environment, String> {
    let mut to = Environment::new();
    to.insert("PATH".into(), PATH.into());
    to.insert("TERM".into(), env::var("TERM").unwrap_or_else(|_| "dumb".into()));
    inherit(&mut to, &LOCALE);
    inherit(&mut to, &["TZ"]);
    if service.rc_conf().is_some() {
        // A class says what a terminal is taken for, not what it is.
        let is_known = |name: &str| name == "TERM" && env::var_os(name).is_some();
        to.extend(of_rc(classes).into_iter().filter(|(name, _)| !is_known(name)));
    }
    // Wrappers that hand a script's call over to a service manager must not hand this one back to us.
    to.insert("_SYSTEMCTL_SKIP_REDIRECT".into(), "true".into());
    to.insert("SYSTEMCTL_SKIP_REDIRECT".into(), "1".into());
    written(&mut to, &service.exec)?;
    Ok(to)
}

/// The environment of a native service. A user's own daemon passes on what the user has; the machine's starts clean.
pub(crate) fn of_program(service: &Service, is_root: bool) -> Result<Environment, String> {
    let mut to = Environment::new();
    if is_root {
        inherit(&mut to, &LOCALE);
        inherit(&mut to, &["TZ"]);
        to.insert("PATH".into(), PATH.into());
    } else {
        to.extend(env::vars().filter(|(name, _)| !name.starts_with("SVC_") && name != "NOTIFY_SOCKET"));
        to.entry("PATH".into()).or_insert_with(|| PATH.into());
    }
    if let Some(who) = service.exec.identity.as_ref().and_then(|identity| identity.resolved.as_ref()) {
        to.insert("HOME".into(), who.home.clone());
        to.insert("SHELL".into(), who.shell.clone());
        to.insert("USER".into(), who.login.clone());
        to.insert("LOGNAME".into(), who.login.clone());
    } else {
        inherit(&mut to, &["HOME", "SHELL", "USER", "LOGNAME"]);
    }
    written(&mut to, &service.exec)?;
    Ok(to)
}

fn inherit(to: &mut Environment, names: &[&str]) {
    to.extend(names.iter().filter_map(|name| Some((String::from(*name), env::var(name).ok()?))));
}

fn written(to: &mut Environment, exec: &Exec) -> Result<(), String> {
    for file in &exec.environment_files {
        let (path, may_miss) = match file.strip_prefix('-') {
            Some(path) => (path, true),
            None => (file.as_str(), false),
        };
        match files::read_regular(Path::new(path), FILE_BYTES_MAX) {
            Ok(text) => read(&text, path, to)?,
            Err(error) if may_miss && error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("reading environment-file {path}: {error}")),
        }
    }
    to.extend(exec.environment.iter().map(|(name, value)| (name.clone(), value.clone())));
    Ok(())
}

/// Reads `NAME=value` lines: comments, `export`, and one pair of quotes round a value are understood; nothing is
/// expanded.
fn read(text: &[u8], path: &str, to: &mut Environment) -> Result<(), String> {
    let text = String::from_utf8_lossy(text);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let fault = || format!("{path}:{}: not a line of NAME=value", number + 1);
        let (name, value) = line.split_once('=').ok_or_else(fault)?;
        let name = name.trim();
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Err(fault());
        }
        to.insert(name.into(), unquoted(value.trim()).replace('\0', ""));
    }
    Ok(())
}

fn unquoted(value: &str) -> &str {
    for quote in ['"', '\''] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return inner;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use svc_core::Name;
    use svc_core::service::{Kind, RcConf, Script};

    fn service() -> Service {
        Service::new(Name::new("web").unwrap(), Kind::Process)
    }

    #[test]
    fn lines_of_an_environment_file_are_read_without_a_shell() {
        let mut to = Environment::new();
        read(b"# c\n\nA=1\nexport B=\"x y\"\nC='$A'\nD=\n; no\n E = 2 \n", "f", &mut to).unwrap();
        let pairs: Vec<_> = to.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs, ["A=1", "B=x y", "C=$A", "D=", "E=2"]);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        assert_eq!(read(b"A=1\nrm -rf\n", "/f", &mut Environment::new()), Err("/f:2: not a line of NAME=value".into()));
    }

    #[test]
    fn a_missing_file_is_an_error_unless_it_may_miss() {
        let mut service = service();
        service.exec.environment_files = vec!["-/nonexistent/x".into()];
        assert!(of_program(&service, true).is_ok());
        service.exec.environment_files = vec!["/nonexistent/x".into()];
        assert!(of_program(&service, true).unwrap_err().starts_with("reading environment-file /nonexistent/x: "));
    }

    #[test]
    fn a_script_gets_what_service_8_gives_and_no_home() {
        let environment = of_script(&service(), Path::new("/")).unwrap();
        assert_eq!(environment["PATH"], PATH);
        assert!(environment.contains_key("TERM") && !environment.contains_key("HOME"));
    }

    #[test]
    fn a_script_of_rc_conf_gets_what_the_class_of_daemons_has_but_its_path() {
        let script = Script { rc_conf: Some(RcConf::default()), ..Script::default() };
        let service = Service::new(Name::new("web").unwrap(), Kind::Script(Box::new(script)));
        let classes = "daemon:lang=C.UTF-8:charset=UTF-8:setenv=BLOCKSIZE=K,PATH=/x,HOME=/y:\n";
        let environment = of_script_in(&service, classes).unwrap();
        let of = |name: &str| environment[name].as_str();
        assert_eq!([of("LANG"), of("MM_CHARSET"), of("BLOCKSIZE")], ["C.UTF-8", "UTF-8", "K"]);
        assert_eq!((of("PATH"), of("HOME")), (svc_compat::environment::RC_PATH, "/"));
        assert!(
            !of_script_in(&self::service(), classes).unwrap().contains_key("MM_CHARSET"),
            "it is no script of rc.conf"
        );
    }

    #[test]
    fn a_definition_has_the_last_word() {
        let mut service = service();
        service.exec.environment.insert("PATH".into(), "/opt/bin".into());
        assert_eq!(of_program(&service, true).unwrap()["PATH"], "/opt/bin");
    }
}
