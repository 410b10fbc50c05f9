//! The place of a rehearsal made ready: recorders where launchers were, libraries that write down what they are asked.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::{fmt, io};

use svc_compat::library::{FUNCTIONS, INIT_D_SCRIPT, INIT_FUNCTIONS, RC_SUBR};
use svc_platform::sandbox::{self, Failure, OURS, OWN};

use super::recorder;

/// Where programs are, the one that wins first.
const PLACES: [&str; 6] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"];
/// Waiting changes nothing here.
const WAITERS: [&str; 2] = ["sleep", "usleep"];
/// Functions that only talk or look: they do as ever, and are noted.
const NOTED: [&str; 12] = [
    "log_daemon_msg",
    "log_progress_msg",
    "log_begin_msg",
    "log_end_msg",
    "log_success_msg",
    "log_failure_msg",
    "log_warning_msg",
    "log_action_msg",
    "log_action_begin_msg",
    "log_action_end_msg",
    "pidofproc",
    "status_of_proc",
];

/// The file in which these functions note what they are told.
pub(super) fn said() -> String {
    format!("{OURS}/said")
}

/// What was put into the root by us, which is no doing of the script.
#[derive(Debug, Default)]
pub(super) struct Ours {
    /// Everything, by its real path.
    pub(super) paths: BTreeSet<PathBuf>,
    /// Where recorders are.
    pub(super) recorders: BTreeSet<PathBuf>,
}

/// The script's own file.
#[derive(Debug)]
pub(super) struct Script<'a> {
    /// Where it is, inside.
    pub(super) path: &'a Path,
    pub(super) text: &'a [u8],
}

impl Ours {
    /// Puts everything into its place.
    pub(super) fn furnish(script: &Script<'_>) -> Result<Self, Failure> {
        let mut ours = Self::default();
        for path in [recorder::lines(), recorder::output(), said()] {
            let made = File::create(&path).and_then(|file| file.set_permissions(Permissions::from_mode(0o666)));
            at(&path, made)?;
        }
        ours.script(script)?;
        ours.show(Path::new(OWN), Path::new(&super::standin::program()))?;
        let bin = format!("{OURS}/bin");
        at(&bin, fs::create_dir(&bin))?;
        for name in recorder::FUNCTIONS {
            ours.show(Path::new(OWN), &Path::new(&bin).join(name))?;
        }
        ours.recorders(script)?;
        ours.libraries(script)?;
        Ok(ours)
    }

    /// The script, where it is not to be seen by its own path.
    fn script(&mut self, script: &Script<'_>) -> Result<(), Failure> {
        if fs::read(script.path).is_ok_and(|found| found == script.text) {
            return Ok(());
        }
        self.put(script.path, script.text)?;
        at(script.path.display(), fs::set_permissions(script.path, Permissions::from_mode(0o755)))
    }

    fn recorders(&mut self, script: &Script<'_>) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(script.text);
        for name in recorder::PROGRAMS {
            let mut found = false;
            for path in places(name) {
                found = true;
                self.show(Path::new(OWN), &path)?;
            }
            // What a script asks for by itself is there, whatever packages are; others it may look for in vain.
            let wanted = name == "start-stop-daemon" || (name == "daemon" && text.contains("rc.subr"));
            if !found && wanted {
                self.show(Path::new(OWN), &Path::new("/usr/sbin").join(name))?;
            }
        }
        let Some(nothing) = places("true").into_iter().next() else { return Ok(()) };
        for path in WAITERS.into_iter().flat_map(places) {
            self.show(&nothing, &path)?;
        }
        Ok(())
    }

    fn libraries(&mut self, script: &Script<'_>) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(script.text);
        self.put(Path::new(INIT_FUNCTIONS.path), &noting(INIT_FUNCTIONS.text, LSB))?;
        for path in [FUNCTIONS.path, "/etc/init.d/functions"] {
            if Path::new(path).exists() || (text.contains(path) && !text.contains(INIT_FUNCTIONS.path)) {
                self.put(Path::new(path), &noting(FUNCTIONS.text, RED_HAT))?;
            }
        }
        if text.contains(RC_SUBR.path) {
            self.put(Path::new(RC_SUBR.path), &noting(RC_SUBR.text, RC_START))?;
        }
        let interpreter = Path::new(INIT_D_SCRIPT.path);
        if text.contains(INIT_D_SCRIPT.path) && !interpreter.exists() {
            self.put(interpreter, INIT_D_SCRIPT.text.as_bytes())?;
            at(INIT_D_SCRIPT.path, fs::set_permissions(interpreter, Permissions::from_mode(0o755)))?;
        }
        // Packages that were only unpacked lack the links that a system has.
        for (link, target) in [("/var/run", "/run"), ("/var/lock", "/run/lock")] {
            if fs::symlink_metadata(link).is_err() && Path::new("/var").is_dir() {
                at(link, symlink(target, link))?;
                self.paths.insert(link.into());
            }
        }
        Ok(())
    }

