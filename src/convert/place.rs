//! Where definitions are written: a file of ours is renewed, one that somebody edited is left alone.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How the first line of a converted definition begins.
const MARK: &str = "# converted by svc from ";

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is new, or other than it was.
    Changed,
    /// It was as it is.
    Same,
    /// Somebody edited it, or wrote it: it is left alone.
    Edited,
}

/// The whole file: what it is, the definition, what is said about it.
pub fn file_text(script: &str, definition: &str, remarks: &str) -> String {
    let body = format!("{definition}\n{remarks}");
    format!("{MARK}{script}, sum {:016x}\n{body}", sum(&body))
}

/// Whether a text is as it was written by [`file_text`].
pub fn is_ours(text: &str) -> bool {
    let Some((first, body)) = text.split_once('\n') else { return false };
    let written = first.strip_prefix(MARK).and_then(|rest| rest.rsplit_once(", sum ")).map(|(_, sum)| sum);
    written.is_some_and(|written| u64::from_str_radix(written, 16).is_ok_and(|written| written == sum(body)))
}

/// Writes `DIR/NAME.toml` whole or not at all; with `force` also over what somebody edited.
///
/// # Errors
///
/// Those of the file system, with the path.
pub fn write(directory: &Path, name: &str, text: &str, force: bool) -> Result<(PathBuf, Written), String> {
    let path = directory.join(format!("{name}.toml"));
    let fault = |error: std::io::Error| format!("{}: {error}", path.display());
    match fs::read_to_string(&path) {
        Ok(old) if old == text => return Ok((path, Written::Same)),
        Ok(old) if !force && !is_ours(&old) => return Ok((path, Written::Edited)),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) if force && error.kind() == std::io::ErrorKind::InvalidData => {}
        Err(error) => return Err(fault(error)),
    }
    fs::create_dir_all(directory).map_err(fault)?;
    let half = directory.join(format!(".{name}.toml.new"));
    // Left by a run that was killed here, or a link that would have us write elsewhere.
    let _absent = fs::remove_file(&half);
    let mut file = fs::File::create_new(&half).map_err(fault)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fault)?;
    fs::rename(&half, &path).map_err(fault)?;
    Ok((path, Written::Changed))
}

/// FNV-1a: it tells an edit from none, no more is asked of it.
pub(crate) fn sum(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_edited_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = file_text("/etc/init.d/web", "command = \"/bin/web\"\n", "# remarks\n");
        let put = |text: &str, force| write(folder.path(), "web", text, force).unwrap().1;
        assert_eq!((put(&text, false), put(&text, false)), (Written::Changed, Written::Same));
        let newer = file_text("/etc/init.d/web", "command = \"/bin/web -v\"\n", "");
        assert_eq!(put(&newer, false), Written::Changed);
        fs::write(folder.path().join("web.toml"), newer.replace("-v", "-q")).unwrap();
        assert_eq!((put(&text, false), put(&text, true)), (Written::Edited, Written::Changed));
        fs::write(folder.path().join("web.toml"), "command = \"/bin/mine\"\n").unwrap();
        assert_eq!(put(&text, false), Written::Edited);
    }

    #[test]
    fn a_link_in_place_of_the_half_written_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (aim, half) = (folder.path().join("aim"), folder.path().join(".web.toml.new"));
        fs::write(&aim, "other").unwrap();
        std::os::unix::fs::symlink("aim", &half).unwrap();
        let (path, written) = write(folder.path(), "web", "command = \"/bin/web\"\n", false).unwrap();
        assert_eq!(written, Written::Changed);
        assert_eq!(fs::read_to_string(&aim).unwrap(), "other");
        assert!(fs::symlink_metadata(&path).unwrap().is_file() && fs::symlink_metadata(&half).is_err());
    }
}
