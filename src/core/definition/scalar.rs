//! Texts and numbers as values: each form that one key or another takes.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use core::time::Duration;

use toml::de::DeValue;

use super::fault::{Complaint, listed, shown};
use super::keys::Key;
use super::near::near;
use super::takes::{Span, Takes};
use super::value::Value;
use super::words::split;
use super::{placement, syntax};
use crate::name::Name;

/// Reads the text of a value that is always a string.
pub(super) fn said(key: &Key, text: &str) -> Result<Value, Complaint> {
    Ok(match key.takes {
        Takes::Text if text.contains(['\n', '\r']) => {
            return Err(Complaint::new(format!("`{}` is one line, found several", key.name)));
        }
        Takes::Text | Takes::Variable => Value::Text(text.to_owned()),
        Takes::Choice(words) => match words.iter().find(|word| **word == text) {
            Some(_) => Value::Text(text.to_owned()),
            None => {
                let help = match near(text, words.iter().copied()) {
                    Some(word) => format!("did you mean \"{word}\"?"),
                    None => format!("there are {}", listed(words.iter().copied())),
                };
                return Err(Complaint::new(format!("`{}` is no `{}`", shown(text), key.name)).help(help));
            }
        },
        Takes::Command => {
            let words = split(text)?.into_iter().map(|word| word.text).collect();
            Value::Texts(syntax::command(words)?)
        }
        Takes::Path => Value::Text(syntax::path(text)?),
        Takes::Duration(span) => Value::Duration(bounded(text, span)?),
        Takes::Size(min, max) => sized(syntax::size(text)?, min, max)?,
        Takes::Template => Value::Text(template(text)?),
        Takes::Mask => Value::Mask(mask(text)?),
        Takes::Mode => Value::Mask(mode(text)?),
        Takes::DirectoryMode => Value::Mask(directory_mode(text)?),
        Takes::Account => Value::Text(account(text)?),
        Takes::Processors => Value::Processors(placement::processors(text)?),
        Takes::LoginClass => Value::Text(placement::login_class(text)?),
        Takes::Signal => Value::Signal(syntax::signal(text)?),
        Takes::Ready => Value::Ready(syntax::ready(text)?),
        Takes::Reload => Value::Reload(syntax::reload(text)?),
        Takes::Limit(unit) => Value::Limit(syntax::limit(text, unit)?),
        _ => {
            let complaint = Complaint::new(format!("`{}` takes {}, found a string", key.name, key.takes));
            return Err(complaint.help("write it without quotes"));
        }
    })
}

pub(super) fn number(value: &DeValue<'_>, min: i64, max: i64) -> Result<i64, Complaint> {
    let DeValue::Integer(written) = value else { return Err(Complaint::new("no whole number")) };
    let parsed = i64::from_str_radix(written.as_str(), written.radix()).ok();
    match parsed.filter(|number| (min..=max).contains(number)) {
        Some(number) => Ok(number),
        None if max == i64::MAX && min >= 0 => {
            Err(Complaint::new(format!("{} is out of bounds", shown(written.as_str()))))
        }
        None => Err(Complaint::new(format!("{} is not between {min} and {max}", shown(written.as_str())))),
    }
}

pub(super) fn sized(size: u64, min: u64, max: u64) -> Result<Value, Complaint> {
    match (min..=max).contains(&size) {
        true => Ok(Value::Size(size)),
        false => Err(Complaint::new(format!("{size} bytes is not between {min} and {max} bytes"))),
    }
}

fn bounded(text: &str, span: Span) -> Result<Option<Duration>, Complaint> {
    if text.trim() == "none" {
        let complaint = Complaint::new("there must be a duration here, found \"none\"");
        return if span.none { Ok(None) } else { Err(complaint) };
    }
    let found = syntax::duration(text)?;
    if found > span.max {
        let max = syntax::duration_text(span.max);
        let complaint = Complaint::new(format!("\"{}\" is longer than {max}", shown(text)));
        return Err(if span.none { complaint.help("for no limit write \"none\"") } else { complaint });
    }
    if found < span.min {
        let complaint =
            Complaint::new(format!("\"{}\" is shorter than {}", shown(text), syntax::duration_text(span.min)));
        return Err(if span.none { complaint.help("for no limit write \"none\"") } else { complaint });
    }
    Ok(Some(found))
}

