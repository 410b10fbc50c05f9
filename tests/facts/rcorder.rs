//! rcorder's answers.

use std::path::Path;

use serde_json::Value;
use svc_compat::order::rcorder::{Answer, Edition, File, Format, Leftover, Options, rcorder};

use super::{Outcome, all_json, json, strings};

/// Names and texts of scripts.
type Texts = Vec<(String, String)>;

/// What getopt(3) makes of the words: options, file names, and its complaints.
fn options(args: &[String]) -> (Options, Vec<String>, Vec<String>) {
    let mut options = Options::default();
    let mut complaints = Vec::new();
    let mut args = args.iter().peekable();
    while let Some(cluster) = args.next_if(|arg| arg.starts_with('-') && arg.len() > 1) {
        if cluster == "--" {
            break;
        }
        let mut letters = cluster[1..].chars();
        while let Some(letter) = letters.next() {
            match letter {
                'p' => options.format = Format::Parallel,
                'g' => options.format = Format::Dot,
                'd' => complaints.push("rcorder: debugging not compiled in, -d ignored".to_string()),
                'k' | 's' => {
                    let rest: String = letters.by_ref().collect();
                    let word = if rest.is_empty() { args.next().cloned() } else { Some(rest) };
                    let list = if letter == 'k' { &mut options.keep } else { &mut options.skip };
                    match word {
                        Some(word) => list.push(word),
                        None => complaints.push(format!("rcorder: option requires an argument -- {letter}")),
                    }
                }
                other => complaints.push(format!("rcorder: illegal option -- {other}")),
            }
        }
    }
    (options, args.cloned().collect(), complaints)
}

/// The text of a file that is given by name or path.
fn text_of<'a>(texts: &'a Texts, name: &str) -> Option<&'a str> {
    let of = |wanted: &str| texts.iter().find(|(known, _)| known == wanted).map(|(_, text)| text.as_str());
    of(name).or_else(|| of(base(name)))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn answer(texts: &Texts, names: &[String], options: &Options) -> Answer {
    let file = |name: &String| Some((name.clone(), text_of(texts, name)?));
    let found: Vec<(String, &str)> = names.iter().filter_map(file).collect();
    let files: Vec<File<'_>> =
        found.iter().map(|(name, text)| File { name: name.as_bytes(), text: text.as_bytes() }).collect();
    rcorder(&files, options)
}

fn lines(answer: &Answer) -> (Vec<String>, Vec<String>) {
    let stdout = String::from_utf8_lossy(&answer.stdout).lines().map(String::from).collect();
    let message = |text: &Vec<u8>| format!("rcorder: {}", String::from_utf8_lossy(text));
    // The recorder took a carriage return for a line end.
    let cut = |text: String| text.split('\r').map(String::from).collect::<Vec<_>>();
    (stdout, answer.messages.iter().map(message).flat_map(cut).collect())
}

/// Splits a command as a shell does, as far as the recorded ones need it.
fn words(command: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = command.trim();
    while let Some(first) = rest.chars().next() {
        let (word, after) = if first == '\'' {
            rest[1..].split_once('\'').unwrap_or((&rest[1..], ""))
        } else {
            rest.split_once(' ').unwrap_or((rest, ""))
        };
        out.push(word.to_string());
        rest = after.trim_start();
    }
    out
}

/// On a real FreeBSD: every step of every case, to the letter.
pub(super) fn freebsd(directory: &Path) -> Vec<Outcome> {
    let mut out = Vec::new();
    for (name, case) in all_json(&directory.join("freebsd/rcorder")) {
        let list = |key: &str| case["inputs"][key].as_array().cloned().unwrap_or_default();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_string();
        let mut texts: Texts =
            list("files").iter().map(|file| (base(&word(&file["path"])).to_string(), word(&file["content"]))).collect();
        for link in list("links") {
            let text = text_of(&texts, &word(&link["target"])).map(String::from);
            texts.extend(text.map(|text| (base(&word(&link["path"])).to_string(), text)));
        }
        if texts.is_empty() {
            println!("  {name}: the scripts themselves are not among the facts: not counted");
            continue;
        }
        let setup = strings(&case["inputs"]["setup"]).join("\n");
        for (at, step) in case["steps"].as_array().expect("steps").iter().enumerate() {
            let wanted = (word(&step["stdout"]), word(&step["stderr"]), step["exit"].as_i64());
            let found = run(&word(&step["command"]), &texts, &setup);
            out.push(Outcome::same(format!("freebsd/rcorder/{name}/{at}"), &wanted, &found));
        }
    }
    out
}

