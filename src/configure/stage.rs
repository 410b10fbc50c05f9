//! The staging tree: the new files as they will be, below a directory of their own, for the commands that look at them.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use svc_core::definition::join;
use svc_platform::group;

use super::fault::{ConfigureError, system};

/// How long a command may look at the new files.
const VALIDATE_MAX: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(5);
/// How much of what it prints is shown.
const OUTPUT_BYTES_MAX: u64 = 4096;

/// The tree; it goes when this does.
#[derive(Debug)]
pub(crate) struct Stage {
    root: PathBuf,
}

impl Stage {
    /// Makes an empty one in this directory, for our eyes only: the new files may have secrets.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub(crate) fn new(directory: &Path) -> Result<Self, ConfigureError> {
        let mut number = 0;
        loop {
            let root = directory.join(format!("svc-stage-{}-{number}", std::process::id()));
            match fs::DirBuilder::new().mode(0o700).create(&root) {
                Ok(()) => return Ok(Self { root }),
                // Left by a process of the same number that was killed, or laid there by somebody else.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => number += 1,
                Err(error) => return Err(staging(&root)(error)),
            }
        }
    }

    /// Puts in a new file.
    ///
    /// # Errors
    ///
    /// The system's own: no space.
    pub(crate) fn put(&self, target: &str, bytes: &[u8]) -> Result<PathBuf, ConfigureError> {
        let path = self.path(target);
        let directory = path.parent().unwrap_or(&self.root);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(directory);
        made.and_then(|()| fs::write(&path, bytes)).map_err(staging(&path))?;
        Ok(path)
    }

    fn path(&self, target: &str) -> PathBuf {
        let parts = Path::new(target).components().filter(|part| matches!(part, std::path::Component::Normal(_)));
        self.root.join(parts.collect::<PathBuf>())
    }

    /// Lets a command look at the new files; `{file}` and `{root}` in its words are where they are.
    ///
    /// # Errors
    ///
    /// [`ConfigureError::Invalid`]; the system's own.
    pub(crate) fn validate(&self, words: &[String], target: &str) -> Result<(), ConfigureError> {
        let file = self.path(target);
        let fill = |word: &String| {
            word.replace("{file}", &file.to_string_lossy()).replace("{root}", &self.root.to_string_lossy())
        };
        let words: Vec<String> = words.iter().map(fill).collect();
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        // A file and not a pipe: what the command leaves running must not keep us.
        let output = self.root.join(".output");
        let options = File::options().read(true).write(true).create(true).truncate(true).mode(0o600).clone();
        let mut output = options.open(&output).map_err(staging(&output))?;
        let copy = || output.try_clone().map(Stdio::from).map_err(staging(&self.root));
        let mut command = Command::new(program);
        command.args(arguments).current_dir("/").process_group(0).stdin(Stdio::null());
        command.stdout(copy()?).stderr(copy()?);
        command.env("SVC_FILE", &file).env("SVC_STAGE", &self.root).env("SVC_TARGET", target);
        let invalid = |end: String, output: String| ConfigureError::Invalid { command: join(&words), end, output };
        let mut child = command.spawn().map_err(|error| invalid(format!("cannot be run: {error}"), String::new()))?;
        let Some(status) = within(&mut child, VALIDATE_MAX).map_err(staging(&self.root))? else {
            let end = format!("did not end within {} s", VALIDATE_MAX.as_secs());
            return Err(invalid(end, tail(&mut output)));
        };
        if status.success() { Ok(()) } else { Err(invalid(ended(status), tail(&mut output))) }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed lies in a private directory, and the next configure clears the place.
        let _left = fs::remove_dir_all(&self.root);
    }
}

fn staging(path: &Path) -> impl Fn(io::Error) -> ConfigureError {
    let path = path.to_path_buf();
    move |error| system("staging")(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

/// Waits for a child for so long, then kills it with its process group.
fn within(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() > limit {
            group::kill(child)?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(STEP);
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended in an unknown way".to_owned(),
    }
}

/// The end of what a command printed.
fn tail(output: &mut File) -> String {
    let length = output.metadata().map(|found| found.len()).unwrap_or(0);
    let mut bytes = Vec::new();
    let read = output
        .seek(SeekFrom::Start(length.saturating_sub(OUTPUT_BYTES_MAX)))
        .and_then(|_| output.take(OUTPUT_BYTES_MAX).read_to_end(&mut bytes));
    match read {
        Ok(_) => String::from_utf8_lossy(&bytes).trim_end().to_owned(),
        Err(error) => format!("(what it printed cannot be read: {error})"),
    }
}
