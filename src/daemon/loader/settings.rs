//! The variables that a script's own configuration sets, as `/etc/default` and its like: what lines say outright is
//! taken from them, and for the rest a shell is asked that reads the file.

use std::path::Path;
use std::process::Command;

use svc_compat::rcconf::is_variable;
use svc_compat::shell::{How, Shell, Values, literal};
use svc_core::service::Setting;

use super::{Trust, answer, text_of};
use crate::daemon::manager::environment::PATH;

/// Where such files are.
const PLACES: [&str; 3] = ["/etc/default/", "/etc/sysconfig/", "/etc/conf.d/"];
/// What stands before the answer for one file, which begins with its number, and before each variable in it.
const MARK: char = '\u{1}';
const NEXT: char = '\u{2}';

/// Each file in a shell of its own with a second of work, all at once: a bad one hurts only itself, and those that take
/// long do not take the time of the others. An answer is written in one piece.
const QUESTION: &str = r#"
_svc_number=0
while [ $# -ge 2 ]; do
	{
		_svc_said=$(
			ulimit -t 1
			. "$1" >/dev/null 2>&1
			for _svc_name in $2; do
				eval "printf '\002%s=%s' \"$_svc_name\" \"\${$_svc_name-}\""
			done
			printf '\002'
		)
		printf '\001%s%s' "$_svc_number" "$_svc_said"
	} &
	_svc_number=$((_svc_number + 1))
	shift 2
done
wait
"#;

/// One file of settings.
#[derive(Debug)]
struct File {
    path: String,
    settings: Vec<Setting>,
    /// Those of them that only a shell knows.
    unknown: Vec<String>,
}

/// What the files say that these scripts source, in the order of the scripts.
pub(super) fn of(sources: &[&[String]], root: &Path, trust: Trust) -> Vec<Vec<Setting>> {
    let is_settings = |path: &&String| PLACES.iter().any(|place| path.starts_with(place));
    let read = |path: &String| file(&root.join(path.trim_start_matches('/')), trust);
    let files = |paths: &&[String]| paths.iter().filter(is_settings).filter_map(read).collect();
    let mut all: Vec<Vec<File>> = sources.iter().map(files).collect();
    if trust == Trust::Owners {
        ask(&mut all);
    }
    all.into_iter().map(|files| files.into_iter().flat_map(|file| file.settings).collect()).collect()
}

fn file(path: &Path, trust: Trust) -> Option<File> {
    let text = text_of(path, trust).ok()?;
    let shown = path.to_string_lossy().into_owned();
    let shell = Shell::read(&text);
    let values = Values::of(&shell, &shown);
    let (mut settings, mut unknown) = (Vec::<Setting>::new(), Vec::new());
    for one in shell.assignments().into_iter().filter(|one| is_variable(&one.name)) {
        let origin = format!("{shown}:{}", shell.line(one.value.start));
        let written = shell.bytes(one.value);
        let plain = !one.place.conditional && one.how == How::Set;
        let mut found = values.expand(written);
        let value = literal(written).or_else(|| (found.len() == 1).then(|| found.remove(0))).filter(|_| plain);
        settings.retain(|old| old.name != one.name);
        unknown.retain(|old| *old != one.name);
        if value.is_none() {
            unknown.push(one.name.clone());
        }
        let value = value.unwrap_or_else(|| String::from_utf8_lossy(written).into_owned());
        settings.push(Setting { name: one.name, value, origin });
    }
    Some(File { path: shown, settings, unknown })
}

/// Puts in what a shell has for what lines do not tell. What it does not answer stays as it is written.
fn ask(all: &mut [Vec<File>]) {
    let mut files: Vec<&mut File> = all.iter_mut().flatten().filter(|file| !file.unknown.is_empty()).collect();
    if files.is_empty() {
        return;
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", QUESTION, "svcd"]).env_clear().env("PATH", PATH);
    for file in &files {
        command.arg(&file.path).arg(file.unknown.join(" "));
    }
    let mut wait = answer::Wait::new("what scripts source", answer::TIME_MAX);
    let Ok(answer) = answer::of(&mut command, &mut wait) else { return };
    let text = String::from_utf8_lossy(&answer.text);
    for piece in text.split(MARK).skip(1) {
        let mut pieces = piece.split(NEXT);
        let number = pieces.next().and_then(|number| number.parse::<usize>().ok());
        let Some(file) = number.and_then(|number| files.get_mut(number)) else { continue };
        for (name, value) in pieces.filter_map(|pair| pair.split_once('=')) {
            let asked = file.unknown.iter().any(|unknown| unknown == name);
            if let Some(setting) = file.settings.iter_mut().find(|setting| asked && setting.name == name) {
                value.clone_into(&mut setting.value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn world(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/default")).unwrap();
        for (name, text) in files {
            fs::write(root.path().join("etc/default").join(name), text).unwrap();
        }
        root
    }

    fn found(root: &Path, scripts: &[&str], trust: Trust) -> Vec<String> {
        let sources: Vec<Vec<String>> =
            scripts.iter().map(|name| vec!["/lib/x".to_owned(), format!("/etc/default/{name}")]).collect();
        let sources: Vec<&[String]> = sources.iter().map(Vec::as_slice).collect();
        let shown = |one: &Setting| {
            let origin = one.origin.replace(&root.display().to_string(), "");
            format!("{}={} {origin}", one.name, one.value)
        };
        of(&sources, root, trust).iter().flatten().map(shown).collect()
    }

    #[test]
    fn lines_that_say_it_outright_are_taken_for_it() {
        let root = world(&[("web", "# x\nRUN=no\nRUN=yes\nexport OPTS=\"-a $RUN\"\n")]);
        let wanted = ["RUN=yes /etc/default/web:3", "OPTS=-a yes /etc/default/web:4"];
        assert_eq!(found(root.path(), &["web"], Trust::Anyone), wanted);
    }

    #[test]
    fn a_shell_tells_the_rest_and_a_bad_file_hurts_only_itself() {
        if !svc_platform::users::is_root() {
            return crate::daemon::skipped("settings as a shell reads them: needs root");
        }
        let root = world(&[
            ("turns", "A=$(expr 20 + 1)\nwhile :; do :; done\n"),
            ("broken", "B=$(expr 20 + 2)\nif\n"),
            ("web", "if true; then C=$(expr 20 + 3); fi\necho noise\n"),
        ]);
        let wanted = [
            "A=$(expr 20 + 1) /etc/default/turns:1",
            "B=$(expr 20 + 2) /etc/default/broken:1",
            "C=23 /etc/default/web:1",
        ];
        assert_eq!(found(root.path(), &["turns", "broken", "web"], Trust::Owners), wanted);
    }
}
