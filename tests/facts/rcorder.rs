//! rcorder's answers.

use std::path::Path;

use serde_json::Value;
use svc_compat::order::rcorder::{Answer, Edition, File, Format, Leftover, Options, rcorder};

use super::{Outcome, all_json, json, strings};

/// Names and texts of scripts.
type Texts = Vec<(String, String)>;

fn options(args: &[String]) -> (Options, Vec<String>) {
    let mut options = Options::default();
    let mut names = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-p" => options.format = Format::Parallel,
            "-g" => options.format = Format::Dot,
            "-k" => options.keep.extend(args.next().cloned()),
            "-s" => options.skip.extend(args.next().cloned()),
            name => names.push(name.to_string()),
        }
    }
    (options, names)
}

fn answer(texts: &Texts, names: &[String], options: &Options) -> Answer {
    let text = |name: &str| texts.iter().find(|(known, _)| known == name).map(|(_, text)| text.as_bytes());
    let files: Vec<File<'_>> =
        names.iter().filter_map(|name| Some(File { name: name.as_bytes(), text: text(name)? })).collect();
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
        let files = case["inputs"]["files"].as_array().expect("files").iter();
        let base = |path: &str| path.rsplit('/').next().unwrap_or(path).to_string();
        let texts: Texts = files
            .map(|file| {
                (base(file["path"].as_str().expect("path")), file["content"].as_str().expect("content").to_string())
            })
            .collect();
        if texts.is_empty() {
            println!("  {name}: the scripts themselves are not among the facts: not counted");
            continue;
        }
        for (at, step) in case["steps"].as_array().expect("steps").iter().enumerate() {
            let id = format!("freebsd/rcorder/{name}/{at}");
            let command = step["command"].as_str().expect("command");
            let command = command.split_once("&& rcorder ").map_or(command, |(_, args)| args);
            let (command, tail) = match command.split_once(" 2>&1 | tail -") {
                Some((command, count)) => (command, count.parse::<usize>().ok()),
                None => (command, None),
            };
            let quiet = command.ends_with(" 2>/dev/null");
            let args = words(command.trim_end_matches(" 2>/dev/null"));
            let (options, names) = options(&args);
            let answer = answer(&texts, &names, &options);
            let stderr: String =
                answer.messages.iter().map(|text| format!("rcorder: {}\n", String::from_utf8_lossy(text))).collect();
            let stdout = String::from_utf8_lossy(&answer.stdout).into_owned();
            let text = |key: &str| step[key].as_str().unwrap_or_default().to_string();
            let wanted = (text("stdout"), text("stderr"), step["exit"].as_i64());
            let found = match tail {
                Some(count) => {
                    let all = stderr + &stdout;
                    let lines: Vec<&str> = all.lines().collect();
                    let last = &lines[lines.len().saturating_sub(count)..];
                    (last.iter().map(|line| format!("{line}\n")).collect(), String::new(), Some(0))
                }
                None if quiet => (stdout, String::new(), Some(i64::from(answer.exit))),
                None => (stdout, stderr, Some(i64::from(answer.exit))),
            };
            out.push(Outcome::same(id, &wanted, &found));
        }
    }
    out
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
            let (mut options, _) = options(&args);
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
