//! Templates: text with values in it, strict about every name.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value, escape_formatter};

use super::fault::{ConfigureError, at, system};
use super::places::{Places, TEXT_BYTES_MAX};
use super::values::Values;

/// How many steps a template may take: a loop that never ends is a fault, not a hang.
const STEPS_MAX: u64 = 10_000_000;
/// How deep templates may call each other.
const DEPTH_MAX: usize = 50;

/// What one template gives with these values.
///
/// # Errors
///
/// It cannot be read; [`ConfigureError::Faulty`] with the place in the template.
pub(crate) fn render(places: &Places, written: &str, values: &Values) -> Result<Vec<u8>, ConfigureError> {
    let file = places.template(written).map_err(system("reading the template"))?;
    let name = places.shown(&file.path);
    let Ok(text) = String::from_utf8(file.bytes) else {
        return Err(ConfigureError::Faulty(vec![format!("{name}: a template must be UTF-8")]));
    };
    let mut environment = environment(places);
    let added = environment.add_template_owned(name.clone(), text);
    let mut out = Bounded { bytes: Vec::new() };
    let done = added.and_then(|()| {
        let template = environment.get_template(&name)?;
        template.render_captured_to(values.context(), &mut out)?;
        Ok(())
    });
    match done {
        Ok(()) => Ok(out.bytes),
        Err(error) => Err(ConfigureError::Faulty(vec![told(places, &error, values)])),
    }
}

fn environment(places: &Places) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_debug(true);
    environment.set_fuel(Some(STEPS_MAX));
    environment.set_recursion_limit(DEPTH_MAX);
    // Configuration files are no HTML, whatever their names end in.
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    // A line that has only a tag leaves no empty line, and the last line keeps its end.
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters differ from each other"));
    environment.set_formatter(print);
    environment.add_function("fail", fail);
    let places = places.clone();
    environment.set_loader(move |name| included(&places, name));
    environment.set_path_join_callback(|name, from| match Path::new(from).parent() {
        Some(directory) if name.starts_with("./") => {
            Cow::Owned(directory.join(name.trim_start_matches("./")).to_string_lossy().into_owned())
        }
        _ => Cow::Borrowed(name),
    });
    environment
}

/// Prints a value: `true` and `false` as configuration files write them, and no list or table, as each of them writes
/// those in its own way.
fn print(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let what = match value.kind() {
        ValueKind::Bool => return escape_formatter(out, state, &Value::from(value.is_true().to_string())),
        ValueKind::Seq | ValueKind::Iterable => "a list cannot be printed as it is; write `| join(' ')` or a loop",
        ValueKind::Map => "a table cannot be printed as it is; name a value in it",
        _ => return escape_formatter(out, state, value),
    };
    Err(Error::new(ErrorKind::InvalidOperation, what))
}

/// `{{ fail("say why") }}`: what a template refuses to be made with.
fn fail(text: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, text))
}

/// The text of a template that another names.
fn included(places: &Places, name: &str) -> Result<Option<String>, Error> {
    let read = |error: io::Error| Error::new(ErrorKind::TemplateNotFound, error.to_string());
    let file = places.template(name).map_err(read)?;
    let text = String::from_utf8(file.bytes);
    text.map(Some).map_err(|_| Error::new(ErrorKind::TemplateNotFound, format!("{name}: a template must be UTF-8")))
}

/// An error of the engine with its place and, for a name that stands for nothing, with what may have been meant.
fn told(places: &Places, error: &Error, values: &Values) -> String {
    // What went wrong in an included file is said there.
    let mut error = error;
    while let Some(inner) = std::error::Error::source(error).and_then(|source| source.downcast_ref::<Error>()) {
        error = inner;
    }
    let detail = match error.detail() {
        Some(detail) => detail.to_owned(),
        None if error.kind() == ErrorKind::OutOfFuel => "it does not come to an end".to_owned(),
        None => error.kind().to_string(),
    };
    let mut help = None;
    if let Some(name) = undefined(&detail) {
        help = Some(match (values.meant(name), name.rsplit_once('.')) {
            (Some((meant, origin)), _) => format!("did you mean `{meant}` ({origin})?"),
            // A name of the template's own, or the engine would have stopped at its first part.
            (None, Some((table, last))) => format!("`{table}` has no `{last}`"),
            (None, None) => format!("no file of values defines `{name}`; svc-configure(7) says where they are"),
        });
    }
    let Some(name) = error.name() else { return detail };
    // An included template goes by its short name.
    let file = places.template(name).map_or_else(|_| name.to_owned(), |file| places.shown(&file.path));
    match (error.template_source(), error.range()) {
        (Some(text), Some(span)) => at(&file, text, span, detail, help),
        _ => format!("{file}:{}: {detail}", error.line().unwrap_or(0)),
    }
}

/// The name in a message of the engine that something is undefined.
fn undefined(detail: &str) -> Option<&str> {
    let (before, _) = detail.split_once("` is undefined")?;
    before.rsplit_once('`').map(|(_, name)| name)
}

/// What a template prints, up to the most that a file may have.
struct Bounded {
    bytes: Vec<u8>,
}

impl Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if (self.bytes.len() + more.len()) as u64 > TEXT_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file becomes too large"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
