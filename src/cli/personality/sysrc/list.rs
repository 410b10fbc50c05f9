//! What sysrc lists: variables, files, descriptions.

use std::fs;
use std::process::ExitCode;

use super::options::{All, Form, Options};
use super::say;
use super::values::Values;
use crate::cli::personality::rcconf;

/// A variable and its value, in the form asked for.
pub(super) fn shown(form: Form, name: &str, value: &str) -> String {
    match form {
        Form::Pair => format!("{name}: {value}"),
        Form::Shell => format!("{name}=\"{value}\""),
        Form::Value => value.to_owned(),
        Form::Name => name.to_owned(),
    }
}

/// Where a variable is set, if that is wanted.
pub(super) fn prefix(options: &Options, values: &Values, name: &str) -> String {
    let file = || values.find(name).unwrap_or_default();
    match (options.verbose, options.form) {
        (false, _) => String::new(),
        (true, Form::Shell) => format!(": {}; ", file()),
        (true, _) => format!("{}: ", file()),
    }
}

/// `-a`, `-A`
pub(super) fn variables(options: &Options, values: &Values) -> Result<(), ExitCode> {
    if options.delete && !options.delete_all {
        eprintln!("sysrc: `-x' option incompatible with `-a'/`-A' options (use `-X' to override)");
        return Err(ExitCode::FAILURE);
    }
    if options.check {
        eprintln!("sysrc: `-c' option incompatible with `-a'/`-A' options");
        return Err(ExitCode::FAILURE);
    }
    let names = values.names(options.all == Some(All::Defaults));
    let found = values.get_all(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, value) in names.into_iter().zip(found) {
        if options.describe {
            say(&format!("{name}: {}\n", description(values, &name)));
        } else if options.show_file {
            let file = values.find(&name).unwrap_or_default();
            say(&format!("{}\n", shown(options.form, &name, &file)));
        } else if options.delete {
            super::delete(values, &name);
        } else {
            let value = value.unwrap_or_default();
            let place = if options.verbose { values.find(&name).unwrap_or_default() + ": " } else { String::new() };
            say(&format!("{place}{}\n", shown(options.form, &name, &value)));
        }
    }
    Ok(())
}

/// `-l`
pub(super) fn files(options: &Options, values: &Values) -> Result<(), ExitCode> {
    if !options.words.is_empty() {
        return Err(super::usage());
    }
    let files = if options.defaults_only { values.defaults().to_owned() } else { values.files().join(" ") };
    say(&(files + "\n"));
    Ok(())
}

/// `-L`
pub(super) fn service_files(options: &Options, values: &Values) -> Result<(), ExitCode> {
    let named = !options.words.is_empty();
    let services = if named { options.words.clone() } else { services(values) };
    let wanted = |file: &String| !options.existing || values.place(file).is_file();
    let mut list: Vec<String> = Vec::new();
    let mut complete = true;
    if !named {
        list.extend(values.files().into_iter().filter(wanted));
        let files = list.join(" ");
        match (options.verbose, options.form) {
            (true, _) => say(&format!("rc_conf_files: {files}\n")),
            (false, Form::Shell) => say(&format!("rc_conf_files=\"{files}\"\n")),
            _ => {}
        }
    }
    for service in services {
        let files: Vec<String> = files_of(&service, values).into_iter().filter(wanted).collect();
        complete &= !files.is_empty();
        match (options.verbose, options.form) {
            _ if files.is_empty() => {}
            (true, _) => say(&format!("{service}: {}\n", files.join(" "))),
            (false, Form::Shell) => say(&format!("{service}=\"{}\"\n", files.join(" "))),
            _ => {
                for file in files {
                    if !list.contains(&file) {
                        list.push(file);
                    }
                }
            }
        }
    }
    let is_told = options.verbose || options.form == Form::Shell || (named && options.quiet);
    if !is_told && !list.is_empty() {
        say(&(list.join(" ") + "\n"));
    }
    if complete || !named { Ok(()) } else { Err(ExitCode::FAILURE) }
}

fn directories(values: &Values) -> Vec<String> {
    let local = values.get("local_startup").unwrap_or_else(|| "/usr/local/etc/rc.d".to_owned());
    std::iter::once("/etc/rc.d".to_owned()).chain(local.split_whitespace().map(str::to_owned)).collect()
}

fn services(values: &Values) -> Vec<String> {
    directories(values).iter().flat_map(|directory| rcconf::names(&values.place(directory))).collect()
}

/// The files below rc.conf.d that are read for a service, there or not; for a directory those in it.
pub(super) fn files_of(service: &str, values: &Values) -> Vec<String> {
    let mut files = Vec::new();
    let name = written_name(service, values).unwrap_or_else(|| service.to_owned());
    for directory in directories(values) {
        let above = directory.strip_suffix("/rc.d").unwrap_or(&directory);
        let file = format!("{above}/rc.conf.d/{name}");
        let place = values.place(&file);
        if place.is_dir() {
            files.extend(rcconf::names(&place).into_iter().map(|inside| format!("{file}/{inside}")));
        } else {
            files.push(file);
        }
    }
    files
}

/// The name that a script gives itself.
fn written_name(service: &str, values: &Values) -> Option<String> {
    let places = directories(values).into_iter().map(|directory| values.place(&format!("{directory}/{service}")));
    let text = places.filter_map(|place| fs::read(place).ok()).next()?;
    let text = String::from_utf8_lossy(&text);
    let name = text.lines().find_map(|line| line.strip_prefix("name="))?;
    let name = name.trim().trim_matches(['"', '\'']);
    (!name.is_empty() && !name.contains(['$', '`', '/', ' '])).then(|| name.to_owned())
}

/// The comment behind a variable in the file of defaults, joined if it goes over several lines.
pub(super) fn description(values: &Values, name: &str) -> String {
    let text = fs::read(values.place(values.defaults())).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines().skip_while(|line| !super::edit::assigns(line, name));
    let Some(first) = lines.next() else { return String::new() };
    let mut words: Vec<&str> = first.split_once('#').map_or("", |(_, comment)| comment).split_whitespace().collect();
    for line in lines {
        let Some(comment) = line.trim_start().strip_prefix('#') else { break };
        let head = comment.split('=').next().unwrap_or_default();
        let is_name =
            |head: &str| !head.is_empty() && head.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if comment.contains('=') && is_name(head) {
            break;
        }
        words.extend(comment.trim_start_matches('#').split_whitespace());
    }
    words.join(" ")
}
