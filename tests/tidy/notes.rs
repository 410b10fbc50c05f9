//! The notes of importers against svc-import(7), both ways: each is explained, and none is made up.

use std::collections::BTreeSet;

use crate::{files, none, read};

#[test]
fn every_note_is_explained_in_its_page() {
    let page = explained(&read("man/svc-import.7"));
    let mut written = BTreeSet::new();
    for file in files() {
        let is_code =
            file.path.starts_with("compat/") && file.path.ends_with(".rs") && !file.path.ends_with("tests.rs");
        if is_code {
            written.extend(notes(&file.text).into_iter().map(|note| (note, file.path.clone())));
        }
    }
    assert!(written.len() > 20, "the rule found almost no notes");
    let known: BTreeSet<&str> = written.iter().map(|(note, _)| note.as_str()).collect();
    let missing = written.iter().filter(|(note, _)| !page.contains(note));
    let mut faults: Vec<String> =
        missing.map(|(note, path)| format!("{path}: the note `{note}` is not in svc-import(7)")).collect();
    let extra = page.iter().filter(|item| !known.contains(item.as_str()));
    faults.extend(extra.map(|item| format!("svc-import(7): there is no note `{item}`")));
    none(&faults);
}

/// The heads of the list of notes: `X` stands for what differs from note to note.
fn explained(page: &str) -> BTreeSet<String> {
    let (_, list) = page.split_once(".Sh DIAGNOSTICS\n").expect("the page has a list of notes");
    let heads = list.lines().filter_map(|line| line.strip_prefix(".It "));
    heads.map(|head| head.trim_matches('"').replace("\\&", "")).collect()
}

/// The texts of all notes that this code makes, with `X` for what it fills in.
fn notes(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("Note::new(") {
        let call = &code[at + "Note::new(".len()..];
        let Some(text) = first_literal(call) else { continue };
        found.push(with_gaps(&text));
    }
    found
}

/// The first string of a call; its own line breaks are none.
fn first_literal(call: &str) -> Option<String> {
    let mut depth = 1;
    let mut letters = call.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            '"' => {
                let mut text = String::new();
                while let Some(letter) = letters.next() {
                    match letter {
                        '"' => return Some(text),
                        '\\' => match letters.next()? {
                            '\n' => letters = letters.as_str().trim_start().chars(),
                            other => text.push(other),
                        },
                        other => text.push(other),
                    }
                }
            }
            _ => {}
        }
        if depth == 0 {
            return None;
        }
    }
    None
}

/// Puts `X` for each `{...}`, with the back-quotes around it.
fn with_gaps(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (_, after) = after.split_once('}').expect("a gap ends");
        let quoted = before.ends_with('`') && after.starts_with('`');
        out.push_str(if quoted { &before[..before.len() - 1] } else { before });
        out.push('X');
        rest = if quoted { &after[1..] } else { after };
    }
    out + rest
}

#[test]
fn a_note_is_known_by_what_does_not_change_in_it() {
    let code = "notes.push(Note::new(line, format!(\"`{word}` in `{}` is no {what}\", key.text())));\n\
                Note::new(number(\"x\"), \"two \\\n   lines\"); Note::new(line, text)";
    assert_eq!(notes(code), ["X in X is no X", "x"]);
    assert_eq!(notes("Note::new(1, \"two \\\n   lines\")"), ["two lines"]);
    assert_eq!(
        explained(".It a\n.Sh DIAGNOSTICS\n.It \"X is \\&No\"\n.It b\n"),
        ["X is No", "b"].map(str::to_owned).into()
    );
}
