//! What a program becomes that is a shell's text and makes room for another in the end, or only waits for it then.
//!
//! Maintainers put into such a text what a unit cannot say, and an init script says for itself: which file of settings
//! there is, and which options come of it. The daemon is what is executed at its end.

use std::collections::BTreeMap;

use svc::convert::Tree;
use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece, UNKNOWN};
use svc_core::definition::join;

/// One text may lead to another.
const ROUNDS_MAX: usize = 3;

/// The command without the texts around it.
pub(crate) fn unwrapped(tree: &Tree, command: &[String], environment: &BTreeMap<String, String>) -> Vec<String> {
    let mut command = command.to_vec();
    for _ in 0..ROUNDS_MAX {
        match inner(tree, &command, environment).or_else(|| spawned(&command)) {
            Some(inner) => command = inner,
            None => break,
        }
    }
    command
}

/// What spawn-fcgi becomes once it has opened a socket, which is what a socket unit does for its service.
///
/// Who that is stays with the command, as an option of a daemon that changes its user itself would.
fn spawned(command: &[String]) -> Option<Vec<String>> {
    const VALUES: [&str; 15] =
        ["-a", "-p", "-s", "-b", "-C", "-F", "-P", "-u", "-g", "-U", "-G", "-M", "-d", "-c", "-f"];
    let (_, mut rest) = command.split_first().filter(|(program, _)| program.ends_with("/spawn-fcgi"))?;
    let (mut inner, mut who) = (Vec::new(), Vec::new());
    while let Some((word, after)) = rest.split_first() {
        let takes = VALUES.contains(&word.as_str());
        match (word.as_str(), after.first()) {
            ("--", _) => {
                inner = after.to_vec();
                break;
            }
            ("-u" | "-g", Some(value)) => who.extend([word.clone(), value.clone()]),
            ("-f", Some(value)) => inner = vec![value.clone()],
            (word, _) if !word.starts_with('-') => {
                inner = rest.to_vec();
                break;
            }
            _ => {}
        }
        rest = if takes { after.get(1..).unwrap_or_default() } else { after };
    }
    inner.extend(who);
    (!inner.is_empty() && inner[0].starts_with('/')).then_some(inner)
}

fn inner(tree: &Tree, command: &[String], environment: &BTreeMap<String, String>) -> Option<Vec<String>> {
    let (program, words) = command.split_first()?;
    let text = tree.read(program).filter(|text| is_shells(text))?;
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let mut before: String = environment.iter().map(|(name, value)| format!("{name}={}\n", quoted(value))).collect();
    if !words.is_empty() {
        before += &format!("set -- {}\n", join(words));
    }
    let lines_before = before.lines().count();
    let whole = [before.as_bytes(), &text].concat();
    let verb = words.first().map_or("", String::as_str);
    let piece = Piece { path: program, text: &whole, style: Style::Own, verb, running: false, granted: &[] };
    let record = play::play(tree, piece);
    let launch = record.launches.last()?;
    let at = (launch.spot.line as usize).checked_sub(lines_before + 1)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    // What it only calls on its way is no daemon; and what lies in functions elsewhere is not looked for.
    let executes = text.lines().nth(at).is_some_and(|line| line.split_whitespace().any(|word| word == "exec"));
    // After its last line a shell only waits.
    let is_last = text.lines().skip(at + 1).all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
    let gives_way = &*launch.spot.file == program.as_str() && (executes || is_last);
    let known = |word: &&String| !word.contains(UNKNOWN);
    gives_way.then(|| launch.command.iter().filter(known).cloned().collect())
}

/// Whether a shell is named as what reads it.
pub(crate) fn is_shells(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = String::from_utf8_lossy(line);
    let names = line.strip_prefix("#!").map(|line| line.split([' ', '/', '\t']));
    names.is_some_and(|mut names| names.any(|name| ["sh", "bash", "dash", "ksh", "mksh"].contains(&name)))
}
