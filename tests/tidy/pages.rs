//! Manual pages against programs, both ways: nothing is hidden, nothing is made up.

use std::collections::BTreeSet;

use crate::{none, read};

#[test]
fn svc_and_its_page_agree() {
    agree("man/svc.8", &svc::cli::command());
}

#[test]
fn svcd_and_its_page_agree() {
    agree("man/svcd.8", &<svc::daemon::Arguments as clap::CommandFactory>::command());
}

fn agree(page: &str, model: &clap::Command) {
    let text = read(page);
    let written = Written::new(&text);
    let mut options = BTreeSet::from(["--help".to_owned(), "-h".to_owned(), "--version".to_owned(), "-V".to_owned()]);
    let mut words = BTreeSet::new();
    let mut verbs = BTreeSet::new();
    let shown: Vec<_> = model.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
    for command in std::iter::once(model).chain(shown.iter().copied()) {
        for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
            options.extend(argument.get_long().map(|long| format!("--{long}")));
            options.extend(argument.get_short().map(|short| format!("-{short}")));
            words.extend(argument.get_possible_values().iter().map(|value| value.get_name().to_owned()));
        }
    }
    for verb in shown {
        verbs.insert(verb.get_name().to_owned());
    }
    words.extend(verbs.iter().cloned());
    let mut faults = Vec::new();
    for missing in options.difference(&written.options).chain(verbs.difference(&written.items)) {
        faults.push(format!("{page}: {missing} is not in the page"));
    }
    for extra in written.options.difference(&options).chain(written.commands.difference(&words)) {
        faults.push(format!("{page}: {extra} is not in the program"));
    }
    none(&faults);
}

/// What a page in mdoc(7) names.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    /// `Fl n`, `Fl -lines`.
    options: BTreeSet<String>,
    /// `Cm word`.
    commands: BTreeSet<String>,
    /// The same at the head of a list item.
    items: BTreeSet<String>,
}

impl Written {
    fn new(text: &str) -> Self {
        let mut written = Self::default();
        for line in text.lines().filter(|line| line.starts_with('.') && !line.starts_with(".\\\"")) {
            let words: Vec<&str> = line[1..].split_whitespace().collect();
            for pair in words.windows(2) {
                let is_word = pair[1].starts_with(|first: char| first.is_ascii_alphanumeric() || first == '-');
                match pair[0] {
                    "Fl" if is_word => drop(written.options.insert(format!("-{}", pair[1]))),
                    "Cm" if is_word => drop(written.commands.insert(pair[1].to_owned())),
                    _ => {}
                }
            }
            if let ["It", "Cm", verb, ..] = words.as_slice() {
                written.items.insert((*verb).to_owned());
            }
        }
        written
    }
}

#[test]
fn a_page_is_read_as_mdoc_means_it() {
    let written =
        Written::new(".It Fl n Ar COUNT , Fl -lines Ar COUNT\n.It Cm start Ar NAME\n.\\\" Fl x\nFl y\n.Op Fl q\n");
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(written.options, set(&["-n", "--lines", "-q"]));
    assert_eq!((written.commands, written.items), (set(&["start"]), set(&["start"])));
}

/// Every key of a definition is in svc.toml(5) under its table, with its default, and nothing else is.
#[test]
fn definitions_and_their_page_agree() {
    let page = read("man/svc.toml.5");
    let items = keys_in(&page);
    let mut faults = Vec::new();
    for key in svc_core::definition::KEYS {
        let place = format!("`{}` of [{}]", key.name, key.table);
        let Some(item) = items.iter().find(|item| item.table == key.table && item.name == key.name) else {
            faults.push(format!("svc.toml(5) has no {place}"));
            continue;
        };
        let default = format!("Default: {}.", key.default);
        if !key.default.is_empty() && !item.lines.contains(&default.as_str()) {
            faults.push(format!("svc.toml(5), {place}: no line `{default}`"));
        }
        if key.default.is_empty() && item.lines.iter().any(|line| line.starts_with("Default:")) {
            faults.push(format!("svc.toml(5), {place}: a default that the program does not have"));
        }
        for (has, other, remark) in [(key.freebsd, key.linux, "Linux only."), (key.linux, key.freebsd, "FreeBSD only.")]
        {
            if other && has == item.lines.contains(&remark) {
                faults.push(format!("svc.toml(5), {place}: `{remark}` does not fit the program"));
            }
        }
    }
    for item in &items {
        if !svc_core::definition::KEYS.iter().any(|key| key.table == item.table && key.name == item.name) {
            faults.push(format!("svc.toml(5): there is no `{}` of [{}]", item.name, item.table));
        }
    }
    none(&faults);
}

/// What the classes of services give is a table in svc.toml(5), line by line.
#[test]
fn classes_and_their_page_agree() {
    let page = read("man/svc.toml.5");
    let classes = page.split(".Ss Classes\n").nth(1).and_then(|rest| rest.split(".Ss ").next()).unwrap_or_default();
    let written: Vec<&str> = classes.lines().filter(|line| line.contains(" Ta ")).collect();
    let rows = svc_core::definition::CLASS_DEFAULTS.iter();
    let told: Vec<String> =
        rows.map(|(class, key, value)| format!(".It {} Ta {key} Ta {value}", class.word())).collect();
    assert_eq!(written, told);
    for (_, word) in svc_core::service::Class::ALL {
        assert!(classes.lines().any(|line| line == format!(".It {word}")), "svc.toml(5) says nothing of class {word}");
    }
}

/// What each system does with each key is a table in svcd(8), line by line.
#[test]
fn systems_and_their_table_agree() {
    use svc_core::definition::{KEYS, System};
    let page = read("man/svcd.8");
    let table = page.split(".Ss Keys and systems\n").nth(1).and_then(|rest| rest.split(".El\n").next()).unwrap_or("");
    let written: Vec<&str> = table.lines().filter(|line| line.contains(" Ta ")).skip(1).collect();
    let told = KEYS.iter().map(|key| {
        let path = if key.table.is_empty() { key.name.to_owned() } else { format!("{}.{}", key.table, key.name) };
        format!(".It {path} Ta {} Ta {}", key.on(System::Linux), key.on(System::Freebsd))
    });
    let told: Vec<String> = told.collect();
    let missing =
        told.iter().filter(|row| !written.contains(&row.as_str())).map(|row| format!("svcd(8) has no `{row}`"));
    let extra = written.iter().filter(|row| !told.iter().any(|key| key == *row));
    none(&missing.chain(extra.map(|row| format!("svcd(8): there is no key for `{row}`"))).collect::<Vec<_>>());
    assert_eq!(written, told, "the keys in the order of svc.toml(5)");
}

/// A key as svc.toml(5) has it.
struct Item<'a> {
    table: &'a str,
    name: &'a str,
    lines: Vec<&'a str>,
}

fn keys_in(page: &str) -> Vec<Item<'_>> {
    let mut table = "";
    let mut items: Vec<Item<'_>> = Vec::new();
    for line in page.lines() {
        if let Some(heading) = line.strip_prefix(".Ss ") {
            table = heading.strip_prefix("Table ").map_or("", |table| table.trim_matches(['[', ']']));
        } else if let Some(name) = line.strip_prefix(".It Ic ") {
            items.push(Item { table, name, lines: Vec::new() });
        } else if let Some(item) = items.last_mut() {
            item.lines.push(line);
        }
    }
    items
}
