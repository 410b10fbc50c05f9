//! `sysrc`: rc.conf asked and changed.
//!
//! As the original, but for what loses data there: a symbolic link stays one, a last line without its end gets one, and
//! a value that no shell could read back is refused.

mod edit;
mod list;
mod options;
mod values;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use self::edit::Refused;
use self::options::{Form, Options, usage};
use self::values::Values;

pub(super) fn run(words: &[String]) -> ExitCode {
    if words.is_empty() {
        return usage();
    }
    match Options::read(words).and_then(|options| answer(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

fn answer(options: &Options) -> Result<(), ExitCode> {
    if let Some(jail) = &options.jail {
        eprintln!("jexec: jail \"{jail}\" not found");
        return Err(ExitCode::FAILURE);
    }
    let root = options.root.as_ref().map_or_else(super::rcconf::root, PathBuf::from);
    let mut values = Values::new(root, options.files.clone());
    if options.list_all {
        return list::service_files(options, &values);
    }
    if let Some(name) = options.words.iter().map(|word| bare_name(word)).find(|name| !is_speakable(name)) {
        eprintln!("sysrc: {name}: name contains characters not allowed in shell");
        return Err(ExitCode::FAILURE);
    }
    if let Some(service) = options.service.as_ref().filter(|_| !values.are_chosen()) {
        let files = [values.files(), list::files_of(service, &values)].concat();
        values.look_at(files);
    }
    if options.existing {
        let mut files = values.files();
        files.retain(|file| values.place(file).is_file());
        values.look_at(files);
    }
    if options.list {
        return list::files(options, &values);
    }
    if options.words.is_empty() && options.all.is_none() {
        return Err(usage());
    }
    check_readable(&values)?;
    if options.all.is_some() {
        return list::variables(options, &values);
    }
    let mut good = true;
    for word in &options.words {
        good &= one(options, &values, word);
    }
    if good { Ok(()) } else { Err(ExitCode::FAILURE) }
}

/// The name in a word: before what is done to it.
fn bare_name(word: &str) -> &str {
    let end = word.find(['%', '#', '+', '=', '-']).unwrap_or(word.len());
    word[..end].strip_suffix(':').unwrap_or(&word[..end])
}

fn is_speakable(name: &str) -> bool {
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

/// Every file must be one that a shell can read.
fn check_readable(values: &Values) -> Result<(), ExitCode> {
    let defaults = (!values.are_chosen()).then(|| values.defaults().to_owned());
    for file in defaults.into_iter().chain(values.unread_files()) {
        let place = values.place(&file);
        if !place.exists() {
            continue;
        }
        let status = std::process::Command::new("/bin/sh").arg("-n").arg(place).status();
        if !status.is_ok_and(|status| status.success()) {
            eprintln!("sysrc: Exiting due to previous syntax errors");
            return Err(ExitCode::FAILURE);
        }
    }
    Ok(())
}

/// One word of the command line: a question, or a change. Was it good?
fn one(options: &Options, values: &Values, word: &str) -> bool {
    let (left, value) = match word.split_once('=') {
        Some((left, value)) => (left, Some(value)),
        None => (word, None),
    };
    let (name, how) = match left.as_bytes().last() {
        Some(b'+') => (&left[..left.len() - 1], How::Append),
        Some(b'-') => (&left[..left.len() - 1], How::Remove),
        _ => (left, How::Assign),
    };
    if name.contains(['"', '\'', '`', '$', '\\', ';', '}', '\n']) {
        eprintln!("sysrc: {name}: name contains characters not allowed in shell");
        return false;
    }
    if options.describe {
        say(&format!("{name}: {}\n", list::description(values, name)));
    }
    match value {
        Some(_) if options.delete => delete(values, name),
        Some(value) => change(options, values, name, how, value),
        None => ask(options, values, name),
    }
}

fn ask(options: &Options, values: &Values, name: &str) -> bool {
    let Some(value) = values.get(name) else {
        if !options.ignore_unknown && !options.quiet {
            eprintln!("sysrc: unknown variable '{name}'");
        }
        return false;
    };
    if options.check || options.describe {
        return true;
    }
    if options.delete {
        return delete(values, name);
    }
    if options.show_file {
        let file = values.find(name).map(|file| file + "\n").unwrap_or_default();
        say(&(if options.form == Form::Value { file } else { format!("{name}: {file}") }));
        return true;
    }
    say(&format!("{}{}\n", list::prefix(options, values, name), list::shown(options.form, name, &value)));
    true
}

/// What is done with the value.
#[derive(Clone, Copy, Debug)]
enum How {
    Assign,
    Append,
    Remove,
}

fn change(options: &Options, values: &Values, name: &str, how: How, value: &str) -> bool {
    let known = values.get(name);
    let before = known.clone().unwrap_or_default();
    let new = match how {
        How::Assign => value.to_owned(),
        How::Append => append(&before, value),
        How::Remove => remove(&before, value),
    };
    if options.check {
        return check(options, values, name, known.as_deref(), &new);
    }
    let mut line = String::new();
    if options.verbose {
        let file = values.find(name).filter(|file| file != values.defaults());
        let file = file.or_else(|| values.files().into_iter().next()).unwrap_or_default();
        line = if options.form == Form::Shell { format!(": {file}; ") } else { format!("{file}: ") };
    }
    let shown = |values: &Values| if options.show_file { values.find(name) } else { values.get(name) };
    let before = if options.show_file { shown(values).unwrap_or_default() } else { before };
    if let Err(complaint) = set(values, name, &new) {
        say(&line);
        eprintln!("{complaint}");
        return false;
    }
    let after = shown(values).unwrap_or_default();
    line += &match options.form {
        Form::Pair => format!("{name}: {before} -> {after}"),
        Form::Shell => format!("{name}=\"{before}\" # -> \"{after}\""),
        Form::Value => format!("{before} -> {after}"),
        Form::Name => name.to_owned(),
    };
    say(&(line + "\n"));
    true
}

fn check(options: &Options, values: &Values, name: &str, known: Option<&str>, new: &str) -> bool {
    let file = || values.find(name).unwrap_or_default();
    let (good, verdict) = match known {
        None => (false, format!("{name}: not currently set")),
        Some(before) if before == new => (true, format!("{}: {name}: already set to `{before}'", file())),
        Some(before) => (false, format!("{}: {name}: would change from `{before}' to `{new}'", file())),
    };
    if options.verbose {
        say(&(verdict + "\n"));
    }
    good
}

/// The separator that a value names by its first character, and its items.
fn items(value: &str) -> (char, Vec<&str>) {
    let first = value.chars().next().unwrap_or(' ');
    if first.is_whitespace() || first.is_ascii_alphanumeric() || matches!(first, '.' | '/') {
        return (' ', value.split_whitespace().collect());
    }
    (first, value.split(first).filter(|item| !item.is_empty()).collect())
}

fn split(value: &str, separator: char) -> Vec<&str> {
    let by_separator = |letter: char| if separator == ' ' { letter.is_whitespace() } else { letter == separator };
    value.split(by_separator).filter(|item| !item.is_empty()).collect()
}

fn append(before: &str, value: &str) -> String {
    let (separator, wanted) = items(value);
    let there = split(before, separator);
    let mut new = before.to_owned();
    for item in wanted.iter().filter(|item| !there.contains(item)) {
        new.push(separator);
        new += item;
    }
    new.strip_prefix(separator).map(str::to_owned).unwrap_or(new)
}

fn remove(before: &str, value: &str) -> String {
    let (separator, unwanted) = items(value);
    let mut kept = split(before, separator);
    kept.retain(|item| !unwanted.contains(item));
    kept.join(&separator.to_string())
}

fn set(values: &Values, name: &str, value: &str) -> Result<(), String> {
    let found = values.find(name).filter(|file| file != values.defaults());
    let file = found.or_else(|| values.files().into_iter().next()).unwrap_or_else(|| "/etc/rc.conf".to_owned());
    let place = values.place(&file);
    let text = match fs::read(&place) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("sysrc: cannot read {file}: {}", plain(&error))),
    };
    edit::replace(&place, &edit::set(&text, name, value)).map_err(|refused| told(&file, &refused))
}

fn delete(values: &Values, name: &str) -> bool {
    for file in values.files() {
        let place = values.place(&file);
        let Ok(text) = fs::read(&place) else { continue };
        let Some(without) = edit::delete(&String::from_utf8_lossy(&text), name) else { continue };
        if let Err(refused) = edit::replace(&place, &without) {
            eprintln!("{}", told(&file, &refused));
            return false;
        }
    }
    true
}

fn told(file: &str, refused: &Refused) -> String {
    match refused {
        Refused::Syntax => format!("sysrc: Not overwriting `{file}' due to previous syntax errors"),
        Refused::Io(error) => {
            let program = std::env::args().next().unwrap_or_else(|| "sysrc".to_owned());
            let program = if program.contains('/') { program } else { "/usr/sbin/sysrc".to_owned() };
            format!("{program}: cannot create {file}: {}", plain(error))
        }
    }
}

/// The system's sentence without Rust's number behind it.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn say(text: &str) {
    // A reader who went away is no error of ours.
    let _ = io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_gets_an_item_once_and_loses_it_again() {
        assert_eq!(append("a b", "c"), "a b c");
        assert_eq!(append("a b", "b"), "a b");
        assert_eq!(append("", "x"), "x");
        assert_eq!(append("/x:/y", ":/z"), "/x:/y:/z");
        assert_eq!(remove("a b c", "b"), "a c");
        assert_eq!(remove("/x:/y", ":/x"), "/y");
    }
}