/// What a recorded command prints: `cd DIR && rcorder ...`, with redirections and a filter behind it.
fn run(command: &str, texts: &Texts, setup: &str) -> (String, String, Option<i64>) {
    let command = command.split_once("rcorder").map_or(command, |(_, args)| args);
    let (command, filter) = command.split_once(" | ").map_or((command, None), |(one, two)| (one, Some(two)));
    let (quiet, joined) = (command.contains(" 2>/dev/null"), command.contains(" 2>&1"));
    let command = command.replace(" 2>/dev/null", "").replace(" 2>&1", "");
    let mut all: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
    all.sort();
    let backward = all.iter().rev().cloned().collect::<Vec<_>>().join(" ");
    let command = command.replace("$(ls -r)", &backward).replace("$(ls)", &all.join(" "));
    let args: Vec<String> =
        words(&command).into_iter().flat_map(|word| if word == "*" { all.clone() } else { vec![word] }).collect();
    let (options, names, mut complaints) = options(&args);
    for name in names.iter().filter(|name| text_of(texts, name).is_none()) {
        // A directory is passed over without a word.
        if !setup.contains("mkdir") || !setup.contains(base(name)) {
            complaints.push(format!("rcorder: could not open {name}: No such file or directory"));
        }
    }
    let answer = answer(texts, &names, &options);
    let said = answer.messages.iter().map(|text| format!("rcorder: {}", String::from_utf8_lossy(text)));
    let stderr: String = complaints.into_iter().chain(said).map(|line| line + "\n").collect();
    let stdout = String::from_utf8_lossy(&answer.stdout).into_owned();
    let exit = Some(i64::from(answer.exit));
    let stderr = if quiet { String::new() } else { stderr };
    let (stdout, stderr) = if joined { (stderr + &stdout, String::new()) } else { (stdout, stderr) };
    let Some(filter) = filter else { return (stdout, stderr, exit) };
    let lines: Vec<&str> = stdout.lines().collect();
    let count = filter.rsplit('-').next().and_then(|count| count.trim().parse::<usize>().ok()).unwrap_or(10);
    let kept = match filter.split(' ').next() {
        Some("tail") => &lines[lines.len().saturating_sub(count)..],
        Some("head") => &lines[..lines.len().min(count)],
        _ => return (format!("{:8}\n", lines.len()), stderr, Some(0)),
    };
    (kept.iter().map(|line| format!("{line}\n")).collect(), stderr, Some(0))
}

/// Small inputs of our own, by the original built elsewhere.
pub(super) fn own(directory: &Path) -> Vec<Outcome> {
    let Some(all) = json(&directory.join("own/rcorder-edge-cases.json")) else { return Vec::new() };
    let mut out = Vec::new();
    for case in all["cases"].as_array().expect("cases") {
        let pair = |file: &Value| (file[0].as_str().expect("name").to_string(), file[1].as_str().map(String::from));
        let files: Vec<(String, Option<String>)> = case["files"].as_array().expect("files").iter().map(pair).collect();
        let texts: Texts = files
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .filter(|(_, text)| text != "DIR")
            .collect();
        let id = format!("own/rcorder/{}", case["case"].as_str().expect("case"));
        runs(&id, &case["runs"], &texts, &mut out);
    }
    out
}

/// Whole rc.d directories.
pub(super) fn fetched(directory: &Path) -> Vec<Outcome> {
    let mut out = Vec::new();
    for (name, set) in all_json(&directory.join("fetched/rcorder")) {
        let text = |file: &String| (file.clone(), header(&set["headers"][file]));
        let texts: Texts = strings(&set["files"]).iter().map(text).collect();
        runs(&format!("fetched/rcorder/{name}"), &set["runs"], &texts, &mut out);
    }
    out
}

fn header(fields: &Value) -> String {
    let mut out = String::from("#!/bin/sh\n");
    for (tag, words) in fields.as_object().into_iter().flatten() {
        if ["PROVIDE", "REQUIRE", "BEFORE", "KEYWORD"].contains(&tag.as_str()) {
            out += &format!("# {tag}: {}\n", strings(words).join(" "));
        }
    }
    out
}

/// The runs of each edition. The newer one was recorded elsewhere than on FreeBSD: its groups count, not its ties.
fn runs(id: &str, runs: &Value, texts: &Texts, out: &mut Vec<Outcome>) {
    let names: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
    for (edition, runs) in runs.as_object().expect("runs") {
        for run in runs.as_array().expect("runs") {
            let args = strings(&run["args"]);
            let id = format!("{id}/{edition}{}", args.concat());
            let (mut options, ..) = options(&args);
            let sorted = edition == "freebsd13+";
            options.leftover = Leftover::Zero;
            options.edition = if sorted { Edition::Sorted } else { Edition::Plain };
            let answer = answer(texts, &names, &options);
            let (stdout, stderr) = lines(&answer);
            let wanted = strings(&run["stdout"]);
            if !sorted {
                let wanted = (wanted, strings(&run["stderr"]), run["exit"].as_i64());
                out.push(Outcome::same(id, &wanted, &(stdout, stderr, Some(i64::from(answer.exit)))));
            } else if options.format == Format::Parallel {
                out.push(Outcome::same(id, &groups(&wanted), &groups(&stdout)));
            }
        }
    }
}

fn groups(lines: &[String]) -> Vec<Vec<&str>> {
    lines
        .iter()
        .map(|line| {
            let mut names: Vec<&str> = line.split(' ').collect();
            names.sort_unstable();
            names
        })
        .collect()
}
