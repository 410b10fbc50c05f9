//! One configure after the other.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::fault::{ConfigureError, system};

/// How long another may take: longer than any command may look at new files.
const WAIT_MAX: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(20);

/// What makes sure that nobody else changes files meanwhile.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes it, waiting for others.
    ///
    /// # Errors
    ///
    /// [`ConfigureError::Busy`]; the system's own.
    pub(crate) fn take(path: &Path) -> Result<Self, ConfigureError> {
        let locking = |error: io::Error| {
            system("waiting for our turn")(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        };
        let options = File::options().write(true).create(true).truncate(false).mode(0o600).clone();
        let file = options.open(path).map_err(locking)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::Error(error)) => return Err(locking(error)),
                Err(TryLockError::WouldBlock) if started.elapsed() > WAIT_MAX => {
                    return Err(ConfigureError::Busy { path: path.to_path_buf(), waited: WAIT_MAX });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(STEP),
            }
        }
    }
}
