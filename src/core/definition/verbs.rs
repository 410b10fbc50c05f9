//! The table `[verbs]`: a command for each verb, or what is run in its place, before it and after it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{Complaint, Faults, Place, listed, shown};
use super::keys::Key;
use super::near::near;
use super::reader::Reader;
use super::scalar;
use super::syntax;
use super::value::Value;
use super::words::split;
use super::written::Written;
use crate::service::{COMMON, Kind, Reload, Service, Verb};

const PARTS: [&str; 3] = ["command", "before", "after"];

/// Common verbs that something may be run before and after; of the others there is nothing to be wrapped.
const WRAPPED: [&str; 3] = ["start", "stop", "reload"];

impl Reader<'_, '_> {
    /// Checks the name of a verb.
    pub(super) fn verb_name(&mut self, place: &Place, name: &str) -> bool {
        scalar::verb(name).map_err(|complaint| self.error(place, complaint)).is_ok()
    }

    /// Reads what is run for a verb.
    pub(super) fn verb(&mut self, key: &Key, word: &str, value: &Spanned<DeValue<'_>>) -> Option<Verb> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.words_of(key, word, value).map(|command| Verb { command, ..Verb::default() });
        };
        let mut verb = Verb::default();
        let mut is_good = true;
        for (name, value) in table {
            let part = match &**name.get_ref() {
                "command" => &mut verb.command,
                "before" => &mut verb.before,
                "after" => &mut verb.after,
                other => {
                    let help = match near(other, PARTS) {
                        Some(part) => format!("did you mean `{part}`?"),
                        None => format!("there are {}", listed(PARTS)),
                    };
                    let place = self.place(name.span());
                    self.error(&place, Complaint::new(format!("unknown key `{}`", shown(other))).help(help));
                    is_good = false;
                    continue;
                }
            };
            match self.words_of(key, name.get_ref(), value) {
                Some(words) => *part = words,
                None => is_good = false,
            }
        }
        if verb == Verb::default() && is_good {
            let place = self.place(value.span());
            self.error(&place, Complaint::new(format!("nothing is to be run for `{word}`")));
            is_good = false;
        }
        is_good.then_some(verb)
    }

    fn words_of(&mut self, key: &Key, word: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<String>> {
        let place = self.place(value.span());
        let words = match value.get_ref() {
            DeValue::Array(_) => Ok(self.each(key, word, value, |text| Ok(text.to_owned()))?),
            DeValue::String(_) => {
                let (text, place) = self.text(value)?;
                self.specials(key, &text, &place);
                split(&text).map(|words| words.into_iter().map(|word| word.text).collect())
            }
            _ => return self.wrong(key, word, value),
        };
        words.and_then(syntax::command).map_err(|complaint| self.error(&place, complaint)).ok()
    }
}

/// Verbs that cannot be as they are written.
pub(super) fn check(service: &Service, written: &Written, faults: &mut Faults<'_>) {
    for (name, verb) in &service.verbs {
        let Some(entry) = written.entries.get(&format!("verbs.{name}")) else { continue };
        if let Some((text, help)) = contradiction(service, name, verb) {
            faults.error(&entry.at, Complaint::new(text).help(help));
        }
    }
    let replaced = [("reload", "reload", service.reload != Reload::None), ("stop", "stop.command", true)];
    for (verb, key, is_set) in replaced {
        if let (Some(_), Some(entry), true) = (service.instead(verb), written.entries.get(key), is_set) {
            let complaint = Complaint::new(format!("`{key}` is not used: [verbs] has a command for `{verb}`"));
            faults.note(&entry.name_at, complaint);
        }
    }
}

fn contradiction(service: &Service, name: &str, verb: &Verb) -> Option<(String, &'static str)> {
    let is_group = matches!(service.kind, Kind::Group);
    Some(match name {
        "load" => (
            "`load` cannot be replaced: it is what reads this file".to_owned(),
            "another verb can do more than load; give it a name of its own",
        ),
        "configure" if service.configure_at_start => (
            "a command in place of `configure` is not run at a start".to_owned(),
            "write [verbs.start] with `before`, and no `configure-at-start`",
        ),
        "start" | "stop" | "restart" if is_group => {
            (format!("a group has no program, and nothing to {name}"), "write kind = \"oneshot\"")
        }
        "restart" if !verb.is_plain() => (
            "nothing goes before or after `restart` itself".to_owned(),
            "it is a stop and a start: write [verbs.stop] and [verbs.start]",
        ),
        common if COMMON.contains(&common) && !WRAPPED.contains(&common) && !verb.is_plain() => {
            (format!("nothing goes before or after `{common}`"), "write a command in its place")
        }
        own if !COMMON.contains(&own) && verb.command.is_empty() => {
            (format!("`command` is missing for the verb `{}`", shown(own)), "only common verbs can do without")
        }
        _ => return None,
    })
}

/// Puts a verb in its place.
pub(super) fn put(service: &mut Service, path: &str, value: Value) {
    if let (Some(name), Value::Verb(verb)) = (path.strip_prefix("verbs."), value) {
        service.verbs.insert(name.to_owned(), verb);
    }
}
