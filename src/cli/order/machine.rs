//! The order of svcd itself: scripts of every dialect and definitions in one graph.

use std::fmt::Write;
use std::path::Path;

use svc_compat::script;
use svc_platform::files;

use super::{Answer, Words, expanded};
use crate::daemon::{Options, loader};
use crate::migrate::order::{Order, Place};

/// The part of a script in which its keywords are.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(super) fn order(words: &Words, root: &Path) -> Answer {
    let options = Options::from_outside(root);
    let image = match words.files.as_slice() {
        [] => loader::look(&options),
        files => loader::look_at(&options, &expanded(files)),
    };
    let order = Order::new(image);
    let is_shown = |place: &Place| is_shown(place, words);
    let mut stderr = String::new();
    for message in &order.messages {
        let _ = writeln!(stderr, "svc: {}", message.trim_end());
    }
    let mut stdout = String::new();
    if words.graph {
        stdout = dot(&order, &is_shown);
    } else {
        let between = if words.parallel { " " } else { "\n" };
        for group in order.groups() {
            let names: Vec<&str> =
                group.iter().filter(|place| is_shown(place)).map(|place| place.name.as_str()).collect();
            if !names.is_empty() {
                let _ = writeln!(stdout, "{}", names.join(between));
            }
        }
    }
    Answer {
        json: json(&order, &is_shown),
        stdout: stdout.into_bytes(),
        stderr: stderr.into_bytes(),
        code: if order.messages.is_empty() { super::super::code::GOOD } else { super::super::code::FAILED },
    }
}

/// Whether the keywords of a script let it through. As with rcorder, only what is shown depends on them.
fn is_shown(place: &Place, words: &Words) -> bool {
    if words.keep.is_empty() && words.skip.is_empty() {
        return true;
    }
    let text = place.dialect.and_then(|_| files::read_regular(Path::new(&place.file), FILE_BYTES_MAX).ok());
    let keywords = text.map(|text| script::read(&place.name, &text).keywords).unwrap_or_default();
    let has = |wanted: &[String]| wanted.iter().any(|word| keywords.contains(word));
    (words.keep.is_empty() || has(&words.keep)) && !has(&words.skip)
}

fn dot(order: &Order, is_shown: &impl Fn(&Place) -> bool) -> String {
    let mut text = String::from("digraph svc {\nrankdir=\"BT\";\nnode [style=rounded, shape=box];\n");
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    for place in order.places.iter().filter(|place| is_shown(place)) {
        let name = quoted(&place.name);
        let shape = if place.dialect.is_some() { "" } else { " [style=\"rounded,bold\"]" };
        let _ = writeln!(text, "{name}{shape};");
        for &at in place.after.iter().filter(|at| is_shown(&order.places[**at])) {
            let style = if place.requires.contains(&at) { "solid" } else { "dashed" };
            let _ = writeln!(text, "{name} -> {} [style={style}];", quoted(&order.places[at].name));
        }
    }
    text.push_str("}\n");
    text
}

fn json(order: &Order, is_shown: &impl Fn(&Place) -> bool) -> serde_json::Value {
    let names = |list: &[usize]| list.iter().map(|at| order.places[*at].name.as_str()).collect::<Vec<_>>();
    let places: Vec<_> = order
        .places
        .iter()
        .filter(|place| is_shown(place))
        .map(|place| {
            serde_json::json!({
                "name": place.name,
                "file": place.file,
                "dialect": place.dialect,
                "level": place.level,
                "after": names(&place.after),
                "requires": names(&place.requires),
            })
        })
        .collect();
    serde_json::json!({ "services": places, "messages": order.messages })
}
