//! rcorder(8) to the letter: its output, its messages, its exit code.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use svc_compat::order::rcorder::{File, Format, Options, rcorder};
use svc_compat::script::why_not;
use svc_platform::files;

use super::{Answer, Words, expanded, inside};

/// A script longer than this is not read; the header is at its start.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) fn order(words: &Words, root: &Path) -> Answer {
    let paths = if words.files.is_empty() { of_machine(root) } else { expanded(&words.files) };
    let mut stderr = Vec::new();
    let mut texts: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for path in paths {
        match files::read_regular(&path, FILE_BYTES_MAX) {
            Ok(text) => texts.push((path, text)),
            // The original passes over what is no file without a word.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            Err(error) => {
                let why = plain(&error, &path);
                stderr.extend_from_slice(format!("rcorder: could not open {}: {why}\n", path.display()).as_bytes());
            }
        }
    }
    let given: Vec<File<'_>> =
        texts.iter().map(|(path, text)| File { name: path.as_os_str().as_bytes(), text }).collect();
    let format = match (words.parallel, words.graph) {
        (_, true) => Format::Dot,
        (true, false) => Format::Parallel,
        (false, false) => Format::Lines,
    };
    let options = Options { format, keep: words.keep.clone(), skip: words.skip.clone(), ..Options::default() };
    let answer = rcorder(&given, &options);
    for message in &answer.messages {
        stderr.extend_from_slice(b"rcorder: ");
        stderr.extend_from_slice(message);
        stderr.push(b'\n');
    }
    let name = |file: &usize| String::from_utf8_lossy(given[*file].name).into_owned();
    let groups: Vec<Vec<String>> = answer.groups.iter().map(|group| group.iter().map(name).collect()).collect();
    let messages: Vec<_> = answer.messages.iter().map(|message| String::from_utf8_lossy(message)).collect();
    Answer {
        json: serde_json::json!({ "groups": groups, "messages": messages, "exit": answer.exit }),
        stdout: answer.stdout,
        stderr,
        code: u8::try_from(answer.exit).unwrap_or(1),
    }
}

/// What rc(8) hands to rcorder in its second pass.
fn of_machine(root: &Path) -> Vec<PathBuf> {
    let base = inside(&root.join("etc/rc.d"));
    let local = inside(&root.join("usr/local/etc/rc.d"));
    let is_service =
        |path: &PathBuf| path.file_name().and_then(OsStr::to_str).is_some_and(|name| why_not(name).is_none());
    base.into_iter().chain(local).filter(is_service).collect()
}

/// The system's sentence, without the path before it and Rust's number behind it.
fn plain(error: &io::Error, path: &Path) -> String {
    let text = error.to_string();
    let text = text.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&text);
    text.split(" (os error").next().unwrap_or(text).to_owned()
}
