//! Reads values out of TOML: what a key takes, with the place of every fault.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use toml::Spanned;
use toml::de::DeValue;

use super::fault::{Complaint, Faults, Place, shown};
use super::keys::Key;
use super::takes::{Takes, Unit};
use super::value::Value;
use super::words::split;
use super::{parameters, scalar, syntax};
use crate::name::Name;
use crate::service::{Condition, Limit, Network, Reload};

/// Reads the values of one file.
#[derive(Debug)]
pub(crate) struct Reader<'f, 'a> {
    name: &'f Name,
    source: usize,
    /// Lines that are not TOML: nothing more is said about them.
    broken: BTreeSet<usize>,
    faults: &'f mut Faults<'a>,
}

impl<'f, 'a> Reader<'f, 'a> {
    pub(crate) fn new(name: &'f Name, source: usize, broken: BTreeSet<usize>, faults: &'f mut Faults<'a>) -> Self {
        Self { name, source, broken, faults }
    }

    pub(crate) fn place(&self, span: Range<usize>) -> Place {
        Place { source: self.source, span }
    }

    pub(crate) fn error(&mut self, place: &Place, complaint: Complaint) {
        if !self.broken.contains(&self.faults.sources[self.source].line(place.span.start)) {
            self.faults.error(place, complaint);
        }
    }

    /// Checks the name of a variable.
    pub(crate) fn variable(&mut self, place: &Place, name: &str) -> bool {
        let checked = match name {
            "NOTIFY_SOCKET" | "SVC_RUN" => Err(Complaint::new(format!("`{name}` is set by svc itself"))),
            name => syntax::variable(name),
        };
        checked.map_err(|complaint| self.error(place, complaint)).is_ok()
    }

    /// Reads what a key takes; `word` is the key as written.
    pub(crate) fn value(&mut self, key: &Key, word: &str, value: &Spanned<DeValue<'_>>) -> Option<Value> {
        let place = self.place(value.span());
        let read = match (key.takes, value.get_ref()) {
            (Takes::Flag, DeValue::Boolean(flag)) => Ok(Value::Flag(*flag)),
            (Takes::Number(min, max), DeValue::Integer(_)) => {
                scalar::number(value.get_ref(), min, max).map(Value::Number)
            }
            (Takes::Size(min, max), DeValue::Integer(_)) => scalar::number(value.get_ref(), 0, i64::MAX)
                .and_then(|size| scalar::sized(size.unsigned_abs(), min, max)),
            (Takes::Mask, DeValue::Integer(number)) if number.radix() == 8 => {
                scalar::mask(number.as_str()).map(Value::Mask)
            }
            (Takes::Mode, DeValue::Integer(number)) if number.radix() == 8 => {
                scalar::mode(number.as_str()).map(Value::Mask)
            }
            (Takes::DirectoryMode, DeValue::Integer(number)) if number.radix() == 8 => {
                scalar::directory_mode(number.as_str()).map(Value::Mask)
            }
            (Takes::Account, DeValue::Integer(_)) => scalar::account_number(value.get_ref()).map(Value::Text),
            (Takes::Variable, DeValue::Integer(_)) => {
                scalar::number(value.get_ref(), i64::MIN, i64::MAX).map(|number| Value::Text(number.to_string()))
            }
            (Takes::Limit(Unit::Count | Unit::Bytes | Unit::Seconds), DeValue::Integer(_)) => {
                scalar::number(value.get_ref(), 0, i64::MAX).map(|number| {
                    let number = Some(number.unsigned_abs());
                    Value::Limit(Limit { soft: number, hard: number })
                })
            }
            (Takes::Command | Takes::Reload, DeValue::Array(_)) => {
                let words = self.each(key, word, value, |text| Ok(text.to_owned()))?;
                syntax::command(words).map(|words| match key.takes {
                    Takes::Reload => Value::Reload(Reload::Command(words)),
                    _ => Value::Texts(words),
                })
            }
            (Takes::Verb, _) => return self.verb(key, word, value).map(Value::Verb),
            (Takes::Names, _) => return self.names(key, word, value).map(Value::Names),
            (Takes::OptionalPaths, _) => return self.each(key, word, value, scalar::optional_path).map(Value::Texts),
            (Takes::Directories, _) => return self.each(key, word, value, scalar::directory).map(Value::Texts),
            (Takes::Verbs, _) => return self.each(key, word, value, scalar::verb).map(Value::Texts),
            (Takes::Accounts, _) => return self.each(key, word, value, scalar::account).map(Value::Texts),
            (Takes::JailOptions, _) => return self.each(key, word, value, parameters::option).map(Value::Texts),
            (Takes::Devices, _) => return self.each(key, word, value, syntax::device).map(Value::Devices),
            (Takes::Addresses(_), DeValue::String(text)) if parameters::all_or_nothing(text).is_some() => {
                Ok(Value::Network(parameters::all_or_nothing(text).unwrap_or_default()))
            }
            (Takes::Addresses(version), _) => {
                let own = self.each(key, word, value, |text| parameters::address(version, text))?;
                return Some(Value::Network(Network::Own(own)));
            }
            (Takes::PathCondition, _) => return self.conditions(key, word, value, syntax::path_condition),
            (Takes::HostCondition, _) => return self.conditions(key, word, value, syntax::host_condition),
            (Takes::EnvironmentCondition, _) => {
                return self.conditions(key, word, value, syntax::environment_condition);
            }
            (_, DeValue::String(_)) => {
                let (text, place) = self.text(value)?;
                self.specials(key, &text, &place);
                scalar::said(key, &text)
            }
            _ => return self.wrong(key, word, value),
        };
        read.map_err(|complaint| self.error(&place, complaint)).ok()
    }

