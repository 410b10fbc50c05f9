//! What the configuration means: a shell reads it, in an empty environment, and is asked.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::cli::personality::rcconf::WORK_SECONDS_MAX;

/// Reads the defaults without a word. Descriptor 3 is where the answer goes.
const DEFAULTS: &str = r#"
exec 3>&1 >/dev/null 2>&1
rc_conf_files='/etc/rc.conf /etc/rc.conf.local'
if [ -r "$SYSRC_DEFAULTS" ]; then . "$SYSRC_DEFAULTS"; fi
"#;

/// Then the files, and lets `$1`.. be asked.
const READ: &str = r#"
if [ -n "${SYSRC_FILES+given}" ]; then rc_conf_files=$SYSRC_FILES; fi
SYSRC_LEFT=$rc_conf_files
for SYSRC_ONE in $SYSRC_LEFT; do
	if [ -r "$SYSRC_ROOT$SYSRC_ONE" ]; then . "$SYSRC_ROOT$SYSRC_ONE"; fi
done
exec >&3
"#;

const ASK: &str = r#"
for SYSRC_ONE do
	if (eval ": \"\${$SYSRC_ONE?}\"") 2>/dev/null; then printf 1; else printf 0; fi
	(eval "printf %s \"\${$SYSRC_ONE}\"") 2>/dev/null
	printf '\000'
done
"#;

/// Prints the names that are known before, and after. Only here is heard what the files say.
const NAMES: &str = r#"
exec 3>&1 >/dev/null
set >&3
printf '\000' >&3
rc_conf_files='/etc/rc.conf /etc/rc.conf.local'
if [ -n "$SYSRC_WITH_DEFAULTS" ] && [ -r "$SYSRC_DEFAULTS" ]; then . "$SYSRC_DEFAULTS"; fi
if [ -n "${SYSRC_FILES+given}" ]; then rc_conf_files=$SYSRC_FILES; fi
SYSRC_LEFT=$rc_conf_files
if [ -z "$SYSRC_WITH_DEFAULTS" ]; then unset rc_conf_files; fi
for SYSRC_ONE in $SYSRC_LEFT; do
	if [ -r "$SYSRC_ROOT$SYSRC_ONE" ]; then . "$SYSRC_ROOT$SYSRC_ONE"; fi
done
set >&3
"#;

/// The files that are in force.
#[derive(Debug)]
pub(super) struct Values {
    /// Everything is below this; empty as a rule.
    root: PathBuf,
    defaults: String,
    /// Instead of what the defaults name.
    files: Option<Vec<String>>,
}

impl Values {
    pub(super) fn new(root: PathBuf, files: Option<Vec<String>>) -> Self {
        let from_environment = |name: &str| std::env::var(name).ok();
        let split = |text: String| text.split_whitespace().map(str::to_owned).collect();
        Self {
            root,
            defaults: from_environment("RC_DEFAULTS").unwrap_or_else(|| "/etc/defaults/rc.conf".to_owned()),
            files: files.or_else(|| from_environment("RC_CONFS").map(split)),
        }
    }

    /// Looks at other files from now on.
    pub(super) fn look_at(&mut self, files: Vec<String>) {
        self.files = Some(files);
    }

    /// A file as it is reached from here.
    pub(super) fn place(&self, file: &str) -> PathBuf {
        self.root.join(file.trim_start_matches('/'))
    }

    /// The file with the defaults.
    pub(super) fn defaults(&self) -> &str {
        &self.defaults
    }

    /// Whether somebody chose the files.
    pub(super) fn are_chosen(&self) -> bool {
        self.files.is_some()
    }

    /// The files that are read after the defaults, in order.
    pub(super) fn files(&self) -> Vec<String> {
        match &self.files {
            Some(files) => files.clone(),
            None => {
                let found = self.get("rc_conf_files").unwrap_or_default();
                found.split_whitespace().map(str::to_owned).collect()
            }
        }
    }

