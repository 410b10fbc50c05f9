//! Values: files of TOML laid over each other, and for each value the place it was written at.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::Value;
use minijinja::value::ValueKind;
use svc_core::definition::near;
use toml::de::{DeTable, DeValue};

use super::fault::{ConfigureError, at, system};
use super::places::Places;

/// Names that no file of values may define.
pub(crate) const RESERVED: [&str; 4] = ["host", "env", "service", "mode"];

/// One value, or a table of them, and where it was written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    what: What,
    origin: String,
}

#[derive(Clone, Debug)]
enum What {
    Table(BTreeMap<String, Node>),
    Value(Value),
}

/// All values that templates may use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values {
    names: BTreeMap<String, Node>,
}

impl Values {
    /// Puts in something that no file says.
    pub(crate) fn define(&mut self, name: &str, value: Value, origin: &str) {
        let node = Node { what: What::Value(value), origin: origin.to_owned() };
        self.names.insert(name.to_owned(), node);
    }

    /// Puts in a table of such things.
    pub(crate) fn define_table(&mut self, name: &str, table: BTreeMap<String, Value>, origin: &str) {
        let node = |value| Node { what: What::Value(value), origin: origin.to_owned() };
        let below = table.into_iter().map(|(name, value)| (name, node(value))).collect();
        self.names.insert(name.to_owned(), Node { what: What::Table(below), origin: origin.to_owned() });
    }

    /// Lays a file over what is there; `false` if there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, others may write to it, it is no TOML, or it makes a table of what is a value or the like.
    pub(crate) fn lay(&mut self, places: &Places, path: &Path) -> Result<bool, ConfigureError> {
        let Some(file) = places.trusted(path).map_err(system("reading values"))? else { return Ok(false) };
        let name = places.shown(&file.path);
        let Ok(text) = String::from_utf8(file.bytes) else {
            return Err(ConfigureError::Faulty(vec![format!("{name}: a file of values must be UTF-8")]));
        };
        let (document, errors) = DeTable::parse_recoverable(&text);
        let mut faults: Vec<String> = errors
            .iter()
            .map(|error| at(&name, &text, error.span().unwrap_or(0..0), error.message().to_owned(), None))
            .collect();
        if faults.is_empty() {
            let layer = Layer { file: &name, text: &text };
            for key in document.get_ref().keys().filter(|key| RESERVED.contains(&&**key.get_ref())) {
                let message = format!("`{}` is what svc itself says; choose another name", key.get_ref());
                faults.push(at(&name, &text, key.span(), message, None));
            }
            layer.merge(&mut self.names, document.get_ref(), &mut faults);
        }
        if faults.is_empty() { Ok(true) } else { Err(ConfigureError::Faulty(faults)) }
    }

    /// All of it for the template engine.
    pub(crate) fn context(&self) -> Value {
        table(&self.names)
    }

    /// Every value of the files: its whole name, the value, where it was written.
    pub(crate) fn list(&self) -> Vec<(String, String, String)> {
        let mut list = Vec::new();
        let mut open: Vec<(String, &Node)> = self
            .names
            .iter()
            .rev()
            .map(|(name, node)| (name.clone(), node))
            .filter(|(name, _)| name != "env")
            .collect();
        while let Some((name, node)) = open.pop() {
            match &node.what {
                What::Table(below) => {
                    open.extend(below.iter().rev().map(|(key, node)| (format!("{name}.{key}"), node)))
                }
                What::Value(value) => list.push((name, shown(value), node.origin.clone())),
            }
        }
        list
    }

