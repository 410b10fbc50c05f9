//! Waiting for what a daemon says of itself when it is ready.

use std::env;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use svc_platform::users;

use super::Problem;
use super::identity::Identity;
use super::words::number;

const MESSAGE_BYTES_MAX: usize = 4096;
const NAMES_MAX: u32 = 1000;

/// A socket in a directory of its own; both go with it.
pub(super) struct Ear {
    socket: UnixDatagram,
    directory: PathBuf,
}

impl Ear {
    pub(super) fn new(identity: &Identity) -> Result<Self, Problem> {
        let run = Path::new("/run");
        let base = match users::is_root() && run.exists() {
            true => run.to_owned(),
            false => env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
        };
        let directory = directory(&base).map_err(|error| {
            Problem::system(format!("cannot create socket directory in {}", base.display()), &error)
        })?;
        let path = directory.join("notify");
        let (uid, gid) = identity.owner();
        let made = chown(&directory, uid, gid).and_then(|()| UnixDatagram::bind(&path)).and_then(|socket| {
            fs::set_permissions(&path, Permissions::from_mode(0o660))?;
            chown(&path, uid, gid)?;
            Ok(socket)
        });
        match made {
            Ok(socket) => Ok(Self { socket, directory }),
            Err(error) => {
                let _ = fs::remove_dir_all(&directory);
                Err(Problem::system("cannot bind to notification socket", &error))
            }
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.directory.join("notify")
    }

    /// Returns when it is ready.
    pub(super) fn wait(&self, seconds: u64) -> Result<(), Problem> {
        let mut end = Instant::now() + Duration::from_secs(seconds);
        let mut bytes = [0; MESSAGE_BYTES_MAX];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let timed_out = || Problem::Fatal("timed out waiting for a notification".to_owned());
            if left.is_zero() {
                return Err(timed_out());
            }
            let heard = self.socket.set_read_timeout(Some(left)).and_then(|()| self.socket.recv(&mut bytes));
            let count = match heard {
                Ok(count) => count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return Err(timed_out());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Problem::system("cannot receive notification packet", &error)),
            };
            for line in String::from_utf8_lossy(&bytes[..count]).lines() {
                if line == "READY=1" {
                    return Ok(());
                }
                if let Some(text) = line.strip_prefix("EXTEND_TIMEOUT_USEC=") {
                    let more = text.parse::<u64>();
                    let wrong = |_| Problem::Fatal(format!("cannot parse extended timeout notification {line}"));
                    end = Instant::now() + Duration::from_micros(more.map_err(wrong)?);
                }
                if let Some(text) = line.strip_prefix("ERRNO=") {
                    let wrong = || Problem::Fatal(format!("cannot parse errno notification {line}"));
                    let error = io::Error::from_raw_os_error(number(text).ok_or_else(wrong)?);
                    return Err(Problem::system("program failed to initialize", &error));
                }
            }
        }
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        // Nothing else is in it.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// A directory of a name that nobody has.
fn directory(base: &Path) -> io::Result<PathBuf> {
    for attempt in 0..NAMES_MAX {
        let path = base.join(format!(".s-s-d-notify.{}.{attempt}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