    /// Shows one file in the place of another; no link there is followed.
    fn show(&mut self, from: &Path, to: &Path) -> Result<(), Failure> {
        let is_file = fs::symlink_metadata(to).is_ok_and(|found| found.is_file());
        if !is_file {
            self.clear(to)?;
            at(to.display(), File::create(to))?;
        }
        self.paths.insert(real(to));
        self.recorders.insert(real(to));
        at(to.display(), sandbox::bind(from, to))
    }

    /// Writes a file, in the place of whatever is there.
    fn put(&mut self, path: &Path, text: &[u8]) -> Result<(), Failure> {
        self.clear(path)?;
        self.paths.insert(real(path));
        at(path.display(), fs::write(path, text))
    }

    fn clear(&mut self, path: &Path) -> Result<(), Failure> {
        if let Some(above) = path.parent() {
            let missing = above.ancestors().take_while(|above| fs::symlink_metadata(above).is_err());
            self.paths.extend(missing.map(Path::to_path_buf));
            at(above.display(), fs::create_dir_all(above))?;
        }
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::at(path.display(), error)),
            _ => Ok(()),
        }
    }
}

/// The path with no link above its last name.
pub(super) fn real(path: &Path) -> PathBuf {
    let above = path.parent().and_then(|above| fs::canonicalize(above).ok());
    above.zip(path.file_name()).map_or_else(|| path.to_path_buf(), |(above, name)| above.join(name))
}

/// Names what was being done.
fn at<T>(what: impl fmt::Display, result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|error| Failure::at(what, error))
}

/// Where a program is, each file once: `/bin` may be another name of `/usr/bin`.
fn places(name: &str) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for place in PLACES {
        let Ok(place) = fs::canonicalize(place) else { continue };
        let path = place.join(name);
        if fs::symlink_metadata(&path).is_ok() && !all.contains(&path) {
            all.push(path);
        }
    }
    all
}

/// What each library asks a recorder instead of doing it.
const LSB: &[(&str, &str)] = &[("start_daemon", "start_daemon"), ("killproc", "killproc")];
const RED_HAT: &[(&str, &str)] = &[("daemon", "daemon-function"), ("killproc", "killproc")];
const RC_START: &[(&str, &str)] = &[];

/// A library whose functions note what they are told.
fn noting(text: &str, recorded: &[(&str, &str)]) -> Vec<u8> {
    let mut text = text.to_owned();
    let mut after = format!("_svc_note()\n{{\n\tprintf '%s\\0' \"$#\" \"$@\" >>{} 2>/dev/null || :\n}}\n", said());
    for name in NOTED {
        let head = format!("\n{name}()\n");
        if text.contains(&head) {
            text = text.replace(&head, &format!("\n_svc_{name}()\n"));
            after += &format!("{name}()\n{{\n\t_svc_note {name} \"$@\"\n\t_svc_{name} \"$@\"\n}}\n");
        }
    }
    for (name, recorder) in recorded {
        after += &format!("{name}()\n{{\n\t{OURS}/bin/{recorder} \"$@\"\n}}\n");
    }
    if text.contains("\n_rc_start_line()\n") {
        after += &RC_START_LINE.replace("RECORDER", &format!("{OURS}/bin/rc-subr"));
    }
    (text + &after).into_bytes()
}

/// The command line of a start is given to a recorder; what is around the command is said in options.
const RC_START_LINE: &str = r#"_rc_start_line()
{
	printf '%s\n' "RECORDER ${pidfile:+--pidfile '$pidfile'} ${_user:+--user '$_user'} ${_group:+--group '$_group'} \
${_groups:+--groups '$_groups'} ${_chroot:+--chroot '$_chroot'} ${_chdir:+--chdir '$_chdir'} ${_nice:+--nice '$_nice'} \
-- $_prepend ${_env:+env $_env} $command $rc_flags ${command_args-}"
}
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_that_is_noted_or_recorded_is_one_of_its_library() {
        let lsb = String::from_utf8(noting(INIT_FUNCTIONS.text, LSB)).unwrap();
        for name in NOTED {
            assert!(lsb.contains(&format!("\n_svc_{name}()\n")), "{name} is not in the library");
        }
        for (text, recorded) in [(INIT_FUNCTIONS.text, LSB), (FUNCTIONS.text, RED_HAT)] {
            for (name, recorder) in recorded {
                assert!(text.contains(&format!("\n{name}()\n")), "{name} is not in the library");
                assert!(recorder::FUNCTIONS.contains(recorder));
            }
        }
        let rc = String::from_utf8(noting(RC_SUBR.text, RC_START)).unwrap();
        assert!(rc.ends_with("${command_args-}\"\n}\n"));
    }
}
