//! Scripts that a variable switches off: `[ "$ENABLED" = yes ] || exit 0`.

use crate::note::Note;
use crate::shell::{Command, Shell, Values, WordSpan, literal};

/// What says that starting does nothing, if the variables known say so.
///
/// Only the plain forms are followed, and only where the variable has one known value: in doubt it is not switched off.
pub(super) fn off(shell: &Shell<'_>, values: &Values) -> Option<Note> {
    (0..shell.commands.len()).find_map(|at| {
        let test = Test::of(shell, &shell.commands[at], values)?;
        // One of several conditions says nothing alone.
        let chained = at.checked_sub(1).and_then(|before| between(shell, before)).is_some_and(chains);
        if chained {
            return None;
        }
        let leaves = match joint(shell, at)? {
            Joint::Or => !test.holds && exits(shell, at + 1),
            // Some words to the operator may stand before it.
            Joint::And | Joint::Then => {
                let first = if asks_for_verb(shell, at + 1) { at + 2 } else { at + 1 };
                test.holds && (first..first + SAID_MAX).any(|at| exits(shell, at) && plain_between(shell, first, at))
            }
        };
        let line = shell.line(shell.commands[at].words[0].start);
        leaves.then(|| Note::new(line, format!("`{}` is `{}`: starting does nothing", test.name, test.value)))
    })
}

fn chains(text: &[u8]) -> bool {
    text.windows(2).any(|pair| matches!(pair, b"||" | b"&&"))
}

/// So many commands may stand before `exit 0`.
const SAID_MAX: usize = 4;

/// A comparison of one variable with a text.
struct Test {
    name: String,
    value: String,
    holds: bool,
}

impl Test {
    fn of(shell: &Shell<'_>, command: &Command, values: &Values) -> Option<Self> {
        let words = match command.words.as_slice() {
            [open, middle @ .., close] if shell.bytes(*open) == b"[" && shell.bytes(*close) == b"]" => middle,
            [name, rest @ ..] if shell.bytes(*name) == b"test" => rest,
            _ => return None,
        };
        let [left, operator, right] = words else { return None };
        if shell.text[..command.words[0].start].trim_ascii_end().ends_with(b"!") {
            return None;
        }
        let name = switch_name(shell, *left)?;
        let right = literal(shell.bytes(*right))?;
        let mut found = values.expand(shell.bytes(*left)).into_iter();
        let (Some(left), None) = (found.next(), found.next()) else { return None };
        let holds = match shell.bytes(*operator) {
            b"=" | b"==" | b"-eq" => left == right,
            b"!=" | b"-ne" => left != right,
            _ => return None,
        };
        Some(Self { value: values.first(&name)?.to_string(), name, holds })
    }
}

/// The variable that is compared, if its name is one of a switch.
fn switch_name(shell: &Shell<'_>, word: WordSpan) -> Option<String> {
    let text = crate::text::decode(shell.bytes(word));
    let name: String = text
        .split_once('$')?
        .1
        .trim_start_matches('{')
        .chars()
        .take_while(|found| found.is_ascii_alphanumeric() || *found == '_')
        .collect();
    let upper = name.to_ascii_uppercase();
    ["ENABLE", "START", "RUN", "DISABLE"].iter().any(|part| upper.contains(part)).then_some(name)
}

/// How the next command hangs on this one.
enum Joint {
    Or,
    And,
    Then,
}

/// What stands between a command and the next.
fn between<'a>(shell: &'a Shell<'_>, at: usize) -> Option<&'a [u8]> {
    let end = shell.commands[at].words.last()?.end;
    let next = shell.commands.get(at + 1)?;
    let start = next.assignments.first().or(next.words.first())?.start;
    shell.text.get(end..start)
}

fn joint(shell: &Shell<'_>, at: usize) -> Option<Joint> {
    let text = between(shell, at)?;
    let has = |wanted: &[u8]| text.windows(wanted.len()).any(|part| part == wanted);
    match (has(b"||"), has(b"&&"), has(b"then")) {
        (true, false, false) => Some(Joint::Or),
        (false, true, false) => Some(Joint::And),
        (false, false, true) => Some(Joint::Then),
        _ => None,
    }
}

/// Whether a command is `exit` or `exit 0`.
fn exits(shell: &Shell<'_>, at: usize) -> bool {
    let Some(command) = shell.commands.get(at) else { return false };
    let words: Vec<&[u8]> = command.words.iter().map(|word| shell.bytes(*word)).collect();
    matches!(words.as_slice(), [b"exit"] | [b"exit", b"0"])
}

/// Whether a command compares the verb: `[ "$1" != stop ]`.
fn asks_for_verb(shell: &Shell<'_>, at: usize) -> bool {
    let Some(command) = shell.commands.get(at) else { return false };
    matches!(command.words.as_slice(), [_, left, ..] if matches!(shell.bytes(*left), b"\"$1\"" | b"$1"))
}

/// Whether from one command to another it goes on straight: nothing closes, branches or chooses.
fn plain_between(shell: &Shell<'_>, from: usize, to: usize) -> bool {
    (from..to).all(|at| {
        between(shell, at).is_some_and(|text| {
            let words = text.split(|byte| !byte.is_ascii_alphanumeric());
            let closes = |word: &[u8]| matches!(word, b"fi" | b"else" | b"elif" | b"esac" | b"then");
            !words.into_iter().any(closes) && !chains(text) && !text.windows(2).any(|pair| pair == b";;")
        })
    })
}
