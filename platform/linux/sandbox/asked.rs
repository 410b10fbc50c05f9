//! What a watched process asks, read from its memory while it waits.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use libc::{c_long, seccomp_data, seccomp_notif};

use super::filter;
use crate::sandbox::Call;

/// So many bytes of a path or word are read.
const TEXT_MAX: usize = 128 * 1024;
/// So many words of a command line are read.
const WORDS_MAX: usize = 4096;

/// A question not yet asked.
pub(super) fn nothing() -> seccomp_notif {
    let data = seccomp_data { nr: 0, arch: 0, instruction_pointer: 0, args: [0; 6] };
    seccomp_notif { id: 0, pid: 0, flags: 0, data }
}

/// What is asked. What cannot be read is harm: it is not done.
pub(super) fn read(question: &seccomp_notif) -> Call {
    let number = c_long::from(question.data.nr);
    match filter::harm(number) {
        Some(name) => Call::Harm(name),
        None => Reader::new(question).and_then(|reader| reader.call(number)).unwrap_or(Call::Harm("unreadable")),
    }
}

struct Reader<'a> {
    pid: u32,
    memory: File,
    arguments: &'a [u64; 6],
}

impl<'a> Reader<'a> {
    fn new(question: &'a seccomp_notif) -> io::Result<Self> {
        let memory = File::open(format!("/proc/{}/mem", question.pid))?;
        Ok(Self { pid: question.pid, memory, arguments: &question.data.args })
    }

    fn call(&self, number: c_long) -> io::Result<Call> {
        let [a, b, c, d, e, _] = *self.arguments;
        #[cfg(target_arch = "x86_64")]
        match number {
            libc::SYS_open => return self.open(HERE, a, b),
            libc::SYS_creat => return self.open(HERE, a, libc::O_WRONLY as u64),
            _ => {}
        }
        match number {
            libc::SYS_openat => self.open(a as i32, b, c),
            libc::SYS_execve => self.execute(self.path(HERE, a)?, b),
            libc::SYS_execveat => self.execute(self.path(a as i32, b)?, c),
            libc::SYS_mount => Ok(Call::Mount {
                source: self.text(a).unwrap_or_default(),
                target: self.path(HERE, b)?.display().to_string(),
                kind: self.text(c).unwrap_or_default(),
                options: options(d, self.text(e).unwrap_or_default()),
            }),
            libc::SYS_umount2 => Ok(Call::Unmount { target: self.path(HERE, a)?.display().to_string() }),
            _ => Ok(Call::Harm("unknown")),
        }
    }

    fn open(&self, directory: i32, path: u64, flags: u64) -> io::Result<Call> {
        let writes = flags as i32 & libc::O_ACCMODE != libc::O_RDONLY || flags as i32 & libc::O_CREAT != 0;
        Ok(Call::Open { path: self.path(directory, path)?, writes })
    }

    fn execute(&self, program: PathBuf, words: u64) -> io::Result<Call> {
        let mut arguments = Vec::new();
        for at in 0..WORDS_MAX as u64 {
            if words == 0 {
                break;
            }
            let mut address = [0; 8];
            self.memory.read_exact_at(&mut address, words.wrapping_add(at * 8))?;
            match u64::from_ne_bytes(address) {
                0 => break,
                address => arguments.push(self.text(address)?),
            }
        }
        Ok(Call::Execute { program, arguments })
    }

    /// A path as seen from the root of the place.
    fn path(&self, directory: i32, address: u64) -> io::Result<PathBuf> {
        let path = PathBuf::from(std::ffi::OsString::from_vec(self.bytes(address)?));
        let link = |what: &str| std::fs::read_link(format!("/proc/{}/{what}", self.pid));
        let root = link("root").unwrap_or_else(|_| PathBuf::from("/"));
        if path.is_absolute() {
            return Ok(root.join(path.strip_prefix("/").unwrap_or(&path)));
        }
        let base = if directory == HERE { link("cwd")? } else { link(&format!("fd/{directory}"))? };
        Ok(if path.as_os_str().is_empty() { base } else { base.join(Path::new(&path)) })
    }

    fn text(&self, address: u64) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(address)?).into_owned())
    }

    /// Bytes up to the zero, a page at a time: what lies behind may not be there.
    fn bytes(&self, address: u64) -> io::Result<Vec<u8>> {
        const PAGE: u64 = 4096;
        if address == 0 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let (mut found, mut at) = (Vec::new(), address);
        while found.len() < TEXT_MAX {
            let mut page = [0; PAGE as usize];
            let length = usize::try_from(PAGE - at % PAGE).unwrap_or(1);
            let part = &mut page[..length];
            self.memory.read_exact_at(part, at)?;
            if let Some(end) = part.iter().position(|byte| *byte == 0) {
                found.extend_from_slice(&part[..end]);
                return Ok(found);
            }
            found.extend_from_slice(part);
            at = at.wrapping_add(length as u64);
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// The working directory (`AT_FDCWD`).
const HERE: i32 = libc::AT_FDCWD;

/// The flags of mount(2) as mount(8) spells them, and what the file system is told.
fn options(flags: u64, data: String) -> String {
    let known = [
        (libc::MS_RDONLY, "ro"),
        (libc::MS_NOSUID, "nosuid"),
        (libc::MS_NODEV, "nodev"),
        (libc::MS_NOEXEC, "noexec"),
        (libc::MS_REMOUNT, "remount"),
        (libc::MS_BIND, "bind"),
        (libc::MS_MOVE, "move"),
    ];
    let said = known.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| (*name).to_owned());
    said.chain((!data.is_empty()).then_some(data)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_process_is_read_word_by_word() {
        let (path, word) = (c"relative/name", c"second word");
        let words = [path.as_ptr() as u64, word.as_ptr() as u64, 0];
        let mut question = nothing();
        question.pid = std::process::id();
        question.data.nr = i32::try_from(libc::SYS_execve).unwrap();
        question.data.args[..2].copy_from_slice(&[path.as_ptr() as u64, words.as_ptr() as u64]);
        let program = std::env::current_dir().unwrap().join("relative/name");
        let arguments = vec!["relative/name".to_owned(), "second word".to_owned()];
        assert_eq!(read(&question), Call::Execute { program, arguments });
        question.data.args[0] = 1;
        assert_eq!(read(&question), Call::Harm("unreadable"));
        question.data.nr = i32::try_from(libc::SYS_reboot).unwrap();
        assert_eq!(read(&question), Call::Harm("reboot"));
    }

    #[test]
    fn options_of_a_mount_are_told_as_mount_8_tells_them() {
        assert_eq!(options(libc::MS_RDONLY | libc::MS_BIND, "size=1m".into()), "ro,bind,size=1m");
    }
}
