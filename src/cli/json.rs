//! Answers for programs: one object per line, each with the version of its fields.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::wire::{LogLine, Reply, SCHEMA, Summary};

/// The final answer.
pub(crate) fn reply(reply: &Reply) -> String {
    match serde_json::to_value(reply) {
        Ok(Value::Object(fields)) => object(fields),
        // A reply without fields is its name.
        Ok(Value::String(name)) => object(Map::from_iter([(name, Value::Null)])),
        Ok(_) | Err(_) => error("this answer cannot be written as JSON", super::code::FAILED),
    }
}

/// One line of a followed log.
pub(crate) fn log_line(line: &LogLine) -> String {
    named("log", line)
}

/// A service of `svc up` in another state.
pub(crate) fn state(row: &Summary) -> String {
    named("state", row)
}

/// What svcd has to say to the person at `svc up`.
pub(crate) fn remark(text: &str) -> String {
    named("remark", &text)
}

/// There is no answer.
pub(crate) fn error(text: &str, code: u8) -> String {
    #[derive(Serialize)]
    struct Fault<'a> {
        text: &'a str,
        code: u8,
    }
    named("error", &Fault { text, code })
}

/// An answer that is not svcd's.
pub(crate) fn value(name: &str, value: Value) -> String {
    object(Map::from_iter([(name.to_owned(), value)]))
}

/// What something is, under its name.
pub(crate) fn named(name: &str, value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    object(Map::from_iter([(name.to_owned(), value)]))
}

fn object(mut fields: Map<String, Value>) -> String {
    fields.insert("schema".to_owned(), SCHEMA.into());
    format!("{}\n", Value::Object(fields))
}
