//! `svc rehearse`: what a verb of a legacy script asks for, as text or JSON.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;

use super::common::{Common, root};
use super::out::{fail, say};
use super::{code, json};
use crate::rehearse::{Ask, By, End, Launch, Made, Rehearsal, TIME_MAX, Why};

/// What is to be rehearsed.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// The script
    #[arg(value_name = "SCRIPT")]
    script: PathBuf,
    /// Its verb
    #[arg(value_name = "VERB", default_value = "start")]
    verb: String,
    /// Lay this tree, such as an unpacked package, over the root; may be repeated, the first has the last word
    #[arg(long, value_name = "DIR")]
    layer: Vec<PathBuf>,
}

/// Rehearses, and tells.
pub(crate) fn run(words: &Words, common: &Common) -> u8 {
    let root = match root(common) {
        Ok(root) => root,
        Err(code) => return code,
    };
    let ask = Ask {
        script: words.script.clone(),
        verb: words.verb.clone(),
        root,
        layers: words.layer.clone(),
        time: common.timeout.unwrap_or(TIME_MAX),
    };
    match ask.run() {
        Ok(rehearsal) if common.json => {
            say(&json::value("rehearsal", serde_json::to_value(&rehearsal).unwrap_or_default()));
            code::GOOD
        }
        Ok(rehearsal) => {
            say(&text(&rehearsal));
            code::GOOD
        }
        Err(why) => refused(&why, common),
    }
}

/// Says why nothing was played.
pub(super) fn refused(why: &Why, common: &Common) -> u8 {
    let code = if matches!(why, Why::Denied(_)) { code::DENIED } else { code::FAILED };
    fail(common.json, &why.to_string(), code)
}

/// A rehearsal for people.
pub(crate) fn text(rehearsal: &Rehearsal) -> String {
    let mut out = String::new();
    let took = rehearsal.took.as_secs_f64();
    let end = match rehearsal.end {
        End::Code(code) => format!("exit code {code}"),
        End::Signal(number) => format!("ended by signal {number}"),
        End::TimedOut => "did not end in its time".to_owned(),
    };
    line(&mut out, format!("{} {}: {end} after {took:.2} s", rehearsal.script, rehearsal.verb));
    for launch in &rehearsal.launches {
        line(&mut out, format!("\nstarts {}", words(&launch.argv)));
        facts(launch).into_iter().for_each(|(what, value)| line(&mut out, format!("  {what:<12} {value}")));
    }
    for stop in &rehearsal.stops {
        let what = stop.program.as_deref().or(stop.pid_file.as_deref()).unwrap_or("a process");
        let retry = stop.retry.as_ref().map(|retry| format!(", schedule {retry}")).unwrap_or_default();
        let met = if stop.met { "" } else { "; nothing was there" };
        line(&mut out, format!("\nsignals {} to {what} by {}{retry}{met}", stop.signal, stop.by));
    }
    let stopped = |title: &str, all: Vec<String>, out: &mut String| {
        if !all.is_empty() {
            line(out, format!("\n{title}"));
            all.into_iter().for_each(|one| line(out, format!("  {one}")));
        }
    };
    stopped("makes", rehearsal.made.iter().map(made).collect(), &mut out);
    stopped("removes", rehearsal.removed.clone(), &mut out);
    stopped("reads", rehearsal.read.clone(), &mut out);
    let sysctls = rehearsal.sysctls.iter();
    let sysctls = sysctls.map(|set| format!("{} = {}", set.name, set.value.as_deref().unwrap_or("(not known)")));
    stopped("sets in the kernel", sysctls.collect(), &mut out);
    let mounts = rehearsal.mounts.iter().map(|mount| match mount.unmount {
        true => format!("{} away", mount.target),
        false => format!("{} on {} ({}) {}", mount.source, mount.target, mount.kind, mount.options),
    });
    stopped("mounts", mounts.collect(), &mut out);
    let refused = rehearsal.refused.iter().map(|refused| format!("{} by {}", refused.call, refused.program));
    stopped("was refused, as it would reach the machine", refused.collect(), &mut out);
    stopped("remarks", rehearsal.notes.clone(), &mut out);
    stopped("prints", rehearsal.output.lines().map(str::to_owned).collect(), &mut out);
    out
}

fn line(out: &mut String, text: String) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}", text.trim_end());
}

/// Words as a shell would need them.
fn words(all: &[String]) -> String {
    let plain = |word: &str| {
        !word.is_empty() && word.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-./:=,@%+".contains(letter))
    };
    let quoted = |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', "'\\''")) };
    all.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// What is known of a launch, beside its words.
fn facts(launch: &Launch) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let mut add = |what, value: Option<String>| all.extend(value.map(|value| (what, value)));
    let by = match launch.by {
        By::Bypass => "nobody: it bypasses the recorders, and really ran".to_owned(),
        _ => words(&launch.call),
    };
    add("by", Some(by));
    add("program", Some(launch.program.clone()).filter(|program| launch.argv.first() != Some(program)));
    add("user", launch.user.clone());
    add("group", launch.group.clone());
    add("groups", Some(launch.groups.join(" ")).filter(|groups| !groups.is_empty()));
    add("root", launch.chroot.clone());
    add("directory", launch.directory.clone());
    add("nice", launch.nice.map(|nice| nice.to_string()));
    add("scheduling", launch.scheduling.clone());
    add("umask", launch.umask.map(|umask| format!("{umask:03o}")));
    let pid_file = launch.pid_file.clone();
    add("pid file", pid_file.map(|path| if launch.makes_pid_file { path + ", written by the launcher" } else { path }));
    add("background", launch.background.then(|| "by the launcher".to_owned()));
    for (name, limit) in &launch.limits {
        let number = |limit: Option<u64>| limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
        add("limit", Some(format!("{name} {} {}", number(limit.soft), number(limit.hard))));
    }
    for (name, value) in &launch.environment {
        let text = value.as_ref().map_or_else(|| format!("{name} taken away"), |value| format!("{name}={value}"));
        add("variable", Some(text));
    }
    for redirection in &launch.redirections {
        add("stream", Some(format!("{} to {}", redirection.fd, redirection.to)));
    }
    all
}

fn made(made: &Made) -> String {
    let target = made.target.as_ref().map(|target| format!(" -> {target}")).unwrap_or_default();
    let how = match (made.was_there, made.only_metadata) {
        (_, true) => ", only its owner or permissions",
        (true, false) => ", was there before",
        (false, false) => "",
    };
    format!("{} {}{target} {}:{} {:04o}{how}", made.kind, made.path, made.owner, made.group, made.mode)
}