    /// What somebody may have meant who wrote a name that stands for nothing, and where that was written.
    pub(crate) fn meant(&self, name: &str) -> Option<(String, String)> {
        let mut names = &self.names;
        let mut path = String::new();
        for part in name.split('.') {
            match names.get(part).map(|node| &node.what) {
                Some(What::Table(below)) => {
                    path = format!("{path}{part}.");
                    names = below;
                }
                Some(What::Value(value)) => {
                    let keys: Vec<String> = value.try_iter().into_iter().flatten().map(|key| key.to_string()).collect();
                    let rest = name.strip_prefix(&format!("{path}{part}."))?;
                    let found = near(rest.split('.').next()?, keys.iter().map(String::as_str))?;
                    return Some((format!("{path}{part}.{found}"), names[part].origin.clone()));
                }
                None => {
                    let found = near(part, names.keys().map(String::as_str))?;
                    return Some((format!("{path}{found}"), names[found].origin.clone()));
                }
            }
        }
        None
    }
}

/// One file while it is laid over the others.
struct Layer<'a> {
    file: &'a str,
    text: &'a str,
}

impl Layer<'_> {
    fn merge(&self, into: &mut BTreeMap<String, Node>, table: &DeTable<'_>, faults: &mut Vec<String>) {
        for (key, value) in table {
            let name = key.get_ref().to_string();
            let line = self.text[..key.span().start].matches('\n').count() + 1;
            let origin = format!("{}:{line}", self.file);
            let old = into.get_mut(&name);
            let clash = |was: &str, is: &str, origin: &str| {
                let message = format!("`{name}` is {is} here and {was} in {origin}");
                at(self.file, self.text, key.span(), message, Some("it can be only one of them".to_owned()))
            };
            match (value.get_ref(), old) {
                (DeValue::Table(below), Some(Node { what: What::Table(names), .. })) => {
                    self.merge(names, below, faults)
                }
                (DeValue::Table(_), Some(old)) => faults.push(clash("a value", "a table", &old.origin)),
                (DeValue::Table(below), None) => {
                    let mut names = BTreeMap::new();
                    self.merge(&mut names, below, faults);
                    into.insert(name, Node { what: What::Table(names), origin });
                }
                (_, Some(Node { what: What::Table(_), origin })) => faults.push(clash("a table", "a value", origin)),
                (value, _) => match data(value) {
                    Ok(value) => {
                        into.insert(name, Node { what: What::Value(value), origin });
                    }
                    Err(message) => faults.push(at(self.file, self.text, key.span(), message, None)),
                },
            }
        }
    }
}

fn data(value: &DeValue<'_>) -> Result<Value, String> {
    Ok(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(moment) => Value::from(moment.to_string()),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            Value::from(parsed.map_err(|_| format!("{} is too large a number", number.as_str()))?)
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse::<f64>();
            Value::from(parsed.map_err(|_| format!("{} is no number", number.as_str()))?)
        }
        DeValue::Array(items) => {
            let items: Result<Vec<Value>, String> = items.iter().map(|item| data(item.get_ref())).collect();
            Value::from(items?)
        }
        DeValue::Table(names) => {
            let pair = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let key: &std::borrow::Cow<'_, str> = key.get_ref();
                data(value.get_ref()).map(|value| (key.to_string(), value))
            };
            let names: Result<BTreeMap<String, Value>, String> = names.iter().map(pair).collect();
            Value::from(names?)
        }
    })
}

fn table(names: &BTreeMap<String, Node>) -> Value {
    let value = |node: &Node| match &node.what {
        What::Table(below) => table(below),
        What::Value(value) => value.clone(),
    };
    Value::from(names.iter().map(|(name, node)| (name.clone(), value(node))).collect::<BTreeMap<String, Value>>())
}

/// A value in one line, as TOML would write it.
fn shown(value: &Value) -> String {
    let items = || value.try_iter().into_iter().flatten();
    match value.kind() {
        ValueKind::Bool => value.is_true().to_string(),
        ValueKind::String => format!("{:?}", value.as_str().unwrap_or_default()),
        ValueKind::Seq => format!("[{}]", items().map(|item| shown(&item)).collect::<Vec<_>>().join(", ")),
        ValueKind::Map => {
            let pair =
                |key: Value| format!("{key} = {}", value.get_item(&key).as_ref().map_or_else(|_| String::new(), shown));
            format!("{{ {} }}", items().map(pair).collect::<Vec<_>>().join(", "))
        }
        _ => value.to_string(),
    }
}
