//! Text in HTML and SVG.

use std::borrow::Cow;

/// Text that HTML and SVG take for nothing else.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(|found: char| "<>&\"'".contains(found) || found.is_control()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for found in text.chars() {
        match found {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' => out.push(' '),
            odd if odd.is_control() => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    Cow::Owned(out)
}
