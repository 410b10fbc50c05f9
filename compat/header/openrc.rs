//! The `depend()` function of OpenRC scripts.

use super::super::shell::{Shell, Values};

/// What `depend()` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Depend {
    /// It cannot run without them.
    pub need: Vec<String>,
    /// It goes after them if they are in the runlevel.
    pub use_: Vec<String>,
    /// They are started too, if they are there.
    pub want: Vec<String>,
    /// It starts before them; `*` is all.
    pub before: Vec<String>,
    /// It starts after them; `*` is all.
    pub after: Vec<String>,
    /// Names it answers to.
    pub provide: Vec<String>,
    /// `-shutdown`, `-jail` and their like.
    pub keyword: Vec<String>,
    /// Files whose change makes the dependencies be read again.
    pub config: Vec<String>,
}

/// Reads `depend()`. Words that only running it would tell are left out and reported as they stand.
pub fn depend(shell: &Shell<'_>, values: &Values) -> (Depend, Vec<(u32, String)>) {
    let mut out = Depend::default();
    let mut unknown = Vec::new();
    for command in &shell.commands {
        let function = command.place.function.map(|index| shell.functions[index].name.as_str());
        let [name, words @ ..] = command.words.as_slice() else { continue };
        if function != Some("depend") {
            continue;
        }
        let list = match shell.bytes(*name) {
            b"need" => &mut out.need,
            b"use" => &mut out.use_,
            b"want" => &mut out.want,
            b"before" => &mut out.before,
            b"after" => &mut out.after,
            b"provide" => &mut out.provide,
            b"keyword" => &mut out.keyword,
            b"config" => &mut out.config,
            _ => continue,
        };
        for word in words {
            match values.expand(shell.bytes(*word)).first() {
                Some(found) => list.extend(found.split_whitespace().map(String::from)),
                None => {
                    unknown.push((shell.line(word.start), String::from_utf8_lossy(shell.bytes(*word)).into_owned()));
                }
            }
        }
    }
    for list in [&mut out.need, &mut out.use_, &mut out.want, &mut out.before, &mut out.after, &mut out.provide] {
        remove_negated(list);
    }
    (out, unknown)
}

/// `!name` takes `name` away again.
fn remove_negated(list: &mut Vec<String>) {
    let negated: Vec<String> = list.iter().filter_map(|word| word.strip_prefix('!')).map(String::from).collect();
    list.retain(|word| !word.starts_with('!') && !negated.contains(word));
}