    /// Says that a value is of another type than its key takes.
    pub(super) fn wrong<T>(&mut self, key: &Key, word: &str, value: &Spanned<DeValue<'_>>) -> Option<T> {
        let complaint =
            Complaint::new(format!("`{}` takes {}, found {}", shown(word), key.takes, found(value.get_ref())));
        let help = match (key.takes, value.get_ref()) {
            (Takes::Duration(_), DeValue::Integer(number)) => Some(format!("write \"{number}s\" for seconds")),
            (Takes::Mask | Takes::Mode | Takes::DirectoryMode, DeValue::Integer(number)) => {
                Some(format!("write \"0{number}\""))
            }
            (Takes::Number(..) | Takes::Flag, DeValue::String(text)) => {
                Some(format!("write {} without quotes", shown(text)))
            }
            (Takes::Number(..) | Takes::Flag, _) => None,
            (Takes::Limit(Unit::Percent), DeValue::Integer(number)) => Some(format!("write \"{number}%\"")),
            (_, DeValue::Integer(number)) => Some(format!("write \"{number}\"")),
            (Takes::Variable, DeValue::Boolean(flag)) => Some(format!("write \"{flag}\"")),
            _ => None,
        };
        let place = self.place(value.span());
        self.error(&place, Complaint { help, ..complaint });
        None
    }

    /// A string with its instance filled in.
    pub(super) fn text(&mut self, value: &Spanned<DeValue<'_>>) -> Option<(String, Place)> {
        let place = self.place(value.span());
        let text = value.get_ref().as_str()?;
        if text.contains('\0') {
            self.error(&place, Complaint::new("a text cannot contain a NUL character"));
            return None;
        }
        // What a loader puts where bytes are no UTF-8: what was meant is not known.
        if text.contains(char::REPLACEMENT_CHARACTER) {
            self.error(&place, Complaint::new("a text must be UTF-8, this one is not").help("save the file as UTF-8"));
            return None;
        }
        match filled(self.name, text) {
            Ok(text) => Some((text, place)),
            Err(sequence) => {
                let raw = self.faults.sources[self.source].text.get(place.span.clone()).unwrap_or("");
                let inner = match raw.find(&sequence) {
                    Some(at) => place.span.start + at..place.span.start + at + sequence.len(),
                    None => place.span,
                };
                let complaint = Complaint::new(format!("`{}` stands for nothing", shown(&sequence)));
                let help = "in an instance %i is the part behind @, %n the whole name, %% a percent sign";
                let place = self.place(inner);
                self.error(&place, complaint.help(help));
                None
            }
        }
    }

