//! What is offered where.

use clap::CommandFactory;

use super::*;
use crate::cli::args;

fn names() -> Vec<Candidate> {
    ["db", "getty@tty1", "web"].map(|text| Candidate { text: text.to_owned(), about: String::new() }).into()
}

fn verbs(name: &str) -> Vec<Candidate> {
    let own = if name == "web" { vec!["frobnicate"] } else { Vec::new() };
    own.into_iter().map(|text| Candidate { text: text.to_owned(), about: String::new() }).collect()
}

/// What is offered for the last word of this line, which ends with a blank if that is empty.
fn offered(line: &str) -> Offer {
    let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    let (typed, before) = words.split_last().unwrap();
    let model = args::Line::command();
    Line::read(&model, before).offer(typed, &Known { names: &names, verbs: &verbs })
}

fn texts(line: &str) -> Vec<String> {
    match offered(line) {
        Offer::Words(words) => words.into_iter().map(|word| word.text).collect(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_first_word_is_a_verb_or_a_name() {
    let all = texts("");
    for word in ["start", "shutdown", "hello", "completions", "web"] {
        assert!(all.contains(&word.to_owned()), "{word}: {all:?}");
    }
    assert!(!all.iter().any(|word| word.starts_with(['/', '-'])), "{all:?}");
    assert_eq!(texts("we"), ["web"]);
    assert_eq!(texts("getty@t"), ["getty@tty1"]);
}

#[test]
fn after_a_name_come_verbs_of_services_and_other_names() {
    let all = texts("web ");
    assert!(all.contains(&"restart".to_owned()) && all.contains(&"db".to_owned()), "{all:?}");
    assert!(!all.contains(&"web".to_owned()) && !all.contains(&"shutdown".to_owned()), "{all:?}");
    assert_eq!(texts("web db restar"), ["restart"]);
}

#[test]
fn after_a_name_come_also_its_own_verbs() {
    assert_eq!(texts("web fro"), ["frobnicate"]);
    assert_eq!(texts("web -- fro"), ["frobnicate"]);
    assert!(texts("db fro").is_empty() && texts("web db fro").is_empty() && texts("start fro").is_empty());
}

#[test]
fn after_plan_comes_what_can_be_planned_and_then_names() {
    assert_eq!(texts("plan re"), ["restart", "reload"]);
    assert_eq!(texts("plan shu"), ["shutdown"]);
    assert_eq!(texts("plan restart "), ["db", "getty@tty1", "web"]);
    assert_eq!(texts("plan web sto"), ["stop"]);
    assert_eq!(texts("web plan sta"), ["start"]);
    assert_eq!(texts("web plan start d"), ["db"]);
    assert!(texts("plan web shu").is_empty() && texts("plan shutdown ").is_empty());
}

#[test]
fn after_a_verb_come_names_that_are_not_there_yet() {
    assert_eq!(texts("start "), ["db", "getty@tty1", "web"]);
    assert_eq!(texts("start web "), ["db", "getty@tty1"]);
    assert_eq!(texts("web start "), ["db", "getty@tty1"]);
    assert!(texts("hello ").is_empty());
}

#[test]
fn values_are_offered_where_the_model_has_some() {
    assert_eq!(texts("--color a"), ["auto", "always"]);
    assert_eq!(texts("--color=n"), ["--color=never"]);
    assert_eq!(texts("shutdown p"), ["poweroff"]);
    assert_eq!(texts("completions "), ["bash", "zsh", "fish"]);
    assert_eq!(offered("--socket x"), Offer::Files);
    assert_eq!(offered("--root "), Offer::Dirs);
    assert_eq!(offered("up "), Offer::Dirs);
    assert!(texts("web log -n ").is_empty());
    assert_eq!(texts("web log -n 3 --foll"), ["--follow"]);
}

#[test]
fn options_are_those_of_the_verb_and_of_all_verbs() {
    assert_eq!(texts("web stop --on"), ["--only"]);
    assert!(texts("web list --on").is_empty());
    assert_eq!(texts("--js"), ["--json"]);
    assert_eq!(texts("web start --he"), ["--help"]);
}

#[test]
fn after_dashes_come_a_name_and_what_only_the_script_knows() {
    assert_eq!(texts("-- w"), ["web"]);
    assert!(texts("web -- ").contains(&"restart".to_owned()));
    assert!(texts("web -- configtest ").is_empty());
}

#[test]
fn options_before_say_where_to_ask() {
    let model = args::Line::command();
    let words = ["--root", "/image", "--runtime-dir=/run/x", "web"].map(str::to_owned);
    let line = Line::read(&model, &words);
    assert_eq!(line.common.root, Some(PathBuf::from("/image")));
    assert_eq!(line.common.runtime_dir, Some(PathBuf::from("/run/x")));
}