fn octal(text: &str, most: u32) -> Option<u32> {
    let octal = !text.is_empty() && text.len() <= 5 && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    u32::from_str_radix(text, 8).ok().filter(|bits| octal && *bits <= most)
}

pub(super) fn mask(text: &str) -> Result<u32, Complaint> {
    octal(text, 0o777).ok_or_else(|| {
        Complaint::new(format!("`{}` is no mask", shown(text))).help("write octal digits up to 777: \"022\"")
    })
}

pub(super) fn mode(text: &str) -> Result<u32, Complaint> {
    octal(text, 0o777).ok_or_else(|| {
        Complaint::new(format!("`{}` is no permissions", shown(text))).help("write octal digits up to 777: \"0640\"")
    })
}

pub(super) fn directory_mode(text: &str) -> Result<u32, Complaint> {
    octal(text, 0o7777).ok_or_else(|| {
        Complaint::new(format!("`{}` is no permissions", shown(text))).help("write octal digits up to 7777: \"0750\"")
    })
}

/// A relative name must not lead out of the directories it is looked for in.
fn template(text: &str) -> Result<String, Complaint> {
    let tame = text.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if text.starts_with('/') || tame {
        return if text.starts_with('/') { syntax::path(text) } else { Ok(text.to_owned()) };
    }
    let complaint = Complaint::new(format!("`{}` is no template", shown(text)));
    Err(complaint.help("write an absolute path, or a name such as \"nginx/nginx.conf\""))
}

pub(super) fn account_number(value: &DeValue<'_>) -> Result<String, Complaint> {
    // The highest number is what chown(2) takes for "leave it".
    number(value, 0, i64::from(u32::MAX) - 1).map(|number| number.to_string())
}

pub(super) fn account(text: &str) -> Result<String, Complaint> {
    let bad = |found: char| found.is_whitespace() || found.is_control() || found == ':' || found == '/';
    match text.is_empty() || text.starts_with('-') || text.contains(bad) {
        true => Err(Complaint::new(format!("`{}` is no name of a user or group", shown(text)))),
        false => Ok(text.to_owned()),
    }
}

pub(super) fn optional_path(text: &str) -> Result<String, Complaint> {
    syntax::path(text.strip_prefix('-').unwrap_or(text))?;
    Ok(text.to_owned())
}

pub(super) fn directory(text: &str) -> Result<String, Complaint> {
    let tame = !text.is_empty() && text.split('/').all(|part| !matches!(part, "" | "." | ".."));
    match tame {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(format!("`{}` is no directory below the runtime directory", shown(text)))
            .help("write a name such as \"nginx\"")),
    }
}

pub(super) fn name(text: &str) -> Result<Name, Complaint> {
    let name = Name::new(text).map_err(|error| {
        let complaint = Complaint::new(format!("`{}` is no name of a service: {error}", shown(text)));
        match text.strip_prefix('$') {
            Some(bare) => complaint.help(format!("for the facility of legacy scripts write \"{}\"", shown(bare))),
            None => complaint,
        }
    })?;
    match name.is_template() {
        true => Err(Complaint::new(format!("`{name}` is a template, not a service")).help("name an instance of it")),
        false => Ok(name),
    }
}

/// Reads the name of a verb: one word that cannot be taken for an option.
pub(super) fn verb(text: &str) -> Result<String, Complaint> {
    let plain = |found: char| found.is_ascii_alphanumeric() || "-_.".contains(found);
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && text.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let complaint = Complaint::new(format!("`{}` cannot be a verb", shown(text)));
    Err(complaint.help("a verb has letters, digits and - _ . and begins with a letter or digit"))
}