    /// The files that are to be read, found out without reading them.
    pub(super) fn unread_files(&self) -> Vec<String> {
        if let Some(files) = &self.files {
            return files.clone();
        }
        let script = format!("{DEFAULTS}exec >&3\nprintf %s \"$rc_conf_files\"");
        let answer = self.shell(&script, &[], Stdio::null());
        answer.split_whitespace().map(str::to_owned).collect()
    }

    /// The value of a variable, with the shell's own modifiers behind the name if wanted; nothing if it is not set.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        if name.is_empty() {
            return Some(String::new());
        }
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        self.get_all(&[name]).pop().flatten()
    }

    /// The values of several variables.
    pub(super) fn get_all(&self, names: &[&str]) -> Vec<Option<String>> {
        let answer = self.shell(&format!("{DEFAULTS}{READ}{ASK}"), names, Stdio::null());
        let mut values = answer.split('\0');
        let value = |text: &str| text.strip_prefix('1').map(|value| value.trim_end_matches('\n').to_owned());
        names.iter().map(|_| values.next().and_then(value)).collect()
    }

    /// The names of all variables, sorted: those of the files, and with the defaults if wanted.
    pub(super) fn names(&self, with_defaults: bool) -> Vec<String> {
        let flag = if with_defaults { "yes" } else { "" };
        let script = format!("SYSRC_WITH_DEFAULTS={flag}\n{NAMES}");
        let answer = self.shell(&script, &[], Stdio::inherit());
        let (before, after) = answer.split_once('\0').unwrap_or((&answer, ""));
        let before = names_in(before);
        let mut names = names_in(after);
        names.retain(|name| !before.contains(name) && !name.starts_with("SYSRC_"));
        names.sort();
        names.dedup();
        names
    }

    /// The file in which a variable is assigned last; that with the defaults comes last of all.
    pub(super) fn find(&self, name: &str) -> Option<String> {
        let files = self.files().into_iter().rev().chain(std::iter::once(self.defaults.clone()));
        let mut existing = files.filter(|file| self.place(file).is_file());
        existing.find(|file| {
            let text = fs::read(self.place(file)).unwrap_or_default();
            String::from_utf8_lossy(&text).lines().any(|line| super::edit::assigns(line, name))
        })
    }

    fn shell(&self, script: &str, words: &[&str], errors: Stdio) -> String {
        let root = if self.root == Path::new("/") { PathBuf::new() } else { self.root.clone() };
        let mut command = Command::new("/bin/sh");
        let script = format!("ulimit -t {WORK_SECONDS_MAX}\n{script}");
        command.args(["-c", &script, "sysrc"]).args(words);
        command.env_clear().env("PATH", "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin");
        command.env("SYSRC_ROOT", root).env("SYSRC_DEFAULTS", self.place(&self.defaults));
        if let Some(files) = &self.files {
            command.env("SYSRC_FILES", files.join(" "));
        }
        let Ok(output) = command.stdin(Stdio::null()).stderr(errors).output() else { return String::new() };
        if output.status.signal().is_some() {
            eprintln!("sysrc: the files have no end: their shell was stopped after {WORK_SECONDS_MAX} s of work");
        }
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// The names in what `set` prints: a value may go over several lines, in quotes.
fn names_in(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut quote = None;
    for line in text.lines() {
        if quote.is_none() {
            let name = line.split('=').next().unwrap_or_default();
            let fits = |each: char| each.is_ascii_alphanumeric() || each == '_';
            if line.contains('=') && !name.is_empty() && name.chars().all(fits) {
                names.push(name.to_owned());
            }
        }
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match (quote, letter) {
                (None | Some('"'), '\\') => drop(letters.next()),
                (None, '\'' | '"') => quote = Some(letter),
                (Some(open), _) if open == letter => quote = None,
                _ => {}
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::names_in;

    #[test]
    fn a_value_over_several_lines_is_one_variable() {
        assert_eq!(names_in("a='1'\nb='x\nc=2'\nd=4\ne='it'\"'\"'s'\nf=\"o\\\"\ng=1\""), ["a", "b", "d", "e", "f"]);
    }
}
