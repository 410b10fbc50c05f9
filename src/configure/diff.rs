//! What differs between two versions of a file, as diff(1) would say it.

use std::time::Duration;

use similar::TextDiff;
use svc_platform::place::Content;

use super::change::Change;

/// How long the smallest difference is looked for; then a larger one must do.
const SEARCH_MAX: Duration = Duration::from_millis(500);

/// The unified difference, first what of owner and permissions differs; empty if nothing does.
pub(crate) fn unified(target: &str, change: &Change) -> String {
    let mut text = String::new();
    if let (Some(old), Some(new)) = (&change.old, &change.new) {
        if (old.uid, old.gid) != (new.uid, new.gid) {
            text.push_str(&format!("{target}: owner {}:{} -> {}:{}\n", old.uid, old.gid, new.uid, new.gid));
        }
        if old.mode != new.mode {
            text.push_str(&format!("{target}: mode {:04o} -> {:04o}\n", old.mode, new.mode));
        }
    }
    let bytes = |content: &Option<Content>| content.as_ref().map_or(Vec::new(), |content| content.bytes.clone());
    let (old, new) = (String::from_utf8(bytes(&change.old)), String::from_utf8(bytes(&change.new)));
    match (old, new) {
        (Ok(old), Ok(new)) => {
            let name = |content: &Option<Content>| if content.is_some() { target } else { "/dev/null" };
            let diff = TextDiff::configure().timeout(SEARCH_MAX).diff_lines(&old, &new);
            text.push_str(&diff.unified_diff().header(name(&change.old), name(&change.new)).to_string());
        }
        (old, new) if old.is_err() || new.is_err() => text.push_str(&format!("{target}: the old file is no text\n")),
        _ => {}
    }
    text
}
