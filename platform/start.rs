//! What a program of ours is at its start, and how it becomes another.

use std::ffi::CString;
use std::path::Path;
use std::{fmt, fs, io};

use crate::sys::{because, check};

/// What we run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A machine of its own.
    Machine,
    /// A virtual machine; by whose hypervisor, where it says so.
    Vm(String),
    /// A container; of which kind.
    Container(String),
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machine => f.write_str("machine"),
            Self::Vm(by) => write!(f, "vm ({by})"),
            Self::Container(of) => write!(f, "container ({of})"),
        }
    }
}

/// Whether this is the first process, of the machine or of its pid namespace.
pub fn is_process_1() -> bool {
    std::process::id() == 1
}

/// Where things are on a machine of this system, each without the slash before it. Of definitions the first wins.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// What lives as long as the machine is up.
    pub runtime: &'static str,
    /// What services print.
    pub logs: &'static str,
    /// What outlives a boot.
    pub state: &'static str,
    /// Definitions.
    pub definitions: &'static [&'static str],
    /// Legacy scripts.
    pub scripts: &'static [&'static str],
    /// Of those the one for scripts that are not the system's own.
    pub shims: &'static str,
}

/// The machine's own name.
///
/// # Errors
///
/// The kernel's own; none is expected.
///
/// Source: gethostname(2).
pub fn name() -> io::Result<String> {
    Ok(nix::unistd::gethostname()?.to_string_lossy().into_owned())
}

/// Becomes a program in place: same process, same children, same descriptors but those marked to be closed, the same
/// environment. The signal mask stays, too. Returns only if it failed.
///
/// Source: execve(2).
pub fn become_program(program: &Path, arguments: &[CString]) -> io::Error {
    let path = match crate::launch::c_string(program) {
        Ok(path) => path,
        Err(error) => return error,
    };
    match nix::unistd::execv(&path, arguments) {
        Ok(never) => match never {},
        Err(errno) => because(&errno.into(), program.display()),
    }
}

/// How a machine ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Stop, power on.
    Halt,
    /// Power off.
    Poweroff,
    /// Start again.
    Reboot,
    /// Switch off and on again; start again where that cannot be.
    Cycle,
}

/// Makes sure that descriptors 0, 1 and 2 are open, so that no file of ours becomes somebody's standard output. The
/// first thing a program does.
///
/// # Errors
///
/// The kernel's own: there is no `/dev/null`.
///
/// Source: open(2), fcntl(2).
pub fn fill_standard_descriptors() -> io::Result<()> {
    for fd in 0..3 {
        // SAFETY: asks about a number; touches no memory.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            // The lowest free number is this one, as those below are open. Never closed, so never owned.
            // SAFETY: the path is a C string that lives for ever.
            check(unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) })?;
        }
    }
    Ok(())
}

/// Whether what we say goes to `/dev/null`, or nowhere. So it is for process 1 where the kernel opens no descriptor for
/// it, and after a session on the console: at its end the terminal is taken away from everyone.
///
/// Source: revoke(2).
pub fn says_to_nobody() -> bool {
    let Ok(said) = nix::sys::stat::fstat(io::stderr()).map(|found| found.st_rdev) else { return true };
    Ok(said) == nix::sys::stat::stat("/dev/null").map(|found| found.st_rdev)
}

/// Makes the console our standard descriptors, as process 1 of a machine has none else. Not as a controlling terminal.
///
/// # Errors
///
/// The kernel's own, with the path: there is no console.
///
/// Source: console(4).
pub fn take_console() -> io::Result<()> {
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    let options = fs::File::options().read(true).write(true).custom_flags(libc::O_NOCTTY).clone();
    let console = options.open("/dev/console").map_err(|error| because(&error, "/dev/console"))?;
    for target in 0..3 {
        // SAFETY: both are numbers; what the standard descriptors were is not owned by any value.
        check(unsafe { libc::dup2(console.as_raw_fd(), target) })?;
    }
    Ok(())
}

/// Makes the console our standard descriptors and the terminal of the session that we lead, in its
/// usual mode: whoever had it before may have been killed while editing a line.
///
/// # Errors
///
/// The kernel's own, with the path: there is no console, or we lead no session.
///
/// Source: console(4), tty(4), `TIOCSCTTY`.
pub fn lead_console() -> io::Result<()> {
    take_console()?;
    // SAFETY: the request takes no memory of ours; 0: from nobody who has it.
    check(unsafe { libc::ioctl(0, libc::TIOCSCTTY as _, 0) })?;
    crate::terminal::make_usual(io::stdin())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_descriptors_that_are_open_stay_as_they_are() {
        let before = std::io::stderr();
        let found = nix::sys::stat::fstat(&before).unwrap().st_ino;
        fill_standard_descriptors().unwrap();
        assert_eq!(nix::sys::stat::fstat(&before).unwrap().st_ino, found);
        let null = fs::File::open("/dev/null").unwrap();
        let same = nix::sys::stat::fstat(&null).unwrap().st_rdev == nix::sys::stat::fstat(&before).unwrap().st_rdev;
        assert_eq!(says_to_nobody(), same);
    }

    #[test]
    fn becoming_a_program_that_is_not_there_says_so_and_leaves_us_here() {
        let error = become_program(Path::new("/nonexistent/svcd"), &[c"svcd".to_owned()]);
        assert!(error.to_string().starts_with("/nonexistent/svcd: "), "{error}");
    }
}