    /// Reads one text or an array of them; what is wrong is reported and left out.
    pub(super) fn each<T>(
        &mut self,
        key: &Key,
        word: &str,
        value: &Spanned<DeValue<'_>>,
        read: impl Fn(&str) -> Result<T, Complaint>,
    ) -> Option<Vec<T>> {
        let one = core::slice::from_ref(value);
        let items: &mut dyn Iterator<Item = &Spanned<DeValue<'_>>> = match value.get_ref() {
            DeValue::Array(array) => &mut array.iter(),
            _ => &mut one.iter(),
        };
        let mut list = Vec::new();
        for item in items {
            let text = match (key.takes, item.get_ref()) {
                (Takes::Accounts, DeValue::Integer(_)) => scalar::account_number(item.get_ref()),
                (_, DeValue::String(_)) => match self.text(item) {
                    Some((text, _)) => Ok(text),
                    None => continue,
                },
                _ => {
                    self.wrong::<()>(key, word, item);
                    continue;
                }
            };
            match text.and_then(|text| read(&text)) {
                Ok(found) => list.push(found),
                Err(complaint) => self.error(&self.place(item.span()), complaint),
            }
        }
        Some(list)
    }

    fn conditions(
        &mut self,
        key: &Key,
        word: &str,
        value: &Spanned<DeValue<'_>>,
        read: fn(&str) -> Result<Condition, Complaint>,
    ) -> Option<Value> {
        self.each(key, word, value, read).map(Value::Conditions)
    }

    /// Reads names of services, each with its place: contradictions between them are told later.
    fn names(&mut self, key: &Key, word: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<(Name, Place)>> {
        let items = match value.get_ref() {
            DeValue::Array(array) => array.iter().collect::<Vec<_>>(),
            _ => Vec::from([value]),
        };
        let mut list: Vec<(Name, Place)> = Vec::new();
        let mut seen = BTreeSet::new();
        for item in items {
            let place = self.place(item.span());
            for name in self.each(key, word, item, scalar::name)? {
                if seen.insert(name.clone()) {
                    list.push((name, place.clone()));
                } else {
                    self.faults.note(&place, Complaint::new(format!("`{name}` is named twice in `{word}`")));
                }
            }
        }
        Some(list)
    }

    /// Tells of characters that would mean something to a shell, where none will see them.
    pub(super) fn specials(&mut self, key: &Key, text: &str, place: &Place) {
        let command = match key.takes {
            Takes::Command | Takes::Reload | Takes::Verb => text,
            Takes::Ready => text.trim().strip_prefix("command ").unwrap_or(""),
            _ => "",
        };
        let special = split(command).ok().and_then(|words| words.into_iter().find_map(|word| word.special));
        if let Some(special) = special {
            let complaint = Complaint::new(format!("no shell is run: `{special}` reaches the program as it is"));
            self.faults
                .note(place, complaint.help("if it is meant for a shell, write `sh -c '...'`; else put it in quotes"));
        }
    }
}

/// Fills the instance into a text; in a name without one `%` means itself.
///
/// # Errors
///
/// The sequence that stands for nothing.
fn filled(name: &Name, text: &str) -> Result<String, String> {
    let instance = match name.instance() {
        Some((_, instance)) => instance,
        None if name.is_template() => "INSTANCE",
        None => return Ok(text.to_owned()),
    };
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(found) = chars.next() {
        if found != '%' {
            out.push(found);
            continue;
        }
        match chars.next() {
            Some('i') => out.push_str(instance),
            Some('n') => out.push_str(name.as_str()),
            Some('%') => out.push('%'),
            Some(other) => return Err(format!("%{other}")),
            None => return Err("%".to_owned()),
        }
    }
    Ok(out)
}

/// What a value is, with its article.
pub(crate) fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(true) => "true",
        DeValue::Boolean(false) => "false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
